//! Perforce P4: the server and who logs in there.

use super::evidence::{FIELDS, ProviderEvidence, STEPS, STORED};
use super::sentry_only::SentryOnly;
use super::{Answers, Field, FieldKind, IntegrationMatch, ProviderDescription, Step};
use crate::model::{Fields, ListedIntegration};
use crate::text::hex;
use sha2::{Digest, Sha256};

pub(super) static PERFORCE: SentryOnly = SentryOnly {
    matches,
    account: |answers| Some(address_hash(answers.text("p4port"))),
    ..SentryOnly::new(ProviderDescription {
        name: "Perforce P4",
        guide: "source-code-mgmt/perforce/",
        summary: "Sentry only: needs only the fields; Sentry logs in to the server",
        sentry_only_reason: Some("the server uses Perforce's own protocol instead of HTTP"),
        features: &["commits", "stacktrace-link"],
        steps: &[Step::form(
            "installation_config",
            &[
                Field::text("p4port", 255).help(
                    "the server's address, in the format of P4PORT",
                    "ssl:perforce.example.com:1666",
                ),
                Field::text("user", 255).help("the user to log in as", "sentry-bot"),
                Field::required("authType", FieldKind::Choice(&["password", "ticket"]))
                    .help("the kind of `password`", "password"),
                Field::text("password", 4096)
                    .help("the password or ticket", "${P4PASSWD}")
                    .secret(),
                Field::optional("client", FieldKind::Text(255)).help("the workspace", "sentry-ws"),
                Field::optional("sslFingerprint", FieldKind::Text(255))
                    .help(
                        "the fingerprint of the server's key; required with an `ssl:` address",
                        "AB:CD:…",
                    )
                    .rule(ssl_without_fingerprint),
                Field::optional("webUrl", FieldKind::Url)
                    .help("the URL of P4 Code Review", "https://p4.example.com"),
                Field::optional("charset", FieldKind::Choice(&["none", "utf8"]))
                    .help("the charset of a Unicode server", "utf8"),
            ],
        )],
        identity_fields: &["p4port"],
        evidence: ProviderEvidence {
            code: &[STORED],
            tests: &[STEPS, FIELDS],
            ..ProviderEvidence::NONE
        },
        ..ProviderDescription::new("perforce")
    })
};

/// Sentry asks for the fingerprint of every server that is reached over TLS.
fn ssl_without_fingerprint(fields: &Fields) -> Option<&'static str> {
    let is_tls = fields.text("p4port").trim_start().to_lowercase().starts_with("ssl:");
    let is_missing = fields.text("sslFingerprint").trim().is_empty();
    (is_tls && is_missing).then_some("required when `p4port` begins with `ssl:`")
}

/// Sentry keeps the organization's own id and a part of the address's hash.
fn matches(answers: &Answers, listed: &ListedIntegration) -> IntegrationMatch {
    let hash = address_hash(answers.text("p4port"));
    let is_ours = listed.external_id.starts_with("perforce-org-");
    IntegrationMatch::same_or_other(is_ours && listed.external_id.ends_with(&format!("-{hash}")))
}

fn address_hash(p4port: &str) -> String {
    hex(&Sha256::digest(p4port)[..4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_recognised_by_its_hash() {
        let hash = address_hash("ssl:perforce.example.com:1666");
        assert_eq!(format!("perforce-org-1-{hash}"), "perforce-org-1-6d45ca5d");
    }
}
