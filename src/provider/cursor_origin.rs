//! Cursor Origin: the receipt of an installation, signed by Cursor.

use super::auth::oauth2::STATE_FIELD;
use super::evidence::ProviderEvidence;
use super::sentry_only::SentryOnly;
use super::{Field, ProviderDescription, Step};

pub(super) static CURSOR_ORIGIN: SentryOnly = SentryOnly::new(ProviderDescription {
    name: "Cursor Origin",
    guide: "coding-agents/cursor/",
    summary: "Sentry only: needs a person to install its app once in a browser",
    sentry_only_reason: Some("the app, for which the receipt is issued, is Sentry's own"),
    // Only an installation that began at Cursor brings it from the start.
    initial: Some(&Step::initial(&[Field { required: false, ..RECEIPT }])),
    features: &["commits", "stacktrace-link"],
    steps: &[Step::page(
        "install",
        "installUrl",
        &[Field { required: false, ..RECEIPT }.by_callback("installation_receipt"), STATE_FIELD],
    )
    .approved_by("originInitiated")],
    evidence: ProviderEvidence::CODE,
    ..ProviderDescription::new("cursor_origin")
});

const RECEIPT: Field = Field::text("installationReceipt", 16_384)
    .help("the receipt that Cursor signs", "${CURSOR_RECEIPT}")
    .secret();
