//! A person at a terminal, who pastes a line.

use std::io::{BufRead, IsTerminal};
use tokio::sync::oneshot;

/// Whether somebody can be asked.
pub(crate) fn is_interactive() -> bool {
    std::io::stdin().is_terminal()
}

/// The next line; `None` at the end of the input.
///
/// A thread of its own reads it: a read that never ends must keep neither signals nor the deadline
/// from being heard.
pub(crate) async fn read_line() -> Option<String> {
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        // Nobody listens any more when the run has ended meanwhile.
        drop(tell.send(read.is_ok_and(|count| count > 0).then_some(line)));
    });
    told.await.ok().flatten()
}
