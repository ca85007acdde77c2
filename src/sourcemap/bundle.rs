//! A bundle of scripts and their maps as Sentry stores it: eight bytes, then a ZIP archive whose
//! `manifest.json` says what each file is.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};
use sha1::{Digest, Sha1};

use super::{
    archive::ArchiveWriter,
    debug_id::DebugId,
    packed_file::{FilePart, PackedFile, PackedPart},
};

/// `SYSB` and the version of the format.
const HEADER: &[u8] = b"SYSB\x02\0\0\0";

/// What the path of a URL does not hold as it is.
const ENTRY_NAME: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// How well files are packed. The first level is a third faster and a quarter larger, which the way to the
/// server costs again; the third takes half as long again, and is a fifteenth smaller.
const LEVEL: u32 = 2;

/// What a file of a bundle is, in Sentry's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BundledKind {
    /// A script.
    MinifiedSource,
    /// A source map.
    SourceMap,
}

impl BundledKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::MinifiedSource => "minified_source",
            Self::SourceMap => "source_map",
        }
    }
}

/// What the manifest says of one file.
pub struct BundledFile<'a> {
    /// What it is.
    pub kind: BundledKind,
    /// The URL under which a browser loads the file; `~` stands for any host.
    pub url: &'a str,
    /// Its debug id.
    pub id: Option<&'a DebugId>,
    /// Of a script: the URL of its map, relative to its own.
    pub sourcemap: Option<&'a str>,
}

/// What a bundle belongs to. All of it stands in the bundle, for a server that has seen the same bytes
/// does not look at the rest of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BundleTarget {
    /// The slug of the organization.
    pub organization: String,
    /// The slugs of the projects.
    pub projects: Vec<String>,
    /// The version of the release.
    pub release: Option<String>,
    /// The distribution of that release.
    pub dist: Option<String>,
}

/// A file that was packed, and the hash of what that came to.
pub struct PackedBundleFile {
    file: PackedFile,
    hash: Vec<u8>,
}

impl PackedBundleFile {
    /// Packs the contents of a file. It takes most of the time of a bundle, so files are packed side
    /// by side.
    pub fn pack(contents: &[u8]) -> io::Result<Self> {
        let parts = FilePart::of(contents);
        let packed: io::Result<Vec<_>> = parts.iter().map(Self::pack_part).collect();
        Self::join(contents, packed?)
    }

    /// Packs a part of a file, wherever that is done.
    pub fn pack_part(part: &FilePart<'_>) -> io::Result<PackedPart> {
        part.pack(LEVEL)
    }

    /// The file of which these are all parts.
    pub fn join(contents: &[u8], parts: Vec<PackedPart>) -> io::Result<Self> {
        let file = PackedFile::join(contents, parts)?;
        let hash = Sha1::digest(file.bytes()).to_vec();
        Ok(Self { file, hash })
    }
}

/// Writes a bundle, file after file.
pub struct BundleWriter<'a, W> {
    archive: ArchiveWriter<W>,
    owner: &'a BundleTarget,
    files: Map<String, Value>,
    names: BTreeSet<String>,
    hash: Sha1,
    /// The bytes at which a chunk may end: behind each script and its map, and behind parts of large ones.
    cuts: Vec<u64>,
}

/// A bundle that is written: its id, and where it may be cut.
pub struct FinishedBundle<W> {
    /// What it was written to.
    pub target: W,
    /// The bundle's own id, which changes with its contents and with what it belongs to.
    pub id: DebugId,
    /// The bytes at which a chunk may end.
    pub cuts: Vec<u64>,
}

impl<'a, W: Write> BundleWriter<'a, W> {
    /// Begins a bundle.
    pub fn new(mut target: W, owner: &'a BundleTarget) -> io::Result<Self> {
        target.write_all(HEADER)?;
        let mut hash = Sha1::new();
        let projects = owner.projects.join("\0");
        for text in [
            Some(owner.organization.as_str()),
            Some(&projects),
            owner.release.as_deref(),
            owner.dist.as_deref(),
        ] {
            hash.update(text.map_or([0; 8], |text| (text.len() as u64 + 1).to_le_bytes()));
            hash.update(text.unwrap_or_default());
        }
        Ok(Self {
            archive: ArchiveWriter::new(target, HEADER.len() as u64),
            owner,
            files: Map::new(),
            names: BTreeSet::new(),
            hash,
            cuts: Vec::new(),
        })
    }

    /// Adds a file. Two files of one URL are both there, for an id needs no URL.
    pub fn add(&mut self, file: &BundledFile<'_>, packed: &PackedBundleFile) -> io::Result<()> {
        let name = self.free_name(file.url);
        self.add_entry(&name, &packed.file)?;
        let entry = manifest_entry(file);
        let text = entry.to_string();
        self.hash.update((text.len() as u64).to_le_bytes());
        self.hash.update(text);
        self.hash.update(&packed.hash);
        self.files.insert(name, entry);
        Ok(())
    }

    /// Lets a chunk end here.
    pub fn cut(&mut self) {
        self.cuts.push(self.archive.written());
    }

    /// Writes what a bundle ends with.
    pub fn finish(mut self) -> io::Result<FinishedBundle<W>> {
        let hash = std::mem::take(&mut self.hash).finalize();
        let id = DebugId::of_hash(hash.as_slice());
        let manifest = manifest(self.owner, std::mem::take(&mut self.files), &id);
        let packed = PackedFile::pack(manifest.to_string().as_bytes(), LEVEL)?;
        self.add_entry("manifest.json", &packed)?;
        Ok(FinishedBundle { target: self.archive.finish()?, id, cuts: self.cuts })
    }

    /// Writes an entry. One of several parts may be cut behind each of them.
    fn add_entry(&mut self, name: &str, file: &PackedFile) -> io::Result<()> {
        let ends = self.archive.add(name, file)?;
        self.cuts.extend(ends.iter().filter(|_| ends.len() > 1));
        Ok(())
    }

    /// The name of an entry: the path of its URL, as a URL has it, so that it is safe in an archive.
    fn free_name(&mut self, url: &str) -> String {
        let (folder, path) = match url.split_once("://") {
            Some((scheme, rest)) if is_scheme(scheme) => {
                (scheme, rest.split('?').next().unwrap_or(rest))
            }
            _ => ("_/_", url.trim_start_matches('~').trim_start_matches('/')),
        };
        let safe = |part: &str| match part {
            "." | ".." => part.replace('.', "%2E"),
            _ => utf8_percent_encode(part, ENTRY_NAME).to_string(),
        };
        let parts: Vec<_> = path.split('/').map(safe).collect();
        let path = format!("files/{folder}/{}", parts.join("/"));
        let mut name = path.clone();
        let mut number = 0;
        while !self.names.insert(name.clone()) {
            number += 1;
            name = format!("{path}.{number}");
        }
        name
    }
}

/// Whether a text can be the scheme of a URL (RFC 3986, 3.1). A path may have `://` in it, too.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

fn manifest_entry(file: &BundledFile<'_>) -> Value {
    let mut headers = Map::new();
    if let Some(id) = file.id {
        headers.insert("debug-id".to_owned(), json!(id.as_str()));
    }
    if let Some(sourcemap) = file.sourcemap {
        headers.insert("sourcemap".to_owned(), json!(sourcemap));
    }
    json!({"type": file.kind.as_str(), "url": file.url, "headers": headers})
}

fn manifest(owner: &BundleTarget, files: Map<String, Value>, id: &DebugId) -> Value {
    let mut manifest = json!({"files": files, "debug_id": id.as_str(), "org": owner.organization});
    let project = match owner.projects.as_slice() {
        [project] => Some(project.as_str()),
        _ => None,
    };
    // What Sentry has no key for still changes the bytes.
    let note =
        (owner.projects.len() > 1).then(|| format!("projects {}", owner.projects.join(", ")));
    let optional = [
        ("project", project),
        ("release", owner.release.as_deref()),
        ("dist", owner.dist.as_deref()),
        ("note", note.as_deref()),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            manifest[key] = json!(value);
        }
    }
    manifest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_entry_is_safe_whatever_its_url_is() {
        let owner = BundleTarget::default();
        let mut writer = BundleWriter::new(Vec::new(), &owner).expect("memory takes it");
        for (url, name) in [
            ("~/app.js", "files/_/_/app.js"),
            ("https://a.example/app.js?v=1", "files/https/a.example/app.js"),
            ("~/../app.js", "files/_/_/%2E%2E/app.js"),
            ("../../etc://x", "files/_/_/%2E%2E/%2E%2E/etc://x"),
            ("\u{97}\n://x", "files/_/_/%C2%97%0A://x"),
            ("://x", "files/_/_/://x"),
        ] {
            assert_eq!(writer.free_name(url), name, "{url:?}");
        }
    }
}
