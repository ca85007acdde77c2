//! A plan is of one server or one database, and is carried out there only.

use crate::support::rows::rows;
use crate::support::run::{ProgramRun, RunResult};
use crate::support::serve::{self, ServeProcess};

const ENTRIES: [&str; 4] = [
    "integrations: [{provider: example, state: {name: a}}]",
    "releases: [{projects: web, release: v1, commits: none}]",
    "integrations: [{mode: link, integration-id: 1, repositories: [acme/web]}]",
    "integrations: [{provider: example, mode: remove, state: {name: there}}]",
];

fn at(run: &ProgramRun, serve: &ServeProcess) -> ProgramRun {
    run.clone()
        .var("FINISHLINE_URL", serve.url())
        .var("FINISHLINE_AUTH_TOKEN", serve::TOKEN)
        .var("NO_PROXY", "127.0.0.1")
}

/// Makes an integration that is there before any plan.
fn prepare(run: &ProgramRun) {
    let run = run.clone().var("FINISHLINE_ORG", "acme").var("FINISHLINE_PROVIDER", "example");
    run.var("FINISHLINE_STATE", "{name: there}").execute().expect(0);
}

#[track_caller]
fn assert_refused(ended: &RunResult, words: [&str; 2]) {
    assert_eq!(ended.json()["error"]["code"], "plan-changed", "{}", ended.everything());
    let message = ended.json()["error"]["message"].to_string();
    for word in words {
        assert!(message.contains(word), "{word}: {message}");
    }
}

#[test]
fn a_plan_of_one_server_is_not_carried_out_at_another() {
    let (staging, production) = (ServeProcess::start(), ServeProcess::start());
    let run = ProgramRun::local();
    prepare(&at(&run, &staging));
    prepare(&at(&run, &production));
    let dump = "SELECT (SELECT count(*) FROM organization_integration) || ' '
        || (SELECT count(*) FROM release) || ' ' || (SELECT count(*) FROM repository)";
    let before = rows(&production.database(), dump);
    for entries in ENTRIES {
        run.file("m.yml", format!("version: 1\ndefaults: {{org: acme}}\n{entries}\n"));
        let run = run.clone().var("FINISHLINE_MANIFEST", "m.yml");
        let saved = at(&run, &staging).args(&["plan", "--format", "json"]).execute().expect(0);
        run.file("plan.json", &saved.stdout);
        let apply = ["run", "--plan", "plan.json", "--format", "json"];
        let ended = at(&run, &production).args(&apply).execute().expect(4);
        assert_refused(&ended, [&staging.url(), &production.url()]);
        assert_eq!(rows(&production.database(), dump), before, "{entries}");
    }
}

#[test]
fn a_plan_of_one_database_is_not_carried_out_on_another() {
    let run = ProgramRun::local().opsgenie().var("FINISHLINE_DATABASE", "one.db");
    run.clone().args(&["plan", "--result-file", "plan.json"]).execute().expect(0);
    let apply = run.args(&["run", "--plan", "plan.json", "--format", "json"]);
    let ended = apply.clone().var("FINISHLINE_DATABASE", "two.db").execute().expect(4);
    assert_refused(&ended, ["one.db", "two.db"]);
    assert!(!apply.path("two.db").exists());
    apply.execute().expect(0);
}

#[test]
fn links_and_a_removal_are_carried_out_as_they_were_planned_or_not_at_all() {
    let more = ENTRIES[2].replace("acme/web", "acme/api");
    let renamed = "UPDATE integration SET name = 'another'";
    let linked = "INSERT INTO repository
            (organization_id, name, provider, external_id, integration_id, created_at)
        SELECT id, 'acme/web', 'integrations:example', 'acme/web', 1, 0 FROM organization";
    for (planned, carried_out, change, words) in [
        (ENTRIES[2], ENTRIES[2], linked, "what is there has changed"),
        (ENTRIES[2], more.as_str(), "SELECT 1", "wanted"),
        (ENTRIES[3], ENTRIES[3], renamed, "what is there has changed"),
    ] {
        let serve = ServeProcess::start();
        let run = at(&ProgramRun::local(), &serve);
        prepare(&run);
        let run = run.var("FINISHLINE_MANIFEST", "m.yml");
        let manifest = |entries| format!("version: 1\ndefaults: {{org: acme}}\n{entries}\n");
        run.file("m.yml", manifest(planned));
        let saved = run.clone().args(&["plan", "--format", "json"]).execute().expect(0);
        run.file("plan.json", &saved.stdout);
        run.file("m.yml", manifest(carried_out));
        serve.database().execute_batch(change).unwrap();
        let apply = run.args(&["run", "--plan", "plan.json", "--format", "json"]);
        assert_refused(&apply.execute().expect(4), ["no longer holds", words]);
    }
}
