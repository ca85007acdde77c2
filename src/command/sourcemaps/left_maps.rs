//! Maps that are still on disk when a run ends, whichever way it ends: what is deployed next has them.

use super::ExaminedSourcemaps;
use super::groups::FileGroups;
use crate::build_folder::BuildFile;
use crate::command::{Command, RunContext};
use crate::error::{ExitCode, Warning};
use crate::inputs::sourcemaps::SourcemapInputs;
use crate::outcome::sourcemaps::{counted, named};
use crate::outcome::{Outcome, OutcomeStatus};
use std::collections::BTreeSet;

impl ExaminedSourcemaps<'_> {
    /// Names the maps that would be published.
    pub(crate) fn note_left_maps(&mut self) {
        let maps = self.files.folder.maps.values().chain(self.inline_maps());
        let is_left = |map: &&BuildFile| !self.deleted.contains(&map.file) && map.file.exists();
        let left: Vec<_> = maps.filter(is_left).map(|map| map.shown.clone()).collect();
        let warning = published(&left, self.remedy());
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
            _ if !upload.is_settled() => {
                "`delete-sourcemaps` deletes them only once every project is known to find them: run this step again, or do not deploy them"
            }
            _ if self.has_unreported() => {
                "`delete-sourcemaps` deletes only maps that Sentry can match with events: leave `inject` at `true`, set `release`, or do not deploy them"
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
    let warning = published(&maps_of(inputs), remedy);
    outcome.warnings.extend(warning);
}

/// The maps in these folders, and the scripts with one inside.
fn maps_of(inputs: &SourcemapInputs) -> Vec<String> {
    let lenient = SourcemapInputs { allow_empty: true, ..inputs.clone() };
    let Ok(found) = FileGroups::find(&lenient) else { return Vec::new() };
    let unmapped: BTreeSet<_> = found.unmapped.iter().map(|(script, _)| script).collect();
    let alone = found.groups.iter().filter(|group| group.map.is_none());
    let inline = alone.flat_map(|group| &group.scripts);
    let inline = inline.filter(|script| !unmapped.contains(&script.shown));
    found.folder.maps.values().chain(inline).map(|map| map.shown.clone()).collect()
}

fn published(left: &[String], remedy: &str) -> Option<Warning> {
    let message = format!(
        "{} left in the folder, such as {}: whoever gets the folder gets the sources; {remedy}",
        counted(left.len(), "source map"),
        named(left)
    );
    (!left.is_empty()).then(|| Warning::new("sourcemaps-published", message))
}
