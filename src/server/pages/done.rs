//! The end of a set-up that a person walks, and what is remembered of it: a page that is loaded
//! again says the same, and who has to start again need not type everything again.

use super::layout::redirect;
use super::{PageRequest, result};
use crate::backend::embedded::{EntryPoint, PipelineSession};
use crate::model::site::Site;
use crate::model::{Fields, FinishedIntegration, Object};
use crate::server::api::pipeline::session_key;
use crate::server::api::provider_json;
use crate::server::http::{ApiError, ApiResult};
use crate::server::set_ups::FinishedSetUp;
use crate::text::hex;
use axum::response::Response;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The last page again, where a browser sends once more what has finished a set-up, or comes back
/// to the page without anything.
pub(super) async fn done_before(
    request: &mut PageRequest,
    user: i64,
    parameters: &Object,
) -> Result<Option<Response>, ApiError> {
    let key = session_key(&request.server, &request.raw);
    let key = key.filter(|_| request.browser_session.is_some());
    let finished = key.and_then(|key| request.server.set_ups.finished(&key, user));
    let is_it = |finished: &FinishedSetUp| {
        let is_start = !request.raw.path.starts_with("/extensions/");
        finished.request == identify(parameters) || (!is_start && parameters.is_empty())
    };
    match finished.filter(is_it) {
        Some(finished) => Ok(Some(finished_page(request, &finished).await?)),
        None => Ok(None),
    }
}

/// What identifies a request: the digest of all that came with it.
fn identify(parameters: &Object) -> String {
    hex(&Sha256::digest(Value::Object(parameters.clone()).to_string()))
}

/// Remembers what a person typed into the first step, but secrets; what was typed there.
pub(super) fn remember(request: &PageRequest, session: &PipelineSession, typed: &Fields) -> Fields {
    if request.browser_session.is_none() || session.index > 0 {
        return request.server.set_ups.typed(&session.key);
    }
    let mut shown = Fields::default();
    for field in session.step.fields.iter().filter(|field| !field.secret) {
        if let Some(value) = typed.get(field.name) {
            shown.set(field.name, value.clone());
        }
    }
    request.server.set_ups.remember(&session.key, session.user, shown.clone());
    shown
}

/// The finish: told to the window that opened the page, or a redirect to the settings page.
pub(super) async fn complete(
    request: &mut PageRequest,
    session: &PipelineSession,
    integration: FinishedIntegration,
    parameters: &Object,
) -> ApiResult {
    let (org, next) = (session.org, session.next.clone());
    let finished = FinishedSetUp { org, integration, next, request: identify(parameters) };
    if session.entry_point == EntryPoint::Link {
        return Ok(redirect(&settings_url(request, &finished).await?));
    }
    let page = finished_page(request, &finished).await?;
    if request.browser_session.is_some() {
        request.server.set_ups.finish(&session.key, session.user, finished);
    }
    Ok(page)
}

async fn settings_url(
    request: &mut PageRequest,
    finished: &FinishedSetUp,
) -> Result<String, ApiError> {
    let slug = request.database.slug(finished.org).await?.ok_or_else(ApiError::not_found)?;
    let FinishedIntegration { id, integration_key, .. } = &finished.integration;
    let site = Site::new(request.base());
    Ok(site.settings_url(slug.as_str(), integration_key, *id, finished.next.as_deref()))
}

async fn finished_page(request: &mut PageRequest, finished: &FinishedSetUp) -> ApiResult {
    let settings = settings_url(request, finished).await?;
    let installed = request.database.integration(finished.org, finished.integration.id).await?;
    let installed = installed.ok_or_else(ApiError::not_found)?;
    let data = provider_json::integration(finished.org, &installed, true);
    let posted = json!({ "success": true, "data": data });
    let page = result::finished(&installed.name, &settings, &posted);
    Ok(request.page("Integration Setup Complete", page))
}
