//! Integrations, repositories and mappings that are there, and are not what the inputs take them for.

use crate::support::rows::rows;
use crate::support::run::ProgramRun;
use crate::support::serve::ServeProcess;

fn at(serve: &ServeProcess) -> ProgramRun {
    serve.github_run().var("SENTRY_ORG", "acme").var("FINISHLINE_PROVIDER", "example")
}

fn embedded() -> ProgramRun {
    ProgramRun::github().embedded("example", "{name: demo}").without("FINISHLINE_STATE")
}

fn installed(run: &ProgramRun, name: &str) -> ProgramRun {
    run.clone().var("FINISHLINE_STATE", format!("{{name: {name}}}"))
}

fn of_id(run: &ProgramRun, mode: &str, id: &str) -> ProgramRun {
    run.clone().var("FINISHLINE_MODE", mode).var("FINISHLINE_INTEGRATION_ID", id)
}

const MAPPING: &str = "[{project: web, repository: acme/web, stackRoot: app/, sourceRoot: src/}]";

#[test]
fn an_integration_of_another_provider_is_no_end_and_nothing_to_link_through() {
    let serve = ServeProcess::start();
    for run in [at(&serve), embedded()] {
        installed(&run, "demo").execute().expect(0);
        let other = run.clone().var("FINISHLINE_PROVIDER", "custom_scm");
        for wrong in [
            of_id(&other, "remove", "1"),
            of_id(&other, "link", "1").var("FINISHLINE_REPOSITORIES", "x/y"),
        ] {
            for command in ["plan", "run"] {
                let ended = wrong.clone().args(&[command]).execute().expect(4);
                assert_eq!(ended.output("error-code"), "integration-mismatch", "{}", ended.stderr);
                let words = "integration 1 is of the provider `example`, not `custom_scm`";
                assert!(ended.stderr.contains(words), "{}", ended.stderr);
            }
        }
        // What is in no list is gone.
        of_id(&other, "remove", "99").execute().expect(0);
    }
    let repositories = rows(&serve.database(), "SELECT count(*) FROM repository");
    assert_eq!(repositories, ["0"]);
}

/// A check agrees with the run, whose `state` is not needed.
#[test]
fn a_check_of_links_and_removals_needs_no_state() {
    let serve = ServeProcess::start();
    for run in [at(&serve), embedded()] {
        let link = run.clone().var("FINISHLINE_MODE", "link");
        let link = link.var("FINISHLINE_CODE_MAPPINGS", MAPPING).args(&["check"]);
        let ended = link.execute().expect(2);
        assert!(ended.stdout.contains("acme has no example integration"), "{}", ended.stdout);
        installed(&run, "demo").execute().expect(0);
        for check in [link.clone(), link.var("FINISHLINE_INTEGRATION_ID", "1")] {
            let ended = check.execute().expect(0);
            assert!(ended.stdout.contains("1 (demo): active"), "{}", ended.stdout);
        }
        let ended = of_id(&run, "remove", "1").args(&["check"]).execute().expect(0);
        assert!(ended.stdout.contains("1 (demo) would be removed"), "{}", ended.stdout);
    }
}

/// Sentry would say that it is mapped, and map through the other one.
#[test]
fn a_mapping_to_a_repository_of_another_integration_is_not_set() {
    let serve = ServeProcess::start();
    for run in [at(&serve), embedded()] {
        installed(&run, "gita").var("FINISHLINE_REPOSITORIES", "acme/web").execute().expect(0);
        let second = installed(&run, "gitb").var("FINISHLINE_CODE_MAPPINGS", MAPPING);
        let ended = second.execute().expect(0);
        assert_eq!(ended.output("warnings"), "code-mapping-not-set", "{}", ended.stderr);
        let alone = of_id(&run, "link", "2").var("FINISHLINE_CODE_MAPPINGS", MAPPING);
        assert_eq!(alone.execute().expect(4).output("changed"), "false");
    }
    assert_eq!(rows(&serve.database(), "SELECT count(*) FROM code_mapping"), ["0"]);
}

#[test]
fn a_repository_takes_no_mapping_along_that_is_wanted_or_not_shown() {
    let serve = ServeProcess::start();
    for run in [at(&serve), embedded()] {
        let linked = installed(&run, "demo").var("FINISHLINE_REPOSITORIES", "acme/web");
        linked.var("FINISHLINE_CODE_MAPPINGS", MAPPING).execute().expect(0);
        let gone = of_id(&run, "link", "1").var("FINISHLINE_REPOSITORIES_ABSENT", "acme/web");
        let wrong = gone.clone().var("FINISHLINE_CODE_MAPPINGS", MAPPING).execute().expect(2);
        assert!(
            wrong.stderr.contains("would take along what `code-mappings` sets"),
            "{}",
            wrong.stderr
        );
        let planned = gone.clone().args(&["plan"]).execute().expect(0);
        let words = "delete the code mapping `app/` of web";
        assert!(planned.stdout.contains(words), "{}", planned.stdout);
        gone.execute().expect(0);
        gone.args(&["plan", "--exit-code"]).execute().expect(0);
    }
}

const OPSGENIE: &str =
    "{baseUrl: 'https://api.opsgenie.com/', provider: acme, apiKey: abcd1234abcd}";

/// Of an account nobody has, and of one in another region, whatever else the organization has.
#[test]
fn a_removal_takes_only_what_its_state_describes() {
    let serve = ServeProcess::start();
    for run in [ProgramRun::github().embedded("opsgenie", OPSGENIE), serve.github_run()] {
        let run = run.var("FINISHLINE_ORG", "acme").var("FINISHLINE_PROVIDER", "opsgenie");
        let run = run.var("FINISHLINE_STATE", OPSGENIE);
        run.execute().expect(0);
        let removal = |state: &str| {
            run.clone().var("FINISHLINE_MODE", "remove").var("FINISHLINE_STATE", state).execute()
        };
        let gone = removal("{provider: old-ops}").expect(0);
        assert_eq!(gone.output("changed"), "false", "{}", gone.stdout);
        let other = removal("{baseUrl: 'https://api.eu.opsgenie.com/', provider: acme}").expect(4);
        assert_eq!(other.output("error-code"), "integration-mismatch", "{}", other.stderr);
        removal("{baseUrl: 'https://api.opsgenie.com/'}").expect(2);
        assert_eq!(removal("{provider: acme}").expect(0).output("changed"), "true");
    }
}
