//! What a file does after `migrate` is what it did: both are run, each on a server of its own, and what
//! is there afterwards is compared.

use crate::support::build_folder::write_script;
use crate::support::rows::rows;
use crate::support::run::ProgramRun;
use crate::support::serve::{ServeProcess, TOKEN};
use crate::support::watched_process::WatchedProcess;
use finishline::migration::{MigrationNote, migrate};
use serde_yaml::Value;
use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

/// Everything at a server that a call decides about.
const STATE: [&str; 3] = [
    "SELECT o.slug, r.version, r.date_released IS NOT NULL,
        (SELECT group_concat(slug) FROM (SELECT p.slug FROM release_project rp
            JOIN project p ON p.id = rp.project_id WHERE rp.release_id = r.id ORDER BY p.slug))
        FROM release r JOIN organization o ON o.id = r.organization_id ORDER BY 1, 2",
    "SELECT o.slug, r.version, d.environment, coalesce(d.name, '')
        FROM deploy d JOIN release r ON r.id = d.release_id
        JOIN organization o ON o.id = r.organization_id ORDER BY 1, 2, 3, 4",
    "SELECT o.slug,
        (SELECT group_concat(slug) FROM (SELECT p.slug FROM artifact_bundle_project bp
            JOIN project p ON p.id = bp.project_id WHERE bp.artifact_bundle_id = b.id ORDER BY p.slug)),
        (SELECT group_concat(version || '/' || dist) FROM artifact_bundle_release br
            WHERE br.artifact_bundle_id = b.id),
        (SELECT group_concat(url || coalesce(debug_id, '')) FROM (SELECT f.url, f.debug_id
            FROM artifact_bundle_file f WHERE f.artifact_bundle_id = b.id ORDER BY f.url))
        FROM artifact_bundle b JOIN organization o ON o.id = b.organization_id ORDER BY 1, 2, 3, 4",
];

/// A folder with builds, and a server of two organizations.
pub(crate) struct TestBench {
    serve: ServeProcess,
    pub(crate) run: ProgramRun,
    pub(crate) variables: BTreeMap<String, String>,
}

impl TestBench {
    pub(crate) fn new() -> Self {
        let arguments = ["--org", "acme", "--org", "two", "--project", "web", "--project", "api"];
        let serve = ServeProcess::over(tempfile::tempdir().unwrap(), &arguments, Some(TOKEN));
        let run = ProgramRun::local();
        ["a/one.js", "b/two.js", "b/legacy/x.js", "sub/a/three.js"]
            .iter()
            .for_each(|path| write_script(&run, path));
        std::fs::create_dir(run.path("tools")).unwrap();
        for name in ["finishline", "sentry-cli"] {
            symlink(env!("CARGO_BIN_EXE_finishline"), run.path("tools").join(name)).unwrap();
        }
        run.file("env.sh", "V=other; export SENTRY_ORG=two\n");
        let path = format!("{}:/usr/bin:/bin", run.path("tools").display());
        let [home, file] = ["", "github-env"].map(|name| run.path(name).display().to_string());
        let variables = [
            ("PATH", path.as_str()),
            ("HOME", &home),
            ("GITHUB_ENV", &file),
            ("SENTRY_URL", &serve.url()),
            ("SENTRY_AUTH_TOKEN", TOKEN),
            ("SENTRY_ORG", "acme"),
            ("SENTRY_PROJECT", "web"),
            ("V", "v1"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { serve, run, variables: variables.into() }
    }

    /// Runs a command in the folder; whether it ends well.
    pub(crate) fn execute(&self, words: &[&str], variables: &BTreeMap<String, String>) -> bool {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(self.run.path("")).env_clear().envs(variables);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        WatchedProcess::spawn(&mut command).wait().success()
    }

    fn state(&self) -> Vec<Vec<String>> {
        STATE.iter().map(|query| rows(&self.serve.database(), query)).collect()
    }

    /// The steps of a workflow's job, as a host runs them.
    pub(crate) fn run_workflow(&self, text: &str) -> bool {
        let workflow: Value = serde_yaml::from_str(text).unwrap();
        let job = &workflow["jobs"]["release"];
        let mut of_job = self.variables.clone();
        of_job.extend(texts(&job["env"], &of_job));
        let steps = job["steps"].as_sequence().unwrap();
        steps.iter().all(|step| {
            let lines = std::fs::read_to_string(self.run.path("github-env")).unwrap_or_default();
            let handed_on = lines.lines().filter_map(|line| line.split_once('='));
            of_job.extend(handed_on.map(|(name, value)| (name.to_owned(), value.to_owned())));
            let mut variables = of_job.clone();
            variables.extend(texts(&step["env"], &of_job));
            let is_tolerated = step["continue-on-error"].as_bool() == Some(true);
            if let Some(script) = step["run"].as_str() {
                return self.execute(&["bash", "-e", "-c", script], &variables) || is_tolerated;
            }
            assert_eq!(step["uses"], "OWNER/finishline@v0", "{text}");
            let inputs = texts(&step["with"], &variables).into_iter().map(|(name, value)| {
                (format!("FINISHLINE_{}", name.replace('-', "_").to_uppercase()), value)
            });
            let program = env!("CARGO_BIN_EXE_finishline");
            variables.extend(inputs);
            self.execute(&[program, "run"], &variables) || is_tolerated
        })
    }
}

/// The texts of a map, with `${{ env.NAME }}` put in.
fn texts(map: &Value, variables: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        other => panic!("{other:?}"),
    };
    let evaluated = |text: String| match text.strip_prefix("${{ env.") {
        Some(name) => variables.get(name.trim_end_matches(" }}")).cloned().unwrap_or_default(),
        None => text,
    };
    let entries = map.as_mapping().into_iter().flatten();
    entries
        .map(|(name, value)| (name.as_str().unwrap().to_owned(), evaluated(text(value))))
        .collect()
}

/// What is the matter, where a file does not do the same afterwards.
fn difference(
    texts: [&str; 2],
    before: (bool, TestBench),
    after: (bool, TestBench),
) -> Option<String> {
    let [text, new] = texts;
    let (state, other) = (before.1.state(), after.1.state());
    let is_done = state.iter().any(|rows| !rows.is_empty());
    let is_same = text != new && is_done && state == other && before.0 == after.0;
    let ended = [(before.0, state), (after.0, other)];
    (!is_same).then(|| format!("{text}\nbecame\n{new}\n{ended:#?}\n"))
}

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

/// Runs a file as it was and as it is afterwards.
fn compared(name: &str, text: &str, run: impl Fn(&TestBench, &str) -> bool) -> Option<String> {
    compared_in([TestBench::new(), TestBench::new()], name, text, run)
}

/// The same in these places.
pub(crate) fn compared_in(
    [before, after]: [TestBench; 2],
    name: &str,
    text: &str,
    run: impl Fn(&TestBench, &str) -> bool,
) -> Option<String> {
    [&before, &after].iter().for_each(|bench| drop(bench.run.file("id", "one\n")));
    after.run.file(name, text);
    after.run.clone().args(&["migrate", "--write", name]).execute();
    let new = after.run.text(name);
    let (was, is) = (run(&before, text), run(&after, &new));
    difference([text, &new], (was, before), (is, after))
}

/// Runs each script as it was and as it is afterwards, in jobs with these variables.
fn assert_scripts(scripts: &[&str], more: &[(&str, &str)]) {
    let calls = ["releases", "sourcemaps", "deploys", "--auth-token"];
    let line = |line: &str| match calls.iter().any(|call| line.starts_with(call)) {
        true => format!("sentry-cli {line}\n"),
        false => format!("{line}\n"),
    };
    let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let differences = scripts.iter().filter_map(|script| {
        let text: String = script.lines().map(line).collect();
        compared("release.sh", &text, |bench, text| {
            let variables = bench.variables.clone().into_iter().chain(more.clone()).collect();
            bench.execute(&["bash", "-c", text], &variables)
        })
    });
    let differences: Vec<_> = differences.collect();
    assert!(differences.is_empty(), "{}: {}", differences.len(), differences.join("\n"));
}

#[test]
fn a_script_does_the_same_afterwards() {
    assert_scripts(SCRIPTS, &[]);
}

#[test]
fn a_variable_that_names_an_environment_makes_no_deploy() {
    let scripts = [
        "releases new v1",
        "releases new v1\nreleases finalize v1",
        "releases new v1\ndeploys new -r v1 -e prod",
        "releases new v1\nsourcemaps upload -r v1 a",
    ];
    assert_scripts(&scripts, &[("SENTRY_ENVIRONMENT", "qa")]);
    assert_scripts(&scripts, &[("FINISHLINE_ENVIRONMENT", "qa")]);
}

fn script_of_package(text: &str) -> String {
    let package: serde_json::Value = serde_json::from_str(text).unwrap();
    package["scripts"]["release"].as_str().unwrap().to_owned()
}

fn script_of_gitlab(text: &str) -> String {
    let pipeline: Value = serde_yaml::from_str(text).unwrap();
    let lines = pipeline["release"]["script"].as_sequence().unwrap().iter();
    lines.map(|line| format!("{}\n", line.as_str().unwrap())).collect()
}

#[test]
fn the_scripts_of_a_package_and_of_a_gitlab_job_do_the_same_afterwards() {
    let lines = [
        "sentry-cli releases new v1",
        "sentry-cli releases new -p api v1",
        "sentry-cli sourcemaps upload -r v1 a",
        "sentry-cli releases finalize v1",
    ];
    let package = serde_json::json!({ "scripts": { "release": lines.join(" && ") } });
    let items: String = lines.iter().map(|line| format!("    - {line}\n")).collect();
    let pipeline = format!("release:\n  script:\n{items}");
    for (name, text, script) in [
        ("package.json", package.to_string(), script_of_package as fn(&str) -> String),
        (".gitlab-ci.yml", pipeline, script_of_gitlab),
    ] {
        let difference = compared(name, &text, |bench, text| {
            bench.execute(&["bash", "-e", "-c", &script(text)], &bench.variables)
        });
        assert_eq!(difference, None);
    }
}

const WORKFLOWS: &[&str] = &[
    // What is not there is not made, and what may fail may do so.
    "- run: sentry-cli releases new v1\n- run: sentry-cli releases finalize v9",
    "- run: sentry-cli releases new v1\n- run: sentry-cli deploys new -r v9 -e prod",
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
    let differences = WORKFLOWS.iter().filter_map(|steps| {
        let head = "on: push\njobs:\n  release:\n    env:\n      SENTRY_ORG: acme\n      SENTRY_PROJECT: web\n      SENTRY_ENVIRONMENT: qa\n      V: v1\n    steps:\n";
        let steps: String = steps.lines().map(|line| format!("      {line}\n")).collect();
        compared("release.yml", &format!("{head}{steps}"), TestBench::run_workflow)
    });
    let differences: Vec<_> = differences.collect();
    assert!(differences.is_empty(), "{}: {}", differences.len(), differences.join("\n"));
}

#[test]
fn calls_that_go_elsewhere_stay_apart() {
    for (first, second) in [
        ("", "--url https://sentry.example "),
        ("", "--header 'X-Team: a' "),
        ("--header 'X-Team: a' ", "--header 'X-Team: b' "),
        ("SENTRY_URL=https://sentry.example ", ""),
        ("export SENTRY_PROPERTIES=a\n", "export SENTRY_PROPERTIES=b\n"),
        ("export HTTPS_PROXY=http://a.example\n", "export HTTPS_PROXY=http://b.example\n"),
        ("", "./build.sh && "),
        ("", "cd sub\n"),
        ("", "some-function\n"),
    ] {
        let call = |prefix: &str, rest: &str| match prefix.strip_prefix("--") {
            Some(flags) => format!("sentry-cli --{flags}{rest}\n"),
            None => format!("{prefix}sentry-cli {rest}\n"),
        };
        let text = call(first, "releases new v1") + &call(second, "releases finalize v1");
        let new = migrate("release.sh", &text).text;
        assert_eq!(new.matches("finishline").count(), 2, "{text}\nbecame\n{new}");
    }
}

#[test]
fn a_step_that_would_do_something_else_is_named_by_line() {
    for (script, line, words) in [
        (". ./env.sh\nsentry-cli releases new v1", 10, "may set any variable"),
        ("eval \"$X\"\nsentry-cli releases new v1", 10, "may set any variable"),
        ("f() { V=b; }\nf\nsentry-cli releases new \"$V\"", 11, "may set any variable"),
        ("cd app\nsentry-cli releases new v1", 10, "folder"),
        ("V=$(date)\nsentry-cli releases new \"$V\"", 10, "`V`"),
        ("W=$(date)\nsentry-cli releases new \"$W\"\nW=$(date)", 10, "`W`"),
        ("read SENTRY_ORG < org\nsentry-cli releases new v1", 10, "`SENTRY_ORG`"),
        ("export HTTPS_PROXY=http://x.example\nsentry-cli releases new v1", 10, "`HTTPS_PROXY`"),
        ("echo SENTRY_ORG=two >> \"$GITHUB_ENV\"\nsentry-cli releases new v1", 10, "`SENTRY_ORG`"),
        ("sentry-cli releases finalize v1", 9, "makes the release"),
        ("sentry-cli deploys new -r v1 -e prod", 9, "makes the release"),
        ("sentry-cli releases new $'v1'", 9, "quote"),
        ("if true; then set +e; fi\nsentry-cli releases new v1", 9, "at a failure"),
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
    for (script, line, words) in [
        (
            "set +e\n          sentry-cli releases new -p web v1\n          echo",
            7,
            "`continue-on-error",
        ),
        (
            "sentry-cli releases new -p web v1\n          sentry-cli releases set-commits v1 --auto",
            7,
            "`.sentryclirc`",
        ),
    ] {
        let migrated = migrate("release.yml", &format!("{head}{script}\n"));
        let [note] = migrated.notes.as_slice() else { panic!("{:?}", migrated.notes) };
        assert_eq!((note.line, note.is_untranslated), (line, false));
        assert!(note.message.contains(words), "{note:?}");
        assert!(migrated.text.contains("uses:"), "{}", migrated.text);
    }
}
