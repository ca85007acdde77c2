//! An open stream, as the operating system knows it: whether it is a file, and waiting for its other
//! side.

#[cfg(unix)]
mod system {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::{FileType, OFlags, fstat};
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    use std::fs::OpenOptions;
    use std::io::{Error, ErrorKind, Result};
    use std::os::fd::AsFd;
    use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
    use std::path::Path;
    use std::time::{Duration, Instant};

    pub(crate) use std::os::fd::AsFd as OpenStream;

    /// Bytes to read, or their end.
    pub(crate) const READABLE: PollFlags = PollFlags::IN;
    /// Room for [`PIPE_CHUNK`] bytes.
    pub(crate) const WRITABLE: PollFlags = PollFlags::OUT;
    /// What a pipe takes at once without blocking when it takes anything, by POSIX.
    pub(crate) const PIPE_CHUNK: usize = 512;

    /// After how long a signal is looked for that came before the wait for it.
    const TURN: Duration = Duration::from_millis(100);

    /// Opening and reading do not block.
    pub(crate) fn nonblocking(options: &mut OpenOptions) -> &mut OpenOptions {
        options.custom_flags(OFlags::NONBLOCK.bits().cast_signed())
    }

    /// Whether opening failed because nobody has the pipe open to read.
    pub(crate) fn has_no_reader(error: &Error, path: &Path) -> bool {
        let is_pipe = || path.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo());
        error.raw_os_error() == Some(rustix::io::Errno::NXIO.raw_os_error()) && is_pipe()
    }

    /// Whether it is a file, which never makes anybody wait.
    pub(crate) fn is_file(stream: &impl AsFd) -> bool {
        fstat(stream).is_ok_and(|found| FileType::from_raw_mode(found.st_mode).is_file())
    }

    /// Asks for as many open files as the process may have, and says how many that are.
    pub(crate) fn raise_limit() -> usize {
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: limit.maximum, ..limit };
        let current = match setrlimit(Resource::Nofile, raised) {
            Ok(()) => limit.maximum,
            Err(_) => limit.current,
        };
        current.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX))
    }

    /// Waits until the stream is ready, or it is later than what `end` says by then.
    pub(crate) fn wait(
        stream: &impl AsFd,
        ready: PollFlags,
        end: impl Fn() -> Option<Instant>,
    ) -> Result<()> {
        loop {
            let left = end().map(|end| end.saturating_duration_since(Instant::now()));
            let turn = left.map_or(TURN, |left| left.min(TURN));
            let turn = Timespec::try_from(turn).expect("a part of a second fits");
            match poll(&mut [PollFd::new(stream, ready)], Some(&turn)) {
                Ok(0) if left.is_some_and(|left| left.is_zero()) => {
                    return Err(ErrorKind::TimedOut.into());
                }
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::fs::OpenOptions;
    use std::io::{Error, Result};
    use std::path::Path;
    use std::time::Instant;

    pub(crate) trait OpenStream {}
    impl<T> OpenStream for T {}

    pub(crate) const READABLE: () = ();
    pub(crate) const WRITABLE: () = ();
    pub(crate) const PIPE_CHUNK: usize = usize::MAX;

    pub(crate) fn nonblocking(options: &mut OpenOptions) -> &mut OpenOptions {
        options
    }

    pub(crate) fn has_no_reader(_: &Error, _: &Path) -> bool {
        false
    }

    pub(crate) fn is_file<T>(_: &T) -> bool {
        true
    }

    /// Nothing is kept open here.
    pub(crate) fn raise_limit() -> usize {
        0
    }

    /// Nothing is waited for: what is ready cannot be asked here.
    pub(crate) fn wait<T>(_: &T, (): (), _: impl Fn() -> Option<Instant>) -> Result<()> {
        Ok(())
    }
}

pub(crate) use system::{
    OpenStream, PIPE_CHUNK, READABLE, WRITABLE, has_no_reader, is_file, nonblocking, raise_limit,
    wait,
};
