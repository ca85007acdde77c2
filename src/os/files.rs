//! The files that inputs name, and the ones that outputs go to.

#![expect(clippy::disallowed_methods, reason = "this adapter is where files are read and written")]

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Error, ErrorKind, Read, Write};
use std::path::Path;

/// The largest file that an input may name.
const LARGEST: u64 = 1024 * 1024;

/// Reads a text that an input names; `-` is standard input.
///
/// # Errors
///
/// It cannot be read, is larger than 1 MiB, or is not UTF-8.
pub fn read(path: &str) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    let count = if path == "-" {
        std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes)?
    } else {
        File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?
    };
    if count as u64 > LARGEST {
        return Err(Error::new(ErrorKind::FileTooLarge, "larger than 1 MiB"));
    }
    String::from_utf8(bytes).map_err(|_| Error::new(ErrorKind::InvalidData, "not UTF-8 text"))
}

/// The largest event payload that is read; GitHub's own are far smaller.
const LARGEST_EVENT: u64 = 32 * 1024 * 1024;

/// Reads the payload of the event that started the job.
pub fn read_event(path: &str) -> std::io::Result<serde_json::Value> {
    Ok(serde_json::from_reader(BufReader::new(File::open(path)?.take(LARGEST_EVENT)))?)
}

/// Appends in one write, so that two processes never mix their blocks.
pub fn append(path: &str, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// Replaces the file: a reader sees the old text or the new one, never a part.
pub fn replace(path: &str, text: &str) -> std::io::Result<()> {
    if Path::new(path).metadata().is_ok_and(|found| !found.is_file()) {
        // A pipe or a device cannot be renamed over.
        return check_appendable(path).and_then(|()| std::fs::write(path, text));
    }
    let draft = format!("{path}.{}.tmp", std::process::id());
    let written = std::fs::write(&draft, text).and_then(|()| std::fs::rename(&draft, path));
    written.inspect_err(|_| drop(std::fs::remove_file(&draft)))
}

/// Replaces a file that only its owner may read.
pub fn replace_private(path: &str, text: &str) -> std::io::Result<()> {
    let draft = format!("{path}.{}.tmp", std::process::id());
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let write = || -> std::io::Result<()> {
        options.open(&draft)?.write_all(text.as_bytes())?;
        std::fs::rename(&draft, path)
    };
    write().inspect_err(|_| drop(std::fs::remove_file(&draft)))
}

/// Waits until nobody else is at this file, and holds it until the result is dropped. The file itself
/// is replaced meanwhile, so the lock is one beside it, which stays.
pub fn lock(path: &str) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(format!("{path}.lock"))?;
    file.lock()?;
    Ok(file)
}

/// Whether `append` is going to work, as far as that can be known: a device that is full says so
/// even to a write of nothing.
pub fn check_appendable(path: &str) -> std::io::Result<()> {
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    (&file).write(&[]).map(drop)
}
