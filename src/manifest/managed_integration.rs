//! One integration that a manifest manages, with its links, and how it is told from all others.

use crate::inputs::recorded_links::{RecordedMapping, RecordedRepository};
use crate::integration::{NamedLinks, NamedRepository};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use url::Url;

/// What the place of an embedded backend begins with, before its file.
pub const EMBEDDED: &str = "embedded: ";

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
    pub repositories: Vec<RecordedRepository>,
    /// The code mappings that were named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub code_mappings: Vec<RecordedMapping>,
    /// All that the entry names, whether it is there or not.
    #[serde(skip)]
    pub named: NamedLinks,
    /// Whether an entry describes it, and names no id: another one of its name would do as well.
    #[serde(skip)]
    pub is_chosen: bool,
}

/// A link of the record.
pub(super) enum RecordedLink<'a> {
    Repository(&'a RecordedRepository),
    Mapping(&'a RecordedMapping),
}

impl ManagedIntegration {
    /// What tells it from all others, as a text.
    pub fn key_text(&self) -> String {
        let (server, org, id, provider) = self.key();
        format!("{server}\n{org}\n{}\n{provider}", id.unwrap_or_default())
    }

    /// What tells it from all others.
    pub(super) fn key(&self) -> (String, &str, Option<i64>, &str) {
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
    pub(super) fn has_place_of(&self, other: &Self) -> bool {
        (server_key(&self.server), &self.org) == (server_key(&other.server), &other.org)
    }

    /// Whether one of these is the same integration, in a place that is named otherwise: its organization
    /// by the slug or by the id, or its server by another of its names, which is none of those `apart`.
    pub(super) fn is_renamed_place(
        &self,
        current: &[Self],
        apart: &HashSet<(String, String)>,
    ) -> bool {
        let own = server_key(&self.server);
        current.iter().filter(|now| self.is_alike(now)).any(|now| {
            let servers = (own.clone(), server_key(&now.server));
            match servers.0 == servers.1 {
                true => self.has_renamed_org(now),
                // A file is known by where it is.
                false if self.server.starts_with(EMBEDDED) || apart.contains(&servers) => false,
                false => self.org == now.org && is_same(&self.name, &now.name),
            }
        })
    }

    /// The same integration, whose organization is named by its id now and was by its slug, or the other way.
    pub(super) fn in_renamed_org<'a>(&self, current: &'a [Self]) -> Option<&'a Self> {
        let own = server_key(&self.server);
        let mut alike = current.iter().filter(|now| self.is_alike(now));
        alike.find(|now| server_key(&now.server) == own && self.has_renamed_org(now))
    }

    fn has_renamed_org(&self, now: &Self) -> bool {
        let is_id = |org: &str| org.bytes().all(|byte| byte.is_ascii_digit());
        is_id(&now.org) != is_id(&self.org)
    }

    /// Whether the same integration is in this organization now, of another name.
    pub fn is_in_other_org(&self, now: &Self) -> bool {
        let is_there = server_key(&self.server) == server_key(&now.server) && self.org != now.org;
        is_there && self.is_alike(now) && is_same(&self.name, &now.name)
    }

    /// Whether both have one id, and no other provider.
    fn is_alike(&self, now: &Self) -> bool {
        self.id.is_some() && self.id == now.id && is_same(&self.provider, &now.provider)
    }

    /// Whether one of these may mean it, and none names it.
    pub(super) fn is_held(&self, current: &[Self]) -> bool {
        let is_named = current.iter().any(|now| now.key() == self.key());
        let is_meant = current.iter().any(|now| now.id.is_none() && self.may_be(now));
        !self.links_only && !is_named && is_meant
    }

    /// Whether both may be one integration, as one of them is not named by its id.
    fn may_be(&self, other: &Self) -> bool {
        self.has_place_of(other)
            && (self.id.is_none() || other.id.is_none())
            && is_same(&self.provider, &other.provider)
    }

    /// What is linked but this.
    #[must_use]
    pub(super) fn without(&self, is_out: impl Fn(RecordedLink<'_>) -> bool) -> Self {
        let mut rest = Self { links_only: true, ..self.clone() };
        rest.repositories.retain(|one| !is_out(RecordedLink::Repository(one)));
        rest.code_mappings.retain(|one| !is_out(RecordedLink::Mapping(one)));
        rest
    }

    /// Whether an entry names this link of its own integration, whether it is there or not.
    pub(super) fn names(&self, link: &RecordedLink<'_>) -> bool {
        let NamedLinks { mapped, code_mappings, .. } = &self.named;
        match link {
            RecordedLink::Repository(one) => {
                self.named.names_repository(one) || mapped.iter().any(|named| named.is(one))
            }
            RecordedLink::Mapping(one) => {
                code_mappings.iter().any(|named| named.recorded.is_same(one))
            }
        }
    }

    /// Whether this one is another integration of the same organization.
    pub(super) fn is_beside(&self, now: &Self) -> bool {
        self.has_place_of(now) && self.key() != now.key()
    }

    /// Whether this link of another integration is linked through this one now, or will be, or is needed.
    pub(super) fn takes(&self, link: &RecordedLink<'_>, from: &Self) -> bool {
        match link {
            RecordedLink::Repository(one) => {
                let may_be =
                    |own: &&RecordedRepository| self.shares_names(from) || has_ids(own, one);
                self.repositories.iter().filter(may_be).any(|own| own.is_same(one))
                    || self.needs(one, from)
            }
            RecordedLink::Mapping(one) => self.code_mappings.iter().any(|own| own.is_same(one)),
        }
    }

    /// Whether a code mapping or a commit needs a repository, or this run links what is called the same: a plan
    /// cannot know whether that is the same one.
    pub(super) fn needs(&self, one: &RecordedRepository, from: &Self) -> bool {
        let NamedLinks { repositories, mapped, .. } = &self.named;
        let is_known = |named: &NamedRepository| named.id.is_some() && one.id.is_some();
        let shares = self.shares_names(from);
        mapped.iter().filter(|named| shares || is_known(named)).any(|named| named.is(one))
            || shares
                && self.is_beside(from)
                && repositories.iter().any(|named| named.is_new_as(one))
    }

    /// Whether one repository may go from one to the other: then their names mean the same.
    fn shares_names(&self, other: &Self) -> bool {
        let (own, other) = (&self.provider, &other.provider);
        own == other || own.is_empty() || other.is_empty()
    }

    /// What of it an entry of the same integration names in its own right.
    pub(super) fn named_by(&self, now: &Self) -> Self {
        self.without(|link| match link {
            RecordedLink::Repository(one) => !now.named.names_repository(one),
            RecordedLink::Mapping(_) => !now.names(&link),
        })
    }

    /// Adds the links of another one, of which it may have some.
    pub(super) fn add_links(&mut self, other: Self) {
        for new in other.repositories {
            match self.repositories.iter_mut().find(|known| known.is_same(&new)) {
                Some(known) => known.id = known.id.take().or(new.id),
                None => self.repositories.push(new),
            }
        }
        for new in other.code_mappings {
            match self.code_mappings.iter_mut().find(|known| known.is_same(&new)) {
                Some(known) if known.id.is_some() => {}
                Some(known) => *known = new,
                None => self.code_mappings.push(new),
            }
        }
    }

    /// The names of those repositories that the entries of its organization name, and that no id was known
    /// of before this run.
    pub fn unknown_names<'a>(&self, all: impl Iterator<Item = &'a Self>) -> Vec<String> {
        let near = all.filter(|now| now.has_place_of(self) && now.shares_names(self));
        near.flat_map(|now| now.named.unknown_names()).cloned().collect()
    }

    pub(super) fn has_anything(&self) -> bool {
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

/// Whether two texts are one, as far as both are known.
fn is_same(one: &str, other: &str) -> bool {
    one == other || one.is_empty() || other.is_empty()
}

/// Whether the ids of both are known.
fn has_ids(one: &RecordedRepository, other: &RecordedRepository) -> bool {
    one.id.is_some() && other.id.is_some()
}
