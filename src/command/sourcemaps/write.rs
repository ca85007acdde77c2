//! Changes the files on disk: each is replaced as a whole, the scripts before their map, so that a run
//! which ends between two leaves the next one to finish.

use super::examine::{GroupChange, GroupTexts};
use super::groups::FileGroup;
use crate::build_folder::{BuildFile, ChangedHashes, HashIndex, MAX_FILE};
use crate::error::{Error, ErrorCode, Result};
use crate::os::replaced_files::ReplacedFiles;
use crate::os::{linkless, parallel};
use crate::outcome::sourcemaps::ExaminedScript;
use crate::sourcemap::edits::TextEdits;
use crate::sourcemap::inline::is_data_url;
use crate::sourcemap::trailer;
use crate::text::quote;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Files that were changed, with the hashes that they had as far as another file holds them.
#[derive(Default)]
pub(super) struct WrittenFiles {
    /// Where they are.
    pub(super) files: BTreeSet<PathBuf>,
    /// Their hashes.
    pub(super) hashes: ChangedHashes,
    /// Scripts that name a map by a comment that stays, for a person.
    pub(super) mentions: Vec<String>,
}

/// Whether every file of these groups can be replaced.
pub(super) fn check_folders(groups: &[&FileGroup]) -> Result {
    let files = groups.iter().flat_map(|group| group.scripts.iter().chain(&group.map));
    let folders: BTreeSet<_> = files.filter_map(|file| file.file.parent()).collect();
    folders.into_iter().try_for_each(|folder| {
        linkless::check_replaceable(folder)
            .map_err(|error| unwritable(&folder.to_string_lossy(), &error))
    })
}

/// A group of which something changes.
pub(super) struct ChangedGroup<'a> {
    pub(super) group: &'a FileGroup,
    /// Its scripts as they were proven.
    pub(super) scripts: &'a [ExaminedScript],
    /// What changes.
    pub(super) change: &'a GroupChange,
}

impl WrittenFiles {
    /// Adds those of another.
    pub(super) fn extend(&mut self, others: Self) {
        self.files.extend(others.files);
        self.hashes.extend(others.hashes);
        self.mentions.extend(others.mentions);
    }
}

/// Writes what was decided of each group.
pub(super) fn write(
    groups: &[&ChangedGroup<'_>],
    index: &HashIndex,
    replaced: &ReplacedFiles,
) -> Result<WrittenFiles> {
    let mut written = WrittenFiles::default();
    for result in parallel::map(groups, |group| group.write(index, replaced)) {
        written.extend(result?);
    }
    Ok(written)
}

impl ChangedGroup<'_> {
    fn write(&self, index: &HashIndex, replaced: &ReplacedFiles) -> Result<WrittenFiles> {
        let texts = GroupTexts::read(self.group).map_err(changed)?;
        let (withdrawn, edits) = self.edits(&texts).map_err(changed)?;
        if let (Some(file), Some(text)) = (&self.group.map, withdrawn) {
            replace(replaced, file, &text)?;
        }
        let mut written = WrittenFiles::default();
        let files = self.group.scripts.iter().chain(&self.group.map);
        for ((file, old), edits) in files.zip(texts.all()).zip(&*edits) {
            if edits.is_empty() {
                continue;
            }
            let text = edits.apply(old);
            replace(replaced, file, &text)?;
            index.add_changed(&mut written.hashes, &file.file, old.as_bytes());
            written.files.insert(file.file.clone());
        }
        Ok(written)
    }

    /// What is written before all else into the map, and the changes of the files.
    fn edits(&self, texts: &GroupTexts) -> Result<GroupEdits<'_>, (String, String)> {
        let is_changed = || {
            let file = self.group.scripts.first().map_or("", |script| &script.shown).to_owned();
            (file, "it was changed while it was read".to_owned())
        };
        if let GroupChange::Kept(edits, checksum) = self.change {
            let is_same = texts.checksum() == *checksum;
            return is_same.then_some((None, Cow::Borrowed(&**edits))).ok_or_else(is_changed);
        }
        let (injected, map) = texts.inject_again().map_err(|fault| self.group.fault(fault))?;
        let ids = injected.iter().map(|script| Some(&script.id));
        if !ids.eq(self.scripts.iter().map(|script| script.id.as_ref())) {
            return Err(is_changed());
        }
        let edits = injected.into_iter().map(|script| script.edits).chain([map.edits]);
        Ok((map.withdrawn, edits.collect()))
    }
}

/// What is written before all else into a map, and the changes of each script and of the map.
type GroupEdits<'a> = (Option<String>, Cow<'a, [TextEdits]>);

fn changed((file, why): (String, String)) -> Error {
    let message = format!("cannot inject {}: {why}", quote(&file));
    Error::new(ErrorCode::BadSourcemap, message)
        .with_hint("let nothing else write to the folder while finishline runs")
}

/// Deletes the maps of these groups with their packed copies, and what names them in the scripts; the
/// scripts that changed.
pub(super) fn delete_maps(groups: &[&FileGroup], index: &HashIndex) -> Result<WrittenFiles> {
    let mut written = WrittenFiles::default();
    let replaced = ReplacedFiles::default();
    for result in parallel::map(groups, |group| delete_map(group, index, &replaced)) {
        written.extend(result?);
    }
    replaced.let_go();
    Ok(written)
}

fn delete_map(
    group: &FileGroup,
    index: &HashIndex,
    replaced: &ReplacedFiles,
) -> Result<WrittenFiles> {
    let mut written = WrittenFiles::default();
    for script in &group.scripts {
        let text = super::groups::read_text(&script.file).unwrap_or_default();
        // A map that was never there may come from elsewhere, and without its name the script would look
        // like one whose map was uploaded.
        if group.map.is_none() && !holds_its_map(&text) {
            continue;
        }
        let bare = trailer::without_mapping_url(&text);
        let map = group.map.as_ref().and_then(|map| map.file.file_name()?.to_str());
        if map.is_some_and(|map| trailer::mentions_map(&bare, map)) {
            written.mentions.push(script.shown.clone());
        }
        if bare != text {
            replace(replaced, script, &bare)?;
            index.add_changed(&mut written.hashes, &script.file, text.as_bytes());
            written.files.insert(script.file.clone());
        }
    }
    if let Some(map) = &group.map {
        // The map is the last: a run that ends before leaves the next one what to begin with.
        let copies =
            [".gz", ".br", ".zst", ""].map(|end| format!("{}{end}", map.file.to_string_lossy()));
        for file in copies.iter().map(Path::new) {
            // Whatever lists it, such as a service worker's list, has a file that is gone.
            if let Ok(old) = linkless::read(file, MAX_FILE) {
                index.add_changed(&mut written.hashes, file, &old);
            }
            replaced.remove_if_there(file).map_err(|error| unwritable(&map.shown, &error))?;
        }
    }
    Ok(written)
}

fn holds_its_map(script: &str) -> bool {
    trailer::mapping_url(script).is_some_and(|comment| is_data_url(comment.value))
}

fn replace(replaced: &ReplacedFiles, file: &BuildFile, text: &str) -> Result {
    let path: &Path = &file.file;
    replaced.replace(path, text.as_bytes()).map_err(|error| unwritable(&file.shown, &error))
}

pub(super) fn unwritable(shown: &str, error: &std::io::Error) -> Error {
    let message = format!("cannot write {}: {error}", quote(shown));
    Error::new(ErrorCode::OutputsUnwritable, message).with_hint(
        "give the step the right to write to that folder, or build into one where it has it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_somebody_changed_meanwhile_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().canonicalize().expect("its path").join("a.js");
        linkless::replace(&file, b"f()\n").expect("a file");
        let script =
            BuildFile { file: file.clone(), shown: "a.js".to_owned(), below: "a.js".to_owned() };
        let group = FileGroup { scripts: vec![script], map: None };
        let texts = GroupTexts::read(&group).unwrap_or_else(|(file, why)| panic!("{file}: {why}"));
        let prepared = texts.prepare(true).expect("no fault");
        let edits = vec![prepared.scripts[0].edits.clone(), TextEdits::default()];
        let change = GroupChange::Kept(edits, texts.checksum());
        let write = || {
            ChangedGroup { group: &group, scripts: &[], change: &change }
                .write(&HashIndex::default(), &ReplacedFiles::default())
        };
        linkless::replace(&file, b"g()\n").expect("another file");
        let failure = write().err().map(|failure| failure.message).unwrap_or_default();
        assert_eq!(failure, "cannot inject `a.js`: it was changed while it was read");
        assert_eq!(super::super::groups::read_text(&file), Ok("g()\n".to_owned()));
        linkless::replace(&file, b"f()\n").expect("the first file");
        assert_eq!(write().map(|written| written.files).unwrap_or_default(), [file].into());
    }
}
