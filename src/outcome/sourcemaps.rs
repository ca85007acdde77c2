//! What became of source maps, in words.

use super::changes::{ChangeAction, ChangedKind, PlanComparison, PlannedPlace};
use super::{Outcome, OutcomeStatus};
use crate::error::{Error, ErrorCode, Warning};
use crate::sourcemap::debug_id::DebugId;
use crate::sourcemap::proof::ProvenFrame;
use crate::sourcemap::upload::UploadProgress;
use crate::text::quote;

/// How many files a text names before it only counts.
const NAMED: usize = 10;
/// How many places show that scripts lead to their sources.
const SHOWN: usize = 3;

/// The end of a run that is content with no script.
const NOTHING_FOUND: &str = "no file that can be uploaded was found, so nothing is uploaded";

/// A script that was looked at.
#[derive(Clone, Debug)]
pub struct ExaminedScript {
    /// Its path as it was given.
    pub path: String,
    /// Its debug id.
    pub id: Option<DebugId>,
    /// Whether it gets that id by this run.
    pub is_new: bool,
    /// Whether it tells its id while it runs, and not only in a comment.
    pub is_reported: bool,
    /// Whether it has code, and its map leads to no source by right.
    pub is_sourceless: bool,
    /// Whether it holds a map elsewhere than in its last comment.
    pub holds_maps: bool,
    /// An id that it had besides.
    pub replaced_id: Option<DebugId>,
    /// A place of it that leads to its source.
    pub frame: Option<ProvenFrame>,
}

/// How far source maps are: a failure leaves here what was done.
#[derive(Debug, Default)]
pub struct SourcemapProgress {
    /// The scripts.
    pub scripts: Vec<ExaminedScript>,
    /// How many files the bundle has.
    pub file_count: u64,
    /// The bytes of the bundle.
    pub bundle_size: u64,
    /// The bundle's id.
    pub bundle_id: Option<DebugId>,
    /// How many files on disk are different now.
    pub written: usize,
    /// How far the upload is.
    pub upload: UploadProgress,
    /// How many maps were deleted.
    pub deleted: usize,
    /// Maps that a run would delete.
    pub to_delete: Vec<String>,
    /// Files that a run would write anew, since they hold a hash or a packed copy of a script.
    pub to_refresh: Vec<String>,
    /// Whether a plan heard that the backend has all of it, and no script would change.
    pub is_known: bool,
    /// Files that are left as they are because of a fault, and which.
    pub faults: Vec<(String, String)>,
    /// Scripts without a map, and why.
    pub unmapped: Vec<(String, String)>,
    /// How many scripts an earlier run uploaded, whose maps it deleted.
    pub finished: usize,
    /// What the reader should know.
    pub warnings: Vec<Warning>,
}

/// The source maps that a run is about.
#[derive(Clone, Debug, Default)]
pub struct SourcemapOutcome {
    /// How many scripts can be led back to their sources.
    pub count: u64,
    /// The id of the bundle, once the backend has it.
    pub bundle_id: Option<String>,
}

impl SourcemapProgress {
    /// Why the run fails although it was not stopped: files with faults, and scripts without a map
    /// where that is not allowed.
    pub fn failure(&self, allow_empty: bool) -> Option<Error> {
        let faulty = (!self.faults.is_empty()).then(|| {
            let message = format!(
                "{} left without debug ids: {}",
                counted(self.faults.len(), "file"),
                listed(&self.faults)
            );
            Error::new(ErrorCode::BadSourcemap, message)
        });
        let lacking = (!self.unmapped.is_empty() && !allow_empty).then(|| {
            let count = counted(self.unmapped.len(), "script");
            let message = format!("{count} without a source map: {}", listed(&self.unmapped));
            Error::new(ErrorCode::NoSourcemaps, message).with_hint(
                "build them with source maps, leave them out with `sourcemaps-ignore`, or set `allow-unmapped: true`",
            )
        });
        Error::combine(faulty.into_iter().chain(lacking).collect())
    }

    /// The end of a run that only looked.
    pub fn planned(&self, allow_empty: bool) -> Outcome {
        let outcome = Outcome::new(OutcomeStatus::Planned, self.plan_line());
        self.beside_plan(outcome, allow_empty)
    }

    /// The end of a run, whatever it ended with.
    pub fn ended(&self, result: Result<(), Error>) -> Outcome {
        self.beside(match result {
            Ok(()) => Outcome::new(OutcomeStatus::Complete, self.headline()),
            Err(failure) => Outcome::failed(failure),
        })
    }

    /// The end of a run that uploads nothing.
    pub fn injected(&self, result: Result<(), Error>) -> Outcome {
        let fresh = self.scripts.iter().filter(|script| script.is_new).count();
        let known = self.scripts.iter().filter(|script| !script.is_new && script.id.is_some());
        let (scripts, known) = (counted(fresh, "script"), known.count());
        let headline = format!("{scripts} injected, {known} had a debug id");
        self.beside(match result {
            Ok(()) => Outcome::new(OutcomeStatus::Complete, headline),
            Err(failure) => Outcome::failed(failure),
        })
    }

    /// The end of a release, with what became of its source maps.
    pub fn beside(&self, mut outcome: Outcome) -> Outcome {
        outcome.changed |= self.upload.sent_chunks > 0 || self.written > 0 || self.deleted > 0;
        self.told(outcome)
    }

    /// The plan of a release, with what would become of its source maps.
    /// Files that a run would fail of make it fail.
    pub fn beside_plan(&self, mut outcome: Outcome, allow_empty: bool) -> Outcome {
        let line = self.plan_line();
        let mut comparison = PlanComparison::default();
        let (action, name, words) = self.planned_change();
        outcome.has_changes |= action != ChangeAction::Keep;
        comparison.begin(action, ChangedKind::Sourcemaps, &name, words);
        let bundle = self.bundle_id.as_ref().map(ToString::to_string);
        comparison.note("bundle", None, bundle.as_deref());
        for file in &self.to_refresh {
            comparison.note("renewed", Some(file), None);
        }
        let maps = comparison.finish(PlannedPlace::default());
        outcome.plan = Some(Box::new(outcome.plan.map_or(maps.clone(), |plan| plan.merge(maps))));
        outcome.details.extend(Some(line).filter(|line| outcome.headline != *line));
        if let (None, Some(failure)) = (&outcome.failure, self.failure(allow_empty)) {
            let details = [vec![outcome.headline], outcome.details].concat();
            outcome = Outcome { details, ..Outcome::failed(failure) };
        }
        self.told(outcome)
    }

    fn planned_change(&self) -> (ChangeAction, String, String) {
        let scripts = counted(self.scripts.len(), "script");
        match (self.is_known || self.file_count == 0, self.to_delete.len()) {
            (false, _) => {
                let words = format!("upload the source maps of {scripts}");
                (ChangeAction::Create, scripts, words)
            }
            (true, 0) if !self.to_refresh.is_empty() => {
                let files = counted(self.to_refresh.len(), "file");
                let words = format!("write {files} anew that an earlier run left outdated");
                (ChangeAction::Update, files, words)
            }
            (true, 0) => {
                let words = format!("keep the source maps of {scripts}");
                (ChangeAction::Keep, scripts, words)
            }
            (true, count) => {
                let maps = counted(count, "source map");
                let words = format!("delete {maps} on disk");
                (ChangeAction::Remove, maps, words)
            }
        }
    }

    fn plan_line(&self) -> String {
        if self.is_known {
            let scripts = counted(self.scripts.len(), "script");
            return format!(
                "source maps of {scripts} are found by their debug ids, and no script would change"
            );
        }
        if self.file_count == 0 {
            return self.nothing_sent();
        }
        let fresh = self.scripts.iter().filter(|script| script.is_new).count();
        let (scripts, size) = (self.mapped_scripts(), size(self.bundle_size));
        format!("source maps of {scripts} would be uploaded ({size}), {fresh} would get a debug id")
    }

    fn nothing_sent(&self) -> String {
        self.sent_earlier().unwrap_or_else(|| NOTHING_FOUND.to_owned())
    }

    fn sent_earlier(&self) -> Option<String> {
        let scripts = counted(self.finished, "script");
        let line = format!("source maps of {scripts} were uploaded by an earlier run, and deleted");
        (self.finished > 0).then_some(line)
    }

    fn told(&self, mut outcome: Outcome) -> Outcome {
        let is_new = |line: &String| outcome.headline != *line && !outcome.details.contains(line);
        let earlier = self.sent_earlier().filter(is_new);
        outcome.details.extend(earlier.into_iter().chain(self.details()));
        outcome.warnings.extend(self.warnings.iter().cloned());
        let id = self.bundle_id.as_ref().filter(|_| self.upload.is_complete);
        outcome.sourcemaps = Some(SourcemapOutcome {
            count: self.scripts.iter().filter(|script| script.frame.is_some()).count() as u64,
            bundle_id: id.map(|id| id.as_str().to_owned()),
        });
        outcome
    }

    fn headline(&self) -> String {
        if self.file_count == 0 {
            return self.nothing_sent();
        }
        let scripts = self.mapped_scripts();
        match (self.upload.is_complete, self.upload.sent_chunks > 0) {
            (true, true) => format!("source maps of {scripts} uploaded"),
            (true, false) => format!("source maps of {scripts} are uploaded, nothing to do"),
            (false, _) => format!("source maps of {scripts} sent, and not waited for"),
        }
    }

    /// The scripts with a map, and those without one beside them.
    fn mapped_scripts(&self) -> String {
        let mapped = counted(self.scripts.len().saturating_sub(self.unmapped.len()), "script");
        match self.unmapped.len() {
            0 => mapped,
            others => format!("{mapped} and {} without one", counted(others, "script")),
        }
    }

    fn details(&self) -> Vec<String> {
        let proven: Vec<_> = self.scripts.iter().filter_map(proof_line).collect();
        let mut details: Vec<_> = proven.iter().take(SHOWN).cloned().collect();
        if proven.len() > SHOWN {
            let more = counted(proven.len() - SHOWN, "script");
            details.push(format!("and {more} more, each with a place that leads to its source"));
        }
        if self.written > 0 {
            details.push(format!("{} injected on disk", counted(self.written, "file")));
        }
        if let Some(id) = self.bundle_id.as_ref().filter(|_| self.file_count > 0) {
            let found = match (self.upload.is_proven(), self.upload.untold.is_empty()) {
                (true, _) => ", and each project finds it by a debug id",
                (false, false) if self.upload.is_settled() => ", processed by Sentry's own account",
                _ => "",
            };
            let size = size(self.bundle_size);
            details.push(format!(
                "bundle {id}: {}, {size}{found}",
                counted(usize::try_from(self.file_count).unwrap_or(0), "file")
            ));
        }
        if !self.to_refresh.is_empty() {
            let (files, named) = (counted(self.to_refresh.len(), "file"), named(&self.to_refresh));
            details.push(format!(
                "{files} with the hash or a packed copy of a script would be written anew or deleted, such as {named}"
            ));
        }
        if !self.to_delete.is_empty() {
            let maps = counted(self.to_delete.len(), "source map");
            details.push(format!("{maps} would be deleted, such as {}", named(&self.to_delete)));
        }
        if self.deleted > 0 {
            details.push(format!("{} deleted", counted(self.deleted, "source map")));
        }
        details
    }
}

fn proof_line(script: &ExaminedScript) -> Option<String> {
    let frame = script.frame.as_ref()?;
    let ProvenFrame { line, column, source, original_line, .. } = frame;
    let id = script.id.as_ref().map(|id| format!(", debug id {id}")).unwrap_or_default();
    Some(format!("{} {line}:{column} → {source}:{original_line}{id}", script.path))
}

/// `file: why; file: why and 3 more`.
pub(crate) fn listed(files: &[(String, String)]) -> String {
    let named = files.iter().take(NAMED).map(|(file, why)| format!("{} ({why})", quote(file)));
    let named = named.collect::<Vec<_>>().join(", ");
    match files.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// The first of these files, each quoted.
pub(crate) fn named(files: &[String]) -> String {
    files.iter().take(NAMED).map(|file| quote(file)).collect::<Vec<_>>().join(", ")
}

pub(crate) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[expect(clippy::cast_precision_loss, reason = "a size for a person has two digits")]
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.0} KB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}
