//! Keys of a manifest, and what is typed beside one, that no job of it uses.

use crate::support::run::{ProgramRun, RunResult};

/// A run over these `defaults:` and entries.
fn run(defaults: &str, entries: &str) -> ProgramRun {
    let run = ProgramRun::github();
    run.file("finishline.yml", format!("version: 1\ndefaults: {defaults}\n{entries}"));
    let database = run.database();
    run.var("FINISHLINE_BACKEND", "embedded")
        .var("FINISHLINE_DATABASE", database)
        .var("FINISHLINE_MANIFEST", "finishline.yml")
        .var("KEY", "s3cr3t-key")
}

const INTEGRATION: &str = "integrations:
  - provider: opsgenie
    state: {baseUrl: 'https://api.opsgenie.com/', provider: acme-ops, apiKey: '${KEY}'}
";

fn release(more: &str) -> String {
    format!("releases:\n  - {{projects: [web], release: '1', environment: eu, {more}}}\n")
}

/// What is said to be unused, a line each.
fn unused(ended: &RunResult) -> Vec<String> {
    let says = |line: &&str| line.contains(" is not used by ");
    let mut said: Vec<_> = ended
        .stderr
        .lines()
        .filter(says)
        .map(|line| line[line.find('`').unwrap()..].to_owned())
        .collect();
    said.sort_unstable();
    said.dedup();
    said
}

#[track_caller]
fn assert_unused(run: &ProgramRun, expected: &[&str]) {
    let ended = run.execute().expect(0);
    assert_eq!(unused(&ended), expected, "{}", ended.stderr);
    let is_warned = ended.output("warnings").contains("unused-input");
    assert_eq!(is_warned, !expected.is_empty(), "{}", ended.output("warnings"));
}

#[test]
fn a_default_that_no_entry_uses_is_named() {
    let defaults = "{org: acme, next: 'https://example.com/', paths: [web]}";
    let run = run(defaults, INTEGRATION);
    assert_unused(&run, &["`paths` is not used by any entry, and is in `defaults:`"]);
}

#[test]
fn a_default_that_one_entry_uses_is_not() {
    let entries = format!("{INTEGRATION}{}", release("commits: none"));
    assert_unused(&run("{org: acme, deploy-name: blue, next: 'https://a.test/'}", &entries), &[]);
}

#[test]
fn a_default_that_each_entry_overrides_is_named() {
    let run = run("{org: acme, commits: local}", &release("commits: none"));
    assert_unused(&run, &["`commits` is not used by any entry, and is in `defaults:`"]);
}

#[test]
fn a_key_that_its_own_release_does_not_use_is_named() {
    let keys = "commits: none, paths: [web], previous-commit: lookup, wait-for-commits: true, deploy: false, \
                deploy-name: blue";
    let expected = [
        "`deploy-name` is not used by a release without a deploy",
        "`paths` is not used by a release without commits",
        "`previous-commit` is not used by a release without commits",
        "`wait-for-commits` is not used by a release without commits",
    ];
    assert_unused(&run("{org: acme}", &release(keys)), &expected);
    let check = run("{org: acme}", &release(keys)).args(&["check"]);
    assert_unused(&check, &expected);
}

#[test]
fn a_key_of_the_other_kind_of_entry_is_a_mistake() {
    let entries = format!("{INTEGRATION}    commits: none\n");
    let ended = run("{org: acme}", &entries).execute().expect(2);
    let words = "unknown key `commits` in an entry of `integrations`";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
}

#[test]
fn what_is_typed_for_all_entries_and_used_by_none_is_named() {
    let entries = format!("{INTEGRATION}    org: acme\n");
    let typed = run("{}", &entries).var("FINISHLINE_ORG", "beta");
    let typed = typed.var("FINISHLINE_GITHUB_TOKEN", "gh-t0ken");
    let typed = typed.var("FINISHLINE_APPS", "{gitlab: {clientId: app, clientSecret: s3cr3t}}");
    let expected = ["`apps`", "`github-token`", "`org`"];
    assert_unused(
        &typed,
        &expected
            .map(|name| format!("{name} is not used by any entry"))
            .each_ref()
            .map(String::as_str),
    );
}

/// Each entry has a backend of its own; off CI, one without a token has the embedded one.
#[test]
fn what_an_entry_at_a_sentry_uses_is_not_said_to_be_unused() {
    let entries = format!("{INTEGRATION}    auth-token: ${{TOKEN}}\n    url: http://127.0.0.1:9\n");
    let run = run("{org: acme}", &entries);
    let run = run.without("FINISHLINE_BACKEND").without("FINISHLINE_DATABASE");
    let run = run.without("GITHUB_ACTIONS").var("TOKEN", "s3ntry-t0ken");
    let run = run.var("FINISHLINE_DIALECT", "web").var("FINISHLINE_TIMEOUT", "1");
    let ended = run.execute();
    assert!(ended.stderr.contains("127.0.0.1"), "{}", ended.stderr);
    assert_eq!(unused(&ended), [""; 0], "{}", ended.stderr);
}

#[test]
fn a_key_without_a_value_is_a_mistake() {
    let texts = [
        ("{org: acme}", release("deploy-name: ").as_str().to_owned(), "deploy-name"),
        ("{org: acme}", release("commits: ~"), "commits"),
        ("{org: acme, mode: }", INTEGRATION.to_owned(), "mode"),
        (
            "{org: acme}",
            INTEGRATION.replace("    state", "    integration-id:\n    state"),
            "integration-id",
        ),
    ];
    for (defaults, entries, key) in texts {
        let ended = run(defaults, &entries).execute().expect(2);
        let words = format!(": `{key}` has no value");
        assert!(ended.stderr.contains(&words), "{key}: {}", ended.stderr);
    }
    let empty = run("{org: acme}", INTEGRATION);
    let text = empty.text("finishline.yml").replace("version: 1", "version: 1\nprune:");
    empty.file("finishline.yml", text);
    let ended = empty.execute().expect(2);
    assert!(ended.stderr.contains("`prune` must be `true` or `false`"), "{}", ended.stderr);
}
