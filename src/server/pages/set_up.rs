//! The set-up of an integration: what a person's browser, or a client of the `web` dialect, walks,
//! as on a Sentry of 2023.
//!
//! A client is somebody by its token, which comes with every request; of scopes only the user's
//! role is looked at, as on a server of 23.7.1. A person is somebody by the session of the browser.
//! What a link alone would begin and finish, a person confirms; and a person is shown the vendor's
//! address instead of being sent there, for a form may only lead to this server.

use super::layout::redirect;
use super::step::StepPage;
use super::{FORM_KEY, PageRequest, login, result};
use crate::backend::embedded::{EmbeddedBackend, EntryPoint, PipelineSession};
use crate::database::organizations::{Organization, PageQuery};
use crate::error::{Error, ErrorCode, ExitCode, Result};
use crate::integration::callback::denied;
use crate::integration::pipeline::{Pipeline, PipelineStart, StepResult};
use crate::model::site::Site;
use crate::model::state::Fields;
use crate::model::{FinishedIntegration, Object, OrgSlug};
use crate::provider::{self, Field, FieldKind, FieldSource, Provider, Step};
use crate::server::api::pipeline::{session_key, set_session_cookie};
use crate::server::api::provider_json;
use crate::server::http::response::{ApiError, ApiResult};
use crate::text::case::snake_case;
use crate::text::url::segment;
use axum::http::Method;
use axum::http::header::AUTHORIZATION;
use axum::response::Response;
use serde_json::{Value, json};
use url::form_urlencoded;

/// `GET /organizations/{org}/integrations/{provider}/setup/`: begins a pipeline and shows its
/// first step, or goes on to the vendor.
pub(super) async fn begin(mut look: PageRequest) -> ApiResult {
    let name = look.asked.param("org").to_owned();
    let org = look.database.organization(&name).await?;
    let Some(org) = org else { return Ok(to_login(&look, "")) };
    let slug = segment(&org.slug);
    let user = look.bearer.as_ref().and_then(|bearer| bearer.user);
    let Some(user) = user else { return Ok(to_login(&look, &format!("{slug}/"))) };
    match look.database.role(org.id, user).await?.as_deref() {
        Some("owner" | "manager" | "admin") => {}
        _ if look.signed_in.is_some() => return Err(ApiError::forbidden()),
        Some(_) => return Ok(to_login(&look, "")),
        None => return Ok(to_login(&look, &format!("{slug}/"))),
    }
    let provider = provider::find(look.asked.param("provider"));
    let provider = provider.map_err(|_| ApiError::not_found())?;
    let next = look.asked.query("next").map(str::to_owned);
    match start(&mut look, provider, user, &org, EntryPoint::SetUp, next.as_deref()).await? {
        Ok((key, session)) => {
            let mut response =
                StepPage::for_session(&mut look, &session).await?.show(&look, &session.view);
            set_session_cookie(response.headers_mut(), &key);
            Ok(response)
        }
        Err(failure) => Ok(start_refused(&look, &org.slug, provider, &failure)),
    }
}

/// Sends somebody to sign in, and a person back here afterwards.
fn to_login(look: &PageRequest, rest: &str) -> Response {
    let query = encoded([("next", look.asked.whole_path().as_str())].into_iter());
    redirect(&format!("/auth/login/{rest}?{query}"))
}

/// `/extensions/{provider}/setup/`: takes a form, or what a vendor's callback brings.
pub(super) async fn advance(mut look: PageRequest) -> ApiResult {
    let session = match session_key(&look.asked) {
        Some(key) => EmbeddedBackend::new(&mut look.database).session(&key).await?,
        None => None,
    };
    let given = parameters(&look);
    let Some(session) = session else { return Ok(no_session(&look, &given)) };
    if session.door == EntryPoint::Api {
        return Ok(look.page("Integration Setup", result::callback_page(given)));
    }
    let stage = StepPage::for_session(&mut look, &session).await?;
    if look.bearer.as_ref().and_then(|bearer| bearer.user) != Some(session.user) {
        let message = "Current user does not match user that started the pipeline.";
        return Ok(stage.refused(&look, &Error::new(ErrorCode::Unauthorized, message)));
    }
    if look.method == Method::POST || is_answered_by(session.step, &given) {
        if look.method == Method::GET && look.signed_in.is_some() && !session.step.needs_browser() {
            return Ok(stage.confirm(&look, &given));
        }
        return answer(&mut look, &session, &stage, &given).await;
    }
    let word = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
    Ok(match word("error") {
        "" => stage.show(&look, &session.view),
        error => {
            let refused = denied(error, word("error_description"));
            let hint = "start again, and approve on the third party's page";
            stage.refused(&look, &refused.with_hint(hint))
        }
    })
}

/// A browser with no pipeline of ours: it may bring what a run elsewhere waits for.
fn no_session(look: &PageRequest, given: &Object) -> Response {
    let brought = ["code", "state", "error", "installation_id", "oauth_token", "jwt", "config"];
    let is_callback = brought.iter().any(|name| given.contains_key(*name));
    if look.asked.headers.contains_key(AUTHORIZATION) || !is_callback {
        return redirect("/");
    }
    let address = format!("{}{}", look.server.base(), look.asked.whole_path());
    look.page("Integration Setup", result::paste_page(&address))
}

/// `GET /extensions/{provider}/configure/`: the link that a vendor sends a person by. Its finish
/// is a redirect to the settings page.
pub(super) async fn configure(mut look: PageRequest) -> ApiResult {
    let asked = &look.asked;
    let query = encoded(asked.query.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let key = asked.param("provider").to_owned();
    let link = redirect(&format!("/extensions/{}/link/?{query}", segment(&key)));
    let provider = provider::find(&key).map_err(|_| ApiError::not_found())?;
    let Some(user) = look.bearer.as_ref().and_then(|bearer| bearer.user) else {
        return Ok(login::redirect_to_login(&format!("/extensions/{key}/configure/?{query}")));
    };
    let Some(org) = chosen_organization(&mut look, user).await? else { return Ok(link) };
    let role = look.database.role(org.id, user).await?;
    if !matches!(role.as_deref(), Some("owner" | "manager" | "admin")) {
        return Ok(link);
    }
    let next = look.asked.query("next").map(str::to_owned);
    let started = start(&mut look, provider, user, &org, EntryPoint::Link, next.as_deref()).await?;
    let (key, session) = match started {
        Ok(started) => started,
        Err(failure) => return Ok(start_refused(&look, &org.slug, provider, &failure)),
    };
    let (stage, given) = (StepPage::for_session(&mut look, &session).await?, parameters(&look));
    let mut response = match (is_answered_by(session.step, &given), look.signed_in.is_some()) {
        (true, true) => stage.confirm(&look, &given),
        (true, false) => answer(&mut look, &session, &stage, &given).await?,
        (false, _) => stage.show(&look, &session.view),
    };
    set_session_cookie(response.headers_mut(), &key);
    Ok(response)
}

/// A user's only organization, else the one that `orgSlug` names.
async fn chosen_organization(
    look: &mut PageRequest,
    user: i64,
) -> Result<Option<Organization>, ApiError> {
    let mut own = look.database.organizations(user, "", PageQuery { offset: 0, rows: 2 }).await?;
    if own.len() == 1 {
        return Ok(own.pop());
    }
    let Some(slug) = look.asked.query("orgSlug").map(str::to_owned) else { return Ok(None) };
    let found = look.database.organization(&slug).await?;
    Ok(found.filter(|found| found.slug == slug))
}

/// Begins a pipeline; inside, why it is refused from the start.
async fn start(
    look: &mut PageRequest,
    provider: &'static dyn Provider,
    user: i64,
    org: &Organization,
    door: EntryPoint,
    next: Option<&str>,
) -> Result<Result<(String, PipelineSession)>, ApiError> {
    let slug = OrgSlug::parse(&org.slug).ok_or_else(ApiError::not_found)?;
    let app = match look.server.app(provider) {
        Ok(app) => app,
        Err(failure) => return Ok(Err(failure)),
    };
    let given = parameters(look);
    let initial = provider.initial().map(|step| (step, fields(step, &given)));
    if let Some(failure) =
        initial.as_ref().and_then(|(step, given)| missing_link_field(step, given))
    {
        return Ok(Err(failure));
    }
    let (org_id, site) = (org.id, look.server.base().to_owned());
    let initial = initial.as_ref().map(|(_, fields)| fields);
    let (app, org, site) = (Some(&app), &slug, site.as_str());
    let begin = PipelineStart {
        provider,
        org,
        initial_data: initial,
        app,
        integration_id: None,
        base_url: site,
        next,
    };
    let replaced = session_key(&look.asked);
    let begun = EmbeddedBackend::new(&mut look.database)
        .begin_session(begin, user, org_id, door, replaced.as_deref())
        .await;
    let key = match begun {
        Err(failure) if failure.code.exit() == ExitCode::Refused => return Ok(Err(failure)),
        begun => begun?,
    };
    let session = EmbeddedBackend::new(&mut look.database)
        .session(&key)
        .await?
        .ok_or_else(ApiError::not_found)?;
    Ok(Ok((key, session)))
}

/// What of a vendor's link is missing, or does not fit.
fn missing_link_field(step: &Step, given: &Fields) -> Option<Error> {
    let (name, why) = provider::field_errors(step, given).into_iter().next()?;
    let hint = "begin at the third party, whose link brings it";
    Some(Error::new(ErrorCode::BadField, format!("`{name}`: {why}")).with_hint(hint))
}

/// A pipeline that is refused from the start: Sentry's page is a 200 too.
fn start_refused(
    look: &PageRequest,
    org: &str,
    provider: &'static dyn Provider,
    failure: &Error,
) -> Response {
    StepPage { org: org.to_owned(), provider, step: None }.refused(look, failure)
}

/// Answers the current step, and shows what comes of it.
async fn answer(
    look: &mut PageRequest,
    session: &PipelineSession,
    stage: &StepPage,
    given: &Object,
) -> ApiResult {
    let typed = fields(session.step, given);
    let mut fields = typed.clone();
    session.step.echo(&session.view.data, &mut fields);
    Ok(match EmbeddedBackend::resuming(&mut look.database, &session.key).advance(&fields).await? {
        StepResult::Complete(finished) => complete(look, session, &finished).await?,
        StepResult::Refused(refusal) => stage.refused(look, &refusal.into()),
        StepResult::Stay(more) => {
            let mut view = session.view.clone();
            view.data.extend(more);
            stage.show(look, &view)
        }
        StepResult::Invalid(wrong) => stage.show_form(look, &session.view, &typed, &wrong),
        StepResult::Advance(view) => stage.at(&view.id).show(look, &view),
    })
}

/// The finish: told to the window that opened the page, or a redirect to the settings page.
async fn complete(
    look: &mut PageRequest,
    session: &PipelineSession,
    finished: &FinishedIntegration,
) -> ApiResult {
    let slug = look.database.slug(session.org).await?.ok_or_else(ApiError::not_found)?;
    let (key, next) = (&finished.integration_key, session.next.as_deref());
    let site = Site::new(look.server.base());
    let settings = site.settings_url(slug.as_str(), key, finished.id, next);
    if session.door == EntryPoint::Link {
        return Ok(redirect(&settings));
    }
    let found = look.database.integration(session.org, finished.id).await?;
    let installed = found.ok_or_else(ApiError::not_found)?;
    let data = provider_json::integration(session.org, &installed, true);
    let posted = json!({ "success": true, "data": data });
    let page = result::finished(&installed.name, &settings, &posted);
    Ok(look.page("Integration Setup Complete", page))
}

/// What came with the request: the form of a POST, the query of a GET.
fn parameters(look: &PageRequest) -> Object {
    let text = |(name, value): (String, String)| (name, Value::from(value));
    if look.method == Method::POST {
        let pairs = form_urlencoded::parse(&look.asked.body).into_owned();
        pairs.filter(|(name, _)| name != FORM_KEY).map(text).collect()
    } else {
        look.asked.query.iter().cloned().map(text).collect()
    }
}

/// Whether the parameters answer the step at all.
fn is_answered_by(step: &Step, given: &Object) -> bool {
    let named = |name: &str| given.contains_key(name) || given.contains_key(&snake_case(name));
    let brought = |field: &&Field| named(field.callback().unwrap_or(field.name));
    let mut fields =
        step.fields.iter().filter(|field| field.source != FieldSource::Echoed).peekable();
    if step.needs_browser() {
        let lacking = step.fields.iter().filter(|field| field.required);
        return fields.any(|field| brought(&field)) && lacking.into_iter().all(|f| brought(&f));
    }
    // A step that only wants back what it shows is answered by nothing more.
    fields.peek().is_none() || fields.any(|field| brought(&field))
}

/// The step's fields out of a form: a checkbox is there or not, and an empty text is none.
fn fields(step: &Step, given: &Object) -> Fields {
    let mut fields = Fields::default();
    for field in step.fields {
        let parameter = field.callback().unwrap_or(field.name);
        let value = given.get(parameter).or_else(|| given.get(&snake_case(parameter)));
        match (&field.kind, value.and_then(Value::as_str)) {
            (FieldKind::Flag(_), value) => {
                let on = value.is_some_and(|value| !matches!(value, "" | "false" | "off" | "0"));
                fields.set(field.name, on);
            }
            // A browser ends each line of a text with two characters.
            (_, Some(text)) if !text.is_empty() => {
                fields.set(field.name, text.replace("\r\n", "\n"));
            }
            (_, Some(_) | None) => {}
        }
    }
    fields
}

fn encoded<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step() -> &'static Step {
        &provider::find("gitlab").unwrap().steps()[0]
    }

    fn given(pairs: &[(&str, &str)]) -> Object {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect()
    }

    #[test]
    fn a_checkbox_that_is_not_there_is_off() {
        let fields = fields(step(), &given(&[("client_id", "c"), ("include_subgroups", "on")]));
        assert!(fields.flag("includeSubgroups", false) && !fields.flag("verifySsl", true));
        assert_eq!((fields.text("clientId"), fields.get("group")), ("c", None));
    }

    #[test]
    fn only_what_a_step_asks_for_answers_it() {
        assert!(!is_answered_by(step(), &given(&[("completed_installation_guide", "")])));
        assert!(is_answered_by(step(), &given(&[("url", "")])));
        let oauth = &provider::find("gitlab").unwrap().steps()[1];
        assert!(!is_answered_by(oauth, &given(&[("code", "c")])));
        assert!(is_answered_by(oauth, &given(&[("code", "c"), ("state", "s")])));
    }
}
