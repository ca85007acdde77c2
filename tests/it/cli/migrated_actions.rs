//! `migrate` and the steps of a workflow that use action-release: the same inputs, and what would differ.

use super::migrated_scripts::{HEAD, UBUNTU, assert_stays};
use finishline::migration::migrate;

#[test]
fn an_action_without_a_version_at_an_event_with_another_default_is_said() {
    let text = |on: &str, rest: &str| {
        format!(
            "on: {on}\n{HEAD}{UBUNTU}    steps:\n      - uses: getsentry/action-release@v3\n{rest}"
        )
    };
    let given = |key: &str, line: &str| format!("        {key}:\n          {line}\n");
    for (on, rest, is_said) in [
        ("pull_request", String::new(), true),
        ("[push, pull_request_target]", given("with", "environment: qa"), true),
        ("workflow_call", given("with", "release: ''"), true),
        ("pull_request", given("with", "Version: v1"), false),
        ("pull_request", given("env", "SENTRY_RELEASE: v1"), false),
        ("push", given("with", "environment: qa"), false),
    ] {
        let notes = migrate("release.yml", &text(on, &rest)).notes;
        let said = notes.iter().any(|note| note.message.contains("without `release`"));
        assert_eq!((said, notes.iter().any(|note| note.is_untranslated)), (is_said, false));
    }
}

#[test]
fn an_input_of_an_action_may_have_any_letter_case() {
    let step = "      - uses: getsentry/action-release@v3\n        with:\n          Environment: qa\n          SOURCEMAPS: dist\n";
    let head = format!("on: push\n{HEAD}{UBUNTU}    steps:\n");
    let migrated = migrate("release.yml", &format!("{head}{step}"));
    assert_eq!(migrated.notes, Vec::new());
    let migrated = migrate("release.yml", &format!("{head}{step}          Set_Commits: x\n"));
    assert!(migrated.notes[0].message.contains("`set_commits` is `x`"), "{:?}", migrated.notes);
    let migrated = migrate("release.yml", &format!("{head}{step}          Ignore: x\n"));
    let [note] = migrated.notes.as_slice() else { panic!("{:?}", migrated.notes) };
    assert!(note.message.contains("has one in finishline"), "{note:?}");
    let migrated = migrate("release.yml", &format!("{head}{step}          upload_sourcemaps: x\n"));
    let [note] = migrated.notes.as_slice() else { panic!("{:?}", migrated.notes) };
    assert!(note.message.contains("is no input of action-release, nor"), "{note:?}");
    // Nor has the name of a step whose outputs are read.
    let call = "      - id: Make\n        run: sentry-cli releases new v1\n      - run: echo ${{ Steps.make.outputs.x }}\n";
    assert_stays(&format!("{head}{call}"), "other steps read the outputs");
    let call = "      - if: Always ( )\n        run: |\n          sentry-cli releases new v1\n          sentry-cli sourcemaps upload -r v1 d\n";
    assert_stays(&format!("{head}{call}"), "its `if:`");
}

#[test]
fn what_an_action_does_otherwise_is_said() {
    let step =
        "      - uses: getsentry/action-release@v3\n        with:\n          ignore: vendor\n";
    let env = "        env:\n          SENTRY_ORG: ${{ secrets.SENTRY_ORG }}\n";
    let text = format!("on: deployment_status\n{HEAD}{UBUNTU}    steps:\n{step}{env}");
    let migrated = migrate("release.yml", &text);
    let messages: Vec<_> = migrated.notes.iter().map(|note| (note.line, &note.message)).collect();
    for (line, words) in [(9, "may do nothing"), (11, "has one in finishline"), (13, "is a secret")]
    {
        let is_said = messages.iter().any(|(at, text)| *at == line && text.contains(words));
        assert!(is_said, "{words}: {messages:?}");
    }
}

#[test]
fn a_deploy_that_cannot_be_ruled_out_is_said() {
    let step = "      - uses: getsentry/action-release@v3\n        with:\n";
    let head =
        format!("on: push\nenv: {{SENTRY_ENVIRONMENT: qa, SENTRY_DIST: '7'}}\n{HEAD}{UBUNTU}");
    let text = format!("{head}    steps:\n{step}");
    let notes = migrate("release.yml", &text).notes;
    assert!(notes.iter().any(|note| note.message.contains("would record a deploy")), "{notes:?}");
    let maps = format!("{head}    steps:\n{step}          sourcemaps: dist\n");
    for (with, is_said) in [("", true), ("          dist: 8\n", false)] {
        let notes = migrate("release.yml", &format!("{maps}{with}")).notes;
        let said = notes.iter().any(|note| note.message.contains("`SENTRY_DIST`"));
        assert_eq!(said, is_said, "{notes:?}");
    }
}

/// Steps of action-release, each with what it is where a variable may name an environment.
const DEPLOYS: [(&str, &str); 8] = [
    ("- uses: ACTION\n", "- uses: OURS\n        with:\n          deploy: false\n"),
    ("- {uses: ACTION}\n", "- {uses: OURS, with: {deploy: false}}\n"),
    (
        "- uses: ACTION # mine\n        with: # all\n          # it\n          release: v1\n",
        "- uses: OURS # mine\n        with: # all\n          # it\n          deploy: false\n          release: v1\n",
    ),
    (
        "- uses: ACTION\n        with: {release: v1}\n",
        "- uses: OURS\n        with: {deploy: false, release: v1}\n",
    ),
    (
        "- with:\n          environment: ''\n        uses: ACTION\n",
        "- with:\n          deploy: false\n          environment: ''\n        uses: OURS\n",
    ),
    (
        "- uses: ACTION\n        with:\n          environment: ${{ inputs.to || vars.TO }}\n",
        "- uses: OURS\n        with:\n          deploy: ${{ (inputs.to || vars.TO) != '' }}\n          environment: ${{ inputs.to || vars.TO }}\n",
    ),
    (
        "- uses: ACTION\n        with:\n          Environment: qa-${{ inputs.to }}\n",
        "- uses: OURS\n        with:\n          Environment: qa-${{ inputs.to }}\n",
    ),
    (
        "- name: x\n        uses: ACTION\n        env:\n          A: b",
        "- name: x\n        uses: OURS\n        with:\n          deploy: false\n        env:\n          A: b",
    ),
];

#[test]
fn a_step_records_no_deploy_for_a_variable_that_action_release_does_not_read() {
    let [other, own] = ["getsentry/action-release@v3", "OWNER/finishline@v0"];
    for (step, expected) in DEPLOYS {
        let [step, expected] = [step.replace("ACTION", other), expected.replace("OURS", own)]
            .map(|step| format!("      {step}"));
        let set = "      - run: echo \"SENTRY_ENVIRONMENT=qa\" >> \"$GITHUB_ENV\"\n";
        for (env, steps) in [
            ("env: {SENTRY_ENVIRONMENT: qa}\n", String::new()),
            ("", set.to_owned()),
            ("", set.replace("echo \"SENTRY_ENVIRONMENT=qa\"", "cat qa.env")),
        ] {
            let text = format!("on: push\n{env}{HEAD}{UBUNTU}    steps:\n{steps}{step}");
            let migrated = migrate("release.yml", &text);
            assert_eq!(migrated.text, text.replace(&step, &expected), "{:?}", migrated.notes);
        }
        let text = format!("on: push\n{HEAD}{UBUNTU}    steps:\n{step}");
        assert_eq!(migrate("release.yml", &text).text, text.replace(other, own));
    }
    let text = format!("runs:\n  using: composite\n  steps:\n      {}", DEPLOYS[0].0);
    let expected = format!("runs:\n  using: composite\n  steps:\n      {}", DEPLOYS[0].1);
    let migrated = migrate("action.yml", &text.replace("ACTION", other));
    assert_eq!(migrated.text, expected.replace("OURS", own));
}

#[test]
fn an_upload_of_an_action_accepts_scripts_without_a_map_as_before() {
    let head = format!("on: push\n{HEAD}{UBUNTU}    steps:\n      ");
    let action = "- uses: getsentry/action-release@v3\n        with:\n          ";
    let lenient = "allow-unmapped: true";
    for (with, expected) in [
        ("sourcemaps: dist", format!("{lenient}\n          sourcemaps: dist")),
        ("Sourcemap: ./a ./b", format!("{lenient}\n          Sourcemap: ./a ./b")),
        ("sourcemaps: ''", "sourcemaps: ''".to_owned()),
        ("environment: qa", "environment: qa".to_owned()),
        (
            "sourcemaps: d\n          allow-empty: true",
            "sourcemaps: d\n          allow-empty: true".to_owned(),
        ),
    ] {
        let new = migrate("release.yml", &format!("{head}{action}{with}\n")).text;
        let expected = format!("{head}{action}{expected}\n");
        assert_eq!(new, expected.replace("getsentry/action-release@v3", "OWNER/finishline@v0"));
    }
    let both = migrate(
        "release.yml",
        &format!(
            "env: {{SENTRY_ENVIRONMENT: qa}}\n{head}- {{uses: getsentry/action-release@v3, with: {{sourcemaps: d}}}}\n"
        ),
    );
    let inputs = "with: {deploy: false, allow-unmapped: true, sourcemaps: d}";
    assert!(both.text.contains(inputs), "{}", both.text);
    let alias = format!(
        "x: &x {{sourcemaps: d}}\n{head}- uses: getsentry/action-release@v3\n        with: *x\n"
    );
    assert_eq!(migrate("release.yml", &alias).notes, Vec::new());
}

#[test]
fn an_upload_of_an_action_that_injects_no_debug_ids_injects_none() {
    let head = format!("on: push\n{HEAD}{UBUNTU}    steps:\n      ");
    let kept = "allow-unmapped: true\n          inject: false\n          sourcemaps: d";
    let newer = "allow-unmapped: true\n          sourcemaps: d";
    let sha = "85e0095193a153d57c458995f99d0afd81b9e5ea";
    for (version, expected, note) in [
        ("v1", kept, "keeps it so"),
        ("v2.1.0", kept, "keeps it so"),
        (&format!("{sha} # v1.7.0"), kept, "keeps it so"),
        (sha, newer, "before v3 injects no debug ids"),
        (&format!("{sha} # v3.3.0"), newer, ""),
        ("v3", newer, ""),
        ("master", newer, ""),
    ] {
        let step = format!("- uses: getsentry/action-release@{version}\n        with:\n          ");
        let migrated = migrate("release.yml", &format!("{head}{step}sourcemaps: d\n"));
        assert!(migrated.text.contains(&format!("@v0\n        with:\n          {expected}\n")));
        let notes: String = migrated.notes.iter().map(|note| note.message.as_str()).collect();
        assert_eq!(notes.contains("debug ids"), !note.is_empty(), "{version}: {notes}");
        assert!(notes.contains(note), "{version}: {notes}");
        assert!(migrated.notes.iter().all(|note| !note.is_untranslated));
        let said =
            migrate("release.yml", &format!("{head}{step}inject: true\n          sourcemaps: d\n"));
        assert!(!said.text.contains("inject: false"), "{}", said.text);
    }
}

#[test]
fn a_file_of_variables_that_is_not_read_is_said_and_keeps_a_call() {
    let head = format!(
        "on: push\n{HEAD}{UBUNTU}    env:\n      SENTRY_DOTENV_PATH: .env\n    steps:\n      "
    );
    assert_stays(&format!("{head}- run: sentry-cli releases new v1\n"), "`SENTRY_DOTENV_PATH`");
    for (name, text) in [
        ("release.yml", format!("{head}- uses: getsentry/action-release@v3\n")),
        ("release.sh", "export SENTRY_DOTENV_PATH=.env\nsentry-cli releases new v1\n".to_owned()),
    ] {
        let migrated = migrate(name, &text);
        let line = text.lines().position(|line| line.contains("DOTENV")).unwrap() + 1;
        let [note] = migrated.notes.as_slice() else { panic!("{:?}", migrated.notes) };
        assert_eq!((note.line, note.is_untranslated), (line, false));
        assert!(note.message.contains("of a `.env` file"), "{note:?}");
    }
}
