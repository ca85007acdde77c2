-- A deploy that named no projects is one of every project of its release.
INSERT INTO deploy_project
SELECT deploy.id, project_id FROM deploy
JOIN release_project ON release_project.release_id = deploy.release_id
WHERE NOT EXISTS (SELECT 1 FROM deploy_project WHERE deploy_id = deploy.id);
