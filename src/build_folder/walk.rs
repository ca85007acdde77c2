//! Finds the scripts and the source maps below what was given. Hidden files and `node_modules` are left
//! out, and no link leads out of a folder.

use super::given_paths::{glob_root, is_within, split, without_braces};
use super::native_bundle::{BareBundle, is_native_bundle, map_beside, needs_map};
use super::outside_link::{OutsideLink, only_links};
use super::server_table::server_tables;
use super::stray_maps::is_stray_map;
use crate::error::{Error, ErrorCode, Result, Warning};
use crate::os::linkless;
use crate::sourcemap::ignore_rules::IgnoreRules;
use crate::text::glob::PathGlob;
use crate::text::quote;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The folders inside one another that are gone into.
const MAX_DEPTH: usize = 100;
/// The files that are looked at.
const MAX_FILES: usize = 1_000_000;

/// A file of a build.
#[derive(Clone, Debug)]
pub(crate) struct BuildFile {
    /// Where it is, without links.
    pub(crate) file: PathBuf,
    /// Its path as it was given, for a person.
    pub(crate) shown: String,
    /// Its path below the folder that was given.
    pub(crate) below: String,
}

impl BuildFile {
    /// Another file of the same folder.
    fn beside(&self, name: &str) -> Self {
        let renamed = |path: &str| match path.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/{name}"),
            None => name.to_owned(),
        };
        let (shown, below) = (renamed(&self.shown), renamed(&self.below));
        Self { file: self.file.with_file_name(name), shown, below }
    }
}

/// What was found. Files are known by a key, the parts of their paths with `/`.
#[derive(Default)]
pub(crate) struct BuildFolder {
    /// The scripts.
    pub(crate) scripts: BTreeMap<String, BuildFile>,
    /// The source maps, and those beside files that were given one by one.
    pub(crate) maps: BTreeMap<String, BuildFile>,
    /// The keys of the maps that were asked for: what only lies beside a named file is nobody's to send.
    pub(crate) named_maps: BTreeSet<String>,
    /// All other files: what may hold a hash of a script, or a packed copy of one.
    pub(crate) others: BTreeSet<PathBuf>,
    /// Code of a server outside of the folders, which goes by the hashes of what it serves.
    pub(crate) server_tables: BTreeSet<PathBuf>,
    /// Source maps that no script is looked for.
    pub(crate) stray_maps: BTreeSet<PathBuf>,
    /// Bundles that cannot be sent, and why.
    pub(crate) left_alone: Vec<(String, BareBundle)>,
    /// The keys of the folders that were given.
    pub(crate) roots: Vec<String>,
    /// Drafts that killed runs left.
    pub(crate) drafts: Vec<PathBuf>,
    /// Links that lead out of them.
    pub(crate) outside: Vec<OutsideLink>,
    seen: usize,
    matched: usize,
}

/// What is walked for one given path.
struct GivenPath<'a> {
    root: PathBuf,
    shown: String,
    globs: Option<Vec<PathGlob>>,
    rules: &'a IgnoreRules,
}

impl BuildFolder {
    /// Looks below each of the given lines.
    ///
    /// # Errors
    ///
    /// One that names every path that is not there, or cannot be read.
    pub(crate) fn find(lines: &[String], rules: &IgnoreRules) -> Result<Self> {
        let mut folder = Self::default();
        let (mut mistakes, mut roots) = (Vec::new(), BTreeSet::new());
        for path in lines.iter().flat_map(|line| split(line)) {
            mistakes.extend(folder.add(&path, rules).map(|root| roots.insert(root)).err());
        }
        let tables = roots.iter().flat_map(|root| server_tables(root));
        folder.server_tables = tables.filter(|table| !folder.has_script(table)).collect();
        Error::combine(mistakes).map_or(Ok(folder), Err)
    }

    /// A file as a person knows it: relative to the working directory where it lies there.
    pub(crate) fn shown(&self, file: &Path) -> String {
        let here = std::env::current_dir().and_then(fs::canonicalize).unwrap_or_default();
        file.strip_prefix(here).unwrap_or(file).to_string_lossy().replace('\\', "/")
    }

    /// All that was found.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        let found = self.scripts.values().chain(self.maps.values()).map(|one| one.file.as_path());
        found.chain(self.others.iter().map(PathBuf::as_path))
    }

    /// Whether it is one of the scripts.
    pub(crate) fn has_script(&self, file: &Path) -> bool {
        self.scripts.contains_key(&key(file))
    }

    /// What the reader should know of what was found.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let outside = self.outside.iter().map(OutsideLink::warning);
        let alone = self.left_alone.iter().map(|(file, bundle)| {
            let (file, words, advice) = (quote(file), bundle.words(), bundle.advice());
            let message = format!("{file} {words}, and is left out: {advice}");
            Warning::new("left-out", message)
        });
        outside.chain(alone).collect()
    }

    /// The folder or file that was added, without links.
    fn add(&mut self, path: &str, rules: &IgnoreRules) -> Result<PathBuf> {
        let (root, globs) = match glob_root(path).filter(|_| !Path::new(path).exists()) {
            Some((root, rest)) => {
                let globs = without_braces(rest);
                (
                    root,
                    Some(globs.iter().filter_map(|one| PathGlob::literal_or_glob(one)).collect()),
                )
            }
            None => (path, None),
        };
        let canonical = fs::canonicalize(root).map_err(|error| unreadable(path, &error))?;
        self.matched = 0;
        let shown = root.trim_end_matches('/').trim_start_matches("./").to_owned();
        let given = GivenPath { root: canonical, shown, globs, rules };
        match given.root.is_dir() {
            true => {
                self.roots.push(key(&given.root));
                self.walk(&given, &given.root.clone(), "", 0)
                    .map_err(|error| unreadable(path, &error))?;
            }
            false => self.add_given_file(&given),
        }
        match given.globs.is_some() && self.matched == 0 {
            true => Err(self.no_match(path)),
            false => Ok(given.root),
        }
    }

    fn no_match(&self, path: &str) -> Error {
        let message = format!("no script and no source map matches {}", quote(path));
        match only_links(&self.outside) {
            Some((what, hint)) => no_files(&format!("{message}: {what}")).with_hint(hint),
            None => no_files(&message),
        }
    }

    /// A file that was given by its own path, and what lies beside it.
    fn add_given_file(&mut self, given: &GivenPath<'_>) {
        let Some(folder) = given.root.parent() else { return };
        let name = file_name(&given.root);
        let shown_folder = given.shown.rsplit_once('/').map(|(folder, _)| format!("{folder}/"));
        let shown_folder = shown_folder.unwrap_or_default();
        let beside = |name: &str| BuildFile {
            file: folder.join(name),
            shown: format!("{shown_folder}{name}"),
            below: name.to_owned(),
        };
        self.roots.push(key(folder));
        if let Some(script) = name.strip_suffix(".map").filter(|script| is_code(script)) {
            let script = beside(script);
            if is_plain_file(&script.file) {
                self.scripts.entry(key(&script.file)).or_insert(script);
            }
        }
        self.add_file(beside(&name), !is_map(&name));
        self.named_maps.insert(key(&given.root));
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !entry.file_type().is_ok_and(|kind| kind.is_file()) {
                continue;
            }
            if is_map(&name) {
                let map = beside(&name);
                self.maps.entry(key(&map.file)).or_insert(map);
            } else {
                self.add_hidden(entry.path(), &name);
            }
        }
    }

    /// No script of the build, but it may know the hash of one.
    fn add_hidden(&mut self, file: PathBuf, name: &str) {
        match linkless::is_draft(name) {
            true => self.drafts.push(file),
            false if is_draft(name) => {}
            false if is_map(name) => drop(self.stray_maps.insert(file)),
            false => self.add_other(file, name),
        }
    }

    fn add_other(&mut self, file: PathBuf, name: &str) {
        if is_stray_map(name) {
            self.stray_maps.insert(file.clone());
        }
        self.others.insert(file);
    }

    /// What is hidden is nothing to inject, and is published with the rest.
    fn walk_hidden(&mut self, folder: &Path, depth: usize) -> std::io::Result<()> {
        for entry in read_folder(folder)? {
            let entry = entry?;
            self.count(depth)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type()?;
            if kind.is_file() {
                self.add_hidden(entry.path(), &name);
            } else if kind.is_dir() && is_published(&name) {
                self.walk_hidden(&entry.path(), depth + 1)?;
            }
        }
        Ok(())
    }

    fn count(&mut self, depth: usize) -> std::io::Result<()> {
        self.seen += 1;
        match self.seen > MAX_FILES || depth > MAX_DEPTH {
            true => Err(std::io::Error::other("it holds too many files or folders")),
            false => Ok(()),
        }
    }

    fn walk(
        &mut self,
        given: &GivenPath<'_>,
        folder: &Path,
        below: &str,
        depth: usize,
    ) -> std::io::Result<()> {
        let mut entries = read_folder(folder)?.collect::<std::io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            self.count(depth)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
            let kind = entry.file_type()?;
            if name.starts_with('.') || given.rules.ignores(&path, kind.is_dir()) {
                if kind.is_file() {
                    self.add_hidden(entry.path(), &name);
                } else if kind.is_dir() && is_published(&name) {
                    self.walk_hidden(&entry.path(), depth + 1)?;
                }
                continue;
            }
            if kind.is_symlink() {
                self.note_link(given, &entry.path(), &path);
            } else if kind.is_dir() && name != "node_modules" {
                self.walk(given, &entry.path(), &path, depth + 1)?;
            } else if kind.is_file() {
                self.add_walked(given, entry.path(), path, &name);
            }
        }
        Ok(())
    }

    fn add_walked(&mut self, given: &GivenPath<'_>, file: PathBuf, below: String, name: &str) {
        let is_meant = given.globs.as_ref().is_none_or(|globs| is_within(&below, globs));
        let shown =
            if given.shown == "." { below.clone() } else { format!("{}/{below}", given.shown) };
        let file = BuildFile { file, shown, below };
        self.matched += usize::from(is_meant && (is_map(name) || is_code(name)));
        let script = name.strip_suffix(".map").filter(|script| is_code(script));
        if let (true, Some(script)) = (is_meant && given.globs.is_some(), script) {
            // A glob for maps alone means their scripts, too.
            let script = file.beside(script);
            if is_plain_file(&script.file) {
                self.scripts.entry(key(&script.file)).or_insert(script);
            }
        }
        if is_map(name) {
            let is_left_out = script.is_some_and(|_| {
                let below = file.below.trim_end_matches(".map");
                given.rules.ignores(below, false)
            });
            if is_meant && !is_left_out {
                self.named_maps.insert(key(&file.file));
            }
            // A glob for scripts alone means their maps, too.
            self.maps.entry(key(&file.file)).or_insert(file);
        } else if is_meant && is_code(name) {
            match needs_map(name)
                && given.globs.is_none()
                && !is_plain_file(&map_beside(&file.file))
            {
                true => self.left_alone.push((file.shown, BareBundle::Unmapped)),
                false => self.add_file(file, false),
            }
        } else {
            self.add_other(file.file, name);
        }
    }

    fn add_file(&mut self, file: BuildFile, is_given: bool) {
        let name = file_name(&file.file);
        if is_map(&name) {
            self.maps.entry(key(&file.file)).or_insert(file);
        } else if is_given || is_code(&name) {
            self.scripts.entry(key(&file.file)).or_insert(file);
        }
    }

    /// A link within what was given leads to what is found anyway.
    fn note_link(&mut self, given: &GivenPath<'_>, link: &Path, below: &str) {
        let Ok(target) = fs::canonicalize(link) else { return };
        let name = file_name(link);
        let matters = target.is_dir() || is_script_or_map(&name);
        if matters && !target.starts_with(&given.root) {
            let folder =
                if target.is_dir() { &*target } else { target.parent().unwrap_or(&target) };
            let folder = Some(self.shown(folder)).filter(|folder| !folder.is_empty());
            let folder = folder.unwrap_or_else(|| ".".to_owned());
            self.outside.push(OutsideLink { shown: format!("{}/{below}", given.shown), folder });
        }
    }
}

/// A path as pairing knows it.
pub(crate) fn key(path: &Path) -> String {
    let parts = path.components().filter_map(|part| match part {
        std::path::Component::Normal(name) => Some(name.to_string_lossy()),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("/")
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

pub(super) fn is_script(name: &str) -> bool {
    [".js", ".cjs", ".mjs"].iter().any(|end| name.ends_with(end))
}

/// Whether a file of this name would be taken for a script or a source map.
pub(crate) fn is_script_or_map(name: &str) -> bool {
    is_code(name) || is_map(name)
}

fn is_code(name: &str) -> bool {
    is_script(name) || is_native_bundle(name)
}

fn is_map(name: &str) -> bool {
    name.ends_with(".map")
}

/// Whether a folder may be a part of what is published.
fn is_published(name: &str) -> bool {
    !matches!(name, ".git" | ".hg" | ".svn" | "node_modules")
}

/// Whether it is a file and no link to one.
fn is_plain_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_file())
}

/// What a run that was killed left of a file that it was writing.
fn is_draft(name: &str) -> bool {
    name.starts_with(".finishline-")
}

/// The entries of a folder, which an error names: it may be one deep below the one that was given.
fn read_folder(folder: &Path) -> std::io::Result<fs::ReadDir> {
    fs::read_dir(folder).map_err(|error| {
        let named = format!("{}: {error}", quote(&folder.to_string_lossy()));
        std::io::Error::new(error.kind(), named)
    })
}

fn unreadable(path: &str, error: &std::io::Error) -> Error {
    no_files(&format!("cannot read {}: {error}", quote(path)))
}

fn no_files(message: &str) -> Error {
    Error::new(ErrorCode::NoSourcemaps, message).with_hint(
        "set `sourcemaps` to the folder that the build wrote, relative to the working directory",
    )
}
