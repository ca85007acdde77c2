//! Google Cloud, by the older form with one project.

use super::described::Described;
use super::{Answers, Field, Kind, Match, Step, gcp, told};
use crate::model::{Listed, Object};

pub(super) static GCP_SA: Described = Described {
    matches,
    told,
    ..Described::new(
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
        Field::required("displayName", Kind::Text(200), "the name that people see", "Production"),
        Field::required(
            "enabledServices",
            Kind::List(&Kind::Text(100)),
            "the services to watch, by Sentry's names",
            "logging, monitoring",
        ),
    ],
)];

fn told(listed: &Listed) -> Object {
    told::texts([("gcpProjectId", &listed.external_id), ("displayName", &listed.name)])
}

fn matches(answers: &Answers, listed: &Listed) -> Match {
    match listed.external_id == answers.text("gcpProjectId") {
        true => Match::Same,
        false => Match::Other,
    }
}
