//! A person at a terminal, who pastes a line.

use std::io::{BufRead, IsTerminal};
use tokio::sync::oneshot;

/// Whether standard input is a terminal.
pub(crate) fn is_interactive() -> bool {
    std::io::stdin().is_terminal()
}

/// The next line of a command that does nothing meanwhile; `None` at the end of the input.
pub(crate) fn ask_line() -> Option<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).is_ok_and(|count| count > 0).then_some(line)
}

/// The next line; `None` at the end of the input.
///
/// A thread of its own reads it: a read that never ends must keep neither signals nor the deadline
/// from being noticed.
pub(crate) async fn read_line() -> Option<String> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        // The receiver is gone when the run has ended meanwhile.
        drop(sender.send(read.is_ok_and(|count| count > 0).then_some(line)));
    });
    receiver.await.ok().flatten()
}
