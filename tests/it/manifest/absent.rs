//! What an entry of a manifest wants to be gone.

use crate::support::run::ProgramRun;

fn with(run: ProgramRun, entries: &str) -> ProgramRun {
    let text = format!("version: 1\ndefaults: {{org: acme}}\nintegrations:\n{entries}");
    run.file("finishline.yml", text);
    let database = run.database();
    run.var("FINISHLINE_BACKEND", "embedded")
        .var("FINISHLINE_DATABASE", database)
        .var("FINISHLINE_MANIFEST", "finishline.yml")
        .var("FINISHLINE_MAX_PARALLEL", "1")
}

const TWO: &str =
    "  - {provider: example, state: {name: a}}\n  - {provider: example, state: {name: b}}\n";
const THERE: &str = "SELECT integration_id FROM organization_integration ORDER BY 1";

#[test]
fn an_absent_state_and_a_removal_by_its_fields_end_integrations() {
    let run = with(ProgramRun::github(), TWO);
    run.execute().expect(0);
    let gone = with(
        run.clone(),
        "  - {provider: example, integration-id: 1, state: absent}\n  - {provider: example, mode: remove, state: {name: b}}\n",
    );
    let planned = gone.clone().args(&["plan", "--exit-code"]).execute().expect(8);
    for name in ["1 (a)", "2 (b)"] {
        let summary = planned.summary();
        assert!(summary.contains("would be removed from acme"), "{name}: {summary}");
    }
    assert_eq!(run.rows(THERE), ["1", "2"]);
    assert_eq!(gone.execute().expect(0).output("changed"), "true");
    assert_eq!(run.rows(THERE), [""; 0]);
    assert_eq!(gone.execute().expect(0).output("changed"), "false");
    gone.args(&["plan", "--exit-code"]).execute().expect(0);
    // Nothing of these entries is needed to make them anew.
    with(run.clone(), TWO).execute().expect(0);
    assert_eq!(run.rows(THERE), ["1", "2"]);
}

#[test]
fn what_does_not_say_which_or_what_is_a_mistake_before_anything_begins() {
    for (entry, words) in [
        ("{provider: example, state: absent}", "`state: absent` does not identify an integration"),
        (
            "{provider: example, integration-id: 1, mode: install, state: absent}",
            "`state: absent` contradicts `mode: install`",
        ),
        ("{provider: example, state: gone}", "`state` is a string, not a mapping"),
    ] {
        let run = with(ProgramRun::github(), &format!("  - {entry}\n"));
        let ended = run.execute().expect(2);
        assert_eq!(ended.output("error-code"), "bad-manifest", "{entry}");
        assert!(ended.stderr.contains(words), "{entry}: {}", ended.stderr);
        assert!(ended.stderr.contains("finishline.yml line 4"), "{entry}: {}", ended.stderr);
        assert!(!run.database().exists());
    }
}

#[test]
fn two_entries_that_want_one_thing_there_and_gone_are_a_mistake() {
    let wants = "  - provider: example\n    state: {name: a}\n    repositories: [acme/web]\n    code-mappings: [{project: web, repository: acme/web}]\n";
    for (entry, words) in [
        ("mode: remove, state: {name: a}", "the same example account as `integrations[0]`"),
        (
            "state: {name: b}, repositories-absent: acme/WEB",
            "repository `acme/WEB` is to be gone, but",
        ),
        (
            "state: {name: b}, code-mappings-absent: [{project: web}]",
            "the code mapping of project `web` with stack root `` is to be gone, but",
        ),
    ] {
        let entries = format!("{wants}  - {{provider: example, {entry}}}\n");
        let ended = with(ProgramRun::github(), &entries).execute().expect(2);
        assert!(ended.stderr.contains(words), "{entry}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("finishline.yml line 8 column 5: "),
            "{entry}: {}",
            ended.stderr
        );
    }
}

#[test]
fn the_schema_knows_what_is_absent() {
    let run = ProgramRun::local().args(&["schema"]).execute().expect(0);
    let entry = &run.json()["properties"]["integrations"]["anyOf"][0]["items"]["properties"];
    let state = entry["state"]["anyOf"].as_array().unwrap();
    assert!(state.contains(&serde_json::json!({ "const": "absent" })), "{state:?}");
    let keys = &entry["code-mappings-absent"]["anyOf"][0]["items"]["properties"];
    let keys: Vec<_> = keys.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["project", "stackRoot"]);
    assert!(entry["repositories-absent"].is_object());
}

/// Only the backend knows that an id and a state mean one integration.
#[test]
fn an_integration_that_one_entry_removes_and_another_sets_up_is_a_mistake() {
    let run = with(ProgramRun::github(), TWO);
    run.execute().expect(0);
    let by_id = "{provider: example, integration-id: 1, state: absent}";
    let by_state = "{provider: example, mode: remove, state: {name: a}}";
    for (one, other) in [
        (by_id, "{provider: example, state: {name: a}}"),
        (by_state, "{provider: example, integration-id: 1, mode: link, repositories: [a/b]}"),
        (by_state, "{mode: link, integration-id: 1, repositories: [a/b]}"),
        (by_id, "{mode: link, integration-id: 1, repositories: [a/b]}"),
        (
            "{mode: link, integration-id: 1, repositories-absent: [a/b]}",
            "{provider: example, state: {name: a}, repositories: [A/b]}",
        ),
    ] {
        for entries in [[one, other], [other, one]] {
            let entries = with(run.clone(), &entries.map(|one| format!("  - {one}\n")).concat());
            for command in ["plan", "run"] {
                let ended = entries.clone().args(&[command]).execute().expect(2);
                assert_eq!(ended.output("error-code"), "bad-manifest", "{one}: {}", ended.stderr);
                let words = "integration 1, but `integrations[";
                assert!(ended.stderr.contains(words), "{one}: {}", ended.stderr);
            }
            assert_eq!(run.rows(THERE), ["1", "2"]);
        }
    }
    // Another integration of the provider contradicts nothing.
    let both = "  - {provider: example, integration-id: 1, state: absent}\n  - {provider: example, state: {name: b}}\n";
    with(run.clone(), both).execute().expect(0);
    assert_eq!(run.rows(THERE), ["2"]);
}
