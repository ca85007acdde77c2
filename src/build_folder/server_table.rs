//! The code of a server that was built with the sizes and hashes of the files beside it: Nitro writes it to
//! `server`, and what it serves to `public`.

use std::fs;
use std::path::{Path, PathBuf};

/// How far above a given folder the one that is served is looked for.
const MAX_ABOVE: usize = 4;
/// The folders inside one another in which the code is looked for.
const MAX_DEPTH: usize = 3;
/// The entries of these that are looked at.
const MAX_ENTRIES: usize = 100_000;

/// The files that may have the table of what is in a folder. No link is followed.
pub(super) fn server_tables(folder: &Path) -> Vec<PathBuf> {
    let is_served = |one: &&Path| one.file_name().is_some_and(|name| name == "public");
    let served = folder.ancestors().take(MAX_ABOVE).find(is_served);
    let Some(server) = served.map(|served| served.with_file_name("server")) else {
        return Vec::new();
    };
    let is_folder = |path: &Path| path.symlink_metadata().is_ok_and(|found| found.is_dir());
    if !is_folder(&server) {
        return Vec::new();
    }
    let (entry, chunks) = (server.join("index.mjs"), server.join("chunks"));
    let is_file = entry.symlink_metadata().is_ok_and(|found| found.is_file());
    let mut found = Vec::from_iter(is_file.then_some(entry));
    if is_folder(&chunks) {
        add_tables(&chunks, MAX_DEPTH, &mut 0, &mut found);
    }
    found
}

fn add_tables(folder: &Path, depth: usize, seen: &mut usize, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        *seen += 1;
        if *seen > MAX_ENTRIES {
            return;
        }
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && depth > 1 {
            add_tables(&entry.path(), depth - 1, seen, found);
        } else if kind.is_file() && entry.file_name() == "nitro.mjs" {
            found.push(entry.path());
        }
    }
}
