//! What a file does after `migrate` is what it did: scripts keep each call in its place, and workflows are run.

use super::migration_bench::{TestBench, compared, compared_in};
use finishline::migration::{MigrationNote, migrate};

const SCRIPTS: &[&str] = &[
    // The projects of a call that names none are those of the job.
    "releases new \"$V\"\nreleases new -p api \"$V\"\nsourcemaps upload --release \"$V\" a\nreleases finalize \"$V\"",
    "releases new -p web -p api v1\nsourcemaps upload -r v1 a\nreleases finalize v1",
    "releases new -p api v1\nreleases set-commits v1 --commit acme/shop@aaaaaaa\nreleases finalize v1",
    "releases new -p api v1\nreleases finalize -p web v1",
    // A variable that is another one.
    "releases new \"$V\"\nV=other\nreleases new \"$V\"\nreleases finalize \"$V\"",
    "releases new \"$V\"\nfor V in x y; do :; done\nreleases new \"$V\"\nreleases finalize \"$V\"",
    "releases new \"$V\"\n. ./env.sh\nreleases new \"$V\"\nreleases finalize \"$V\"",
    "releases new \"$V\"\nexport V=other\nreleases new \"$V\"\nreleases finalize \"$V\"",
    "releases new \"$V\"\neval V=other\nreleases new \"$V\"\nreleases finalize \"$V\"",
    "releases new \"$V\"\nprintf -v V other\nreleases new \"$V\"\nreleases finalize \"$V\"",
    "releases new \"$V\"\nread V <<< other\nreleases new \"$V\"\nreleases finalize \"$V\"",
    "releases new \"$V\"\nmapfile -t V <<< other\nreleases new \"$V\"\nreleases finalize \"$V\"",
    "releases new \"$V\"\ngetopts x V -x\nreleases new \"$V\"\nreleases finalize \"$V\"",
    "f() { V=other; }\nreleases new \"$V\"\nf\nreleases new \"$V\"\nreleases finalize \"$V\"",
    "function f {\nV=other\n}\nreleases new \"$V\"\nf\nreleases new \"$V\"\nreleases finalize \"$V\"",
    "W=\nreleases new \"$V\"\n: \"${W:=x}\"\nreleases new \"v$W\"\nreleases finalize \"v$W\"",
    "declare -n W=V\nreleases new \"$V\"\nW=other\nreleases new \"$V\"\nreleases finalize \"$V\"",
    "trap 'V=other' DEBUG\nreleases new \"$V\"\nV=v1\nreleases new \"$V\"\nreleases finalize \"$V\"",
    "unset V\nreleases new v1\necho x > \"${V:=file}\"\nreleases new \"v$V\"\nreleases finalize \"v$V\"",
    "unset V\nreleases new \"v$V\"\ncat <<X\n${V:=file}\nX\nreleases finalize \"v$V\"",
    "shopt -s expand_aliases\nalias echo='V=x'\nreleases new \"$V\"\necho\nreleases new \"$V\"\nreleases finalize \"$V\"",
    "set -- one\nreleases new \"$1\"\nset -- two\nreleases new \"$1\"\nreleases finalize \"$1\"",
    "releases new \"$(cat id)\"\necho two > id\nreleases new \"$(cat id)\"\nreleases finalize \"$(cat id)\"",
    // Another organization, project or token.
    "export SENTRY_ORG=acme\nreleases new v1\nexport SENTRY_ORG=two\nreleases new v1\nreleases finalize v1",
    "releases new v1\nexport SENTRY_PROJECT=api\nreleases new v1\nreleases finalize v1",
    "SENTRY_ORG=two\nreleases -o acme new v1\nreleases -o \"$SENTRY_ORG\" new v1\nreleases finalize v1",
    "releases new v1\nreleases -o two new v1\nreleases finalize v1",
    "releases new v1\nSENTRY_ORG=two sentry-cli releases new v1\nreleases finalize v1",
    "releases new v1\n--auth-token wrong releases finalize v1",
    "releases new v1\nexport SENTRY_AUTH_TOKEN=wrong\nreleases finalize v1",
    "releases new v1\nunset SENTRY_AUTH_TOKEN\nreleases finalize v1",
    // Uploads and deploys are each their own.
    "sourcemaps upload -r v1 --dist 1 a\nsourcemaps upload -r v1 --url-prefix '~/b' b",
    "sourcemaps upload -r v1 --dist 1 a\nsourcemaps upload -r v1 b",
    "sourcemaps upload -r v1 --ignore legacy a\nsourcemaps upload -r v1 b",
    "sourcemaps upload -r v1 a\nsourcemaps upload -r v1 sub/a",
    "releases new v1\nsourcemaps upload -r v1 a\nsourcemaps upload -r v1 --strip-common-prefix b",
    "sourcemaps inject a\nsourcemaps upload -r v1 b\nsourcemaps upload -r v1 a",
    "sourcemaps upload -r v1 a\nsourcemaps inject a\nreleases new v2",
    "releases new v1\nsourcemaps upload -r v1 a\ncd sub\nsourcemaps upload -r v1 a\nreleases finalize v1",
    "releases new v1\ndeploys new -r v1 -e prod\ndeploys new -r v1 -e prod -n second",
    "releases new v1\ndeploys new -r v1 -e prod\ndeploys new -r v1 -e prod",
    "releases new v1\ndeploys new -r v1 -e prod && releases finalize v1",
    // What needs the release is done after it.
    "releases new v1\nbash -c 'sentry-cli deploys new -r v1 -e prod'\nreleases finalize v1",
    "releases new v1\nif true; then sentry-cli deploys new -r v1 -e prod; fi\nreleases finalize v1",
    "releases new v1\nreleases finalize v1",
    "releases new $'v1'\nreleases finalize $'v\\x31'",
    // What is not there is not made.
    "releases new v1\ndeploys new -r v2 -e prod",
    "releases new v1\nreleases finalize v2",
];

/// The same scripts with the name of the program before each call.
fn scripts() -> impl Iterator<Item = String> {
    let calls = ["releases", "sourcemaps", "deploys", "--auth-token"];
    let line = move |line: &str| match calls.iter().any(|call| line.starts_with(call)) {
        true => format!("sentry-cli {line}\n"),
        false => format!("{line}\n"),
    };
    SCRIPTS.iter().map(move |script| script.lines().map(line).collect())
}

#[test]
fn every_call_of_a_script_stays_in_its_place() {
    for script in scripts() {
        let lines: Vec<_> = script.lines().collect();
        let items: String =
            lines.iter().map(|line| format!("    - {}\n", serde_json::json!(line))).collect();
        let package = serde_json::json!({ "scripts": { "release": lines.join(" && ") } });
        for (name, text) in [
            ("release.sh", script.clone()),
            (".gitlab-ci.yml", format!("release:\n  script:\n{items}")),
            ("package.json", format!("{package:#}\n")),
        ] {
            let new = migrate(name, &text).text;
            let is_named = script.contains("'sentry-cli");
            assert!(new != text || is_named, "{text}");
            assert_eq!(new.replace("finishline sentry-cli", "sentry-cli"), text);
        }
    }
}

#[test]
fn a_script_does_the_same_where_sentry_cli_is_not_installed() {
    let text = "export SENTRY_ENVIRONMENT=qa\nsentry-cli releases new v1\nexport SENTRY_PROJECT=api\nsentry-cli releases new v2\nsentry-cli sourcemaps upload -r v1 ~/{a,b} nomap.js || R=$?\nenv SENTRY_ORG=two sentry-cli releases new v3\nsentry-cli releases finalize v1\nsentry-cli sourcemaps upload -r v1 a missing\nexit $R\n";
    let benches = [TestBench::new(), TestBench::new()];
    std::fs::remove_file(benches[1].run.path("tools/sentry-cli")).unwrap();
    let difference = compared_in(benches, "release.sh", text, |bench, text| {
        bench.execute(&["bash", "-c", text], &bench.variables)
    });
    assert_eq!(difference, None);
}

pub(crate) const HEAD: &str = "on: push\njobs:\n  release:\n    env:\n      SENTRY_ORG: acme\n      SENTRY_PROJECT: web\n      SENTRY_ENVIRONMENT: qa\n      V: v1\n    steps:\n";

/// What differs after the steps of a job are rewritten; nothing where they stay and are named.
pub(crate) fn difference(steps: &str) -> Option<String> {
    let steps: String = steps.lines().map(|line| format!("      {line}\n")).collect();
    let text = format!("{HEAD}{steps}");
    let migrated = migrate("release.yml", &text);
    if migrated.text == text {
        assert!(migrated.notes.iter().any(|note| note.is_untranslated), "{text}");
        return None;
    }
    compared("release.yml", &text, TestBench::run_workflow)
}

const WORKFLOWS: &[&str] = &[
    // What is not there is not made, and what may fail may do so.
    "- run: sentry-cli releases new v1\n- run: sentry-cli releases finalize v9",
    "- run: sentry-cli releases new v1\n- run: sentry-cli deploys new -r v9 -e prod",
    // A deploy that is refused leaves the release as it is.
    "- run: |\n    sentry-cli releases new v1\n    sentry-cli releases finalize v1\n    sentry-cli deploys new -r v1 -e \"preview/$V\"",
    // What an upload accepts, and that there is nothing to upload.
    "- run: sentry-cli releases new v1\n- run: sentry-cli sourcemaps upload -r v1 nomap.js\n- run: sentry-cli sourcemaps upload -r v1 pages\n- run: sentry-cli deploys new -r v1 -e prod",
    // A shell's glob gives folders, each of which is uploaded as one by itself.
    "- run: |\n    sentry-cli releases new v1\n    sentry-cli sourcemaps upload -r v1 s*",
    "- run: |\n    sentry-cli releases new v1\n    sentry-cli sourcemaps upload -r v1 sub/**",
    "- run: |\n    set +e\n    sentry-cli releases new a/b\n    sentry-cli releases new x",
    "- run: |\n    set +e\n    sentry-cli releases new x\n    sentry-cli releases new a/b",
    "- run: |\n    set +e\n    sentry-cli releases new a/b\n    set -e\n    sentry-cli releases new x",
    "- run: |\n    V=one\n    sentry-cli releases new \"$V\"\n    V=two\n    sentry-cli releases new \"$V\"\n    sentry-cli releases finalize \"$V\"",
    "- run: |\n    export SENTRY_ORG=two\n    sentry-cli releases new x",
    "- run: sentry-cli releases new x\n- run: sentry-cli releases new x\n  env:\n    SENTRY_ORG: two",
    "- run: sentry-cli releases new x\n- run: sentry-cli releases new -p api x\n- run: sentry-cli sourcemaps upload -r x a",
    "- run: sentry-cli releases new -p api x\n- run: false || true\n- run: sentry-cli releases finalize x",
    "- run: |\n    sentry-cli releases new x\n    sentry-cli deploys new -r x -e prod\n    sentry-cli deploys new -r x -e prod -n second",
    "- run: |\n    sentry-cli releases new x\n    sentry-cli -o two releases new x\n    sentry-cli -o two releases finalize x",
    "- run: |\n    sentry-cli releases new x\n    sentry-cli sourcemaps upload -r x --dist 1 a\n    sentry-cli sourcemaps upload -r x --url-prefix '~/b' b",
    "- run: echo W=one >> \"$GITHUB_ENV\"\n- run: sentry-cli releases new \"$W\"\n- run: echo W=two >> \"$GITHUB_ENV\"\n- run: |\n    sentry-cli releases new \"$W\"\n    sentry-cli releases finalize \"$W\"",
    "- run: |\n    W=a\n    if true; then W=b; fi\n    sentry-cli releases new \"$W\"",
    "- run: sentry-cli releases new v1\n- run: |\n    echo SENTRY_PROJECT=api >> \"$GITHUB_ENV\"\n    sentry-cli releases new v2",
    "- run: sentry-cli releases new v1\n- run: |\n    . ./env.sh\n    sentry-cli releases new v1",
    "- run: sentry-cli releases new v1\n- run: if true; then sentry-cli deploys new -r v1 -e prod; fi\n- run: sentry-cli releases finalize v1",
    "- run: sentry-cli releases new \"$V\"\n- env:\n    V: other\n  run: |\n    sentry-cli releases new \"$V\"\n    sentry-cli releases finalize \"$V\"",
];

#[test]
fn a_workflow_does_the_same_afterwards() {
    let step = |script: String| {
        let lines: String = script.lines().map(|line| format!("    {line}\n")).collect();
        format!("- run: |\n{lines}")
    };
    // As a step, the commits of a repository that is not known are a warning.
    let scripts = scripts().filter(|script| !script.contains("--commit "));
    let steps = WORKFLOWS.iter().map(|steps| (*steps).to_owned()).chain(scripts.map(step));
    let differences: Vec<_> = steps.filter_map(|steps| difference(&steps)).collect();
    assert!(differences.is_empty(), "{}: {}", differences.len(), differences.join("\n"));
}

#[test]
fn calls_that_go_elsewhere_stay_apart() {
    for (first, second) in [
        ("", "--url https://sentry.example "),
        ("", "--header 'X-Team: a' "),
        ("--header 'X-Team: a' ", "--header 'X-Team: b' "),
        ("SENTRY_URL=https://sentry.example ", ""),
        ("", "-o two "),
        ("", "echo \"$(date)\"\n"),
        ("", "export SENTRY_PROJECT=api\n"),
        ("", "export PATH=/x:$PATH\n"),
    ] {
        let call = |prefix: &str, rest: &str| match prefix
            .strip_prefix("--")
            .or(prefix.strip_prefix("-o"))
        {
            Some(flags) => format!("sentry-cli {}{flags}{rest}\n", &prefix[..2]),
            None => format!("{prefix}sentry-cli {rest}\n"),
        };
        let text = call(first, "releases new v1") + &call(second, "releases new v1");
        let lines: String = text.lines().map(|line| format!("          {line}\n")).collect();
        let new = migrate("release.yml", &format!("{HEAD}      - run: |\n{lines}")).text;
        assert_ne!(new.matches("uses: ").count(), 1, "{text}\nbecame\n{new}");
    }
}

#[test]
fn a_step_that_would_do_something_else_is_named_by_line() {
    for (script, line, words) in [
        (". ./env.sh\nsentry-cli releases new v1", 9, "`. …`"),
        ("eval \"$X\"\nsentry-cli releases new v1", 9, "`eval …`"),
        ("f() { V=b; }\nf\nsentry-cli releases new \"$V\"", 9, "a function"),
        ("export $(cat .env)\nsentry-cli releases new v1", 9, "`export …`"),
        ("V+=x\nsentry-cli releases new \"$V\"", 9, "`V+=x`"),
        ("unset SENTRY_AUTH_TOKEN\nsentry-cli releases new v1", 9, "`unset …`"),
        ("V=$(date)\nsentry-cli releases new \"$V\"", 9, "`$(date)`"),
        ("read SENTRY_ORG < org\nsentry-cli releases new v1", 9, "`read …`"),
        ("sentry-cli releases finalize v1", 9, "makes the release"),
        ("sentry-cli deploys new -r v1 -e prod", 9, "makes the release"),
        ("sentry-cli releases new $'v1'", 9, "quote"),
        ("if true; then set +e; fi\nsentry-cli releases new v1", 9, "condition"),
        ("sentry-cli releases new -p api v1\nsentry-cli deploys new -r v1 -e prod", 10, "projects"),
    ] {
        let script = script.replace('\n', "\n          ");
        let text = format!(
            "on: push\njobs:\n  a:\n    env:\n      SENTRY_ORG: acme\n      SENTRY_PROJECT: web\n      V: v1\n    steps:\n      - run: |\n          {script}\n"
        );
        let line = line + 1;
        let migrated = migrate("release.yml", &text);
        let is_named = |note: &&MigrationNote| note.is_untranslated && note.message.contains(words);
        let note = migrated.notes.iter().find(is_named);
        let note = note.unwrap_or_else(|| panic!("{text}: {:?}", migrated.notes));
        assert_eq!((note.line, &migrated.text), (line, &text));
    }
}

#[test]
fn what_a_step_may_do_beside_its_calls_is_said() {
    let head = "on: push\njobs:\n  a:\n    steps:\n      - run: |\n          ";
    let script =
        "sentry-cli releases new -p web v1\n          sentry-cli releases set-commits v1 --auto";
    let migrated = migrate("release.yml", &format!("{head}{script}\n"));
    let [note] = migrated.notes.as_slice() else { panic!("{:?}", migrated.notes) };
    assert_eq!((note.line, note.is_untranslated), (7, false));
    assert!(note.message.contains("`.sentryclirc`"), "{note:?}");
    assert!(migrated.text.contains("uses:"), "{}", migrated.text);
    for (commits, count) in [("--auto", 0), ("--local", 1), ("--commit a/b@1234567", 1)] {
        let script = script.replace("--auto", commits).replace("v1 ", "-p web v1 ");
        let migrated = migrate("release.yml", &format!("{head}{script}\n"));
        assert_eq!(migrated.notes.len(), count, "{:?}", migrated.notes);
        let is_said = |note: &MigrationNote| note.message.contains("the step warns and goes on");
        assert!(migrated.notes.iter().all(is_said), "{:?}", migrated.notes);
    }
}
