//! Google Cloud: a service account of Sentry's, and the one that it may act as.

use super::evidence::{FIELDS, ProviderEvidence, STEPS, STORED};
use super::sentry_only::SentryOnly;
use super::{Field, FieldKind, ProviderDescription, Step};

pub(super) static GCP: SentryOnly = SentryOnly::single_instance(ProviderDescription {
    name: "Google Cloud Platform",
    summary: "Sentry only: needs only the fields, once its service account has access",
    sentry_only_reason: Some(
        "the account that needs access is created in Sentry's own Google Cloud project",
    ),
    steps: &[
        Step::form("gcp_sa_generation", &[]),
        Step::form(
            "gcp_customer_config",
            &[
                Field::text("customerSaEmail", 255).help(
                    "your service account, which Sentry's service account may impersonate",
                    "sentry@my-project.iam.gserviceaccount.com",
                ),
                Field::required("projects", FieldKind::List(&PROJECT))
                    .help("the projects to watch, at most 20", "my-project"),
            ],
        ),
    ],
    evidence: ProviderEvidence {
        code: &[STEPS, FIELDS],
        tests: &[STORED],
        inferred: &["the answer when Google refuses the service account"],
    },
    ..ProviderDescription::new("gcp")
});

/// The id of a project at Google.
pub(super) const PROJECT: FieldKind = FieldKind::Rule(
    is_project,
    "the id of a GCP project: 6 to 30 lowercase letters, digits and hyphens, starting with a letter and not ending with a hyphen",
);

fn is_project(text: &str) -> bool {
    (6..=30).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.ends_with('-')
}
