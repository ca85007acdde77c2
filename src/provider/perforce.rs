//! Perforce P4: the server and who logs in there.

use super::fields::step::Step;
use super::sentry_only::SentryOnly;
use super::{Answers, Field, FieldKind, IntegrationMatch};
use crate::model::ListedIntegration;
use sha2::{Digest, Sha256};

pub(super) static PERFORCE: SentryOnly = SentryOnly {
    features: &["commits", "stacktrace-link"],
    matches,
    ..SentryOnly::new(
        "perforce",
        "Perforce P4",
        "finishes at a Sentry with the fields alone; Sentry logs in to the server",
        "the server speaks Perforce's own protocol and not HTTP",
        &STEPS,
    )
};

static STEPS: [Step; 1] = [Step::form(
    "installation_config",
    &[
        Field::required(
            "p4port",
            FieldKind::Text(255),
            "the server, as P4PORT has it",
            "ssl:perforce.example.com:1666",
        ),
        Field::required("user", FieldKind::Text(255), "who logs in", "sentry-bot"),
        Field::required(
            "authType",
            FieldKind::Choice(&["password", "ticket"]),
            "what `password` is",
            "password",
        ),
        Field::required("password", FieldKind::Text(4096), "the password or ticket", "${P4PASSWD}")
            .secret(),
        Field::optional("client", FieldKind::Text(255), "the workspace", "sentry-ws"),
        Field::optional(
            "sslFingerprint",
            FieldKind::Text(255),
            "the fingerprint of the server's key, which an `ssl:` address needs",
            "AB:CD:…",
        ),
        Field::optional(
            "webUrl",
            FieldKind::Url,
            "where P4 Code Review is",
            "https://p4.example.com",
        ),
        Field::optional(
            "charset",
            FieldKind::Choice(&["none", "utf8"]),
            "the charset of a Unicode server",
            "utf8",
        ),
    ],
)];

/// Sentry keeps the organization's own id and a part of the address's hash.
fn matches(answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
    let hash = Sha256::digest(answers.text("p4port"));
    let hash: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let is_ours = listed.external_id.starts_with("perforce-org-");
    match is_ours && listed.external_id.ends_with(&format!("-{hash}")) {
        true => IntegrationMatch::Same,
        false => IntegrationMatch::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_recognised_by_its_hash() {
        let hash = Sha256::digest("ssl:perforce.example.com:1666");
        let hash: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(format!("perforce-org-1-{hash}"), "perforce-org-1-6d45ca5d");
    }
}
