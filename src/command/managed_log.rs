//! What the entries of a manifest with `prune: true` have found and made so far, each as it is known:
//! whatever the end of an entry or of the run, the record has it.

use super::RunContext;
use super::prune_record::{record_failure, write_record};
use super::prune_scope::{PruneScope, recorded_place};
use crate::backend::LinkReport;
use crate::error::Result;
use crate::inputs::Inputs;
use crate::inputs::recorded_links::PrunedLinks;
use crate::inputs::types::Mode;
use crate::integration::{ExistingLinks, IntegrationTask, NamedLinks, RequestedLinks};
use crate::manifest::{ManagedIntegration, ManagedRecord};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// What is known so far, beside the record before this run. Without `prune` nothing is kept.
#[derive(Default)]
pub(crate) struct ManagedLog {
    state: RefCell<Option<LogState>>,
}

struct LogState {
    path: String,
    /// By what tells integrations apart.
    items: BTreeMap<String, LoggedItem>,
    /// The item of each entry.
    keys: HashMap<String, String>,
    /// The links that each entry is planned to have.
    planned: HashMap<String, NamedLinks>,
    /// What stays of what is pruned, by its key.
    kept: HashMap<String, PrunedLinks>,
}

/// An integration, with what the record had of it, and what the entries have noted.
#[derive(Default)]
struct LoggedItem {
    recorded: Vec<ManagedIntegration>,
    noted: BTreeMap<String, ManagedIntegration>,
    /// All of it in the record's form: what is written many times is formed once.
    text: String,
}

impl LoggedItem {
    fn all(&self) -> ManagedRecord {
        ManagedRecord::new(self.recorded.clone()).with(self.noted.values().cloned())
    }

    fn form(&mut self) {
        let texts = self.all().integrations;
        let texts = texts.iter().map(|one| serde_json::to_string(one).unwrap_or_default());
        self.text = texts.collect::<Vec<_>>().join(",\n    ");
    }
}

impl LogState {
    fn item_of(&mut self, entry: &str) -> Option<&mut LoggedItem> {
        self.items.get_mut(self.keys.get(entry)?)
    }
}

impl ManagedLog {
    /// Keeps what happens from now on for this record.
    pub(super) fn begin(&self, scope: &PruneScope) {
        let mut items = BTreeMap::<_, LoggedItem>::new();
        for one in &scope.record.integrations {
            items.entry(one.key_text()).or_default().recorded.push(one.clone());
        }
        items.values_mut().for_each(LoggedItem::form);
        *self.state.borrow_mut() = Some(LogState {
            path: scope.path.clone(),
            items,
            keys: HashMap::new(),
            planned: HashMap::new(),
            kept: HashMap::new(),
        });
    }

    /// What an entry has found or made.
    pub(super) fn noted(&self, entry: &str) -> Option<ManagedIntegration> {
        self.state.borrow_mut().as_mut()?.item_of(entry)?.noted.get(entry).cloned()
    }

    /// The links that an entry is planned to have.
    pub(super) fn planned(&self, entry: &str) -> Option<NamedLinks> {
        self.state.borrow().as_ref()?.planned.get(entry).cloned()
    }

    /// What stays of what was pruned under this key.
    pub(super) fn take_kept(&self, key: &str) -> PrunedLinks {
        let mut state = self.state.borrow_mut();
        state.as_mut().and_then(|state| state.kept.remove(key)).unwrap_or_default()
    }

    fn note(&self, entry: &str, one: ManagedIntegration) {
        let mut state = self.state.borrow_mut();
        let Some(LogState { items, keys, .. }) = state.as_mut() else { return };
        let item = items.entry(one.key_text()).or_default();
        keys.insert(entry.to_owned(), one.key_text());
        item.noted.insert(entry.to_owned(), one);
        item.form();
    }

    fn note_links(&self, entry: &str, links: &NamedLinks) {
        let mut state = self.state.borrow_mut();
        let Some(item) = state.as_mut().and_then(|state| state.item_of(entry)) else { return };
        if let Some(noted) = item.noted.get_mut(entry) {
            noted.repositories = links.linked_repositories();
            noted.code_mappings = links.set_mappings();
            noted.named = links.clone();
        }
        item.form();
    }

    /// Writes down what is known so far, for a run that is killed. What cannot be written is said by the
    /// last writing.
    fn save(&self) {
        let state = self.state.borrow();
        let Some(LogState { path, items, .. }) = state.as_ref() else { return };
        let texts: Vec<_> = items.values().map(|item| item.text.as_str()).collect();
        let texts = texts.join(",\n    ");
        let text = format!("{{\n  \"version\": 1,\n  \"integrations\": [\n    {texts}\n  ]\n}}\n");
        drop(write_record(path, &text));
    }

    /// The record's file, and all that is known.
    fn record(&self) -> Option<(String, ManagedRecord)> {
        let state = self.state.borrow();
        let LogState { path, items, .. } = state.as_ref()?;
        let all = items.values().flat_map(|item| item.all().integrations).collect();
        Some((path.clone(), ManagedRecord::new(all)))
    }
}

impl RunContext<'_> {
    /// Notes the integration that an entry has found, or made by this run.
    pub(super) fn note_integration(
        &self,
        inputs: &Inputs,
        task: &IntegrationTask,
        (id, name): (Option<i64>, &str),
        is_made: bool,
    ) {
        let log = &self.cache.managed;
        let path = log.state.borrow().as_ref().map(|state| state.path.clone());
        let Some(path) = path else { return };
        let noted = self.managed_integration(inputs, &task.key, (id, name), &path);
        noted.into_iter().for_each(|noted| log.note(self.entry.unwrap_or_default(), noted));
        if is_made {
            log.save();
        }
    }

    /// A report of links that are noted before the first of them is changed.
    pub(super) fn watched_links(&self) -> LinkReport {
        let (log, entry) = (Rc::clone(&self.cache.managed), self.entry.unwrap_or_default());
        let entry = entry.to_owned();
        let watcher = move |links: &NamedLinks| {
            log.note_links(&entry, links);
            log.save();
        };
        LinkReport::watched(watcher)
    }

    /// Notes which links are there in the end.
    pub(super) fn note_links(&self, report: &LinkReport) {
        let (log, entry) = (&self.cache.managed, self.entry.unwrap_or_default());
        report.named.iter().for_each(|links| log.note_links(entry, links));
        if let Some(state) = log.state.borrow_mut().as_mut() {
            state.kept.insert(entry.to_owned(), report.kept.clone());
        }
    }

    /// Notes which links are planned, beside what is there.
    pub(super) fn note_planned(&self, requested: &RequestedLinks, existing: &ExistingLinks) {
        let entry = self.entry.unwrap_or_default().to_owned();
        if let Some(state) = self.cache.managed.state.borrow_mut().as_mut() {
            state.planned.insert(entry, NamedLinks::new(requested, existing));
        }
    }

    /// Writes the record of a manifest whose entry went on.
    pub(super) fn save_managed(&self) -> Result {
        let Some((path, record)) = self.cache.managed.record() else { return Ok(()) };
        let written = write_record(&path, &record.to_text());
        written.map_err(|error| record_failure(&path, &error))
    }

    /// An integration as the record at this path has it, with no links yet.
    pub(super) fn managed_integration(
        &self,
        inputs: &Inputs,
        provider: &str,
        (id, name): (Option<i64>, &str),
        path: &str,
    ) -> Option<ManagedIntegration> {
        Some(ManagedIntegration {
            server: recorded_place(&self.backend_place(inputs), path),
            org: inputs.org.as_ref()?.to_string(),
            provider: provider.to_owned(),
            id,
            name: self.sinks.shown_words(name),
            links_only: inputs.mode == Mode::Link,
            repositories: Vec::new(),
            code_mappings: Vec::new(),
            named: NamedLinks::unseen(&RequestedLinks::from_inputs(inputs)),
            is_chosen: inputs.integration_id.is_none(),
        })
    }
}
