//! What may block for ever: pipes, terminals and devices, whose other side may never come, read or
//! write. Each is waited for no longer than the run may take.

pub(crate) use super::descriptor::OpenStream;
use super::descriptor::{self, PIPE_CHUNK, READABLE, WRITABLE};
use super::signals;
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long the run may take and when it ends, where it has an end.
static LIMIT: OnceLock<(Duration, Instant)> = OnceLock::new();

/// When all has been said that is left to say.
static LAST_WORDS: OnceLock<Instant> = OnceLock::new();

/// When somebody was waited for in vain: at the end of the run nobody is waited for any more.
static GAVE_UP: OnceLock<Instant> = OnceLock::new();

/// How long all that is left to say may take when the run is over.
const GRACE: Duration = Duration::from_secs(2);

/// From now on nothing is waited for beyond `timeout`, but for what is said at the end.
pub fn limit(timeout: Duration) {
    // A process has one run: what was set first holds.
    let _ = LIMIT.set((timeout, Instant::now() + timeout));
}

/// How long the run may take.
pub(crate) fn timeout() -> Option<Duration> {
    LIMIT.get().map(|(timeout, _)| *timeout)
}

/// The end of the run that began when it was limited.
pub(crate) fn deadline() -> Option<Instant> {
    LIMIT.get().map(|(_, deadline)| *deadline)
}

/// Whether the run is to end: by its deadline, or by a signal.
pub(crate) fn is_over() -> bool {
    signals::is_stopped() || deadline().is_some_and(|deadline| Instant::now() >= deadline)
}

/// Until when writes may wait; for ever where nothing was limited.
pub(crate) fn write_deadline() -> Option<Instant> {
    if is_over() { Some(last_words()) } else { deadline() }
}

/// Nobody is waited for when the run is over: somebody was in vain.
pub(crate) fn give_up() {
    GAVE_UP.get_or_init(Instant::now);
}

/// Until when writes may wait once the run is over.
fn last_words() -> Instant {
    *GAVE_UP.get().unwrap_or_else(|| LAST_WORDS.get_or_init(|| Instant::now() + GRACE))
}

/// Until when a write may wait that has this deadline: a signal to stop may have come meanwhile.
pub(crate) fn write_end(deadline: Option<Instant>) -> Option<Instant> {
    match signals::is_stopped() {
        true => Some(deadline.map_or_else(last_words, |deadline| deadline.min(last_words()))),
        false => deadline,
    }
}

/// Reads at most `max` bytes of standard input.
pub(crate) fn read_stdin(max: u64) -> Result<Vec<u8>> {
    use std::io::IsTerminal;
    let stdin = std::io::stdin();
    // A person may take longer, and sees what is waited for.
    let deadline = deadline().filter(|_| !stdin.is_terminal());
    read_within(&stdin, &mut stdin.lock().take(max), deadline)
}

/// Reads at most `max` bytes of a file.
pub(crate) fn read_file(path: &Path, max: u64) -> Result<Vec<u8>> {
    let file = descriptor::nonblocking(OpenOptions::new().read(true)).open(path)?;
    read_within(&file, &mut (&file).take(max), deadline())
}

/// Opens a pipe or a device to write at its end, once somebody reads it.
pub(crate) fn open_to_write(path: &Path, deadline: Option<Instant>) -> Result<File> {
    let mut options = OpenOptions::new();
    let options = descriptor::nonblocking(options.append(true));
    loop {
        match options.open(path) {
            Err(error) if descriptor::has_no_reader(&error, path) => pause(deadline)?,
            opened => return opened,
        }
    }
}

/// Writes all of it, as the other side takes it.
pub(crate) fn write_all<S>(stream: &S, bytes: &[u8], deadline: Option<Instant>) -> Result<()>
where
    S: OpenStream,
    for<'a> &'a S: Write,
{
    let written = write_within(stream, bytes, deadline);
    if written.as_ref().is_err_and(|error| error.kind() == ErrorKind::TimedOut) {
        give_up();
    }
    written
}

fn write_within<S>(stream: &S, mut bytes: &[u8], deadline: Option<Instant>) -> Result<()>
where
    S: OpenStream,
    for<'a> &'a S: Write,
{
    let most = if descriptor::is_file(stream) { usize::MAX } else { PIPE_CHUNK };
    while !bytes.is_empty() {
        descriptor::wait(stream, WRITABLE, || write_end(deadline))?;
        let mut writer = stream;
        match writer.write(&bytes[..bytes.len().min(most)]) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if is_passing(&error) => pause(deadline)?,
            Err(error) => return Err(error),
        }
        while let Err(error) = writer.flush() {
            is_passing(&error).then_some(()).ok_or(error)?;
            pause(deadline)?;
        }
    }
    Ok(())
}

fn read_within(
    stream: &impl OpenStream,
    reader: &mut impl Read,
    deadline: Option<Instant>,
) -> Result<Vec<u8>> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 8192]);
    let end = || if signals::is_stopped() { Some(Instant::now()) } else { deadline };
    loop {
        descriptor::wait(stream, READABLE, end)?;
        match reader.read(&mut chunk) {
            Ok(0) => return Ok(bytes),
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(error) if is_passing(&error) => pause(deadline)?,
            Err(error) => return Err(error),
        }
    }
}

fn is_passing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// A short wait, unless there is no time left.
fn pause(deadline: Option<Instant>) -> Result<()> {
    let is_over = deadline.is_some_and(|deadline| Instant::now() >= deadline);
    if is_over || signals::is_stopped() {
        return Err(ErrorKind::TimedOut.into());
    }
    std::thread::sleep(Duration::from_millis(5));
    Ok(())
}
