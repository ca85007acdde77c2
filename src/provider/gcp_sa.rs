//! Google Cloud, by the older form with one project.

use super::evidence::ProviderEvidence;
use super::fields::recover;
use super::sentry_only::SentryOnly;
use super::{Answers, Field, FieldKind, IntegrationMatch, ProviderDescription, Step, gcp};
use crate::model::{ListedIntegration, Object};

pub(super) static GCP_SA: SentryOnly = SentryOnly {
    matches,
    account: |answers| Some(answers.text("gcpProjectId").to_owned()),
    recover_fields,
    ..SentryOnly::new(ProviderDescription {
        name: "Google Cloud Platform (one project)",
        summary: "Sentry only, where it is still offered: needs only the fields",
        sentry_only_reason: Some(
            "the account that needs access is created in Sentry's own Google Cloud project",
        ),
        steps: &[Step::form(
            "gcp_sa_config",
            &[
                Field::required("gcpProjectId", gcp::PROJECT)
                    .help("the project to watch", "my-project"),
                Field::optional("displayName", FieldKind::Text(255))
                    .help("the display name", "Production"),
                Field::optional("enabledServices", FieldKind::List(&FieldKind::Text(100))).help(
                    "the services to watch, by Sentry's names for them",
                    "logging, monitoring",
                ),
            ],
        )],
        evidence: ProviderEvidence::CODE,
        ..ProviderDescription::new("gcp_sa")
    })
};

fn recover_fields(listed: &ListedIntegration) -> Object {
    // The name is `GCP (…)`, from which the display name cannot be told.
    recover::text_fields([("gcpProjectId", &listed.external_id)])
}

fn matches(answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
    IntegrationMatch::same_or_other(listed.external_id == answers.text("gcpProjectId"))
}
