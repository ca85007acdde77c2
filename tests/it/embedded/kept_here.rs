//! What stays on this machine is never taken for something that a Sentry has.

use crate::support::run::{ProgramRun, RunResult};

fn kept(run: &ProgramRun) -> String {
    format!("kept in {}, not sent to a Sentry", run.database().display())
}

fn release(run: ProgramRun) -> ProgramRun {
    run.embedded_release("v1").var("FINISHLINE_COMMITS", "none")
}

fn warnings(run: &ProgramRun) -> (RunResult, String) {
    let ended = run.execute().expect(0);
    let warnings = ended.output("warnings");
    (ended, warnings)
}

#[test]
fn every_run_says_that_nothing_was_sent() {
    for run in [
        ProgramRun::github().opsgenie(),
        release(ProgramRun::gitlab()),
        release(ProgramRun::local()),
        release(ProgramRun::github().opsgenie()),
    ] {
        for attempt in ["first", "again"] {
            let ended = run.execute().expect(0);
            assert_eq!(ended.stdout.matches(&kept(&run)).count(), 1, "{attempt}: {}", ended.stdout);
        }
    }
    let run = ProgramRun::github().opsgenie();
    assert!(run.execute().expect(0).summary().contains("not sent to a Sentry"));
    let plan = run.clone().args(&["plan"]).execute().expect(0);
    assert!(plan.stdout.contains("not sent to a Sentry"), "{}", plan.stdout);
}

#[test]
fn a_manifest_says_it_once() {
    let run = release(ProgramRun::github());
    let run = run.without("FINISHLINE_RELEASE").without("FINISHLINE_PROJECTS");
    let run = run.without("FINISHLINE_COMMITS").var("SENTRY_PROJECT", "web");
    let entry = |version| format!("  - {{release: {version}, projects: [web], commits: none}}\n");
    run.file("finishline.yml", format!("version: 1\nreleases:\n{}{}", entry("v1"), entry("v2")));
    let run = run.var("FINISHLINE_MANIFEST", "finishline.yml");
    let ended = run.execute().expect(0);
    assert_eq!(ended.stdout.matches(&kept(&run)).count(), 1, "{}", ended.stdout);
    assert_eq!(ended.stderr.matches("SENTRY_PROJECT is set, but").count(), 1, "{}", ended.stderr);
}

#[test]
fn variables_of_a_sentry_without_a_token_are_warned_about() {
    for run in [release(ProgramRun::github()), ProgramRun::github().opsgenie()] {
        assert_eq!(warnings(&run).1, "");
        for (names, words) in [
            (&["SENTRY_ORG"][..], "SENTRY_ORG is set, but nothing is sent to a Sentry"),
            (&["SENTRY_PROJECT"], "SENTRY_PROJECT is set, but"),
            (&["SENTRY_URL"], "SENTRY_URL is set, but"),
            (&["SENTRY_URL", "SENTRY_ORG"], "SENTRY_ORG and SENTRY_URL are set, but"),
        ] {
            let with = |run: ProgramRun, name: &&str| run.var(name, "https://sentry.example.com");
            let run = names.iter().fold(run.clone(), with).var("SENTRY_AUTH_TOKEN", "");
            let run =
                if names.contains(&"SENTRY_ORG") { run.var("SENTRY_ORG", "theirs") } else { run };
            let run = if names.contains(&"SENTRY_PROJECT") {
                run.var("SENTRY_PROJECT", "web")
            } else {
                run
            };
            let (ended, slugs) = warnings(&run);
            assert_eq!(slugs, "not-sent", "{names:?}");
            assert!(ended.stderr.contains(words), "{names:?}: {}", ended.stderr);
            assert!(ended.stderr.contains("SENTRY_AUTH_TOKEN"), "{}", ended.stderr);
            // Whoever has a token has chosen.
            let token = run.var("SENTRY_AUTH_TOKEN", "sntryu_0f-n0b0dy");
            assert_eq!(warnings(&token).1, "", "{names:?}");
        }
    }
}

#[test]
fn a_laptop_that_names_an_organization_only_is_warned_too() {
    let run = ProgramRun::local().opsgenie().without("FINISHLINE_BACKEND");
    let run = run.without("FINISHLINE_ORG").var("SENTRY_ORG", "acme");
    let ended = run.execute().expect(0);
    assert!(ended.stderr.contains("SENTRY_ORG is set, but"), "{}", ended.stderr);
    assert!(ended.stdout.contains(&kept(&run)), "{}", ended.stdout);
}
