//! Every input in every kind of job: it has an effect, or it is an error, or a warning names it. The
//! table of inputs is walked, so that a new input is here by itself. Each is given a value that is
//! valid and not its default, for a mistake is heard wherever it is.

use crate::integration::browser_flow::BrowserFlow;
use crate::support::build_folder::{identity_map, snapshot, source, write, write_script};
use crate::support::fake_gitlab::FakeGitLab;
use crate::support::git_repository::git;
use crate::support::rows::rows;
use crate::support::run::{ProgramRun, STATE};
use finishline::inputs::table::{INPUTS, InputSpec};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A kind of job: the command, and what of integration, release and manifest is asked for.
type JobCell = (&'static str, &'static str, &'static [&'static str]);

const JOBS: [JobCell; 9] = [
    ("integration", "run", &["integration"]),
    ("release", "run", &["release"]),
    ("both", "run", &["integration", "release"]),
    ("manifest", "run", &["manifest"]),
    ("resume", "resume", &[]),
    ("check", "check", &["integration", "release"]),
    ("plan", "plan", &["integration", "release"]),
    ("import", "import", &[]),
    ("source maps", "sourcemaps", &["source maps"]),
];

const INTEGRATION: &[(&str, &str)] =
    &[("FINISHLINE_PROVIDER", "opsgenie"), ("FINISHLINE_STATE", STATE)];
pub(super) const RELEASE: &[(&str, &str)] = &[
    ("FINISHLINE_PROJECTS", "web"),
    ("FINISHLINE_RELEASE", "v1"),
    ("FINISHLINE_ENVIRONMENT", "production"),
];

const SOURCE_MAPS: &[(&str, &str)] = &[
    ("FINISHLINE_PROJECTS", "web"),
    ("FINISHLINE_RELEASE", "v1"),
    ("FINISHLINE_SOURCEMAPS", "dist"),
];

const MANIFEST: &str = "version: 1
integrations:
  - provider: opsgenie
    state: {baseUrl: 'https://api.opsgenie.com/', provider: acme-ops, apiKey: '${KEY}'}
";

/// A value of each input that is valid and not its default.
const VALUES: &[(&str, &str)] = &[
    ("provider", "pagerduty"),
    ("state", "{baseUrl: 'https://api.opsgenie.com/', provider: other-ops, apiKey: k3y}"),
    ("mode", "install"),
    ("integration-id", "7"),
    ("next", "https://example.com/next"),
    ("callback-url", "https://sentry.example.com/extensions/gitlab/setup/?code=c0de&state=0f-no"),
    ("resume-file", "kept.json"),
    ("entry", "integrations[0]"),
    ("repositories", "acme/other"),
    ("code-mappings", "[{project: web, repository: acme/other}]"),
    ("repositories-absent", "acme/other"),
    ("code-mappings-absent", "[{project: web}]"),
    ("org", "beta"),
    ("projects", "api"),
    ("url", "https://other.example.com"),
    ("auth-token", "t0ken"),
    ("pipeline-token", "us3r-t0ken"),
    ("headers", "X-Access: a-s3cret"),
    ("release", "v2"),
    ("release-prefix", "web@"),
    ("environment", "staging"),
    ("commits", "none"),
    ("previous-commit", FIRST_COMMIT),
    ("paths", "b"),
    ("remote", "fork"),
    ("finalize", "false"),
    ("released-at", "2026-11-01T10:00:00Z"),
    ("release-url", "https://ci.example.com/7"),
    ("wait-for-commits", "true"),
    ("deploy", "false"),
    ("deploy-name", "blue"),
    ("deploy-url", "https://example.com/blue"),
    ("started-at", "1700000000"),
    ("finished-at", "2026-11-01T10:00:00Z"),
    ("sourcemaps", "other"),
    ("inject", "false"),
    ("dist", "7"),
    ("url-prefix", "https://example.com"),
    ("url-suffix", "?v=2"),
    ("strip-prefix", "/srv/app"),
    ("strip-common-prefix", "true"),
    ("sourcemaps-ignore", "b.js"),
    ("sourcemaps-ignore-file", "rules"),
    ("sourcemaps-extensions", "map"),
    ("sourcemaps-wait", "false"),
    ("allow-empty", "true"),
    ("allow-unmapped", "true"),
    ("delete-sourcemaps", "true"),
    ("sourcemaps-strip-sources", "true"),
    ("inject-refresh", "true"),
    ("backend", "sentry"),
    ("database", "other.db"),
    ("apps", "{gitlab: {clientId: app, clientSecret: s3cr3t}}"),
    ("dialect", "web"),
    ("ca-file", "nowhere.pem"),
    ("manifest", "other.yml"),
    ("max-parallel", "none"),
    ("dry-run", "true"),
    ("plan", "plan.json"),
    ("wait-for-approval", "true"),
    ("tolerate", "some"),
    ("without-token", "skip"),
    ("timeout", "soon"),
    ("github-token", "gh-t0ken"),
    ("github-status", "finishline"),
    ("working-directory", "sub"),
    ("ci", "gitlab"),
    ("format", "json"),
    ("log-level", "off"),
    ("log-format", "json"),
    ("color", "always"),
    ("result-file", "result.json"),
    ("dotenv", "report.env"),
    ("output-prefix", "OURS_"),
    ("annotations", "links.json"),
    ("summary", "summary.md"),
];

/// Stands for the first commit of the checkout.
const FIRST_COMMIT: &str = "the first commit";

/// Values that are mistakes, where what is valid leaves no trace; the others take any text.
const MISTAKES: &[(&str, &str)] = &[
    ("provider", "not a key"),
    ("state", "{"),
    ("mode", "often"),
    ("integration-id", "x"),
    ("code-mappings", "{"),
    ("code-mappings-absent", "{"),
    ("projects", "a/b"),
    ("url", "not an address"),
    ("environment", "a/b"),
    ("commits", "some"),
    ("previous-commit", "not a sha"),
    ("finalize", "perhaps"),
    ("wait-for-commits", "perhaps"),
    ("deploy", "perhaps"),
    ("deploy-name", "a b\u{7}"),
    ("deploy-url", "not an address"),
    ("started-at", "yesterday"),
    ("dry-run", "perhaps"),
    ("log-level", "loud"),
    ("log-format", "loud"),
    ("color", "red"),
];

/// What is valid and leaves no trace although nothing is dropped: the jobs, the inputs and why.
const WITHOUT_TRACE: &[(&[&str], &[&str], &str)] = &[
    (
        &["check"],
        &["projects", "code-mappings", "state", "url"],
        "looked up at a Sentry, in `check.rs` beside this; this backend has all of them",
    ),
    (
        &["check"],
        &[
            "commits",
            "deploy",
            "deploy-name",
            "deploy-url",
            "environment",
            "finalize",
            "wait-for-commits",
        ],
        "a check makes no release: it says whether these can be read, and a plan what they do",
    ),
    (
        &["check"],
        &[
            "mode",
            "next",
            "previous-commit",
            "paths",
            "remote",
            "repositories",
            "repositories-absent",
            "code-mappings-absent",
        ],
        "a check decides nothing and links nothing; a plan says what these do",
    ),
    (
        &["check"],
        &["started-at", "finished-at", "released-at", "release-url", "github-status"],
        "the same: there is no release, no deploy and no status",
    ),
    (
        &["release", "both"],
        &["finished-at", "released-at"],
        "times stand for each other here; `sentry_cli.rs` beside this looks at both",
    ),
    (&["check", "import"], &["dry-run"], "these only read, so a dry run is what they are"),
    (&["plan"], &["dry-run"], "`plan` is the flag, and a flag is stronger than a variable"),
    (&["check", "resume"], &["log-format", "color"], "nothing is logged by these when all is well"),
    (&["check"], &["log-level"], "the same"),
    (&["source maps"], &["allow-empty", "allow-unmapped"], "each script has a map"),
    (&["source maps"], &["url"], "the address of pages, none of which is shown"),
    (&["plan"], &["url"], "the address of a page that is not there yet"),
];

/// What each run finds: a repository, and the rows of a pipeline that waits for this callback.
struct Fixture {
    folder: tempfile::TempDir,
    waiting: ProgramRun,
    installed: ProgramRun,
    page: String,
    first_commit: String,
    party: FakeGitLab,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        git(at, &["init", "--quiet", "--initial-branch=main", at.to_str().unwrap()]);
        git(at, &["remote", "add", "origin", "https://github.com/acme/web"]);
        for name in ["a", "b", "c"] {
            std::fs::write(at.join(name), name).unwrap();
            git(at, &["add", "--all"]);
            git(at, &["commit", "--quiet", "--message", name]);
        }
        let first_commit = git(at, &["rev-list", "--max-parents=0", "HEAD"]);
        let flow = BrowserFlow::gitlab(ProgramRun::github());
        let page = flow.wait();
        let installed = ProgramRun::local().opsgenie();
        installed.execute().expect(0);
        Self { folder, waiting: flow.run, installed, page, first_commit, party: flow.party }
    }

    /// A folder that is a checkout, with what a job may name in it.
    fn checkout(&self) -> ProgramRun {
        let run = ProgramRun::local();
        let places = format!("gitdir: {}\n", self.folder.path().join(".git").display());
        run.file(".git", places);
        run.file("finishline.yml", MANIFEST);
        std::fs::create_dir(run.path("sub")).unwrap();
        run.file("rules", "b.js\n");
        write_script(&run, "dist/b.js");
        write(&run, "dist/a.js.gz", "a packed copy");
        let script = source("a");
        write(&run, "dist/a.js", format!("{script}//# sourceMappingURL=a.js.map\n"));
        // Two absolute names share a folder.
        let map = identity_map("/srv/app/src/a.ts", &script);
        let sources = "[\"/srv/app/src/a.ts\",\"/srv/app/lib/x.ts\"]";
        write(&run, "dist/a.js.map", map.replace("[\"/srv/app/src/a.ts\"]", sources));
        run
    }

    /// The run of a job, with one input more.
    fn run(&self, (_, command, asked): JobCell, given: Option<(&str, &str)>) -> ProgramRun {
        let mut run = self
            .checkout()
            .args(&[command])
            .var("FINISHLINE_BACKEND", "embedded")
            .var("FINISHLINE_DATABASE", "finishline.db")
            .var("FINISHLINE_ORG", "acme")
            .var("FINISHLINE_RESULT_FILE", "kept.result")
            .var("KEY", "k3y");
        for part in asked {
            let variables = match *part {
                "integration" => INTEGRATION,
                "release" => RELEASE,
                "source maps" => SOURCE_MAPS,
                _ => &[("FINISHLINE_MANIFEST", "finishline.yml")],
            };
            run = variables.iter().fold(run, |run, (name, value)| run.var(name, value));
        }
        if command == "resume" {
            std::fs::copy(self.waiting.database(), run.database()).unwrap();
            run = run.var("FINISHLINE_CALLBACK_URL", self.party.approve(&self.page));
        }
        if command == "import" {
            std::fs::copy(self.installed.database(), run.database()).unwrap();
        }
        given.into_iter().fold(run, |run, (name, value)| run.var(name, value))
    }
}

/// What a person, a later step and the next run can see of a run, its folder and its times aside.
fn observe(run: &ProgramRun) -> BTreeMap<String, String> {
    let (ended, folder) = (run.execute(), run.path(""));
    let plain = |text: &str| text.replace(folder.to_str().unwrap(), "FOLDER");
    let mut seen = BTreeMap::from([
        ("exit".to_owned(), format!("{:?}", ended.exit)),
        ("stdout".to_owned(), plain(&ended.stdout)),
        ("stderr".to_owned(), plain(&ended.stderr)),
    ]);
    for entry in folder.read_dir().unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_of_database = name.starts_with("finishline.db-");
        seen.extend((!is_of_database).then(|| (name, String::new())));
    }
    let built = snapshot(&run.path("dist")).into_iter().map(|(path, bytes)| {
        format!("{} {}", plain(&path.to_string_lossy()), String::from_utf8_lossy(&bytes))
    });
    seen.insert("built".to_owned(), built.collect());
    let result = std::fs::read_to_string(run.path("kept.result"));
    seen.extend(result.map(|text| ("result".to_owned(), plain(&text))));
    let tables = "SELECT provider, external_id, json_remove(metadata, '$.webhook_secret'), status FROM integration
        UNION ALL SELECT slug, 0, 0, 0 FROM organization
        UNION ALL SELECT version, ref, url, date_released IS NULL FROM release
        UNION ALL SELECT environment, name, url, date_started FROM deploy
        UNION ALL SELECT release_id, key, name, place FROM release_commit
            JOIN source_commit ON source_commit.id = commit_id
            JOIN repository ON repository.id = repository_id
        UNION ALL SELECT release_id, slug, 0, 0 FROM release_project
            JOIN project ON project.id = project_id
        UNION ALL SELECT bundle_id, checksum, 0, 0 FROM artifact_bundle
        UNION ALL SELECT version, dist, 0, 0 FROM artifact_bundle_release
        UNION ALL SELECT slug, 0, 0, 0 FROM artifact_bundle_project
            JOIN project ON project.id = project_id";
    if run.database().exists() {
        seen.insert("rows".to_owned(), rows(&run.connection(), tables).join("\n"));
    }
    seen
}

/// Why this input leaves no trace in this job, if it leaves none.
fn silence(
    fixture: &Fixture,
    job: JobCell,
    input: &InputSpec,
    baseline: &BTreeMap<String, String>,
) -> bool {
    let value = VALUES.iter().find(|(name, _)| *name == input.name);
    let (_, value) =
        value.unwrap_or_else(|| panic!("`{}` needs a value in this table", input.name));
    let value = match (job.1, input.name) {
        ("plan", "dry-run") => "false",
        ("resume", "log-level") => "trace",
        _ if *value == FIRST_COMMIT => fixture.first_commit.trim(),
        _ => value,
    };
    let seen = observe(&fixture.run(job, Some((input.variables[0], value))));
    // What is not used is said by name, and it is not said of what is used.
    let words = format!("`{}` is not used by", input.name);
    // At another backend other inputs are not used.
    let is_unused = seen["stderr"].contains(" is not used by") && input.name != "backend";
    seen == *baseline || (is_unused && !seen["stderr"].contains(&words))
}

#[test]
fn no_input_is_dropped_in_any_kind_of_job() {
    let fixture = Fixture::new();
    let baselines = JOBS.map(|job| observe(&fixture.run(job, None)));
    for (job, baseline) in JOBS.iter().zip(&baselines) {
        assert_eq!(observe(&fixture.run(*job, None)), *baseline, "{}: each run is another", job.0);
    }
    let cells: Vec<_> =
        (0..JOBS.len()).flat_map(|job| INPUTS.iter().map(move |input| (job, input))).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut silent = Vec::new();
        while let Some((job, input)) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
            if silence(&fixture, JOBS[*job], input, &baselines[*job]) {
                silent.push((JOBS[*job].0, input.name));
            }
        }
        silent
    };
    let mut silent: Vec<_> = std::thread::scope(|scope| {
        let threads = [(); 4].map(|()| scope.spawn(work));
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    silent.sort_unstable();
    let mut known: Vec<_> = WITHOUT_TRACE
        .iter()
        .flat_map(|(jobs, inputs, _)| jobs.iter().map(move |job| (*job, *inputs)))
        .flat_map(|(job, inputs)| inputs.iter().map(move |input| (job, *input)))
        .collect();
    known.sort_unstable();
    assert_eq!(silent, known);
}

/// What leaves no trace is read all the same.
#[test]
fn a_mistake_in_what_leaves_no_trace_is_heard() {
    let fixture = Fixture::new();
    for (jobs, inputs, _) in WITHOUT_TRACE {
        for (job, input) in jobs.iter().flat_map(|job| inputs.iter().map(move |input| (job, input)))
        {
            // What the command itself says goes before the variable.
            let is_read = (*job, *input) != ("plan", "dry-run");
            let mistake = MISTAKES.iter().find(|(name, _)| name == input && is_read);
            let Some((_, wrong)) = mistake else { continue };
            let cell = JOBS.into_iter().find(|(name, ..)| name == job).unwrap();
            let variable = InputSpec::find(input).unwrap().variables[0];
            let ended = fixture.run(cell, Some((variable, wrong))).execute().expect(2);
            assert!(ended.stderr.contains(variable), "{job}: {input}: {}", ended.stderr);
        }
    }
}
