//! Where a file is run as it was and as `migrate` writes it, each on a server of its own, and what is there
//! afterwards is compared.

use crate::support::build_folder::write_script;
use crate::support::rows::rows;
use crate::support::run::ProgramRun;
use crate::support::serve::{ServeProcess, TOKEN};
use crate::support::watched_process::WatchedProcess;
use serde_yaml::Value;
use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt, symlink};
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
        run.file("nomap.js", "console.log(1)\n");
        std::fs::create_dir(run.path("pages")).unwrap();
        run.file("pages/index.html", "<p>\n");
        // What stands for a deployment keeps the files as they are, and asks for the release.
        let deploy = "#!/bin/sh\ncat a/*.js > deployed; sentry-cli releases info v1 && sentry-cli deploys new -r v1 -e by-script\n";
        let file = run.file("deploy.sh", deploy);
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:/usr/bin:/bin", run.path("tools").display());
        let [home, file, output] =
            ["", "github-env", "github-output"].map(|name| run.path(name).display().to_string());
        let variables = [
            ("PATH", path.as_str()),
            ("HOME", &home),
            ("GITHUB_ENV", &file),
            ("GITHUB_OUTPUT", &output),
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

    /// What is at the server, and what was deployed.
    fn state(&self) -> Vec<Vec<String>> {
        let rows = STATE.iter().map(|query| rows(&self.serve.database(), query));
        let deployed = std::fs::read_to_string(self.run.path("deployed")).into_iter().collect();
        rows.chain([deployed]).collect()
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

/// The texts of a map, with each `${{ env.NAME }}` put in.
fn texts(map: &Value, variables: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        other => panic!("{other:?}"),
    };
    let evaluated = |text: String| {
        let mut parts = text.split("${{ env.");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| {
            let (name, rest) = part.split_once(" }}").unwrap();
            text + variables.get(name).map_or("", String::as_str) + rest
        })
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

/// Runs a file as it was and as it is afterwards; what differs.
pub(crate) fn compared(
    name: &str,
    text: &str,
    run: impl Fn(&TestBench, &str) -> bool,
) -> Option<String> {
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
