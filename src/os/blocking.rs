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

/// The end of the run, where it has one.
static DEADLINE: OnceLock<Instant> = OnceLock::new();

/// How long what is left to say may take when the run is over.
const GRACE: Duration = Duration::from_secs(2);

/// From now on nothing is waited for beyond `deadline`, but for what is said at the end.
pub fn limit(deadline: Instant) {
    // A process has one run: what was set first holds.
    let _ = DEADLINE.set(deadline);
}

/// The end of the run that began when it was limited.
pub(crate) fn deadline() -> Option<Instant> {
    DEADLINE.get().copied()
}

/// Until when writes may wait that begin now; for ever where nothing was limited.
pub(crate) fn write_deadline() -> Option<Instant> {
    let soon = Instant::now() + GRACE;
    DEADLINE.get().map(|deadline| soon.max(*deadline))
}

/// Reads at most `max` bytes of standard input.
pub(crate) fn read_stdin(max: u64) -> Result<Vec<u8>> {
    use std::io::IsTerminal;
    let stdin = std::io::stdin();
    // A person may take longer, and sees what is waited for.
    let deadline = DEADLINE.get().copied().filter(|_| !stdin.is_terminal());
    read_within(&stdin, &mut stdin.lock().take(max), deadline)
}

/// Reads at most `max` bytes of a file.
pub(crate) fn read_file(path: &Path, max: u64) -> Result<Vec<u8>> {
    let file = descriptor::nonblocking(OpenOptions::new().read(true)).open(path)?;
    read_within(&file, &mut (&file).take(max), DEADLINE.get().copied())
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
pub(crate) fn write_all<S>(stream: &S, mut bytes: &[u8], deadline: Option<Instant>) -> Result<()>
where
    S: OpenStream,
    for<'a> &'a S: Write,
{
    let most = if descriptor::is_file(stream) { usize::MAX } else { PIPE_CHUNK };
    while !bytes.is_empty() {
        descriptor::wait(stream, WRITABLE, deadline, GRACE)?;
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
    loop {
        descriptor::wait(stream, READABLE, deadline, Duration::ZERO)?;
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
