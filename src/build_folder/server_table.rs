//! Files of a server that were built with the sizes and hashes of the files beside it. Nitro writes its code to
//! `server`, and what it serves to `public`; Next.js its pages to `server`, and their scripts to `static`; React
//! Router and Astro their code to `server`, and what it serves to `client`.

use std::fs;
use std::path::{Path, PathBuf};

/// How far above a given folder the one that is served is looked for.
const MAX_ABOVE: usize = 4;
/// The folders inside one another in which a server's code is looked for, and pages of Next.js.
const CODE_DEPTH: usize = 3;
const PAGE_DEPTH: usize = 12;
/// What Next.js writes where its pages have hashes of scripts.
const INTEGRITY: &str = "subresource-integrity-manifest.";
/// The entries of these that are looked at.
const MAX_ENTRIES: usize = 100_000;

/// The files that may have hashes of what is in a folder. No link is followed.
pub(super) fn server_tables(folder: &Path) -> Vec<PathBuf> {
    let server = |served: &str| {
        let is_served = |one: &&Path| one.file_name().is_some_and(|name| name == served);
        let served = folder.ancestors().take(MAX_ABOVE).find(is_served)?;
        let server = served.with_file_name("server");
        server.symlink_metadata().is_ok_and(|found| found.is_dir()).then_some(server)
    };
    let nitro = server("public").map(|server| nitro_code(&server));
    let next = server("static").map(|server| next_pages(&server));
    let others = server("client").map(|server| server_code(&server));
    nitro.into_iter().chain(next).chain(others).flatten().collect()
}

fn server_code(server: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let is_code = |name: &str| name.ends_with(".js") || name.ends_with(".mjs");
    add_files(server, CODE_DEPTH, &is_code, &mut 0, &mut found);
    found
}

fn nitro_code(server: &Path) -> Vec<PathBuf> {
    let (entry, chunks) = (server.join("index.mjs"), server.join("chunks"));
    let mut found = Vec::from_iter(is_file(&entry).then_some(entry));
    add_files(&chunks, CODE_DEPTH, &|name| name == "nitro.mjs", &mut 0, &mut found);
    found
}

fn next_pages(server: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if is_file(&server.join(format!("{INTEGRITY}json"))) {
        let has_hashes = |name: &str| {
            name.starts_with(INTEGRITY) || name.ends_with(".html") || name.ends_with(".rsc")
        };
        add_files(server, PAGE_DEPTH, &has_hashes, &mut 0, &mut found);
    }
    found
}

fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_file())
}

fn add_files(
    folder: &Path,
    depth: usize,
    is_wanted: &impl Fn(&str) -> bool,
    seen: &mut usize,
    found: &mut Vec<PathBuf>,
) {
    if !folder.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        *seen += 1;
        if *seen > MAX_ENTRIES {
            return;
        }
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && depth > 1 {
            add_files(&entry.path(), depth - 1, is_wanted, seen, found);
        } else if kind.is_file() && entry.file_name().to_str().is_some_and(is_wanted) {
            found.push(entry.path());
        }
    }
}
