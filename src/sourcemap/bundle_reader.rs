//! A bundle that somebody has uploaded: its manifest, and the files that are really in it.

use std::fmt;

use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::archive_reader::{
    ArchiveEntry, ArchiveError, ByteSource, EntryReader, MAX_ENTRIES, read_contents, read_entries,
};
use super::debug_id::DebugId;

/// The most bytes of a manifest.
const MAX_MANIFEST: u64 = 16 * 1024 * 1024;
/// The most bytes of all files together.
const MAX_CONTENTS: u64 = 2 * 1024 * 1024 * 1024;
/// The longest name of a release and of a dist, as in Sentry.
const MAX_RELEASE: usize = 250;
const MAX_DIST: usize = 64;

/// What a bundle holds.
#[derive(Debug)]
pub struct BundleContents {
    /// Its own id, if it has one.
    pub id: Option<DebugId>,
    /// The release that its manifest names.
    pub release: Option<String>,
    /// The dist likewise.
    pub dist: Option<String>,
    /// Its files, in the order of its manifest.
    pub files: Vec<BundleEntry>,
}

impl BundleContents {
    /// Whether a file is found by an id.
    pub fn has_debug_ids(&self) -> bool {
        self.files.iter().any(|file| file.debug_id.is_some())
    }
}

/// A file of a bundle.
#[derive(Clone, Debug)]
pub struct BundleEntry {
    /// Its path in the archive.
    pub path: String,
    /// The URL under which a browser loads it.
    pub url: String,
    /// Sentry's number of what it is; 0 for anything that it does not know.
    pub kind: u8,
    /// Its debug id; Sentry finds none of a file that it does not know.
    pub debug_id: Option<DebugId>,
    /// The URL of its source map.
    pub sourcemap: Option<String>,
    /// Where its contents are.
    pub contents: ArchiveEntry,
}

/// Reads a bundle with or without its eight bytes in front, and every file in it once.
pub fn read_bundle<S: ByteSource>(
    source: &mut S,
) -> Result<BundleContents, ArchiveError<S::Error>> {
    let mut mark = [0; 8];
    let has_prefix = source.size() >= 8 && {
        source.read_at(0, &mut mark).map_err(ArchiveError::Source)?;
        mark.starts_with(b"SYSB")
    };
    let mut entries = read_entries(source, if has_prefix { 8 } else { 0 })?;
    let total: u64 = entries.values().map(|entry| entry.size).sum();
    if total > MAX_CONTENTS {
        return Err(ArchiveError::invalid("its files are too large together"));
    }
    let manifest = entries.remove("manifest.json");
    let manifest = manifest.ok_or_else(|| ArchiveError::invalid("it has no manifest"))?;
    let text = read_contents(source, manifest, MAX_MANIFEST)?;
    let manifest: BundleManifest = serde_json::from_slice(&text)
        .map_err(|error| ArchiveError::invalid(format!("its manifest is damaged: {error}")))?;
    let mut files = Vec::new();
    for (path, file) in manifest.files.0 {
        let contents = entries.remove(&path);
        let contents = contents
            .ok_or_else(|| ArchiveError::invalid("its manifest names a file that is not there"))?;
        check_contents(source, contents)?;
        files.push(bundle_entry(path, file, contents));
    }
    Ok(BundleContents {
        id: manifest.debug_id.as_deref().and_then(DebugId::parse_any),
        release: short(manifest.release, MAX_RELEASE)?,
        dist: short(manifest.dist, MAX_DIST)?,
        files,
    })
}

fn check_contents<S: ByteSource>(
    source: &mut S,
    entry: ArchiveEntry,
) -> Result<(), ArchiveError<S::Error>> {
    let mut reader = EntryReader::new(entry);
    while reader.next_piece(source)?.is_some() {}
    Ok(())
}

fn short<E>(text: Option<String>, longest: usize) -> Result<Option<String>, ArchiveError<E>> {
    match text.filter(|text| !text.is_empty()) {
        Some(text) if text.chars().count() > longest => {
            Err(ArchiveError::invalid("its manifest names a release or dist that is too long"))
        }
        text => Ok(text),
    }
}

fn bundle_entry(path: String, file: ManifestFile, contents: ArchiveEntry) -> BundleEntry {
    let kind = match file.kind.as_str() {
        "source" => 1,
        "minified_source" => 2,
        "source_map" => 3,
        "indexed_ram_bundle" => 4,
        _ => 0,
    };
    let FileHeaders { debug_id, sourcemap } = file.headers;
    let debug_id = debug_id.as_deref().filter(|_| kind != 0).and_then(DebugId::parse_any);
    BundleEntry { path, url: file.url, kind, debug_id, sourcemap, contents }
}

#[derive(Deserialize)]
struct BundleManifest {
    #[serde(default)]
    files: ManifestFiles,
    debug_id: Option<String>,
    release: Option<String>,
    dist: Option<String>,
}

#[derive(Deserialize)]
struct ManifestFile {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    headers: FileHeaders,
}

/// The files of a manifest, no more than an archive may have.
#[derive(Default)]
struct ManifestFiles(Vec<(String, ManifestFile)>);

impl<'de> Deserialize<'de> for ManifestFiles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FilesVisitor;
        impl<'de> Visitor<'de> for FilesVisitor {
            type Value = ManifestFiles;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("files")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut files = Vec::new();
                while let Some(file) = map.next_entry()? {
                    if files.len() == MAX_ENTRIES {
                        return Err(A::Error::custom("too many files"));
                    }
                    files.push(file);
                }
                Ok(ManifestFiles(files))
            }
        }
        deserializer.deserialize_map(FilesVisitor)
    }
}

/// What is read of a file's headers, whose names are in any letter case.
#[derive(Default)]
struct FileHeaders {
    debug_id: Option<String>,
    sourcemap: Option<String>,
}

impl<'de> Deserialize<'de> for FileHeaders {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HeadersVisitor;
        impl<'de> Visitor<'de> for HeadersVisitor {
            type Value = FileHeaders;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("headers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut headers = FileHeaders::default();
                while let Some(name) = map.next_key::<String>()? {
                    match name.to_ascii_lowercase().as_str() {
                        "debug-id" => headers.debug_id = map.next_value()?,
                        "sourcemap" | "x-sourcemap" => headers.sourcemap = map.next_value()?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(headers)
            }
        }
        deserializer.deserialize_map(HeadersVisitor)
    }
}
