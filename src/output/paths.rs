//! Every file of a run, read or written, and which of them are one: by whatever name, link or stream
//! it was given, nothing that a run reads or writes is overwritten by its outputs.

use crate::error::{Error, ErrorCode};
use crate::os::files;
use crate::os::paths::{FileIdentity, is_descriptor};
use crate::text::quote;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a run does with a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PathUse {
    /// Writes outputs to it.
    Output,
    /// Keeps something in it from run to run.
    Store,
    /// Reads it.
    Input,
    /// Has it as standard output or standard error.
    Stream,
}

struct RunPath {
    /// What messages call it.
    name: String,
    path: String,
    usage: PathUse,
    identity: FileIdentity,
}

/// The files of a run.
#[derive(Default)]
pub struct RunPaths(Mutex<Vec<RunPath>>);

impl RunPaths {
    fn all(&self) -> MutexGuard<'_, Vec<RunPath>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same with the outputs, by the names of their inputs and before all others, and the
    /// streams of the process.
    #[must_use]
    pub fn with_outputs<'a>(self, files: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let outputs = files.map(|(input, path)| (format!("`{input}`"), path));
        let outputs = outputs.map(|(name, path)| RunPath::new(name, path, PathUse::Output));
        let streams = [
            ("standard output", FileIdentity::of_stream(&std::io::stdout())),
            ("standard error", FileIdentity::of_stream(&std::io::stderr())),
        ];
        let stream = |(name, identity): (&str, Option<FileIdentity>)| {
            let (name, path, usage) = (name.to_owned(), String::new(), PathUse::Stream);
            Some(RunPath { name, path, usage, identity: identity? })
        };
        let streams = streams.into_iter().filter_map(stream);
        let known = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        Self(Mutex::new(outputs.chain(known).chain(streams).collect()))
    }

    /// Adds a file that is kept from run to run, and the ones that are made beside it.
    pub fn add_store(&self, input: &str, path: &str, beside: &[&str]) {
        let mut paths = self.all();
        paths.push(RunPath::new(format!("`{input}`"), path, PathUse::Store));
        for suffix in beside {
            let (name, path) = (format!("`{input}` (its {suffix})"), format!("{path}{suffix}"));
            paths.push(RunPath::new(name, &path, PathUse::Store));
        }
    }

    /// Adds a file that is read, by the input, flag or variable that names it.
    pub fn add_input(&self, input: &str, path: &str) {
        if path != "-" {
            self.all().push(RunPath::new(format!("`{input}`"), path, PathUse::Input));
        }
    }

    /// Reads a file, which is one of the run's from then on.
    ///
    /// # Errors
    ///
    /// What the system says, and where more than one text of an input's size is there.
    pub fn read(&self, path: &str) -> std::io::Result<String> {
        let mut paths = self.all();
        let is_known = path == "-"
            || paths.iter().any(|known| known.usage == PathUse::Input && known.path == path);
        // What is no file may be a secret, given where a file's name was wanted.
        if !is_known && Path::new(path).exists() {
            let name = format!("{}, which is read,", quote(path));
            paths.push(RunPath::new(name, path, PathUse::Input));
        }
        drop(paths);
        files::read(path)
    }

    /// Why a run with these files would overwrite one of them.
    pub fn conflict(&self) -> Option<Error> {
        let paths = self.all();
        let conflict = |(index, path): (usize, &RunPath)| {
            let other = paths[..index].iter().find(|other| path.conflicts_with(other))?;
            let message = format!("{} and {} are the same file", other.name, path.name);
            Some(Error::new(ErrorCode::Usage, message).with_hint("set each to a different file"))
        };
        paths.iter().enumerate().find_map(conflict)
    }

    /// The outputs that would overwrite another file.
    pub fn conflicting_outputs(&self) -> Vec<String> {
        let paths = self.all();
        let is_in_conflict = |path: &&RunPath| {
            let mut others = paths.iter().filter(|other| !std::ptr::eq(*other, *path));
            path.usage == PathUse::Output && others.any(|other| path.conflicts_with(other))
        };
        paths.iter().filter(is_in_conflict).map(|path| path.path.clone()).collect()
    }
}

impl RunPath {
    fn new(name: String, path: &str, usage: PathUse) -> Self {
        Self { name, path: path.to_owned(), usage, identity: FileIdentity::of(Path::new(path)) }
    }

    /// Whether both are one file, and one of them is written.
    fn conflicts_with(&self, other: &Self) -> bool {
        let is_written = |one: &Self| matches!(one.usage, PathUse::Output | PathUse::Store);
        // A stream may be named: what is written to it goes where its own text does.
        let is_named_stream = |one: &Self, other: &Self| {
            one.usage == PathUse::Stream && is_descriptor(Path::new(&other.path))
        };
        (is_written(self) || is_written(other))
            && self.identity.is_same(&other.identity)
            && !is_named_stream(self, other)
            && !is_named_stream(other, self)
            && !self.identity.is_same(&FileIdentity::of(Path::new("/dev/null")))
    }
}
