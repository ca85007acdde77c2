//! Google Cloud: a service account of Sentry's, and the one that it may act as.

use super::sentry_only::SentryOnly;
use super::{Field, FieldKind, ProviderDescription, Step};

pub(super) static GCP: SentryOnly = SentryOnly::single_instance(ProviderDescription {
    name: "Google Cloud Platform",
    summary: "finishes at a Sentry with the fields alone, once its service account was let in",
    sentry_only_reason: Some(
        "the account that is let in is made in Sentry's own Google Cloud project",
    ),
    steps: &[
        Step::form("gcp_sa_generation", &[]),
        Step::form(
            "gcp_customer_config",
            &[
                Field::text(
                    "customerSaEmail",
                    255,
                    "your service account, which Sentry's may act as",
                    "sentry@my-project.iam.gserviceaccount.com",
                ),
                Field::required(
                    "projects",
                    FieldKind::List(&PROJECT),
                    "the projects to watch, 20 at most",
                    "my-project",
                ),
            ],
        ),
    ],
    ..ProviderDescription::new("gcp")
});

/// The id of a project at Google.
pub(super) const PROJECT: FieldKind = FieldKind::Rule(
    is_project,
    "the id of a GCP project: 6 to 30 small letters, digits and hyphens, a letter first, no hyphen last",
);

fn is_project(text: &str) -> bool {
    (6..=30).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.ends_with('-')
}
