//! Google Cloud, by the older form with one project.

use super::described::Described;
use super::{Answers, Field, Kind, Match, Step, gcp};
use crate::model::Listed;

pub(super) static GCP_SA: Described = Described {
    matches,
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

fn matches(answers: &Answers, listed: &Listed) -> Match {
    match listed.external_id == answers.text("gcpProjectId") {
        true => Match::Same,
        false => Match::Other,
    }
}
