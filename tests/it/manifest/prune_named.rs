//! `prune: true` leaves what an entry names, whichever way it names it, and `plan` shows no more than
//! `run` removes.

use crate::support::rows::rows;
use crate::support::run::ProgramRun;
use crate::support::serve::ServeProcess;

const THERE: &str = "SELECT integration_id || ' ' || name FROM repository
        WHERE status = 'active' AND integration_id IS NOT NULL
    UNION ALL SELECT 'mapping ' || stack_root FROM code_mapping
    UNION ALL SELECT 'integration ' || integration_id FROM organization_integration
        WHERE status = 'active' ORDER BY 1";

const LINKS: &str = "    repositories: [acme/web]
    code-mappings: [{project: web, repository: acme/web, stackRoot: app/}]\n";

fn runs(serve: &ServeProcess) -> [ProgramRun; 2] {
    let embedded = ProgramRun::github();
    let database = embedded.database();
    let embedded =
        embedded.var("FINISHLINE_BACKEND", "embedded").var("FINISHLINE_DATABASE", database);
    [embedded, serve.github_run()].map(|run| {
        run.var("FINISHLINE_MANIFEST", "finishline.yml").var("FINISHLINE_MAX_PARALLEL", "1")
    })
}

fn with(run: &ProgramRun, entries: &str) -> ProgramRun {
    let text =
        format!("version: 1\nprune: true\ndefaults: {{org: acme}}\nintegrations:\n{entries}");
    run.file("finishline.yml", text);
    run.clone()
}

fn installed(name: &str, links: &str) -> String {
    format!("  - provider: example\n    state: {{name: {name}}}\n{links}")
}

fn there(run: &ProgramRun, serve: &ServeProcess) -> Vec<String> {
    match run.database().exists() {
        true => run.rows(THERE),
        false => rows(&serve.database(), THERE),
    }
}

#[test]
fn an_integration_that_an_entry_links_to_is_never_pruned() {
    for how in ["integration-id: 1", "provider: example"] {
        let serve = ServeProcess::start();
        for run in runs(&serve) {
            with(&run, &installed("gita", LINKS)).execute().expect(0);
            let before = there(&run, &serve);
            assert_eq!(before, ["1 acme/web", "integration 1", "mapping app/"]);
            let linked = with(&run, &format!("  - mode: link\n    {how}\n{LINKS}"));
            let planned = linked.clone().args(&["plan", "--exit-code"]).execute().expect(0);
            assert!(!planned.everything().contains("prune["), "{how}: {}", planned.stdout);
            for _ in 0..2 {
                let ended = linked.execute().expect(0);
                assert_eq!(ended.output("changed"), "false", "{how}: {}", ended.stdout);
                assert_eq!(there(&run, &serve), before, "{how}");
            }
        }
    }
}

#[test]
fn a_link_that_moves_to_another_entry_is_removed_by_neither_plan_nor_run() {
    let serve = ServeProcess::start();
    for run in runs(&serve) {
        let both = |a: &str, b: &str| installed("gita", a) + &installed("gitb", b);
        with(&run, &both(LINKS, "")).execute().expect(0);
        let moved = with(&run, &both("", LINKS));
        let planned = moved.clone().args(&["plan", "--exit-code"]).execute().expect(8);
        assert!(planned.stdout.contains("link repository acme/web"), "{}", planned.stdout);
        assert!(!planned.everything().contains("prune["), "{}", planned.everything());
        let ended = moved.execute().expect(0);
        assert!(!ended.everything().contains("prune["), "{}", ended.everything());
        let after = ["2 acme/web", "integration 1", "integration 2", "mapping app/"];
        assert_eq!(there(&run, &serve), after);
        // A new entry takes it over as well, while it is only planned.
        let third = format!("{}{}", both("", ""), installed("gitc", LINKS));
        let planned = with(&run, &third).args(&["plan"]).execute().expect(0);
        assert!(!planned.everything().contains("prune["), "{}", planned.everything());
        with(&run, &third).execute().expect(0);
        assert!(there(&run, &serve).contains(&"3 acme/web".to_owned()));
    }
}

#[test]
fn a_saved_plan_removes_what_it_showed_and_nothing_else() {
    let serve = ServeProcess::start();
    for run in runs(&serve) {
        let all = installed("gita", LINKS) + &installed("gitb", "") + &installed("gitc", "");
        with(&run, &all).execute().expect(0);
        let record = run.text("finishline.yml.managed.json");
        let less = with(&run, &(installed("gita", "") + &installed("gitb", "")));
        let plan = ["plan", "--format", "json"];
        run.file("plan.json", less.clone().args(&plan).execute().expect(0).stdout);
        let apply = ["run", "--plan", "plan.json", "--format", "json"];
        // Another integration is named no longer, and its removal was not reviewed; then none is.
        let before = there(&run, &serve);
        let other = record.replace("\"name\": \"gitc\"", "\"name\": \"gitd\"");
        for wrong in [other, "{\"version\": 1, \"integrations\": []}".to_owned()] {
            run.file("finishline.yml.managed.json", &wrong);
            let ended = less.clone().args(&apply).execute();
            assert_ne!(ended.exit, Some(0), "{}", ended.stdout);
            assert_eq!(there(&run, &serve), before);
            assert_eq!(run.text("finishline.yml.managed.json"), wrong);
        }
        run.file("finishline.yml.managed.json", &record);
        let ended = less.clone().args(&apply).execute().expect(0);
        assert_eq!(ended.json()["changed"], true);
        assert_eq!(there(&run, &serve), ["integration 1", "integration 2"]);
    }
}

/// One integration takes the place of another, with everything that was linked through it.
#[test]
fn a_link_stays_that_moves_to_another_entry_while_its_own_goes() {
    let serve = ServeProcess::start();
    for run in runs(&serve) {
        let other = "    repositories: [acme/lib]\n";
        with(&run, &(installed("gita", LINKS) + &installed("gitb", other))).execute().expect(0);
        let replaced = with(&run, &installed("gitb", &LINKS.replace("[acme/", "[acme/lib, acme/")));
        replaced.execute().expect(0);
        let after = ["2 acme/lib", "2 acme/web", "integration 2", "mapping app/"];
        assert_eq!(there(&run, &serve), after);
        replaced.args(&["plan", "--exit-code"]).execute().expect(0);
    }
}

#[test]
fn nothing_is_pruned_while_a_link_of_an_entry_is_not_set() {
    let serve = ServeProcess::start();
    let [_, run] = runs(&serve);
    let host = |name: &str, rest: &str| {
        let state = format!("{{name: {name}, url: 'https://{name}.example'}}");
        format!("  - provider: custom_scm\n    state: {state}\n{rest}")
    };
    let (gita, gitb) = (host("gita", LINKS), host("gitb", LINKS));
    with(&run, &gita).execute().expect(0);
    let before = ["1 acme/web", "integration 1", "integration 2", "mapping app/"];
    for _ in 0..2 {
        let ended = with(&run, &gitb).execute().expect(0);
        let warned = ended.everything();
        for words in ["another integration has the repository", "nothing is pruned, because repo"] {
            assert!(warned.contains(words), "{words}: {warned}");
        }
        assert_eq!(there(&run, &serve), before);
    }
    // So does the plan, whether all is listed at once or not; and the way out that the warning names works.
    let planned = with(&run, &gitb).args(&["plan"]).execute().expect(0);
    let words = "link repository acme/web, which integration 1 has";
    assert!(planned.stdout.contains(words), "{}", planned.stdout);
    let alone =
        run.clone().without("FINISHLINE_MANIFEST").args(&["plan", "--provider", "custom_scm"]);
    let alone = alone.var("FINISHLINE_STATE", "{name: gitb, url: 'https://gitb.example'}");
    let alone = alone.var("FINISHLINE_ORG", "acme").var("FINISHLINE_REPOSITORIES", "acme/web");
    let planned = alone.clone().execute().expect(0);
    assert!(planned.stdout.contains(words), "{}", planned.stdout);
    let warned = alone.args(&["run", "--provider", "custom_scm"]).execute().expect(0).stderr;
    assert!(
        warned.contains("first run with `integration-id: 1` and the repository in"),
        "{warned}"
    );
    // The way out that the manual names.
    let absent = "  - {provider: custom_scm, integration-id: 1, state: absent}\n";
    with(&run, &format!("{absent}{gitb}")).execute().expect(0);
    let ended = with(&run, &gitb).execute().expect(0);
    assert_eq!(
        there(&run, &serve),
        ["2 acme/web", "integration 2", "mapping app/"],
        "{}",
        ended.stdout
    );
}

/// Sentry takes an organization's id for its slug, and a machine has several names.
#[test]
fn what_is_named_in_another_way_is_not_pruned() {
    let serve = ServeProcess::start();
    let [_, run] = runs(&serve);
    let named = |org: &str, url: &str| {
        run.file(
            "finishline.yml",
            format!(
                "version: 1\nprune: true\ndefaults: {{org: {org}, url: '{url}'}}\nintegrations:\n{}",
                installed("gita", LINKS)
            ),
        );
        run.clone()
    };
    let (numeric, other) = (serve.url(), serve.url().replace("127.0.0.1", "localhost"));
    named("'1'", &numeric).execute().expect(0);
    let before = there(&run, &serve);
    for (org, url) in [("acme", &numeric), ("acme", &other), ("'1'", &other), ("acme", &numeric)] {
        let next = named(org, url);
        let planned = next.clone().args(&["plan", "--exit-code"]).execute().expect(0);
        assert!(!planned.everything().contains("prune["), "{org} {url}: {}", planned.stdout);
        assert_eq!(next.execute().expect(0).output("changed"), "false", "{org} {url}");
        assert_eq!(there(&run, &serve), before, "{org} {url}");
    }
}

/// A manifest whose organization a variable fills in is run for several of them.
#[test]
fn what_another_organizations_run_manages_is_not_pruned() {
    let serve = ServeProcess::start();
    for head in ["", "defaults: {org: '${FINISHLINE_ORG}'}\n", "defaults: {org: '${TEAM}'}\n"] {
        let [run, _] = runs(&serve);
        let text = |entries: &str| {
            let text = format!("version: 1\nprune: true\n{head}integrations:\n{entries}");
            run.file("finishline.yml", text)
        };
        let of = |org: &str| match head.contains("TEAM") {
            true => run.clone().var("TEAM", org),
            false => run.clone().var("FINISHLINE_ORG", org),
        };
        text(&(installed("gita", "") + &installed("gitb", "")));
        of("acme").execute().expect(0);
        of("beta").execute().expect(0);
        let links = "SELECT count(*) FROM organization_integration";
        assert_eq!(run.rows(links), ["4"], "{head}");
        assert_eq!(of("acme").execute().expect(0).output("changed"), "false", "{head}");
        assert_eq!(run.rows(links), ["4"], "{head}");
        // Each run prunes its own.
        text(&installed("gita", ""));
        of("acme").execute().expect(0);
        assert_eq!(run.rows(links), ["3"], "{head}");
    }
}

#[test]
fn what_another_run_may_name_otherwise_is_no_manifest_that_prunes() {
    let run = ProgramRun::local().var("FINISHLINE_MANIFEST", "finishline.yml").var("NAME", "acme");
    let entry = |keys: &str| format!("  - {{provider: example, state: {{name: a}}, {keys}}}\n");
    let mapping =
        "org: acme, code-mappings: [{project: web, repository: '${NAME}', sourceRoot: a}]";
    for (entries, key) in [
        (entry("org: acme, repositories: ['${NAME}/web']"), Some("repositories")),
        (entry(mapping), Some("code-mappings")),
        (entry("org: acme") + &entry("org: '${NAME}'"), Some("org")),
        (entry("org: '${NAME}'"), None),
        (entry("org: acme"), None),
    ] {
        run.file("finishline.yml", format!("version: 1\nprune: true\nintegrations:\n{entries}"));
        let ended = run.clone().args(&["plan"]).execute();
        let words =
            key.map(|key| format!("with `prune: true`, `{key}` may not come from a variable"));
        let is_said = |words: &String| ended.stderr.contains(words.as_str());
        assert_eq!(
            ended.exit,
            Some(if key.is_some() { 2 } else { 0 }),
            "{entries}{}",
            ended.stderr
        );
        assert!(words.iter().all(is_said), "{entries}{}", ended.stderr);
    }
}

/// A mapping names its repository, too.
#[test]
fn a_repository_that_a_code_mapping_names_stays() {
    let serve = ServeProcess::start();
    let alone = LINKS.split_once('\n').unwrap().1;
    for run in runs(&serve) {
        with(&run, &installed("gita", LINKS)).execute().expect(0);
        let before = there(&run, &serve);
        let mapped = with(&run, &installed("gita", alone));
        for _ in 0..2 {
            assert_eq!(mapped.execute().expect(0).output("changed"), "false");
            assert_eq!(there(&run, &serve), before);
        }
    }
}

#[test]
fn of_two_integrations_of_one_name_none_is_pruned_that_an_entry_may_mean() {
    let serve = ServeProcess::start();
    for run in runs(&serve) {
        let outpost =
            "  - provider: outpost\n    state: {baseUrl: 'https://outpost.acme.example'}\n";
        let install =
            run.clone().without("FINISHLINE_MANIFEST").var("FINISHLINE_PROVIDER", "outpost");
        let install = install.var("FINISHLINE_ORG", "acme").var("FINISHLINE_MODE", "install");
        let install = install.var("FINISHLINE_STATE", "{baseUrl: 'https://outpost.acme.example'}");
        install.execute().expect(0);
        install.execute().expect(0);
        let before = there(&run, &serve);
        assert_eq!(before.len(), 2, "{before:?}");
        with(&run, &format!("{outpost}    integration-id: 2\n")).execute().expect(0);
        let unnamed = with(&run, outpost);
        let planned = unnamed.clone().args(&["plan"]).execute().expect(0);
        assert!(!planned.stdout.contains("remove integration"), "{}", planned.stdout);
        for _ in 0..2 {
            let ended = unnamed.execute().expect(0);
            assert!(ended.everything().contains("has the same name"), "{}", ended.everything());
            assert_eq!(there(&run, &serve), before);
        }
        // Where the entry says which it means, the other one goes.
        let named = with(&run, &format!("{outpost}    integration-id: 1\n"));
        named.execute().expect(0);
        assert_eq!(there(&run, &serve).len(), 1);
    }
}
