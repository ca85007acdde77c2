//! `migrate` and the scripts of a workflow: only one that is nothing but calls with values that are never
//! empty becomes a step; any other stays as it is, and its lines are named.

use finishline::migration::migrate;

pub(crate) const HEAD: &str =
    "env:\n  SENTRY_ORG: acme\n  SENTRY_PROJECT: web\njobs:\n  release:\n";

/// A workflow with one script.
fn workflow(on: &str, job: &str, script: &str) -> String {
    let script = script.replace('\n', "\n          ");
    format!("on: {on}\n{HEAD}{job}    steps:\n      - run: |\n          {script}\n")
}

#[track_caller]
pub(crate) fn assert_stays(text: &str, words: &str) {
    let migrated = migrate("release.yml", text);
    assert_eq!(migrated.text, text);
    let named = |line| migrated.notes.iter().any(|note| note.is_untranslated && note.line == line);
    let calls = (1..).zip(text.lines()).filter(|(_, line)| line.contains("sentry-cli "));
    assert!(calls.clone().count() > 0, "{text}");
    calls.for_each(|(line, text)| assert!(named(line), "{text}: {:?}", migrated.notes));
    let is_said = migrated.notes.iter().any(|note| note.message.contains(words));
    assert!(is_said, "{text}\n{words}: {:?}", migrated.notes);
}

pub(crate) const UBUNTU: &str = "    runs-on: ubuntu-latest\n";

#[test]
fn a_script_that_does_more_than_call_stays_whole() {
    let (new, end) = ("sentry-cli releases new v1", "sentry-cli releases finalize v1");
    for (script, words) in [
        (format!("{new}\necho \"DONE=true\" >> \"$GITHUB_ENV\""), "`echo …`"),
        (format!("cat prod.env >> \"$GITHUB_ENV\"\n{new}"), "`cat …`"),
        (format!("echo \"v=1\" >> \"$GITHUB_OUTPUT\"\n{new}\n{end}"), "`echo …`"),
        (format!("echo \"SENTRY_PROJECT=api\" | tee -a \"$GITHUB_ENV\"\n{new}"), "a pipe"),
        (format!("./setvars.sh\n{new}"), "`./setvars.sh`"),
        (format!("npm run build\n{new}"), "`npm …`"),
        (format!("{new}\nrm -r dist"), "`rm …`"),
        (format!("{new}\n{end} &"), "a pipe"),
        (format!("set +e\n{new}\n{end}"), "`set …`"),
        (format!("echo \"::add-mask::x\"\n{new}"), "`echo …`"),
        (format!("echo -e '\\x3a\\x3aadd-mask\\x3a\\x3ax'\n{new}"), "`echo …`"),
        (format!("printf '%s:add-mask::x\\n' :\n{new}"), "`printf …`"),
        (format!("{new} > log"), "what this call does"),
        (format!("{new} && {end}\necho done"), "another command decides"),
        (format!("cd app\n{new}"), "`cd …`"),
        (format!("V=$(git tag --points-at HEAD)\n{new}\n{end}"), "`$(git tag --points-at HEAD)`"),
        ("sentry-cli releases new \"${GITHUB_SHA::7}\"".to_owned(), "`${GITHUB_SHA::7}`"),
        ("sentry-cli releases new \"v$(date)\"".to_owned(), "`$(date)`"),
        (format!("export GITHUB_SHA=x\n{new}"), "`GITHUB_SHA`"),
        (format!("export HTTPS_PROXY=http://x.example\n{new}"), "`HTTPS_PROXY`"),
    ] {
        assert_stays(&workflow("push", UBUNTU, &script), words);
    }
}

#[test]
fn a_value_that_may_be_empty_is_no_input() {
    let new = "sentry-cli releases new v1\n";
    for (script, value) in [
        ("sentry-cli releases new \"${{ inputs.version }}\"".to_owned(), "inputs.version"),
        ("V=\"${{ vars.V }}\"\nsentry-cli releases new \"$V\"".to_owned(), "vars.V"),
        ("sentry-cli releases new \"$LATER\"".to_owned(), "env.LATER"),
        ("sentry-cli releases new \"$NOTHING\"".to_owned(), "env.NOTHING"),
        ("sentry-cli releases new \"$GITHUB_HEAD_REF\"".to_owned(), "github.head_ref"),
        ("sentry-cli releases new \"${{ steps.v.outputs.v }}\"".to_owned(), "steps.v"),
        ("sentry-cli releases new \"${{ github.sha || inputs.v }}\"".to_owned(), "inputs.v"),
        (
            format!("{new}sentry-cli deploys new -r v1 -e \"${{{{ inputs.stage }}}}\""),
            "inputs.stage",
        ),
        (format!("{new}sentry-cli deploys new -r v1 -e \"$LATER\""), "env.LATER"),
        (
            format!(
                "{new}sentry-cli releases set-commits v1 --commit \"acme/web@${{{{ inputs.c }}}}\""
            ),
            "inputs.c",
        ),
        ("sentry-cli --url \"${{ vars.URL }}\" releases new v1".to_owned(), "vars.URL"),
        ("sentry-cli --auth-token \"${{ secrets.T }}\" releases new v1".to_owned(), "secrets.T"),
        (
            "export SENTRY_ORG=\"${{ vars.ORG }}\"\nsentry-cli releases new v1".to_owned(),
            "vars.ORG",
        ),
        ("sentry-cli releases new \"\"".to_owned(), "is empty"),
    ] {
        let env = "    env:\n      LATER: ${{ inputs.stage }}\n      NOTHING: ~\n";
        let text = workflow("[push, workflow_dispatch]", &format!("{UBUNTU}{env}"), &script);
        assert_stays(&text, value);
    }
    // A deployment may be of a commit, which has no ref.
    let text = workflow("deployment", UBUNTU, "sentry-cli releases new \"$GITHUB_REF_NAME\"");
    assert_stays(&text, "github.ref_name");
    let project = "sentry-cli releases new -p \"${{ matrix.project }}\" v1";
    assert_stays(&workflow("push", UBUNTU, project), "several words or items");
}

#[test]
fn a_script_of_calls_with_known_values_becomes_steps() {
    for (script, expected) in [
        ("sentry-cli releases new \"$V\"", "release: ${{ env.V }}"),
        ("sentry-cli releases new \"web@${{ inputs.v }}\"", "release: web@${{ inputs.v }}"),
        ("sentry-cli releases new $GITHUB_REF_NAME", "release: ${{ github.ref_name }}"),
        ("sentry-cli releases new \"${{ inputs.v || github.sha }}\"", "inputs.v || github.sha"),
        ("sentry-cli -o \"$SENTRY_ORG\" releases new v1", "release: v1"),
        ("export SENTRY_ORG=two\nsentry-cli releases new v1", "org: two"),
        (
            "echo \"Release $V\"\nset -euo pipefail\n# note\nsentry-cli releases new v1",
            "release: v1",
        ),
    ] {
        let text = workflow(
            "push",
            &format!("{UBUNTU}    env:\n      V: v-${{{{ inputs.v }}}}\n"),
            script,
        );
        let migrated = migrate("release.yml", &text);
        assert!(migrated.text.contains(expected), "{}{:?}", migrated.text, migrated.notes);
        assert!(!migrated.text.contains("run:"), "{}", migrated.text);
    }
}

#[test]
fn a_variable_that_an_earlier_step_may_set_may_be_empty() {
    for earlier in ["echo V= >> $GITHUB_ENV", "./setvars.sh"] {
        let job = "    env:\n      V: v1\n    steps:\n      - run: ";
        let text =
            format!("on: push\n{HEAD}{job}{earlier}\n      - run: sentry-cli releases new $V\n");
        assert_stays(&text, "`$V` may become several");
        assert_stays(&text.replace("new $V", "new \"$V\""), "env.V");
        let of_step = text.replace("new $V\n", "new $V\n        env:\n          V: v1\n");
        assert!(migrate("release.yml", &of_step).text.contains("release: ${{ env.V }}"));
    }
}

#[test]
fn a_value_with_another_meaning_as_an_input_stays_in_its_call() {
    for (script, words) in [
        ("sentry-cli releases new file:version", "`file:version`"),
        ("sentry-cli releases new \"$GITHUB_REF\"", "`${{ github.ref }}`"),
        ("sentry-cli releases new v1\nsentry-cli releases set-commits v1 --commit none", "`none`"),
        ("sentry-cli releases new \"$TAG\"", "`refs/tags/v1`"),
        ("sentry-cli releases new \"$REF\"", "github.ref"),
        ("sentry-cli releases new $WORDS", "`$WORDS`"),
        ("sentry-cli releases new -p \"$WORDS\" v1", "`$WORDS`"),
        ("D='a/*.js'\nsentry-cli sourcemaps upload -r v1 \"$D\"", "`$D`"),
    ] {
        let env = format!(
            "{UBUNTU}    env:\n      WORDS: a b\n      TAG: refs/tags/v1\n      REF: ${{{{github.ref}}}}\n"
        );
        assert_stays(&workflow("push", &env, script), words);
    }
}

#[test]
fn a_script_that_may_be_of_another_shell_stays() {
    let matrix = |values: &str| {
        format!(
            "    strategy:\n      matrix:\n        os: {values}\n    runs-on: ${{{{ matrix.os }}}}\n"
        )
    };
    let is_translated = |job: &str| {
        let text = workflow("push", job, "sentry-cli releases new v1");
        migrate("release.yml", &text).text.contains("uses: OWNER/finishline@v0")
    };
    for job in [
        "    runs-on: windows-latest\n".to_owned(),
        "    runs-on: [self-hosted, Windows]\n".to_owned(),
        "    runs-on:\n      labels: windows-8-cores\n".to_owned(),
        "    runs-on: ${{ inputs.runner }}\n".to_owned(),
        matrix("[ubuntu-latest, windows-2022]"),
        matrix("${{ fromJSON(inputs.systems) }}"),
    ] {
        assert_stays(&workflow("push", &job, "sentry-cli releases new v1"), "may run on Windows");
        assert!(
            is_translated(&format!("{job}    defaults:\n      run:\n        shell: bash\n")),
            "{job}"
        );
    }
    for job in [
        UBUNTU.to_owned(),
        "    runs-on: [self-hosted, linux]\n".to_owned(),
        matrix("[macos-14, ubuntu-latest]"),
    ] {
        assert!(is_translated(&job), "{job}");
    }
}

#[test]
fn a_proposed_version_is_left_out_only_where_it_is_the_default() {
    let script = "V=$(sentry-cli releases propose-version)\nsentry-cli releases new \"$V\"";
    let by_git = script.replace("sentry-cli releases propose-version", "git rev-parse HEAD");
    let words = "by default a step may take another version";
    for on in ["pull_request", "[push, pull_request_target]", "merge_group"] {
        assert_stays(&workflow(on, UBUNTU, script), words);
    }
    for env in ["SOURCE_VERSION", "SENTRY_RELEASE", "HEROKU_SLUG_COMMIT", "CIRCLE_SHA1"] {
        let job = format!("{UBUNTU}    env:\n      {env}: sv-3\n");
        assert_stays(&workflow("push", &job, script), words);
    }
    // Gradle's version goes before the commit.
    assert_stays(&workflow("push", UBUNTU, &by_git), words);
    let written = workflow("push", UBUNTU, script)
        .replace("steps:\n", "steps:\n      - run: cat .env >> $GITHUB_ENV\n");
    assert_stays(&written, words);
    for on in [
        "push",
        "[push, workflow_dispatch]",
        "{schedule: [{cron: x}], release: {types: [published]}}",
    ] {
        let new = migrate("release.yml", &workflow(on, UBUNTU, script)).text;
        assert!(new.contains("uses: "), "{new}");
        assert!(!new.contains("          release: "), "{new}");
    }
}

#[test]
fn an_alias_that_may_say_anything_of_a_script_keeps_it() {
    for job in
        ["    env: *all\n", "    <<: *all\n", "    runs-on: *all\n", "    env:\n      <<: *all\n"]
    {
        let text = workflow("push", job, "sentry-cli releases new v1");
        assert_stays(&format!("x: &all {{}}\n{text}"), "an alias");
    }
}

#[test]
fn a_call_at_an_event_where_a_step_may_do_nothing_stays() {
    let script = "sentry-cli releases new v1";
    for on in [
        "workflow_run",
        "delete",
        "release",
        "{pull_request: {types: [closed]}}",
        "deployment_status",
    ] {
        assert_stays(&workflow(on, UBUNTU, script), "may do nothing");
    }
}

#[test]
fn a_call_stays_where_the_event_is_named_elsewhere_and_of_an_action_that_is_said() {
    let call = "- run: sentry-cli releases new v1\n        shell: bash\n";
    let action = "- uses: getsentry/action-release@v3\n";
    let workflow = |on: &str| format!("on: {on}\n{HEAD}{UBUNTU}    steps:\n      ");
    let composite = "runs:\n  using: composite\n  steps:\n      ".to_owned();
    for (head, words) in [
        (workflow("workflow_call"), "the event is the caller's"),
        (workflow("[push, workflow_call]"), "the event is the caller's"),
        (workflow("{push: {}, workflow_call: {inputs: {}}}"), "the event is the caller's"),
        (composite, "the event is the caller's"),
        (format!("x: &x [closed]\n{}", workflow("{pull_request: {types: *x}}")), "an alias"),
        (format!("x: &x [delete]\n{}", workflow("*x")), "an alias"),
    ] {
        assert_stays(&format!("{head}{call}"), words);
        let migrated = migrate("release.yml", &format!("{head}{action}"));
        assert!(migrated.text.contains("OWNER/"), "{}", migrated.text);
        let is_said = migrated.notes.iter().any(|note| note.message.contains(words));
        assert!(is_said, "{head}: {:?}", migrated.notes);
    }
}

#[test]
fn a_version_is_the_same_text_to_every_reader_of_yaml() {
    for version in ["007", "1.10", "0o17", "0x_1f", "1e400", "1_000", "+1", "true", "No", "1:30"] {
        let text = workflow("push", UBUNTU, &format!("sentry-cli releases new {version}"));
        let new = migrate("release.yml", &text).text;
        assert!(new.contains(&format!("release: \"{version}\"\n")), "{new}");
    }
}

#[test]
fn a_version_with_a_blank_at_its_end_stays_refused() {
    for call in ["sentry-cli releases new 'v1 '", "sentry-cli releases new \" v1\""] {
        assert_stays(&workflow("push", UBUNTU, call), "for something else");
    }
}

#[test]
fn a_variable_that_means_something_else_to_a_step_keeps_the_script() {
    for name in ["FINISHLINE_COMMITS", "SENTRY_ALLOW_FAILURE", "BASH_ENV"] {
        let job = format!("{UBUNTU}    env:\n      {name}: none\n");
        assert_stays(&workflow("push", &job, "sentry-cli releases new v1"), name);
    }
}

#[test]
fn a_step_that_goes_takes_no_other_with_it() {
    let script = "sentry-cli releases new v1\nsentry-cli sourcemaps upload -r v1 dist";
    let installer = "      - run: npm install -g @sentry/cli\n";
    let text = workflow("push", UBUNTU, script) + installer;
    let new = migrate("release.yml", &text).text;
    assert_eq!((new.matches("uses: ").count(), new.contains("npm")), (2, false), "{new}");
}
