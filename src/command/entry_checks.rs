//! What is looked at of a manifest's entries before one of them begins: each by itself, then all beside
//! one another.

use super::RunContext;
use super::entry_usage::EntryUsage;
use super::manifest::PreparedEntry;
use super::release::PreparedRelease;
use crate::error::{Error, ErrorCode, ExitCode, Result};
use crate::inputs::{Inputs, missing, page_as_url};
use crate::manifest::{self, ComparedEntry, ComparedRelease, ManifestEntry, ManifestSource};
use crate::text::yaml::LineColumn;
use tokio::time::Instant;

impl RunContext<'_> {
    /// The inputs of an entry, and what its release is compared by. What is no mistake of the file is its
    /// own end, later.
    fn check(
        &self,
        entry: &ManifestEntry,
        is_skipped: bool,
        deadline: Instant,
    ) -> Result<(Inputs, ComparedRelease)> {
        if is_skipped {
            let inputs = self.read_inputs(&entry.given.clone().without_state(), Vec::new())?;
            return Ok((inputs, ComparedRelease::default()));
        }
        let inputs = self.read_inputs(&entry.given, Vec::new())?;
        // What was typed has been warned about once.
        let typed = page_as_url(self.raw_inputs);
        if let Some(words) = page_as_url(&entry.given).filter(|words| typed.as_ref() != Some(words))
        {
            tracing::warn!("{words}");
        }
        if entry.has_errors {
            return Ok((inputs, ComparedRelease::default()));
        }
        let is_mistake = |one: &Error| one.code.exit() == ExitCode::Inputs;
        let release = match self.requested(&inputs, deadline) {
            Ok(jobs) => jobs.release.as_ref().map(PreparedRelease::compared).unwrap_or_default(),
            Err(failure) if failure.clone().into_each().iter().any(is_mistake) => {
                self.mask(std::iter::once(&inputs));
                return Err(failure);
            }
            Err(_) => ComparedRelease::default(),
        };
        Ok((inputs, release))
    }

    /// Each entry by itself, with what is used of it; the mistakes are added.
    pub(super) fn check_entries(
        &self,
        entries: Vec<ManifestEntry>,
        source: &ManifestSource,
        deadline: Instant,
        mistakes: &mut Vec<Error>,
    ) -> CheckedEntries {
        let mut checked = CheckedEntries::default();
        for entry in entries {
            let skipped_token = missing::skipped_token(&entry.given, self.job);
            match self.check(&entry, skipped_token.is_some(), deadline) {
                Ok((inputs, release)) => {
                    let usage = EntryUsage::new(&entry, &inputs, self.job);
                    checked.add(entry, inputs, skipped_token, usage);
                    checked.releases.push(release);
                }
                Err(failure) => {
                    let point = |one: Error| match one.code {
                        ErrorCode::NoToken => one,
                        _ => source.point(one, Some(entry.place)),
                    };
                    mistakes.extend(failure.into_each().into_iter().map(point));
                }
            }
        }
        checked
    }

    /// What the entries say twice.
    pub(super) fn duplicates(&self, checked: &CheckedEntries) -> Vec<Error> {
        let all = checked.entries.iter().zip(&checked.places).zip(&checked.releases);
        let compared: Vec<_> = all
            .map(|((entry, (place, mapping_places)), release)| ComparedEntry {
                key: entry.key(),
                place: *place,
                mapping_places,
                inputs: &entry.inputs,
                backend: entry.inputs.backend(self.job).ok(),
                release,
            })
            .collect();
        manifest::duplicates(&compared)
    }
}

/// The entries without a mistake of their own, and what was found of each and of all of them.
#[derive(Default)]
pub(super) struct CheckedEntries {
    pub(super) entries: Vec<PreparedEntry>,
    /// Where each of them and its code mappings begin.
    places: Vec<(LineColumn, Vec<LineColumn>)>,
    /// What the release of each is compared by.
    pub(super) releases: Vec<ComparedRelease>,
    /// The inputs that any of them uses and does not name itself.
    pub(super) used: Vec<&'static str>,
    /// The inputs that any of them could use and has nothing for.
    pub(super) lacking: Vec<&'static str>,
}

impl CheckedEntries {
    fn add(
        &mut self,
        entry: ManifestEntry,
        mut inputs: Inputs,
        skipped_token: Option<Error>,
        usage: EntryUsage,
    ) {
        self.used.extend(usage.shared);
        self.lacking.extend(usage.lacking);
        inputs.warnings.extend(usage.warnings);
        self.places.push((entry.place, entry.mapping_places));
        self.entries.push(PreparedEntry::new(entry.key, inputs, skipped_token));
    }
}
