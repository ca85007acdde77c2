//! What the entries of a manifest do not use: of its own keys each entry is told, of what they share
//! the run, where none of them uses it.

use crate::error::{UNUSED_INPUT, Warning};
use crate::inputs::raw::{InputOrigin, RawInputs};
use crate::inputs::table::{INPUTS, InputSpec, JobKind, ManifestScope};
use crate::inputs::{Inputs, usage};
use crate::job::Job;
use crate::manifest::ManifestEntry;
use crate::manifest::keys::is_per_entry;

/// What an entry uses of what it was given.
pub(super) struct EntryUsage {
    /// A warning for each of its own keys that it does not use.
    pub(super) warnings: Vec<Warning>,
    /// The inputs that it uses and does not name itself.
    pub(super) shared: Vec<&'static str>,
    /// The inputs of its own that it could use and has nothing for.
    pub(super) lacking: Vec<&'static str>,
}

impl EntryUsage {
    pub(super) fn new(entry: &ManifestEntry, inputs: &Inputs, job: &Job) -> Self {
        let unused = usage::unused_names(&entry.given, &inputs.jobs(), inputs.backend(job).ok());
        let is_own = |name: &str| entry.own.contains(&name);
        let is_used = |name: &str| unused.iter().all(|(one, _)| *one != name);
        let own = unused.iter().filter(|(name, _)| is_own(name));
        let warnings = own.map(|(name, user)| usage::warning(name, user)).collect();
        let given = INPUTS.iter().map(|input| input.name);
        let given = given.filter(|name| entry.given.is_explicit(name));
        let shared = given.filter(|name| !is_own(name) && is_used(name)).collect();
        let jobs = inputs.jobs();
        let lacking = INPUTS.iter().filter(|input| {
            is_per_entry(input.name)
                && entry.given.get(input.name).is_none()
                && usage::is_used_by(input, &jobs)
        });
        Self { warnings, shared, lacking: lacking.map(|input| input.name).collect() }
    }
}

/// The warnings about keys of `defaults:`, and about what was typed for all entries, that none of
/// them uses; `used` is what they use.
pub(super) fn unused_by_all(
    defaults: &[&'static str],
    typed: &RawInputs,
    base: &Inputs,
    used: &[&'static str],
) -> Vec<Warning> {
    let is_unused = |name: &&'static str| !used.contains(name);
    let of_file = defaults.iter().copied().filter(is_unused);
    let of_file = of_file.map(|name| usage::warning(name, "any entry, and is in `defaults:`"));
    // What the backend of all does not use is said already.
    let said = usage::unused_names(typed, &[JobKind::Manifest], base.backend);
    let is_for_all =
        |name: &str| !defaults.contains(&name) && said.iter().all(|(one, _)| *one != name);
    let is_of_entries = |one: &&InputSpec| {
        let is_connection = matches!(one.manifest, ManifestScope::Connection(_));
        is_connection || one.used_by.contains(&JobKind::OwnApp)
    };
    let connection = INPUTS.iter().filter(is_of_entries).map(|input| input.name);
    let connection = connection.filter(|name| typed.is_explicit(name));
    let (named, free): (Vec<_>, Vec<_>) = connection.partition(|name| defaults.contains(name));
    let of_all = free.into_iter().filter(is_unused).filter(|name| is_for_all(name));
    let replaced = named.into_iter();
    let replaced = replaced.map(|name| usage::warning(name, "any entry: `defaults:` says it"));
    of_file.chain(replaced).chain(of_all.map(|name| usage::warning(name, "any entry"))).collect()
}

/// The warnings about variables that other programs share and that would give an input in a run without a
/// manifest, where an entry could use it; `lacking` is what entries have nothing for.
pub(super) fn untaken_variables(typed: &RawInputs, lacking: &[&'static str]) -> Vec<Warning> {
    let untaken = INPUTS.iter().filter_map(|input| {
        let name = input.name;
        let InputOrigin::Variable(variable) = typed.get(name)?.origin else { return None };
        let is_untaken = lacking.contains(&name) && !typed.is_explicit(name);
        is_untaken.then(|| {
            let message = format!(
                "{variable} is not used by the entries of a manifest: set `{name}` in them or in \
                 `defaults:`"
            );
            Warning::new(UNUSED_INPUT, message)
        })
    });
    untaken.collect()
}
