//! Google Cloud, by the older form with one project.

use super::fields::recover;
use super::fields::step::Step;
use super::sentry_only::SentryOnly;
use super::{Answers, Field, FieldKind, IntegrationMatch, gcp};
use crate::model::{ListedIntegration, Object};

pub(super) static GCP_SA: SentryOnly = SentryOnly {
    matches,
    told,
    ..SentryOnly::new(
        "gcp_sa",
        "Google Cloud Platform (one project)",
        "finishes at a Sentry that still has it, with the fields alone",
        "the account that is let in is made in Sentry's own Google Cloud project",
        &STEPS,
    )
};

static STEPS: [Step; 1] = [Step::form(
    "gcp_sa_config",
    &[
        Field::required("gcpProjectId", gcp::PROJECT, "the project to watch", "my-project"),
        Field::required(
            "displayName",
            FieldKind::Text(200),
            "the name that people see",
            "Production",
        ),
        Field::required(
            "enabledServices",
            FieldKind::List(&FieldKind::Text(100)),
            "the services to watch, by Sentry's names",
            "logging, monitoring",
        ),
    ],
)];

fn told(listed: &ListedIntegration) -> Object {
    recover::text_fields([("gcpProjectId", &listed.external_id), ("displayName", &listed.name)])
}

fn matches(answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
    match listed.external_id == answers.text("gcpProjectId") {
        true => IntegrationMatch::Same,
        false => IntegrationMatch::Other,
    }
}
