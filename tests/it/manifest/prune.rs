//! `prune: true`: what a manifest managed once and names no longer goes, and nothing else.

use crate::support::proxy::{PROXY_TOKEN, ServeProxy};
use crate::support::rows::rows;
use crate::support::run::ProgramRun;
use crate::support::serve::ServeProcess;
use rusqlite::Connection;
use serde_json::Value;

const RECORD: &str = "finishline.yml.managed.json";
const THERE: &str = "SELECT name FROM organization_integration AS link
    JOIN integration ON integration.id = integration_id WHERE link.status = 'active'
    UNION ALL SELECT name FROM repository WHERE status = 'active' AND integration_id IS NOT NULL
    UNION ALL SELECT 'mapping ' || stack_root FROM code_mapping ORDER BY 1";

fn with(run: &ProgramRun, entries: &str) -> ProgramRun {
    let text =
        format!("version: 1\nprune: true\ndefaults: {{org: acme}}\nintegrations:\n{entries}");
    run.file("finishline.yml", text);
    run.clone().var("FINISHLINE_MANIFEST", "finishline.yml")
}

fn entry(name: &str) -> String {
    format!("  - {{provider: example, state: {{name: {name}}}}}\n")
}

const LINKED: &str = "  - provider: example
    state: {name: a}
    repositories: [acme/web, acme/api]
    code-mappings: [{project: web, repository: acme/web, stackRoot: x/}, {project: web, repository: acme/web, stackRoot: y/}]\n";
const LESS: &str = "  - provider: example
    state: {name: a}
    repositories: [acme/web]
    code-mappings: [{project: web, repository: acme/web, stackRoot: y/}]\n";

fn embedded() -> ProgramRun {
    let run = ProgramRun::github();
    let database = run.database();
    run.var("FINISHLINE_BACKEND", "embedded").var("FINISHLINE_DATABASE", database)
}

fn there(run: &ProgramRun, serve: &ServeProcess) -> Vec<String> {
    let is_local = run.database().exists();
    let connection: Connection = if is_local { run.connection() } else { serve.database() };
    rows(&connection, THERE)
}

#[cfg(unix)]
#[test]
fn a_record_that_a_link_leads_to_is_written_where_it_is() {
    let run = embedded();
    std::fs::create_dir(run.path("cache")).unwrap();
    std::os::unix::fs::symlink("cache/record", run.path(RECORD)).unwrap();
    let ended = with(&run, &entry("a")).execute().expect(2);
    assert!(ended.stderr.contains("it is a link that leads nowhere"), "{}", ended.stderr);
    run.file("cache/record", "{\"version\": 1, \"integrations\": []}");
    with(&run, &entry("a")).execute().expect(0);
    assert!(run.path(RECORD).is_symlink());
    assert!(run.text("cache/record").contains("\"a\""), "{}", run.text("cache/record"));
}

#[test]
fn what_is_named_no_longer_goes_and_what_was_never_managed_stays() {
    let serve = ServeProcess::start();
    for run in [embedded(), serve.github_run()] {
        // Somebody else's, in the same organization.
        let other = run.clone().var("FINISHLINE_PROVIDER", "example").var("FINISHLINE_ORG", "acme");
        other.var("FINISHLINE_STATE", "{name: theirs}").execute().expect(0);
        with(&run, &format!("{LINKED}{}", entry("b"))).execute().expect(0);
        let all = ["a", "acme/api", "acme/web", "b", "mapping x/", "mapping y/", "theirs"];
        assert_eq!(there(&run, &serve), all);
        assert!(run.text(RECORD).contains("\"acme/api\""), "{}", run.text(RECORD));
        let less = with(&run, LESS);
        let record = run.text(RECORD);
        let planned = less.clone().args(&["plan", "--exit-code"]).execute().expect(8);
        let shown = planned.everything();
        for words in ["would be removed from acme", "prune[0]", "prune[1]"] {
            assert!(shown.contains(words), "{words}: {shown}");
        }
        assert_eq!((there(&run, &serve).len(), run.text(RECORD)), (7, record));
        assert_eq!(less.execute().expect(0).output("changed"), "true");
        assert_eq!(there(&run, &serve), ["a", "acme/web", "mapping y/", "theirs"]);
        assert_eq!(less.execute().expect(0).output("changed"), "false");
        less.args(&["plan", "--exit-code"]).execute().expect(0);
        let nothing = with(&run, "");
        assert_eq!(nothing.execute().expect(0).output("changed"), "true");
        assert!(there(&run, &serve).contains(&"theirs".to_owned()));
        assert!(!there(&run, &serve).contains(&"a".to_owned()));
    }
}

#[test]
fn nothing_goes_in_a_run_with_a_mistake_or_a_failure_and_the_next_one_makes_up_for_it() {
    let run = embedded();
    with(&run, &format!("{}{}", entry("a"), entry("b"))).execute().expect(0);
    let wrong = with(&run, "  - {provider: example, state: {nmae: a}}\n");
    assert_eq!(wrong.execute().expect(2).output("error-code"), "bad-manifest");
    assert_eq!(run.rows("SELECT count(*) FROM organization_integration"), ["2"]);
    // An id that is not there fails when its entry begins.
    let failing = format!(
        "{}  - {{provider: example, integration-id: 99, state: {{name: c}}}}\n",
        entry("a")
    );
    let ended = with(&run, &failing).execute();
    assert_ne!(ended.exit, Some(0));
    assert!(ended.output("warnings").contains("not-pruned"), "{}", ended.stderr);
    assert_eq!(run.rows("SELECT count(*) FROM organization_integration"), ["2"]);
    assert!(run.text(RECORD).contains("\"b\""), "{}", run.text(RECORD));
    with(&run, &entry("a")).execute().expect(0);
    assert_eq!(run.rows("SELECT integration_id FROM organization_integration"), ["1"]);
}

#[test]
fn without_a_record_nothing_goes_and_a_broken_one_is_a_mistake() {
    let run = embedded();
    with(&run, &format!("{}{}", entry("a"), entry("b"))).execute().expect(0);
    std::fs::remove_file(run.path(RECORD)).unwrap();
    with(&run, &entry("a")).execute().expect(0);
    assert_eq!(run.rows("SELECT count(*) FROM organization_integration"), ["2"]);
    for text in ["{", "[]", "{\"version\": 2, \"integrations\": []}", "{\"version\": 1}"] {
        run.file(RECORD, text);
        let ended = with(&run, "").execute().expect(2);
        assert!(ended.stderr.contains("cannot use the record"), "{text}: {}", ended.stderr);
        assert_eq!(run.text(RECORD), text);
    }
    assert_eq!(run.rows("SELECT count(*) FROM organization_integration"), ["2"]);
}

/// An id means another integration in another file.
#[test]
fn what_has_another_name_is_left_alone() {
    let run = embedded();
    with(&run, &entry("a")).execute().expect(0);
    let renamed = run.text(RECORD).replace("\"name\": \"a\"", "\"name\": \"another\"");
    run.file(RECORD, renamed);
    let ended = with(&run, "").execute().expect(4);
    assert!(ended.everything().contains("it is called `a`, and the manifest managed `another`"));
    assert_eq!(run.rows("SELECT count(*) FROM organization_integration"), ["1"]);
    assert!(run.text(RECORD).contains("another"));
}

/// The record lies beside the code: it does not say where a token goes.
#[test]
fn a_token_goes_to_no_server_of_the_record() {
    let relay = ServeProxy::new();
    let run = ProgramRun::github().var("NO_PROXY", "127.0.0.1");
    let run = run.var("SENTRY_AUTH_TOKEN", PROXY_TOKEN).var("SENTRY_URL", relay.peer.url());
    with(&run, &entry("a")).execute().expect(0);
    let thief = crate::support::http_server::HttpServer::new(|_| {
        crate::support::http_server::Response::json(200, &Value::Null)
    });
    let own = format!("{}/", relay.peer.url());
    run.file(RECORD, run.text(RECORD).replace(&own, &format!("{}/", thief.url())));
    assert!(run.text(RECORD).contains(&thief.url()));
    let ended = with(&run, "").execute().expect(0);
    let words = "1 of the record are at servers that this run does not reach";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    // Where the manifest itself says which server is meant, another one is a mistake.
    let head = format!("defaults: {{org: acme, url: '{own}'}}");
    run.file("finishline.yml", format!("version: 1\nprune: true\n{head}\nintegrations: []\n"));
    let ended = run.var("FINISHLINE_MANIFEST", "finishline.yml").execute().expect(2);
    assert!(ended.everything().contains("no entry and no default of the manifest reaches"));
    assert_eq!(thief.lines(), [""; 0]);
}

#[test]
fn a_removed_and_a_linked_entry_leave_nothing_to_prune() {
    let run = embedded();
    with(&run, &format!("{}{}", entry("a"), entry("b"))).execute().expect(0);
    let ended = with(
        &run,
        &format!("{}  - {{provider: example, mode: remove, state: {{name: b}}}}\n", entry("a")),
    );
    let ended = ended.execute().expect(0);
    assert!(!ended.everything().contains("prune[0]"), "{}", ended.stdout);
    assert!(!run.text(RECORD).contains("\"b\""), "{}", run.text(RECORD));
}

/// An entry of links alone, with mappings for these stack roots.
fn links(id: &str, roots: &[&str]) -> String {
    let mapping = |root: &&str| {
        format!("{{project: web, repository: acme/web, stackRoot: {root}/, sourceRoot: s/}}")
    };
    let mappings: Vec<_> = roots.iter().map(mapping).collect();
    format!("  - {{mode: link, provider: example{id}, code-mappings: [{}]}}\n", mappings.join(", "))
}

#[test]
fn links_that_are_found_by_their_provider_are_pruned_and_no_others() {
    let serve = ServeProcess::start();
    for run in [embedded(), serve.github_run()] {
        let other = run.clone().var("FINISHLINE_PROVIDER", "example").var("FINISHLINE_ORG", "acme");
        let other = other.var("FINISHLINE_STATE", "{name: theirs}");
        let by_hand = "[{project: api, repository: acme/web, stackRoot: hand/}]";
        let other = other.var("FINISHLINE_REPOSITORIES", "acme/web");
        other.var("FINISHLINE_CODE_MAPPINGS", by_hand).execute().expect(0);
        let kept = |roots: &[&str]| {
            let mut all = vec!["acme/web".to_owned(), "mapping hand/".to_owned()];
            all.extend(roots.iter().map(|root| format!("mapping {root}/")));
            all.push("theirs".to_owned());
            all
        };
        // Two entries of one provider know of each other.
        let two = format!("{}{}", links("", &["a", "b"]), links("", &["c"]));
        with(&run, &two).execute().expect(0);
        assert_eq!(
            there(&run, &serve),
            ["acme/web", "mapping a/", "mapping b/", "mapping c/", "mapping hand/", "theirs"]
        );
        assert_eq!(with(&run, &two).execute().expect(0).output("changed"), "false");
        let less = with(&run, &links("", &["b"]));
        less.clone().args(&["plan", "--exit-code"]).execute().expect(8);
        assert_eq!(less.execute().expect(0).output("changed"), "true");
        let mut left = kept(&["b"]);
        left.sort();
        assert_eq!(there(&run, &serve), left);
        // What is named by the id from now on is the same.
        let named = with(&run, &links(", integration-id: 1", &["b"]));
        assert_eq!(named.execute().expect(0).output("changed"), "false");
        assert_eq!(with(&run, "").execute().expect(0).output("changed"), "true");
        assert_eq!(there(&run, &serve), kept(&[]));
    }
}

/// Each run would make another one, and remove what the run before made.
#[test]
fn an_install_on_each_run_is_refused_beside_prune() {
    let run = embedded();
    let entries = "  - provider: example\n    mode: install\n    state: {name: a}\n";
    let ended = with(&run, entries).execute().expect(2);
    let words = "finishline.yml line 6 column 5: `mode: install` cannot be used with `prune: true`";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    let text = "version: 1\nprune: true\ndefaults:\n  org: acme\n  mode: install\nintegrations:\n";
    run.file("finishline.yml", format!("{text}{}", entry("a")));
    let ended = run.clone().var("FINISHLINE_MANIFEST", "finishline.yml").execute().expect(2);
    let words = "finishline.yml line 5 column 3: `mode: install` cannot be used with `prune: true`";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    assert!(!run.database().exists());
}
