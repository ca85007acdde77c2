//! The files that inputs name, and the ones that outputs go to.

#![expect(clippy::disallowed_methods, reason = "this adapter is where files are read and written")]

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Error, ErrorKind, Read, Write};
use std::path::Path;

/// The largest file that an input may name.
const MAX_INPUT: u64 = 1024 * 1024;

/// Reads a text that an input names, of at most 1 MiB; `-` is standard input.
pub fn read(path: &str) -> std::io::Result<String> {
    let source: Box<dyn Read> =
        if path == "-" { Box::new(std::io::stdin()) } else { Box::new(File::open(path)?) };
    let mut bytes = Vec::new();
    if source.take(MAX_INPUT + 1).read_to_end(&mut bytes)? as u64 > MAX_INPUT {
        return Err(Error::new(ErrorKind::FileTooLarge, "larger than 1 MiB"));
    }
    String::from_utf8(bytes).map_err(|_| Error::new(ErrorKind::InvalidData, "not UTF-8 text"))
}

/// Makes a folder the one that relative paths start from.
pub fn enter(folder: &str) -> std::io::Result<()> {
    std::env::set_current_dir(folder)
}

/// The largest event payload that is read; GitHub's own are far smaller.
const MAX_EVENT: u64 = 32 * 1024 * 1024;

/// Reads the payload of the event that started the job.
pub fn read_event(path: &str) -> std::io::Result<serde_json::Value> {
    Ok(serde_json::from_reader(BufReader::new(File::open(path)?.take(MAX_EVENT)))?)
}

/// Whether a program of this name is in one of the folders of a `PATH`.
pub fn is_on_path(path: &str, program: &str) -> bool {
    let (separator, extension) = if cfg!(windows) { (';', ".exe") } else { (':', "") };
    let file = format!("{program}{extension}");
    path.split(separator).any(|folder| Path::new(folder).join(&file).is_file())
}

/// Appends in one write, so that two processes never mix their blocks.
pub fn append(path: &str, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// Replaces the file: a reader sees the old text or the new one, never a part.
pub fn replace(path: &str, text: &str) -> std::io::Result<()> {
    if Path::new(path).metadata().is_ok_and(|metadata| !metadata.is_file()) {
        // A pipe or a device cannot be renamed over.
        return check_appendable(path).and_then(|()| std::fs::write(path, text));
    }
    replace_with(path, text, OpenOptions::new().write(true).create(true).truncate(true))
}

/// Replaces a file that only its owner may read.
pub fn replace_private(path: &str, text: &str) -> std::io::Result<()> {
    replace_with(path, text, make_private(OpenOptions::new().write(true).create_new(true)))
}

fn replace_with(path: &str, text: &str, options: &OpenOptions) -> std::io::Result<()> {
    let draft = format!("{path}.{}.tmp", std::process::id());
    let write = || {
        options.open(&draft)?.write_all(text.as_bytes())?;
        std::fs::rename(&draft, path)
    };
    write().inspect_err(|_| drop(std::fs::remove_file(&draft)))
}

fn make_private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Waits for the lock of a file, and holds it until the result is dropped. The file itself is
/// replaced meanwhile, so the lock is one beside it, which stays.
pub fn lock(path: &str) -> std::io::Result<File> {
    let path = format!("{path}.lock");
    let file = make_private(OpenOptions::new().append(true).create(true)).open(path)?;
    file.lock()?;
    Ok(file)
}

/// Whether `append` is going to work, as far as that can be known: a device that is full says so
/// even to a write of nothing.
pub fn check_appendable(path: &str) -> std::io::Result<()> {
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    (&file).write(&[]).map(drop)
}
