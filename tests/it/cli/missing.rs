//! What a job lacks is said at once, the token first, and a job may choose to be skipped then.

use crate::support::fake_sentry::{FakeSentry, TOKEN};
use crate::support::run::{ProgramRun, RunResult, STATE};

const TOKEN_LINE: &str = "`auth-token` is missing: the access token for Sentry (SENTRY_AUTH_TOKEN)";
const ORG_LINE: &str = "`org` is missing: the organization slug (SENTRY_ORG)";
const PROJECTS_LINE: &str =
    "`projects` is missing: the slugs of the release's projects (SENTRY_PROJECT)";

/// A manifest with an integration that has a token of its own, and a release that has none.
const MANIFEST: &str = "version: 1\nintegrations:\n  - provider: opsgenie\n    org: acme\n    auth-token: ${ACME_TOKEN}\n    state: {baseUrl: 'https://api.opsgenie.com/', provider: a, apiKey: '${KEY}'}\nreleases:\n  - {org: acme, projects: [web], release: v1}\n";

fn hosts() -> [ProgramRun; 4] {
    let woodpecker = ProgramRun::local().var("CI", "woodpecker");
    [ProgramRun::github(), ProgramRun::gitlab(), woodpecker, ProgramRun::local().var("CI", "1")]
}

fn integration(run: ProgramRun) -> ProgramRun {
    run.var("FINISHLINE_PROVIDER", "opsgenie").var("FINISHLINE_STATE", STATE)
}

fn release(run: ProgramRun) -> ProgramRun {
    run.var("FINISHLINE_RELEASE", "v1")
}

fn manifest(run: ProgramRun) -> ProgramRun {
    run.file("finishline.yml", MANIFEST);
    run.var("FINISHLINE_MANIFEST", "finishline.yml").var("KEY", "s3cr3t-key")
}

/// The result of a run, wherever the host keeps it.
fn ended_with(run: &ProgramRun, exit: u8) -> (RunResult, serde_json::Value) {
    let args = ["run", "--result-file", "result.json"];
    let ended = run.clone().args(&args).execute().expect(exit.into());
    let result = serde_json::from_str(&run.text("result.json")).unwrap();
    (ended, result)
}

/// Asserts that standard error has these lines in this order.
fn assert_order(ended: &RunResult, lines: &[&str]) {
    let places: Vec<_> = lines.iter().map(|line| ended.stderr.find(line)).collect();
    assert!(places.iter().all(Option::is_some), "{lines:?}: {}", ended.stderr);
    assert!(places.is_sorted(), "{lines:?}: {}", ended.stderr);
    assert!(!ended.everything().contains("embedded"), "{}", ended.everything());
}

#[test]
fn everything_that_is_missing_is_said_at_once_and_the_token_first() {
    for host in hosts() {
        for (run, lines) in [
            (release(host.clone()), &[TOKEN_LINE, ORG_LINE, PROJECTS_LINE][..]),
            (integration(host.clone()), &[TOKEN_LINE, ORG_LINE]),
            (release(integration(host.clone())), &[TOKEN_LINE, ORG_LINE, PROJECTS_LINE]),
            (release(host.clone()).var("SENTRY_ORG", "acme"), &[TOKEN_LINE, PROJECTS_LINE]),
        ] {
            let (ended, result) = ended_with(&run, 5);
            assert_eq!(result["error"]["code"], "no-token", "{result}");
            assert_order(&ended, lines);
            assert_eq!(
                ended.stderr.matches(ORG_LINE).count(),
                lines.iter().filter(|line| **line == ORG_LINE).count()
            );
        }
    }
}

#[test]
fn a_secret_of_the_state_that_is_missing_too_is_said_beside_the_token() {
    let state = "{baseUrl: 'https://api.opsgenie.com/', provider: a, apiKey: '${OPSGENIE_KEY}'}";
    let run = integration(ProgramRun::github()).var("FINISHLINE_STATE", state);
    let (ended, result) = ended_with(&run, 5);
    assert_eq!(result["error"]["code"], "no-token");
    assert_order(&ended, &[TOKEN_LINE, ORG_LINE, "OPSGENIE_KEY"]);
    let run = integration(ProgramRun::github()).var("FINISHLINE_STATE", "{provider: a}");
    assert_order(&ended_with(&run, 5).0, &[TOKEN_LINE, ORG_LINE, "`baseUrl` is missing"]);
}

#[test]
fn a_lack_is_tolerated_as_one_of_rights_and_a_mistake_beside_it_is_not() {
    for run in [integration(ProgramRun::github()), release(ProgramRun::github())] {
        let run = run.var("FINISHLINE_TOLERATE", "auth");
        let (ended, result) = ended_with(&run, 0);
        assert_eq!(result["error"]["code"], "no-token");
        assert_eq!(ended.output("warnings"), "tolerated");
        for (name, value) in [("FINISHLINE_MODE", "often"), ("SENTRY_ORG", "not a slug")] {
            let (ended, result) = ended_with(&run.clone().var(name, value), 5);
            assert_eq!(result["error"]["code"], "no-token");
            assert_order(&ended, &[TOKEN_LINE, value]);
        }
    }
    let run = integration(ProgramRun::github()).var("FINISHLINE_TOLERATE", "refused");
    ended_with(&run, 5);
}

#[test]
fn a_provider_that_only_a_sentry_installs_lacks_a_token_and_not_a_sentry() {
    let run = ProgramRun::github().var("FINISHLINE_PROVIDER", "msteams").var("SENTRY_ORG", "acme");
    let (ended, result) = ended_with(&run, 5);
    assert_eq!(result["error"]["code"], "no-token", "{result}");
    assert_order(&ended, &[TOKEN_LINE]);
}

#[test]
fn every_command_that_needs_a_token_says_the_same_of_its_lack() {
    let callback = "http://127.0.0.1/extensions/x/setup/?state=a&code=b";
    for (command, more) in
        [("import", None), ("plan", None), ("check", None), ("resume", Some(callback))]
    {
        let run = ProgramRun::github().var("SENTRY_ORG", "acme").args(&[command]);
        let run = match more {
            Some(callback) => run.var("FINISHLINE_CALLBACK_URL", callback),
            None if command == "import" => run,
            None => integration(run).args(&[command]),
        };
        let ended = run.execute().expect(5);
        assert_eq!(ended.output("error-code"), "no-token", "{command}");
        assert!(ended.everything().contains(TOKEN_LINE), "{command}: {}", ended.everything());
    }
}

#[test]
fn a_job_without_a_token_is_skipped_where_that_is_chosen() {
    for host in hosts() {
        for run in [
            integration(host.clone()),
            release(host.clone()),
            release(integration(host.clone())),
            integration(host.clone()).var("FINISHLINE_STATE", "{apiKey: '${KEY}'}"),
        ] {
            let run = run.var("FINISHLINE_WITHOUT_TOKEN", "skip");
            let (ended, result) = ended_with(&run, 0);
            assert_eq!(result["status"], "skipped", "{result}");
            assert_eq!(result["skipped_reason"], "no-token", "{result}");
            assert_eq!(result["changed"], false);
            assert!(ended.stderr.contains("warning"), "{}", ended.stderr);
            assert!(ended.stderr.contains("SENTRY_AUTH_TOKEN"), "{}", ended.stderr);
        }
    }
}

#[test]
fn the_choice_changes_nothing_where_a_token_is_there_or_none_is_needed() {
    let sentry = FakeSentry::new();
    let run = sentry.opsgenie().var("FINISHLINE_WITHOUT_TOKEN", "skip");
    assert_eq!(run.execute().expect(0).output("status"), "complete");
    let run = ProgramRun::github().opsgenie().var("FINISHLINE_WITHOUT_TOKEN", "skip");
    assert_eq!(run.execute().expect(0).output("status"), "complete");
    let run = integration(ProgramRun::github()).var("FINISHLINE_WITHOUT_TOKEN", "error");
    assert_eq!(run.execute().expect(5).output("error-code"), "no-token");
    let nothing = ProgramRun::github().var("FINISHLINE_WITHOUT_TOKEN", "skip");
    assert_eq!(nothing.execute().expect(2).output("error-code"), "nothing-asked");
    let mistyped = integration(ProgramRun::github()).var("FINISHLINE_WITHOUT_TOKEN", "skpi");
    let ended = mistyped.execute().expect(5);
    assert_order(&ended, &[TOKEN_LINE, "`skpi`", "`error` or `skip`"]);
}

#[test]
fn of_a_manifest_each_entry_has_or_lacks_its_own_token() {
    let sentry = FakeSentry::new();
    let run = manifest(ProgramRun::github()).var("SENTRY_URL", sentry.peer.url());
    let (ended, result) = ended_with(&run, 5);
    assert_eq!(result["error"]["code"], "no-token");
    assert!(ended.stderr.contains("(ACME_TOKEN)"), "its own variable: {}", ended.stderr);
    assert!(ended.stderr.contains(TOKEN_LINE), "{}", ended.stderr);
    assert_eq!(sentry.peer.lines(), [""; 0]);

    let skips = run.var("FINISHLINE_WITHOUT_TOKEN", "skip");
    let (_, result) = ended_with(&skips, 0);
    assert_eq!(result["status"], "skipped", "{result}");
    let (_, result) = ended_with(&skips.clone().without("KEY"), 0);
    assert_eq!(result["skipped_reason"], "no-token", "{result}");
    assert_eq!(sentry.peer.lines(), [""; 0]);

    let (_, result) = ended_with(&skips.var("ACME_TOKEN", TOKEN), 0);
    let ends: Vec<_> =
        result["entries"].as_array().unwrap().iter().map(|one| one["status"].clone()).collect();
    assert_eq!(ends, ["complete", "skipped"], "{result}");
}

#[test]
fn an_entry_whose_own_token_is_missing_is_not_given_another() {
    let sentry = FakeSentry::new();
    let run = manifest(ProgramRun::github()).var("SENTRY_URL", sentry.peer.url());
    let run = run.var("SENTRY_AUTH_TOKEN", "sntryu_an0ther-t0ken");
    run.file("finishline.yml", MANIFEST.split("releases:").next().unwrap());
    let (_, result) = ended_with(&run, 5);
    assert_eq!(result["error"]["code"], "no-token", "{result}");
    assert_eq!(sentry.peer.lines(), [""; 0]);
}

#[test]
fn what_is_given_and_cannot_be_read_is_not_missing() {
    let run = integration(ProgramRun::github()).var("SENTRY_ORG", "acme");
    for without in ["error", "skip"] {
        let run = run.clone().var("FINISHLINE_WITHOUT_TOKEN", without);
        let ended = run.args(&["run", "--auth-token-file", "no-such-file"]).execute().expect(2);
        assert_eq!(ended.output("error-code"), "usage");
        assert!(!ended.stderr.contains("is missing"), "{}", ended.stderr);
    }
}
