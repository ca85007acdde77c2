//! How SQLite finds what each endpoint asks for, in a file with 100,000 releases.

use super::api::endpoints;
use super::loopback::{LoopbackServer, TOKEN};
use crate::database::trace;
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

/// A long life of one organization: a release each hour with two commits and two deploys, and a bundle
/// for some.
const ROWS: &str = "
    INSERT INTO repository (id, organization_id, name, created_at) VALUES (1, 1, 'acme/web', 0);
    INSERT INTO project (id, organization_id, slug, created_at) VALUES (2, 1, 'api', 0);
    INSERT INTO commit_author VALUES (1, 1, 'ada@acme.example', 'Ada');
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
        INSERT INTO release (id, organization_id, version, created_at)
        SELECT i, 1, 'web@' || i, i * 3600000 FROM n;
    INSERT INTO release_project SELECT id, 1 FROM release;
    INSERT INTO source_commit SELECT id, 1, printf('%040x', id), 'm', 1, created_at FROM release;
    INSERT INTO commit_file SELECT id, id, 'src/main.rs', 'M' FROM release;
    INSERT INTO release_commit SELECT id, 0, id FROM release;
    INSERT INTO release_head SELECT id, 1, id, NULL FROM release;
    INSERT INTO deploy SELECT id, id, 'production', NULL, NULL, NULL, created_at FROM release;
    INSERT INTO deploy_project SELECT id, 1 FROM release;
    INSERT INTO upload_chunk SELECT id, 1, printf('%040x', id), X'00', NULL FROM release
        WHERE id <= 25000;
    INSERT INTO artifact_bundle SELECT id, 1, printf('00000000-0000-4000-8000-%012x', id),
        printf('%040x', id), 1, 1, 1, NULL, NULL, created_at, created_at FROM release
        WHERE id <= 25000;
    INSERT INTO artifact_bundle_chunk SELECT id, 0, 0, id FROM artifact_bundle;
    INSERT INTO artifact_bundle_project SELECT id, 1 + (id > 9) FROM artifact_bundle;
    INSERT INTO artifact_bundle_release SELECT id, 'web@' || id, '', 1 FROM artifact_bundle;
    INSERT INTO artifact_bundle_file SELECT id, 'files/_/_/a.js', '~/a.js', 2,
        bundle_id, NULL, 1, 0, 1, 0, 0
        FROM artifact_bundle;";

/// One request to each endpoint, and to some of them in other words: method, path, and body. Not
/// among them is a search for a part of a version, which reads until it has found a page of them.
pub(super) const REQUESTS: &[[&str; 3]] = &[
    ["GET", "", ""],
    ["GET", "organizations/", ""],
    ["GET", "organizations/acme/", ""],
    ["GET", "organizations/acme/projects/", ""],
    ["GET", "projects/acme/web/", ""],
    ["POST", "organizations/acme/pipeline/integration_pipeline/", OPSGENIE],
    ["GET", "organizations/acme/pipeline/integration_pipeline/", ""],
    ["POST", "organizations/acme/pipeline/integration_pipeline/", ANSWER],
    ["GET", "organizations/acme/integrations/", ""],
    ["GET", "organizations/acme/integrations/?provider_key=opsgenie", ""],
    ["GET", "organizations/acme/integrations/1/", ""],
    ["GET", "organizations/acme/integrations/1/repos/", ""],
    ["GET", "organizations/acme/config/integrations/", ""],
    ["GET", "organizations/acme/repos/", ""],
    ["GET", "organizations/acme/repos/?query=web", ""],
    ["POST", "organizations/acme/repos/", REPOSITORY],
    ["GET", "organizations/acme/repos/1/", ""],
    ["GET", "organizations/acme/repos/1/commits/", ""],
    ["GET", "organizations/acme/code-mappings/", ""],
    ["POST", "organizations/acme/code-mappings/", "{}"],
    ["POST", "organizations/acme/code-mappings/bulk/", BULK],
    ["GET", "organizations/acme/releases/", ""],
    ["GET", "organizations/acme/releases/?environment=production&project=1", ""],
    ["GET", "projects/acme/web/releases/", ""],
    ["POST", "projects/acme/web/releases/", RELEASE],
    ["GET", "projects/acme/web/releases/web@500/", ""],
    ["PUT", "projects/acme/web/releases/web@500/", PUT],
    ["DELETE", "projects/acme/web/releases/web@502/", ""],
    ["POST", "organizations/acme/releases/", RELEASE],
    ["POST", "organizations/acme/releases/", REFS],
    ["GET", "organizations/acme/releases/web@500/", ""],
    ["PUT", "organizations/acme/releases/web@500/", PUT],
    ["GET", "organizations/acme/releases/web@500/previous-with-commits/", ""],
    ["GET", "organizations/acme/releases/web@500/commits/", ""],
    ["GET", "organizations/acme/releases/web@500/commitfiles/", ""],
    ["GET", "organizations/acme/releases/web@500/deploys/", ""],
    ["POST", "organizations/acme/releases/web@500/deploys/", "{\"environment\":\"production\"}"],
    ["GET", "organizations/acme/chunk-upload/", ""],
    ["POST", "organizations/acme/chunk-upload/", CHUNK],
    ["POST", "organizations/acme/artifactbundle/assemble/", KNOWN_BUNDLE],
    ["POST", "organizations/acme/artifactbundle/assemble/", NEW_BUNDLE],
    ["GET", "projects/acme/web/files/artifact-bundles/", ""],
    ["GET", "projects/acme/web/files/artifact-bundles/?query=web@5", ""],
    ["GET", "projects/acme/web/artifact-bundles/00000000-0000-4000-8000-000000000005/files/", ""],
    ["GET", FILE, ""],
    ["GET", "projects/acme/web/artifact-lookup/?download=artifact_bundle/5", ""],
    ["GET", "projects/acme/web/artifact-lookup/?debug_id=00000000000040008000000000000005", ""],
    ["GET", "projects/acme/web/artifact-lookup/?release=web@6&url=a.js", ""],
    ["DELETE", UNLINKED, ""],
    ["PUT", "organizations/acme/integrations/1/", "{}"],
    ["PUT", "organizations/acme/code-mappings/1/", "{}"],
    ["DELETE", "organizations/acme/code-mappings/1/", ""],
    ["PUT", "organizations/acme/repos/1/", "{\"status\":\"hidden\"}"],
    ["DELETE", "organizations/acme/repos/1/", ""],
    ["DELETE", "organizations/acme/releases/web@501/", ""],
    ["DELETE", "organizations/acme/integrations/1/", ""],
];

/// A chunk whose bytes are `a`.
const CHUNK: &str = "--x\r\nContent-Disposition: form-data; name=\"file\"; \
    filename=\"86f7e437faa5a7fce15d1ddcb9eaeaea377667b8\"\r\n\r\na\r\n--x--\r\n";
const KNOWN_BUNDLE: &str = r#"{"checksum":"0000000000000000000000000000000000000005","chunks":[],
    "projects":["web","api"],"version":"web@6"}"#;
const NEW_BUNDLE: &str = r#"{"checksum":"86f7e437faa5a7fce15d1ddcb9eaeaea377667b8",
    "chunks":["86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"],"projects":["web"],"version":"web@6"}"#;
const FILE: &str = "projects/acme/web/artifact-bundles/00000000-0000-4000-8000-000000000005/files/\
    ZmlsZXMvXy9fL2EuanM=/";
const UNLINKED: &str = "projects/acme/web/files/artifact-bundles/\
    ?bundleId=00000000-0000-4000-8000-000000000007";
const OPSGENIE: &str = r#"{"action":"initialize","provider":"opsgenie"}"#;
const ANSWER: &str = r#"{"base_url":"https://api.opsgenie.com/","provider":"ops","api_key":"k-1"}"#;
const REPOSITORY: &str =
    r#"{"provider":"integrations:github","identifier":"acme/api","installation":"1"}"#;
const BULK: &str =
    r#"{"project":"web","repository":"acme/web","mappings":[{"stackRoot":"a","sourceRoot":"b"}]}"#;
const RELEASE: &str = r#"{"version":"web@new","projects":["web"],
    "commits":[{"id":"aaaaaaaaaa","author_email":"a@b.example","repository":"acme/web",
    "patch_set":[{"path":"a","type":"A"}]}]}"#;
const PUT: &str = r#"{"dateReleased":"2026-01-01T00:00:00Z","commits":[{"id":"aaaaaaaaaa"}],
    "refs":[{"repository":"acme/web","commit":"bbbbbbbbbb"}]}"#;
const REFS: &str = r#"{"version":"web@1","projects":["web"],
    "refs":[{"repository":"acme/web","commit":"bbbbbbbbbb"}]}"#;

/// A request's status.
fn send(address: SocketAddr, [method, path, body]: [&str; 3]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let is_form = body.starts_with("--");
    let kind = if is_form { "multipart/form-data; boundary=x" } else { "application/json" };
    let request = format!(
        "{method} /api/0/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Authorization: Bearer {TOKEN}\r\nContent-Type: {kind}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// What a server over a file with these rows carried out for these requests, and the transactions in
/// which it wrote for each.
async fn statements(
    database: &Path,
    rows: &str,
) -> (BTreeMap<String, i32>, Vec<([&'static str; 3], Vec<String>)>) {
    let server = LoopbackServer::prepare(database).await;
    let address = server.address;
    Connection::open(database).unwrap().execute_batch(rows).unwrap();
    let serving = server.serve();
    trace::take();
    let mut written = Vec::new();
    for request in REQUESTS {
        trace::take_written();
        let answer = tokio::task::spawn_blocking(move || send(address, *request)).await.unwrap();
        assert!(!answer.starts_with("HTTP/1.1 5"), "{request:?} {answer}");
        written.push((*request, trace::take_written()));
    }
    serving.abort();
    (trace::take(), written)
}

/// The steps of a plan that read a whole table.
fn scans(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    // Its parameters stay unbound: a plan is made without them.
    let steps = statement.raw_query().mapped(|row| row.get("detail"));
    let steps: Vec<String> = steps.collect::<Result<_, _>>().unwrap();
    let is_list = |step: &str| ["json_each", "CONSTANT ROW"].iter().any(|one| step.contains(one));
    steps.into_iter().filter(|step| step.starts_with("SCAN") && !is_list(step)).collect()
}

#[tokio::test]
async fn each_call_uses_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("f.db");
    let (all, _) = statements(&database, ROWS).await;
    let connection = Connection::open(&database).unwrap();
    let releases = "SELECT count(*) FROM release";
    let releases: i64 = connection.query_row(releases, [], |row| row.get(0)).unwrap();
    assert_eq!(releases, 99_999, "one was made, and two were deleted");
    // An INSERT is found by what makes its row unique.
    let judged = |sql: &&String| ["SELECT", "UPDATE", "DELETE"].iter().any(|w| sql.starts_with(w));
    let plans: Vec<_> =
        all.keys().filter(judged).map(|sql| (sql, scans(&connection, sql))).collect();
    assert!(plans.len() > 30, "only {} statements were heard", plans.len());
    let scans: Vec<_> = plans.iter().filter(|(_, scans)| !scans.is_empty()).collect();
    assert!(scans.is_empty(), "{scans:#?}");
    // Reading all releases once takes some hundred thousand steps.
    let long: Vec<_> = all.iter().filter(|(_, steps)| **steps > 20_000).collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[tokio::test]
async fn each_call_writes_in_one_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let few = ROWS.replace("100000", "600");
    let (_, written) = statements(&folder.path().join("f.db"), &few).await;
    let is_read = |method: &str| method == "GET";
    for ([method, path, body], transactions) in &written {
        let most = usize::from(!is_read(method));
        assert!(transactions.len() <= most, "{method} {path} {body} {transactions:#?}");
    }
    let wrote = written.iter().filter(|(_, transactions)| transactions.len() == 1).count();
    assert!(wrote >= 7, "only {wrote} requests wrote something");
}

/// Whether a path is of this pattern, whose parts in braces stand for one segment each.
fn is_of(path: &str, pattern: &str) -> bool {
    let path = path.split('?').next().unwrap_or(path);
    let (parts, known): (Vec<_>, Vec<_>) =
        (path.split('/').collect(), pattern.split('/').collect());
    let fits = |(part, known): (&&str, &&str)| known.starts_with('{') || part == known;
    parts.len() == known.len() && parts.iter().zip(&known).all(fits)
}

#[test]
fn every_endpoint_is_asked() {
    let endpoints: Vec<_> =
        endpoints().iter().flat_map(|one| one.endpoints().collect::<Vec<_>>()).collect();
    for (method, pattern) in endpoints {
        let is_requested = REQUESTS
            .iter()
            .any(|[verb, path, _]| *verb == method && is_of(&format!("/api/0/{path}"), &pattern));
        assert!(is_requested, "{method} {pattern}");
    }
}
