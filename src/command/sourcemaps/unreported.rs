//! Scripts of which no event names a debug id, in an upload without a release: Sentry can match neither.

use super::ExaminedSourcemaps;
use super::groups::FileGroup;
use crate::error::Warning;
use crate::outcome::sourcemaps::{ExaminedScript, counted, named};
use std::collections::BTreeSet;

impl ExaminedSourcemaps<'_> {
    /// Names them.
    pub(super) fn warn_of_unreported(&mut self) {
        let unreported: Vec<_> = self.unreported().map(|script| script.path.clone()).collect();
        let message = || {
            format!(
                "{} without a debug id in its code, such as {}, and no release is named: Sentry has nothing to match events with their source maps by; leave `inject` at `true`, or set `release`",
                counted(unreported.len(), "script"),
                named(&unreported)
            )
        };
        let warning =
            (!unreported.is_empty()).then(|| Warning::new("debug-id-unreported", message()));
        self.progress.warnings.extend(warning);
    }

    fn unreported(&self) -> impl Iterator<Item = &ExaminedScript> {
        let has_release = self.target.release.is_some();
        let mapped = self.progress.scripts.iter().filter(|script| script.frame.is_some());
        mapped.filter(move |script| !has_release && !script.is_reported)
    }

    /// Whether there is one.
    pub(super) fn has_unreported(&self) -> bool {
        self.unreported().next().is_some()
    }

    /// The groups whose maps may go once they are uploaded.
    pub(super) fn deletable(&self) -> Vec<&FileGroup> {
        let unreported: BTreeSet<_> =
            self.unreported().map(|script| script.path.as_str()).collect();
        let is_reported = |group: &&FileGroup| {
            group.scripts.iter().all(|script| !unreported.contains(script.shown.as_str()))
        };
        let mapped = self.groups.iter().filter(|group| group.is_mapped(self.inputs));
        mapped.filter(is_reported).collect()
    }
}
