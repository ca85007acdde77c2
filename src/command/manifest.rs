//! A run over a manifest: each entry is a run of its own, several at once, under one deadline.

use super::entries_progress::EntriesProgress;
use super::entry_usage::{untaken_variables, unused_by_all};
use super::hidden_texts::given_secrets;
use super::prune_scope::PruneScope;
use super::sourcemaps::warn_of_left_maps;
use super::{Command, LogGroup, RunContext};
use crate::error::{Error, ErrorCode, Result, Warning};
use crate::inputs::types::ToleratedExit;
use crate::inputs::{BackendName, Inputs, macros};
use crate::manifest::{self, ComparedRelease, Manifest};
use crate::os::activity;
use crate::os::clock::unix_seconds;
use crate::outcome::{EntryOutcome, Outcome};
use crate::output::OutputSinks;
use crate::text::quote;
use futures_util::{FutureExt, StreamExt, stream};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until, timeout_at};

/// How long entries under way may take once a stop is asked for: GitHub's runner sends the next
/// signal after 7.5 seconds.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// An entry with less time than this is not begun.
const LEAST_TIME: Duration = Duration::from_secs(2);

/// An entry that is ready to go.
pub(crate) struct PreparedEntry {
    key: String,
    title: String,
    /// Its inputs.
    pub(crate) inputs: Inputs,
    /// The missing token for which it is skipped.
    skipped_token: Option<Error>,
    /// Held while it is under way: entries with one build, or parts of one release, take turns.
    turn: Rc<Mutex<()>>,
}

impl PreparedEntry {
    /// Where it stands in the manifest.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn new(key: String, inputs: Inputs, skipped_token: Option<Error>) -> Self {
        let turn = Rc::default();
        Self { title: title(&key, &inputs), key, inputs, skipped_token, turn }
    }
}

/// All entries, and what is said of them together.
pub(crate) struct PreparedManifest {
    /// The entries in the order of the file.
    pub(crate) entries: Vec<PreparedEntry>,
    /// The warnings about what none of them uses.
    pub(crate) warnings: Vec<Warning>,
    /// What may be pruned.
    prune: Option<PruneScope>,
}

impl PreparedManifest {
    /// All that is said of the inputs, those of each entry by its key.
    pub(crate) fn into_warnings(self) -> impl Iterator<Item = Warning> {
        let of_entry = |PreparedEntry { key, inputs, .. }: PreparedEntry| {
            let keyed =
                move |one: Warning| Warning::new(one.slug, format!("{key}: {}", one.message));
            inputs.warnings.into_iter().map(keyed)
        };
        self.entries.into_iter().flat_map(of_entry).chain(self.warnings)
    }
}

impl RunContext<'_> {
    /// Does everything that the entries ask for; nothing begins while one of them has a mistake.
    pub(crate) async fn run_manifest(&self, base: &Inputs, file: &str) -> Outcome {
        let deadline = super::deadline(base);
        let PreparedManifest { entries, warnings, prune } =
            match self.prepare_entries(base, file, deadline) {
                Ok(manifest) => manifest,
                Err(failure) => return Outcome::failed(failure),
            };
        self.cancellation.defer();
        let noun = if entries.len() == 1 { "entry" } else { "entries" };
        let title = format!("finishline: {} {noun} of {file}", entries.len());
        drop(OutputSinks::emit(self.sinks.open_group(&title, unix_seconds())));
        let group = LogGroup(self.sinks);
        let all = (entries.as_slice(), prune.as_ref());
        prune.iter().for_each(|scope| self.cache.managed.begin(scope));
        if let Some(refusal) = self.contradiction(base, &entries, deadline).await {
            return refusal;
        }
        if let Some(refusal) = self.plan_refusal_of_entries(base, all, deadline).await {
            return refusal;
        }
        let mut outcomes = self.run_entries(base, &entries, deadline, false).await;
        let not_pruned = match &prune {
            Some(scope) => self.prune(base, scope, &entries, &mut outcomes, deadline).await,
            None => Vec::new(),
        };
        drop(group);
        let mut outcome = self.with_notes(base, &entries, Outcome::of_entries(outcomes));
        outcome.warnings.extend(warnings);
        outcome.warn_once(not_pruned);
        if base.dry_run {
            self.add_unmanaged(&entries, &mut outcome);
        }
        self.with_status(base, outcome, deadline).await
    }

    /// The outcome with what is said once of all entries.
    fn with_notes(&self, base: &Inputs, entries: &[PreparedEntry], outcome: Outcome) -> Outcome {
        let is_embedded =
            |entry: &PreparedEntry| entry.inputs.backend(self.job) == Ok(BackendName::Embedded);
        match entries.iter().any(is_embedded) {
            true => self.note_embedded(base, outcome),
            false => outcome,
        }
    }

    /// The inputs of the entry that goes on, when a manifest is given.
    pub(crate) fn entry_to_resume(
        &self,
        base: &Inputs,
        deadline: Instant,
    ) -> Result<Option<Inputs>> {
        let Some(file) = &base.manifest else { return Ok(None) };
        let PreparedManifest { entries, prune, .. } = self.prepare_entries(base, file, deadline)?;
        prune.iter().for_each(|scope| self.cache.managed.begin(scope));
        let keys: Vec<_> = entries.iter().map(|entry| entry.key.clone()).collect();
        let mut matching = entries.into_iter().filter(|one| base.entry.as_ref() == Some(&one.key));
        let PreparedEntry { key, mut inputs, .. } = matching.next().ok_or_else(|| {
            let message = match &base.entry {
                Some(entry) => format!("the manifest has no entry {}", quote(entry)),
                None => "`resume` continues one pipeline, but the manifest can list several: \
                         `entry` is missing"
                    .to_owned(),
            };
            let hint = format!("set `entry` to the one that is waiting: {}", keys.join(", "));
            Error::new(ErrorCode::Usage, message).with_hint(hint)
        })?;
        let set = &base.state.entries;
        let is_replaced = |name: String| set.iter().any(|one| one.field_name() == name);
        inputs.state.entries.retain(|one| !is_replaced(one.field_name()));
        inputs.state.entries.extend(set.iter().cloned());
        let callback_url = base.callback_url.clone();
        Ok(Some(Inputs { callback_url, entry: Some(key), ..inputs }))
    }

    /// The entries of the file, each checked as far as it can be before a backend is asked.
    pub(crate) fn prepare_entries(
        &self,
        base: &Inputs,
        file: &str,
        deadline: Instant,
    ) -> Result<PreparedManifest> {
        let is_single = self.command == Command::Resume;
        let conflict = || manifest::conflicting_inputs(self.raw_inputs, is_single);
        if let Some(failure) = self.untrusted_job_error().or_else(conflict) {
            return Err(failure);
        }
        let expanded = |value| macros::expanded_value(self.raw_inputs.hosts, value);
        let variable = |name: &str| self.env.get(name).and_then(expanded).map(str::to_owned);
        let text = self.read_manifest(file)?;
        let (read, mut mistakes) = Manifest::read(file, &text, self.raw_inputs, &variable)?;
        let prune = self.prune_scope(base, file, &read, &mut mistakes);
        let mut checked = self.check_entries(read.entries, &read.source, deadline, &mut mistakes);
        let twice = self.duplicates(&checked);
        mistakes.extend(twice.into_iter().map(|one| read.source.point(one, None)));
        let Some(failure) = manifest::combined_error(mistakes) else {
            disambiguate_titles(&mut checked.entries);
            share_turns(&mut checked.entries, &checked.releases);
            self.sinks.begin()?;
            // Without an entry, they still say where is pruned.
            let of_prune: &[_] = if prune.is_some() { &["url", "org"] } else { &[] };
            let used = [checked.used.as_slice(), of_prune].concat();
            let mut warnings = unused_by_all(&read.defaults, self.raw_inputs, base, &used);
            warnings.extend(untaken_variables(self.raw_inputs, &checked.lacking));
            return Ok(PreparedManifest { entries: checked.entries, warnings, prune });
        };
        self.mask(checked.entries.iter().map(|entry| &entry.inputs));
        Err(failure)
    }

    fn read_manifest(&self, file: &str) -> Result<String> {
        self.sinks.read(file).map_err(|error| {
            let message = format!("cannot read the manifest {}: {error}", quote(file));
            let hint = "set `manifest` to a YAML file of at most 1 MiB";
            Error::new(ErrorCode::BadManifest, message).with_hint(hint)
        })
    }

    /// Why this run takes no manifest.
    fn untrusted_job_error(&self) -> Option<Error> {
        self.job.privileged.then(|| {
            let message = "this job has secrets and can be triggered by outsiders, so a manifest from the checkout is not trusted";
            let hint = "run it on `push` or `schedule`, on a branch that outsiders cannot push to";
            Error::new(ErrorCode::Usage, message).with_hint(hint)
        })
    }

    /// Later steps of the job may print the secrets of a run that did not begin.
    pub(super) fn mask<'b>(&self, all: impl Iterator<Item = &'b Inputs>) {
        let secrets: BTreeSet<_> = all.flat_map(given_secrets).collect();
        let secrets: Vec<_> = secrets.into_iter().collect();
        drop(OutputSinks::emit(self.sinks.masks(&secrets, &[]).0));
    }

    /// Runs the entries, or only plans them, and tells of each in the order of the file.
    pub(super) async fn run_entries(
        &self,
        base: &Inputs,
        entries: &[PreparedEntry],
        deadline: Instant,
        is_plan: bool,
    ) -> Vec<EntryOutcome> {
        let mut done: Vec<Option<Outcome>> = entries.iter().map(|_| None).collect();
        // Less is no time for a request: it would be sent, and its answer not heard.
        let least = (base.timeout / 20).min(LEAST_TIME);
        let is_open = || !self.cancellation.is_requested() && Instant::now() + least < deadline;
        let starts = interleave(entries).into_iter().take_while(|_| is_open());
        let starts = starts.map(|(index, entry)| async move {
            (index, self.entry(base, entry, deadline, is_plan).await)
        });
        let mut under_way =
            std::pin::pin!(stream::iter(starts).buffer_unordered(base.max_parallel));
        let mut overdue = std::pin::pin!(self.overdue());
        let mut progress = EntriesProgress::begin(entries.len(), is_plan);
        loop {
            tokio::select! {
                biased;
                next = under_way.next() => match next {
                    Some((index, outcome)) => {
                        progress.add(&outcome);
                        done[index] = Some(outcome);
                        // One that asks only the disk never waits, and no signal would be heard.
                        tokio::task::yield_now().await;
                    }
                    None => break,
                },
                () = &mut overdue => {
                    while let Some(Some((index, outcome))) = under_way.next().now_or_never() {
                        done[index] = Some(outcome);
                    }
                    break;
                }
            }
        }
        let end = |(entry, outcome): (&PreparedEntry, Option<Outcome>)| EntryOutcome {
            key: entry.key.clone(),
            title: entry.title.clone(),
            outcome: outcome.unwrap_or_else(|| self.not_started(&base.tolerate)),
        };
        entries.iter().zip(done).map(end).collect()
    }

    /// Waits for a stop, and as long as what is under way may then take; from there on it has to end.
    async fn overdue(&self) {
        self.cancellation.requested().await;
        tracing::warn!(
            "shutting down: no new entries or changes; requests under way have {SHUTDOWN_GRACE:?}"
        );
        sleep_until(Instant::now() + SHUTDOWN_GRACE).await;
        self.cancellation.finish();
    }

    /// One entry, as a run of its own; a line about it.
    pub(super) async fn entry(
        &self,
        base: &Inputs,
        entry: &PreparedEntry,
        deadline: Instant,
        is_plan: bool,
    ) -> Outcome {
        let run = RunContext { entry: Some(&entry.key), ..*self };
        let planned = is_plan.then(|| Inputs { dry_run: true, ..entry.inputs.clone() });
        let inputs = planned.as_ref().unwrap_or(&entry.inputs);
        let work = Box::pin(async {
            let _turn = entry.turn.lock().await;
            if let Some(token) = &entry.skipped_token {
                return Outcome::skipped_without_token(token);
            }
            match run.requested(inputs, deadline) {
                Ok(jobs) => run.run_requested(inputs, jobs, deadline).await,
                Err(failure) => Outcome::failed(failure),
            }
        });
        let outcome = timeout_at(deadline, work).await;
        let mut outcome = outcome.unwrap_or_else(|_| Outcome::from(ErrorCode::Deadline));
        outcome.tolerate(&base.tolerate);
        warn_of_left_maps(&inputs.sourcemaps, inputs.dry_run, &mut outcome);
        outcome.warn_once(entry.inputs.warnings.clone());
        let (entry, status) = (entry.title.as_str(), outcome.status.as_str());
        let account = self.account(&outcome).filter(|_| activity::is_watched());
        tracing::info!(entry, account, status, "{}", outcome.headline);
        outcome
    }

    /// The account that an entry is about, as a person knows it.
    fn account(&self, outcome: &Outcome) -> Option<String> {
        let (_, name) = outcome.subject.as_ref()?.integration.as_ref()?;
        Some(self.sinks.shown_words(name))
    }

    /// The end of an entry that did not begin, or was broken off.
    pub(super) fn not_started(&self, tolerated: &[ToleratedExit]) -> Outcome {
        let (code, why) = match self.cancellation.is_requested() {
            true => (ErrorCode::Cancelled, "the run was cancelled by a signal"),
            false => (ErrorCode::Deadline, "the entries before it used up `timeout`"),
        };
        let mut outcome = Outcome::failed(Error::new(code, format!("not completed: {why}")));
        outcome.tolerate(tolerated);
        outcome
    }
}

/// The entries in the order in which they begin: the organizations take turns, so that those under
/// way do not all wait for the one listing of one of them. Releases come after integrations.
fn interleave(entries: &[PreparedEntry]) -> Vec<(usize, &PreparedEntry)> {
    let mut counts = HashMap::<_, usize>::new();
    let mut turn = |entry: &PreparedEntry| {
        let inputs = &entry.inputs;
        let listing = (inputs.url.clone(), inputs.org.clone(), inputs.provider.clone());
        let count = counts.entry(listing).or_default();
        *count += 1;
        (inputs.release.requested, *count)
    };
    let mut turns: Vec<_> = entries.iter().map(|entry| (turn(entry), entry)).enumerate().collect();
    turns.sort_by_key(|(_, (turn, _))| *turn);
    turns.into_iter().map(|(index, (_, entry))| (index, entry)).collect()
}

/// Lets entries with files of one build, or parts of one release, go one after the other.
fn share_turns(entries: &mut [PreparedEntry], releases: &[ComparedRelease]) {
    for (index, first) in manifest::shared_turns(releases).into_iter().enumerate() {
        entries[index].turn = Rc::clone(&entries[first].turn);
    }
}

/// Adds the place in the manifest to titles that several entries have.
fn disambiguate_titles(entries: &mut [PreparedEntry]) {
    let mut counts = HashMap::<String, usize>::new();
    entries.iter().for_each(|entry| *counts.entry(entry.title.clone()).or_default() += 1);
    for entry in entries.iter_mut().filter(|entry| counts[&entry.title] > 1) {
        entry.title = format!("{} ({})", entry.title, entry.key);
    }
}

/// What an entry is, for a person.
fn title(key: &str, inputs: &Inputs) -> String {
    let org = inputs.org.as_ref().map(|org| format!(" for {org}")).unwrap_or_default();
    match &inputs.provider {
        Some(provider) => format!("{provider}{org}"),
        None if inputs.asks_integration() => format!("{key}{org}"),
        None if inputs.release.projects.is_empty() => format!("{key}{org}"),
        None => format!("release of {}{org}", inputs.release.projects.join(", ")),
    }
}
