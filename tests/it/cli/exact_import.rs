//! A manifest that is imported says exactly what is stored: a plan of it finds nothing to do,
//! whatever a host, a terminal or what looks for secrets would see in a name.

use super::import::{import, planning};
use crate::support::proxy::{PROXY_TOKEN, ServeProxy};
use crate::support::run::{ProgramRun, RunResult};
use serde_json::json;
use serde_yaml::Value;

/// Names that a host obeys, that nobody sees whole, or that YAML takes for something else.
const NAMES: [&str; 25] = [
    "a\u{200d}b",
    "a\u{200c}b",
    "a\u{200b}b",
    "a\u{202e}b",
    "a\u{feff}b",
    "a\u{fe0f}",
    "a\u{a0}b",
    "a\u{2028}b",
    "👩\u{200d}💻 é",
    "##[error]x",
    "##vso[task.complete]x",
    "##teamcity[x]",
    "section_end:1:x",
    "travis_fold:end:x",
    "::stop-commands::x",
    "a::b",
    "--- x",
    "+++ x",
    "a$(id)b",
    "a: b #c",
    "'\"\\x41%41",
    "null",
    "1.10",
    "[x]{y}&*!|>",
    "- ? x",
];

/// The names that Sentry takes for folders in a code mapping, and those that only there are no files.
fn folders() -> impl Iterator<Item = &'static str> {
    let fits = |name: &&str| !name.contains([' ', '\'']);
    NAMES.into_iter().filter(fits).chain(["@app", "@scope/ui"])
}

/// Has an integration made for each name, the first with links of all the names as well.
fn with_names(run: ProgramRun) -> ProgramRun {
    let entry = |name: &&str| json!({ "provider": "example", "state": { "name": name } });
    let mut entries: Vec<_> = NAMES.iter().map(entry).collect();
    let repository = |name: &&str| format!("acme/{name}");
    let mapping = |name: &str| {
        json!({
            "project": "web", "repository": "acme/web", "stackRoot": format!("{name}/"),
            "sourceRoot": format!("src/{name}/"), "defaultBranch": "main",
        })
    };
    let repositories = NAMES.iter().map(repository).chain(["acme/web".to_owned()]);
    entries[0]["repositories"] = repositories.collect();
    entries[0]["code-mappings"] = folders().map(mapping).collect();
    made(run, json!(entries))
}

fn made(run: ProgramRun, entries: serde_json::Value) -> ProgramRun {
    let manifest = json!({ "version": 1, "defaults": { "org": "acme" }, "integrations": entries });
    run.file("made.yml", manifest.to_string());
    run.clone().var("FINISHLINE_MANIFEST", "made.yml").execute().expect(0);
    run.var("FINISHLINE_ORG", "acme")
}

fn embedded(run: ProgramRun) -> ProgramRun {
    let database = run.database();
    run.var("FINISHLINE_BACKEND", "embedded").var("FINISHLINE_DATABASE", database)
}

fn through(relay: &ServeProxy) -> ProgramRun {
    ProgramRun::local()
        .var("FINISHLINE_URL", relay.peer.url())
        .var("FINISHLINE_AUTH_TOKEN", PROXY_TOKEN)
}

/// The texts in one order.
fn sorted<'a>(texts: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    let mut texts: Vec<_> =
        texts.into_iter().map(|text| text.as_str().unwrap().to_owned()).collect();
    texts.sort();
    texts
}

fn expected(
    names: impl IntoIterator<Item = &'static str>,
    before: &str,
    after: &str,
) -> Vec<String> {
    let mut names: Vec<_> =
        names.into_iter().map(|name| format!("{before}{name}{after}")).collect();
    names.sort();
    names
}

#[track_caller]
fn assert_exact(run: &ProgramRun) {
    let ended = import(run);
    assert!(!ended.stderr.contains("warning:"), "{}", ended.stderr);
    let manifest: Value = serde_yaml::from_str(&ended.stdout).unwrap();
    let entries = manifest["integrations"].as_sequence().unwrap();
    let names = sorted(entries.iter().map(|entry| &entry["state"]["name"]));
    assert_eq!(names, expected(NAMES, "", ""), "{}", ended.stdout);
    let linked = entries.iter().find(|entry| entry.get("repositories").is_some()).unwrap();
    let repositories = sorted(linked["repositories"].as_sequence().unwrap());
    let named = expected(NAMES, "acme/", "").into_iter().chain(["acme/web".to_owned()]);
    assert_eq!(repositories, {
        let mut named: Vec<_> = named.collect();
        named.sort();
        named
    });
    let mappings = linked["code-mappings"].as_sequence().unwrap();
    for (field, before) in [("stackRoot", ""), ("sourceRoot", "src/")] {
        let roots = sorted(mappings.iter().map(|mapping| &mapping[field]));
        assert_eq!(roots, expected(folders(), before, "/"), "{}", ended.stdout);
    }
    assert_nothing_to_do(run, &ended, &[]);
    let as_json = import(&run.clone().var("FINISHLINE_FORMAT", "json")).json();
    assert_eq!(as_json["manifest"], ended.stdout.as_str());
}

#[track_caller]
fn assert_nothing_to_do(run: &ProgramRun, imported: &RunResult, given: &[(&str, &str)]) {
    let plan = planning(run, &imported.stdout);
    let plan = given.iter().fold(plan, |plan, (name, value)| plan.var(name, value)).execute();
    assert_eq!(plan.exit, Some(0), "{}\n{}\n{}", imported.stdout, plan.stdout, plan.stderr);
    assert!(plan.stdout.contains("with nothing to do"), "{}", plan.stdout);
}

#[test]
fn every_name_is_imported_exactly_from_the_embedded_backend() {
    assert_exact(&with_names(embedded(ProgramRun::local())));
}

#[test]
fn every_name_is_imported_exactly_from_a_sentry() {
    assert_exact(&with_names(through(&ServeProxy::new())));
}

/// What the hosts are given besides is the same manifest.
#[test]
fn every_host_is_given_the_same_manifest() {
    let run = with_names(embedded(ProgramRun::github()));
    let ended = import(&run);
    let result: Value = serde_json::from_str(&ended.output("result")).unwrap();
    assert_eq!(result["manifest"], ended.stdout.as_str());
    let commands = ended.commands();
    assert!(commands.iter().all(|one| one.name != "stop-commands"), "{}", ended.stdout);
    let file = run.path("result.json");
    let azure = import(
        &run.without("GITHUB_ACTIONS").var("TF_BUILD", "True").var("FINISHLINE_RESULT_FILE", &file),
    );
    let written: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!(written["manifest"], ended.stdout.as_str());
    assert!(azure.stdout.starts_with(&ended.stdout), "{}", azure.stdout);
}

/// Names with eight characters of the token, and what is beside them.
fn with_parts(run: ProgramRun, parts: [&str; 3]) -> ProgramRun {
    let [name, account, folder] = parts;
    let mapping = |root: &str| {
        json!({
            "project": "web", "repository": "acme/web", "stackRoot": root,
            "sourceRoot": "src/", "defaultBranch": "main",
        })
    };
    let entries = json!([
        { "provider": "example", "state": { "name": name },
          "repositories": ["acme/web", format!("acme/{name}")],
          "code-mappings": [mapping("app/"), mapping(folder)] },
        { "provider": "opsgenie",
          "state": { "baseUrl": "https://api.eu.opsgenie.com/", "provider": account,
                     "apiKey": "${KEY}" } },
    ]);
    made(run.var("KEY", "k3y-of-opsgenie").var("FINISHLINE_MAX_PARALLEL", "1"), entries)
        .without("FINISHLINE_MAX_PARALLEL")
}

#[track_caller]
fn assert_variables(run: &ProgramRun, parts: [&str; 3]) {
    let ended = import(run);
    let all = format!("{}{}", ended.stdout, ended.stderr);
    assert!(!ended.stdout.contains("***"), "{}", ended.stdout);
    assert!(parts.iter().all(|part| !all.contains(part)), "{all}");
    for written in [
        "name: ${EXAMPLE_1_NAME}",
        "integration-id: 1",
        "provider: ${OPSGENIE_2_PROVIDER}",
        "integration-id: 2",
        "- acme/web\n",
        "stackRoot: app/",
    ] {
        assert!(ended.stdout.contains(written), "{written}: {}", ended.stdout);
    }
    for warned in [
        "`name` of integration 1 is not written, set EXAMPLE_1_NAME: its value contains a part of a secret",
        "`provider` of integration 2 is not written, set OPSGENIE_2_PROVIDER: its value contains a part of a secret",
        "skipped a repository of integration 1",
        "skipped a code mapping of integration 1",
    ] {
        assert!(ended.stderr.contains(warned), "{warned}: {}", ended.stderr);
    }
    let [name, account, _] = parts;
    let given = [
        ("EXAMPLE_1_NAME", name),
        ("OPSGENIE_2_PROVIDER", account),
        ("OPSGENIE_2_API_KEY", "k3y-of-opsgenie"),
    ];
    assert_nothing_to_do(run, &ended, &given);
}

#[test]
fn a_name_with_a_part_of_a_secret_becomes_a_variable() {
    let parts = ["development-1", "my-development", "local-development-token/"];
    let run = with_parts(embedded(ProgramRun::local()), parts);
    assert_variables(&run.var("SENTRY_AUTH_TOKEN", "local-development-token"), parts);
}

#[test]
fn a_name_with_a_part_of_the_token_becomes_a_variable_from_a_sentry() {
    let parts = [&PROXY_TOKEN[..9], &format!("my-{}", &PROXY_TOKEN[4..14]), PROXY_TOKEN];
    assert_variables(&with_parts(through(&ServeProxy::new()), parts), parts);
}

/// The words of the manifest itself are no part of a secret, whatever is in one.
#[test]
fn a_secret_that_has_the_manifests_own_words_changes_none_of_them() {
    let run = with_names(embedded(ProgramRun::local()));
    let manifest = import(&run).stdout;
    let words = "code-mappings:/provider:/example/defaultBranch:/stackRoot:/sourceRoot:/OPSGENIE";
    let ended = import(&run.var("SENTRY_AUTH_TOKEN", words));
    assert_eq!(ended.stdout, manifest);
}

/// Names that another program may have stored: they are exact, or have to be set.
#[test]
fn a_stored_name_that_no_input_takes_is_exact_or_a_variable() {
    let run = embedded(ProgramRun::local());
    let run = made(run, json!([{ "provider": "example", "state": { "name": "x" } }]));
    let import_named = |name: &str| {
        let sql = "UPDATE integration SET external_id = ?1, name = ?1";
        run.connection().execute(sql, [name]).unwrap();
        import(&run)
    };
    for name in [" a ", "\u{a0}a", "{\"a\":1}", "***"] {
        assert_nothing_to_do(&run, &import_named(name), &[]);
    }
    for name in ["a\nb", "a\u{1b}[31mb"] {
        let ended = import_named(name);
        assert!(ended.stderr.contains("contains a line break or a control character"));
        assert_nothing_to_do(&run, &ended, &[("EXAMPLE_1_NAME", name)]);
    }
}
