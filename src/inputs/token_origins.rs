//! Where tokens were given, for what is said of one that is missing or refused.

use super::origin::InputOrigin;
use super::raw::RawInputs;

/// Where the tokens were given, or should have been.
#[derive(Clone, Default)]
pub struct TokenOrigins {
    /// That of `auth-token`.
    pub auth: Option<InputOrigin>,
    /// That of `pipeline-token`.
    pub pipeline: Option<InputOrigin>,
    /// The variable of a manifest's token, when that is not set: then no other token stands in.
    pub unset: Option<String>,
    /// Whether SENTRY_AUTH_TOKEN is set to nothing, as a secret is that does not exist. Our own variables
    /// do not tell: that of an input which a step leaves out is empty as well.
    pub is_blank: bool,
}

impl TokenOrigins {
    /// Those of the inputs as they were typed.
    pub(super) fn of(raw: &RawInputs) -> Self {
        let origin = |name: &str| raw.get(name).map(|input| input.origin);
        Self {
            auth: origin("auth-token"),
            pipeline: origin("pipeline-token"),
            unset: raw.unset_token.clone(),
            is_blank: raw.has_blank_token,
        }
    }
}
