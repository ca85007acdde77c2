//! Starts the real program in an environment that holds nothing but what a test says.

use crate::serve::page_links;
use crate::support::rows::rows;
use crate::support::runner_parser::{self, Variables, WorkflowCommand};
use crate::support::watched_process::WatchedProcess;
use rusqlite::Connection;
use serde_json::Value;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{ChildStderr, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// The secret of the standard inputs.
pub(crate) const SECRET: &str = "s3cr3t-key";

/// The standard `state`: an Opsgenie account with that secret.
pub(crate) const STATE: &str =
    r#"{baseUrl: "https://api.opsgenie.com/", provider: acme-ops, apiKey: s3cr3t-key}"#;

#[derive(Clone, Copy, PartialEq, Eq)]
enum OutputSink {
    Nowhere,
    OutputFile,
    Dotenv,
}

/// One way to start the program. It may be started again, and clones share the folder.
#[derive(Clone)]
pub(crate) struct ProgramRun {
    folder: Arc<TempDir>,
    count: Arc<AtomicUsize>,
    checked_pages: Arc<Mutex<BTreeSet<String>>>,
    sink: OutputSink,
    variables: Vec<(OsString, OsString)>,
    args: Vec<OsString>,
    stdin: Vec<u8>,
    redirection: Option<String>,
    limits: Option<String>,
}

impl ProgramRun {
    /// A laptop: no CI host, a home and a working folder of its own.
    pub(crate) fn local() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let home = folder.path().as_os_str().to_owned();
        let (count, args) = (Arc::default(), vec!["run".into()]);
        let run = Self {
            folder,
            count,
            checked_pages: Arc::default(),
            sink: OutputSink::Nowhere,
            variables: Vec::new(),
            args,
            stdin: Vec::new(),
            redirection: None,
            limits: None,
        };
        run.var("HOME", home)
    }

    /// A step of a GitHub workflow, with fresh and empty files at each start.
    pub(crate) fn github() -> Self {
        Self { sink: OutputSink::OutputFile, ..Self::local() }.var("GITHUB_ACTIONS", "true")
    }

    /// A GitLab job.
    pub(crate) fn gitlab() -> Self {
        let run = Self { sink: OutputSink::Dotenv, ..Self::local() }.var("GITLAB_CI", "true");
        let project = run.path("");
        run.var("CI_PROJECT_DIR", project)
    }

    /// Asks for an Opsgenie integration of `acme` on the embedded backend.
    pub(crate) fn opsgenie(self) -> Self {
        self.embedded("opsgenie", STATE)
    }

    /// Asks for an integration of `acme` on the embedded backend.
    pub(crate) fn embedded(self, provider: &str, state: &str) -> Self {
        let database = self.database();
        self.var("FINISHLINE_BACKEND", "embedded")
            .var("FINISHLINE_DATABASE", database)
            .var("FINISHLINE_PROVIDER", provider)
            .var("FINISHLINE_ORG", "acme")
            .var("FINISHLINE_STATE", state)
    }

    /// Asks for a release of `web` on the embedded backend.
    pub(crate) fn embedded_release(self, version: &str) -> Self {
        let database = self.database();
        self.var("FINISHLINE_BACKEND", "embedded")
            .var("FINISHLINE_DATABASE", database)
            .var("FINISHLINE_ORG", "acme")
            .var("FINISHLINE_PROJECTS", "web")
            .var("FINISHLINE_RELEASE", version)
    }

    /// Sets a variable.
    pub(crate) fn var(self, name: &str, value: impl AsRef<OsStr>) -> Self {
        let mut run = self.without(name);
        run.variables.push((name.into(), value.as_ref().to_owned()));
        run
    }

    /// The value of a variable.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let found = self.variables.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.to_string_lossy().into_owned())
    }

    /// Takes a variable away.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self
    }

    /// Replaces the whole command line, `run` at first.
    pub(crate) fn args<S: AsRef<OsStr>>(self, args: &[S]) -> Self {
        Self { args: args.iter().map(|arg| arg.as_ref().to_owned()).collect(), ..self }
    }

    /// What standard input holds.
    pub(crate) fn stdin(self, bytes: impl Into<Vec<u8>>) -> Self {
        Self { stdin: bytes.into(), ..self }
    }

    /// Where a shell sends the streams, such as `>/dev/full`.
    #[cfg(unix)]
    pub(crate) fn redirected(self, redirection: &str) -> Self {
        Self { redirection: Some(redirection.to_owned()), ..self }
    }

    /// As a shell starts it that has set limits first, such as `ulimit -f 8`.
    #[cfg(unix)]
    pub(crate) fn limited(self, limits: &str) -> Self {
        Self { limits: Some(limits.to_owned()), ..self }
    }

    /// A path below the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file below the folder; its path.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    /// Builds what is preloaded to kill a run before one of its calls that change a file.
    #[cfg(target_os = "linux")]
    pub(crate) fn killer(&self) -> PathBuf {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/kill.c");
        let library = self.path("kill.so");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-ldl");
        assert!(cc.status().unwrap().success());
        library
    }

    /// The text of a file below the folder.
    pub(crate) fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The file of the embedded backend.
    pub(crate) fn database(&self) -> PathBuf {
        self.path("finishline.db")
    }

    /// The same file, opened by the test itself.
    pub(crate) fn connection(&self) -> Connection {
        Connection::open(self.database()).unwrap()
    }

    /// What a query gives for each row, joined by `|`.
    pub(crate) fn rows(&self, sql: &str) -> Vec<String> {
        rows(&self.connection(), sql)
    }

    /// Runs to the end.
    pub(crate) fn execute(&self) -> RunResult {
        self.start().wait()
    }

    /// Starts the program and does not wait.
    pub(crate) fn start(&self) -> RunningProgram {
        self.start_with_stdin(Stdio::piped())
    }

    /// Starts the program with another standard input.
    pub(crate) fn start_with_stdin(&self, stdin: Stdio) -> RunningProgram {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let (output, summary) = (format!("output-{number}"), format!("summary-{number}"));
        let mut command = self.prepared();
        if self.sink == OutputSink::OutputFile {
            command.env("GITHUB_OUTPUT", self.file(&output, ""));
            command.env("GITHUB_STEP_SUMMARY", self.file(&summary, ""));
        }
        // What the test says counts more.
        command.envs(self.variables.iter().cloned());
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = WatchedProcess::spawn(&mut command);
        let stdin = child.child().stdin.take();
        // Whoever reads only a part of its input is gone before the rest is written.
        drop(stdin.map(|mut stdin| stdin.write_all(&self.stdin)));
        let stderr = BufReader::new(child.child().stderr.take().unwrap());
        RunningProgram { run: self.clone(), number, child, stderr, read_stderr: String::new() }
    }

    /// Checks that `serve` shows each page whose address a run on the embedded backend printed, once.
    /// A plan's file is not touched.
    fn check_pages(&self, text: &str) {
        let is_embedded =
            self.variable("FINISHLINE_BACKEND").is_some_and(|backend| backend == "embedded");
        let database = self.variable("FINISHLINE_DATABASE").filter(|_| is_embedded);
        let Some(database) = database else { return };
        if self.args.first().is_some_and(|command| command == "plan") {
            return;
        }
        let pages = page_links::paths(text, self.variable("FINISHLINE_URL").as_deref());
        let mut checked_pages = self.checked_pages.lock().unwrap();
        let new = pages.difference(&checked_pages).cloned().collect();
        page_links::check(&PathBuf::from(database), &new);
        checked_pages.extend(new);
    }

    /// The program with its arguments and its environment, in its folder.
    pub(crate) fn prepared(&self) -> Command {
        let mut command = self.command();
        command.env_clear().current_dir(self.folder.path()).envs(self.variables.iter().cloned());
        command
    }

    fn command(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_finishline");
        if self.redirection.is_none() && self.limits.is_none() {
            let mut command = Command::new(program);
            command.args(&self.args);
            return command;
        }
        let [limits, redirection] =
            [&self.limits, &self.redirection].map(|part| part.as_deref().unwrap_or_default());
        let limits = if limits.is_empty() { ":" } else { limits };
        let mut command = Command::new("/bin/sh");
        let script = format!("{limits}; exec \"$0\" \"$@\" {redirection}");
        command.args(["-c", &script, program]).args(&self.args);
        command
    }
}

/// A program that runs.
pub(crate) struct RunningProgram {
    run: ProgramRun,
    number: usize,
    child: WatchedProcess,
    stderr: BufReader<ChildStderr>,
    read_stderr: String,
}

impl RunningProgram {
    /// Reads standard error up to a line that holds these words.
    pub(crate) fn wait_for(&mut self, words: &str) {
        drop(self.wait_for_line(words));
    }

    /// The next line of standard error that holds these words.
    pub(crate) fn wait_for_line(&mut self, words: &str) -> String {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            let count = self.stderr.read_line(&mut line).unwrap();
            self.child.assert_in_time();
            assert!(count > 0, "{words:?} is never said: {}", self.read_stderr);
            self.read_stderr.push_str(&line);
        }
        line
    }

    /// Stops reading standard output.
    #[cfg(unix)]
    pub(crate) fn close_stdout(&mut self) {
        self.child.child().stdout = None;
    }

    /// Sends a signal by its name.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.child().id());
        assert!(Command::new("/bin/sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// The number of the process.
    #[cfg(unix)]
    pub(crate) fn id(&self) -> u32 {
        self.child.child().id()
    }

    /// Waits for the end.
    pub(crate) fn wait(mut self) -> RunResult {
        let stdout = self.child.child().stdout.take();
        let listener = std::thread::spawn(move || {
            let mut text = String::new();
            stdout.map_or(Ok(0), |mut stdout| stdout.read_to_string(&mut text)).map(|_| text)
        });
        let mut stderr = self.read_stderr;
        self.stderr.read_to_string(&mut stderr).unwrap();
        let stdout = listener.join().unwrap().unwrap();
        let exit = self.child.wait().code();
        self.run.check_pages(&format!("{stdout}{stderr}"));
        RunResult { run: self.run, number: self.number, exit, stdout, stderr }
    }
}

/// A program that has ended.
pub(crate) struct RunResult {
    run: ProgramRun,
    number: usize,
    /// The exit code; `None` after a signal.
    pub(crate) exit: Option<i32>,
    /// What stood on standard output.
    pub(crate) stdout: String,
    /// What stood on standard error.
    pub(crate) stderr: String,
}

impl RunResult {
    /// Panics with both streams when the exit code is another one.
    #[track_caller]
    pub(crate) fn expect(self, exit: i32) -> Self {
        assert_eq!(self.exit, Some(exit), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// The outputs, as the host reads them.
    pub(crate) fn outputs(&self) -> Variables {
        match self.run.sink {
            OutputSink::Nowhere => panic!("a laptop has no outputs"),
            OutputSink::Dotenv => runner_parser::inherited(&self.run.text("finishline.env")),
            OutputSink::OutputFile => {
                let bytes = std::fs::read(self.run.path(&format!("output-{}", self.number)));
                let read = runner_parser::OutputFile::read(&bytes.unwrap());
                assert!(!read.step_fails(), "{:?}", read.error);
                read.outputs()
            }
        }
    }

    /// One output.
    #[track_caller]
    pub(crate) fn output(&self, name: &str) -> String {
        let dotenv = format!("FINISHLINE_OUT_{}", name.replace('-', "_").to_uppercase());
        let name = if self.run.sink == OutputSink::Dotenv { &dotenv } else { name };
        self.outputs().remove(name).unwrap_or_else(|| panic!("{name} is an output"))
    }

    /// Several outputs, joined by spaces.
    #[track_caller]
    pub(crate) fn joined<const N: usize>(&self, names: [&str; N]) -> String {
        names.map(|name| self.output(name)).join(" ")
    }

    /// The job summary.
    pub(crate) fn summary(&self) -> String {
        self.run.text(&format!("summary-{}", self.number))
    }

    /// The result on standard output, as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    /// Every command that GitHub's runner would carry out, standard error first.
    pub(crate) fn commands(&self) -> Vec<WorkflowCommand> {
        [&self.stderr, &self.stdout]
            .into_iter()
            .flat_map(|text| runner_parser::commands(text))
            .collect()
    }

    /// Everything that can be read afterwards, but not the database.
    pub(crate) fn everything(&self) -> String {
        let files = self.run.folder.path().read_dir().unwrap().map(|file| file.unwrap().path());
        let texts = files.filter(|path| {
            path.is_file() && !path.file_name().unwrap().to_string_lossy().contains(".db")
        });
        let read = |path: PathBuf| std::fs::read(path).unwrap();
        let bytes = texts.map(read).collect::<Vec<_>>().concat();
        format!("{}\n{}\n{}", self.stdout, self.stderr, String::from_utf8_lossy(&bytes))
    }
}
