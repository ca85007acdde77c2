//! A run with a person at the terminal, who sees what stands there.

use super::pseudo_terminal;
use super::run::ProgramRun;
use super::watched_process::WatchedProcess;
use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// The rows and columns of the screen; the program takes the columns of a terminal that names none.
const SCREEN: [u16; 2] = [500, 80];

/// No run is silent for so long: progress has a clock in it.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// A run whose standard error, and standard output as well, are a terminal.
pub(crate) struct AttendedRun {
    process: WatchedProcess,
    person: File,
    said: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    /// All that was written, as it was written.
    pub(crate) written: String,
}

impl AttendedRun {
    /// Starts the program at a terminal that can do more than to show characters.
    pub(crate) fn start(run: &ProgramRun) -> Self {
        let (person, terminal) = pseudo_terminal::open();
        let mut command = run.prepared();
        if run.variable("TERM").is_none() {
            command.env("TERM", "xterm");
        }
        let stream = || Stdio::from(terminal.try_clone().unwrap());
        command.stdin(stream()).stdout(stream()).stderr(stream());
        let process = WatchedProcess::spawn(&mut command);
        let (mut reader, (sender, said)) = (person.try_clone().unwrap(), channel());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // It ends with an error once nobody holds the other side.
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                drop(sender.send(bytes[..count].to_vec()));
            }
        });
        let [rows, columns] = SCREEN.map(|count| NonZero::new(count).unwrap());
        let screen = vt100::Parser::new(rows, columns, 0);
        Self { process, person, said, screen, written: String::new() }
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.process.child().id());
        assert!(Command::new("/bin/sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// What stands on the screen now.
    pub(crate) fn screen(&self) -> String {
        self.screen.screen().contents()
    }

    /// Waits until the screen shows these words.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, words: &str) {
        self.wait_until(words, |screen| screen.contains(words));
    }

    /// Waits until the screen shows what is wanted.
    #[track_caller]
    pub(crate) fn wait_until(&mut self, wanted: &str, is_shown: impl Fn(&str) -> bool) {
        while !is_shown(&self.screen()) {
            let said = self.said.recv_timeout(LONGEST_SILENCE);
            let bytes =
                said.unwrap_or_else(|_| panic!("{wanted:?} is not shown: {}", self.screen()));
            self.take(&bytes);
        }
    }

    /// Types a line.
    pub(crate) fn type_line(&mut self, line: &str) {
        writeln!(self.person, "{line}").unwrap();
    }

    /// Waits for the end; the exit code, and what stands on the screen then.
    pub(crate) fn wait(&mut self) -> (Option<i32>, String) {
        let exit = self.process.wait().code();
        while let Ok(bytes) = self.said.recv_timeout(LONGEST_SILENCE) {
            self.take(&bytes);
        }
        (exit, self.screen())
    }

    /// Takes what was written meanwhile.
    pub(crate) fn look(&mut self) {
        while let Ok(bytes) = self.said.try_recv() {
            self.take(&bytes);
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.screen.process(bytes);
        self.written.push_str(&String::from_utf8_lossy(bytes));
    }
}
