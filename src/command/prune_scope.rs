//! What may be pruned by a run over a manifest, as it was read before anything began.

use crate::inputs::raw::RawInputs;
use crate::manifest::{ManagedIntegration, ManagedRecord, server_key};

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
}

impl PruneScope {
    /// Whether this run can tell that the manifest names it no longer.
    pub(super) fn includes(&self, one: &ManagedIntegration) -> bool {
        let is_place = |((server, org), _): &((String, String), RawInputs)| {
            server_key(server) == server_key(&one.server) && *org == one.org
        };
        self.names_orgs || self.access.iter().any(is_place)
    }
}
