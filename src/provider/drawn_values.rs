//! What a pipeline draws at random for itself: the id of an installation that no third party numbers,
//! and the secret of its webhooks.

use super::FreshValues;
use super::auth::oauth2::bind_once;
use crate::model::State;

/// Where the id of the installation is kept.
pub(super) const INSTALLATION_ID: &str = "installation_id";
/// Where the secret of the webhooks is kept.
pub(super) const WEBHOOK_SECRET: &str = "webhook_secret";

/// Draws the id, once.
pub(super) fn bind_installation_id(state: &mut State, fresh: &FreshValues) {
    bind_once(state, INSTALLATION_ID, fresh.id());
}

/// Draws the secret, once.
pub(super) fn bind_webhook_secret(state: &mut State, fresh: &FreshValues) {
    bind_once(state, WEBHOOK_SECRET, &fresh.verifier);
}
