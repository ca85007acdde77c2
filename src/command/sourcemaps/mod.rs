//! Source maps: found, looked at, injected, uploaded, proven. Nothing on disk changes before every file
//! was looked at, and no bundle is put together before its files are on disk.

mod accepted_groups;
mod bundle_file;
mod bundled_frame;
mod doubts;
mod earlier_changes;
mod examine;
mod explain;
mod finished;
mod groups;
mod held_backend;
mod left_maps;
mod mismatches;
mod native_bundles;
mod plan;
mod settle;
mod sources;
mod unreported;
mod upload;
mod write;

use super::RunContext;
use crate::build_folder::{BuildFolder, HashIndex, neighbours};
use crate::error::{Error, ErrorCode, Result, Warning};
use crate::inputs::sourcemaps::SourcemapInputs;
use crate::inputs::{Inputs, missing};
use crate::model::OrgSlug;
use crate::os::replaced_files::ReplacedFiles;
use crate::os::{activity, linkless, parallel};
use crate::outcome::Outcome;
use crate::outcome::sourcemaps::{SourcemapProgress, counted, listed};
use crate::release::ReleaseVersion;
use crate::sourcemap::bundle::BundleTarget;
use crate::text::quote;
use accepted_groups::AcceptedGroups;
use bundle_file::{BundleDraft, BundleFile};
use examine::{FileExaminer, GroupChange};
use groups::{FileGroup, FileGroups};
pub(super) use left_maps::warn_of_left_maps;
use std::collections::BTreeSet;
use std::iter::Peekable;
use std::path::PathBuf;
use tokio::time::Instant;

/// How many groups are at work before a signal is heard.
const BATCH: usize = 512;
/// How many are written before it is, and before what is sent meanwhile goes on.
const WRITTEN_BATCH: usize = 64;
/// About how many bytes their files have, so that memory does not grow with the folder.
const BATCH_SIZE: u64 = 32 * 1024 * 1024;

/// Source maps that were found and not looked at yet.
pub(crate) struct FoundSourcemaps<'a> {
    inputs: &'a SourcemapInputs,
    files: FileGroups,
    /// Whether they are to be sent, and not only injected.
    are_sent: bool,
}

/// Source maps that were looked at: what is to be written and to be sent.
pub(crate) struct ExaminedSourcemaps<'a> {
    inputs: &'a SourcemapInputs,
    groups: Vec<FileGroup>,
    /// The number of scripts that each group has in `progress`, and what changes of it.
    changes: Vec<(usize, GroupChange)>,
    files: FileGroups,
    target: BundleTarget,
    bundle: BundleFile,
    /// Which files hold a hash of another.
    index: HashIndex,
    /// Whether they are kept on this machine for want of a token, and not because that was asked for.
    stays_here: bool,
    /// The maps that were deleted, and scripts with one inside.
    deleted: BTreeSet<PathBuf>,
    /// How far it is.
    pub(crate) progress: SourcemapProgress,
}

impl<'a> FoundSourcemaps<'a> {
    /// Looks for the files; none where no source maps are asked for.
    pub(crate) fn find(inputs: &'a SourcemapInputs) -> Result<Option<Self>> {
        let find = || {
            let _shown = activity::begin(|| "looking for scripts and source maps".to_owned());
            FileGroups::find(inputs).map(|files| Self { inputs, files, are_sent: true })
        };
        inputs.is_requested().then(find).transpose()
    }

    /// Every file that is read, or may be written.
    pub(crate) fn files(&self) -> BTreeSet<PathBuf> {
        let FileGroups { groups, bytecode, orphans, folder, .. } = &self.files;
        let groups = groups.iter().chain(bytecode);
        let grouped = groups.flat_map(|group| group.scripts.iter().chain(&group.map));
        let found = grouped.chain(orphans).map(|one| &one.file);
        let others = folder.others.iter().filter(|other| neighbours::is_web_file(other));
        found.chain(others).chain(&folder.server_tables).cloned().collect()
    }

    /// Looks at each script and its map, and packs both.
    pub(crate) async fn examine(mut self, target: BundleTarget) -> Result<ExaminedSourcemaps<'a>> {
        let mut draft = BundleDraft::new(&target).map_err(|error| no_space(&error))?;
        let examiner = FileExaminer::new(self.inputs);
        let groups = std::mem::take(&mut self.files.groups);
        let mut accepted = AcceptedGroups::of(&self.files.folder);
        let (shown, total) =
            (activity::begin(|| "examining scripts and source maps".to_owned()), groups.len());
        let mut groups = groups.into_iter().peekable();
        while groups.peek().is_some() {
            // Here a signal and the deadline are heard.
            tokio::task::yield_now().await;
            shown.count(accepted.count(), total);
            let batch = next_batch(&mut groups);
            let examined = parallel::map(&batch, |group| examiner.examine(group));
            for (group, result) in batch.into_iter().zip(examined) {
                let added = accepted.add(&mut self.files, group, result, &mut draft);
                added.map_err(|error| no_space(&error))?;
            }
        }
        for group in &self.files.bytecode {
            let examined = examiner.bytecode(group, target.release.is_some() || !self.are_sent);
            accepted.add_bytecode(examined, &mut draft).map_err(|error| no_space(&error))?;
        }
        for orphan in self.files.orphans.iter().filter_map(|map| examiner.orphan(map)) {
            draft.add(&[orphan]).map_err(|error| no_space(&error))?;
        }
        let bundle = draft.finish().map_err(|error| no_space(&error))?;
        self.examined(accepted, bundle, target).refuse_nothing()
    }

    fn examined(
        mut self,
        accepted: AcceptedGroups,
        bundle: BundleFile,
        target: BundleTarget,
    ) -> ExaminedSourcemaps<'a> {
        let AcceptedGroups { groups, changes, mut index, mut progress, .. } = accepted;
        let BuildFolder { others, server_tables, .. } = &self.files.folder;
        neighbours::note_hashes(&mut index, others);
        neighbours::note_hashes(&mut index, server_tables);
        self.tell(&mut progress, &bundle, &accepted.without_text);
        progress.warnings.extend(accepted.strangers);
        let mut examined = ExaminedSourcemaps {
            inputs: self.inputs,
            groups,
            changes,
            files: self.files,
            target,
            bundle,
            index,
            stays_here: false,
            deleted: BTreeSet::new(),
            progress,
        };
        examined.warn_of_unreported();
        examined
    }

    fn tell(&mut self, progress: &mut SourcemapProgress, bundle: &BundleFile, lacks: &[String]) {
        progress.unmapped = std::mem::take(&mut self.files.unmapped);
        doubts::note(progress);
        progress.faults.append(&mut self.files.unreadable);
        progress.file_count = bundle.count;
        progress.bundle_size = bundle.uncut.size;
        progress.bundle_id = Some(bundle.uncut.id.clone());
        progress.warnings.extend(self.files.folder.warnings());
        if !progress.unmapped.is_empty() && self.inputs.allow_empty {
            let count = counted(progress.unmapped.len(), "script");
            let message = format!("{count} without a source map: {}", listed(&progress.unmapped));
            progress.warnings.push(Warning::new("sourcemaps-missing", message));
        }
        if let (Some(first), false) = (lacks.first(), self.inputs.strip_sources) {
            let message = format!(
                "{} without text in its map, such as {}: Sentry shows no code there",
                counted(lacks.len(), "source"),
                quote(first)
            );
            progress.warnings.push(Warning::new("sources-missing", message));
        }
        progress.warnings.extend(bundle.shared_urls.iter().map(|shared| {
            let [first, second] = &shared.files;
            let message = format!(
                "two files without a debug id have the URL {}, and Sentry finds only one of them: {} and {}; upload each folder with its own `url-prefix`",
                quote(&shared.url),
                quote(first),
                quote(second)
            );
            Warning::new("shared-url", message)
        }));
        let replaced = progress.scripts.iter().filter_map(|script| {
            let (old, id) = (script.replaced_id.as_ref()?, script.id.as_ref()?);
            Some(format!(
                "{} had two debug ids: {id} is kept, which it reports, and not {old}",
                quote(&script.path)
            ))
        });
        let replaced: Vec<_> =
            replaced.map(|message| Warning::new("debug-id-replaced", message)).collect();
        progress.warnings.extend(replaced);
    }
}

impl ExaminedSourcemaps<'_> {
    /// Whether a file is to be written.
    fn has_changes(&self) -> bool {
        self.changes.iter().any(|(_, change)| !change.is_none())
    }

    /// Writes the ids into the files on disk.
    pub(crate) async fn write(&mut self) -> Result {
        let mut rest = self.progress.scripts.as_slice();
        let mut changed = Vec::new();
        for (group, (count, change)) in self.groups.iter().zip(&self.changes) {
            let (scripts, others) = rest.split_at(*count);
            rest = others;
            if !change.is_none() {
                changed.push(write::ChangedGroup { group, scripts, change });
            }
        }
        let groups: Vec<_> = changed.iter().map(|changed| changed.group).collect();
        write::check_folders(&groups)?;
        // What cannot be removed is in nobody's way.
        self.files.folder.drafts.iter().for_each(|draft| drop(linkless::remove_abandoned(draft)));
        let mut written = self.earlier_changes();
        self.drop_foreign_copies(&mut written)?;
        let earlier = written.files.len();
        let shown = activity::begin(|| "writing debug ids".to_owned());
        let replaced = ReplacedFiles::default();
        for (number, batch) in from_two_ends(&changed).chunks(WRITTEN_BATCH).enumerate() {
            tokio::task::yield_now().await;
            shown.count(number * WRITTEN_BATCH, changed.len());
            written.extend(write::write(batch, &self.index, &replaced)?);
        }
        replaced.let_go();
        self.progress.written = written.files.len() - earlier;
        self.settle_neighbours(written)
    }
}

impl RunContext<'_> {
    /// `finishline sourcemaps`: without a release of its own.
    pub(crate) async fn sourcemaps(&self, inputs: &Inputs, deadline: Instant) -> Result<Outcome> {
        let (target, found) = self.requested_sourcemaps(inputs)?;
        let mut examined = found.examine(target).await?;
        if inputs.dry_run {
            examined.plan(self, inputs, deadline).await;
            return Ok(examined.progress.planned(inputs.sourcemaps.allow_empty));
        }
        let result = async {
            examined.write_and_send(self, inputs, deadline).await?;
            examined.delete_maps()
        };
        let result = result.await;
        examined.note_left_maps();
        Ok(examined.progress.ended(result))
    }

    /// `sentry-cli sourcemaps inject`: what an upload begins with.
    pub(crate) async fn inject(&self, inputs: &Inputs) -> Result<Outcome> {
        let found = FoundSourcemaps::find(&inputs.sourcemaps)?.ok_or_else(nothing_asked)?;
        let found = FoundSourcemaps { are_sent: false, ..found };
        let mut examined = found.examine(BundleTarget::default()).await?;
        let progress = &mut examined.progress;
        progress.bundle_id = None;
        if inputs.dry_run {
            return Ok(examined.progress.planned(inputs.sourcemaps.allow_empty));
        }
        let result = examined.write().await;
        let result = result.and_then(|()| {
            examined.progress.failure(inputs.sourcemaps.allow_empty).map_or(Ok(()), Err)
        });
        Ok(examined.progress.injected(result))
    }

    /// Everything that must be known, with all mistakes in it at once.
    fn requested_sourcemaps<'a>(
        &self,
        inputs: &'a Inputs,
    ) -> Result<(BundleTarget, FoundSourcemaps<'a>)> {
        let backend = inputs.backend(self.job);
        let release = ReleaseVersion::named(&inputs.release).transpose();
        let found = FoundSourcemaps::find(&inputs.sourcemaps)
            .and_then(|found| found.ok_or_else(nothing_asked));
        let projects = &inputs.release.projects;
        match (backend, &inputs.org, release, found) {
            (Ok(_), Some(org), Ok(release), Ok(found)) if !projects.is_empty() => {
                let target = bundle_target(inputs, org, release.as_ref());
                Ok((target, found))
            }
            (backend, org, release, found) => {
                let no_org = org.is_none().then(missing::org);
                let no_project = projects.is_empty().then(missing::projects);
                let mistakes = [backend.err(), no_org, no_project, release.err(), found.err()];
                let mistakes = mistakes.into_iter().flatten().collect();
                Err(Error::combine(mistakes).expect("one of the five is a mistake"))
            }
        }
    }
}

/// The first and the middle one, those behind them, and so on: two threads that make files of one folder wait for
/// each other.
fn from_two_ends<T>(items: &[T]) -> Vec<&T> {
    let (front, back) = items.split_at(items.len().div_ceil(2));
    let pairs = front.iter().enumerate().map(|(at, one)| [Some(one), back.get(at)]);
    pairs.flatten().flatten().collect()
}

/// The groups that are looked at before what came of them is written down.
fn next_batch(groups: &mut Peekable<impl Iterator<Item = FileGroup>>) -> Vec<FileGroup> {
    let (mut batch, mut size) = (Vec::new(), 0);
    while batch.len() < BATCH && size < BATCH_SIZE {
        let Some(group) = groups.next() else { break };
        size += group.size();
        batch.push(group);
    }
    batch
}

/// What the source maps are uploaded for.
pub(super) fn bundle_target(
    inputs: &Inputs,
    org: &OrgSlug,
    release: Option<&ReleaseVersion>,
) -> BundleTarget {
    BundleTarget {
        organization: org.to_string(),
        projects: inputs.release.projects.clone(),
        release: release.map(ToString::to_string),
        dist: inputs.sourcemaps.dist.clone(),
    }
}

fn nothing_asked() -> Error {
    Error::new(ErrorCode::NoSourcemaps, "no folder with source maps is named")
        .with_hint("name the folder that the build wrote: `finishline sourcemaps dist`")
}

fn no_space(error: &std::io::Error) -> Error {
    let message = format!("cannot write the bundle to a temporary file: {error}");
    Error::new(ErrorCode::OutputsUnwritable, message)
        .with_hint("set TMPDIR to a folder with room for the packed scripts and source maps")
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_item_is_taken_once_from_either_half() {
        assert_eq!(super::from_two_ends(&[1, 2, 3, 4, 5]), [&1, &4, &2, &5, &3]);
        assert!(super::from_two_ends::<u8>(&[]).is_empty());
    }
}
