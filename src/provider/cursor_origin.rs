//! Cursor Origin: the receipt of an installation, signed by Cursor.

use super::auth::oauth2::STATE_FIELD;
use super::fields::step::Step;
use super::sentry_only::SentryOnly;
use super::{Field, FieldKind};

pub(super) static CURSOR_ORIGIN: SentryOnly = SentryOnly {
    initial: Some(&INITIAL),
    features: &["commits", "stacktrace-link"],
    ..SentryOnly::new(
        "cursor_origin",
        "Cursor Origin",
        "waits at a Sentry once for a person who installs its app in a browser",
        "the app that is installed, and that its receipt is made out to, is Sentry's own",
        &STEPS,
    )
};

const RECEIPT: Field = Field::required(
    "installationReceipt",
    FieldKind::Text(16_384),
    "the receipt that Cursor signs",
    "${CURSOR_RECEIPT}",
)
.secret();

/// Only an installation that began at Cursor brings it from the start.
static INITIAL: Step = Step::initial(&[Field { required: false, ..RECEIPT }]);

static STEPS: [Step; 1] = [Step::page(
    "install",
    "installUrl",
    &[RECEIPT.by_callback("installation_receipt"), STATE_FIELD],
)];
