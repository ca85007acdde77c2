//! Bundles of React Native that are bytecode: nothing is written into them, and their maps are sent.

use super::ExaminedSourcemaps;
use super::examine::{ExaminedGroup, FileExaminer, GroupChange};
use super::groups::{FileGroup, FileGroups, read_text};
use crate::build_folder::{BareBundle, BuildFile, BuildFolder, NativeBytes, key, map_beside};
use crate::error::Result;
use crate::outcome::sourcemaps::ExaminedScript;
use crate::sourcemap::debug_id::DebugId;
use crate::sourcemap::edits::TextEdits;
use crate::sourcemap::group::{PreparedMap, PreparedScript};
use crate::sourcemap::map_text::MapText;
use crate::sourcemap::proof::ProvenFrame;
use crate::sourcemap::resolve::first_frame;

const NO_ID: &str = "its source map has no debug id: add Sentry's plugin to `metro.config.js`, or set `release`, which must be that of the app";
const NIL_ID: &str = "the debug id of its source map is 00000000-0000-0000-0000-000000000000, which Sentry finds nothing by";
const NOWHERE: &str = "its source map is empty: no place leads to a source";

impl FileGroups {
    /// Takes a file that is no text: bytecode counts with its map, all else is left alone.
    pub(super) fn add_native(
        &mut self,
        script: &BuildFile,
        bytes: NativeBytes,
        folder: &BuildFolder,
    ) -> Option<(String, BareBundle)> {
        let map = folder.maps.get(&key(&map_beside(&script.file)));
        match (bytes, map) {
            (NativeBytes::RamBundle, _) => Some((script.shown.clone(), BareBundle::RamBundle)),
            (NativeBytes::Bytecode, None) => Some((script.shown.clone(), BareBundle::Bytecode)),
            (NativeBytes::Bytecode, Some(map)) => {
                let group = FileGroup { scripts: vec![script.clone()], map: Some(map.clone()) };
                self.bytecode.push(group);
                None
            }
        }
    }
}

impl FileExaminer<'_> {
    /// What is sent of bytecode: its map, and an empty script that leads to it; or what is at fault, and why.
    pub(super) fn bytecode(
        &self,
        files: &FileGroup,
        needs_no_id: bool,
    ) -> std::result::Result<ExaminedGroup, (String, String)> {
        let (script, map) = (&files.scripts[0], files.map.as_ref());
        let fault = |why: &str| (script.shown.clone(), why.to_owned());
        let text = map.map(|map| read_text(&map.file)).transpose().map_err(|why| fault(&why))?;
        let text = text.unwrap_or_default();
        let (id, frame) = facts(&text, needs_no_id).map_err(|why| fault(&why))?;
        let mut examined = ExaminedGroup {
            scripts: vec![ExaminedScript {
                path: script.shown.clone(),
                id: id.clone(),
                is_new: false,
                is_reported: id.is_some(),
                is_sourceless: false,
                holds_maps: false,
                replaced_id: None,
                frame: Some(frame).filter(|_| files.is_mapped(self.inputs)),
            }],
            change: GroupChange::None,
            entries: Vec::new(),
            without_text: Vec::new(),
            held: Vec::new(),
            sums: Vec::new(),
            map_file: None,
        };
        let sent = PreparedScript {
            id,
            text: None,
            edits: TextEdits::default(),
            replaced_id: None,
            frame: None,
            map: PreparedMap::OfGroup,
        };
        let copy = self.uploaded_map(files, Some(&text), &mut examined.without_text);
        let packed = self.pack(script, map, "", &sent, copy.as_deref(), &mut examined);
        packed.map_err(|error| fault(&error.to_string()))?;
        Ok(examined)
    }
}

/// The id of a map, and a place that it leads to a source from.
fn facts(
    map: &str,
    needs_no_id: bool,
) -> std::result::Result<(Option<DebugId>, ProvenFrame), String> {
    let map = MapText::read(map).map_err(|fault| fault.to_string())?;
    map.check().map_err(|fault| fault.to_string())?;
    let id = map.debug_id();
    match &id {
        Some(id) if id.is_nil() => return Err(NIL_ID.to_owned()),
        None if !needs_no_id => return Err(NO_ID.to_owned()),
        _ => {}
    }
    let frame = first_frame(&map).ok_or(NOWHERE)?;
    Ok((id, frame))
}

impl ExaminedSourcemaps<'_> {
    /// Nothing at all to send is no success where only scripts without a map are accepted.
    pub(super) fn refuse_nothing(self) -> Result<Self> {
        let is_settled = !self.progress.faults.is_empty() || !self.files.finished.is_empty();
        if !self.inputs.needs_files || self.bundle.count > 0 || is_settled {
            return Ok(self);
        }
        let nothing = self.groups.is_empty().then(|| self.files.nothing(self.inputs)).flatten();
        Err(nothing.unwrap_or_else(|| FileGroups::no_extension(self.inputs)))
    }
}
