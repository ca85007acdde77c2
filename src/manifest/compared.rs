//! The entries of a manifest as they are compared with one another.

use super::managed_integration::{EMBEDDED, server_key};
use crate::error::{Error, ErrorCode};
use crate::inputs::Inputs;
use crate::inputs::types::{BackendName, Mode};
use crate::provider::{self, AllowedSteps, Answers};
use crate::text::yaml::LineColumn;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// An entry as it is compared with the others.
pub struct ComparedEntry<'a> {
    /// How messages call it: `integrations[0]`.
    pub key: &'a str,
    /// Where it begins.
    pub place: LineColumn,
    /// Where each of its code mappings begins.
    pub mapping_places: &'a [LineColumn],
    /// Its inputs.
    pub inputs: &'a Inputs,
    /// Where it is finished, if that is known.
    pub backend: Option<BackendName>,
    /// What its release would record and upload.
    pub release: &'a ComparedRelease,
}

impl ComparedEntry<'_> {
    /// The organization, which is another one on another server.
    pub(super) fn organization(&self) -> String {
        let org = self.inputs.org.as_ref().map(ToString::to_string).unwrap_or_default();
        let server = match self.backend {
            // All entries have one file.
            Some(BackendName::Embedded) => EMBEDDED.to_owned(),
            Some(BackendName::Sentry) | None => server_key(self.inputs.page_url().as_str()),
        };
        format!("{server} {org}")
    }

    /// What has one repository of a name, for one integration; none where the entry may be about the
    /// integration of another one. Two instances of a service may have repositories of one name.
    pub(super) fn repository_owner(&self) -> Option<String> {
        let inputs = self.inputs;
        if inputs.mode == Mode::Link || inputs.integration_id.is_some() {
            return None;
        }
        let key = inputs.provider.as_deref()?;
        let answers = self.answers(key).filter(|_| self.backend != Some(BackendName::Embedded));
        let instance = answers.map(|answers| server_key(answers.text("url"))).unwrap_or_default();
        Some(format!("{} {key} {instance}", self.organization()))
    }

    /// What is known of the fields of its steps.
    fn answers(&self, key: &str) -> Option<Answers> {
        let provider = provider::find(key).unwrap_or_else(|_| provider::undescribed());
        provider::parse_partial(provider, &self.inputs.state, AllowedSteps::AnySteps).ok()
    }

    /// Which integration it is about, as far as the inputs tell.
    pub(super) fn accounts(&self) -> Vec<String> {
        let Some(key) = &self.inputs.provider else { return Vec::new() };
        let provider = provider::find(key).unwrap_or_else(|_| provider::undescribed());
        // Without a field an id says which one, and not what the fields would be by default; and where
        // each installation is a new one, several may have the same fields.
        let is_told = self.inputs.integration_id.is_none()
            || !self.inputs.state.entries.is_empty() && !provider.has_random_id();
        let answers = self.answers(key).filter(|_| is_told);
        let account = answers.and_then(|answers| provider.account(&answers));
        let own = Some(provider.integration_key()).filter(|own| !own.is_empty()).unwrap_or(key);
        let account = account.map(|account| format!("{own} account {account}"));
        let by_id = self.inputs.integration_id.map(|id| format!("{own} id {id}"));
        account.into_iter().chain(by_id).collect()
    }
}

/// What the release of an entry would record and upload, as far as its job tells.
#[derive(Debug, Default)]
pub struct ComparedRelease {
    /// The deploy; none where none is asked for.
    pub deploy: Option<ComparedDeploy>,
    /// The files that source maps are looked for in.
    pub build_files: BTreeSet<PathBuf>,
    /// The organization and the version of the release, where it gets only a part of its commits.
    pub part_of: Option<(String, String)>,
}

/// A deploy, by what tells it from others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ComparedDeploy {
    /// The version of its release.
    pub version: String,
    /// Where the release runs.
    pub environment: String,
    /// The projects, in any order.
    pub projects: BTreeSet<String>,
    /// Its name.
    pub name: Option<String>,
    /// The page about it.
    pub page: Option<String>,
}

/// A mistake at this place.
pub(super) fn mistake(message: String, hint: &str, place: LineColumn) -> Error {
    let mistake = Error::new(ErrorCode::BadManifest, message).with_hint(hint);
    Error { place: Some(place), ..mistake }
}
