//! The keys of a manifest in the order of its docs. How each is written is a column of the table
//! of inputs.

use crate::inputs::table::{InputSpec, KeyKind, ManifestScope};

/// The keys at the top.
pub const TOP_LEVEL_KEYS: [&str; 5] = ["version", "prune", "defaults", "integrations", "releases"];

/// The `state` of an integration that is not to be there.
pub const ABSENT: &str = "absent";

/// The keys of a code mapping.
pub const CODE_MAPPING: [&str; 5] =
    ["project", "repository", "stackRoot", "sourceRoot", "defaultBranch"];

/// The keys of the place of a code mapping that is to be gone.
pub const MAPPING_PLACE: [&str; 2] = ["project", "stackRoot"];

/// The keys of an entry of `integrations:`.
#[rustfmt::skip]
pub const INTEGRATION: &[&str] = &[
    "provider", "org", "mode", "integration-id", "state", "next", "repositories", "code-mappings",
    "repositories-absent", "code-mappings-absent", "url", "auth-token", "pipeline-token", "headers", "dialect",
];

/// The keys of an entry of `releases:`.
#[rustfmt::skip]
pub const RELEASE: &[&str] = &[
    "org", "projects", "release", "release-prefix", "environment", "commits", "previous-commit",
    "paths", "remote", "finalize", "released-at", "release-url", "wait-for-commits", "deploy", "deploy-name",
    "deploy-url", "started-at", "finished-at",
    "sourcemaps", "inject", "dist", "url-prefix", "url-suffix", "strip-prefix", "strip-common-prefix",
    "sourcemaps-ignore", "sourcemaps-ignore-file", "sourcemaps-extensions", "sourcemaps-wait", "allow-empty", "allow-unmapped",
    "delete-sourcemaps", "sourcemaps-strip-sources", "inject-refresh", "url", "auth-token", "headers", "github-token",
];

/// The keys of `defaults:`: what entries may name, without what tells them apart.
pub fn defaults() -> Vec<&'static str> {
    let is_default = |name: &&str| !matches!(scope(name), ManifestScope::Identity(_));
    entry_keys().filter(is_default).collect()
}

/// Every key of an entry, once.
pub(super) fn entry_keys() -> impl Iterator<Item = &'static str> {
    let others = RELEASE.iter().filter(|name| !INTEGRATION.contains(name));
    INTEGRATION.iter().chain(others).copied()
}

/// How the value of an entry's key is written.
pub(super) fn kind(name: &str) -> KeyKind {
    let input = InputSpec::find(name).expect("each key is an input");
    input.key_kind().expect("each key has a kind in the table of inputs")
}

/// Whether an input is an entry's own, so that beside a manifest it is not typed.
pub fn is_per_entry(name: &str) -> bool {
    matches!(scope(name), ManifestScope::Entry(_) | ManifestScope::Identity(_))
}

/// Whether an entry takes what was typed under this name, or stands in a variable that other programs
/// share.
pub fn is_shared(name: &str) -> bool {
    matches!(scope(name), ManifestScope::Connection(_) | ManifestScope::Global)
}

fn scope(name: &str) -> ManifestScope {
    InputSpec::find(name).map_or(ManifestScope::Global, |input| input.manifest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::table::INPUTS;

    #[test]
    fn the_keys_are_those_that_the_table_of_inputs_lets_an_entry_name() {
        let is_key = |input: &&InputSpec| input.key_kind().is_some();
        let mut inputs: Vec<_> = INPUTS.iter().filter(is_key).map(|input| input.name).collect();
        let mut keys: Vec<_> = entry_keys().collect();
        inputs.sort_unstable();
        keys.sort_unstable();
        assert_eq!(keys, inputs);
    }
}
