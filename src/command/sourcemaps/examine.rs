//! Looks at each script with its map: what it gets is decided, proven and packed for the upload, before
//! the first byte on disk changes.

use super::groups::{FileGroup, read_text};
use super::sources::SourceFolder;
use crate::build_folder::{BuildFile, HeldHashes};
use crate::inputs::sourcemaps::SourcemapInputs;
use crate::os::parallel;
use crate::outcome::sourcemaps::ExaminedScript;
use crate::sourcemap::bundle::{BundledFile, BundledKind, PackedBundleFile};
use crate::sourcemap::debug_id::DebugId;
use crate::sourcemap::edits::TextEdits;
use crate::sourcemap::file_url::FileUrl;
use crate::sourcemap::group::{self, GroupFault, PreparedGroup, PreparedScript};
use crate::sourcemap::injection::{InjectedMap, InjectedScript};
use crate::sourcemap::map_text::MapText;
use crate::sourcemap::packed_file::FilePart;
use crate::sourcemap::uploaded_map::{SourceRules, UploadedMap};
use crate::sourcemap::{inline, snippet, trailer};
use foldhash::fast::FixedState;
use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher};

/// A file that is packed for the bundle, with what the manifest says of it.
pub(super) struct PackedEntry {
    kind: BundledKind,
    url: String,
    /// The path of the file, for a person.
    pub(super) shown: String,
    id: Option<DebugId>,
    sourcemap: Option<String>,
    packed: PackedBundleFile,
}

impl PackedEntry {
    /// What the manifest says of it, and its bytes.
    pub(super) fn parts(&self) -> (BundledFile<'_>, &PackedBundleFile) {
        let file = BundledFile {
            kind: self.kind,
            url: &self.url,
            id: self.id.as_ref(),
            sourcemap: self.sourcemap.as_deref(),
        };
        (file, &self.packed)
    }
}

/// What shows that texts are the same: a hash of them, and how long they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TextSum(u64, usize);

impl TextSum {
    fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let mut hasher = FixedState::default().build_hasher();
        let mut size = 0;
        for text in texts {
            hasher.write(text.as_bytes());
            size += text.len();
        }
        Self(hasher.finish(), size)
    }
}

/// A group that was looked at.
pub(super) struct ExaminedGroup {
    /// Its scripts.
    pub(super) scripts: Vec<ExaminedScript>,
    /// What changes of its files.
    pub(super) change: GroupChange,
    /// What goes into the bundle, each script with its map behind it.
    pub(super) entries: Vec<PackedEntry>,
    /// Sources whose text is nowhere.
    pub(super) without_text: Vec<String>,
    /// The hashes that each script holds.
    pub(super) held: Vec<HeldHashes>,
    /// What tells scripts of one debug id apart: a checksum of each, without the comment that names a map.
    pub(super) sums: Vec<TextSum>,
    /// The script that the map says it is of.
    pub(super) map_file: Option<String>,
}

/// What changes of the files of a group.
pub(super) enum GroupChange {
    /// Nothing.
    None,
    /// The changes of each script and of the map behind them, and the checksum of the texts that they are of.
    Kept(Vec<TextEdits>, TextSum),
    /// More than is kept in memory, or more than one change of a file: it is decided anew.
    Large,
}

/// The most bytes of changes that are kept for a group: usually a few hundred.
const MAX_KEPT_EDITS: usize = 4096;

impl ExaminedGroup {
    /// Changes no file of it.
    pub(super) fn keep_as_it_is(&mut self) {
        self.change = GroupChange::None;
        self.scripts.iter_mut().for_each(|script| (script.id, script.is_new) = (None, false));
    }
}

impl GroupChange {
    fn new(texts: &GroupTexts, edits: Vec<TextEdits>, map: &InjectedMap) -> Self {
        let size: usize = edits.iter().map(TextEdits::size).sum();
        match size {
            0 => Self::None,
            _ if size > MAX_KEPT_EDITS || map.withdrawn.is_some() => Self::Large,
            _ => Self::Kept(edits, texts.checksum()),
        }
    }

    /// Whether every file stays as it is.
    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Whether a file of the group stays as it is; the map is numbered behind the scripts.
    pub(super) fn leaves(&self, at: usize) -> bool {
        match self {
            Self::None => true,
            Self::Kept(edits, _) => edits.get(at).is_none_or(TextEdits::is_empty),
            Self::Large => false,
        }
    }
}

/// Looks at groups of files.
pub(super) struct FileExaminer<'a> {
    pub(super) inputs: &'a SourcemapInputs,
    sources: SourceFolder,
}

impl<'a> FileExaminer<'a> {
    /// One for the files of a run.
    pub(super) fn new(inputs: &'a SourcemapInputs) -> Self {
        Self { inputs, sources: SourceFolder::of_working_directory() }
    }

    /// What becomes of a group; or which file is at fault, and why.
    pub(super) fn examine(&self, files: &FileGroup) -> Result<ExaminedGroup, (String, String)> {
        let texts = GroupTexts::read(files)?;
        let prepared = texts.prepare(self.inputs.inject).map_err(|fault| files.fault(fault))?;
        let mut examined = ExaminedGroup {
            scripts: Vec::new(),
            change: GroupChange::None,
            entries: Vec::new(),
            without_text: Vec::new(),
            sums: Vec::new(),
            map_file: prepared.file,
            held: texts.scripts.iter().map(|text| HeldHashes::of(text.as_bytes())).collect(),
        };
        let mut edits = Vec::new();
        let group_map = prepared.map.text.as_deref().or(texts.map.as_deref());
        for ((file, old), script) in files.scripts.iter().zip(&texts.scripts).zip(prepared.scripts)
        {
            let map = script.map.text(group_map);
            let copy = match prepared.lacks_texts || self.changes_sources() {
                true => self.uploaded_map(files, map, &mut examined.without_text),
                false => map.map(Cow::Borrowed),
            };
            self.pack(file, files.map.as_ref(), old, &script, copy.as_deref(), &mut examined)
                .map_err(|error| (file.shown.clone(), error.to_string()))?;
            examined.sums.push(bare_checksum(script.text.as_deref().unwrap_or(old)));
            examined.scripts.push(ExaminedScript {
                path: file.shown.clone(),
                id: script.id,
                is_new: script.text.is_some(),
                is_reported: self.inputs.inject || snippet::registered_id(old).is_some(),
                is_sourceless: script.frame.is_none()
                    && map.is_some()
                    && !group::is_without_code(old),
                holds_maps: holds_maps(old),
                replaced_id: script.replaced_id,
                frame: script.frame.filter(|_| files.is_mapped(self.inputs)),
            });
            edits.push(script.edits);
        }
        edits.push(prepared.map.edits.clone());
        examined.change = GroupChange::new(&texts, edits, &prepared.map);
        Ok(examined)
    }

    /// A map without a script, where Sentry can find it by an id.
    pub(super) fn orphan(&self, map: &BuildFile) -> Option<PackedEntry> {
        let text = self.inputs.uploads(&map.below).then(|| read_text(&map.file).ok())??;
        let id = MapText::read(&text).ok()?.debug_id()?;
        let read = |name: &str| self.sources.read(&map.file, name);
        let copy = self.changes_sources().then(|| UploadedMap::new(&text, self.rules(), &read));
        let packed = packed(copy.and_then(|copy| copy.text).as_ref().unwrap_or(&text)).ok()?;
        let (kind, url) = (BundledKind::SourceMap, self.url().of(&map.below));
        let shown = map.shown.clone();
        Some(PackedEntry { kind, url, shown, id: Some(id), sourcemap: None, packed })
    }

    fn url(&self) -> FileUrl<'a> {
        FileUrl { prefix: &self.inputs.url_prefix, suffix: &self.inputs.url_suffix }
    }

    fn rules(&self) -> SourceRules<'a> {
        SourceRules {
            strip_prefixes: &self.inputs.strip_prefixes,
            strip_common_prefix: self.inputs.strip_common_prefix,
            strip_sources: self.inputs.strip_sources,
        }
    }

    fn changes_sources(&self) -> bool {
        let inputs = self.inputs;
        inputs.strip_sources || inputs.strip_common_prefix || !inputs.strip_prefixes.is_empty()
    }

    /// The copy of the script's map that is uploaded.
    pub(super) fn uploaded_map<'s>(
        &self,
        files: &FileGroup,
        map: Option<&'s str>,
        without_text: &mut Vec<String>,
    ) -> Option<Cow<'s, str>> {
        let map = map?;
        // A map inside a script needs a place of its own once it is taken out.
        let beside = files
            .map
            .as_ref()
            .or(files.scripts.first())
            .filter(|_| files.map.is_some() || self.inputs.delete || self.changes_sources())?;
        let read = |name: &str| self.sources.read(&beside.file, name);
        let copy = UploadedMap::new(map, self.rules(), &read);
        without_text.extend(copy.without_text.into_iter().filter(|name| !name.is_empty()));
        Some(copy.text.map_or(Cow::Borrowed(map), Cow::Owned))
    }

    /// Packs a script, and its map behind it.
    pub(super) fn pack(
        &self,
        file: &BuildFile,
        map: Option<&BuildFile>,
        old: &str,
        script: &PreparedScript,
        copy: Option<&str>,
        examined: &mut ExaminedGroup,
    ) -> std::io::Result<()> {
        let own_map = (map.is_none() && copy.is_some())
            .then(|| BuildFile { below: format!("{}.map", file.below), ..file.clone() });
        let map = map.or(own_map.as_ref());
        let text = script.text.as_deref().unwrap_or(old);
        let text = match self.inputs.delete || own_map.is_some() {
            true => trailer::without_mapping_url(text),
            false => text.into(),
        };
        let text = match self.inputs.strip_sources {
            true => Cow::Owned(inline::without_held_maps(&text).into_owned()),
            false => text,
        };
        if self.inputs.uploads(&file.below) {
            examined.entries.push(PackedEntry {
                kind: BundledKind::MinifiedSource,
                url: self.url().of(&file.below),
                shown: file.shown.clone(),
                id: script.id.clone(),
                sourcemap: map.map(|map| relative(&file.below, &map.below)),
                packed: packed(&text)?,
            });
        }
        let map = map.filter(|map| self.inputs.uploads(&map.below));
        if let (Some(map), Some(copy)) = (map, copy) {
            examined.entries.push(PackedEntry {
                kind: BundledKind::SourceMap,
                url: self.url().of(&map.below),
                shown: map.shown.clone(),
                id: script.id.clone(),
                sourcemap: None,
                packed: packed(copy)?,
            });
        }
        Ok(())
    }
}

/// The texts of a group.
pub(super) struct GroupTexts {
    /// Those of its scripts.
    pub(super) scripts: Vec<String>,
    /// That of its map.
    pub(super) map: Option<String>,
}

impl GroupTexts {
    /// Reads them; or which file cannot be read, and why.
    pub(super) fn read(files: &FileGroup) -> Result<Self, (String, String)> {
        let read =
            |file: &BuildFile| read_text(&file.file).map_err(|why| (file.shown.clone(), why));
        let scripts = files.scripts.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { scripts, map: files.map.as_ref().map(read).transpose()? })
    }

    /// The scripts and the map behind them.
    pub(super) fn all(&self) -> impl Iterator<Item = &String> {
        self.scripts.iter().chain(&self.map)
    }

    /// What shows that they are still the same.
    pub(super) fn checksum(&self) -> TextSum {
        TextSum::of(self.all().map(String::as_str))
    }

    /// What becomes of them.
    pub(super) fn prepare(&self, inject: bool) -> Result<PreparedGroup, GroupFault> {
        let scripts: Vec<_> = self.scripts.iter().map(String::as_str).collect();
        match inject {
            true => group::inject(&scripts, self.map.as_deref()),
            false => group::keep(&scripts, self.map.as_deref()),
        }
    }
}

impl GroupTexts {
    /// What becomes of them, where that was proven before.
    pub(super) fn inject_again(&self) -> Result<(Vec<InjectedScript>, InjectedMap), GroupFault> {
        let scripts: Vec<_> = self.scripts.iter().map(String::as_str).collect();
        group::inject_again(&scripts, self.map.as_deref())
    }
}

impl FileGroup {
    /// The file that a fault is of, and its words.
    pub(super) fn fault(&self, fault: GroupFault) -> (String, String) {
        let script = |at: usize| self.scripts.get(at).map_or("", |script| &script.shown).to_owned();
        let map = || self.map.as_ref().map_or_else(|| script(0), |map| map.shown.clone());
        match fault {
            GroupFault::Proof(at, _) | GroupFault::NilId(at) => (script(at), fault.to_string()),
            GroupFault::Inline(_) => (script(0), fault.to_string()),
            GroupFault::Map(_) | GroupFault::Shared(_) => (map(), fault.to_string()),
        }
    }
}

/// Whether a script holds a map elsewhere than in its last comment.
pub(super) fn holds_maps(script: &str) -> bool {
    !inline::held_maps(script).is_empty()
        && !inline::held_maps(&trailer::without_mapping_url(script)).is_empty()
}

fn bare_checksum(script: &str) -> TextSum {
    TextSum::of(std::iter::once(trailer::without_mapping_url(script).trim_end()))
}

/// Packs a file, a large one with all processors.
fn packed(text: &str) -> std::io::Result<PackedBundleFile> {
    let parts = FilePart::of(text.as_bytes());
    let packed = parallel::map(&parts, PackedBundleFile::pack_part);
    PackedBundleFile::join(text.as_bytes(), packed.into_iter().collect::<std::io::Result<_>>()?)
}

/// The URL of a map from its script.
fn relative(script: &str, map: &str) -> String {
    let (from, to): (Vec<_>, Vec<_>) = (script.split('/').collect(), map.split('/').collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let shared = shared.min(from.len() - 1).min(to.len() - 1);
    let up = std::iter::repeat_n("..", from.len() - 1 - shared);
    up.chain(to[shared..].iter().copied()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_map_is_named_from_its_script() {
        for (script, map, url) in [
            ("a.js", "a.js.map", "a.js.map"),
            ("js/a.js", "js/a.js.map", "a.js.map"),
            ("js/a.js", "maps/x/a.js.map", "../maps/x/a.js.map"),
            ("js/x/a.js", "js/a.js.map", "../a.js.map"),
        ] {
            assert_eq!(super::relative(script, map), url);
        }
    }
}
