//! Entries of a manifest that remove an integration which another entry sets up. Where one names it by
//! its id and the other by its state, only the backend knows that both mean the same one.

use super::RunContext;
use super::manifest::PreparedEntry;
use crate::error::{Error, ErrorCode};
use crate::inputs::Inputs;
use crate::inputs::types::Mode;
use crate::outcome::Outcome;
use crate::provider;
use futures_util::{StreamExt, stream};
use tokio::time::Instant;

impl RunContext<'_> {
    /// Why none of the entries begins, if they contradict each other. It only reads.
    pub(super) async fn contradiction(
        &self,
        base: &Inputs,
        entries: &[PreparedEntry],
        deadline: Instant,
    ) -> Option<Outcome> {
        let suspects = entries.iter().filter(|one| is_suspect(one, entries));
        let plans = suspects
            .map(|entry| async move { (entry, self.entry(base, entry, deadline, true).await) });
        let planned: Vec<_> = stream::iter(plans).buffered(base.max_parallel).collect().await;
        let known =
            planned.iter().filter_map(|(entry, outcome)| Some((*entry, outcome.integration_id()?)));
        contradictions(known)
    }
}

/// The failure of all pairs that mean one integration and want different things of it.
fn contradictions<'a>(known: impl Iterator<Item = (&'a PreparedEntry, i64)>) -> Option<Outcome> {
    let (removed, set): (Vec<_>, Vec<_>) = known.partition(|(entry, _)| removes(entry));
    let mistake = |(entry, id): &(&PreparedEntry, i64)| {
        let is_same = |(other, other_id): &&(&PreparedEntry, i64)| {
            id == other_id && are_alike(&entry.inputs, &other.inputs)
        };
        let (other, _) = set.iter().find(is_same)?;
        let (key, other) = (entry.key(), other.key());
        let message = format!("`{key}` removes integration {id}, but `{other}` sets it up");
        let hint = "remove one of the two entries";
        Some(Error::new(ErrorCode::BadManifest, message).with_hint(hint))
    };
    Error::combine(removed.iter().filter_map(mistake).collect()).map(Outcome::failed)
}

/// Whether an entry may mean what another one means, and only one of the two names it by its id.
fn is_suspect(entry: &PreparedEntry, entries: &[PreparedEntry]) -> bool {
    let has_id = |one: &PreparedEntry| one.inputs.integration_id.is_some();
    entry.inputs.asks_integration()
        && entries.iter().any(|other| {
            other.inputs.asks_integration()
                && removes(entry) != removes(other)
                && has_id(entry) != has_id(other)
                && are_alike(&entry.inputs, &other.inputs)
        })
}

fn removes(entry: &PreparedEntry) -> bool {
    entry.inputs.mode == Mode::Remove
}

/// Whether both are of one organization, and of one provider as far as it is named.
fn are_alike(one: &Inputs, other: &Inputs) -> bool {
    let stored = |inputs: &Inputs| {
        let key = inputs.provider.clone().unwrap_or_default();
        provider::find(&key).map_or(key, |known| known.integration_key().to_owned())
    };
    let (provider, others) = (stored(one), stored(other));
    let place = |inputs: &Inputs| (inputs.page_url(), inputs.org.clone());
    let is_provider = provider == others || provider.is_empty() || others.is_empty();
    is_provider && place(one) == place(other)
}
