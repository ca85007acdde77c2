//! A file that a shell sources: CircleCI's `BASH_ENV`, and ours in Woodpecker's workspace.
//!
//! Turns data into text and writes nothing. The shell runs what it reads, so a value stands
//! between single quotes, where nothing but another one has a meaning.

use crate::text::shell;

/// The line that exports one variable; `name` is the caller's own word.
pub fn export(name: &str, value: &str) -> String {
    format!("export {name}={}\n", shell::single_quoted(value))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn every_shell_reads_back_what_was_meant() {
        let pieces = ["'", "\"", "\\", "$HOME", "`id`", "$(id)", "\n", " ", "!", "#", "é", "''"];
        let values = pieces.iter().flat_map(|a| pieces.iter().map(move |b| format!("{a}{b}")));
        let values: Vec<_> = values.collect();
        let exports: String =
            values.iter().enumerate().map(|(n, value)| export(&format!("V{n}"), value)).collect();
        let names: String = (0..values.len()).map(|n| format!(" \"$V{n}\"")).collect();
        let script = format!("{exports}printf '%s\\0'{names}");
        for shell in ["sh", "bash"] {
            let Ok(done) = Command::new(shell).args(["-c", &script]).output() else { continue };
            assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
            let read: Vec<_> = done.stdout.split(|byte| *byte == 0).collect();
            let meant: Vec<_> = values.iter().map(String::as_bytes).chain([&b""[..]]).collect();
            assert_eq!(read, meant);
        }
    }
}
