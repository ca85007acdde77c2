//! Azure DevOps, when the set-up begins at Microsoft's marketplace. It is stored as `vsts`.

use super::auth::oauth2;
use super::evidence::ProviderEvidence;
use super::sentry_only::SentryOnly;
use super::{Answers, Field, FieldKind, IntegrationMatch, ProviderDescription, Step};
use crate::model::ListedIntegration;

pub(super) static VSTS_EXTENSION: SentryOnly = SentryOnly {
    matches,
    account: |answers| Some(answers.text("targetId").to_lowercase()),
    ..SentryOnly::new(ProviderDescription {
        name: "Azure DevOps (extension)",
        guide: "source-code-mgmt/azure-devops/",
        summary: "Sentry only: needs a person to approve once in a browser",
        sentry_only_reason: Some(
            "the marketplace extension is Sentry's own; to use your own app, set `provider: vsts`",
        ),
        initial: Some(&Step::initial(&[
            Field::text("targetId", 100).help("the id of the organization", "0b3e…"),
            Field::required("targetName", NAME).help("the name of the organization", "acme"),
        ])),
        features: &["commits", "issue-basic", "issue-sync", "stacktrace-link"],
        integration_key: "vsts",
        steps: &[oauth2::STEP],
        evidence: ProviderEvidence {
            inferred: &["whether the marketplace still starts it"],
            ..ProviderEvidence::CODE
        },
        ..ProviderDescription::new("vsts-extension")
    })
};

const NAME: FieldKind = FieldKind::Rule(
    is_target_name,
    "2 to 50 letters, digits and hyphens, with no hyphen at either end",
);

fn matches(answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
    IntegrationMatch::same_or_other(listed.external_id == answers.text("targetId"))
}

fn is_target_name(text: &str) -> bool {
    (2..=50).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}
