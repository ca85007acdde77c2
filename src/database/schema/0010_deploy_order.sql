-- The deploys of an environment in the order in which they were recorded.
CREATE INDEX deploy_order ON deploy (environment, id);
