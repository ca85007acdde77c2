//! A process that a test waits for, but not forever: what hangs is killed, and fails its test.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// No run of a test takes so long: it is far beyond what a slow machine needs.
const LONGEST_RUN: Duration = Duration::from_secs(90);

/// A process that does not outlive its test, nor the longest run.
pub(crate) struct WatchedProcess {
    child: Arc<Mutex<Child>>,
    is_overdue: Arc<AtomicBool>,
    _ended: Sender<()>,
}

impl WatchedProcess {
    /// Starts the program, which has to end by itself.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        Self::within(command, LONGEST_RUN)
    }

    fn within(command: &mut Command, limit: Duration) -> Self {
        let child = Arc::new(Mutex::new(command.spawn().unwrap()));
        let is_overdue = Arc::<AtomicBool>::default();
        let (ended, watcher) = channel();
        let (watched, overdue) = (Arc::clone(&child), Arc::clone(&is_overdue));
        std::thread::spawn(move || watch(&watcher, limit, &watched, &overdue));
        Self { child, is_overdue, _ended: ended }
    }

    /// The process itself.
    pub(crate) fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap()
    }

    /// Waits for the end, which must come by itself.
    #[track_caller]
    pub(crate) fn wait(&self) -> ExitStatus {
        let status = loop {
            let ended = self.child().try_wait().unwrap();
            match ended {
                Some(status) => break status,
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        };
        self.assert_in_time();
        status
    }

    /// Panics when the process had to be killed.
    #[track_caller]
    pub(crate) fn assert_in_time(&self) {
        let is_overdue = self.is_overdue.load(Ordering::SeqCst);
        assert!(!is_overdue, "the program hangs: it was killed after {LONGEST_RUN:?}");
    }
}

impl Drop for WatchedProcess {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        drop(child.kill());
        drop(child.wait());
    }
}

/// Kills what has not ended when its time is over; a process that nobody waits for any more is
/// killed where it is dropped.
fn watch(ended: &Receiver<()>, limit: Duration, child: &Mutex<Child>, is_overdue: &AtomicBool) {
    if ended.recv_timeout(limit) != Err(RecvTimeoutError::Timeout) {
        return;
    }
    let mut child = child.lock().unwrap();
    if child.try_wait().is_ok_and(|status| status.is_none()) {
        is_overdue.store(true, Ordering::SeqCst);
        drop(child.kill());
    }
}

/// What the program says until it ends, and how it ends.
#[track_caller]
pub(crate) fn output(command: &mut Command) -> Output {
    let process = WatchedProcess::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let stderr = process.child().stderr.take().unwrap();
    let listener = std::thread::spawn(move || read_all(stderr));
    let stdout = process.child().stdout.take().unwrap();
    let stdout = read_all(stdout);
    Output { stdout, stderr: listener.join().unwrap(), status: process.wait() }
}

fn read_all(mut stream: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

/// The first line that a server says, and the rest of its stream.
#[track_caller]
pub(crate) fn first_line(stream: ChildStdout) -> (String, BufReader<ChildStdout>) {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let (mut line, mut stream) = (String::new(), BufReader::new(stream));
        stream.read_line(&mut line).unwrap();
        drop(sender.send((line, stream)));
    });
    receiver.recv_timeout(LONGEST_RUN).expect("a server starts in time")
}

/// Waits for the end of a process that was asked for it.
#[track_caller]
pub(crate) fn wait_in_time(child: &mut Child) -> ExitStatus {
    let begin = Instant::now();
    loop {
        match child.try_wait().unwrap() {
            Some(status) => return status,
            None => std::thread::sleep(Duration::from_millis(1)),
        }
        assert!(begin.elapsed() < LONGEST_RUN, "the server does not stop");
    }
}

/// A connection on which nothing is waited for forever.
pub(crate) fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONGEST_RUN)).unwrap();
    stream.set_write_timeout(Some(LONGEST_RUN)).unwrap();
    stream
}

#[test]
#[cfg(unix)]
#[should_panic = "the program hangs"]
fn a_program_that_hangs_fails_its_test() {
    let mut command = Command::new("sleep");
    WatchedProcess::within(command.arg("1000"), Duration::from_millis(50)).wait();
}
