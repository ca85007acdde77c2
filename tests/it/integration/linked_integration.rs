//! `mode: link` finds the integration by its provider or its id, alike in the plan and in the run, and
//! alike at a Sentry and on the embedded backend.

use crate::support::run::ProgramRun;
use crate::support::serve::ServeProcess;
use rusqlite::Connection;

const REPOSITORIES: (&str, &str) = ("FINISHLINE_REPOSITORIES", "acme/a");
const BY_PROVIDER: (&str, &str) = ("FINISHLINE_PROVIDER", "custom_scm");
const BY_ID: (&str, &str) = ("FINISHLINE_INTEGRATION_ID", "1");

/// The same run of links on both sides, each with its file.
fn both(serve: &ServeProcess) -> [(ProgramRun, Connection); 2] {
    let embedded = ProgramRun::github().embedded("custom_scm", "");
    install(&embedded, "one");
    let at_serve = serve.github_run().var("SENTRY_ORG", "acme");
    install(&at_serve, "one");
    let database = embedded.connection();
    [embedded, at_serve.clone()]
        .map(|run| run.without("FINISHLINE_STATE").without("FINISHLINE_PROVIDER"))
        .map(|run| run.var("FINISHLINE_MODE", "link"))
        .into_iter()
        .zip([database, serve.database()])
        .collect::<Vec<_>>()
        .try_into()
        .ok()
        .unwrap()
}

fn install(run: &ProgramRun, name: &str) {
    let state = format!("{{name: {name}, url: 'https://scm.example.com/{name}'}}");
    let run = run.clone().var("FINISHLINE_PROVIDER", "custom_scm").without("FINISHLINE_MODE");
    run.var("FINISHLINE_STATE", state).execute().expect(0);
}

fn with(run: &ProgramRun, variables: &[(&str, &str)]) -> ProgramRun {
    variables.iter().fold(run.clone(), |run, (name, value)| run.var(name, value))
}

/// The check fails, and the plan and the run are refused with the same code and these words.
#[track_caller]
fn assert_refused(run: &ProgramRun, code: &str, words: &str) {
    if run.variable("FINISHLINE_PROVIDER").is_some() {
        let checked = run.clone().args(&["check"]).execute();
        assert_ne!(checked.exit, Some(0), "{}", checked.everything());
    }
    for command in ["plan", "run"] {
        let ended = run.clone().args(&[command]).execute().expect(2);
        assert_eq!(ended.output("error-code"), code, "{command}: {}", ended.stderr);
        assert!(ended.stderr.contains(words), "{command}: {}", ended.stderr);
    }
}

#[test]
fn a_repository_is_linked_through_the_only_one_of_the_provider_or_the_named_one() {
    let serve = ServeProcess::start();
    for (run, database) in both(&serve) {
        for (which, repository) in [(BY_PROVIDER, "acme/a"), (BY_ID, "acme/b")] {
            let run = with(&run, &[which, ("FINISHLINE_REPOSITORIES", repository)]);
            let planned = run.clone().args(&["plan", "--exit-code"]).execute().expect(8);
            let words = format!("link repository {repository}");
            assert!(planned.stdout.contains(&words), "{}", planned.stdout);
            let ended = run.execute().expect(0);
            assert_eq!(ended.joined(["changed", "warnings"]), "true ", "{}", ended.stderr);
            assert_eq!(ended.output("provider"), "custom_scm");
            run.args(&["plan", "--exit-code"]).execute().expect(0);
        }
        let sql = "SELECT group_concat(name || ' ' || provider || ' ' || integration_id, ', ')
                   FROM repository ORDER BY name";
        let linked: String = database.query_row(sql, [], |row| row.get(0)).unwrap();
        let there = ["acme/a", "acme/b"].map(|name| format!("{name} integrations:custom_scm 1"));
        assert_eq!(linked, there.join(", "));
    }
}

#[test]
fn the_plan_is_refused_where_the_run_is_since_none_or_several_fit() {
    let serve = ServeProcess::start();
    for (run, _) in both(&serve) {
        let none = with(&run, &[("FINISHLINE_PROVIDER", "github"), REPOSITORIES]);
        assert_refused(&none, "bad-field", "acme has no github integration to link through");
        install(&run, "two");
        let several = with(&run, &[BY_PROVIDER, REPOSITORIES]);
        assert_refused(&several, "ambiguous", "acme has several custom_scm integrations: 1, 2");
        let absent = with(&run, &[BY_PROVIDER, ("FINISHLINE_REPOSITORIES_ABSENT", "acme/a")]);
        assert_refused(&absent, "ambiguous", "acme has several custom_scm integrations: 1, 2");
        let place = "[{project: web, stackRoot: s/}]";
        let absent = with(&run, &[BY_PROVIDER, ("FINISHLINE_CODE_MAPPINGS_ABSENT", place)]);
        assert_refused(&absent, "ambiguous", "acme has several custom_scm integrations: 1, 2");
    }
}

/// Sentry finds the integration of a code mapping by its repository.
#[test]
fn a_code_mapping_at_a_sentry_is_set_though_the_provider_has_several() {
    let serve = ServeProcess::start();
    let [_, (run, database)] = both(&serve);
    with(&run, &[BY_ID, REPOSITORIES]).execute().expect(0);
    install(&run, "two");
    let mapping = "[{project: web, repository: acme/a, stackRoot: s/}]";
    let run = with(&run, &[BY_PROVIDER, ("FINISHLINE_CODE_MAPPINGS", mapping)]);
    run.clone().args(&["plan", "--exit-code"]).execute().expect(8);
    run.execute().expect(0);
    let count = "SELECT count(*) FROM code_mapping";
    assert_eq!(database.query_row(count, [], |row| row.get(0)), Ok(1));
}

#[test]
fn nothing_is_linked_through_one_that_is_being_deleted() {
    let serve = ServeProcess::start();
    for (run, database) in both(&serve) {
        let sql = "UPDATE organization_integration SET status = 'pending_deletion'";
        database.execute(sql, []).unwrap();
        for which in [BY_ID, BY_PROVIDER] {
            let run = with(&run, &[which, REPOSITORIES]);
            let words = "integration 1 (one): its status is pending_deletion";
            assert_refused(&run, "bad-field", words);
        }
    }
}
