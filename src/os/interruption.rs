//! The end by a signal of a command that has no runtime: whatever it does then, nothing is begun any
//! more, and a file that is being written is written as a whole.

use super::signals;
use std::io::{ErrorKind, Result};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

/// How often a signal is looked for.
const TURN: Duration = Duration::from_millis(20);

/// How many turns a write may take to its end.
const PATIENCE: usize = 50;

/// Held while a file is written.
static WRITING: Mutex<()> = Mutex::new(());

/// Does the work of a command. A signal ends the process meanwhile, with the exit code of `conclude`,
/// which says why.
#[expect(clippy::exit, reason = "nothing else ends a read that waits for ever")]
pub(crate) fn until_stopped<T>(
    work: impl FnOnce() -> T,
    conclude: impl Fn() -> u8 + Send + Sync,
) -> T {
    let (under_way, end) = channel::<()>();
    thread::scope(|scope| {
        let watch = move || {
            while end.recv_timeout(TURN) == Err(RecvTimeoutError::Timeout) {
                if signals::is_stopped() {
                    let _writing = last_write();
                    std::process::exit(conclude().into());
                }
            }
        };
        // Without a thread to spare nobody watches.
        drop(thread::Builder::new().spawn_scoped(scope, watch));
        let result = work();
        drop(under_way);
        result
    })
}

/// Writes a file, unless a signal came before.
pub(crate) fn write_unless_stopped(write: impl FnOnce() -> Result<()>) -> Result<()> {
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    match signals::is_stopped() {
        true => Err(ErrorKind::Interrupted.into()),
        false => write(),
    }
}

/// Waits for the write that is under way. While the result is held no other begins.
fn last_write() -> Option<MutexGuard<'static, ()>> {
    for _ in 0..PATIENCE {
        match WRITING.try_lock() {
            Ok(writing) => return Some(writing),
            Err(TryLockError::Poisoned(_)) => return None,
            Err(TryLockError::WouldBlock) => thread::sleep(TURN),
        }
    }
    None
}
