//! The bundle on disk while it is written and sent: a file without a name, which nothing is left of.

use super::examine::PackedEntry;
use crate::sourcemap::bundle::{BundleTarget, BundleWriter};
use crate::sourcemap::debug_id::DebugId;
use crate::sourcemap::upload::UncutBundle;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Read, Result, Seek, SeekFrom};

/// A bundle that is being written.
pub(super) struct BundleDraft<'a> {
    writer: BundleWriter<'a, BufWriter<File>>,
    count: u64,
    /// The debug ids of the files.
    ids: BTreeSet<DebugId>,
    /// The URLs of the files without a debug id, which are found by nothing else, each with its file.
    urls: BTreeMap<String, String>,
    shared_urls: Vec<SharedUrl>,
}

/// A bundle that is ready to be sent.
pub(super) struct BundleFile {
    file: File,
    /// Its id, its size, and where it may be cut.
    pub(super) uncut: UncutBundle,
    /// How many scripts and maps it has.
    pub(super) count: u64,
    /// Their debug ids, each once.
    pub(super) ids: Vec<DebugId>,
    /// The URLs that two files without a debug id have.
    pub(super) shared_urls: Vec<SharedUrl>,
}

/// The bytes of a finished bundle.
pub(super) struct BundleHandle(File);

/// A URL that two files without a debug id have.
pub(super) struct SharedUrl {
    pub(super) url: String,
    /// The paths of the two, for a person.
    pub(super) files: [String; 2],
}

impl<'a> BundleDraft<'a> {
    /// Begins one.
    pub(super) fn new(target: &'a BundleTarget) -> Result<Self> {
        let file = BufWriter::with_capacity(1 << 18, tempfile::tempfile()?);
        let writer = BundleWriter::new(file, target)?;
        Ok(Self {
            writer,
            count: 0,
            ids: BTreeSet::new(),
            urls: BTreeMap::new(),
            shared_urls: Vec::new(),
        })
    }

    /// Adds what belongs together.
    pub(super) fn add(&mut self, entries: &[PackedEntry]) -> Result<()> {
        for entry in entries {
            let (file, packed) = entry.parts();
            self.writer.add(&file, packed)?;
            self.count += 1;
            if let Some(id) = file.id {
                self.ids.insert(id.clone());
                continue;
            }
            let url = file.url.to_owned();
            if let Some(first) = self.urls.insert(url.clone(), entry.shown.clone()) {
                self.shared_urls.push(SharedUrl { url, files: [first, entry.shown.clone()] });
            }
        }
        self.writer.cut();
        Ok(())
    }

    /// The finished bundle.
    pub(super) fn finish(self) -> Result<BundleFile> {
        let finished = self.writer.finish()?;
        let file = finished.target.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        let (id, size, cuts) = (finished.id, file.metadata()?.len(), finished.cuts);
        let (uncut, shared_urls) = (UncutBundle { id, size, cuts }, self.shared_urls);
        let ids = self.ids.into_iter().collect();
        Ok(BundleFile { file, uncut, count: self.count, ids, shared_urls })
    }
}

impl BundleFile {
    /// Its bytes.
    pub(super) fn bytes(&self) -> Result<BundleHandle> {
        self.file.try_clone().map(BundleHandle)
    }
}

impl BundleHandle {
    /// The same for another thread; both have one place in the file, so that they take turns.
    pub(super) fn again(&self) -> Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// The bytes of a part.
    pub(super) fn read(&mut self, at: u64, size: u64) -> Result<Vec<u8>> {
        self.0.seek(SeekFrom::Start(at))?;
        let mut bytes = vec![0; usize::try_from(size).map_err(std::io::Error::other)?];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}
