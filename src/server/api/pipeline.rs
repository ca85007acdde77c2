//! `/pipeline/{pipeline_name}/`: the JSON endpoint of Sentry 2026 over the embedded engine.
//!
//! The session is the key of the pipeline itself, 64 random hex digits in the cookie that Sentry
//! calls `sentrysid`; there is one pipeline in it, and only the user who began it goes on.

use super::provider_json;
use crate::backend::embedded::{EmbeddedBackend, EntryPoint, PipelineSession};
use crate::integration::pipeline::{Pipeline, PipelineStart, StepResult, StepView};
use crate::model::state::Fields;
use crate::model::{FinishedIntegration, Object, OrgSlug};
use crate::provider::{self, FieldKind, INITIAL, Provider, Step};
use crate::server::auth::sessions::cookie;
use crate::server::endpoint::OrgRequest;
use crate::server::http::body;
use crate::server::http::request::RawRequest;
use crate::server::http::response::{ApiError, ApiResult, ok};
use crate::text::case::snake_case;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};

/// The only one that can be begun here.
const INTEGRATIONS: &str = "integration_pipeline";
/// Those that Sentry has beside it, which never have a session here.
const IDENTITIES: [&str; 2] = ["identity_provider", "identity_pipeline"];
/// Sentry's name for the session's cookie.
const SESSION: &str = "sentrysid";

/// `GET`: the current step.
pub(crate) async fn show(mut call: OrgRequest) -> ApiResult {
    let session = current(&mut call).await?;
    Ok(ok(&step(&session, None)))
}

/// `POST`: begins a pipeline, or answers its current step.
pub(crate) async fn advance(mut call: OrgRequest) -> ApiResult {
    let given = body::read(&call.asked)?;
    if given.get("action") == Some(&Value::from("initialize")) {
        return initialize(call, &given).await;
    }
    let session = current(&mut call).await?;
    let fields = fields(session.step, &given);
    let mut engine = EmbeddedBackend::resuming(&mut call.database, &session.key);
    match engine.advance(&fields).await? {
        StepResult::Advance(view) => Ok(ok(&next_step(&session, &view))),
        StepResult::Stay(data) if data.is_empty() => Ok(ok(&json!({ "status": "stay" }))),
        StepResult::Stay(data) => Ok(ok(&json!({ "status": "stay", "data": data }))),
        StepResult::Complete(finished) => complete(&mut call, &finished).await,
        StepResult::Invalid(wrong) => Err(invalid(wrong)),
        StepResult::Refused(refusal) => {
            let body = json!({ "status": "error", "data": { "detail": refusal.message } });
            Err(ApiError::new(StatusCode::BAD_REQUEST, body))
        }
    }
}

/// The fields that do not fit, as Sentry names them.
fn invalid(wrong: Vec<(String, String)>) -> ApiError {
    let wrong = wrong.into_iter().map(|(name, why)| (name, json!([why])));
    ApiError::new(StatusCode::BAD_REQUEST, Value::Object(wrong.collect()))
}

async fn initialize(mut call: OrgRequest, given: &Object) -> ApiResult {
    if call.asked.param("pipeline_name") != INTEGRATIONS {
        let text = "Initialization not supported for this pipeline.";
        return Err(ApiError::bad_request(text));
    }
    let key = given.get("provider").and_then(Value::as_str).filter(|key| !key.is_empty());
    let key = key.ok_or_else(|| ApiError::bad_request("provider is required."))?;
    let provider = provider::find(key)
        .map_err(|_| ApiError::detail(StatusCode::NOT_FOUND, format!("Unknown provider: {key}")))?;
    let user = call.bearer.user.ok_or_else(ApiError::forbidden)?;
    let org = OrgSlug::parse(&call.org.slug).ok_or_else(ApiError::not_found)?;
    let app = call.server.app(provider);
    let app = app.map_err(|failure| ApiError::bad_request(failure.message))?;
    let initial_data = initial_data(provider, given)?;
    let base_url = call.server.base().to_owned();
    let start = PipelineStart {
        provider,
        org: &org,
        initial_data: initial_data.as_ref(),
        app: Some(&app),
        integration_id: None,
        base_url: &base_url,
        next: None,
    };
    let replaced = session_key(&call.asked);
    let key = EmbeddedBackend::new(&mut call.database)
        .begin_session(start, user, call.org.id, EntryPoint::Api, replaced.as_deref())
        .await?;
    let session =
        EmbeddedBackend::new(&mut call.database).session(&key).await?.ok_or_else(no_session)?;
    let mut response = ok(&step(&session, None));
    set_session_cookie(response.headers_mut(), &key);
    Ok(response)
}

/// What the pipeline begins with, where the provider takes something.
fn initial_data(provider: &dyn Provider, given: &Object) -> Result<Option<Fields>, ApiError> {
    let Some(step) = provider.initial() else { return Ok(None) };
    let none = Object::new();
    let initial = fields(step, given.get(INITIAL).and_then(Value::as_object).unwrap_or(&none));
    let wrong = provider::field_errors(step, &initial);
    if wrong.is_empty() { Ok(Some(initial)) } else { Err(invalid(wrong)) }
}

/// The session's pipeline, when it is this user's and for this organization.
async fn current(call: &mut OrgRequest) -> Result<PipelineSession, ApiError> {
    let name = call.asked.param("pipeline_name");
    if name != INTEGRATIONS && !IDENTITIES.contains(&name) {
        return Err(ApiError::detail(StatusCode::NOT_FOUND, "Invalid pipeline type"));
    }
    let key = session_key(&call.asked).filter(|_| name == INTEGRATIONS).ok_or_else(no_session)?;
    let session =
        EmbeddedBackend::new(&mut call.database).session(&key).await?.ok_or_else(no_session)?;
    if session.org != call.org.id || call.bearer.user != Some(session.user) {
        return Err(ApiError::detail(StatusCode::NOT_FOUND, "Invalid pipeline state."));
    }
    Ok(session)
}

fn no_session() -> ApiError {
    ApiError::detail(StatusCode::NOT_FOUND, "No active pipeline session.")
}

/// The finish: the organization's integration, as the listing has it.
async fn complete(call: &mut OrgRequest, finished: &FinishedIntegration) -> ApiResult {
    let found = call.database.integration(call.org.id, finished.id).await?;
    let installed = found.ok_or_else(ApiError::not_found)?;
    let data = provider_json::integration(call.org.id, &installed, true);
    Ok(ok(&json!({ "status": "complete", "data": data })))
}

fn step(session: &PipelineSession, status: Option<&str>) -> Value {
    shape(session, session.index, &session.view, status)
}

fn next_step(session: &PipelineSession, view: &StepView) -> Value {
    shape(session, session.index + 1, view, Some("advance"))
}

fn shape(session: &PipelineSession, index: usize, view: &StepView, status: Option<&str>) -> Value {
    let mut shown = Object::new();
    if let Some(status) = status {
        shown.insert("status".to_owned(), status.into());
    }
    shown.insert("step".to_owned(), view.id.clone().into());
    shown.insert("stepIndex".to_owned(), index.into());
    shown.insert("totalSteps".to_owned(), session.provider.steps().len().into());
    shown.insert("provider".to_owned(), session.provider.key().into());
    shown.insert("data".to_owned(), Value::Object(view.data.clone()));
    Value::Object(shown)
}

/// The step's fields out of a body, in camelCase or in snake_case; a number becomes a text where
/// one is wanted, as Sentry's serializers have it. Others are ignored.
fn fields(step: &Step, given: &Object) -> Fields {
    let mut fields = Fields::default();
    for field in step.fields {
        let value = given.get(field.name).or_else(|| given.get(&snake_case(field.name)));
        match (value, &field.kind) {
            (Some(Value::Number(number)), FieldKind::Text(_)) => {
                fields.set(field.name, number.to_string());
            }
            (Some(value), _) => fields.set(field.name, value.clone()),
            (None, _) => {}
        }
    }
    fields
}

/// The key in the session's cookie.
pub(crate) fn session_key(asked: &RawRequest) -> Option<String> {
    cookie(&asked.headers, SESSION)
}

/// Hands the session's key out.
pub(crate) fn set_session_cookie(headers: &mut HeaderMap, key: &str) {
    let cookie = format!("{SESSION}={key}; HttpOnly; Max-Age=3600; Path=/; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        headers.append(SET_COOKIE, cookie);
    }
}
