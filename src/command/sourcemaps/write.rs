//! Changes the files on disk: each is replaced as a whole, the scripts before their map, so that a run
//! which ends between two leaves the next one to finish.

use super::examine::GroupTexts;
use super::groups::FileGroup;
use crate::build_folder::BuildFile;
use crate::build_folder::neighbours::ChangedHashes;
use crate::error::{Error, ErrorCode, Result};
use crate::os::{files, parallel};
use crate::outcome::sourcemaps::ExaminedScript;
use crate::sourcemap::trailer;
use crate::text::quote;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Files that were changed, with what they held before and hold now where that is asked for.
#[derive(Default)]
pub(super) struct WrittenFiles {
    /// Where they are.
    pub(super) files: BTreeSet<PathBuf>,
    /// Their hashes.
    pub(super) hashes: ChangedHashes,
}

/// Whether every file of these groups can be replaced.
pub(super) fn check_folders(groups: &[&FileGroup]) -> Result {
    let files = groups.iter().flat_map(|group| group.scripts.iter().chain(&group.map));
    let folders: BTreeSet<_> = files.filter_map(|file| file.file.parent()).collect();
    folders.into_iter().try_for_each(|folder| {
        files::check_replaceable(folder)
            .map_err(|error| unwritable(&folder.to_string_lossy(), &error))
    })
}

/// Writes what was decided of each group. `ids` are those that were proven.
pub(super) fn write(
    groups: &[(&FileGroup, &[ExaminedScript])],
    keeps_hashes: bool,
) -> Result<WrittenFiles> {
    let results = parallel::map(groups, |(group, scripts)| write_group(group, scripts));
    let mut written = WrittenFiles::default();
    for result in results {
        for (file, old, new) in result? {
            if keeps_hashes {
                written.hashes.add(old.as_bytes(), new.as_bytes());
            }
            written.files.insert(file);
        }
    }
    Ok(written)
}

/// A file with its old text and its new one.
type ChangedFile = (PathBuf, String, String);

fn write_group(group: &FileGroup, scripts: &[ExaminedScript]) -> Result<Vec<ChangedFile>> {
    let changed = |(file, why): (String, String)| {
        let message = format!("cannot inject {}: {why}", quote(&file));
        Error::new(ErrorCode::BadSourcemap, message)
            .with_hint("let nothing else write to the folder while finishline runs")
    };
    let texts = GroupTexts::read(group).map_err(changed)?;
    let (injected, map) = texts.inject_again().map_err(|fault| changed(group.fault(fault)))?;
    let ids = injected.iter().map(|script| Some(&script.id));
    if !ids.eq(scripts.iter().map(|script| script.id.as_ref())) {
        let file = group.scripts.first().map_or("", |script| &script.shown).to_owned();
        return Err(changed((file, "it was changed while it was read".to_owned())));
    }
    let mut written = Vec::new();
    if let (Some(file), Some(text)) = (&group.map, &map.withdrawn) {
        replace(file, text)?;
    }
    for ((file, old), script) in group.scripts.iter().zip(texts.scripts).zip(injected) {
        if let Some(text) = script.text {
            replace(file, &text)?;
            written.push((file.file.clone(), old, text));
        }
    }
    if let (Some(file), Some(old), Some(text)) = (&group.map, texts.map, map.text) {
        replace(file, &text)?;
        written.push((file.file.clone(), old, text));
    }
    Ok(written)
}

/// Deletes the maps of these groups, and what names them in the scripts; how many there were.
pub(super) fn delete_maps(groups: &[FileGroup]) -> Result<usize> {
    let deleted = parallel::map(groups, |group| {
        for script in &group.scripts {
            let text = super::groups::read_text(&script.file).unwrap_or_default();
            let bare = trailer::without_mapping_url(&text);
            if bare != text {
                replace(script, &bare)?;
            }
        }
        let Some(map) = &group.map else { return Ok(0) };
        match std::fs::remove_file(&map.file) {
            Ok(()) => Ok(1),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(unwritable(&map.shown, &error)),
        }
    });
    deleted.into_iter().sum()
}

fn replace(file: &BuildFile, text: &str) -> Result {
    let path: &Path = &file.file;
    files::replace_bytes(path, text.as_bytes()).map_err(|error| unwritable(&file.shown, &error))
}

pub(super) fn unwritable(shown: &str, error: &std::io::Error) -> Error {
    let message = format!("cannot write {}: {error}", quote(shown));
    Error::new(ErrorCode::OutputsUnwritable, message).with_hint(
        "give the step the right to write to that folder, or build into one where it has it",
    )
}
