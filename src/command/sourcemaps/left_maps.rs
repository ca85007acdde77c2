//! Maps that are still on disk when a run ends, whichever way it ends: what is deployed next has them.

use super::ExaminedSourcemaps;
use super::examine::holds_maps;
use super::groups::{FileGroups, read_text};
use crate::build_folder::stray_maps::{has_inline_map, is_beside_its_map, names, names_a_map};
use crate::build_folder::{BuildFile, BuildFolder};
use crate::command::{Command, RunContext};
use crate::error::{ExitCode, Warning};
use crate::inputs::sourcemaps::SourcemapInputs;
use crate::os::parallel;
use crate::outcome::sourcemaps::{counted, named};
use crate::outcome::{Outcome, OutcomeStatus};
use std::collections::BTreeSet;

impl ExaminedSourcemaps<'_> {
    /// Names the maps that would be published.
    pub(crate) fn note_left_maps(&mut self) {
        let maps = self.files.folder.maps.values().chain(self.inline_maps());
        let is_left = |map: &&BuildFile| !self.deleted.contains(&map.file) && map.file.exists();
        let left = maps.filter(is_left).map(|map| map.shown.clone());
        let left: Vec<_> = left.chain(stray_maps(&self.files.folder)).collect();
        let warning = published(&left, self.remedy());
        self.progress.warnings.extend(warning);
        let holders = self.progress.scripts.iter().filter(|script| script.holds_maps);
        let holders: Vec<_> = holders.map(|script| script.path.clone()).collect();
        self.progress.warnings.extend(held(&holders));
    }

    /// Names the files that list maps which are gone.
    pub(super) fn note_listed_maps(&mut self) {
        let deleted = names(self.deleted.iter().filter(|file| !file.exists()));
        let scripts = self.groups.iter().flat_map(|group| &group.scripts).map(|one| &one.file);
        let texts: Vec<_> = self.files.folder.others.iter().chain(scripts).collect();
        let lists = match deleted.is_empty() {
            true => Vec::new(),
            false => parallel::map(&texts, |file| names_a_map(file, &deleted)),
        };
        let listed = texts.iter().zip(lists).filter(|(_, is_list)| *is_list);
        let listed: Vec<_> = listed.map(|(file, _)| self.files.folder.shown(file)).collect();
        let message = format!(
            "{} still naming a deleted source map, such as {}: whatever loads all that is listed there, as a service worker does, fails; leave the maps out of the list",
            counted(listed.len(), "file"),
            named(&listed)
        );
        let warning = (!listed.is_empty()).then(|| Warning::new("stale-files", message));
        self.progress.warnings.extend(warning);
    }

    fn remedy(&self) -> &'static str {
        let upload = &self.progress.upload;
        match (self.inputs.delete, self.inputs.wait) {
            (false, _) => "set `delete-sourcemaps: true`, or do not deploy them",
            _ if self.stays_here => {
                "`delete-sourcemaps` deletes them only once a Sentry has them, and without a token nothing is sent: set `auth-token`, or `backend: embedded` to delete them all the same"
            }
            (true, false) => {
                "`delete-sourcemaps` deletes them only once Sentry has processed the upload; leave `sourcemaps-wait` at `true`"
            }
            _ if !upload.is_complete => NOT_UPLOADED,
            _ if self.progress.failure(self.inputs.allow_empty).is_some() => {
                "`delete-sourcemaps` deletes nothing while other files are at fault, as said above: mend those and run this step again, or do not deploy the maps"
            }
            _ if !upload.is_settled() => {
                "`delete-sourcemaps` deletes them only once every project is known to find them: run this step again, or do not deploy them"
            }
            _ if self.has_unreported() => {
                "`delete-sourcemaps` deletes only maps that Sentry can match with events: leave `inject` at `true`, set `release`, or do not deploy them"
            }
            _ if self.files.bytecode.iter().any(|group| group.map.is_some()) => {
                "`delete-sourcemaps` deletes only the maps of scripts that were uploaded, and keeps those of bytecode, for the next run to upload; delete these yourself, or do not deploy them"
            }
            _ => {
                "`delete-sourcemaps` deletes only the maps of scripts that were uploaded; delete these yourself, or do not deploy them"
            }
        }
    }

    /// The scripts with their map inside.
    pub(super) fn inline_maps(&self) -> impl Iterator<Item = &BuildFile> {
        let mapped = self.progress.scripts.iter().filter(|script| script.frame.is_some());
        let mapped: BTreeSet<_> = mapped.map(|script| script.path.as_str()).collect();
        let alone = self.groups.iter().filter(|group| group.map.is_none());
        let scripts = alone.flat_map(|group| &group.scripts);
        scripts.filter(move |script| mapped.contains(script.shown.as_str()))
    }
}

/// What is to be done about maps that nobody has besides.
const NOT_UPLOADED: &str = "`delete-sourcemaps` deletes them only once Sentry has processed the upload: run this step again, or do not deploy them";

impl RunContext<'_> {
    /// An end that came before the source maps were looked at leaves them where they are.
    pub(in crate::command) fn with_left_maps(&self, mut outcome: Outcome) -> Outcome {
        if let Command::Run | Command::Sourcemaps | Command::Called(_) = self.command {
            let read = |path: &str| self.sinks.read(path);
            let inputs = SourcemapInputs::of_unread(self.raw_inputs, &read);
            warn_of_left_maps(&inputs, false, &mut outcome);
        }
        outcome
    }
}

/// Warns of the maps on disk, where a run ended without a word of its source maps.
pub(in crate::command) fn warn_of_left_maps(
    inputs: &SourcemapInputs,
    is_dry: bool,
    outcome: &mut Outcome,
) {
    let is_told = outcome.sourcemaps.is_some() || outcome.status == OutcomeStatus::Planned;
    // A mistake in the inputs comes first, and a run that was stopped walks through no folder.
    let has_time = !matches!(outcome.exit(), ExitCode::Inputs | ExitCode::Cancelled);
    if !inputs.is_requested() || is_dry || is_told || !has_time {
        return;
    }
    let remedy = match inputs.delete {
        true => NOT_UPLOADED,
        false => "nothing was uploaded: run this step again, or do not deploy them",
    };
    let lenient = SourcemapInputs { allow_empty: true, ..inputs.clone() };
    let Ok(found) = FileGroups::find(&lenient) else { return };
    outcome.warnings.extend(published(&maps_of(&found), remedy));
    outcome.warnings.extend(held(&map_holders(&found)));
}

/// The maps in these folders, and the scripts with one inside.
fn maps_of(found: &FileGroups) -> Vec<String> {
    let unmapped: BTreeSet<_> = found.unmapped.iter().map(|(script, _)| script).collect();
    let alone = found.groups.iter().filter(|group| group.map.is_none());
    let inline = alone.flat_map(|group| &group.scripts);
    let inline = inline.filter(|script| !unmapped.contains(&script.shown));
    let maps = found.folder.maps.values().chain(inline).map(|map| map.shown.clone());
    maps.chain(stray_maps(&found.folder)).collect()
}

/// The scripts that hold a map elsewhere than in their last comment.
fn map_holders(found: &FileGroups) -> Vec<String> {
    let scripts: Vec<_> = found.groups.iter().flat_map(|group| &group.scripts).collect();
    let hold = parallel::map(&scripts, |script| {
        read_text(&script.file).is_ok_and(|text| holds_maps(&text))
    });
    let holders = scripts.iter().zip(hold).filter(|(_, holds)| *holds);
    holders.map(|(script, _)| script.shown.clone()).collect()
}

/// Maps beside those of scripts: hidden ones, copies, and those inside of style sheets and
/// pages, and of scripts that were left out.
fn stray_maps(folder: &BuildFolder) -> impl Iterator<Item = String> {
    let stray = folder.stray_maps.iter().filter(|map| map.exists() && !is_beside_its_map(map));
    let styles = folder.others.iter().filter(|file| has_inline_map(file));
    stray.chain(styles).map(|file| folder.shown(file))
}

fn held(holders: &[String]) -> Option<Warning> {
    let message = format!(
        "{} with an inline source map that is not its last comment, such as {}: whoever gets the script gets the sources, and `delete-sourcemaps` leaves such a map; build what the script is put together of without inline source maps",
        counted(holders.len(), "script"),
        named(holders)
    );
    (!holders.is_empty()).then(|| Warning::new("sourcemaps-published", message))
}

fn published(left: &[String], remedy: &str) -> Option<Warning> {
    let message = format!(
        "{} left in the folder, such as {}: whoever gets the folder gets the sources; {remedy}",
        counted(left.len(), "source map"),
        named(left)
    );
    (!left.is_empty()).then(|| Warning::new("sourcemaps-published", message))
}
