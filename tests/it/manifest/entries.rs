//! Many entries in one file: what is wrong with it, and what becomes of each entry.

use crate::support::proxy::{PROXY_TOKEN, ServeProxy};
use crate::support::run::ProgramRun;

/// Two integrations and a release of one organization.
const GOOD: &str = r#"version: 1
defaults:
  org: acme
integrations:
  - provider: opsgenie
    state: {baseUrl: "https://api.opsgenie.com/", provider: acme-ops, apiKey: "${KEY}"}
  - provider: opsgenie
    org: beta
    state:
      baseUrl: https://api.opsgenie.com/
      provider: beta-ops
      apiKey: ${KEY:?ask the platform team}
releases:
  - projects: [web, api]
    release: "1.10"
    commits: none
    environment: production
"#;

fn embedded(run: ProgramRun, manifest: &str) -> ProgramRun {
    run.file("finishline.yml", manifest);
    let database = run.database();
    run.var("FINISHLINE_BACKEND", "embedded")
        .var("FINISHLINE_DATABASE", database)
        .var("FINISHLINE_MANIFEST", "finishline.yml")
        .var("KEY", "s3cr3t-key")
}

/// What is said about this manifest, which nothing follows from.
#[track_caller]
fn mistake(manifest: &str) -> String {
    let run = embedded(ProgramRun::github(), manifest);
    let ended = run.execute().expect(2);
    assert_eq!(ended.output("error-code"), "bad-manifest");
    assert!(!run.database().exists());
    // The masks are how the host learns what to hide.
    let said = ended.everything();
    let said: Vec<_> = said.lines().filter(|line| !line.starts_with("::add-mask::")).collect();
    let said = said.join("\n");
    assert!(!said.replace(manifest, "").contains("s3cr3t"), "{said}");
    ended.stderr.clone()
}

#[track_caller]
fn assert_mistake(manifest: &str, words: &[&str]) {
    let said = mistake(manifest);
    for words in words {
        assert!(said.contains(words), "{words} is not in: {said}");
    }
}

/// An integration's entry, after the lines that every manifest has.
fn entry(lines: &str) -> String {
    let state = "state: {baseUrl: 'https://api.opsgenie.com/', provider: ops, apiKey: '${KEY}'}";
    format!(
        "version: 1\nintegrations:\n  - provider: opsgenie\n    org: acme\n    {state}\n{lines}"
    )
}

#[test]
fn every_entry_is_finished_and_told_in_the_order_of_the_file() {
    let run = embedded(ProgramRun::github(), GOOD)
        .var("GITHUB_REPOSITORY", "acme/web")
        .var("GITHUB_SERVER_URL", "https://github.com")
        .var("GITHUB_RUN_ID", "7");
    let ended = run.execute().expect(0);
    assert_eq!(ended.joined(["status", "changed", "provider"]), "complete true opsgenie");
    let result: serde_json::Value = serde_json::from_str(&ended.output("result")).unwrap();
    let titles: Vec<_> = result["entries"].as_array().unwrap().iter().collect();
    let titles: Vec<_> = titles.iter().map(|entry| entry["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["opsgenie for acme", "opsgenie for beta", "release of web, api for acme"]);
    assert_eq!(result["entries"][2]["release"]["version"], "1.10");
    assert!(ended.summary().contains("| entry | result | changed |"), "{}", ended.summary());
    let rows = run.rows("SELECT count(*) FROM integration");
    assert_eq!(rows, ["2"]);
    let again = run.execute().expect(0);
    assert_eq!(again.output("changed"), "false");
}

#[test]
fn one_entry_that_fails_leaves_the_others_alone() {
    let manifest =
        GOOD.replace("provider: opsgenie\n    org: beta", "provider: msteams\n    org: beta");
    let manifest = manifest.replace(
        &manifest[manifest.find("    state:\n").unwrap()..manifest.find("releases").unwrap()],
        "",
    );
    let run = embedded(ProgramRun::github(), &manifest);
    let ended = run.execute().expect(4);
    assert_eq!(ended.joined(["status", "changed", "error-code"]), "error true needs-sentry");
    assert_eq!(run.rows("SELECT count(*) FROM integration"), ["1"]);
    assert!(ended.stderr.contains("msteams for beta: only a Sentry server"), "{}", ended.stderr);
    let tolerated = run.var("FINISHLINE_TOLERATE", "refused").execute().expect(0);
    assert_eq!(tolerated.output("error-code"), "needs-sentry");
}

#[test]
fn the_entry_that_needs_a_person_gives_the_plain_outputs_and_the_worst_gives_the_exit() {
    let manifest = "version: 1\ndefaults: {org: acme}\nintegrations:\n  - provider: msteams\n  - provider: discord\n";
    let apps = "discord: {clientId: '1', clientSecret: s3cr3t-app, botToken: s3cr3t-bot}";
    let run = embedded(ProgramRun::github(), manifest).var("FINISHLINE_APPS", apps);
    let ended = run.execute().expect(4);
    assert_eq!(ended.joined(["status", "provider"]), "action_required discord");
}

#[test]
fn a_mistake_names_its_place_and_shows_the_line() {
    assert_mistake(
        &entry("    mode: instal\n"),
        &[
            "finishline.yml line 6 column 5: invalid value `instal` for `mode`: expected `ensure`, `install`, `reauth`, `remove` or `link`, in `mode: instal`",
        ],
    );
    assert_mistake(
        &entry("    integration-id: x\n"),
        &["line 6 column 5: invalid value `x` for `integration-id`: expected"],
    );
    assert_mistake(
        &entry("releases:\n  - {org: acme, projects: web, release: 1.10}\n"),
        &["line 7 column 32: `release` is not a string: quote it"],
    );
    assert_mistake("integrations: []\n", &["`version: 1` is missing"]);
    assert_mistake(
        "version: 2\nreleases: {}\n",
        &[
            "2 errors",
            "line 1 column 1: `version` must be 1, in `version: 2`",
            "line 2 column 1: `releases` must be a list of mappings, in `releases: {}`",
        ],
    );
    assert_mistake("version: 1\n", &["has no integration and no release"]);
    assert_mistake("- a\n", &["the manifest is not a mapping"]);
}

#[test]
fn what_stands_under_state_is_never_shown() {
    let flow = "version: 1\nintegrations:\n  - {mode: instal, provider: opsgenie, org: acme, state: {apiKey: s3cr3t}}\n";
    assert_mistake(flow, &["invalid value `instal` for `mode`: expected"]);
    let tail = "version: 1\nintegrations:\n  - provider: opsgenie\n    state: {apiKey: 's3cr3t\n      s3cr3t'}\n    org: a b\n";
    assert_mistake(tail, &["invalid value `a b` for `org`: expected", "in `org: a b`"]);
    let unknown =
        "line 6 column 5: unknown key `apiKey` in an entry of `integrations`, in `apiKey: …`";
    assert_mistake(&entry("    apiKey: s3cr3t\n"), &[unknown]);
}

#[test]
fn a_secret_that_stands_in_the_file_is_an_error() {
    let manifest = entry("").replace("'${KEY}'", "s3cr3t");
    assert_mistake(
        &manifest,
        &["`apiKey` at line 5 column", "is a secret, but is written in the file itself"],
    );
    assert_mistake(
        &entry("    auth-token: s3cr3t\n"),
        &[
            "line 6 column 5: `auth-token` is a secret and must not be in the file itself: write `${NAME}`",
        ],
    );
}

#[test]
fn a_variable_that_is_not_set_is_named_with_its_message() {
    let manifest = GOOD.replace("KEY:?", "NOT_THERE:?");
    assert_mistake(&manifest, &["NOT_THERE", "is not set or empty: ask the platform team"]);
    assert_mistake(
        &entry("    next: ${NO:?say where}\n"),
        &["line 6 column 5: `next` uses the variable `NO`, which is not set or empty: say where"],
    );
    assert_mistake(&entry("    next: https://x/${KEY}\n"), &["`${NAME}` as the whole value"]);
}

#[test]
fn an_unknown_key_suggests_the_near_one() {
    assert_mistake(&entry("    repositorys: [a/b]\n"), &["did you mean `repositories`?"]);
    assert_mistake("version: 1\nintegration: []\n", &["did you mean `integrations`?"]);
}

#[test]
fn every_kind_of_mistake_shows_its_line_and_none_of_state() {
    let no_org = entry("").replace("    org: acme\n", "");
    assert_mistake(&no_org, &["line 3 column 5: `org` is missing", "in `- provider: opsgenie`"]);
    assert_mistake(&entry("    repositorys: [a/b]\n"), &["in `repositorys: …`"]);
    assert_mistake(&entry("    next: ${NO}\n"), &["is not set or empty, in `next: ${NO}`"]);
    assert_mistake(
        &entry("    org: acme\n"),
        &["the manifest contains a duplicate key, in `org: acme`"],
    );
    assert_mistake("version: 1\ndefaults: &a {org: x}\n", &["uses an anchor", "in `defaults: &a"]);
    assert_mistake(
        "version: 1\nintegrations:\n\t- provider: x\n",
        &["finishline.yml line 3", "in `- provider: x`"],
    );
    let twice = "    state:\n      apiKey: s3cr3t\n      apiKey: s3cr3t\n";
    let twice = format!("version: 1\nintegrations:\n  - provider: opsgenie\n{twice}");
    let said = mistake(&twice);
    assert!(said.contains("line 6") && !said.contains("in `"), "{said}");
    let broken =
        "version: 1\nintegrations:\n  - provider: x\n    state:\n      org: s3cr3t: s3cr3t\n";
    assert!(!mistake(broken).contains("in `"));
}

#[test]
fn a_variable_within_a_code_mapping_is_put_in_place() {
    let mapping = "    code-mappings:\n      - {project: '${PROJECT}', repository: acme/app, sourceRoot: src/}\n";
    let run = embedded(ProgramRun::local(), &entry(mapping));
    let ended = run.clone().execute().expect(2);
    assert!(ended.stderr.contains("uses the variable `PROJECT`"), "{}", ended.stderr);
    assert!(ended.stderr.contains("in `code-mappings:`"), "{}", ended.stderr);
    let ended = run.var("PROJECT", "s-web").execute().expect(0);
    assert!(ended.stderr.contains("acme/app of s-web"), "{}", ended.stderr);
}

#[test]
fn what_no_manifest_may_hold_is_refused_with_a_word() {
    let at = "finishline.yml";
    assert_mistake(
        &entry("    org: acme\n"),
        &[at, "line 6 column 5: the manifest contains a duplicate key"],
    );
    assert_mistake(
        "version: 1\ndefaults: &a {org: x}\nintegrations: [*a, *a]\n",
        &["uses an anchor"],
    );
    assert_mistake(
        "version: 1\nintegrations:\n\t- provider: x\n",
        &["has a line that starts with a tab"],
    );
    assert_mistake(&entry(&"#".repeat(10_000_000)), &["larger than 1 MiB"]);
}

#[test]
fn an_entrys_own_inputs_are_not_typed_beside_a_manifest() {
    let run = embedded(ProgramRun::github(), GOOD);
    for (name, value) in [("FINISHLINE_PROVIDER", "opsgenie"), ("FINISHLINE_ENVIRONMENT", "x")] {
        let ended = run.clone().var(name, value).execute().expect(2);
        assert_eq!(ended.output("error-code"), "usage");
        assert!(ended.stderr.contains("cannot be used with `manifest`"), "{}", ended.stderr);
    }
    // Programs that report errors read these too, so they ask for nothing here.
    run.var("SENTRY_ENVIRONMENT", "x").execute().expect(0);
}

#[test]
fn a_job_that_strangers_can_start_takes_no_manifest() {
    for event in ["pull_request_target", "issues", "fork", "watch", "gollum"] {
        let run = embedded(ProgramRun::github(), GOOD).var("GITHUB_EVENT_NAME", event);
        let said = run.execute().expect(2).stderr;
        assert!(said.contains("has secrets and can be triggered by outsiders"), "{event}: {said}");
    }
}

/// Twelve integrations of one organization at a Sentry.
fn twelve_entries(relay: &ServeProxy) -> ProgramRun {
    let entries: String = (0..12)
        .map(|n| format!("  - {{provider: opsgenie, state: {{baseUrl: 'https://api.opsgenie.com/', provider: ops-{n}, apiKey: '${{KEY}}'}}}}\n"))
        .collect();
    let run = ProgramRun::github();
    run.file(
        "finishline.yml",
        format!("version: 1\ndefaults: {{org: acme}}\nintegrations:\n{entries}"),
    );
    run.var("FINISHLINE_MANIFEST", "finishline.yml")
        .var("FINISHLINE_URL", relay.peer.url())
        .var("FINISHLINE_AUTH_TOKEN", PROXY_TOKEN)
        .var("KEY", "s3cr3t-key")
}

#[test]
fn many_entries_end_as_one_integration_each_and_a_second_run_writes_nothing() {
    let relay = ServeProxy::new();
    let run = twelve_entries(&relay);
    run.execute().expect(0);
    let there = relay.get("integrations/");
    assert_eq!(there.as_array().unwrap().len(), 12);
    assert_eq!(relay.peer.count("GET integrations/"), 1, "one listing is enough for all");
    let posts = relay.requests_since(0).iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(posts, 24);
    let since = relay.peer.lines().len();
    let again = run.execute().expect(0);
    assert_eq!(again.output("changed"), "false");
    assert!(relay.requests_since(since).iter().all(|line| line.starts_with("GET ")));
}

#[cfg(unix)]
#[test]
fn a_stop_lets_those_under_way_finish_and_says_what_was_not_done() {
    let relay = ServeProxy::new();
    let run = twelve_entries(&relay).var("FINISHLINE_MAX_PARALLEL", "1");
    let mut started = run.start();
    started.wait_for("opsgenie for acme");
    started.signal("TERM");
    let ended = started.wait().expect(9);
    let result: serde_json::Value = serde_json::from_str(&ended.output("result")).unwrap();
    let entries = result["entries"].as_array().unwrap();
    let done = entries.iter().filter(|entry| entry["status"] == "complete").count();
    assert_eq!(relay.get("integrations/").as_array().unwrap().len(), done);
    assert!((1..12).contains(&done), "{done}");
    assert_eq!(entries[11]["error"]["code"], "cancelled");
    assert!(ended.stderr.contains("not completed: the run was cancelled"), "{}", ended.stderr);
}

#[cfg(unix)]
#[test]
fn an_entry_that_hangs_holds_the_outputs_up_for_no_longer_than_its_grace() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let relay = ServeProxy::new();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let mut started = twelve_entries(&relay).var("FINISHLINE_URL", address).start();
    started.wait_for("12 entries of finishline.yml");
    started.signal("TERM");
    started.wait_for("shutting down: no new entries");
    let ended = started.wait().expect(9);
    assert_eq!(ended.joined(["status", "error-code"]), "error cancelled");
}

fn to_do(plan: &serde_json::Value) -> Vec<bool> {
    let entries = plan["entries"].as_array().unwrap();
    entries.iter().map(|entry| entry["to_do"].as_bool().unwrap()).collect()
}

#[test]
fn a_plan_says_what_is_to_do_and_exits_with_8_when_asked() {
    let run = embedded(ProgramRun::local(), &GOOD[..GOOD.find("releases").unwrap()]);
    let plan = ["plan", "--format", "json", "--exit-code"];
    assert_eq!(to_do(&run.clone().args(&plan).execute().expect(8).json()), [true, true]);
    run.clone().args(&plan[..3]).execute().expect(0);
    assert!(!run.database().exists());
    run.execute().expect(0);
    assert_eq!(to_do(&run.args(&plan).execute().expect(0).json()), [false, false]);
}

#[test]
fn a_plan_of_one_run_exits_with_8_too() {
    let run = ProgramRun::local().opsgenie();
    run.clone().args(&["plan", "--exit-code"]).execute().expect(8);
    run.execute().expect(0);
    run.args(&["plan", "--exit-code"]).execute().expect(0);
}

#[test]
fn a_plan_at_a_sentry_leaves_it_as_it_was() {
    let relay = ServeProxy::new();
    let run = twelve_entries(&relay);
    let plan = run.clone().args(&["plan", "--exit-code"]).execute().expect(8);
    assert!(plan.stdout.contains("12 entries: 12 with changes to make"), "{}", plan.stdout);
    assert!(plan.stdout.contains("POST http"), "{}", plan.stdout);
    assert!(relay.requests_since(0).iter().all(|line| line.starts_with("GET ")));
    assert_eq!(relay.get("integrations/").as_array().unwrap().len(), 0);
    run.execute().expect(0);
    let (before, since) = (relay.get("integrations/"), relay.peer.lines().len());
    run.args(&["plan", "--exit-code"]).execute().expect(0);
    assert!(relay.requests_since(since).iter().all(|line| line.starts_with("GET ")));
    assert_eq!(relay.get("integrations/"), before);
}

#[test]
fn the_schema_has_the_keys_that_the_reader_takes() {
    use finishline::inputs::compat::aliases;
    use finishline::manifest::keys::{INTEGRATION, RELEASE};
    let schema = ProgramRun::local().args(&["schema"]).execute().expect(0).json();
    for (list, keys) in [("integrations", INTEGRATION), ("releases", RELEASE)] {
        let items = &schema["properties"][list]["anyOf"][0]["items"]["properties"];
        let there: Vec<_> = items.as_object().unwrap().keys().collect();
        let spellings = |key| std::iter::once(key).chain(aliases(key));
        let read: Vec<_> = keys.iter().flat_map(|key| spellings(*key)).collect();
        assert_eq!(there, read);
        assert!(items["url"]["description"].is_string());
    }
}

#[test]
fn the_example_of_the_docs_runs_and_its_table_has_every_key() {
    use finishline::manifest::keys::{INTEGRATION, RELEASE};
    let page = include_str!("../../../docs/manifest.md");
    let (_, example) = page.split_once("```yaml\n").unwrap();
    let run = embedded(ProgramRun::local(), example.split_once("```").unwrap().0);
    let run = run.var("OPSGENIE_KEY", "s3cr3t-1").var("BETA_OPSGENIE_KEY", "s3cr3t-2");
    run.execute().expect(0);
    assert_eq!(run.rows("SELECT count(*) FROM integration"), ["2"]);
    for (list, keys) in [("integrations", INTEGRATION), ("releases", RELEASE)] {
        let keys: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
        let row = format!("| `{list}:` | {} |", keys.join(", "));
        assert!(page.contains(&row), "docs/manifest.md lacks: {row}");
    }
}

#[test]
fn an_entry_that_is_not_there_is_named() {
    let run = embedded(ProgramRun::local(), GOOD).var("FINISHLINE_CALLBACK_URL", "?code=c&state=s");
    let said = run.args(&["resume", "--entry", "integrations[7]"]).execute().expect(2).stderr;
    assert!(said.contains("the manifest has no entry `integrations[7]`"), "{said}");
    assert!(said.contains("integrations[0], "), "{said}");
}
