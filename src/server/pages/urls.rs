//! The addresses of pages.

use crate::text::segment;

/// The list of an organization's integrations.
pub(crate) fn integrations(org: &str) -> String {
    format!("/settings/{}/integrations/", segment(org))
}

/// The page of one.
pub(crate) fn integration(org: &str, key: &str, id: i64) -> String {
    format!("{}{}/{id}/", integrations(org), segment(key))
}

/// The page that sets one up.
pub(crate) fn set_up(org: &str, key: &str) -> String {
    format!("/organizations/{}/integrations/{}/setup/", segment(org), segment(key))
}

/// The list of an organization's releases.
pub(crate) fn releases(org: &str) -> String {
    format!("/organizations/{}/releases/", segment(org))
}

/// The page of one.
pub(crate) fn release(org: &str, version: &str) -> String {
    format!("{}{}/", releases(org), segment(version))
}
