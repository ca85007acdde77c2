//! What may be pruned by a run over a manifest, as it was read before anything began.

use crate::inputs::raw::RawInputs;
use crate::manifest::ManagedRecord;

/// What was managed before, and how its servers are reached.
pub(crate) struct PruneScope {
    /// The file of the record.
    pub(super) path: String,
    pub(super) record: ManagedRecord,
    /// By server and organization, what reaches it.
    pub(super) access: Vec<((String, String), RawInputs)>,
}
