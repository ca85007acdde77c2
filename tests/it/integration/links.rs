//! Repositories and code mappings, which are set once the integration is there.

use crate::support::rows::rows;
use crate::support::run::ProgramRun;
use crate::support::serve::{self, ServeProcess};

const MAPPINGS: &str = "[{project: web, repository: acme/web, stackRoot: app/, sourceRoot: src/}]";

fn example() -> ProgramRun {
    ProgramRun::github().embedded("example", "{name: demo}")
}

#[test]
fn repositories_and_code_mappings_are_set_once_and_changed_when_they_differ() {
    let run = example()
        .var("FINISHLINE_REPOSITORIES", "acme/web, acme/api")
        .var("FINISHLINE_CODE_MAPPINGS", MAPPINGS);
    assert_eq!(run.execute().expect(0).joined(["changed", "warnings"]), "true ");
    let linked = "SELECT name, provider, integration_id FROM repository ORDER BY id";
    let mapped = "SELECT slug, name, stack_root, source_root FROM code_mapping
                  JOIN project ON project.id = project_id
                  JOIN repository ON repository.id = repository_id";
    let repositories = ["acme/web|integrations:example|1", "acme/api|integrations:example|1"];
    assert_eq!(run.rows(linked), repositories);
    assert_eq!(run.rows(mapped), ["web|acme/web|app/|src/"]);
    assert_eq!(run.execute().expect(0).joined(["changed", "warnings"]), "false ");
    let moved = run.clone().var("FINISHLINE_CODE_MAPPINGS", MAPPINGS.replace("src/", "lib/"));
    assert_eq!(moved.execute().expect(0).output("changed"), "true");
    assert_eq!(run.rows(mapped), ["web|acme/web|app/|lib/"]);
    assert_eq!(run.rows(linked), repositories);
}

#[test]
fn a_plan_compares_repositories_and_code_mappings() {
    let run = example();
    run.execute().expect(0);
    let wanted = run.var("FINISHLINE_REPOSITORIES", "acme/web");
    let wanted = wanted.var("FINISHLINE_CODE_MAPPINGS", MAPPINGS);
    let plan = wanted.clone().args(&["plan", "--exit-code"]);
    let ended = plan.execute().expect(8);
    assert!(ended.stdout.contains("link repository acme/web"), "{}", ended.stdout);
    let ended = wanted.execute().expect(0);
    assert!(ended.stdout.contains("missing links were added for acme"), "{}", ended.stdout);
    assert!(ended.stdout.contains("linked repository acme/web"), "{}", ended.stdout);
    plan.execute().expect(0);
    let moved = plan.var("FINISHLINE_CODE_MAPPINGS", MAPPINGS.replace("src/", "lib/"));
    let ended = moved.execute().expect(8);
    assert!(!ended.stdout.contains("link repository"), "{}", ended.stdout);
    assert!(ended.stdout.contains("map `app/` of web to `lib/` of acme/web"), "{}", ended.stdout);
}

#[test]
fn what_cannot_be_set_is_a_warning_and_the_integration_is_finished() {
    let run = ProgramRun::github().opsgenie().var("FINISHLINE_REPOSITORIES", "acme/web");
    let ended = run.var("FINISHLINE_CODE_MAPPINGS", MAPPINGS).execute().expect(0);
    let said = ended.joined(["status", "integration-id", "warnings"]);
    assert_eq!(said, "complete 1 repository-not-linked,code-mapping-not-set");
    assert!(ended.stderr.contains("Opsgenie does not support repositories"), "{}", ended.stderr);
}

#[test]
fn a_mapping_that_names_no_branch_leaves_the_one_that_is_there() {
    let mapping = "[{project: web, repository: acme/web, stackRoot: a/, sourceRoot: b/}]";
    let run = ProgramRun::github().embedded("example", "{name: demo}");
    let run =
        run.var("FINISHLINE_REPOSITORIES", "acme/web").var("FINISHLINE_CODE_MAPPINGS", mapping);
    run.execute().expect(0);
    let set = "UPDATE code_mapping SET default_branch = 'trunk'";
    run.connection().execute(set, []).unwrap();
    run.clone().args(&["plan", "--exit-code"]).execute().expect(0);
    assert_eq!(run.execute().expect(0).output("changed"), "false");
    let moved = run.clone().var("FINISHLINE_CODE_MAPPINGS", mapping.replace("b/", "c/"));
    assert_eq!(moved.execute().expect(0).output("changed"), "true");
    let there = run.rows("SELECT source_root, default_branch FROM code_mapping");
    assert_eq!(there, ["c/|trunk"]);
}

/// Sentry keeps the provider of a repository whose integration is gone, and offers it to nobody.
#[test]
fn a_source_host_that_is_installed_again_has_its_repositories_again() {
    let at = |serve: &ServeProcess| {
        serve
            .github_run()
            .var("FINISHLINE_ORG", "acme")
            .var("FINISHLINE_PROVIDER", "custom_scm")
            .var("FINISHLINE_STATE", "{name: forge, url: 'https://forge.example.com'}")
    };
    let serve = ServeProcess::start();
    let linked = at(&serve).var("FINISHLINE_REPOSITORIES", "acme/web, acme/api");
    assert_eq!(linked.execute().expect(0).joined(["changed", "warnings"]), "true ");
    let there = |serve: &ServeProcess, id: i64| {
        let link = "SELECT status FROM organization_integration WHERE integration_id =
                        (SELECT max(id) FROM integration)";
        assert_eq!(rows(&serve.database(), link), ["active"]);
        let sql = "SELECT name, integration_id FROM repository ORDER BY 1";
        let all = ["acme/api", "acme/web"].map(|name| format!("{name}|{id}"));
        assert_eq!(rows(&serve.database(), sql), all);
        let latest = "SELECT max(id) FROM integration";
        assert_eq!(rows(&serve.database(), latest), [id.to_string()]);
    };
    // While the old one waits for its deletion, and once it is gone.
    at(&serve).var("FINISHLINE_MODE", "remove").execute().expect(0);
    assert_eq!(linked.execute().expect(0).joined(["changed", "warnings"]), "true ");
    there(&serve, 2);
    assert_eq!(linked.execute().expect(0).joined(["changed", "warnings"]), "false ");
    there(&serve, 2);
    at(&serve).var("FINISHLINE_MODE", "remove").execute().expect(0);
    // The next start deletes what is marked.
    let (_, folder) = serve.stop();
    let serve = ServeProcess::over(folder, &[], Some(serve::TOKEN));
    let linked = at(&serve).var("FINISHLINE_REPOSITORIES", "acme/web, acme/api");
    assert_eq!(linked.execute().expect(0).joined(["changed", "warnings"]), "true ");
    there(&serve, 3);
    assert_eq!(linked.execute().expect(0).joined(["changed", "warnings"]), "false ");
    linked.args(&["plan", "--exit-code"]).execute().expect(0);
}

#[test]
fn a_repository_is_named_by_its_address_as_well() {
    let run = example();
    let addresses = "https://github.com/acme/web.git, git@github.com:acme/api.git, acme/site, \
                     https://github.com/acme/docs/tree/main, github.com/acme/app";
    let linked = run.clone().var("FINISHLINE_REPOSITORIES", addresses).execute().expect(0);
    for name in ["acme/web", "acme/api", "acme/site", "acme/docs", "acme/app"] {
        let words = format!("linked repository {name}\n");
        assert!(linked.stdout.contains(&words), "{}", linked.stdout);
    }
    let refused = run.var("FINISHLINE_REPOSITORIES", "https://github.com/acme").execute().expect(2);
    assert!(refused.stderr.contains("or their addresses"), "{}", refused.stderr);
}
