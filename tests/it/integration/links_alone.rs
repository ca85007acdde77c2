//! `mode: link`: code mappings and repositories of an integration that is there, without its pipeline.

use crate::support::fake_sentry::{FakeSentry, SentryData, TOKEN};
use crate::support::http_server::{Request, Response};
use crate::support::rows::rows;
use crate::support::run::{ProgramRun, RunResult};
use crate::support::serve::ServeProcess;
use serde_json::{Value, json};

const BULK: &str = "POST code-mappings/bulk/";

/// A request for code mappings of `web`, this many of them.
fn mappings(count: usize) -> String {
    let one =
        |n| format!("{{project: web, repository: acme/web, stackRoot: s{n}/, sourceRoot: r{n}/}}");
    format!("[{}]", (0..count).map(one).collect::<Vec<_>>().join(", "))
}

fn alone(run: ProgramRun, count: usize) -> ProgramRun {
    run.without("FINISHLINE_STATE")
        .without("FINISHLINE_REPOSITORIES")
        .var("FINISHLINE_MODE", "link")
        .var("FINISHLINE_CODE_MAPPINGS", mappings(count))
}

fn at(serve: &ServeProcess) -> ProgramRun {
    serve
        .github_run()
        .var("SENTRY_ORG", "acme")
        .var("FINISHLINE_PROVIDER", "example")
        .var("FINISHLINE_STATE", "{name: demo}")
}

/// Installs the integration with a repository.
fn install(run: &ProgramRun) {
    run.clone().var("FINISHLINE_REPOSITORIES", "acme/web").execute().expect(0);
}

#[track_caller]
fn assert_told(ended: &RunResult, expected: &str) {
    assert_eq!(
        ended.joined(["status", "changed", "error-code", "warnings"]),
        expected,
        "{}",
        ended.stderr
    );
}

#[test]
fn an_organizations_token_sets_code_mappings_once_by_the_provider_or_the_id() {
    let serve = ServeProcess::start();
    install(&at(&serve));
    let by_provider = at(&serve).var("SENTRY_AUTH_TOKEN", serve.org_token());
    let by_id =
        by_provider.clone().without("FINISHLINE_PROVIDER").var("FINISHLINE_INTEGRATION_ID", "1");
    for (run, count) in [(by_provider, 2), (by_id, 3)] {
        let run = alone(run, count);
        let planned = run.clone().args(&["plan", "--exit-code"]).execute().expect(8);
        assert!(planned.stdout.contains("would be changed for acme"), "{}", planned.stdout);
        assert!(planned.stdout.contains("map `s1/` of web to `r1/` of acme/web") || count == 3);
        assert_told(&run.execute().expect(0), "complete true  ");
        assert_told(&run.execute().expect(0), "complete false  ");
        run.args(&["plan", "--exit-code"]).execute().expect(0);
    }
    assert_eq!(rows(&serve.database(), "SELECT count(*) FROM code_mapping"), ["3"]);
}

#[test]
fn the_embedded_backend_sets_them_too() {
    let run = ProgramRun::github().embedded("example", "{name: demo}");
    let early = alone(run.clone(), 1).execute().expect(2);
    assert_told(&early, "error false bad-field ");
    assert!(
        early.stderr.contains("acme has no example integration to link through"),
        "{}",
        early.stderr
    );
    assert!(!run.database().exists());
    install(&run);
    for run in [
        alone(run.clone(), 1),
        alone(run.clone(), 2).without("FINISHLINE_PROVIDER").var("FINISHLINE_INTEGRATION_ID", "1"),
    ] {
        run.clone().args(&["plan", "--exit-code"]).execute().expect(8);
        assert_told(&run.execute().expect(0), "complete true  ");
        assert_told(&run.execute().expect(0), "complete false  ");
    }
    run.clone().var("FINISHLINE_STATE", "{name: other}").execute().expect(0);
    let ended = alone(run, 1).execute().expect(2);
    assert!(
        ended.stderr.contains("acme has several example integrations: 1, 2"),
        "{}",
        ended.stderr
    );
}

#[test]
fn what_cannot_be_set_is_a_failure_in_the_words_of_the_other_side() {
    let run = ProgramRun::github().embedded("example", "{name: demo}");
    run.execute().expect(0);
    let ended = alone(run, 2).execute().expect(4);
    assert_told(&ended, "error false refused code-mapping-not-set");
    assert!(ended.stderr.contains("the repository is not linked"), "{}", ended.stderr);
    assert!(ended.stderr.contains("(and 1 more, see the warnings)"), "{}", ended.stderr);
    for (variables, words) in [
        (
            &[("FINISHLINE_PROVIDER", "example")][..],
            "`mode: link` has no repository and no code mapping to set",
        ),
        (
            &[("FINISHLINE_REPOSITORIES", "acme/web")],
            "`mode: link` does not say which integration is meant",
        ),
    ] {
        let run = ProgramRun::github().var("FINISHLINE_MODE", "link").var("FINISHLINE_ORG", "acme");
        let run = run.var("FINISHLINE_BACKEND", "embedded");
        let run = variables.iter().fold(run, |run, (name, value)| run.var(name, value));
        let ended = run.execute().expect(2);
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}

#[test]
fn nothing_is_up_to_date_of_an_integration_that_is_not_there() {
    let serve = ServeProcess::start();
    install(&at(&serve));
    let run = at(&serve).without("FINISHLINE_STATE").var("FINISHLINE_MODE", "link");
    let run = run.var("FINISHLINE_REPOSITORIES_ABSENT", "acme/web");
    for run in [run.clone(), run.without("FINISHLINE_PROVIDER")] {
        for command in ["run", "plan"] {
            let gone = run.clone().args(&[command]).var("FINISHLINE_INTEGRATION_ID", "99");
            let ended = gone.execute().expect(2);
            assert!(ended.stderr.contains("integration 99 to link through"), "{}", ended.stderr);
        }
    }
}

/// A Sentry that knows an organization's token for code mappings alone.
fn for_organizations(
    bulk: impl Fn(&mut SentryData, &Request) -> Response + Send + Sync + 'static,
) -> FakeSentry {
    FakeSentry::with(move |world, request| match request.line().as_str() {
        BULK => bulk(world, request),
        line if line.starts_with("GET integrations/") => {
            Response::detail(403, "You do not have permission to perform this action.")
        }
        _ => world.answer(request),
    })
}

fn link(sentry: &FakeSentry, count: usize) -> ProgramRun {
    alone(sentry.step("gitlab", ""), count)
}

#[test]
fn many_are_sent_in_batches_of_three_hundred() {
    for (count, batches) in [(1, &[1][..]), (300, &[300]), (301, &[300, 1])] {
        let sentry = for_organizations(SentryData::answer);
        assert_told(&link(&sentry, count).execute().expect(0), "complete true  ");
        let requests = sentry.peer.requests();
        let sent = requests.iter().filter(|one| one.line() == BULK);
        let sizes: Vec<_> =
            sent.map(|one| one.json()["mappings"].as_array().unwrap().len()).collect();
        assert_eq!(sizes, batches, "{count}");
        assert_eq!(sentry.data().mappings.len(), count);
        assert_told(&link(&sentry, count).execute().expect(0), "complete false  ");
        assert_eq!(sentry.peer.count(BULK), batches.len());
    }
}

#[test]
fn each_answer_is_read_entry_by_entry() {
    let result = |n: usize, status: &str| json!({"stackRoot": format!("s{n}/"), "sourceRoot": format!("r{n}/"), "status": status});
    let mut bad = result(1, "error");
    bad["detail"] = "a bad root".into();
    let silent =
        json!({"created": 1, "updated": 0, "errors": 0, "mappings": [result(0, "created")]});
    let partly =
        json!({"created": 1, "updated": 0, "errors": 1, "mappings": [result(0, "created"), bad]});
    let ambiguous = json!({"detail": "Multiple repositories are named acme/web."});
    let denied = json!({"detail": "You do not have permission to perform this action."});
    let cases: [(u16, Value, i32, &str, &str); 4] = [
        (207, partly, 4, "error true refused code-mapping-not-set", "`s1/`: a bad root"),
        (
            200,
            silent,
            4,
            "error true refused code-mapping-not-set",
            "`s1/`: the answer does not say what became of it",
        ),
        (
            409,
            ambiguous,
            4,
            "error false refused code-mapping-not-set",
            "HTTP 409: Multiple repositories",
        ),
        (
            403,
            denied,
            5,
            "error false missing-scope code-mapping-not-set",
            "org:ci, org:read, org:write",
        ),
    ];
    for (status, body, exit, told, words) in cases {
        let sentry = for_organizations(move |_, _| Response::json(status, &body));
        let ended = link(&sentry, 2).execute().expect(exit);
        assert_told(&ended, told);
        assert!(ended.everything().contains(words), "{words}: {}", ended.stderr);
    }
    assert!(!TOKEN.is_empty());
}

#[test]
fn what_is_listed_is_not_sent_again_though_the_answer_was_lost() {
    let sentry = for_organizations(|world, request| {
        let reply = world.answer(request);
        if request.nth == 0 { Response::json(200, &json!({"hello": 1})) } else { reply }
    });
    assert_told(&link(&sentry, 2).execute().expect(0), "complete true  ");
    assert_eq!(sentry.peer.count(BULK), 1);
}

#[test]
fn a_manifest_links_by_the_id_alone() {
    let serve = ServeProcess::start();
    install(&at(&serve));
    let run = at(&serve).without("FINISHLINE_PROVIDER").without("FINISHLINE_STATE");
    let entry = format!("  - {{mode: link, integration-id: 1, code-mappings: {}}}\n", mappings(2));
    run.file("finishline.yml", format!("version: 1\nintegrations:\n{entry}"));
    let run = run.var("FINISHLINE_MANIFEST", "finishline.yml");
    assert_eq!(run.execute().expect(0).output("changed"), "true");
    assert_eq!(run.execute().expect(0).output("changed"), "false");
}

/// As Python writes JSON.
#[test]
fn a_character_in_two_halves_is_one_in_each_input_that_json_may_be_given_to() {
    let run = ProgramRun::github().embedded("example", r#"{"name": "\ud83d\ude00 demo"}"#);
    let mapping = r#"[{"project": "web", "repository": "acme/web", "stackRoot": "\ud83d\ude00/"}]"#;
    let run = run.var("FINISHLINE_REPOSITORIES", "acme/web");
    let run = run.var("FINISHLINE_CODE_MAPPINGS", mapping);
    run.execute().expect(0);
    let rows = "SELECT name FROM integration UNION ALL SELECT stack_root FROM code_mapping";
    assert_eq!(run.rows(rows), ["😀 demo", "😀/"]);
}
