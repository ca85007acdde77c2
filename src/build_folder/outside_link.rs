//! Links that lead out of a folder: what they lead to is not touched, so they are left out.

use crate::error::Warning;
use crate::text::quote;
use std::collections::BTreeSet;

/// Such a link, to a folder, a script or a source map.
pub(crate) struct OutsideLink {
    /// Its path as it was given, for a person.
    pub(super) shown: String,
    /// The folder that it leads to, or into.
    pub(super) folder: String,
}

impl OutsideLink {
    /// That it is left out.
    pub(super) fn warning(&self) -> Warning {
        let (link, folder) = (quote(&self.shown), quote(&self.folder));
        let message = format!(
            "{link} is a link to a place outside of the folder, and is left out: name {folder}, too, to take what is there"
        );
        Warning::new("left-out", message)
    }
}

/// How many links and folders a message names.
const NAMED: usize = 3;

/// That nothing but links is there, and what to name in their place; none where there is no link.
pub(crate) fn only_links(links: &[OutsideLink]) -> Option<(String, String)> {
    let folders: BTreeSet<_> = links.iter().map(|link| link.folder.as_str()).collect();
    let named = |paths: &mut dyn Iterator<Item = &str>| {
        paths.take(NAMED).map(quote).collect::<Vec<_>>().join(", ")
    };
    let shown = named(&mut links.iter().map(|link| link.shown.as_str()));
    let such = if links.len() > NAMED { ", such as" } else { ":" };
    let what = format!("links to places outside of the folder are left out{such} {shown}");
    let hint = format!("name the folder that they lead to: {}", named(&mut folders.into_iter()));
    (!links.is_empty()).then_some((what, hint))
}
