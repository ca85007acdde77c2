//! Where a frame leads by a bundle that the server has.

use super::upload::IdLookup;
use crate::backend::sentry::bundle_files::BundleSearch;
use crate::error::{Error, ErrorCode, Result};
use crate::outcome::{Outcome, OutcomeStatus};
use crate::sourcemap::frame::StackFrame;
use crate::sourcemap::map_text::MapText;
use crate::sourcemap::resolve::{ResolvedFrame, resolve};
use crate::text::quote;

/// What the bundles of a project tell of a frame.
pub(super) enum BundledFrame {
    /// Where it leads, or which bundle has the script and why no more is known.
    Explained(Box<Outcome>),
    /// No bundle has the script.
    Nowhere,
    /// Not all bundles could be looked into.
    Unknown,
}

/// Looks for the script in the bundles of a project, and resolves the frame by its map.
pub(super) async fn explain(
    lookup: &mut IdLookup,
    project: &str,
    frame: &StackFrame,
    release: Option<&str>,
) -> Result<BundledFrame> {
    let url = frame.any_host();
    // What cannot be listed is no reason to fail: whether there is a file may be known without it.
    let search = lookup.bundled_script(project, &url, release).await;
    let found = match search.unwrap_or(BundleSearch::Unknown) {
        BundleSearch::Found(found) => found,
        BundleSearch::Nowhere => return Ok(BundledFrame::Nowhere),
        BundleSearch::Unknown => return Ok(BundledFrame::Unknown),
    };
    let id = found.id.map(|id| format!(", debug id {id}")).unwrap_or_default();
    let map = found.map.as_ref().map(|map| format!(", map {map}")).unwrap_or_default();
    let bundle = format!("{project} has it in bundle {}: script {url}{map}{id}", found.bundle);
    let map = match found.text {
        Ok(text) => text,
        Err(why) => {
            let details = vec![bundle, format!("where the line leads is not known: {why}")];
            let headline = format!("{project} has a file for {url}");
            let outcome = Outcome::new(OutcomeStatus::Complete, headline);
            return Ok(BundledFrame::Explained(Box::new(Outcome { details, ..outcome })));
        }
    };
    let ResolvedFrame { source, line, column, text } = resolved(&url, frame, &map)?;
    let headline = format!("{url} {}:{} → {source}:{line}:{column}", frame.line, frame.column);
    let code = text.map(|text| text.trim().to_owned());
    let code = code
        .unwrap_or_else(|| "the map does not hold the source, so Sentry shows no code".to_owned());
    let outcome = Outcome::new(OutcomeStatus::Complete, headline);
    Ok(BundledFrame::Explained(Box::new(Outcome { details: vec![code, bundle], ..outcome })))
}

fn resolved(url: &str, frame: &StackFrame, map: &str) -> Result<ResolvedFrame> {
    let bad = |why: String| {
        let message = format!("the uploaded source map of {}: {why}", quote(url));
        Error::new(ErrorCode::BadSourcemap, message)
    };
    let map = MapText::read(map).map_err(|fault| bad(fault.to_string()))?;
    map.check().map_err(|fault| bad(fault.to_string()))?;
    resolve(&map, frame.line, frame.column).ok_or_else(|| {
        bad(format!("{}:{} leads to no source", frame.line, frame.column)).with_hint(
            "the frame may be of another build of this script, or code that a bundler added",
        )
    })
}
