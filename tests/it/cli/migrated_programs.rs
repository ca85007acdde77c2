//! `migrate` and the program itself: what asks for sentry-cli, installs it or may need it does what it
//! did, also where it is there no longer.

use super::migration_bench::{TestBench, compared_in};
use finishline::migration::{MigrationNote, migrate};
use std::os::unix::fs::PermissionsExt;

/// Where sentry-cli is not installed; what stands for npm installs it.
fn bare_bench() -> TestBench {
    let bench = TestBench::new();
    std::fs::remove_file(bench.run.path("tools/sentry-cli")).unwrap();
    let npm = "#!/bin/sh\ncd \"${0%/*}\" && ln -sf finishline sentry-cli\n";
    for (name, text) in
        [("tools/npm", npm), ("deploy.sh", "#!/bin/sh\nsentry-cli releases new v2\n")]
    {
        let file = bench.run.file(name, text);
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    bench
}

#[test]
fn a_script_that_asks_for_the_program_does_the_same_without_it() {
    for script in [
        "if command -v sentry-cli > /dev/null; then\n  sentry-cli releases new v1\nfi\n",
        "which sentry-cli || exit 3\nsentry-cli releases new v1\n",
        "if [ -n \"$(command -v sentry-cli)\" ]; then sentry-cli releases new v1; fi\n",
        "has() { type sentry-cli; }\nhas && sentry-cli releases new v1\n",
    ] {
        let difference =
            compared_in([TestBench::new(), bare_bench()], "release.sh", script, |bench, text| {
                bench.execute(&["bash", "-c", text], &bench.variables)
            });
        assert_eq!(difference, None);
    }
}

#[test]
fn a_script_that_asks_for_the_program_and_needs_it_stays_whole() {
    for (script, words) in [
        ("[ -x ./sentry-cli ] && sentry-cli releases new v1\n", "the file of sentry-cli"),
        (
            "if command -v sentry-cli; then\n  sentry-cli releases new v1\n  sentry-cli send-event -m x\nfi\n",
            "more than what finishline does",
        ),
        (
            "cli=$(which sentry-cli)\n[ -n \"$cli\" ] && sentry-cli releases new v1\n",
            "the file of sentry-cli",
        ),
    ] {
        let lines = script.replace('\n', "\n      ");
        let job = format!("job:\n  script:\n    - |\n      {}\n", lines.trim_end());
        for (name, text) in [("a.sh", script), (".gitlab-ci.yml", &job)] {
            let migrated = migrate(name, text);
            assert_eq!(migrated.text, text);
            let notes = &migrated.notes;
            assert!(notes.iter().any(|note| note.message.contains(words)), "{notes:?}");
            let named = |line| notes.iter().any(|note| note.is_untranslated && note.line == line);
            let calls = (1..).zip(text.lines()).filter(|(_, line)| line.contains("sentry-cli "));
            assert!(
                calls.clone().count() > 0 && calls.clone().all(|(line, _)| named(line)),
                "{notes:?}"
            );
        }
    }
}

const HEAD: &str = "on: push\njobs:\n  release:\n    env:\n      SENTRY_ORG: acme\n      SENTRY_PROJECT: web\n    steps:\n";

fn workflow(steps: &str) -> String {
    let steps: String = steps.lines().map(|line| format!("      {line}\n")).collect();
    format!("{HEAD}{steps}")
}

#[test]
fn what_needs_the_program_behind_its_installation_finds_it() {
    let [install, release] =
        ["- run: npm install -g @sentry/cli\n", "- run: sentry-cli releases new v1\n"];
    let all = "npm install -g @sentry/cli && sentry-cli releases new v1 && ./deploy.sh";
    let asked = "    command -v sentry-cli || npm install -g @sentry/cli\n";
    for steps in [
        format!("{install}{release}- run: ./deploy.sh\n"),
        format!("{install}{release}- run: sentry-cli releases info v1\n"),
        format!("- run: {all}\n"),
        format!("- run: |\n{asked}    sentry-cli releases new v1\n"),
        format!("- run: if true; then npm install -g @sentry/cli; fi\n{release}"),
    ] {
        let text = workflow(&steps);
        let migrated = migrate("release.yml", &text);
        if migrated.text == text {
            assert!(migrated.notes.iter().any(|note| note.is_untranslated), "{text}");
            continue;
        }
        let benches = [bare_bench(), bare_bench()];
        let difference = compared_in(benches, "release.yml", &text, TestBench::run_workflow);
        assert_eq!(difference, None);
    }
}

#[test]
fn an_installation_stays_where_something_may_need_it_and_says_what() {
    let (install, release) = (
        "- run: curl -sL https://sentry.io/get-cli/ | bash\n",
        "- run: sentry-cli releases new v1\n",
    );
    for (behind, words) in [
        ("- run: make release", "`make`"),
        ("- run: yarn deploy", "`yarn`"),
        ("- run: source ./tools.sh", "`source`"),
        ("- run: sentry-cli send-event -m x", "script in line"),
        ("- run: sentry-cli monitors list", "script in line"),
        ("- run: bash -c 'sentry-cli info'", "`bash`"),
        ("- run: if command -v sentry-cli; then echo y; fi", "`command`"),
        ("- uses: ./.github/actions/release", "`./.github/actions/release`"),
        ("- uses: someone/upload@v1", "`someone/upload@v1`"),
        (
            "- uses: actions/github-script@v7\n  with:\n    script: exec('sentry-cli info')",
            "`actions/",
        ),
    ] {
        let migrated = migrate("a.yml", &workflow(&format!("{install}{release}{behind}\n")));
        assert!(migrated.text.contains("get-cli") && migrated.text.contains("OWNER/"), "{behind}");
        let is_said = |message: &str| message.contains("stays") && message.contains(words);
        assert!(migrated.notes.iter().any(|note| is_said(&note.message)), "{:?}", migrated.notes);
    }
    for before in ["", "- run: make\n", "- run: npm ci\n"] {
        let text = workflow(&format!("{before}{install}{release}- run: aws s3 sync a b\n"));
        let migrated = migrate("a.yml", &text);
        assert!(
            !migrated.text.contains("get-cli") && migrated.notes.is_empty(),
            "{}",
            migrated.text
        );
    }
}

#[test]
fn a_script_goes_with_its_installation_only_where_nothing_needs_it() {
    let script = "- run: |\n    curl -sL https://sentry.io/get-cli/ | sh\n    npm i -g @sentry/cli && sentry-cli releases new v1\n";
    let migrated = migrate("a.yml", &workflow(script));
    assert_eq!((migrated.text.contains("run:"), migrated.notes.len()), (false, 0));
    let text = workflow(&format!("{script}- run: make\n"));
    let migrated = migrate("a.yml", &text);
    assert_eq!(migrated.text, text);
    assert!(migrated.notes[0].message.contains("`make` may need it"), "{:?}", migrated.notes);
}

#[test]
fn an_installation_of_the_whole_project_stays_and_is_said() {
    for install in [
        "npm install @sentry/cli",
        "npm i --no-save @sentry/cli@2",
        "yarn add @sentry/cli",
        "pnpm add -D @sentry/cli",
    ] {
        let text = workflow(&format!("- run: {install}\n- run: sentry-cli releases new v1\n"));
        let migrated = migrate("a.yml", &text);
        assert!(migrated.text.contains(install), "{}", migrated.text);
        let [note] = migrated.notes.as_slice() else { panic!("{:?}", migrated.notes) };
        assert!(note.message.contains("the packages of the project, too"), "{note:?}");
    }
    for install in
        ["npm i -g @sentry/cli", "yarn global add @sentry/cli", "pnpm add --global @sentry/cli"]
    {
        let text = workflow(&format!("- run: {install}\n- run: sentry-cli releases new v1\n"));
        let migrated = migrate("a.yml", &text);
        assert_eq!((migrated.text.contains("run:"), migrated.notes.len()), (false, 0), "{install}");
    }
}

#[test]
fn the_name_of_an_action_may_have_any_case() {
    let step = "- uses: GetSentry/Action-Release@v3\n  with:\n    environment: prod\n";
    let migrated = migrate("a.yml", &workflow(step));
    assert!(migrated.text.contains("- uses: OWNER/finishline@v0\n"), "{}", migrated.text);
    let step = "- {uses: GetSentry/action-release/sub@v3}\n";
    let migrated = migrate("a.yml", &workflow(step));
    assert!(migrated.notes.iter().any(|note| note.is_untranslated), "{}", migrated.text);
}

#[test]
fn a_shell_that_may_go_on_at_a_failure_keeps_its_script() {
    let script = "- run: |\n    sentry-cli releases new v1\n    echo\n";
    for (shell, is_translated) in [
        ("bash {0}", false),
        ("bash --noprofile {0}", false),
        ("bash -el {0}", false),
        ("pwsh", false),
        ("bash", true),
        ("sh", true),
        ("bash -eo pipefail {0}", true),
        ("bash -o errexit {0}", true),
    ] {
        let step = script.replace("- run", &format!("- shell: {shell}\n  run"));
        let of_all = workflow(script)
            .replace("jobs:", &format!("defaults:\n  run:\n    shell: {shell}\njobs:"));
        for text in [workflow(&step), of_all] {
            let migrated = migrate("a.yml", &text);
            assert_eq!(migrated.text.contains("OWNER/"), is_translated, "{}", migrated.text);
            assert_eq!(migrated.notes.is_empty(), is_translated, "{shell}");
        }
    }
}

#[test]
fn a_name_that_a_script_gives_to_its_own_function_stays() {
    for definition in [
        "sentry-cli() { npx @sentry/cli -o acme \"$@\"; }",
        "function sentry-cli { ./cli \"$@\"; }",
        "alias sentry-cli='npx @sentry/cli'",
    ] {
        let items = format!("a:\n  before_script:\n    - {}\n", serde_json::json!(definition));
        let pipeline = format!("{items}  script:\n    - sentry-cli releases new v1\n");
        let script = format!("{definition}\nsentry-cli releases new v1\n");
        let steps = workflow(&format!("- run: |\n    {}", script.replace('\n', "\n    ")));
        for (name, text) in [("a.sh", &script), (".gitlab-ci.yml", &pipeline), ("a.yml", &steps)] {
            let migrated = migrate(name, text);
            assert!(migrated.text.contains("sentry-cli releases new v1"), "{}", migrated.text);
            assert!(!migrated.text.contains("finishline sentry-cli releases"), "{}", migrated.text);
            let line = 1 + text.lines().position(|line| line.contains("releases new v1")).unwrap();
            let is_named = |note: &MigrationNote| note.is_untranslated && note.line == line;
            assert!(migrated.notes.iter().any(is_named), "{:?}", migrated.notes);
        }
    }
}

#[test]
fn a_container_of_the_program_is_replaced_where_its_folder_and_variables_are_known() {
    let image = "getsentry/sentry-cli releases new v1\n";
    for (flags, expected) in [
        ("--rm -v \"$(pwd)\":/work -e SENTRY_ORG", Some("finishline sentry-cli")),
        ("-e SENTRY_ORG=\"$O\"", Some("env SENTRY_ORG=\"$O\" finishline sentry-cli")),
        ("-v $PWD/dist:/work", None),
        ("--env-file .env", None),
        ("--entrypoint sh", None),
    ] {
        let text = format!("docker run {flags} {image}");
        let migrated = migrate("a.sh", &text);
        let says_what_it_sees = |note: &MigrationNote| note.message.contains("in its container");
        assert_eq!(migrated.notes.iter().any(says_what_it_sees), expected.is_some(), "{flags}");
        let expected = expected.map(|program| format!("{program} releases new v1\n"));
        assert_eq!(migrated.text, expected.unwrap_or(text));
    }
}

#[test]
fn words_that_may_be_many_stay_those_of_the_shell() {
    for words in
        ["releases new \"${ARGS[@]}\" v1", "releases $OPTIONS new v1", "releases new \"$@\""]
    {
        let migrated = migrate("a.sh", &format!("sentry-cli {words}\n"));
        assert_eq!(migrated.text, format!("finishline sentry-cli {words}\n"));
    }
}

#[test]
fn a_command_that_is_not_there_is_named_whatever_its_version_is() {
    for version in ["v1", "\"$V\"", "$V", "${V}"] {
        let text = format!("sentry-cli releases files {version} delete --all\n");
        let migrated = migrate("a.sh", &text);
        assert_eq!(migrated.text, text);
        assert!(migrated.notes.iter().any(|note| note.is_untranslated), "{version}");
    }
}

#[test]
fn an_installation_goes_with_the_version_that_is_proposed_behind_it() {
    for (install, set) in [
        ("curl -sL https://sentry.io/get-cli/ | bash", "V=$(sentry-cli releases propose-version)"),
        ("npm install -g @sentry/cli", "export V=$(sentry-cli releases propose-version)"),
    ] {
        let script =
            format!("- run: |\n    {install}\n    {set}\n    sentry-cli releases new $V\n");
        let migrated = migrate("a.yml", &workflow(&script));
        assert!(migrated.text.contains("OWNER/finishline"), "{install}: {:?}", migrated.notes);
        assert!(!migrated.text.contains(install), "{}", migrated.text);
    }
    let script = "- run: |\n    npm install -g @sentry/cli\n    V=$(sentry-cli --version)\n    sentry-cli releases new v1\n";
    let migrated = migrate("a.yml", &workflow(script));
    assert_eq!(migrated.text, workflow(script));
}

#[test]
fn a_project_that_may_be_several_is_refused_with_a_way_out() {
    let call = "sentry-cli releases new v1 -p";
    for (word, hint) in
        [("\"${{ secrets.P }}\"", "set `SENTRY_PROJECT` in `env:`"), ("${{ secrets.P }}", "quotes")]
    {
        let migrated = migrate("a.yml", &workflow(&format!("- run: {call} {word}\n")));
        let [note] = migrated.notes.as_slice() else { panic!("{:?}", migrated.notes) };
        assert!(note.hint.contains(hint), "{note:?}");
    }
}

#[test]
fn a_message_to_the_host_stays_in_the_script() {
    let script =
        "- run: |\n    echo \"::add-mask::$X\"\n    echo hello\n    sentry-cli releases new v1\n";
    let text = workflow(script);
    assert_eq!(migrate("a.yml", &text).text, text);
}
