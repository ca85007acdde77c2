//! What a Sentry lists of the organization's configuration, and what stands in the way of a run.

use crate::support::fake_sentry::{
    FakeSentry, GET_INTEGRATIONS, OPSGENIE, POST_PIPELINE, assert_completes, leaks,
};
use crate::support::http_server::{Request, Response};
use crate::support::run::{ProgramRun, SECRET};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// The account of what that Sentry installs.
const ACCOUNT: &str = "its-group";

/// A Sentry that adds PagerDuty's services to those that it has, as a real one does, and lists
/// them.
struct AddingSentry {
    sentry: FakeSentry,
    table: Arc<Mutex<Vec<Value>>>,
}

impl AddingSentry {
    fn new() -> Self {
        Self::with(|_, _| None)
    }

    fn with(
        other: impl Fn(&mut Vec<Value>, &Request) -> Option<Response> + Send + Sync + 'static,
    ) -> Self {
        let table = Arc::<Mutex<Vec<Value>>>::default();
        let of_server = Arc::clone(&table);
        let sentry = FakeSentry::with(move |world, request| {
            let mut rows = of_server.lock().unwrap();
            if let Some(response) = other(&mut rows, request) {
                return response;
            }
            match request.line().as_str() {
                POST_PIPELINE if request.json()["config"].is_string() => {
                    let config = request.json()["config"].as_str().unwrap().to_owned();
                    let config: Value = serde_json::from_str(&config).unwrap();
                    add(&mut rows, config["integration_keys"].as_array().unwrap());
                    world.answer(request)
                }
                GET_INTEGRATIONS if request.parameter("includeConfig") != "0" => {
                    for one in &mut world.integrations {
                        one["configData"] = json!({ "service_table": *rows });
                    }
                    world.answer(request)
                }
                "POST integrations/1/" => {
                    set(&mut rows, request.json()["service_table"].as_array().unwrap());
                    Response::json(200, &Value::Null)
                }
                _ => world.answer(request),
            }
        });
        Self { sentry, table }
    }

    fn run(&self, services: &[(&str, &str)]) -> ProgramRun {
        let key = |(name, key): &(&str, &str)| json!({ "name": name, "integration_key": key, "id": format!("P-{name}"), "type": "service" });
        let keys: Vec<_> = services.iter().map(key).collect();
        let account = json!({ "name": "Acme", "subdomain": ACCOUNT });
        let config = json!({ "account": account, "integration_keys": keys });
        self.sentry.step("pagerduty", &json!({ "config": config }).to_string())
    }

    fn rows(&self) -> Vec<String> {
        let line = |row: &Value| {
            format!("{} {} {}", row["id"], row["service"], row["integration_key"]).replace('"', "")
        };
        self.table.lock().unwrap().iter().map(line).collect()
    }
}

fn next_id(rows: &[Value]) -> i64 {
    rows.iter().filter_map(|row| row["id"].as_i64()).max().unwrap_or(40) + 1
}

/// Sentry asks for rows without setting anything, which finds none, and makes each.
fn add(rows: &mut Vec<Value>, services: &[Value]) {
    for service in services {
        let (id, key) = (next_id(rows), &service["integration_key"]);
        rows.push(json!({ "id": id, "service": service["name"], "integration_key": key }));
    }
}

/// Rows are known by their ids; one that is missing is deleted, one without an id is made.
fn set(rows: &mut Vec<Value>, wanted: &[Value]) {
    let id = next_id(rows);
    rows.retain(|row| wanted.iter().any(|one| one["id"] == row["id"]));
    for (at, one) in wanted.iter().enumerate() {
        match rows.iter_mut().find(|row| row["id"] == one["id"]) {
            Some(row) => row.clone_from(one),
            None => {
                let mut row = one.clone();
                row["id"] = (id + i64::try_from(at).unwrap()).into();
                rows.push(row);
            }
        }
    }
}

#[test]
fn a_changed_key_and_a_new_service_are_differences_and_no_service_is_there_twice() {
    let sentry = AddingSentry::new();
    let first = sentry.run(&[("Web", "k3y-a")]);
    assert_eq!(assert_completes(&first, "complete true 1").output("warnings"), "");
    assert_eq!(assert_completes(&first, "complete false 1").output("warnings"), "");
    first.clone().args(&["plan", "--exit-code"]).execute().expect(0);
    sentry
        .table
        .lock()
        .unwrap()
        .push(json!({ "id": 99, "service": "By hand", "integration_key": "z" }));

    let changed = sentry.run(&[("Web", "k3y-b"), ("Api", "k3y-c")]);
    let plan = changed.clone().args(&["plan", "--exit-code"]).execute().expect(8);
    assert!(plan.stdout.contains("PagerDuty would be updated for acme"), "{}", plan.stdout);
    assert_eq!(plan.output("warnings"), "repeated-install");
    let ended = assert_completes(&changed, "complete true 1");
    assert_eq!(ended.output("warnings"), "repeated-install");
    assert!(ended.stderr.contains("adds its services to those in Sentry"), "{}", ended.stderr);
    let settled = ["41 Web k3y-b", "99 By hand z", "101 Api k3y-c"];
    assert_eq!(sentry.rows(), settled);
    assert_eq!(assert_completes(&changed, "complete false 1").output("warnings"), "");

    for mode in ["install", "reauth"] {
        let mut run = changed.clone().var("FINISHLINE_MODE", mode);
        if mode == "reauth" {
            run = run.var("FINISHLINE_INTEGRATION_ID", "1");
        }
        assert_eq!(
            assert_completes(&run, "complete true 1").output("warnings"),
            "repeated-install"
        );
        assert_eq!(sentry.rows(), settled);
    }
    for key in ["k3y-a", "k3y-b", "k3y-c"] {
        assert_eq!(leaks(&ended, key), [""; 0]);
    }
}

#[test]
fn a_service_that_is_twice_in_the_json_is_there_once() {
    let sentry = AddingSentry::new();
    let run = sentry.run(&[("Web", "k3y-a"), ("Web", "k3y-a")]);
    assert_completes(&run, "complete true 1");
    assert_eq!(sentry.rows(), ["41 Web k3y-a"]);
    assert_completes(&run, "complete false 1");
}

#[test]
fn a_table_that_cannot_be_set_is_a_warning_and_the_next_run_sets_it() {
    let refuses = Arc::new(Mutex::new(true));
    let of_server = Arc::clone(&refuses);
    let sentry = AddingSentry::with(move |_, request| {
        let is_refused = request.line() == "POST integrations/1/" && *of_server.lock().unwrap();
        is_refused.then(|| Response::detail(403, "You do not have permission"))
    });
    assert_completes(&sentry.run(&[("Web", "k3y-a")]), "complete true 1");
    let changed = sentry.run(&[("Web", "k3y-b")]);
    let ended = assert_completes(&changed, "complete true 1");
    assert!(ended.output("warnings").contains("configuration-not-set"), "{}", ended.stderr);
    assert!(ended.stderr.contains("(You do not have permission)"), "{}", ended.stderr);
    *refuses.lock().unwrap() = false;
    changed.clone().args(&["plan", "--exit-code"]).execute().expect(8);
    assert_completes(&changed, "complete true 1");
    assert_eq!(sentry.rows(), ["41 Web k3y-b"]);
    assert_completes(&changed, "complete false 1");
}

#[test]
fn an_answer_that_is_lost_does_not_make_a_service_twice() {
    let sentry = AddingSentry::with(|rows, request| {
        let is_lost = request.line() == "POST integrations/1/" && request.nth == 0;
        is_lost.then(|| {
            set(rows, request.json()["service_table"].as_array().unwrap());
            Response::close()
        })
    });
    assert_completes(&sentry.run(&[("Web", "k3y-a")]), "complete true 1");
    let changed = sentry.run(&[("Web", "k3y-b"), ("Api", "k3y-c")]);
    let ended = assert_completes(&changed, "complete true 1");
    assert_eq!(ended.output("warnings"), "repeated-install");
    assert_eq!(sentry.rows().len(), 2, "{:?}", sentry.rows());
    assert_eq!(sentry.sentry.peer.count("POST integrations/1/"), 1);
}

/// A Sentry that has Opsgenie's account with this table.
fn with_teams(table: Value) -> FakeSentry {
    let sentry = FakeSentry::new().with_integration("opsgenie", "acme-ops");
    sentry.data().integrations[0]["configData"] = json!({ "team_table": table });
    sentry
}

#[test]
fn another_opsgenie_key_than_the_listed_one_is_a_difference() {
    let first = |key: &str| json!({ "team": "my-first-key", "id": "1-x", "integration_key": key });
    let by_hand = json!({ "team": "Ops", "id": "2", "integration_key": "another" });
    let mine = json!({ "team": "Ops", "id": "2", "integration_key": SECRET });
    for (table, exit, warnings) in [
        (json!([first(SECRET)]), 0, ""),
        (json!([mine]), 0, ""),
        (json!([first("0ld")]), 8, ""),
        (json!([]), 8, ""),
        (json!([first("0ld"), by_hand]), 8, "repeated-install"),
        // Keys that all have been named by hand tell nothing of the one that was given.
        (json!([by_hand]), 0, "secrets-not-compared"),
    ] {
        let sentry = with_teams(table.clone());
        let plan = sentry.opsgenie().args(&["plan", "--exit-code"]).execute().expect(exit);
        assert_eq!(leaks(&plan, SECRET), [""; 0]);
        let changed = exit == 8;
        let ended = assert_completes(&sentry.opsgenie(), &format!("complete {changed} 1"));
        assert_eq!(ended.output("warnings"), warnings, "{table}");
    }
}

#[test]
fn a_region_that_is_kept_is_a_difference_that_cannot_be_carried_out() {
    let sentry = FakeSentry::new().with_integration("opsgenie", "acme-ops");
    sentry.data().integrations[0]["domainName"] = "acme-ops.app.opsgenie.com".into();
    let state = OPSGENIE.replace("api.opsgenie", "api.eu.opsgenie");
    let run = sentry.step("opsgenie", &state);
    let ended = run.clone().args(&["plan", "--exit-code"]).execute().expect(8);
    let words =
        "cannot be carried out: account acme-ops keeps its region (acme-ops.app.opsgenie.com)";
    assert!(ended.stdout.contains(words), "{}", ended.stdout);
    assert!(!ended.stdout.contains("nothing to do"), "{}", ended.stdout);
    let ended = assert_completes(&run, "complete false 1");
    assert!(ended.output("warnings").contains("kept-as-it-is"), "{}", ended.stderr);
    assert!(sentry.peer.requests().iter().all(|request| request.method == "GET"));
}

#[test]
fn a_plan_promises_no_install_while_the_integration_is_being_deleted() {
    for status in ["pending_deletion", "deletion_in_progress"] {
        for mode in ["ensure", "install"] {
            let sentry = FakeSentry::new().with_integration("opsgenie", "acme-ops");
            sentry.data().integrations[0]["organizationIntegrationStatus"] = status.into();
            let run = sentry.opsgenie().var("FINISHLINE_MODE", mode);
            let ended = run.args(&["plan", "--exit-code"]).execute().expect(8);
            let words =
                format!("cannot be carried out: integration 1 (acme-ops) has the status {status}");
            assert!(ended.stdout.contains(&words), "{}", ended.stdout);
            assert!(
                ended.stdout.contains("Opsgenie cannot be installed yet for acme"),
                "{}",
                ended.stdout
            );
            for promise in ["would be", "submit step", "store the integration"] {
                assert!(!ended.stdout.contains(promise), "{}", ended.stdout);
            }
        }
    }
    // Another account's deletion stands in nobody's way.
    let sentry = FakeSentry::new().with_integration("opsgenie", "other-ops");
    sentry.data().integrations[0]["organizationIntegrationStatus"] = "pending_deletion".into();
    let ended = sentry.opsgenie().args(&["plan", "--exit-code"]).execute().expect(8);
    assert!(ended.stdout.contains("Opsgenie would be installed for acme"), "{}", ended.stdout);
}
