//! How third parties authenticate: OAuth 2, OAuth 1.0a, apps, signatures.

pub(crate) mod app;
pub(crate) mod application_link;
pub(crate) mod github_app;
pub(crate) mod oauth2;
pub(crate) mod self_hosted;
pub(crate) mod signature;
