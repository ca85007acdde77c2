//! What is known of a provider before anything is given, as data.

use super::{Field, Provider, Step};

/// A provider's names, texts, steps and fields.
pub struct ProviderDescription {
    /// The key in inputs, in storage and in fixture paths, e.g. `opsgenie`.
    pub key: &'static str,
    /// The name people know it by.
    pub name: &'static str,
    /// How it is finished, in one sentence for a person.
    pub summary: &'static str,
    /// What it is good for, by Sentry's names.
    pub features: &'static [&'static str],
    /// The key in storage and in the settings URL; usually the key itself.
    pub integration_key: &'static str,
    /// What the pipeline begins with, as a step before the first one.
    pub initial: Option<&'static Step>,
    /// The steps to complete, in order, before [`Provider::build`].
    pub steps: &'static [Step],
    /// The credentials of an app of one's own at the third party, which `apps` holds for our
    /// engine: a Sentry has its own.
    pub app: &'static [Field],
    /// Whether a Sentry switches it on without a pipeline, at an endpoint of its own.
    pub direct_enable: bool,
    /// Why only a Sentry can finish it, and our engine cannot.
    pub sentry_only_reason: Option<&'static str>,
    /// Whether the organization's link keeps the installer's identity.
    pub needs_default_identity: bool,
}

impl ProviderDescription {
    /// A provider with a key and nothing else, for struct update.
    pub const fn new(key: &'static str) -> Self {
        Self {
            key,
            name: "",
            summary: "",
            features: &[],
            integration_key: key,
            initial: None,
            steps: &[],
            app: &[],
            direct_enable: false,
            sentry_only_reason: None,
            needs_default_identity: false,
        }
    }
}

/// What a provider's description says.
impl dyn Provider + '_ {
    /// See [`ProviderDescription::key`].
    pub fn key(&self) -> &'static str {
        self.description().key
    }

    /// See [`ProviderDescription::name`].
    pub fn name(&self) -> &'static str {
        self.description().name
    }

    /// See [`ProviderDescription::summary`].
    pub fn summary(&self) -> &'static str {
        self.description().summary
    }

    /// See [`ProviderDescription::features`].
    pub fn features(&self) -> &'static [&'static str] {
        self.description().features
    }

    /// Whether commits come from repositories of the third party.
    pub fn has_repositories(&self) -> bool {
        self.features().contains(&"commits")
    }

    /// See [`ProviderDescription::integration_key`].
    pub fn integration_key(&self) -> &'static str {
        self.description().integration_key
    }

    /// See [`ProviderDescription::initial`].
    pub fn initial(&self) -> Option<&'static Step> {
        self.description().initial
    }

    /// See [`ProviderDescription::steps`].
    pub fn steps(&self) -> &'static [Step] {
        self.description().steps
    }

    /// Its steps, and what it begins with: all that `state` may name.
    pub fn all_steps(&self) -> impl Iterator<Item = &'static Step> {
        self.steps().iter().chain(self.initial())
    }

    /// See [`ProviderDescription::app`].
    pub fn app(&self) -> &'static [Field] {
        self.description().app
    }

    /// See [`ProviderDescription::direct_enable`].
    pub fn direct_enable(&self) -> bool {
        self.description().direct_enable
    }

    /// See [`ProviderDescription::sentry_only_reason`].
    pub fn sentry_only_reason(&self) -> Option<&'static str> {
        self.description().sentry_only_reason
    }

    /// See [`ProviderDescription::needs_default_identity`].
    pub fn needs_default_identity(&self) -> bool {
        self.description().needs_default_identity
    }
}
