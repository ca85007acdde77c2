//! Every file of a run, read or written, and which of them are one: by whatever name, link or stream
//! it was given, nothing that a run reads or writes is overwritten by its outputs.

use crate::build_folder::is_script_or_map;
use crate::error::{Error, ErrorCode};
use crate::os::files;
use crate::os::paths::{FileIdentity, is_descriptor, repository_part};
use crate::os::streams;
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
    /// Has it as standard input, and may not read it.
    Stdin,
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
            ("standard output", FileIdentity::of_stream(&std::io::stdout()), PathUse::Stream),
            ("standard error", FileIdentity::of_stream(&std::io::stderr()), PathUse::Stream),
            ("standard input", FileIdentity::of_stream(&std::io::stdin()), PathUse::Stdin),
        ];
        let stream = |(name, identity, usage): (&str, Option<FileIdentity>, PathUse)| {
            let (name, path) = (name.to_owned(), String::new());
            Some(RunPath { name, path, usage, identity: identity? })
        };
        let streams = streams.into_iter().filter_map(stream);
        let known = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        Self(Mutex::new(outputs.chain(known).chain(streams).collect()))
    }

    /// Adds a file that is kept from run to run, and the ones that are made beside it.
    pub fn add_store(&self, input: &str, path: &str, beside: &[&str]) {
        self.push(RunPath::new(format!("`{input}`"), path, PathUse::Store));
        for suffix in beside {
            let (name, path) = (format!("`{input}` (its {suffix})"), format!("{path}{suffix}"));
            self.push(RunPath::new(name, &path, PathUse::Store));
        }
    }

    /// Adds a file. A stream that leads to it is silent from then on: what is said there, that it is
    /// so too, would be written into the file.
    fn push(&self, path: RunPath) {
        streams::silence(|stream| stream.is_some_and(|stream| stream.is_same(&path.identity)));
        self.all().push(path);
    }

    /// Adds a file that is read, by the input, flag or variable that names it.
    pub fn add_input(&self, input: &str, path: &str) {
        if path != "-" {
            self.push(RunPath::new(format!("`{input}`"), path, PathUse::Input));
        }
    }

    /// Reads a file, which is one of the run's from then on.
    ///
    /// # Errors
    ///
    /// What the system says, and where more than one text of an input's size is there.
    pub fn read(&self, path: &str) -> std::io::Result<String> {
        self.read_within(path, files::MAX_INPUT)
    }

    /// The same of a text of at most that many bytes.
    pub(super) fn read_within(&self, path: &str, most: u64) -> std::io::Result<String> {
        self.add_read(path);
        files::read_within(path, most)
    }

    /// Reads a file that nobody named, which is one of the run's from then on.
    pub(crate) fn read_default(&self, path: &str) -> std::io::Result<String> {
        self.add_read(path);
        files::read_text(path)
    }

    fn add_read(&self, path: &str) {
        let is_same = |known: &RunPath| known.usage == PathUse::Input && known.path == path;
        let is_known = self.all().iter().any(is_same);
        if path == "-"
            && let Some(identity) = FileIdentity::of_stream(&std::io::stdin())
        {
            let (name, path) = ("standard input, which is read,".to_owned(), path.to_owned());
            self.push(RunPath { name, path, usage: PathUse::Input, identity });
        }
        // What is no file may be a secret, given where a file's name was wanted.
        if !is_known && Path::new(path).exists() {
            let name = format!("{}, which is read,", quote(path));
            self.push(RunPath::new(name, path, PathUse::Input));
        }
    }

    /// Why a run with these files would overwrite one of them.
    pub fn conflict(&self) -> Option<Error> {
        let paths = self.all();
        let conflict = |(index, path): (usize, &RunPath)| {
            let other = paths[..index].iter().find(|other| path.conflicts_with(other))?;
            let message = format!("{} and {} are the same file", other.name, path.name);
            Some(Error::new(ErrorCode::Usage, message).with_hint("set each to a different file"))
        };
        let own = paths.iter().find_map(RunPath::own_conflict);
        own.or_else(|| paths.iter().enumerate().find_map(conflict))
    }

    /// The outputs that would overwrite another file.
    pub fn conflicting_outputs(&self) -> Vec<String> {
        let paths = self.all();
        let is_in_conflict = |path: &&RunPath| {
            let mut others = paths.iter().filter(|other| !std::ptr::eq(*other, *path));
            path.own_conflict().is_some()
                || (path.usage == PathUse::Output && others.any(|other| path.conflicts_with(other)))
        };
        paths.iter().filter(is_in_conflict).map(|path| path.path.clone()).collect()
    }
}

impl RunPath {
    fn new(name: String, path: &str, usage: PathUse) -> Self {
        Self { name, path: path.to_owned(), usage, identity: FileIdentity::of(Path::new(path)) }
    }

    /// Why an output may not be where it is, whatever else the run reads or writes.
    fn own_conflict(&self) -> Option<Error> {
        self.repository_conflict().or_else(|| self.build_conflict())
    }

    /// Whether the run makes it where it is not there.
    fn is_made(&self) -> bool {
        matches!(self.usage, PathUse::Output | PathUse::Store)
    }

    /// Why an output would be taken for a part of a build, or take the place of one.
    fn build_conflict(&self) -> Option<Error> {
        let file = self.identity.path().to_string_lossy();
        let is_code = [&*file, self.path.as_str()].into_iter().any(is_script_or_map);
        (self.is_made() && is_code).then(|| {
            let message = format!(
                "{} has the name of a script or a source map: {}",
                self.name,
                quote(&self.path)
            );
            Error::new(ErrorCode::Usage, message)
                .with_hint("set it to a file that no build writes, such as `finishline.json`")
        })
    }

    /// Why an output would damage the repository that it is in.
    fn repository_conflict(&self) -> Option<Error> {
        let part = repository_part(self.identity.path()).filter(|_| self.is_made())?;
        let message = format!("{} is a part of the git repository: {}", self.name, quote(&part));
        let hint = "set it to a file outside of the repository's own folder";
        Some(Error::new(ErrorCode::Usage, message).with_hint(hint))
    }

    /// Whether both are one file, and one of them is written. Streams may lead to one file, and to the
    /// one that standard input is, as long as that is not read.
    fn conflicts_with(&self, other: &Self) -> bool {
        let is_either = |usage| self.usage == usage || other.usage == usage;
        let is_written = |one: &Self| match one.usage {
            PathUse::Output | PathUse::Store => true,
            PathUse::Stream => is_either(PathUse::Input),
            PathUse::Input | PathUse::Stdin => false,
        };
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
