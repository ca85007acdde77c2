//! `migrate` and the order of a job: no call goes past a command that may need it, change it or fail, and no
//! value becomes another one on its way into a step.

use super::migrated_effects::{HEAD, difference};
use finishline::migration::migrate;

const SCRIPTS: &[&str] = &[
    // A variable that sentry-cli reads is another one between the calls.
    "sentry-cli releases new v1\nexport SENTRY_PROJECT=api\nsentry-cli releases finalize v1",
    "export SENTRY_PROJECT=web\nsentry-cli releases new v1\nexport SENTRY_PROJECT=api\nsentry-cli releases finalize v1",
    "sentry-cli releases new v1\nunset SENTRY_PROJECT\nsentry-cli releases finalize v1",
    "sentry-cli releases new v1\nread SENTRY_PROJECT < id || true\nsentry-cli releases finalize v1",
    "sentry-cli releases new v1\nexport $(echo SENTRY_PROJECT=api)\nsentry-cli releases finalize v1",
    "sentry-cli releases new v1\nSENTRY_ORG=two\nsentry-cli releases finalize v1",
    "sentry-cli releases new v1\nPATH=/usr/bin:$PATH\nsentry-cli releases finalize v1",
    // A program between, before or behind them asks for the release, or takes the files.
    "sentry-cli releases new v1\n./deploy.sh",
    "sentry-cli releases new v1\n./deploy.sh\nsentry-cli releases finalize v1",
    "sentry-cli releases new v1\necho \"$(./deploy.sh)\"\nsentry-cli releases finalize v1",
    "sentry-cli releases new v1\nW=`./deploy.sh`",
    "sentry-cli releases new v1\n: $((1+$(./deploy.sh > /dev/null; echo 1)))",
    "sentry-cli releases new v1\necho() { ./deploy.sh; }\necho\nsentry-cli releases finalize v1",
    "sentry-cli releases new v1\nsentry-cli sourcemaps inject a\nsentry-cli sourcemaps upload -r v1 a\nW=$(./deploy.sh)\nsentry-cli releases finalize v1",
    "sentry-cli releases new v1\nsentry-cli sourcemaps inject a\nsentry-cli sourcemaps upload -r v1 a\necho \"$(cat a/one.js)\" > deployed",
    "sentry-cli releases new v1\nsentry-cli sourcemaps inject a\ncp a/one.js deployed\nsentry-cli sourcemaps upload -r v1 a",
    "true \"$(cat a/one.js > deployed)\"\nsentry-cli releases new v1",
    // What fails is what failed, and no more.
    "sentry-cli sourcemaps upload -r v1 missing || true\nsentry-cli releases new v1",
    "sentry-cli releases new v1\nsentry-cli sourcemaps upload -r v1 missing || echo none\nsentry-cli releases finalize a/b",
    "sentry-cli releases new v1\nsentry-cli sourcemaps upload -r v1 a missing\nsentry-cli releases finalize v1",
    "sentry-cli releases new v1\nsentry-cli releases set-commits v1 --commit \"x@$V\" || true\nsentry-cli releases finalize v1",
    "sentry-cli releases new a/b && echo made\nsentry-cli releases new v1",
    "sentry-cli releases new v1\nsentry-cli releases new a/b || W=failed\nsentry-cli releases finalize v1",
    "sentry-cli releases new v1\nsentry-cli releases finalize v9 || echo failed > deployed",
    "W=$(false) && sentry-cli releases new v2\nsentry-cli releases new v1",
    // Scripts without a map are taken, unless they are refused.
    "sentry-cli releases new v1\nsentry-cli sourcemaps upload -r v1 a nomap.js\nsentry-cli deploys new -r v1 -e prod",
    "sentry-cli releases new v1\nsentry-cli sourcemaps upload --strict -r v1 a nomap.js\nsentry-cli deploys new -r v1 -e prod",
    "sentry-cli releases new v1\nD=~/a\nsentry-cli sourcemaps upload -r v1 \"$D\"",
    "A=1\nB=$A\nA=2\nsentry-cli releases new \"$B\"\nA=3\nsentry-cli releases finalize \"$B\"",
    "W=a\nfalse && W=b\nsentry-cli releases new \"$W\"",
    "W=a\ntrue || W=b\nsentry-cli releases new \"$W\"",
    "W=a\necho b | read W || true\nsentry-cli releases new \"$W\"",
    "false && export SENTRY_PROJECT=api\nsentry-cli releases new v1",
    "sentry-cli releases new v1\nfalse && set +e\nsentry-cli releases new a/b\nsentry-cli releases finalize v1",
    // The last command of a script decides how it ends.
    "[ -n \"$NONE\" ] && ./deploy.sh\nsentry-cli releases new v1",
    "for i in 1; do [ -n \"$NONE\" ] && ./deploy.sh; done\nsentry-cli releases new v1",
    "set +e\nfalse > deployed\nsentry-cli releases new v1",
    "W=b\nW=a$W\nsentry-cli releases new \"$W\"",
    "V=a$V\nsentry-cli releases new \"$V\"",
    "W=$(cut -c9- id)\nsentry-cli releases new v1\nsentry-cli deploys new -r v1 -e prod -n \"$W\"",
    "GITHUB_SHA=$(cat id)\nsentry-cli releases new \"$GITHUB_SHA\"",
];

const STEPS: &[&str] = &[
    "- run: sentry-cli releases new v1\n- run: ./deploy.sh\n- run: sentry-cli releases finalize v1",
    "- run: sentry-cli releases new a/b\n  continue-on-error: true\n- run: sentry-cli releases new v1\n  continue-on-error: true",
    "- continue-on-error: true\n  run: |\n    sentry-cli releases new v1\n    sentry-cli sourcemaps upload -r v1 missing\n    sentry-cli releases finalize v1",
    // What may fail whatever the step says of that.
    "- run: sentry-cli releases new a/b || true\n  continue-on-error: false\n- run: sentry-cli releases new v1",
    "- continue-on-error: ${{ false }}\n  run: sentry-cli releases new a/b || true\n- run: sentry-cli releases new v1",
    // An empty value is an error, as it was.
    "- run: sentry-cli releases new v1\n- run: |\n    W=$(cut -c9- id)\n    sentry-cli releases new \"$W\"",
    // A variable of a script is not one of the steps behind it.
    "- run: |\n    W=$(cat id)\n    sentry-cli releases new \"$W\"\n- run: echo \"${W:-none}\" > deployed",
    "- env:\n    SENTRY_RELEASE: nine\n  run: |\n    W=$(sentry-cli releases propose-version)\n    sentry-cli releases new \"$W\"\n    echo \"$W\" > deployed",
    "- env:\n    SENTRY_RELEASE: nine\n  run: |\n    W=$(cat id)\n    sentry-cli releases new -p api \"$W\"",
];

fn step(script: &str) -> String {
    format!("- run: |\n    {}\n", script.replace('\n', "\n    "))
}

#[test]
fn a_job_does_the_same_in_the_same_order() {
    let scripts = SCRIPTS.iter().map(|script| step(script));
    let steps = scripts.chain(STEPS.iter().map(|steps| (*steps).to_owned()));
    let differences: Vec<_> = steps.filter_map(|steps| difference(&steps)).collect();
    assert!(differences.is_empty(), "{}: {}", differences.len(), differences.join("\n"));
}

fn workflow(steps: &str) -> String {
    let steps: String = steps.lines().map(|line| format!("      {line}\n")).collect();
    format!("{HEAD}{steps}")
}

#[test]
fn what_only_a_shell_makes_of_a_word_stays_in_the_script() {
    for words in [
        "sourcemaps upload -r v1 dist/{a,b}",
        "sourcemaps upload -r v1 dist/{1..3}",
        "sourcemaps upload -r v1 ~/dist",
        "sourcemaps upload -r v1 \"${A[@]}\"",
        "sourcemaps upload -r v1 'dist/*.js'",
        "sourcemaps upload -r v1 'a,b'",
        "sourcemaps upload -r v1 \"my dist\"",
        "sourcemaps upload -r v1 --ignore 'a,b' dist",
        "sourcemaps upload -r v1 --ignore *.js dist",
        "deploys new -r v1 -e prod -n {a,b}",
        "deploys new -r v1 -e prod -n \"$(./name.sh)\"",
        "deploys new -r v1 -e prod --started ~/x",
    ] {
        let text = workflow(&step(&format!("sentry-cli releases new v1\nsentry-cli {words}")));
        let migrated = migrate("a.yml", &text);
        assert_eq!(migrated.text, text);
        assert!(migrated.notes.iter().any(|note| note.is_untranslated), "{words}");
        let script = format!("sentry-cli {words}\n");
        assert_eq!(migrate("a.sh", &script).text, format!("finishline {script}"));
    }
    let paths =
        workflow(&step("sentry-cli releases new v1\nsentry-cli sourcemaps upload -r v1 a/*.js b"));
    assert!(migrate("a.yml", &paths).text.contains("sourcemaps: a/*.js,b\n"));
}

#[test]
fn a_step_that_others_ask_about_stays() {
    for condition in
        ["steps.ins.outcome", "steps['ins'].outcome", "toJSON(steps)", "steps[env.X].outcome"]
    {
        let steps = format!(
            "- run: npm i -g @sentry/cli\n  id: ins\n- run: sentry-cli releases new v1\n- if: {condition} == 'success'\n  run: aws s3 ls"
        );
        let migrated = migrate("a.yml", &workflow(&steps)).text;
        assert!(migrated.contains("id: ins") && migrated.contains("OWNER/"), "{migrated}");
    }
}

#[test]
fn a_variable_that_cannot_be_read_in_the_file_makes_no_deploy() {
    let text = workflow("- run: cat .env >> $GITHUB_ENV\n- run: sentry-cli releases new v1\n");
    let text = text.replace("      SENTRY_ENVIRONMENT: qa\n", "");
    assert!(migrate("a.yml", &text).text.contains("deploy: false"));
}

#[test]
fn an_image_of_sentry_cli_is_named_however_it_is_written() {
    for image in [
        "  image: getsentry/sentry-cli\n",
        "  image: {name: getsentry/sentry-cli}\n",
        "  image:\n    name: getsentry/sentry-cli:2\n    entrypoint: [\"\"]\n",
        "  image:\n    name: \"registry.example/getsentry/sentry-cli\"\n",
    ] {
        let text = format!("d:\n{image}  script:\n    - sentry-cli releases new -p web v1\n");
        let notes = migrate(".gitlab-ci.yml", &text).notes;
        assert!(
            notes.iter().any(|note| note.is_untranslated && note.hint.contains("image")),
            "{image}"
        );
    }
}

#[test]
fn a_step_is_one_of_its_list_wherever_its_keys_stand() {
    let script = "sentry-cli releases new v1\nsentry-cli releases finalize v1\nsentry-cli sourcemaps upload -r v1 a";
    for (first, indent, is_block) in [
        ("- run: |\n", "  ", true),
        ("-   name: a\n    run: |\n", "    ", true),
        ("-\n  name: a\n  run: |\n", "  ", true),
        ("-   env:\n        W: x\n    run: |\n", "    ", true),
        ("- # a\n  run: |\n", "  ", false),
        ("- &a\n  run: |\n", "  ", false),
        ("- run: &a |\n", "  ", false),
    ] {
        let lines: String = script.lines().map(|line| format!("{indent}  {line}\n")).collect();
        let text = workflow(&format!("{first}{lines}- run: make\n"));
        let migrated = migrate("a.yml", &text);
        assert_eq!(migrated.text != text, is_block, "{}", migrated.text);
        let document: serde_yaml::Value = serde_yaml::from_str(&migrated.text).unwrap();
        let steps = document["jobs"]["release"]["steps"].as_sequence().unwrap();
        let uses = steps.iter().filter(|step| step["uses"].is_string()).count();
        assert_eq!(
            (steps.len(), uses),
            if is_block { (3, 2) } else { (2, 0) },
            "{}",
            migrated.text
        );
    }
}
