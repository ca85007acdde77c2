//! The set-up of an integration: what a person's browser, or a client of the `web` dialect, walks,
//! as on a Sentry of 2023.
//!
//! A client is known by its token, which comes with every request, a person by the session of the
//! browser. Either must hold a scope that sets integrations up, and the user's role the same one.
//! A person's link or callback changes nothing by itself: it shows the form that does. A script
//! submits that form only where a callback brings back what the vendor was given. A person is shown
//! the vendor's address instead of being sent there, for a form may only lead to this server.

use super::layout::redirect;
use super::step::StepPage;
use super::step_answer::{fields, is_answered_by};
use super::{FORM_AGAIN, FORM_KEY, FORM_STEP, PageRequest, done, link, login, result};
use crate::backend::embedded::{EmbeddedBackend, EntryPoint, PipelineSession, first_view};
use crate::database::{Organization, PageQuery};
use crate::error::{Error, ErrorCode, ExitCode, Result};
use crate::integration::callback::denied;
use crate::integration::{Pipeline, PipelineStart, StepResult};
use crate::model::{Fields, Object, OrgSlug};
use crate::provider::{self, Provider};
use crate::server::api::pipeline::{session_key, set_session_cookie};
use crate::server::auth;
use crate::server::auth::sessions::INSTALLS;
use crate::server::http::{ApiError, ApiResult, RawRequest};
use crate::text::segment;
use axum::http::header::AUTHORIZATION;
use axum::response::Response;
use serde_json::Value;
use url::form_urlencoded;

/// `/organizations/{org}/integrations/{provider}/setup/`: starts a pipeline and shows its first
/// step, or goes on to the vendor.
pub(super) async fn begin(mut request: PageRequest) -> ApiResult {
    let name = request.raw.param("org").to_owned();
    let org = request.database.organization(&name).await?;
    let Some(org) = org else { return Ok(to_login(&request, "")) };
    let own_login = format!("{}/", segment(&org.slug));
    let Some(user) = request.user() else { return Ok(to_login(&request, &own_login)) };
    let role = request.database.role(org.id, user).await?;
    if !request.may_install(role.as_deref()) {
        return match role {
            _ if request.browser_session.is_some() => Err(ApiError::forbidden()),
            Some(_) => Ok(to_login(&request, "")),
            None => Ok(to_login(&request, &own_login)),
        };
    }
    let provider = provider::find(request.raw.param("provider"));
    let provider = provider.map_err(|_| ApiError::not_found())?;
    if !request.may_change() {
        return Ok(offer(&request, &org, provider, user));
    }
    let parameters = parameters_of(&request);
    if let Some(done) = done::done_before(&mut request, user, &parameters).await? {
        return Ok(done);
    }
    let (key, session) = match start(&mut request, provider, user, &org, EntryPoint::SetUp).await? {
        Ok(started) => started,
        Err(error) => return Ok(start_refused(&request, &org.slug, provider, &error)),
    };
    let page = StepPage::for_session(&mut request, &session).await?;
    let is_answered = request.raw.form(FORM_STEP).as_deref() == Some(session.step.id);
    let mut response = if is_answered {
        answer(&mut request, &session, &page, &parameters).await?
    } else if request.raw.form(FORM_AGAIN).is_some() {
        page.show_again(&request, &session.view, &fields(session.step, &parameters))
    } else {
        page.show(&request, &session.view)
    };
    set_session_cookie(&request.server, response.headers_mut(), &key);
    Ok(response)
}

/// What starts a pipeline: its first step, where that is a form, else the question whether to.
fn offer(
    request: &PageRequest,
    org: &Organization,
    provider: &'static dyn Provider,
    user: i64,
) -> Response {
    let page = StepPage { org: org.slug.clone(), provider, step: provider.steps().first() };
    let first = start_data(request, provider).and_then(|(app, initial_data)| {
        let slug = OrgSlug::parse(&org.slug).expect("an organization has a slug");
        let base = request.base();
        let address = (base.as_str(), &request.raw);
        let start = pipeline_start(address, provider, &slug, &app, initial_data.as_ref());
        first_view(start, user, org.id)
    });
    match first {
        Ok(Some(view)) => page.show_first(request, &view),
        Ok(None) => page.offer(request),
        Err(error) => start_refused(request, &org.slug, provider, &error),
    }
}

/// Sends somebody to sign in, and a person back here afterwards.
fn to_login(request: &PageRequest, rest: &str) -> Response {
    let query = encoded([("next", request.raw.whole_path().as_str())].into_iter());
    redirect(&format!("/auth/login/{rest}?{query}"))
}

/// `/extensions/{provider}/setup/`: takes a form, or what a vendor's callback brings.
pub(super) async fn advance(mut request: PageRequest) -> ApiResult {
    let session = match session_key(&request.server, &request.raw) {
        Some(key) => EmbeddedBackend::new(&mut request.database).session(&key).await?,
        None => None,
    };
    let parameters = parameters_of(&request);
    let Some(session) = session else {
        let done = match request.user() {
            Some(user) => done::done_before(&mut request, user, &parameters).await?,
            None => None,
        };
        return Ok(done.unwrap_or_else(|| no_session(&request, &parameters)));
    };
    if session.entry_point == EntryPoint::Api {
        return Ok(request.page("Integration Setup", result::callback_page(parameters)));
    }
    let page = StepPage::for_session(&mut request, &session).await?;
    if request.user() != Some(session.user) {
        let message = "Current user does not match user that started the pipeline.";
        return Ok(page.refused(&request, &Error::new(ErrorCode::Unauthorized, message)));
    }
    auth::check_scopes(request.principal.as_ref(), INSTALLS)?;
    let word = |name: &str| parameters.get(name).and_then(Value::as_str).unwrap_or_default();
    if request.is_form() || is_answered_by(session.step, &parameters) {
        if !request.may_change() {
            let is_wanted = session.expects(word("state")) || session.expects(word("oauth_token"));
            return Ok(page.confirm(&request, &parameters, is_wanted));
        }
        return answer(&mut request, &session, &page, &parameters).await;
    }
    Ok(match word("error") {
        "" => page.show(&request, &session.view),
        error => {
            let refused = denied(error, word("error_description"));
            let hint = "start again, and approve on the third party's page";
            let typed = request.server.set_ups.typed(&session.key);
            page.refused_after(&request, &refused.with_hint(hint), &typed)
        }
    })
}

/// A browser with no pipeline of ours: it may bring what a run elsewhere waits for.
fn no_session(request: &PageRequest, parameters: &Object) -> Response {
    let callback_names =
        ["code", "state", "error", "installation_id", "oauth_token", "jwt", "config"];
    let is_callback = callback_names.iter().any(|name| parameters.contains_key(*name));
    if request.raw.headers.contains_key(AUTHORIZATION) || !is_callback {
        return redirect("/");
    }
    let address = format!("{}{}", request.base(), request.raw.whole_path());
    request.page("Integration Setup", result::paste_page(&address))
}

/// `GET /extensions/{provider}/configure/`: the link that a vendor sends a person by. Its finish
/// is a redirect to the settings page.
pub(super) async fn configure(mut request: PageRequest) -> ApiResult {
    let raw = &request.raw;
    let query = encoded(raw.query.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let key = raw.param("provider").to_owned();
    let to_choice = redirect(&format!("/extensions/{}/link/?{query}", segment(&key)));
    let provider = provider::find(&key).map_err(|_| ApiError::not_found())?;
    let Some(user) = request.user() else {
        return Ok(login::redirect_to_login(&format!("/extensions/{key}/configure/?{query}")));
    };
    let Some(org) = chosen_organization(&mut request, user).await? else { return Ok(to_choice) };
    let role = request.database.role(org.id, user).await?;
    if !request.may_install(role.as_deref()) {
        return Ok(to_choice);
    }
    if !request.may_change() {
        return Ok(match start_data(&request, provider) {
            Ok(_) => StepPage { org: org.slug, provider, step: None }.offer(&request),
            Err(error) => start_refused(&request, &org.slug, provider, &error),
        });
    }
    let (key, session) = match start(&mut request, provider, user, &org, EntryPoint::Link).await? {
        Ok(started) => started,
        Err(error) => return Ok(start_refused(&request, &org.slug, provider, &error)),
    };
    let page = StepPage::for_session(&mut request, &session).await?;
    let parameters = query_of(&request);
    let mut response = match is_answered_by(session.step, &parameters) {
        true => answer(&mut request, &session, &page, &parameters).await?,
        false => page.show(&request, &session.view),
    };
    set_session_cookie(&request.server, response.headers_mut(), &key);
    Ok(response)
}

/// A user's only organization, else the one that `orgSlug` names.
async fn chosen_organization(
    request: &mut PageRequest,
    user: i64,
) -> Result<Option<Organization>, ApiError> {
    let mut own =
        request.database.organizations(user, "", PageQuery { offset: 0, rows: 2 }).await?;
    if own.len() == 1 {
        return Ok(own.pop());
    }
    let Some(slug) = request.raw.query(link::ORGANIZATION).map(str::to_owned) else {
        return Ok(None);
    };
    Ok(request.database.organization(&slug).await?.filter(|org| org.slug == slug))
}

/// Starts a pipeline; inside, why it is refused from the start.
async fn start(
    request: &mut PageRequest,
    provider: &'static dyn Provider,
    user: i64,
    org: &Organization,
    entry_point: EntryPoint,
) -> Result<Result<(String, PipelineSession)>, ApiError> {
    let slug = OrgSlug::parse(&org.slug).ok_or_else(ApiError::not_found)?;
    let (app, initial_data) = match start_data(request, provider) {
        Ok(data) => data,
        Err(error) => return Ok(Err(error)),
    };
    let base = request.base();
    let start = pipeline_start((&base, &request.raw), provider, &slug, &app, initial_data.as_ref());
    let replaced = session_key(&request.server, &request.raw);
    let mut backend = EmbeddedBackend::new(&mut request.database);
    let key = backend.begin_session(start, user, org.id, entry_point, replaced.as_deref()).await;
    let key = match key {
        Err(error) if error.code.exit() == ExitCode::Refused => return Ok(Err(error)),
        key => key?,
    };
    let session = backend.session(&key).await?.ok_or_else(ApiError::not_found)?;
    Ok(Ok((key, session)))
}

fn pipeline_start<'a>(
    (base_url, raw): (&'a str, &'a RawRequest),
    provider: &'static dyn Provider,
    org: &'a OrgSlug,
    app: &'a Fields,
    initial_data: Option<&'a Fields>,
) -> PipelineStart<'a> {
    PipelineStart {
        provider,
        org,
        initial_data,
        app: Some(app),
        integration_id: None,
        base_url,
        next: raw.query("next"),
    }
}

/// The app to set up with, and what of a vendor's link the pipeline begins with.
fn start_data(
    request: &PageRequest,
    provider: &'static dyn Provider,
) -> Result<(Fields, Option<Fields>)> {
    let app = request.server.app(provider)?;
    let Some(step) = provider.initial() else { return Ok((app, None)) };
    let initial = fields(step, &query_of(request));
    match provider::field_errors(step, &initial).into_iter().next() {
        None => Ok((app, Some(initial))),
        Some((name, reason)) => Err(Error::new(ErrorCode::BadField, format!("`{name}`: {reason}"))
            .with_hint("start at the third party, whose link contains it")),
    }
}

/// A pipeline that is refused from the start: Sentry's page is a 200 too.
fn start_refused(
    request: &PageRequest,
    org: &str,
    provider: &'static dyn Provider,
    error: &Error,
) -> Response {
    StepPage { org: org.to_owned(), provider, step: None }.refused(request, error)
}

/// Answers the current step, and shows what comes of it.
async fn answer(
    request: &mut PageRequest,
    session: &PipelineSession,
    page: &StepPage,
    parameters: &Object,
) -> ApiResult {
    let typed = fields(session.step, parameters);
    let mut fields = typed.clone();
    let shown = done::remember(request, session, &typed);
    session.step.echo(&session.view.data, &mut fields);
    let engine = EmbeddedBackend::resuming(&mut request.database, &session.key);
    let mut engine = engine.trusting(request.server.certificates.as_ref());
    Ok(match engine.advance(&fields).await? {
        StepResult::Complete(finished) => {
            done::complete(request, session, finished, parameters).await?
        }
        StepResult::Refused(refusal) => page.refused_after(request, &refusal.into(), &shown),
        StepResult::Stay(more) => {
            let mut view = session.view.clone();
            view.data.extend(more);
            page.show(request, &view)
        }
        StepResult::Invalid(errors) => page.show_form(request, &session.view, &typed, &errors),
        StepResult::Advance(view) => page.at(&view.id).show(request, &view),
    })
}

/// What came with the request: the form of a POST, the query of a GET.
fn parameters_of(request: &PageRequest) -> Object {
    if !request.is_form() {
        return query_of(request);
    }
    let pairs = form_urlencoded::parse(request.raw.body.bytes()).into_owned();
    let pairs = pairs.filter(|(name, _)| name != FORM_KEY);
    pairs.map(|(name, value)| (name, Value::from(value))).collect()
}

/// What the address itself brings, whoever carries it out.
fn query_of(request: &PageRequest) -> Object {
    let pair = |(name, value): &(String, String)| (name.clone(), Value::from(value.as_str()));
    request.raw.query.iter().map(pair).collect()
}

fn encoded<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}
