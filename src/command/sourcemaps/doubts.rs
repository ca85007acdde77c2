//! What is to be said of scripts whose maps are taken all the same.

use crate::error::Warning;
use crate::outcome::sourcemaps::{SourcemapProgress, counted, named};
use crate::sourcemap::proof::ProofDoubt;
use crate::text::quote;

/// Says what is to be known of the places that maps lead to.
pub(super) fn note(progress: &mut SourcemapProgress) {
    note_sourceless(progress);
    let warnings = [other_sources(progress), other_scripts(progress)];
    progress.warnings.extend(warnings.into_iter().flatten());
}

/// Names scripts whose maps name no source: code that a bundler made by itself, or scripts without a map if there is no other.
fn note_sourceless(progress: &mut SourcemapProgress) {
    let scripts = progress.scripts.iter().filter(|script| script.is_sourceless);
    let sourceless: Vec<_> = scripts.map(|script| script.path.clone()).collect();
    if progress.scripts.iter().all(|script| script.frame.is_none()) {
        let why = |path| (path, "its source map leads to no source".to_owned());
        progress.unmapped.extend(sourceless.into_iter().map(why));
    } else if !sourceless.is_empty() {
        let message = format!(
            "{} whose source map leads to no source, such as {}: Sentry shows the code as it was built there",
            counted(sourceless.len(), "script"),
            named(&sourceless)
        );
        progress.warnings.push(Warning::new("sources-missing", message));
    }
}

/// The scripts that there is a doubt about, with that.
fn doubts(progress: &SourcemapProgress) -> impl Iterator<Item = (&str, &ProofDoubt)> {
    let scripts = progress.scripts.iter();
    scripts.filter_map(|script| Some((&*script.path, script.frame.as_ref()?.doubt.as_ref()?)))
}

/// Names a source that has another text in the map than the map was made of.
fn other_sources(progress: &SourcemapProgress) -> Option<Warning> {
    let mut sources = doubts(progress).filter_map(|(_, doubt)| match doubt {
        ProofDoubt::OtherSource(source) => Some(source),
        ProofDoubt::OtherScript => None,
    });
    let first = sources.next()?;
    let message = format!(
        "{} whose source map holds another text of a source than it was made of, such as {}: Sentry shows wrong lines of it",
        counted(1 + sources.count(), "script"),
        quote(first)
    );
    Some(Warning::new("sources-differ", message))
}

/// Names scripts whose maps may be those of others.
fn other_scripts(progress: &SourcemapProgress) -> Option<Warning> {
    let is_other = |(_, doubt): &(&str, &ProofDoubt)| **doubt == ProofDoubt::OtherScript;
    let scripts = doubts(progress).filter(is_other).map(|(script, _)| script.to_owned());
    let scripts: Vec<_> = scripts.collect();
    let message = || {
        format!(
            "{} that the source map does not fit, or not everywhere, such as {}: it is another script's, or the script was changed after the build, and Sentry shows wrong lines",
            counted(scripts.len(), "script"),
            named(&scripts)
        )
    };
    (!scripts.is_empty()).then(|| Warning::new("map-unfit", message()))
}
