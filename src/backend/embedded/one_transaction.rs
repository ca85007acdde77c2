//! What one request, or one step, of the release job and of the links writes: all in one
//! transaction, so that no kill comes between.

use super::{EmbeddedBackend, EmbeddedReleases};
use crate::backend::LinkReport;
use crate::database::{Database, trace};
use crate::inputs::CodeMapping;
use crate::inputs::release::Ref;
use crate::integration::{IntegrationTask, RequestedLinks};
use crate::model::{OrgSlug, PipelineType};
use crate::provider;
use crate::release::{
    Commit, Deploy, DeployResult, ReleaseBackend, ReleaseUpdate, ReleaseVersion, UpdateResult,
};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.db");
    (folder, path)
}

fn acme() -> OrgSlug {
    OrgSlug::parse("acme").unwrap()
}

async fn releases(path: &Path, version: &str) -> EmbeddedReleases {
    let version = ReleaseVersion::parse(version).unwrap();
    EmbeddedReleases::open(path, &acme(), &version).await.unwrap()
}

/// Commits of two repositories, and a ref, to a repository that is there once the commits are.
fn update(repository: &str) -> ReleaseUpdate {
    let commit = |id: &str| Commit { id: id.repeat(40), ..Commit::default() };
    let known = Ref { repository: repository.to_owned(), commit: "c".repeat(40), previous: None };
    ReleaseUpdate {
        commits: vec![commit("a"), commit("b")],
        repository: Some("acme/web".to_owned()),
        refs: vec![known],
        ..ReleaseUpdate::default()
    }
}

fn projects() -> Vec<String> {
    ["web", "api"].map(str::to_owned).to_vec()
}

fn deploy(finished: i64) -> Deploy {
    let environment = "production".to_owned();
    Deploy { environment, name: None, url: None, started: None, finished }
}

/// The transactions that were written since the last call.
#[track_caller]
fn assert_written(count: usize) {
    let written = trace::take_written();
    assert_eq!(written.len(), count, "{written:#?}");
}

fn rows(path: &Path, sql: &str) -> i64 {
    Connection::open(path).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_release_with_all_that_belongs_to_it_is_one_transaction_and_its_deploy_another() {
    let (_folder, path) = file();
    let mut backend = releases(&path, "v1").await;
    assert_written(0);
    let result = backend.ensure(&projects(), &update("acme/web")).await.unwrap();
    let UpdateResult::Stored { standing, made: true } = result else { panic!("{result:?}") };
    assert_eq!(standing.commit_count, 2);
    assert_eq!(backend.created.len(), 3, "{:?}", backend.created);
    assert_written(1);
    let released = ReleaseUpdate { date_released: Some(7), ..update("acme/web") };
    backend.change(&released).await.unwrap();
    assert_written(1);
    backend.deploy(&projects(), &deploy(9)).await.unwrap();
    assert_written(1);
}

#[tokio::test]
async fn a_release_that_is_rejected_leaves_nothing() {
    let (_folder, path) = file();
    let mut backend = releases(&path, "v1").await;
    let result = backend.ensure(&projects(), &update("acme/unknown")).await.unwrap();
    assert!(matches!(result, UpdateResult::Rejected(_)), "{result:?}");
    assert_eq!(backend.created, [""; 0]);
    let count = "SELECT (SELECT count(*) FROM organization) + (SELECT count(*) FROM release)
                 + (SELECT count(*) FROM source_commit) + (SELECT count(*) FROM project)";
    assert_eq!(rows(&path, count), 0);
    let result = backend.ensure(&projects(), &update("acme/web")).await.unwrap();
    assert!(matches!(result, UpdateResult::Stored { made: true, .. }), "{result:?}");
    assert_eq!(backend.created.len(), 3, "{:?}", backend.created);
}

#[tokio::test]
async fn a_link_is_one_transaction() {
    let (_folder, path) = file();
    let mut database = Database::open(&path).await.unwrap();
    let org = database.ensure_organization(&acme(), &[]).await.unwrap();
    let linked = "INSERT INTO integration VALUES (1, 'github', 'acme', 'acme', '{}', 'active', 0);
        INSERT INTO organization_integration (organization_id, integration_id, config, status, created_at)
        VALUES (1, 1, '{}', 'active', 0)";
    Connection::open(&path).unwrap().execute_batch(linked).unwrap();
    let provider = provider::find("github").unwrap();
    let task = IntegrationTask::for_resume("github", provider, acme(), None, PipelineType::Install);
    let code_mapping = CodeMapping {
        project: "web".to_owned(),
        repository: "acme/web".to_owned(),
        stack_root: "src/".to_owned(),
        source_root: "app/".to_owned(),
        default_branch: None,
    };
    let requested = RequestedLinks {
        repositories: vec!["acme/web".to_owned()],
        code_mappings: vec![code_mapping.clone()],
        ..RequestedLinks::default()
    };
    let unlinked = CodeMapping { repository: "acme/other".to_owned(), ..code_mapping };
    let mut backend = EmbeddedBackend::new(&mut database);
    trace::take_written();
    let mut report = LinkReport::default();
    backend.set_links(&task, 1, &requested, &mut report).await;
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    assert_written(2);
    // Not even the project of a mapping that could not be set.
    let project = "other".to_owned();
    let code_mappings = vec![CodeMapping { project, ..unlinked }];
    let requested = RequestedLinks { code_mappings, ..RequestedLinks::default() };
    backend.set_links(&task, 1, &requested, &mut report).await;
    assert_eq!(report.warnings.len(), 1);
    assert_written(0);
    assert_eq!(backend.linked(org, 1).await.unwrap().code_mappings.len(), 1);
    assert_eq!(rows(&path, "SELECT count(*) FROM project"), 1);
}

/// Notes the deploy; whether it is a new one.
async fn note(backend: &mut EmbeddedReleases, deploy: &Deploy, projects: &[String]) -> bool {
    match backend.deploy(projects, deploy).await.unwrap() {
        DeployResult::There(_) => true,
        DeployResult::Existing(_) => false,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn runs_that_note_one_deploy_at_once_note_one() {
    let (_folder, path) = file();
    let (web, both) = (vec!["web".to_owned()], projects());
    let mut before = releases(&path, "v1").await;
    before.ensure(&both, &ReleaseUpdate::default()).await.unwrap();
    assert!(note(&mut before, &deploy(1), &both).await);
    // Two that begin now, and one of the release after.
    let (mut one, mut other) = (releases(&path, "v1").await, releases(&path, "v1").await);
    let mut next = releases(&path, "v2").await;
    next.ensure(&both, &ReleaseUpdate::default()).await.unwrap();
    assert!(note(&mut one, &deploy(5), &both).await);
    assert!(!note(&mut other, &deploy(4), &both).await);
    // Whatever tells two deploys apart makes two of them.
    let staging = Deploy { environment: "staging".to_owned(), ..deploy(4) };
    let named = Deploy { name: Some("blue".to_owned()), ..deploy(4) };
    let at_page = Deploy { url: Some("https://acme.example/1".to_owned()), ..deploy(4) };
    let started = Deploy { started: Some(3), ..deploy(4) };
    for different in [staging, named, at_page, started] {
        assert!(note(&mut other, &different, &both).await, "{different:?}");
    }
    assert!(note(&mut other, &deploy(4), &web).await);
    // What another release has replaced is noted again, and so is what a later run notes.
    assert!(note(&mut next, &deploy(6), &both).await);
    assert!(note(&mut other, &deploy(7), &both).await);
    let mut later = releases(&path, "v1").await;
    assert!(note(&mut later, &deploy(8), &both).await);
}
