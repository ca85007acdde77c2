//! `prune: true` knows repositories and code mappings by their ids: a name may be somebody else's by now, and
//! GitLab shows two projects by one.

use crate::support::rows::rows;
use crate::support::run::ProgramRun;
use crate::support::serve::ServeProcess;
use rusqlite::Connection;
use serde_json::Value;

pub(super) const RECORD: &str = "finishline.yml.managed.json";
const THERE: &str = "SELECT id || ' ' || name FROM repository WHERE status = 'active'
        AND integration_id IS NOT NULL
    UNION ALL SELECT 'mapping ' || stack_root || ' ' || repository_id FROM code_mapping ORDER BY 1";

pub(super) fn with(run: &ProgramRun, entries: &str) -> ProgramRun {
    let text =
        format!("version: 1\nprune: true\ndefaults: {{org: acme}}\nintegrations:\n{entries}");
    run.file("finishline.yml", text);
    run.clone().var("FINISHLINE_MANIFEST", "finishline.yml").var("FINISHLINE_MAX_PARALLEL", "1")
}

pub(super) fn entry(links: &str) -> String {
    format!("  - {{provider: example, state: {{name: one}}{links}}}\n")
}

fn mapping(repository: &str, root: &str) -> String {
    format!("{{project: web, repository: '{repository}', stackRoot: {root}/}}")
}

pub(super) fn runs(serve: &ServeProcess) -> [ProgramRun; 2] {
    let embedded = ProgramRun::github();
    let database = embedded.database();
    let embedded =
        embedded.var("FINISHLINE_BACKEND", "embedded").var("FINISHLINE_DATABASE", database);
    [embedded, serve.github_run()]
}

fn connection(run: &ProgramRun, serve: &ServeProcess) -> Connection {
    if run.database().exists() { run.connection() } else { serve.database() }
}

pub(super) fn there(run: &ProgramRun, serve: &ServeProcess) -> Vec<String> {
    rows(&connection(run, serve), THERE)
}

fn change(run: &ProgramRun, serve: &ServeProcess, sql: &str) {
    connection(run, serve).execute_batch(sql).unwrap();
}

/// The links of the record's first integration.
pub(super) fn recorded(run: &ProgramRun, kind: &str) -> Value {
    let record: Value = serde_json::from_str(&run.text(RECORD)).unwrap();
    record["integrations"][0][kind].clone()
}

/// Another repository of integration 1, as a third party shows it.
fn row(id: u32, name: &str, path: &str) -> String {
    format!(
        "INSERT INTO repository (id, organization_id, name, url, provider, external_id,
             integration_id, created_at)
         VALUES ({id}, 1, '{name}', 'https://git.example/{path}', 'integrations:example', '{id}', 1, 0);"
    )
}

#[test]
fn what_was_managed_goes_by_its_id_and_not_what_has_its_name_now() {
    let serve = ServeProcess::start();
    for run in runs(&serve) {
        let own = mapping("acme/a", "s");
        with(&run, &entry(&format!(", repositories: [acme/a, acme/b], code-mappings: [{own}]")))
            .execute()
            .expect(0);
        for one in [&recorded(&run, "repositories")[1], &recorded(&run, "codeMappings")[0]] {
            assert!(one.is_null() || one["id"].is_string(), "{}", run.text(RECORD));
        }
        assert_eq!(recorded(&run, "repositories")[1]["id"], "2", "{}", run.text(RECORD));
        assert_eq!(recorded(&run, "code_mappings")[0]["id"], "1", "{}", run.text(RECORD));
        // Somebody links another one of the same name.
        change(&run, &serve, &row(9, "acme/b", "acme/other"));
        let less = with(&run, &entry(", repositories: [acme/a]"));
        let planned = less.clone().args(&["plan"]).execute().expect(0);
        assert!(planned.stdout.contains("- remove repository acme/b"), "{}", planned.stdout);
        less.execute().expect(0);
        assert_eq!(there(&run, &serve), ["1 acme/a", "9 acme/b"]);
    }
}

/// A backend that was put back gives its ids again, to what others link and map.
#[test]
fn what_is_called_otherwise_under_a_recorded_id_stays() {
    let serve = ServeProcess::start();
    for run in runs(&serve) {
        let own = mapping("acme/a", "s");
        with(&run, &entry(&format!(", repositories: [acme/a, acme/b], code-mappings: [{own}]")))
            .execute()
            .expect(0);
        let others = "UPDATE repository SET name = 'team/precious', external_id = 'team/precious' WHERE id = 2;
            UPDATE code_mapping SET stack_root = 't/';";
        change(&run, &serve, others);
        let less = with(&run, &entry(", repositories: [acme/a]"));
        let planned = less.clone().args(&["plan"]).execute().expect(0);
        assert!(!planned.stdout.contains("- remove"), "{}", planned.stdout);
        assert!(!planned.stdout.contains("- delete"), "{}", planned.stdout);
        let ended = less.execute().expect(0);
        let said = ended.everything();
        assert!(said.contains("is now that of `team/precious`"), "{said}");
        assert!(said.contains("as it was changed"), "{said}");
        assert_eq!(there(&run, &serve), ["1 acme/a", "2 team/precious", "mapping t/ 1"]);
        let record = run.text(RECORD);
        assert!(!record.contains("acme/b") && !record.contains("code_mappings"), "{record}");
    }
}

#[test]
fn what_another_integration_links_now_leaves_the_record_and_stays() {
    let serve = ServeProcess::start();
    for run in runs(&serve) {
        let links =
            format!(", repositories: [acme/a], code-mappings: [{}]", mapping("acme/a", "s"));
        let two = "  - {provider: example, state: {name: two}}\n";
        with(&run, &format!("{}{two}", entry(&links))).execute().expect(0);
        let moved = "UPDATE repository SET integration_id = 2;
            UPDATE code_mapping SET organization_integration_id = 2;";
        change(&run, &serve, moved);
        let less = with(&run, &format!("{}{two}", entry("")));
        less.clone().args(&["plan", "--exit-code"]).execute().expect(0);
        let ended = less.execute().expect(0);
        assert_eq!(ended.output("changed"), "false", "{}", ended.stdout);
        assert_eq!(there(&run, &serve), ["1 acme/a", "mapping s/ 1"]);
        assert!(!run.text(RECORD).contains("acme/a"), "{}", run.text(RECORD));
    }
}

#[test]
fn a_record_of_names_is_read_and_gets_its_ids() {
    let serve = ServeProcess::start();
    for run in runs(&serve) {
        let links = format!(
            ", repositories: [acme/a, acme/b], code-mappings: [{}, {}]",
            mapping("acme/a", "s"),
            mapping("acme/b", "t")
        );
        with(&run, &entry(&links)).execute().expect(0);
        let mut record: Value = serde_json::from_str(&run.text(RECORD)).unwrap();
        record["integrations"][0]["repositories"] = serde_json::json!(["Acme/A", "acme/b"]);
        for one in record["integrations"][0]["code_mappings"].as_array_mut().unwrap() {
            one.as_object_mut()
                .unwrap()
                .retain(|key, _| ["project", "stackRoot"].contains(&&**key));
        }
        let old = record.to_string();
        run.file(RECORD, &old);
        assert_eq!(with(&run, &entry(&links)).execute().expect(0).output("changed"), "false");
        assert_eq!(recorded(&run, "repositories").as_array().unwrap().len(), 2);
        assert_eq!(recorded(&run, "repositories")[0]["id"], "1", "{}", run.text(RECORD));
        assert_eq!(recorded(&run, "code_mappings")[1]["id"], "2", "{}", run.text(RECORD));
        run.file(RECORD, &old);
        let own = format!(", repositories: [acme/a], code-mappings: [{}]", mapping("acme/a", "s"));
        with(&run, &entry(&own)).execute().expect(0);
        assert_eq!(there(&run, &serve), ["1 acme/a", "mapping s/ 1"]);
    }
}

/// A manifest with an integration that has two repositories of one display name.
fn alike(run: &ProgramRun, serve: &ServeProcess, more: &str) {
    with(run, &entry("")).execute().expect(0);
    let both = [row(5, "Acme / Web", "acme/web"), row(6, "Acme / Web", "other/web")];
    change(run, serve, &format!("{}{more}", both.concat()));
}

#[test]
fn of_two_repositories_of_one_display_name_the_one_goes_that_is_named_no_longer() {
    let serve = ServeProcess::start();
    for run in runs(&serve) {
        alike(&run, &serve, "");
        let both = format!(
            ", repositories: [acme/web, other/web], code-mappings: [{}, {}]",
            mapping("acme/web", "a"),
            mapping("other/web", "b")
        );
        with(&run, &entry(&both)).execute().expect(0);
        let all = ["5 Acme / Web", "6 Acme / Web", "mapping a/ 5", "mapping b/ 6"];
        assert_eq!(there(&run, &serve), all);
        assert_eq!(with(&run, &entry(&both)).execute().expect(0).output("changed"), "false");
        // Only the mapping to that one goes along.
        change(
            &run,
            &serve,
            "UPDATE code_mapping SET stack_root = 'hand/' WHERE repository_id = 6;",
        );
        let one =
            format!(", repositories: [acme/web], code-mappings: [{}]", mapping("acme/web", "a"));
        let less = with(&run, &entry(&one));
        let record = run.text(RECORD);
        run.file(RECORD, record.replace("\"b/\"", "\"c/\"").replace("\"id\": \"2\",", ""));
        let planned = less.clone().args(&["plan"]).execute().expect(0).stdout;
        assert!(planned.contains("remove repository other/web"), "{planned}");
        assert!(planned.contains("`hand/`") && !planned.contains("code mapping `a/`"), "{planned}");
        less.execute().expect(0);
        assert_eq!(there(&run, &serve), ["5 Acme / Web", "mapping a/ 5"]);
    }
}

#[test]
fn a_mapping_to_the_other_repository_of_its_display_name_is_not_up_to_date() {
    let serve = ServeProcess::start();
    for run in runs(&serve) {
        alike(&run, &serve, "");
        let to =
            |path: &str| with(&run, &entry(&format!(", code-mappings: [{}]", mapping(path, "a"))));
        to("other/web").execute().expect(0);
        assert_eq!(there(&run, &serve)[2..], ["mapping a/ 6"]);
        to("acme/web").args(&["plan", "--exit-code"]).execute().expect(8);
        assert_eq!(to("acme/web").execute().expect(0).output("changed"), "true");
        assert_eq!(there(&run, &serve)[2..], ["mapping a/ 5"]);
        assert_eq!(to("acme/web").execute().expect(0).output("changed"), "false");
    }
}

#[test]
fn a_name_that_two_repositories_have_is_ambiguous_and_changes_nothing() {
    let serve = ServeProcess::start();
    for run in runs(&serve) {
        // A path is one repository's, whatever another one is called.
        alike(&run, &serve, &row(7, "other/web", "far/web"));
        let before = there(&run, &serve);
        let mapped = format!(", code-mappings: [{}]", mapping("acme / web", "a"));
        for links in
            [", repositories-absent: ['Acme / Web']", ", repositories: ['acme / web']", &mapped]
        {
            for args in [&["plan"][..], &["run"]] {
                let ended = with(&run, &entry(links)).args(args).execute().expect(2);
                let shown = ended.everything();
                assert!(shown.contains("ambiguous"), "{links} {args:?}: {shown}");
                for words in ["several are called so", "`acme/web` (id 5)", "`other/web` (id 6)"] {
                    assert!(shown.contains(words), "{links} {args:?} {words}: {shown}");
                }
                assert_eq!(there(&run, &serve), before, "{links} {args:?}");
            }
        }
        with(&run, &entry(", repositories-absent: [other/web]")).execute().expect(0);
        assert_eq!(there(&run, &serve), ["5 Acme / Web", "7 other/web"]);
        // Two names of one repository remove it once.
        let twice = with(&run, &entry(", repositories-absent: [other/web, far/web]"));
        let planned = twice.clone().args(&["plan"]).execute().expect(0).stdout;
        assert_eq!(planned.matches("- remove repository").count(), 1, "{planned}");
        let ended = twice.execute().expect(0);
        assert_eq!(ended.output("result").matches("removed repository").count(), 1);
        assert_eq!(there(&run, &serve), ["5 Acme / Web"]);
    }
}

#[test]
fn what_a_record_without_ids_may_mean_twice_stays_and_is_told() {
    let serve = ServeProcess::start();
    for run in runs(&serve) {
        alike(&run, &serve, "");
        let record = run.text(RECORD);
        let name = "\"name\": \"one\",\n      \"repositories\": [\"Acme / Web\"]";
        let named = record.replace("\"name\": \"one\"", name);
        assert!(named.contains("Acme / Web"), "{record}");
        run.file(RECORD, named);
        let none = with(&run, &entry(""));
        let planned = none.clone().args(&["plan", "--exit-code"]).execute().expect(0);
        assert!(
            planned.everything().contains("`acme/web` (id 5), `other/web` (id 6)"),
            "{}",
            planned.stdout
        );
        for _ in 0..2 {
            let ended = none.execute().expect(0);
            assert!(ended.output("warnings").contains("not-pruned"), "{}", ended.stderr);
            assert_eq!(there(&run, &serve), ["5 Acme / Web", "6 Acme / Web"]);
            assert!(run.text(RECORD).contains("Acme / Web"), "{}", run.text(RECORD));
        }
    }
}

#[test]
fn a_repository_stays_recorded_that_a_commit_calls_by_its_path() {
    let serve = ServeProcess::start();
    let commit = "a".repeat(40);
    for run in runs(&serve) {
        with(&run, &entry("")).execute().expect(0);
        change(&run, &serve, &row(5, "Acme / Web", "acme/web"));
        with(&run, &entry(", repositories: ['Acme / Web']")).execute().expect(0);
        let release = format!(
            "releases:\n  - {{projects: [web], release: v1, commits: 'acme/web@{commit}'}}\n"
        );
        let needing = with(&run, &format!("{}{release}", entry("")));
        let planned = needing.clone().args(&["plan"]).execute().expect(0);
        assert!(!planned.stdout.contains("remove repository"), "{}", planned.stdout);
        let ended = needing.execute();
        assert!(there(&run, &serve).contains(&"5 Acme / Web".to_owned()), "{}", ended.everything());
        assert_eq!(recorded(&run, "repositories")[0]["id"], "5", "{}", run.text(RECORD));
        with(&run, &entry("")).execute().expect(0);
        assert!(!there(&run, &serve).contains(&"5 Acme / Web".to_owned()));
    }
}

/// An id is never given again, so that it always means what was managed.
#[test]
fn a_mapping_that_came_after_a_managed_one_was_deleted_by_hand_stays() {
    let serve = ServeProcess::start();
    for run in runs(&serve) {
        let both = [mapping("acme/a", "s"), mapping("acme/a", "t")].join(", ");
        let repository = ", repositories: [acme/a], code-mappings: [";
        with(&run, &entry(&format!("{repository}{both}]"))).execute().expect(0);
        change(&run, &serve, "DELETE FROM code_mapping WHERE stack_root = 't/'");
        let by_hand = run.clone().var("SENTRY_ORG", "acme").var("FINISHLINE_PROVIDER", "example");
        let by_hand = by_hand.var("FINISHLINE_STATE", "{name: one}");
        let by_hand =
            by_hand.var("FINISHLINE_CODE_MAPPINGS", format!("[{}]", mapping("acme/a", "u")));
        by_hand.execute().expect(0);
        let less = format!("{repository}{}]", mapping("acme/a", "s"));
        with(&run, &entry(&less)).execute().expect(0);
        assert_eq!(there(&run, &serve), ["1 acme/a", "mapping s/ 1", "mapping u/ 1"]);
    }
}

/// A plan that names another provider's repository of the same name removes what the run removes.
#[test]
fn a_repository_of_another_provider_is_another_one_for_plan_and_run() {
    let serve = ServeProcess::start();
    let [run, _] = runs(&serve);
    let host = |links: &str| {
        format!(
            "  - {{provider: custom_scm, state: {{name: Git, url: 'https://git.example.com'}}{links}}}\n"
        )
    };
    let links = ", repositories: [acme/a]";
    with(&run, &format!("{}{}", entry(links), host(""))).execute().expect(0);
    let moved = with(&run, &format!("{}{}", entry(""), host(links)));
    let planned = moved.clone().args(&["plan"]).execute().expect(0).stdout;
    for words in ["link repository acme/a", "remove repository acme/a"] {
        assert!(planned.contains(words), "{words}: {planned}");
    }
    moved.execute().expect(0);
    assert_eq!(there(&run, &serve), ["2 acme/a"]);
    assert_eq!(moved.execute().expect(0).output("changed"), "false");
}

#[test]
fn a_mapping_is_set_to_one_of_two_integrations_repositories_of_one_name() {
    let serve = ServeProcess::start();
    let [_, run] = runs(&serve);
    let two = entry("").replace("name: one", "name: two");
    with(&run, &format!("{}{two}", entry(""))).execute().expect(0);
    let other = row(6, "Acme / Web", "other/web").replace(", 1, 0)", ", 2, 0)");
    change(&run, &serve, &format!("{}{other}", row(5, "Acme / Web", "acme/web")));
    let mapped = entry(&format!(", code-mappings: [{}]", mapping("acme/web", "s")));
    let ended = with(&run, &format!("{mapped}{two}")).execute().expect(0);
    assert_eq!(there(&run, &serve)[2..], ["mapping s/ 5"], "{}", ended.everything());
}
