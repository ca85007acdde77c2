//! `migrate`: every real use is translated or its line is named, and nothing else of a file changes.

use crate::support::run::ProgramRun;
use finishline::migration::{FileMigration, migrate};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::Command;

/// What real steps, jobs and scripts do, reduced to facts.
const CASES: &str = include_str!("../../vectors/dropin-cases.json");

fn cases() -> Vec<Value> {
    serde_json::from_str::<Value>(CASES).unwrap()["cases"].as_array().unwrap().clone()
}

fn yaml_map(indent: &str, map: &Value) -> String {
    let map = map.as_object().into_iter().flatten();
    map.fold(String::new(), |mut text, (name, value)| {
        writeln!(text, "{indent}{name}: {value}").unwrap();
        text
    })
}

/// The workflow of a case.
fn workflow(case: &Value) -> String {
    let env = yaml_map("      ", &case["env"]);
    let env = if env.is_empty() { env } else { format!("    env:\n{env}") };
    let mut text = format!(
        "# deploy\non: push\njobs:\n  release:\n    runs-on: ubuntu-latest\n{env}    steps:\n      - uses: actions/checkout@v4   # all\n"
    );
    for step in case["steps"].as_array().into_iter().flatten() {
        text.push_str("      - uses: getsentry/action-release@v3 # v3.1\n");
        for key in ["env", "with"] {
            let map = yaml_map("          ", &step[key]);
            if !map.is_empty() {
                write!(text, "        {key}:\n{map}").unwrap();
            }
        }
    }
    if let Some(script) = case["script"].as_str() {
        text.push_str("      - name: Release\n        run: |\n");
        script.lines().for_each(|line| writeln!(text, "          {line}").unwrap());
    }
    text + "\n      # the end\n      - run: echo \"done\"\n"
}

/// The job of a case in a `.gitlab-ci.yml`, with a line of the script in each item that holds one.
fn gitlab(case: &Value) -> String {
    let script = case["script"].as_str().unwrap();
    let lines: String = script.lines().map(|line| format!("      {line}\n")).collect();
    format!(
        "stages: [release]\n\nrelease:   # by hand\n  stage: release\n  script:\n    - echo begin\n    - |\n{lines}    - echo end\n"
    )
}

/// Asserts that each line that names the other program is gone or named, and that what was
/// translated stays so.
#[track_caller]
fn assert_handled(name: &str, old: &str) -> FileMigration {
    let migrated = migrate(name, old);
    let named: BTreeSet<_> =
        migrated.notes.iter().filter(|note| note.is_untranslated).map(|note| note.line).collect();
    let is_call = |line: &&str| line.contains("sentry-cli") || line.contains("getsentry/");
    let new = migrated.text.replace("finishline sentry-cli", "");
    let mut left: Vec<_> = new.lines().filter(is_call).collect();
    for (line, number) in old.lines().zip(1..) {
        if named.contains(&number)
            && let Some(at) = left.iter().position(|kept| *kept == line || name == "package.json")
        {
            left.remove(at);
        }
    }
    assert!(left.is_empty(), "{name}: {left:?}\n{}\n{:?}", migrated.text, migrated.notes);
    let again = migrate(name, &migrated.text);
    assert_eq!(again.text, migrated.text, "{name}");
    migrated
}

#[test]
fn every_case_is_translated_or_its_line_is_named() {
    let mut translated = BTreeMap::new();
    for case in cases() {
        let id = case["id"].as_str().unwrap();
        let mut files = vec![(".github/workflows/release.yml", workflow(&case))];
        if let Some(script) = case["script"].as_str() {
            files.push(("release.sh", script.to_owned()));
            files.push((".gitlab-ci.yml", gitlab(&case)));
            let package = serde_json::json!({ "scripts": { "release": script } });
            files.push(("package.json", format!("{package:#}\n")));
        }
        for (name, old) in files {
            let migrated = assert_handled(name, &old);
            let is_whole = migrated.notes.iter().all(|note| !note.is_untranslated);
            assert!(migrated.text != old || !is_whole, "{id}: {name}");
            *translated.entry(name).or_insert(0) += i32::from(is_whole);
            for kept in ["# all", "# the end", "echo \"done\"", "# by hand", "- echo end"] {
                assert_eq!(old.matches(kept).count(), migrated.text.matches(kept).count(), "{id}");
            }
            if name.ends_with("yml") {
                serde_yaml::from_str::<serde_yaml::Value>(&migrated.text)
                    .unwrap_or_else(|error| panic!("{id}: {error}\n{}", migrated.text));
            }
        }
    }
    // How many files of each kind are translated as a whole: docs/migrating.md has these numbers.
    let counts: Vec<_> = translated.into_iter().collect();
    let expected = [
        (".github/workflows/release.yml", 83),
        (".gitlab-ci.yml", 36),
        ("package.json", 36),
        ("release.sh", 36),
    ];
    assert_eq!(counts, expected);
}

/// A value of `with:` as the host evaluates it in a case.
fn evaluated(text: &str, case: &Value) -> String {
    let mut value = text.to_owned();
    while let Some(start) = value.find("${{") {
        let end = start + value[start..].find("}}").unwrap() + 2;
        let expression = value[start + 3..end - 2].trim().to_owned();
        let (name, default) = expression.split_once(" || ").unwrap_or((&expression, ""));
        let known = match name.split_once('.').unwrap() {
            ("env", name) => case["env"][name].as_str().unwrap_or_default(),
            ("github", "sha") => "{HEAD}",
            ("github", "ref_name") => {
                case["event"]["ref"].as_str().unwrap().rsplit('/').next().unwrap()
            }
            (context, name) => panic!("{context}.{name}"),
        };
        let known = if known.is_empty() { default.trim_matches('\'') } else { known };
        value.replace_range(start..end, known);
    }
    value
}

#[test]
fn a_script_that_is_one_step_becomes_that_step() {
    let mut compared = 0;
    for case in cases().iter().filter(|case| case["step"].is_array()) {
        let id = case["id"].as_str().unwrap();
        let migrated = migrate(".github/workflows/x.yml", &workflow(case));
        if migrated.notes.iter().any(|note| note.is_untranslated) {
            continue;
        }
        let document: serde_yaml::Value = serde_yaml::from_str(&migrated.text).unwrap();
        let steps = document["jobs"]["release"]["steps"].as_sequence().unwrap();
        let ours: Vec<_> = steps
            .iter()
            .filter(|step| step["uses"].as_str().is_some_and(|uses| uses.contains("finishline")))
            .collect();
        // What fails apart is a step of its own: one of them says each input of the one step.
        let expected = case["step"].as_array().unwrap();
        for (name, value) in expected[0].as_object().unwrap() {
            let name = name.replace('_', "-");
            let said = ours.iter().map(|step| match &step["with"][name.as_str()] {
                serde_yaml::Value::Bool(value) => value.to_string(),
                serde_yaml::Value::String(text) => evaluated(text, case),
                _ if name == "release" => "{HEAD}".to_owned(),
                _ => String::new(),
            });
            let said: Vec<_> = said.collect();
            let value = value.as_str().unwrap().replace(", ", ",");
            assert!(said.contains(&value), "{id}: {name}: {said:?}\n{}", migrated.text);
        }
        compared += 1;
    }
    assert!(compared > 15, "{compared}");
}

const MANY_STEPS: &str = r"# top
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    env:
      SENTRY_PROJECT: web
    steps:
    - uses: actions/checkout@v4

    # the release
    - name: Create
      env:
        SENTRY_AUTH_TOKEN: ${{ secrets.SENTRY_AUTH_TOKEN }}
      run: sentry-cli releases new ${{ github.sha }}
    - run: npm run build   # all
    - name: Install
      run: curl -sL https://sentry.io/get-cli/ | bash
    - name: Upload
      shell: bash
      env:
        SENTRY_AUTH_TOKEN: ${{ secrets.SENTRY_AUTH_TOKEN }}
      run: |
        npx @sentry/cli sourcemaps inject dist
        npx @sentry/cli sourcemaps upload --release=${{ github.sha }} dist

    - name: Copy
      run: |
        aws s3 sync dist s3://x
    - name: Finalize
      if: success()
      env:
        SENTRY_AUTH_TOKEN: ${{ secrets.SENTRY_AUTH_TOKEN }}
      run: >-
        sentry-cli releases finalize ${{ github.sha }} &&
        sentry-cli releases deploys ${{ github.sha }} new -e production
";

/// The same as steps: each where it was, and as few as that allows.
const FEW_STEPS: &str = r"# top
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    env:
      SENTRY_PROJECT: web
    steps:
    - uses: actions/checkout@v4

    # the release
    - name: Create
      env:
        SENTRY_AUTH_TOKEN: ${{ secrets.SENTRY_AUTH_TOKEN }}
      uses: OWNER/finishline@v0
      with:
        release: ${{ github.sha }}
        commits: none
        finalize: false
        deploy: false
    - run: npm run build   # all
    - name: Upload
      env:
        SENTRY_AUTH_TOKEN: ${{ secrets.SENTRY_AUTH_TOKEN }}
      uses: OWNER/finishline@v0
      with:
        release: ${{ github.sha }}
        commits: none
        finalize: false
        sourcemaps: dist
        allow-unmapped: true
        deploy: false

    - name: Copy
      run: |
        aws s3 sync dist s3://x
    - name: Finalize
      if: success()
      env:
        SENTRY_AUTH_TOKEN: ${{ secrets.SENTRY_AUTH_TOKEN }}
      uses: OWNER/finishline@v0
      with:
        release: ${{ github.sha }}
        environment: production
        commits: none
";

#[test]
fn the_steps_of_a_job_become_as_few_as_their_order_allows() {
    let migrated = migrate(".github/workflows/x.yml", MANY_STEPS);
    assert_eq!((migrated.text.as_str(), migrated.notes), (FEW_STEPS, Vec::new()));
}

#[test]
fn what_has_nothing_to_migrate_stays_byte_for_byte() {
    let workflow = "\u{feff}on: push  \r\njobs:\r\n    a: {steps: [{run: \"x\"}]}\r\n# sentry-cli was here\r\n\r\n";
    for (name, text) in [
        ("a.yml", workflow),
        (
            "a.yml",
            "on: push\njobs:\n  a:\n    steps:\n      - uses: actions/checkout@v4\n      # sentry-cli\n      - run: echo \"$SENTRY_DSN sentry\" \n",
        ),
        ("a.yml", "&x [*x, {sentry"),
        ("a.yml", ""),
        ("a.sh", "# sentry-cli releases new x\necho sentry\n\n\n"),
        ("package.json", "{\n\t\"scripts\": {\"a\": \"echo sentry\"},\n\t\"sentry\": 1 }"),
        ("package.json", "not json, sentry"),
    ] {
        let migrated = migrate(name, text);
        assert_eq!((migrated.text.as_str(), migrated.notes), (text, Vec::new()));
    }
}

#[test]
fn a_variable_counts_where_a_step_can_read_it() {
    let text = "on: push\njobs:\n  a:\n    steps:\n      - run: echo\n        env:\n          V: v1\n      - env:\n          W: v2\n        run: sentry-cli releases new $W\n      - run: sentry-cli releases new $V\n";
    let migrated = migrate("x.yml", text);
    assert!(migrated.text.contains("release: ${{ env.W }}"), "{}", migrated.text);
    assert!(migrated.text.contains("- run: sentry-cli releases new $V"), "{}", migrated.text);
    let lines: Vec<_> = migrated.notes.iter().map(|note| note.line).collect();
    assert_eq!(lines, [11], "{:?}", migrated.notes);
}

#[test]
fn what_cannot_be_a_step_is_named_by_line() {
    let workflow = |script: &str| {
        format!(
            "on: push\njobs:\n  a:\n    steps:\n      - run: |\n          {}\n",
            script.replace('\n', "\n          ")
        )
    };
    for (script, line, words) in [
        ("echo a\nsentry-cli releases new $NOPE", 7, "`NOPE`"),
        ("if true; then\n  sentry-cli releases new v1\nfi", 6, "condition"),
        ("test -n x && sentry-cli releases new v1", 6, "`test …`"),
        ("[ -n \"$T\" ] || exit 0\nsentry-cli releases new v1", 6, "another command"),
        ("sentry-cli releases new v1\nsentry-cli monitors list", 7, "`monitors`"),
        ("./a\nsentry-cli releases new v1\n./b", 6, "`./a`"),
        ("cd app\nsentry-cli releases new v1\nsentry-cli sourcemaps upload -r v1 d", 6, "`cd …`"),
        ("sentry-cli releases list | grep v1", 6, "a pipe"),
        ("bash -c 'sentry-cli releases new v1'", 6, "`sentry-cli`"),
        ("SENTRY=./sentry-cli\n$SENTRY releases new v1", 6, "`sentry-cli`"),
        ("sentry-cli sourcemaps inject dist", 6, "step"),
    ] {
        let old = workflow(script);
        let migrated = migrate(".github/workflows/x.yml", &old);
        let note =
            migrated.notes.iter().find(|note| note.is_untranslated && note.message.contains(words));
        let note = note.unwrap_or_else(|| panic!("{script}: {:?}", migrated.notes));
        assert_eq!(note.line, line, "{script}: {note:?}");
        assert_eq!(migrated.text, old, "{script}");
    }
}

#[test]
fn a_shell_keeps_what_decides_about_a_call() {
    for (script, expected) in [
        (
            "if ! sentry-cli releases info $V; then\n  sentry-cli releases new $V\nfi\n",
            "if ! finishline sentry-cli releases info $V; then\n  finishline sentry-cli releases new $V\nfi\n",
        ),
        (
            "npm run b && sentry-cli releases new v1 && sentry-cli releases finalize v1 && echo ok\n",
            "npm run b && finishline sentry-cli releases new v1 && finishline sentry-cli releases finalize v1 && echo ok\n",
        ),
        (
            "cat <<EOF\nsentry-cli releases new v1\nEOF\n",
            "cat <<EOF\nsentry-cli releases new v1\nEOF\n",
        ),
        (
            "sentry-cli releases new \"$(git describe --tags)\" > log 2>&1\n",
            "finishline sentry-cli releases new \"$(git describe --tags)\" > log 2>&1\n",
        ),
    ] {
        assert_eq!(migrate("a.sh", script).text, expected);
    }
}

#[test]
fn lines_that_end_as_on_windows_do_so_afterwards() {
    let unix = "on: push\njobs:\n  a:\n    steps:\n      - run: |\n          sentry-cli releases new v1\n          sentry-cli releases finalize v1\n";
    let windows = unix.replace('\n', "\r\n");
    let migrated = migrate("x.yml", &windows).text;
    assert_eq!(migrated, migrate("x.yml", unix).text.replace('\n', "\r\n"));
    assert!(migrated.contains("uses:"), "{migrated}");
}

#[test]
fn the_difference_is_what_is_written_and_the_exit_code_tells_of_lines_that_stay() {
    let run = ProgramRun::local();
    let script = "sentry-cli releases new v1\n";
    let files = [("a.yml", MANY_STEPS), ("b.sh", script), ("c \"\\\n.sh", script)];
    files.iter().for_each(|(name, text)| drop(run.file(name, text)));
    let names = files.map(|(name, _)| name);
    // One of them has another name, too.
    let command = |words: &[&str]| run.clone().args(&[words, &names, &["./a.yml"]].concat());
    let shown = command(&["migrate"]).execute().expect(0);
    files.iter().for_each(|(name, text)| assert_eq!(run.text(name), *text));
    run.file("x.patch", &shown.stdout);
    let folder = run.path("");
    let applied = Command::new("git").args(["apply", "x.patch"]).current_dir(&folder).status();
    assert!(applied.unwrap().success());
    let patched: Vec<_> = files.iter().map(|(name, _)| run.text(name)).collect();
    files.iter().for_each(|(name, text)| drop(run.file(name, text)));
    command(&["migrate", "--write"]).execute().expect(0);
    let written: Vec<_> = files.iter().map(|(name, _)| run.text(name)).collect();
    assert_eq!(patched, written);
    let again = command(&["migrate"]).execute().expect(0);
    assert_eq!(again.stdout + &again.stderr, "");
    run.file("c.sh", "sentry-cli monitors list\n");
    let named = run.clone().args(&["migrate", "c.sh"]).execute().expect(4);
    assert!(named.stderr.contains("c.sh:1: not translated"), "{}", named.stderr);
    let missing = run.args(&["migrate", "nope.yml", "c.sh"]).execute().expect(4);
    assert!(missing.stderr.contains("nope.yml"), "{}", missing.stderr);
}
