-- What a run looks up among many: an integration by its name, and what is linked through one.
CREATE INDEX integration_name ON integration (provider, name);
CREATE INDEX repository_integration ON repository (organization_id, integration_id, name, id);
CREATE INDEX code_mapping_integration ON code_mapping (organization_integration_id);
