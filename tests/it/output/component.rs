//! The script of the GitLab component in every shell that is here, with a program that only says how
//! it was called, and a `curl` that keeps what it was asked for.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const ARCHIVE: &str = "finishline-1.2.3-x86_64-unknown-linux-musl";

/// A program in the archive's place.
const PROGRAM: &str = "#!/bin/sh\n[ \"${FAILS:-}\" ] && exit 3\nprintf '<%s>' \"$1\" \
    \"$FINISHLINE_ORG\" \"${FINISHLINE_DRY_RUN-unset}\" \"${FINISHLINE_FINALIZE-unset}\" \
    \"$FINISHLINE_STATE\" \"${FINISHLINE_INPUT_ORG-unset}\"\n";

/// A job's project, and the tools that differ from the machine's own.
struct ComponentJob {
    folder: TempDir,
    shell: Vec<&'static str>,
    variables: Vec<(String, String)>,
}

impl ComponentJob {
    /// One for each shell of this machine.
    fn all() -> Vec<Self> {
        let shells = [vec!["sh"], vec!["dash"], vec!["bash"], vec!["busybox", "sh"]];
        let is_here = |shell: &Vec<&str>| {
            Command::new(shell[0]).args(&shell[1..]).args(["-c", ":"]).output().is_ok()
        };
        shells.into_iter().filter(is_here).map(Self::new).collect()
    }

    fn new(shell: Vec<&'static str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["tools", "tmp", "project", "home"] {
            fs::create_dir(path(name)).unwrap();
        }
        fs::create_dir_all(path(ARCHIVE)).unwrap();
        tool(&path(ARCHIVE).join("finishline"), PROGRAM);
        let packed = format!("{ARCHIVE}.tar.gz");
        let done = Command::new("tar")
            .args(["-czf", &packed, ARCHIVE])
            .current_dir(folder.path())
            .status();
        assert!(done.unwrap().success());
        let curl = "#!/bin/sh\necho \"$@\" >>\"$FOLDER/asked\"\nfor last; do :; done\n\
                    while [ \"$1\" != --output ]; do shift; done\ncp \"$FOLDER/${last##*/}\" \"$2\"\n";
        tool(&path("tools/curl"), curl);
        tool(&path("tools/uname"), "#!/bin/sh\n[ \"$1\" = -s ] && echo Linux || echo x86_64\n");
        let sum = Command::new("sha256sum").arg(&packed).current_dir(folder.path()).output();
        let sum = String::from_utf8(sum.unwrap().stdout).unwrap();
        let job = Self { folder, shell, variables: Vec::new() };
        job.var("FINISHLINE_INPUT_VERSION", "=1.2.3")
            .var("FINISHLINE_INPUT_RELEASES", "=https://mirror.example/r")
            .var("FINISHLINE_INPUT_CHECKSUMS", &format!("=\n  {sum}\r\n"))
            .var("FINISHLINE_INPUT_ORG", "=acme")
            .var("FINISHLINE_INPUT_DRY_RUN", "false=false")
            .var("FINISHLINE_INPUT_FINALIZE", "true=false")
            .var(
                "FINISHLINE_INPUT_STATE",
                "=a: ${B}\nFINISHLINE_INPUT_X=\"; touch pwned; $(touch pwned)",
            )
    }

    fn var(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn run(&self) -> Output {
        drop(fs::remove_file(self.path("asked")));
        let done = Command::new(self.shell[0])
            .args(&self.shell[1..])
            .args(["-e", "-c", &script()])
            .current_dir(self.path("project"))
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", self.path("tools")))
            .env("FOLDER", self.path(""))
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("CI_PROJECT_DIR", self.path("project"))
            .envs(self.variables.iter().cloned())
            .output()
            .unwrap();
        for name in ["tmp", "project", "home"] {
            let left = fs::read_dir(self.path(name)).unwrap().count();
            assert_eq!(left, 0, "something is left in {name} by {:?}: {done:?}", self.shell);
        }
        done
    }

    /// The standard output of a run that ends well.
    fn printed(&self) -> String {
        let done = self.run();
        assert!(done.status.success(), "{:?}: {done:?}", self.shell);
        String::from_utf8(done.stdout).unwrap()
    }

    /// Fails with this in its words, and asks nobody for an archive.
    fn refuses(&self, words: &str) {
        let done = self.run();
        let text = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(2), "{:?}: {text}", self.shell);
        assert!(text.contains(words), "{:?}: {text}", self.shell);
        assert!(!Path::new(&self.path("asked")).exists(), "{text}");
    }
}

fn tool(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
}

/// The script of the component's job, as a runner joins it.
fn script() -> String {
    let root = std::env::var("CARGO_MANIFEST_DIR").expect("cargo runs the tests");
    let text = fs::read_to_string(Path::new(&root).join("templates/finishline.yml")).unwrap();
    let (_, body) = text.split_once("\n---\n").unwrap();
    let jobs: serde_yaml::Mapping = serde_yaml::from_str(body).unwrap();
    let lines = jobs.values().next().unwrap()["script"].as_sequence().unwrap().clone();
    lines.iter().map(|line| line.as_str().unwrap().to_owned() + "\n").collect()
}

#[test]
fn an_input_goes_before_the_projects_variable_and_an_unset_one_after_it() {
    let state = "a: ${B}\nFINISHLINE_INPUT_X=\"; touch pwned; $(touch pwned)";
    for job in ComponentJob::all() {
        assert_eq!(job.printed(), format!("<run><acme><unset><false><{state}><unset>"));
        let job = job.var("FINISHLINE_ORG", "nobody").var("FINISHLINE_DRY_RUN", "true");
        let job = job.var("FINISHLINE_CALLBACK_URL", "https://e.example/?code=1");
        assert_eq!(job.printed(), format!("<resume><acme><true><false><{state}><unset>"));
        let asked = fs::read_to_string(job.path("asked")).unwrap();
        assert!(asked.contains(&format!("https://mirror.example/r/v1.2.3/{ARCHIVE}.tar.gz")));
    }
}

#[test]
fn the_programs_exit_code_is_the_jobs_and_nothing_is_left() {
    for job in ComponentJob::all() {
        assert_eq!(job.var("FAILS", "yes").run().status.code(), Some(3));
    }
}

#[test]
fn another_place_is_taken_where_no_program_can_run() {
    for job in ComponentJob::all() {
        let job = job.var("TMPDIR", "/nowhere");
        assert!(job.printed().starts_with("<run>"));
        let job = job.var("CI_PROJECT_DIR", "/nowhere");
        assert!(job.printed().starts_with("<run>"));
        job.var("HOME", "/nowhere").refuses("no program can run in /nowhere");
    }
}

#[test]
fn what_this_machine_lacks_is_known_before_the_download() {
    for job in ComponentJob::all() {
        let sums = format!("={}  {ARCHIVE}.tar.gz.sig", "0".repeat(64));
        let job = job.var("FINISHLINE_INPUT_CHECKSUMS", &sums);
        job.refuses(&format!("`checksums` has no sum of {ARCHIVE}.tar.gz"));
        tool(Path::new(&job.path("tools/uname")), "#!/bin/sh\necho riscv64\n");
        job.refuses("finishline is not released for riscv64 on riscv64");
    }
}

#[test]
fn an_archive_with_another_sum_is_not_unpacked() {
    for job in ComponentJob::all() {
        let sums = format!("={}  {ARCHIVE}.tar.gz", "0".repeat(64));
        let done = job.var("FINISHLINE_INPUT_CHECKSUMS", &sums).run();
        let text = String::from_utf8(done.stderr).unwrap();
        assert_eq!((done.status.code(), done.stdout.len()), (Some(2), 0), "{text}");
        assert!(text.contains("has another sum than the one in `checksums`"), "{text}");
    }
}
