//! `prune: true`: what a manifest managed once and names no longer is removed, after every entry of it
//! is done.

use super::RunContext;
use super::manifest::PreparedEntry;
use super::prune_record::{record_failure, write_record};
use super::prune_scope::{PruneScope, read_place, recorded_place, varying_keys};
use crate::error::{Error, ErrorCode, Result, Warning};
use crate::inputs::Inputs;
use crate::inputs::raw::{EntryInputs, InputOrigin, RawInput, RawInputs};
use crate::inputs::recorded_links::{PrunedIntegration, PrunedLinks};
use crate::inputs::release::CommitSource;
use crate::inputs::types::Mode;
use crate::integration::{NamedLinks, NamedRepository};
use crate::manifest::keys::is_shared;
use crate::manifest::{ManagedIntegration, ManagedRecord, Manifest, RECORD_SUFFIX, server_key};
use crate::outcome::{EntryOutcome, Outcome, OutcomeStatus};
use crate::secret::Secret;
use crate::text::quote;
use tokio::time::Instant;

/// What becomes of what a manifest has managed.
struct PruneDecision {
    /// What is managed now.
    current: Vec<ManagedIntegration>,
    /// What entries name besides, and is not installed yet.
    planned: Vec<ManagedIntegration>,
    /// What is named no longer.
    unnamed: Vec<ManagedIntegration>,
    /// What stays, as something else needs it or it is not clear what is meant.
    kept: Vec<ManagedIntegration>,
}

impl RunContext<'_> {
    /// Reads the record beside a manifest that prunes. One that is not there is empty.
    pub(super) fn prune_scope(
        &self,
        base: &Inputs,
        file: &str,
        manifest: &Manifest,
        mistakes: &mut Vec<Error>,
    ) -> Option<PruneScope> {
        let shared = manifest.pruned.as_ref()?;
        mistakes.extend(varying_keys(&manifest.key_sources));
        let path = format!("{file}{RECORD_SUFFIX}");
        let mut record = match self.read_record(base, file, &path) {
            Ok(record) => record,
            Err((why, hint)) => {
                let message = format!("`prune` cannot use the record {}: {why}", quote(&path));
                mistakes.push(Error::new(ErrorCode::BadManifest, message).with_hint(hint));
                return None;
            }
        };
        for one in &mut record.integrations {
            one.server = read_place(&one.server, &path);
        }
        let mut access: Vec<((String, String), RawInputs)> = Vec::new();
        let mut names_orgs = !manifest.key_sources.is_variable("org");
        let mut names_servers = !manifest.key_sources.is_variable("url");
        for given in manifest.entries.iter().map(|entry| &entry.given).chain([shared]) {
            let given = given.clone().without_state();
            let Ok(inputs) = self.read_inputs(&given, Vec::new()) else { continue };
            let org = inputs.org.as_ref().map(ToString::to_string).unwrap_or_default();
            let is_named = |input: &RawInput| matches!(input.origin, InputOrigin::Manifest(_));
            names_orgs &= org.is_empty() || given.get("org").is_some_and(is_named);
            names_servers &= given.get("url").is_some_and(is_named);
            let place = (recorded_place(&self.backend_place(&inputs), &path), org);
            if access.iter().all(|(known, _)| *known != place) {
                access.push((place, given));
            }
        }
        Some(PruneScope { path, record, access, names_orgs, names_servers })
    }

    /// Removes what is named no longer, where every entry came to its end, and writes down what is
    /// managed now.
    pub(super) async fn prune(
        &self,
        base: &Inputs,
        scope: &PruneScope,
        entries: &[PreparedEntry],
        outcomes: &mut Vec<EntryOutcome>,
        deadline: Instant,
    ) -> Vec<Warning> {
        let mut decision = self.unnamed(scope, entries, outcomes);
        let obstacle = self.obstacle(outcomes);
        let left = match obstacle {
            Some(_) => decision.unnamed.clone(),
            None => {
                let within = (deadline, false);
                self.prune_until_over(base, scope, &mut decision, outcomes, within).await
            }
        };
        let PruneDecision { current, kept, .. } = decision;
        let elsewhere = [scope.unreached(&current), scope.renamed(&current)];
        let count = left.len();
        if !base.dry_run {
            let record = ManagedRecord::merged(current, left.into_iter().chain(kept));
            let written = write_record(&scope.path, &record.to_text());
            outcomes.extend(written.err().map(|error| unwritten(&scope.path, &error)));
        }
        let why = obstacle.filter(|_| count > 0);
        let why =
            why.map(|why| format!("nothing is pruned, because {why}; at most {count} to prune"));
        let rest = || format!("not everything is pruned; {count} to prune");
        let why = why.or_else(|| (count > 0 && !base.dry_run).then(rest));
        let messages = why.into_iter().chain(elsewhere.into_iter().flatten());
        messages.map(|message| Warning::new("not-pruned", message)).collect()
    }

    /// Adds what would be pruned to the plans of all entries.
    pub(super) async fn plan_prune(
        &self,
        base: &Inputs,
        scope: &PruneScope,
        entries: &[PreparedEntry],
        planned: &mut Vec<EntryOutcome>,
        deadline: Instant,
    ) {
        let mut decision = self.unnamed(scope, entries, planned);
        if planned.iter().all(is_done) {
            self.prune_until_over(base, scope, &mut decision, planned, (deadline, true)).await;
        }
    }

    /// Why nothing may be pruned: what moved from one integration to another would go with the first.
    fn obstacle(&self, outcomes: &[EntryOutcome]) -> Option<&'static str> {
        if !outcomes.iter().all(is_done) {
            return Some("not every entry is complete");
        }
        let lacks_links = outcomes.iter().any(|ended| ended.outcome.lacks_links);
        lacks_links.then_some("repositories or code mappings of the entries are not set")
    }

    /// What is managed now, what was and is named no longer, and what stays for what else names it.
    fn unnamed(
        &self,
        scope: &PruneScope,
        entries: &[PreparedEntry],
        outcomes: &[EntryOutcome],
    ) -> PruneDecision {
        let ended = entries.iter().zip(outcomes.iter());
        let managed = ended.filter_map(|(entry, ended)| self.managed(scope, entry, &ended.outcome));
        // What is not installed yet has no id to be managed by.
        let (planned, managed): (Vec<_>, Vec<_>) =
            managed.partition(|(mode, one)| one.id.is_none() && *mode != Mode::Link);
        let (removed, current): (Vec<_>, Vec<_>) =
            managed.into_iter().partition(|(mode, _)| *mode == Mode::Remove);
        let plain = |all: Vec<(Mode, ManagedIntegration)>| -> Vec<_> {
            all.into_iter().map(|(_, one)| one).collect()
        };
        let (removed, mut current) = (plain(removed), plain(current));
        let mut planned = plain(planned);
        planned.extend(entries.iter().filter_map(|entry| self.of_commits(scope, &entry.inputs)));
        let record = scope.record.clone().with_orgs_of(&current);
        let unnamed = record.unnamed(&current, &removed, &planned);
        let kept = record.mapped(&current, &planned);
        let (unnamed, of_others): (Vec<_>, Vec<_>) =
            unnamed.into_iter().partition(|one| scope.includes(one));
        let (renamed, unnamed): (Vec<_>, Vec<_>) =
            unnamed.into_iter().partition(|one| scope.may_be_renamed(one, &current));
        let mut held = record.held(&current);
        held.extend(renamed);
        // Where another run may have another server, that one's are its own.
        held.extend(record.elsewhere(&current, |one| scope.includes(one)));
        record.keep_installed(&mut current);
        record.keep_named(&mut current);
        let current = [current, held, of_others].concat();
        PruneDecision { current, planned, unnamed, kept }
    }

    /// The repositories that the commits of a release name.
    fn of_commits(&self, scope: &PruneScope, inputs: &Inputs) -> Option<ManagedIntegration> {
        let CommitSource::Refs(refs) = &inputs.release.commits else { return None };
        let mapped = refs.iter().map(|one| NamedRepository::unseen(&one.repository)).collect();
        let managed = self.managed_integration(inputs, "", (None, ""), &scope.path)?;
        let named = NamedLinks { mapped, ..NamedLinks::default() };
        Some(ManagedIntegration { named, ..managed })
    }

    /// Prunes these, or only plans it; those that are left. After a signal nothing more is removed.
    async fn prune_until_over(
        &self,
        base: &Inputs,
        scope: &PruneScope,
        decision: &mut PruneDecision,
        outcomes: &mut Vec<EntryOutcome>,
        within: (Instant, bool),
    ) -> Vec<ManagedIntegration> {
        let mut work = std::pin::pin!(self.prune_each(base, scope, decision, outcomes, within));
        tokio::select! {
            biased;
            left = &mut work => return left,
            () = self.cancellation.requested() => self.cancellation.finish(),
        }
        work.await
    }

    /// Prunes them in a row. What is gone already is not told, and what is not begun is.
    async fn prune_each(
        &self,
        base: &Inputs,
        scope: &PruneScope,
        decision: &mut PruneDecision,
        outcomes: &mut Vec<EntryOutcome>,
        (deadline, is_plan): (Instant, bool),
    ) -> Vec<ManagedIntegration> {
        let (mut left, mut told) = (Vec::new(), 0);
        for one in std::mem::take(&mut decision.unnamed) {
            let (key, title) = (format!("prune[{told}]"), title(&one));
            let rival = one.rival(&decision.current);
            let within = (deadline, is_plan || rival.is_some());
            let mut outcome = match self.cancellation.is_requested() {
                true => self.not_started(&base.tolerate),
                false => {
                    let all = decision.current.iter().chain(&decision.planned);
                    let names = one.unknown_names(all);
                    self.prune_one(base, scope, &key, (&one, names), within).await
                }
            };
            if let Some(rival) = rival.filter(|_| outcome.has_changes) {
                outcome = kept_beside(&title, rival, is_plan);
                left.push(one.clone());
            }
            let PrunedLinks { repositories, code_mappings, .. } =
                self.cache.managed.take_kept(&key);
            let ended = EntryOutcome { key, title, outcome };
            match is_done(&ended) {
                true if repositories.is_empty() && code_mappings.is_empty() => {}
                true => {
                    let kept = ManagedIntegration { repositories, code_mappings, ..one };
                    let is_told = !ended.outcome.warnings.is_empty();
                    if is_told { &mut left } else { &mut decision.kept }.push(kept);
                }
                false => left.push(one),
            }
            let Outcome { changed, has_changes, warnings, .. } = &ended.outcome;
            if *changed || *has_changes || !warnings.is_empty() || !is_done(&ended) {
                outcomes.push(ended);
                told += 1;
            }
        }
        left
    }

    /// What an entry manages: what it has noted, else what its end tells.
    fn managed(
        &self,
        scope: &PruneScope,
        entry: &PreparedEntry,
        outcome: &Outcome,
    ) -> Option<(Mode, ManagedIntegration)> {
        let inputs = &entry.inputs;
        if let Some(noted) = self.cache.managed.noted(entry.key()) {
            return Some((inputs.mode, noted));
        }
        let subject = outcome.subject.as_ref()?;
        if !matches!(outcome.status, OutcomeStatus::Complete | OutcomeStatus::Planned) {
            return None;
        }
        let name = subject.integration.as_ref().map_or("", |(_, name)| name.as_str());
        let which = (outcome.integration_id(), name);
        let managed = self.managed_integration(inputs, &subject.provider, which, &scope.path)?;
        let named = self.cache.managed.planned(entry.key()).unwrap_or(managed.named);
        let set = named.clone().all_set();
        let (repositories, code_mappings) = (set.linked_repositories(), set.set_mappings());
        let links = ManagedIntegration { repositories, code_mappings, named, ..managed };
        Some((inputs.mode, links))
    }

    async fn prune_one(
        &self,
        base: &Inputs,
        scope: &PruneScope,
        key: &str,
        (one, kept_names): (&ManagedIntegration, Vec<String>),
        (deadline, is_plan): (Instant, bool),
    ) -> Outcome {
        match self.prune_inputs(scope, one, kept_names) {
            Ok(inputs) => {
                let entry = PreparedEntry::new(key.to_owned(), inputs, None);
                self.entry(base, &entry, deadline, is_plan).await
            }
            Err(failure) => Outcome::failed(failure),
        }
    }

    /// The inputs of a removal. A token goes to the servers of the manifest only, whatever the record
    /// says.
    fn prune_inputs(
        &self,
        scope: &PruneScope,
        one: &ManagedIntegration,
        kept_names: Vec<String>,
    ) -> Result<Inputs> {
        let own = server_key(&one.server);
        let is_server =
            |((server, _), _): &&((String, String), RawInputs)| server_key(server) == own;
        let mut reaching = scope.access.iter().filter(is_server);
        let own = reaching.clone().find(|((_, org), _)| *org == one.org);
        let (_, given) = own.or_else(|| reaching.next_back()).ok_or_else(|| {
            let message = format!(
                "no entry and no default of the manifest reaches {} for {}",
                quote(&one.server),
                one.org
            );
            let hint = "set `url` and the token in `defaults:`, or delete it from the record";
            Error::new(ErrorCode::Usage, message).with_hint(hint)
        })?;
        let mode = if one.links_only { "link" } else { "remove" };
        let mut texts = vec![("mode", mode.to_owned()), ("org", one.org.clone())];
        texts.extend(one.id.map(|id| ("integration-id", id.to_string())));
        if !one.provider.is_empty() {
            texts.push(("provider", one.provider.clone()));
        }
        let origin = InputOrigin::File("the record of the manifest");
        let input = |(name, text): (&'static str, String)| {
            (name, RawInput { text: Secret::from(text), origin })
        };
        let (texts, unset_token) =
            (texts.into_iter().map(input).collect(), given.unset_token.clone());
        let entry = EntryInputs { texts, state: None, release: false, unset_token };
        let raw = given.for_entry(entry, is_shared);
        let mut links = PrunedLinks::default();
        if one.links_only {
            let (repositories, code_mappings) =
                (one.repositories.clone(), one.code_mappings.clone());
            links = PrunedLinks { repositories, code_mappings, kept_names };
        }
        let pruned = Some(PrunedIntegration { name: one.name.clone(), links });
        Ok(Inputs { pruned, ..self.read_inputs(&raw, Vec::new())? })
    }
}

/// The end of a pruning that may be of what the manifest means.
fn kept_beside(title: &str, rival: &ManagedIntegration, is_plan: bool) -> Outcome {
    let id = rival.id.map(|id| id.to_string()).unwrap_or_default();
    let message = format!(
        "{title} stays: integration {id} has the same name, and its entry does not say which is meant; set \
         `integration-id` there"
    );
    let status = if is_plan { OutcomeStatus::Planned } else { OutcomeStatus::Complete };
    let outcome = Outcome::new(status, format!("{title} stays"));
    Outcome { warnings: vec![Warning::new("not-pruned", message)], ..outcome }
}

/// What is pruned, for a person.
fn title(one: &ManagedIntegration) -> String {
    let what = if one.links_only { "links of " } else { "" };
    let id = one.id.map(|id| format!(" {id}")).unwrap_or_default();
    format!("{what}{}{id} for {} (prune)", one.provider, one.org)
}

/// Whether an entry came to its end.
fn is_done(ended: &EntryOutcome) -> bool {
    matches!(ended.outcome.status, OutcomeStatus::Complete | OutcomeStatus::Planned)
}

/// The end that tells of it.
fn unwritten(path: &str, error: &std::io::Error) -> EntryOutcome {
    let outcome = Outcome::failed(record_failure(path, error));
    EntryOutcome { key: "prune".to_owned(), title: "prune record".to_owned(), outcome }
}
