//! What stands in for GitHub's API where the feature `github` is left out: nothing is sent.

use crate::provider::request::{VendorRequest, VendorResponse};

/// Fails as an API does that cannot be reached.
pub(crate) async fn fetch(_: &VendorRequest, _: &str, _: &[String]) -> VendorResponse {
    let reason =
        "this build of finishline cannot reach GitHub's API; build it with its default features";
    VendorResponse::Unreached(reason.to_owned())
}
