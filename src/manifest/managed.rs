//! What a manifest has managed: the record beside it, by which `prune: true` knows what is its own.

use crate::inputs::MappingPlace;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use url::Url;

/// What the name of the record adds to the manifest's.
pub const RECORD_SUFFIX: &str = ".managed.json";

/// What the place of an embedded backend begins with, before its file.
pub const EMBEDDED: &str = "embedded: ";

/// Everything that runs of a manifest have found or made as it says.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ManagedRecord {
    version: u32,
    /// The integrations, in the order of their entries.
    pub integrations: Vec<ManagedIntegration>,
}

/// An integration, or what is linked through it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ManagedIntegration {
    /// The server's address, or the file of the embedded backend.
    pub server: String,
    /// The organization.
    pub org: String,
    /// The provider's key.
    pub provider: String,
    /// Its id there; none where `mode: link` finds it by its provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// Its name, as it is shown; one that is called otherwise is not removed.
    pub name: String,
    /// Whether it is another's, and only its links are the manifest's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub links_only: bool,
    /// The repositories that were named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<String>,
    /// The places of the code mappings that were named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub code_mappings: Vec<MappingPlace>,
    /// The repositories that code mappings name: they stay, and are not the manifest's own for that.
    #[serde(skip)]
    pub mapped: Vec<String>,
    /// All that the entry names, whether it is there or not.
    #[serde(skip)]
    pub named: NamedLinks,
    /// The names of each repository that has several.
    #[serde(skip)]
    pub names: Vec<Vec<String>>,
    /// Whether an entry describes it, and names no id: another one of its name would do as well.
    #[serde(skip)]
    pub is_chosen: bool,
}

/// The links that an entry names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedLinks {
    /// The repositories.
    pub repositories: Vec<String>,
    /// The places of the code mappings.
    pub code_mappings: Vec<MappingPlace>,
    /// The repositories of the code mappings.
    pub mapped: Vec<String>,
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
            Some(now) => one.without_named(now),
        });
        let unnamed = unnamed.filter(ManagedIntegration::has_anything);
        // What moved to another entry of the organization is linked there by this run.
        let of_others = |one: ManagedIntegration| match one.links_only {
            true => {
                let all = current.iter().chain(planned);
                one.without(all.filter(|now| one.has_place_of(now)))
            }
            false => one,
        };
        unnamed.map(of_others).filter(ManagedIntegration::has_anything).collect()
    }

    /// Keeps what an entry still names of its integration, also where this run has not seen it there.
    pub fn keep_named(&self, current: &mut [ManagedIntegration]) {
        for now in current {
            let known = self.integrations.iter().filter(|known| known.key() == now.key());
            let kept: Vec<_> = known.map(|known| known.links_among(now)).collect();
            kept.into_iter().for_each(|(names, places)| now.add_links(names, places));
        }
    }

    /// What stays only since a code mapping or a commit names it: a later run prunes it.
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
            let (repositories, code_mappings) = (one.mapped_by(&all), Vec::new());
            ManagedIntegration { links_only: true, repositories, code_mappings, ..one.clone() }
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
                        (known.links_only, known.name) = (false, one.name);
                    }
                    known.add_links(one.repositories, one.code_mappings);
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
    /// server's.
    pub fn elsewhere(&self, current: &[ManagedIntegration]) -> Vec<ManagedIntegration> {
        let reached: HashSet<_> = current.iter().map(|now| server_key(&now.server)).collect();
        let apart = self.servers_apart(current);
        let known = self.integrations.iter().filter(|one| one.is_renamed_place(current, &apart));
        known.filter(|one| !reached.contains(&server_key(&one.server))).cloned().collect()
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
                Some(now) => now.add_links(one.repositories, one.code_mappings),
                None => current.push(one),
            }
        }
        Self::new(current)
    }
}

impl ManagedIntegration {
    /// What tells it from all others, as a text.
    pub fn key_text(&self) -> String {
        let (server, org, id, provider) = self.key();
        format!("{server}\n{org}\n{}\n{provider}", id.unwrap_or_default())
    }

    /// What tells it from all others.
    fn key(&self) -> (String, &str, Option<i64>, &str) {
        let provider = if self.id.is_none() { &self.provider } else { "" };
        (server_key(&self.server), &self.org, self.id, provider)
    }

    /// The integration that an entry took although this one has its name, too: which of them the manifest means
    /// is not known.
    pub fn rival<'a>(&self, current: &'a [Self]) -> Option<&'a Self> {
        let is_whole = !self.links_only && self.id.is_some() && !self.name.is_empty();
        current.iter().filter(|_| is_whole).find(|now| {
            let names = (&now.provider, &now.name) == (&self.provider, &self.name);
            now.is_chosen && names && now.has_place_of(self) && now.id != self.id
        })
    }

    /// Whether both are of one organization.
    fn has_place_of(&self, other: &Self) -> bool {
        (server_key(&self.server), &self.org) == (server_key(&other.server), &other.org)
    }

    /// Whether one of these is the same integration, in a place that is named otherwise: its organization
    /// by the slug or by the id, or its server by another of its names, which is none of those `apart`.
    fn is_renamed_place(&self, current: &[Self], apart: &HashSet<(String, String)>) -> bool {
        let is_id = |org: &str| org.bytes().all(|byte| byte.is_ascii_digit());
        let is_same = |a: &str, b: &str| a == b || a.is_empty() || b.is_empty();
        let is_alike = |now: &&Self| {
            self.id.is_some() && self.id == now.id && is_same(&self.provider, &now.provider)
        };
        let own = server_key(&self.server);
        current.iter().filter(is_alike).any(|now| {
            let servers = (own.clone(), server_key(&now.server));
            match servers.0 == servers.1 {
                true => is_id(&now.org) != is_id(&self.org),
                // A file is known by where it is.
                false if self.server.starts_with(EMBEDDED) || apart.contains(&servers) => false,
                false => self.org == now.org && is_same(&self.name, &now.name),
            }
        })
    }

    /// Whether one of these may mean it, and none names it.
    fn is_held(&self, current: &[Self]) -> bool {
        let is_named = current.iter().any(|now| now.key() == self.key());
        let is_meant = current.iter().any(|now| now.id.is_none() && self.may_be(now));
        !self.links_only && !is_named && is_meant
    }

    /// Whether both may be one integration, as one of them is not named by its id.
    fn may_be(&self, other: &Self) -> bool {
        let is_alike = |a: &str, b: &str| a == b || a.is_empty() || b.is_empty();
        self.has_place_of(other)
            && (self.id.is_none() || other.id.is_none())
            && is_alike(&self.provider, &other.provider)
    }

    /// What is linked, and is not by any of these now.
    fn without<'a>(&self, now: impl Iterator<Item = &'a Self>) -> Self {
        let mut rest = Self { links_only: true, ..self.clone() };
        for now in now {
            rest.remove_links(now, [&now.repositories, &now.mapped], &now.code_mappings);
        }
        rest
    }

    /// What is linked, and none of these names of the same integration.
    fn without_named(&self, now: &[&Self]) -> Self {
        let mut rest = self.without(now.iter().copied());
        for now in now {
            let NamedLinks { repositories, code_mappings, mapped } = &now.named;
            rest.remove_links(now, [repositories, mapped], code_mappings);
        }
        rest
    }

    /// Whether both are names of one repository.
    fn is_same(&self, a: &str, b: &str) -> bool {
        let has =
            |names: &[String], name: &str| names.iter().any(|one| one.eq_ignore_ascii_case(name));
        a.eq_ignore_ascii_case(b) || self.names.iter().any(|names| has(names, a) && has(names, b))
    }

    fn remove_links(&mut self, now: &Self, names: [&Vec<String>; 2], places: &[MappingPlace]) {
        let is_gone = |name: &str| names.into_iter().flatten().any(|one| now.is_same(one, name));
        self.repositories.retain(|name| !is_gone(name));
        self.code_mappings.retain(|place| !places.contains(place));
    }

    /// Its repositories that no entry names but for a code mapping or a commit: they stay, and are the
    /// manifest's still.
    fn mapped_by(&self, current: &[&Self]) -> Vec<String> {
        let near: Vec<_> = current.iter().filter(|now| now.has_place_of(self)).collect();
        let is_named = |name: &String, lists: fn(&Self) -> [&Vec<String>; 2]| {
            near.iter()
                .any(|now| lists(now).into_iter().flatten().any(|one| now.is_same(one, name)))
        };
        let is_kept = |name: &&String| {
            is_named(name, |now| [&now.mapped, &now.named.mapped])
                && !is_named(name, |now| [&now.repositories, &now.named.repositories])
        };
        self.repositories.iter().filter(is_kept).cloned().collect()
    }

    /// Those of its links that are named.
    fn links_among(&self, now: &Self) -> (Vec<String>, Vec<MappingPlace>) {
        let named = &now.named;
        let is_named = |name: &&String| named.repositories.iter().any(|one| now.is_same(one, name));
        let is_new = |name: &&String| !now.repositories.iter().any(|one| now.is_same(one, name));
        let repositories = self.repositories.iter().filter(is_named).filter(is_new).cloned();
        let is_named = |place: &&MappingPlace| named.code_mappings.contains(place);
        (repositories.collect(), self.code_mappings.iter().filter(is_named).cloned().collect())
    }

    /// Adds what is not among its links.
    fn add_links(&mut self, repositories: Vec<String>, places: Vec<MappingPlace>) {
        let is_new =
            |name: &String| !self.repositories.iter().any(|one| one.eq_ignore_ascii_case(name));
        let repositories: Vec<_> = repositories.into_iter().filter(is_new).collect();
        self.repositories.extend(repositories);
        let is_new = |place: &MappingPlace| !self.code_mappings.contains(place);
        let places: Vec<_> = places.into_iter().filter(is_new).collect();
        self.code_mappings.extend(places);
    }

    fn has_anything(&self) -> bool {
        !self.links_only || !self.repositories.is_empty() || !self.code_mappings.is_empty()
    }
}

/// A server by its address, of which it may have several: those of sentry.io for its organizations and
/// regions, and those of this machine.
pub fn server_key(address: &str) -> String {
    let Ok(mut url) = Url::parse(address) else { return address.to_owned() };
    let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_owned();
    let shared = match host.as_str() {
        "127.0.0.1" | "[::1]" => Some("localhost"),
        _ if host.ends_with(".sentry.io") => Some("sentry.io"),
        _ => None,
    };
    // An address with a host can have another one.
    let _ = shared.map(|shared| url.set_host(Some(shared)));
    url.into()
}
