//! What the embedded backend's statements cost in SQLite's own steps, among few and among many: an
//! install, a plan, links, a release and a deploy cost the same.

use super::{EmbeddedBackend, EmbeddedReleases, links_read_only, list_read_only};
use crate::backend::LinkReport;
use crate::database::{Database, trace};
use crate::env::Env;
use crate::inputs::raw::{CommandLineFlags, RawInputs};
use crate::inputs::types::BackendName;
use crate::inputs::{CodeMapping, Inputs};
use crate::integration::{IntegrationTask, PipelineStart, RequestedLinks, driver};
use crate::model::OrgSlug;
use crate::os::files;
use crate::release::{Deploy, OwnDeploy, ReleaseBackend, ReleaseUpdate, ReleaseVersion};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::Path;

/// As many integrations of the organization and of others, with everything that they left behind, as
/// many repositories and mappings, and as many releases with their deploys; `{n}` is the number.
const ROWS: &str = "
    CREATE TEMP TABLE n AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n
        WHERE i < {n}) SELECT i FROM n;
    INSERT INTO user VALUES (1, 'local');
    INSERT INTO organization VALUES (1, 'acme', 0);
    INSERT INTO organization SELECT i + 1, 'o-' || i, 0 FROM n;
    INSERT INTO member SELECT id, 1, 'owner' FROM organization;
    INSERT INTO integration SELECT i, 'opsgenie', 'account-' || i, 'account-' || i, '{}', 'active', 0
        FROM n;
    INSERT INTO integration SELECT {n} + i, 'custom_scm', 'id-' || i, 'name-' || i,
        json_object('domain_name', 'https://git.example/'), 'active', 0 FROM n;
    INSERT INTO organization_integration (organization_id, integration_id, config, status, created_at)
        SELECT 1, id, '{}', 'active', 0 FROM integration;
    INSERT INTO organization_integration (organization_id, integration_id, config, status, created_at)
        SELECT i + 1, i, '{}', 'active', 0 FROM n;
    INSERT INTO audit_log_entry SELECT i, 1, 1, 'integration.add', i, '{}', 0 FROM n;
    INSERT INTO analytics_event SELECT i, 'integrations.pipeline_step', '{}', 0 FROM n;
    INSERT INTO pipeline_state (key, uid, provider_key, org_id, step_index, signature, config, data,
        expires_at, callback, ended) SELECT 'k' || i, 1, 'opsgenie', 1, 0, 's', '{}', '{}',
        9000000000000, 'c' || i, i % 2 FROM n;
    INSERT INTO project SELECT i, 1, 'p-' || i, 0 FROM n;
    INSERT INTO repository (id, organization_id, name, provider, external_id, integration_id, created_at)
        SELECT i, 1, 'acme/r-' || i, 'integrations:custom_scm', 'r-' || i, {n} + i % 20 + 1, 0 FROM n;
    INSERT INTO code_mapping SELECT i, i, i, link.id, 'src', '', NULL, 0 FROM n
        JOIN organization_integration AS link ON link.organization_id = 1
            AND link.integration_id = {n} + i % 20 + 1;
    INSERT INTO release (id, organization_id, version, created_at) SELECT i, 1, 'v' || i, i FROM n;
    INSERT INTO release_project SELECT i, 1 FROM n;
    INSERT INTO deploy SELECT i, i, 'production', NULL, NULL, NULL, i FROM n;
    INSERT INTO deploy_project SELECT i, 1 FROM n;";

fn acme() -> OrgSlug {
    OrgSlug::parse("acme").unwrap()
}

/// What is asked for: an integration of this provider with this state.
fn task(provider: &str, state: &str) -> IntegrationTask {
    let variables = [
        ("FINISHLINE_BACKEND", "embedded"),
        ("FINISHLINE_ORG", "acme"),
        ("FINISHLINE_PROVIDER", provider),
        ("FINISHLINE_STATE", state),
    ];
    let env = Env::from_os(variables.map(|(name, value)| (name.into(), value.into())));
    let (raw, mistakes) = RawInputs::collect(CommandLineFlags::default(), &env, &files::read);
    let inputs =
        Inputs::read(&raw, &env, &files::read, mistakes).map_err(|one| one.message).unwrap();
    IntegrationTask::new(&inputs, BackendName::Embedded).unwrap()
}

/// Decides by what is listed, and installs.
async fn install(path: &Path, task: &IntegrationTask) -> i64 {
    let mut database = Database::open(path).await.unwrap();
    let mut backend = EmbeddedBackend::new(&mut database);
    let listed = backend.list(task).await.unwrap();
    assert!(task.decide(&listed).unwrap().existing_id().is_none());
    let start = PipelineStart {
        provider: task.provider,
        org: &task.org,
        initial_data: None,
        app: None,
        integration_id: None,
        base_url: "http://127.0.0.1",
        next: None,
    };
    match driver::drive(&mut backend, task, start).await.unwrap() {
        driver::PipelineEnd::Finished(finished) => finished.id,
        other => panic!("{other:?}"),
    }
}

async fn link(path: &Path, task: &IntegrationTask, integration: i64) {
    let requested = RequestedLinks {
        repositories: vec!["acme/new".to_owned()],
        code_mappings: vec![CodeMapping {
            project: "p-1".to_owned(),
            repository: "acme/new".to_owned(),
            stack_root: "new".to_owned(),
            source_root: "app/".to_owned(),
            default_branch: None,
        }],
        ..RequestedLinks::default()
    };
    let mut database = Database::open(path).await.unwrap();
    let mut report = LinkReport::default();
    let mut backend = EmbeddedBackend::new(&mut database);
    backend.set_links(task, integration, &requested, &mut report).await;
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    links_read_only(path, &task.org, Some(integration), &requested).await.unwrap();
}

async fn release(path: &Path) {
    let (version, projects) = (ReleaseVersion::parse("new").unwrap(), vec!["p-1".to_owned()]);
    let mut backend = EmbeddedReleases::open(path, &acme(), &version).await.unwrap();
    backend.read().await.unwrap();
    backend.ensure(&projects, &ReleaseUpdate::default()).await.unwrap();
    backend.change(&ReleaseUpdate { date_released: Some(7), ..Default::default() }).await.unwrap();
    let environment = "production".to_owned();
    let deploy = Deploy { environment, name: None, url: None, started: None, finished: i64::MAX };
    backend.deploy(&projects, &deploy).await.unwrap();
    for existing in backend.deploys(&projects, "production").await.unwrap() {
        let own = OwnDeploy { deploy: &existing, run_page: None };
        backend.is_current(&projects, &own).await.unwrap();
    }
    backend.previous().await.unwrap();
    let read = EmbeddedReleases::open_to_read(path, &acme(), &version).await.unwrap();
    read.unwrap().existing().await.unwrap();
}

/// The steps of each statement, in a file with this many of everything.
async fn cost(number: usize) -> BTreeMap<String, i32> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.db");
    drop(Database::open(&path).await.unwrap());
    let rows = ROWS.replace("{n}", &number.to_string());
    Connection::open(&path).unwrap().execute_batch(&rows).unwrap();
    trace::take();
    let account = "{baseUrl: 'https://api.opsgenie.com/', provider: new, apiKey: k-1}";
    let opsgenie = task("opsgenie", account);
    list_read_only(&path, &opsgenie).await.unwrap();
    install(&path, &opsgenie).await;
    let host = task("custom_scm", "{name: new, url: 'https://git.example/'}");
    list_read_only(&path, &host).await.unwrap();
    let integration = install(&path, &host).await;
    link(&path, &host, integration).await;
    release(&path).await;
    trace::take()
}

#[tokio::test]
async fn a_run_costs_the_same_among_few_and_among_many() {
    let (few, many) = (cost(500).await, cost(10_000).await);
    assert!(few.len() > 40, "only {} statements were heard", few.len());
    // A statement of a few steps has one more or less by chance.
    let is_dearer =
        |(sql, steps): &(&String, &i32)| **steps > few.get(*sql).unwrap_or(&0) * 6 / 5 + 20;
    let dearer: Vec<_> = many.iter().filter(is_dearer).collect();
    assert!(dearer.is_empty(), "{dearer:#?}");
    let total = |all: &BTreeMap<String, i32>| all.values().sum::<i32>();
    assert!(total(&many) * 5 <= total(&few) * 6, "{} {}", total(&few), total(&many));
}
