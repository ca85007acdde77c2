//! What may be pruned by a run over a manifest, as it was read before anything began.

use crate::error::{Error, ErrorCode};
use crate::inputs::raw::RawInputs;
use crate::manifest::{EMBEDDED, KeySources, ManagedIntegration, ManagedRecord, server_key};
use crate::os::paths::FileIdentity;
use crate::text::quote;
use std::path::Path;

/// What was managed before, and how its servers are reached.
pub(crate) struct PruneScope {
    /// The file of the record.
    pub(super) path: String,
    pub(super) record: ManagedRecord,
    /// By server and organization, what reaches it.
    pub(super) access: Vec<((String, String), RawInputs)>,
    /// Whether the manifest itself names each organization. Where a variable or a flag does, another run
    /// has another one.
    pub(super) names_orgs: bool,
    /// The same of each server. The embedded backend's file is none of the manifest's.
    pub(super) names_servers: bool,
}

impl PruneScope {
    /// Whether its organization may have another slug now: no entry names the recorded one, and the integration is
    /// in another. A Sentry has one id for what two organizations share, too.
    pub(super) fn may_be_renamed(
        &self,
        one: &ManagedIntegration,
        current: &[ManagedIntegration],
    ) -> bool {
        let own = server_key(&one.server);
        let is_reached = |((server, org), _): &((String, String), RawInputs)| {
            server_key(server) == own && *org == one.org
        };
        !self.access.iter().any(is_reached) && current.iter().any(|now| one.is_in_other_org(now))
    }

    /// What is left of organizations that may have another slug now.
    pub(super) fn renamed(&self, kept: &[ManagedIntegration]) -> Option<String> {
        let left: Vec<_> = kept.iter().filter(|one| self.may_be_renamed(one, kept)).collect();
        let org = quote(&left.first()?.org);
        let count = left.len();
        Some(format!(
            "{count} of the record stay: the integrations of organization {org} are those of another one now. If it was \
             renamed, write its new slug into the record; if not, name {org} in an entry or in `defaults:`"
        ))
    }

    /// What is left of servers that this run does not reach, as another one may.
    pub(super) fn unreached(&self, kept: &[ManagedIntegration]) -> Option<String> {
        let is_reached = |one: &&ManagedIntegration| {
            let own = server_key(&one.server);
            self.access.iter().any(|((server, _), _)| server_key(server) == own)
        };
        let left: Vec<_> = kept.iter().filter(|one| !is_reached(one)).collect();
        let server = quote(&left.first()?.server);
        let count = left.len();
        Some(format!("{count} of the record are at servers that this run does not reach: {server}"))
    }

    /// Whether this run can tell that the manifest names it no longer.
    pub(super) fn includes(&self, one: &ManagedIntegration) -> bool {
        let own = server_key(&one.server);
        let mut reached = self.access.iter().filter(|((server, _), _)| server_key(server) == own);
        let is_named = self.names_servers && !own.starts_with(EMBEDDED);
        match self.names_orgs {
            true => is_named || reached.next().is_some(),
            false => reached.any(|((_, org), _)| *org == one.org),
        }
    }
}

/// What another run may name otherwise, so that it would remove what this one sets.
pub(super) fn varying_keys(sources: &KeySources) -> impl Iterator<Item = Error> {
    let links = ["repositories", "code-mappings"].into_iter();
    let varying = links.filter(|key| sources.is_variable(key)).map(|key| (key, ""));
    let org = ("org", " in one entry and not in another");
    let varying = varying.chain(Some(org).filter(|(key, _)| sources.is_mixed(key)));
    varying.map(|(key, where_else)| {
        let message = format!(
            "with `prune: true`, `{key}` may not come from a variable{where_else}: a run with another value \
             would remove what this one sets"
        );
        let hint = "write the value into the manifest, or give each value a manifest of its own";
        Error::new(ErrorCode::BadManifest, message).with_hint(hint)
    })
}

/// The place of a backend as the record at this path has it. A file of the embedded one is known by where
/// it is, whichever way it is named and whether it is there yet; below the record's folder, by the way
/// from there, since a checkout may be anywhere.
pub(super) fn recorded_place(place: &str, record: &str) -> String {
    let Some(file) = place.strip_prefix(EMBEDDED) else { return place.to_owned() };
    let record = FileIdentity::of(Path::new(record));
    let file = FileIdentity::of(Path::new(file));
    let folder = record.path().parent().unwrap_or(Path::new(""));
    let shown = file.path().strip_prefix(folder).unwrap_or(file.path());
    format!("{EMBEDDED}{}", shown.to_string_lossy())
}

/// The same of a place that the record at this path has.
pub(super) fn read_place(place: &str, record: &str) -> String {
    let Some(file) = place.strip_prefix(EMBEDDED) else { return place.to_owned() };
    let folder = Path::new(record).parent().unwrap_or(Path::new(""));
    recorded_place(&format!("{EMBEDDED}{}", folder.join(file).to_string_lossy()), record)
}
