//! The one place that writes: streams, files, and the calls of a CI system's own program.

use super::{OutputSinks, WriteOp, progress};
use crate::error::{Error, ErrorCode, Result};
use crate::os::blocking::{self, OpenStream};
use crate::os::{files, streams};
use crate::text::quote;
use std::io::{self, ErrorKind, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long all calls together may take where the run has that long. A job that is cancelled has little
/// more than this.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);

const PAUSE: Duration = Duration::from_millis(5);

impl OutputSinks {
    /// Writes everything. Whatever fails, the rest is still tried.
    /// The error names the first sink that failed.
    pub fn emit(writes: Vec<WriteOp>) -> Result {
        let mut first = Ok(());
        let calls_end = Instant::now() + CALL_TIMEOUT;
        for op in writes {
            let until = blocking::write_deadline();
            let call_until = until.map_or(calls_end, |until| until.min(calls_end));
            let (sink, done) = match &op {
                WriteOp::Stdout(_) if streams::is_stdout_silent() => continue,
                WriteOp::Stderr(_) if streams::is_stderr_silent() => continue,
                WriteOp::Stdout(text) => ("standard output", write(&io::stdout(), text, until)),
                WriteOp::Stderr(text) => ("standard error", write(&io::stderr(), text, until)),
                WriteOp::Append(path, text) => (path.as_str(), files::append(path, text, until)),
                WriteOp::Replace(path, text) => (path.as_str(), files::replace(path, text, until)),
                WriteOp::Call(argv, stdin) => (argv[0].as_str(), call(argv, stdin, call_until)),
            };
            if let (Ok(()), Err(error)) = (&first, done) {
                first = Err(unwritable(sink, &error));
            }
        }
        first
    }
}

/// The failure to write to a sink.
pub(crate) fn unwritable(sink: &str, error: &io::Error) -> Error {
    let message = format!("cannot write outputs to {}: {error}", quote(sink));
    Error::new(ErrorCode::OutputsUnwritable, message)
}

/// A reader that has left is no failure: it has seen what it wanted.
fn write<S>(stream: &S, text: &str, until: Option<Instant>) -> io::Result<()>
where
    S: OpenStream,
    for<'a> &'a S: Write,
{
    match progress::above(|| blocking::write_all(stream, text.as_bytes(), until)) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// Calls a program and waits until the deadline; a signal to stop leaves it little time. One that is not
/// there, as in a container of the job's own, has nothing to tell.
fn call(argv: &[String], stdin: &str, deadline: Instant) -> io::Result<()> {
    let started =
        Command::new(&argv[0]).args(&argv[1..]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
    let mut child = match started {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        started => started?,
    };
    if let Some(mut pipe) = child.stdin.take() {
        let text = stdin.to_owned();
        // A program that does not read must not hold us up; when it ends, so does the pipe.
        std::thread::spawn(move || drop(pipe.write_all(text.as_bytes())));
    }
    let ended = wait(&mut child, deadline);
    if ended.as_ref().is_err_and(|error| error.kind() == ErrorKind::TimedOut) {
        blocking::give_up();
    }
    if ended.is_err() {
        drop(child.kill());
        drop(child.wait());
    }
    ended
}

fn wait(child: &mut Child, deadline: Instant) -> io::Result<()> {
    loop {
        match child.try_wait()? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(io::Error::other(status.to_string())),
            None if blocking::write_end(Some(deadline)) <= Some(Instant::now()) => {
                return Err(ErrorKind::TimedOut.into());
            }
            None => std::thread::sleep(PAUSE),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn call_with(words: &[&str], stdin: &str, deadline: Instant) -> io::Result<()> {
        call(&words.iter().copied().map(str::to_owned).collect::<Vec<_>>(), stdin, deadline)
    }

    #[test]
    fn a_call_that_never_ends_is_given_up_at_the_deadline() {
        let text = "x".repeat(1_000_000);
        let ended = call_with(&["sleep", "600"], &text, Instant::now());
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn a_large_text_arrives() {
        let text = "x".repeat(1_000_000);
        let script = "test $(wc -c) -eq 1000000";
        call_with(&["sh", "-c", script], &text, Instant::now() + CALL_TIMEOUT).unwrap();
    }
}
