//! `mode: remove` once the integration is gone: the fields that tell one integration from another say that it is
//! none of the others, however many fields an install needs besides.

use crate::support::run::ProgramRun;
use crate::support::serve::ServeProcess;
use rusqlite::Connection;
use serde_json::json;

/// A provider, another integration of it (external id, name, place), and the states that say so, and that
/// do not.
type RemovalCase =
    (&'static str, [&'static str; 3], &'static [&'static str], &'static [&'static str]);

const CASES: [RemovalCase; 6] = [
    (
        "gitlab",
        ["gitlab.example.com:12", "Other", "gitlab.example.com/other"],
        &[
            "{url: 'https://gitlab.example.com', group: acme}",
            "{url: 'https://gitlab.example.com', clientId: app}",
        ],
        &["{url: 'https://gitlab.example.com'}", "{group: acme}", "{clientId: app}"],
    ),
    // Its group is not shown.
    (
        "gitlab",
        ["gitlab.example.com:12", "Other", ""],
        &["{url: 'https://gitlab.example.com', clientId: app}"],
        &["{url: 'https://gitlab.example.com', group: acme}"],
    ),
    (
        "custom_scm",
        ["0a1b", "Our Git", "https://git.example.com/Our Git"],
        &["{name: Our Git, url: 'https://other.example.com'}", "{name: Their Git}"],
        &["{url: 'https://other.example.com'}"],
    ),
    (
        "gitea",
        ["gitea.example.com:one", "Other", "gitea.example.com"],
        &["{url: 'https://gitea.example.com', clientId: two}"],
        &["{url: 'https://gitea.example.com'}", "{clientId: two}"],
    ),
    (
        "github_enterprise",
        ["github.example.com:7", "Other", "github.example.com/other"],
        &["{url: 'https://github.example.com', installationId: '8'}"],
        &["{url: 'https://github.example.com'}", "{installationId: '8'}"],
    ),
    (
        "bitbucket_server",
        ["git.example.com:one", "Other", "git.example.com"],
        &["{url: 'https://git.example.com', consumerKey: two}"],
        &["{url: 'https://git.example.com'}", "{consumerKey: two}"],
    ),
];

fn insert(database: &Connection, provider: &str, [external_id, name, place]: [&str; 3]) {
    let place = Some(place).filter(|place| !place.is_empty());
    let metadata = json!({ "domain_name": place }).to_string();
    let sql = "DELETE FROM organization_integration WHERE integration_id > 1";
    database.execute(sql, []).unwrap();
    let sql = "DELETE FROM integration WHERE id > 1";
    database.execute(sql, []).unwrap();
    let sql = "INSERT INTO integration VALUES (2, ?1, ?2, ?3, ?4, 'active', 0)";
    database.execute(sql, (provider, external_id, name, metadata)).unwrap();
    let sql = "INSERT INTO organization_integration
                   (id, organization_id, integration_id, config, status, created_at)
               VALUES (2, 1, 2, '{}', 'active', 0)";
    database.execute(sql, []).unwrap();
}

#[test]
fn what_the_identity_says_is_another_one_leaves_nothing_to_remove() {
    let serve = ServeProcess::start();
    let embedded = ProgramRun::github().embedded("example", "{name: demo}");
    let at_server = serve.github_run().var("SENTRY_ORG", "acme");
    let at_server =
        at_server.var("FINISHLINE_PROVIDER", "example").var("FINISHLINE_STATE", "{name: demo}");
    for run in [embedded, at_server] {
        run.execute().expect(0);
        let database = match run.database().exists() {
            true => run.connection(),
            false => serve.database(),
        };
        for (provider, other, telling, untelling) in CASES {
            insert(&database, provider, other);
            let remove = |state: &str, exit: i32| {
                let run = run.clone().var("FINISHLINE_PROVIDER", provider);
                let run = run.var("FINISHLINE_MODE", "remove").var("FINISHLINE_STATE", state);
                let ended = run.execute();
                assert_eq!(ended.exit, Some(exit), "{provider} {state}: {}", ended.everything());
                ended.output("error-code")
            };
            for state in telling {
                remove(state, 0);
            }
            for state in untelling {
                assert_eq!(remove(state, 2), "ambiguous", "{provider} {state}");
            }
        }
    }
}
