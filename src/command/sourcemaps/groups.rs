//! Which scripts belong to which source map: found on disk, before any of them is looked at closely.

use crate::build_folder::{BuildFile, BuildFolder, MAX_FILE, NativeBytes, key, only_links};
use crate::error::{Error, ErrorCode, Result};
use crate::inputs::sourcemaps::SourcemapInputs;
use crate::os::{linkless, parallel};
use crate::outcome::sourcemaps::listed;
use crate::sourcemap::debug_id::DebugId;
use crate::sourcemap::earlier::finished_id;
use crate::sourcemap::ignore_rules::IgnoreRules;
use crate::sourcemap::pairing::{MapLink, NamedScript, link_maps};
use crate::sourcemap::trailer;
use percent_encoding::percent_decode_str;
use serde::de::IgnoredAny;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Scripts that share a map, mostly one.
#[derive(Debug, Default)]
pub(super) struct FileGroup {
    /// The scripts, in the order of their paths.
    pub(super) scripts: Vec<BuildFile>,
    /// The map; none where it is in the script, or there is none.
    pub(super) map: Option<BuildFile>,
}

impl FileGroup {
    /// How many bytes its files have.
    pub(super) fn size(&self) -> u64 {
        let files = self.scripts.iter().chain(&self.map);
        files.filter_map(|file| Some(file.file.metadata().ok()?.len())).sum()
    }

    /// Whether the map is uploaded, by itself or inside of its script.
    pub(super) fn is_mapped(&self, inputs: &SourcemapInputs) -> bool {
        self.map.as_ref().is_none_or(|map| inputs.uploads(&map.below))
    }
}

/// What was found, ordered.
#[derive(Default)]
pub(super) struct FileGroups {
    /// The groups.
    pub(super) groups: Vec<FileGroup>,
    /// Bytecode, each with its map.
    pub(super) bytecode: Vec<FileGroup>,
    /// Scripts whose map is not there, and why it is not.
    pub(super) unmapped: Vec<(String, String)>,
    /// The ids of scripts that an earlier run may have uploaded, whose maps it deleted.
    pub(super) finished: BTreeMap<String, DebugId>,
    /// Scripts that are not sent: a bundle without a map of theirs is of no use, and a newer one stands
    /// before the one that has it.
    pub(super) unsent: BTreeSet<String>,
    /// Maps that were asked for, and that no script names.
    pub(super) orphans: Vec<BuildFile>,
    /// Files that cannot be read as text, and why.
    pub(super) unreadable: Vec<(String, String)>,
    /// What was found besides.
    pub(super) folder: BuildFolder,
}

/// What a script says of its map.
enum ScriptTrailer {
    Url(Option<String>),
    /// It names none, since an earlier run of ours deleted it.
    Finished(DebugId),
    Native(NativeBytes),
    /// It is JSON, whatever its name says.
    Data,
    Unreadable(String),
}

impl FileGroups {
    /// Looks for scripts and maps.
    ///
    /// # Errors
    ///
    /// A path that is not there; no script at all, or none with a map, unless that is allowed.
    pub(super) fn find(inputs: &SourcemapInputs) -> Result<Self> {
        let rules = IgnoreRules::new(inputs.ignored.iter().map(String::as_str));
        let folder = BuildFolder::find(&inputs.paths, &rules)?;
        let scripts: Vec<_> = folder.scripts.iter().collect();
        let trailers = parallel::map(&scripts, |(_, script)| read_trailer(&script.file));
        let mut found = Self::default();
        let (mut named, mut left_alone, mut data) = (Vec::new(), Vec::new(), BTreeSet::new());
        for ((key, script), trailer) in scripts.into_iter().zip(trailers) {
            match trailer {
                ScriptTrailer::Url(url) => named.push((key.as_str(), script, url)),
                ScriptTrailer::Finished(id) => {
                    found.finished.insert(script.shown.clone(), id);
                    named.push((key.as_str(), script, None));
                }
                ScriptTrailer::Native(bytes) => {
                    left_alone.extend(found.add_native(script, bytes, &folder));
                }
                ScriptTrailer::Data => {
                    data.insert(script.file.clone());
                }
                ScriptTrailer::Unreadable(why) => {
                    found.unreadable.push((script.shown.clone(), why));
                }
            }
        }
        found.pair(&named, &folder);
        found.unsent = found.unmapped.iter().map(|(script, _)| script.clone()).collect();
        let unsent = &mut found.unsent;
        found.finished.retain(|script, _| inputs.delete && unsent.contains(script));
        unsent.retain(|script| !inputs.allow_empty || found.finished.contains_key(script));
        found.note_left_out(inputs);
        found.folder = folder;
        found.folder.left_alone.append(&mut left_alone);
        found.folder.others.append(&mut data);
        found.check(inputs)?;
        Ok(found)
    }

    fn pair(&mut self, named: &[(&str, &BuildFile, Option<String>)], folder: &BuildFolder) {
        let scripts: Vec<_> = named
            .iter()
            .map(|(path, _, url)| NamedScript { path, mapping_url: url.as_deref() })
            .collect();
        let maps: BTreeSet<_> = folder.maps.keys().map(String::as_str).collect();
        let roots: Vec<_> = folder.roots.iter().map(String::as_str).collect();
        let links = link_maps(&scripts, &maps, &roots);
        let mut shared: BTreeMap<String, FileGroup> = BTreeMap::new();
        for ((_, script, url), link) in named.iter().zip(links) {
            let script = (*script).clone();
            let why = match link {
                MapLink::File(map) => {
                    let group = shared.entry(map.clone()).or_default();
                    group.map = folder.maps.get(&map).cloned();
                    group.scripts.push(script);
                    continue;
                }
                MapLink::Inline => None,
                MapLink::Missing => Some(why_missing(&script, url.as_deref().unwrap_or_default())),
                MapLink::Unnamed => Some("it names no map".to_owned()),
                MapLink::Ambiguous(map) => {
                    let map = folder.maps.get(&map).map_or(map.as_str(), |map| &map.shown);
                    Some(format!("it names no map, and {map} may be another script's"))
                }
            };
            self.unmapped.extend(why.map(|why| (script.shown.clone(), why)));
            self.groups.push(FileGroup { scripts: vec![script], map: None });
        }
        let native = self.bytecode.iter().filter_map(|group| Some(key(&group.map.as_ref()?.file)));
        let taken: BTreeSet<_> = shared.keys().cloned().chain(native).collect();
        self.groups.extend(shared.into_values());
        self.groups.sort_by(|a, b| a.scripts[0].shown.cmp(&b.scripts[0].shown));
        let is_free = |(key, map): &(&String, &BuildFile)| {
            !taken.contains(*key)
                && folder.named_maps.contains(*key)
                && !map.shown.ends_with(".css.map")
        };
        self.orphans = folder.maps.iter().filter(is_free).map(|(_, map)| map.clone()).collect();
    }

    /// A script whose map is not uploaded leads nowhere.
    fn note_left_out(&mut self, inputs: &SourcemapInputs) {
        let why = format!("its map has none of the extensions {}", inputs.extensions.join(", "));
        let left_out = self.groups.iter().filter(|group| !group.is_mapped(inputs));
        let scripts = left_out.flat_map(|group| &group.scripts);
        self.unmapped.extend(scripts.map(|script| (script.shown.clone(), why.clone())));
    }

    fn check(&self, inputs: &SourcemapInputs) -> Result {
        match self.nothing(inputs) {
            Some(failure) if !inputs.allow_empty => Err(failure),
            _ => Ok(()),
        }
    }

    /// Why there is nothing to send, where that can be told from what was found.
    pub(super) fn nothing(&self, inputs: &SourcemapInputs) -> Option<Error> {
        let given = inputs.paths.join(", ");
        let groups = || self.groups.iter().chain(&self.bytecode);
        let scripts: usize = groups().map(|group| group.scripts.len()).sum();
        let alone = self.folder.left_alone.iter().map(|(file, bundle)| {
            (file.clone(), format!("it {}: {}", bundle.words(), bundle.advice()))
        });
        let alone: Vec<_> = alone.collect();
        let mut files = groups().flat_map(|group| group.scripts.iter().chain(&group.map));
        let message = match scripts {
            0 if !self.unreadable.is_empty() => return None,
            0 if alone.is_empty() => return Some(self.no_script(&given)),
            0 => format!("there is no script in {given} that can be uploaded: {}", listed(&alone)),
            count if count == self.unmapped.len() && self.finished.is_empty() => {
                format!("no script in {given} has a source map: {}", listed(&self.unmapped))
            }
            _ if self.finished.is_empty() && !files.any(|file| inputs.uploads(&file.below)) => {
                return Some(Self::no_extension(inputs));
            }
            _ => return None,
        };
        Some(Error::new(ErrorCode::NoSourcemaps, message))
    }

    fn no_script(&self, given: &str) -> Error {
        let message = format!("there is no script in {given}");
        let error = |message| Error::new(ErrorCode::NoSourcemaps, message);
        match only_links(&self.folder.outside) {
            Some((what, hint)) => error(format!("{message}: {what}")).with_hint(hint),
            None => error(message),
        }
    }

    /// That no file has an extension that is uploaded.
    pub(super) fn no_extension(inputs: &SourcemapInputs) -> Error {
        let (given, extensions) = (inputs.paths.join(", "), inputs.extensions.join(", "));
        let message =
            format!("no script and no map in {given} has one of the extensions {extensions}");
        Error::new(ErrorCode::NoSourcemaps, message)
    }
}

/// Why the map that a script names is not used.
fn why_missing(script: &BuildFile, url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let is_there = |path: &str| script.file.with_file_name(path).is_file();
    let is_relative = !path.is_empty() && !path.starts_with('/');
    match is_relative && (is_there(path) || is_there(&decoded)) {
        true if !path.ends_with(".map") => {
            format!("its map {url} is there, but finishline takes only names that end in .map")
        }
        true => format!(
            "its map {url} is there, but not among the files of `sourcemaps`: name its folder, too"
        ),
        false => format!("its map {url} is not there"),
    }
}

/// The text of a script or a map.
pub(super) fn read_text(path: &Path) -> Result<String, String> {
    String::from_utf8(read_bytes(path)?).map_err(|_| "it is not UTF-8 text".to_owned())
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, String> {
    linkless::read(path, MAX_FILE).map_err(|error| error.to_string())
}

fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

fn read_trailer(path: &Path) -> ScriptTrailer {
    let bytes = match read_bytes(path) {
        Ok(bytes) => bytes,
        Err(why) => return ScriptTrailer::Unreadable(why),
    };
    if let Some(bytes) = NativeBytes::of(&bytes) {
        return ScriptTrailer::Native(bytes);
    }
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return ScriptTrailer::Unreadable("it is not UTF-8 text".to_owned());
    };
    if is_json(text) {
        return ScriptTrailer::Data;
    }
    let url = trailer::mapping_url(text).map(|comment| comment.value);
    if url.is_none()
        && let Some(id) = finished_id(text)
    {
        return ScriptTrailer::Finished(id);
    }
    // Of a map inside the script only the scheme matters here.
    let is_long = |url: &&str| url.len() > 4096;
    ScriptTrailer::Url(url.map(|url| if is_long(&url) { &url[..5] } else { url }.to_owned()))
}
