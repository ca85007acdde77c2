//! What a manifest has managed: the record beside it, by which `prune: true` knows what is its own.

use super::managed_integration::{ManagedIntegration, RecordedLink, server_key};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What the name of the record adds to the manifest's.
pub const RECORD_SUFFIX: &str = ".managed.json";

/// Everything that runs of a manifest have found or made as it says.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ManagedRecord {
    version: u32,
    /// The integrations, in the order of their entries.
    pub integrations: Vec<ManagedIntegration>,
}

impl ManagedRecord {
    /// A record of these.
    pub fn new(integrations: Vec<ManagedIntegration>) -> Self {
        Self { version: 1, integrations }
    }

    /// Reads a record; why it is none, else.
    pub fn read(text: &str) -> Result<Self, String> {
        let record: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match record.version {
            1 => Ok(record),
            other => Err(format!("version {other} is not supported")),
        }
    }

    /// The record as it is written.
    pub fn to_text(&self) -> String {
        let text = serde_json::to_string_pretty(self).expect("texts and numbers are JSON");
        format!("{text}\n")
    }

    /// The same record, with each organization as the entries name it now.
    #[must_use]
    pub fn with_orgs_of(mut self, current: &[ManagedIntegration]) -> Self {
        for one in &mut self.integrations {
            if let Some(now) = one.in_renamed_org(current) {
                one.org.clone_from(&now.org);
            }
        }
        self
    }

    /// What was managed and is named no longer, each with what has to go of it. `removed` are those
    /// that an entry has removed itself, `planned` those that are not installed yet.
    pub fn unnamed(
        &self,
        current: &[ManagedIntegration],
        removed: &[ManagedIntegration],
        planned: &[ManagedIntegration],
    ) -> Vec<ManagedIntegration> {
        let removed: HashSet<_> = removed.iter().map(ManagedIntegration::key).collect();
        let mut by_key: HashMap<_, Vec<_>> = HashMap::new();
        current.iter().for_each(|now| by_key.entry(now.key()).or_default().push(now));
        let known = self.integrations.iter();
        let apart = self.servers_apart(current);
        let known = known.filter(|one| {
            let is_there = one.is_held(current) || one.is_renamed_place(current, &apart);
            !removed.contains(&one.key()) && !is_there
        });
        let unnamed = known.map(|one| match by_key.get(&one.key()) {
            None => one.clone(),
            Some(now) => one.without(|link| now.iter().any(|now| now.names(&link))),
        });
        let unnamed = unnamed.filter(ManagedIntegration::has_anything);
        // What moved to another entry of the organization is linked there by this run.
        let of_others = |one: ManagedIntegration| match one.links_only {
            true => {
                let all = current.iter().chain(planned);
                let others: Vec<_> = all.filter(|now| one.is_beside(now)).collect();
                one.without(|link| others.iter().any(|now| now.takes(&link, &one)))
            }
            false => one,
        };
        unnamed.map(of_others).filter(ManagedIntegration::has_anything).collect()
    }

    /// Keeps what an entry still names of its integration, also where this run has not seen it there.
    pub fn keep_named(&self, current: &mut [ManagedIntegration]) {
        for now in current {
            let known = self.integrations.iter().filter(|known| known.key() == now.key());
            let kept: Vec<_> = known.map(|known| known.named_by(now)).collect();
            kept.into_iter().for_each(|kept| now.add_links(kept));
        }
    }

    /// What stays only since a code mapping or a commit names it, or an entry links what is called the same by
    /// this run: a later run prunes it.
    pub fn mapped(
        &self,
        current: &[ManagedIntegration],
        planned: &[ManagedIntegration],
    ) -> Vec<ManagedIntegration> {
        let all: Vec<_> = current.iter().chain(planned).collect();
        let keys: HashSet<_> = current.iter().map(ManagedIntegration::key).collect();
        let known = self.integrations.iter();
        let known = known.filter(|one| one.links_only || keys.contains(&one.key()));
        let kept = known.map(|one| {
            let near: Vec<_> = all.iter().filter(|now| now.has_place_of(one)).collect();
            let is_needed = |it: &_| near.iter().any(|now| now.needs(it, one));
            let is_own = |it: &_| near.iter().any(|now| now.named.names_repository(it));
            one.without(|link| match link {
                RecordedLink::Mapping(_) => true,
                RecordedLink::Repository(it) => !is_needed(it) || is_own(it),
            })
        });
        kept.filter(ManagedIntegration::has_anything).collect()
    }

    /// The same record and these, of which it may know a part.
    #[must_use]
    pub fn with(mut self, noted: impl Iterator<Item = ManagedIntegration>) -> Self {
        for one in noted {
            match self.integrations.iter_mut().find(|known| known.key() == one.key()) {
                Some(known) => {
                    if !one.links_only {
                        (known.links_only, known.name) = (false, one.name.clone());
                    }
                    known.add_links(one);
                }
                None => self.integrations.push(one),
            }
        }
        self
    }

    /// What was managed and may be what an entry means that names its provider alone: it stays.
    pub fn held(&self, current: &[ManagedIntegration]) -> Vec<ManagedIntegration> {
        self.integrations.iter().filter(|one| one.is_held(current)).cloned().collect()
    }

    /// Keeps those the manifest's own that an entry of it installed, where another one only links now.
    pub fn keep_installed(&self, current: &mut [ManagedIntegration]) {
        let installed = |one: &&ManagedIntegration| !one.links_only && one.id.is_some();
        let place = |one: &ManagedIntegration| (server_key(&one.server), one.id);
        let own: HashSet<_> = current.iter().filter(installed).map(place).collect();
        for now in current.iter_mut().filter(|now| now.links_only && !own.contains(&place(now))) {
            let mut known = self.integrations.iter().filter(installed);
            if let Some(known) = known.find(|known| known.key() == now.key()) {
                (now.links_only, now.name) = (false, known.name.clone());
                now.provider.clone_from(&known.provider);
            }
        }
    }

    /// What may be the same as something managed now under another name of its server, or another
    /// server's: all of it where that is another run's, as `is_own` says, else what is named no longer.
    pub fn elsewhere(
        &self,
        current: &[ManagedIntegration],
        is_own: impl Fn(&ManagedIntegration) -> bool,
    ) -> Vec<ManagedIntegration> {
        let reached: HashSet<_> = current.iter().map(|now| server_key(&now.server)).collect();
        let apart = self.servers_apart(current);
        let known = self.integrations.iter().filter(|one| one.is_renamed_place(current, &apart));
        let known = known.filter(|one| !reached.contains(&server_key(&one.server)));
        let rest = known.map(|one| match is_own(one) {
            true => {
                let alike: Vec<_> = current.iter().filter(|now| now.id == one.id).collect();
                one.without(|link| alike.iter().any(|now| now.names(&link)))
            }
            false => one.clone(),
        });
        rest.filter(ManagedIntegration::has_anything).collect()
    }

    /// The servers that are two, and not one by two names: each has an integration under an id that the
    /// other has one under as well.
    fn servers_apart(&self, current: &[ManagedIntegration]) -> HashSet<(String, String)> {
        let mut apart = HashSet::new();
        for all in [&self.integrations, current] {
            let mut by_id: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
            for (one, id) in all.iter().filter_map(|one| Some((one, one.id?))) {
                by_id.entry(id).or_default().insert(server_key(&one.server));
            }
            for servers in by_id.into_values() {
                let pairs = servers.iter().flat_map(|a| servers.iter().map(move |b| (a, b)));
                let pairs = pairs.filter(|(a, b)| a != b);
                apart.extend(pairs.map(|(a, b)| (a.clone(), b.clone())));
            }
        }
        apart
    }

    /// The record of what is managed now, and of what should have gone and is still there.
    pub fn merged(
        mut current: Vec<ManagedIntegration>,
        left: impl IntoIterator<Item = ManagedIntegration>,
    ) -> Self {
        for one in left {
            match current.iter_mut().find(|now| now.key() == one.key()) {
                Some(now) => now.add_links(one),
                None => current.push(one),
            }
        }
        Self::new(current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::recorded_links::RecordedRepository;
    use crate::integration::{ExistingLinks, LinkedRepository, NamedLinks, RequestedLinks};

    fn integration(id: i64, provider: &str, links: Option<(&str, &str)>) -> ManagedIntegration {
        let repository = |(id, name): (&str, &str)| {
            let id = Some(id.to_owned()).filter(|id| !id.is_empty());
            RecordedRepository { id, name: name.to_owned() }
        };
        ManagedIntegration {
            server: "https://sentry.io/".to_owned(),
            org: "acme".to_owned(),
            provider: provider.to_owned(),
            id: Some(id),
            name: format!("name-{id}"),
            links_only: false,
            repositories: links.map(repository).into_iter().collect(),
            code_mappings: Vec::new(),
            named: NamedLinks::default(),
            is_chosen: false,
        }
    }

    fn rows(id: &str) -> ExistingLinks {
        let names = ["Acme / Web", "acme/web"].map(str::to_owned).to_vec();
        let repository = LinkedRepository { id: id.to_owned(), names, ..Default::default() };
        ExistingLinks { repositories: vec![repository], ..ExistingLinks::default() }
    }

    /// An entry that names `acme/web`, which this run has linked under an id.
    fn linked_now(id: i64, provider: &str, row: &str) -> ManagedIntegration {
        let repositories = vec!["acme/web".to_owned()];
        let requested = RequestedLinks { repositories, ..RequestedLinks::default() };
        let mut named = NamedLinks::new(&requested, &ExistingLinks::default());
        named.note_repository("acme/web", None);
        named.identify(&rows(row));
        let repositories = named.linked_repositories();
        ManagedIntegration { named, repositories, ..integration(id, provider, None) }
    }

    /// A plan cannot know whether the row moves, so that the run that links it does not decide either.
    #[test]
    fn what_this_run_links_under_the_name_of_a_managed_one_keeps_that_until_the_next() {
        for (provider, row, unnamed, kept) in [
            // The row has moved.
            ("gitlab", "1", 0, 0),
            ("gitlab", "2", 0, 1),
            // Another provider's is another one.
            ("github", "2", 1, 0),
        ] {
            let own = integration(1, "gitlab", None);
            let record =
                ManagedRecord::new(vec![integration(1, "gitlab", Some(("1", "acme/web")))]);
            let current = [own, linked_now(2, provider, row)];
            let case = (provider, row);
            assert_eq!(record.unnamed(&current, &[], &[]).len(), unnamed, "{case:?}");
            assert_eq!(record.mapped(&current, &[]).len(), kept, "{case:?}");
        }
    }

    #[test]
    fn ids_decide_where_both_are_known_and_names_of_the_row_where_one_is_not() {
        for (recorded, unnamed) in [
            (("2", "acme/old"), 0),
            (("3", "acme/web"), 1),
            (("", "ACME/web"), 0),
            (("", "Acme / Web"), 0),
            (("", "acme/api"), 1),
        ] {
            let record = ManagedRecord::new(vec![integration(1, "gitlab", Some(recorded))]);
            let current = [linked_now(1, "gitlab", "2")];
            assert_eq!(record.unnamed(&current, &[], &[]).len(), unnamed, "{recorded:?}");
        }
    }
}
