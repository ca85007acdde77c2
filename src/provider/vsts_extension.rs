//! Azure DevOps, when the set-up begins at Microsoft's marketplace. It is stored as `vsts`.

use super::auth::oauth2;
use super::fields::step::Step;
use super::sentry_only::SentryOnly;
use super::{Answers, Field, FieldKind, IntegrationMatch};
use crate::model::ListedIntegration;

pub(super) static VSTS_EXTENSION: SentryOnly = SentryOnly {
    initial: Some(&INITIAL),
    features: &["commits", "issue-basic", "issue-sync", "stacktrace-link"],
    integration_key: "vsts",
    matches,
    ..SentryOnly::new(
        "vsts-extension",
        "Azure DevOps (extension)",
        "waits at a Sentry once for a person who approves in a browser",
        "the marketplace's extension is Sentry's own; with an app of yours the provider is `vsts`",
        &STEPS,
    )
};

static INITIAL: Step = Step::initial(&[
    Field::required("targetId", FieldKind::Text(100), "the id of the organization", "0b3e…"),
    Field::required("targetName", NAME, "its name", "acme"),
]);

const NAME: FieldKind = FieldKind::Rule(
    is_target_name,
    "2 to 50 letters, digits and hyphens, with no hyphen at either end",
);

static STEPS: [Step; 1] = [oauth2::STEP];

fn matches(answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
    match listed.external_id == answers.text("targetId") {
        true => IntegrationMatch::Same,
        false => IntegrationMatch::Other,
    }
}

fn is_target_name(text: &str) -> bool {
    (2..=50).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}
