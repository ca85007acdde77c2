//! What is known of a provider before anything is given, as data.

use super::evidence::ProviderEvidence;
use super::{Field, Provider, Step};

/// Declares the fields once: what each holds, and what it is where a provider says nothing.
macro_rules! description {
    ($($(#[$doc:meta])* $field:ident: $type:ty = $default:expr;)*) => {
        /// A provider's names, texts, steps and fields.
        pub struct ProviderDescription {
            /// The key in inputs, in storage and in fixture paths, e.g. `opsgenie`.
            pub key: &'static str,
            /// The key in storage and in the settings URL; usually the key itself.
            pub integration_key: &'static str,
            $($(#[$doc])* pub $field: $type,)*
        }

        impl ProviderDescription {
            /// A provider with a key and nothing else, for struct update.
            pub const fn new(key: &'static str) -> Self {
                Self { key, integration_key: key, $($field: $default,)* }
            }
        }

        /// What a provider's description says.
        impl dyn Provider + '_ {
            $($(#[$doc])* pub fn $field(&self) -> $type {
                self.description().$field
            })*
        }
    };
}

description! {
    /// The name people know it by.
    name: &'static str = "";
    /// How it is finished, in one sentence for a person.
    summary: &'static str = "";
    /// Where Sentry's documentation describes it, below its page about integrations.
    guide: &'static str = "";
    /// What it is good for, by Sentry's names.
    features: &'static [&'static str] = &[];
    /// What the pipeline begins with, as a step before the first one.
    initial: Option<&'static Step> = None;
    /// The steps to complete, in order, before [`Provider::build`].
    steps: &'static [Step] = &[];
    /// The credentials of an app of one's own at the third party, which `apps` holds for our
    /// engine: a Sentry has its own.
    app: &'static [Field] = &[];
    /// Whether a Sentry switches it on without a pipeline, at an endpoint of its own.
    direct_enable: bool = false;
    /// Why only a Sentry can finish it, and our engine cannot.
    sentry_only_reason: Option<&'static str> = None;
    /// The fields that tell one integration from all others, where an install needs more.
    identity_fields: &'static [&'static str] = &[];
    /// Whether each finish makes another integration, for its external id is random: none is ever
    /// renewed.
    has_random_id: bool = false;
    /// Whether a Sentry lists, in the organization's configuration, what of the answers is secret.
    lists_config: bool = false;
    /// Whether each finish at a Sentry adds to what the organization has configured.
    finish_adds_config: bool = false;
    /// Whether a Sentry finds its repositories by a number, and calls them by names that are no paths.
    has_numbered_repositories: bool = false;
    /// Whether its repositories are those that a Sentry knows by their names only.
    has_manual_repositories: bool = false;
    /// How what is described here is known.
    evidence: ProviderEvidence = ProviderEvidence::NONE;
    /// Whether the organization's link keeps the installer's identity.
    needs_default_identity: bool = false;
}

impl dyn Provider + '_ {
    /// The key in inputs, in storage and in fixture paths, e.g. `opsgenie`.
    pub fn key(&self) -> &'static str {
        self.description().key
    }

    /// The key in storage and in the settings URL; usually the key itself.
    pub fn integration_key(&self) -> &'static str {
        self.description().integration_key
    }

    /// Whether commits come from repositories of the third party.
    pub fn has_repositories(&self) -> bool {
        self.features().contains(&"commits")
    }

    /// Its steps, and what it begins with: all that `state` may name.
    pub fn all_steps(&self) -> impl Iterator<Item = &'static Step> {
        self.steps().iter().chain(self.initial())
    }
}
