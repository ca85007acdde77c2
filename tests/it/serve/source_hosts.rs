//! Repositories of every source host over `serve`: named as the embedded backend names them.

use crate::support::rows::rows;
use crate::support::run::ProgramRun;
use crate::support::serve::ServeProcess;
use rusqlite::Connection;

/// The providers that have repositories which somebody else than a commit names.
const HOSTS: [&str; 8] = [
    "bitbucket",
    "bitbucket_server",
    "example",
    "gitea",
    "github",
    "github_enterprise",
    "gitlab",
    "vsts",
];
const NAMES: &str = "SELECT provider || ' ' || name FROM repository WHERE status = 'active'
    AND integration_id IS NOT NULL ORDER BY 1";

/// An integration of each.
fn install_all(database: &Connection) {
    for (at, key) in HOSTS.iter().enumerate() {
        let id = i64::try_from(at + 1).unwrap();
        let metadata = r#"{"base_url": "https://scm.example.com"}"#;
        let sql = "INSERT INTO integration VALUES (?1, ?2, ?2, ?2, ?3, 'active', 0)";
        database.execute(sql, (id, key, metadata)).unwrap();
        let sql = "INSERT INTO organization_integration
                       (organization_id, integration_id, config, status, created_at)
                   SELECT id, ?1, '{}', 'active', 0 FROM organization WHERE slug = 'acme'";
        database.execute(sql, [id]).unwrap();
    }
}

/// A manifest that links a repository through each, by its id alone, and maps its code.
fn manifest() -> String {
    let entry = |(at, key): (usize, &&str)| {
        let (id, name) = (at + 1, format!("acme/my-{}", key.replace('_', "-")));
        format!(
            "  - {{mode: link, integration-id: {id}, repositories: [{name}],
     code-mappings: [{{project: web, repository: {name}, stackRoot: s{id}/}}]}}\n"
        )
    };
    let entries: String = HOSTS.iter().enumerate().map(entry).collect();
    format!("version: 1\nintegrations:\n{entries}")
}

#[test]
fn a_repository_of_each_source_host_is_named_as_the_embedded_backend_names_it() {
    let serve = ServeProcess::start();
    let embedded = ProgramRun::github().embedded("example", "{name: first}");
    embedded.execute().expect(0);
    let connection = embedded.connection();
    connection.execute("DELETE FROM organization_integration", []).unwrap();
    connection.execute("DELETE FROM integration", []).unwrap();
    let embedded = embedded.without("FINISHLINE_PROVIDER").without("FINISHLINE_STATE");
    let at_serve = serve.github_run().var("SENTRY_ORG", "acme");
    for (run, database) in [(embedded, connection), (at_serve, serve.database())] {
        install_all(&database);
        run.file("finishline.yml", manifest());
        let run = run.var("FINISHLINE_MANIFEST", "finishline.yml");
        let ended = run.execute().expect(0);
        assert_eq!(ended.joined(["changed", "warnings"]), "true ", "{}", ended.stderr);
        let named =
            HOSTS.map(|key| format!("integrations:{key} acme/my-{}", key.replace('_', "-")));
        assert_eq!(rows(&database, NAMES), named);
        run.args(&["plan", "--exit-code"]).execute().expect(0);
    }
}
