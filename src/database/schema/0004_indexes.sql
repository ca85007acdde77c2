-- What is found among many: the newest deploy of an environment, a user's organizations, and the
-- pipelines that have expired.
CREATE INDEX deploy_newest ON deploy (environment, date_finished, id);
CREATE INDEX member_user ON member (user_id);
CREATE INDEX pipeline_state_expiry ON pipeline_state (expires_at);
