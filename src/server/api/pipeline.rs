//! `/pipeline/{pipeline_name}/`: the JSON endpoint of Sentry 2026 over the embedded engine.
//!
//! The session is the key of the pipeline itself, 64 random hex digits in the cookie that Sentry
//! calls `sentrysid`, here with the port; there is one pipeline in it, and only the user who started
//! it goes on.

use super::provider_json;
use crate::backend::embedded::{EmbeddedBackend, EntryPoint, PipelineSession};
use crate::integration::{Pipeline, PipelineStart, StepResult, StepView};
use crate::model::{Fields, FinishedIntegration, Object, OrgSlug};
use crate::provider::{self, FieldKind, INITIAL, Provider, Step};
use crate::server::auth::sessions::cookie;
use crate::server::endpoint::OrgRequest;
use crate::server::http::access_log::LogNote;
use crate::server::http::{ApiError, ApiResult, RawRequest, body, ok};
use crate::server::state::ServerState;
use crate::text::case::snake_case;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Value, json};

/// The only one that can be started here.
const INTEGRATIONS: &str = "integration_pipeline";
/// Those that Sentry has beside it, which never have a session here.
const IDENTITIES: [&str; 2] = ["identity_provider", "identity_pipeline"];
/// Sentry's name for the session's cookie, before the port: cookies know none, and two servers on one
/// machine are not to end each other's pipelines.
const SESSION: &str = "sentrysid";

/// `GET`: the current step.
pub(crate) async fn show(mut request: OrgRequest) -> ApiResult {
    let session = current(&mut request).await?;
    Ok(ok(&step(&session, None)))
}

/// `POST`: starts a pipeline, or answers its current step.
pub(crate) async fn advance(mut request: OrgRequest) -> ApiResult {
    let body = body::read(&request.raw)?;
    if body.get("action") == Some(&Value::from("initialize")) {
        return initialize(request, &body).await;
    }
    let session = current(&mut request).await?;
    let fields = fields(session.step, &body);
    let mut engine = EmbeddedBackend::resuming(&mut request.database, &session.key)
        .trusting(request.server.certificates.as_ref());
    match engine.advance(&fields).await? {
        StepResult::Advance(view) => Ok(ok(&next_step(&session, &view))),
        StepResult::Stay(data) if data.is_empty() => Ok(ok(&json!({ "status": "stay" }))),
        StepResult::Stay(data) => Ok(ok(&json!({ "status": "stay", "data": data }))),
        StepResult::Complete(finished) => complete(&mut request, &finished).await,
        StepResult::Invalid(errors) if fails_late(session.step, &fields, &errors) => {
            engine.fail_finish(session.provider).await?;
            // An answer and no error: what it leaves behind is kept.
            Ok(ApiError::internal("Sentry's finish would fail without this part").into_response())
        }
        StepResult::Invalid(errors) => Err(invalid(session.provider, errors)),
        StepResult::Refused(refusal) => {
            let body = json!({ "status": "error", "data": { "detail": refusal.message } });
            let values = fields.iter().map(|(_, value)| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            });
            let note = LogNote::of_set_up(refusal.code, &refusal.message, values);
            Err(ApiError::new(StatusCode::BAD_REQUEST, body).with_note(note))
        }
    }
}

/// Whether a Sentry would take all of these, and fail at its finish.
fn fails_late(step: &Step, fields: &Fields, errors: &[(String, String)]) -> bool {
    let is_late = |(name, _): &(String, String)| {
        let mut all = step.fields.iter();
        all.any(|field| field.name == name && field.is_late_failure(fields))
    };
    errors.iter().all(is_late)
}

/// The fields that do not fit, as Sentry names them.
fn invalid(provider: &dyn Provider, errors: Vec<(String, String)>) -> ApiError {
    let names: Vec<_> = errors.iter().map(|(name, _)| name.as_str()).collect();
    let reason = format!("{}: invalid fields: {}", provider.key(), names.join(", "));
    let note = LogNote::SetUpRefusal(reason);
    let errors = errors.into_iter().map(|(name, reason)| (name, json!([reason])));
    ApiError::new(StatusCode::BAD_REQUEST, Value::Object(errors.collect())).with_note(note)
}

/// A pipeline of this provider that is refused from the start, which the log is told as well.
fn refused(key: &str, error: ApiError) -> ApiError {
    if error.status().is_server_error() {
        return error;
    }
    let named = if key.is_empty() { String::new() } else { format!("{key}: ") };
    let note = LogNote::SetUpRefusal(format!("{named}{}", error.detail_text()));
    error.with_note(note)
}

async fn initialize(mut request: OrgRequest, body: &Object) -> ApiResult {
    if request.raw.param("pipeline_name") != INTEGRATIONS {
        let text = "Initialization not supported for this pipeline.";
        return Err(ApiError::bad_request(text));
    }
    let key = body.get("provider").and_then(Value::as_str).filter(|key| !key.is_empty());
    let key = key.ok_or_else(|| refused("", ApiError::bad_request("provider is required.")))?;
    let unknown = || ApiError::detail(StatusCode::NOT_FOUND, format!("Unknown provider: {key}"));
    let provider = provider::find(key).map_err(|_| refused(key, unknown()))?;
    let user = request.principal.user.ok_or_else(ApiError::forbidden)?;
    let org = OrgSlug::parse(&request.org.slug).ok_or_else(ApiError::not_found)?;
    let app = request.server.app(provider);
    let app = app.map_err(|error| refused(key, ApiError::bad_request(error.message)))?;
    let initial_data = initial_data(provider, body)?;
    let start = PipelineStart {
        provider,
        org: &org,
        initial_data: initial_data.as_ref(),
        app: Some(&app),
        integration_id: None,
        base_url: &request.base(),
        next: None,
    };
    let replaced = session_key(&request.server, &request.raw);
    let key = EmbeddedBackend::new(&mut request.database)
        .begin_session(start, user, request.org.id, EntryPoint::Api, replaced.as_deref())
        .await
        .map_err(|error| refused(provider.key(), ApiError::from(error)))?;
    let mut response = ok(&step(&find_session(&mut request, &key).await?, None));
    set_session_cookie(&request.server, response.headers_mut(), &key);
    Ok(response)
}

/// What the pipeline begins with, where the provider takes something.
fn initial_data(provider: &dyn Provider, body: &Object) -> Result<Option<Fields>, ApiError> {
    let Some(step) = provider.initial() else { return Ok(None) };
    let none = Object::new();
    let initial = fields(step, body.get(INITIAL).and_then(Value::as_object).unwrap_or(&none));
    let errors = provider::field_errors(step, &initial);
    if errors.is_empty() { Ok(Some(initial)) } else { Err(invalid(provider, errors)) }
}

/// The session's pipeline, when it is this user's and for this organization.
async fn current(request: &mut OrgRequest) -> Result<PipelineSession, ApiError> {
    let name = request.raw.param("pipeline_name");
    if name != INTEGRATIONS && !IDENTITIES.contains(&name) {
        return Err(ApiError::detail(StatusCode::NOT_FOUND, "Invalid pipeline type"));
    }
    let key = session_key(&request.server, &request.raw)
        .filter(|_| name == INTEGRATIONS)
        .ok_or_else(no_session)?;
    let session = find_session(request, &key).await?;
    if session.org != request.org.id || request.principal.user != Some(session.user) {
        let reason = "the pipeline is another user's, or for another organization".to_owned();
        let error = ApiError::detail(StatusCode::NOT_FOUND, "Invalid pipeline state.");
        return Err(error.with_note(LogNote::SetUpRefusal(reason)));
    }
    Ok(session)
}

async fn find_session(request: &mut OrgRequest, key: &str) -> Result<PipelineSession, ApiError> {
    let session = EmbeddedBackend::new(&mut request.database).session(key).await?;
    session.ok_or_else(no_session)
}

fn no_session() -> ApiError {
    ApiError::detail(StatusCode::NOT_FOUND, "No active pipeline session.")
}

/// The finish: the organization's integration, as the listing has it.
async fn complete(request: &mut OrgRequest, finished: &FinishedIntegration) -> ApiResult {
    let installed = request.database.integration(request.org.id, finished.id).await?;
    let installed = installed.ok_or_else(ApiError::not_found)?;
    let data = provider_json::integration(request.org.id, &installed, true);
    Ok(ok(&json!({ "status": "complete", "data": data })))
}

fn step(session: &PipelineSession, status: Option<&str>) -> Value {
    step_json(session, session.index, &session.view, status)
}

fn next_step(session: &PipelineSession, view: &StepView) -> Value {
    step_json(session, session.index + 1, view, Some("advance"))
}

fn step_json(
    session: &PipelineSession,
    index: usize,
    view: &StepView,
    status: Option<&str>,
) -> Value {
    let mut step = Object::new();
    if let Some(status) = status {
        step.insert("status".to_owned(), status.into());
    }
    let fields = [
        ("step", json!(view.id)),
        ("stepIndex", json!(index)),
        ("totalSteps", json!(session.provider.steps().len())),
        ("provider", json!(session.provider.key())),
        ("data", json!(view.data)),
    ];
    step.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(step)
}

/// The step's fields out of a body, in camelCase or in snake_case; a number becomes a text where
/// one is wanted, as Sentry's serializers have it. Others are ignored.
fn fields(step: &Step, body: &Object) -> Fields {
    let mut fields = Fields::default();
    for field in step.fields {
        let value = body.get(field.name).or_else(|| body.get(&snake_case(field.name)));
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
pub(crate) fn session_key(server: &ServerState, raw: &RawRequest) -> Option<String> {
    cookie(&raw.headers, &format!("{SESSION}-{}", server.port()))
}

/// Hands the session's key out.
pub(crate) fn set_session_cookie(server: &ServerState, headers: &mut HeaderMap, key: &str) {
    let port = server.port();
    let cookie = format!("{SESSION}-{port}={key}; HttpOnly; Max-Age=3600; Path=/; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        headers.append(SET_COOKIE, cookie);
    }
}
