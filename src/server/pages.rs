//! The set-up pages of a Sentry of 2023: what a browser, or a client of the `web` dialect, walks.
//!
//! Scopes are not looked at here, only the user's role, as on a server of 23.7.1. A session alone
//! is nobody: the token of the user who began must come with every request.

use super::call::Visit;
use super::catalog;
use super::errors::{Answer, ApiError};
use super::html;
use super::pipeline::{remember, session_key, snake_case};
use crate::backend::embedded::{Door, Organization, Session};
use crate::model::{Finished, Object, OrgSlug};
use crate::provider::{self, Field, Kind, Provider, Source, Step};
use crate::redirect::Site;
use crate::seam::{Begin, Pipeline, Progress, StepView};
use crate::state::Fields;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};
use url::form_urlencoded;

/// `GET /organizations/{org}/integrations/{provider}/setup/`: begins a pipeline and shows its
/// first step, or goes on to the vendor.
pub(super) async fn set_up(mut visit: Visit) -> Answer {
    let name = visit.asked.param("org").to_owned();
    let org = visit.engine.organization(&name).await?;
    let Some(org) = org else { return Ok(html::redirect("/auth/login/")) };
    let user = visit.bearer.as_ref().and_then(|bearer| bearer.user);
    let Some(user) = user else { return Ok(login(&org.slug)) };
    match visit.engine.role(org.id, user).await?.as_deref() {
        None => return Ok(login(&org.slug)),
        Some("member") => return Ok(html::redirect("/auth/login/")),
        Some(_) => {}
    }
    let Ok(provider) = provider::find(visit.asked.param("provider")) else {
        return Ok(html::page(StatusCode::NOT_FOUND, "Page Not Found", ""));
    };
    let next = visit.asked.query("next").map(str::to_owned);
    let begun = begin(&mut visit, provider, user, &org, Door::SetUp, next.as_deref()).await;
    let (key, session) = match begun {
        Ok(begun) => begun,
        Err(error) => return unbegun(error),
    };
    let mut response = shown(session.provider, session.step, &session.view, &[]);
    remember(response.headers_mut(), &key);
    Ok(response)
}

fn login(slug: &str) -> Response {
    html::redirect(&format!("/auth/login/{slug}/"))
}

/// `/extensions/{provider}/setup/`: takes a form, or what a vendor's callback brings.
pub(super) async fn advance(mut visit: Visit) -> Answer {
    let key = session_key(&visit.asked);
    let session = match key {
        Some(key) => visit.engine.session(&key).await?,
        None => None,
    };
    let Some(session) = session else { return Ok(html::redirect("/")) };
    let given = parameters(&visit);
    if session.door == Door::Api {
        return Ok(html::handed_over(&Value::Object(given)));
    }
    if visit.bearer.as_ref().and_then(|bearer| bearer.user) != Some(session.user) {
        return Ok(html::error("Current user does not match user that started the pipeline."));
    }
    if visit.method == Method::GET && !answers(session.step, &given) {
        return Ok(match given.get("error").and_then(Value::as_str) {
            Some(error) => html::error(&format!("The third party answered: {error}")),
            None => shown(session.provider, session.step, &session.view, &[]),
        });
    }
    answer(&mut visit, &session, &given).await
}

/// `GET /extensions/{provider}/configure/`: the link that a vendor sends a person by. Its finish
/// is a redirect to the settings page.
pub(super) async fn configure(mut visit: Visit) -> Answer {
    let asked = &visit.asked;
    let query = encoded(asked.query.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let key = asked.param("provider").to_owned();
    let link = html::redirect(&format!("/extensions/{}/link/?{query}", segment(&key)));
    let Ok(provider) = provider::find(&key) else {
        return Ok(html::page(StatusCode::NOT_FOUND, "Page Not Found", ""));
    };
    let Some(user) = visit.bearer.as_ref().and_then(|bearer| bearer.user) else {
        let next = format!("/extensions/{key}/configure/?{query}");
        let login = encoded([("next", next.as_str())].into_iter());
        return Ok(html::redirect(&format!("/auth/login/?{login}")));
    };
    let Some(org) = chosen(&mut visit, user).await? else { return Ok(link) };
    let role = visit.engine.role(org.id, user).await?;
    if !matches!(role.as_deref(), Some("owner" | "manager" | "admin")) {
        return Ok(link);
    }
    let next = visit.asked.query("next").map(str::to_owned);
    let begun = begin(&mut visit, provider, user, &org, Door::Link, next.as_deref()).await;
    let (key, session) = match begun {
        Ok(begun) => begun,
        Err(error) => return unbegun(error),
    };
    let given = parameters(&visit);
    let mut response = if answers(session.step, &given) {
        answer(&mut visit, &session, &given).await?
    } else {
        shown(session.provider, session.step, &session.view, &[])
    };
    remember(response.headers_mut(), &key);
    Ok(response)
}

/// A user's only organization, else the one that `orgSlug` names.
async fn chosen(visit: &mut Visit, user: i64) -> Result<Option<Organization>, ApiError> {
    let two = crate::backend::embedded::Page { offset: 0, rows: 2 };
    let mut own = visit.engine.organizations(user, "", two).await?;
    if own.len() == 1 {
        return Ok(own.pop());
    }
    let Some(slug) = visit.asked.query("orgSlug").map(str::to_owned) else { return Ok(None) };
    let found = visit.engine.organization(&slug).await?;
    Ok(found.filter(|found| found.slug == slug))
}

async fn begin(
    visit: &mut Visit,
    provider: &'static dyn Provider,
    user: i64,
    org: &Organization,
    door: Door,
    next: Option<&str>,
) -> Result<(String, Session), ApiError> {
    let slug = OrgSlug::parse(&org.slug).ok_or_else(ApiError::not_found)?;
    let app = visit.server.app(provider).map_err(ApiError::bad_request)?;
    let given = parameters(visit);
    let initial = provider.initial().map(|step| fields(step, &given));
    if let Some((step, initial)) = provider.initial().zip(initial.as_ref())
        && let Some((name, why)) = provider::invalid(step, initial).first()
    {
        return Err(ApiError::bad_request(format!("`{name}`: {why}")));
    }
    let (initial, app) = (initial.as_ref(), Some(&app));
    let (org_id, org, site) = (org.id, &slug, visit.server.base().to_owned());
    let site = site.as_str();
    let begin = Begin { provider, org, initial, app, integration_id: None, site, next };
    let replaced = session_key(&visit.asked);
    let key = visit.engine.begin_session(begin, user, org_id, door, replaced.as_deref()).await?;
    let session = visit.engine.session(&key).await?.ok_or_else(ApiError::not_found)?;
    Ok((key, session))
}

/// A pipeline that is refused from the start: Sentry's page is a 200 too.
fn unbegun(error: ApiError) -> Answer {
    match error.refusal() {
        Some(why) => Ok(html::error(why)),
        None => Err(error),
    }
}

/// Answers the current step, and shows what comes of it.
async fn answer(visit: &mut Visit, session: &Session, given: &Object) -> Answer {
    let mut fields = fields(session.step, given);
    session.step.echo(&session.view.data, &mut fields);
    Ok(match visit.engine.answer(&fields).await? {
        Progress::Complete(finished) => complete(visit, session, &finished).await?,
        Progress::Refused(refusal) => html::error(&refusal.message),
        Progress::Stay(more) => {
            let mut view = session.view.clone();
            view.data.extend(more);
            shown(session.provider, session.step, &view, &[])
        }
        Progress::Invalid(wrong) => shown(session.provider, session.step, &session.view, &wrong),
        Progress::Advance(view) => {
            let step = session.provider.steps().iter().find(|step| step.id == view.id);
            step.map_or_else(
                || html::error("the pipeline has no such step"),
                |step| shown(session.provider, step, &view, &[]),
            )
        }
    })
}

/// The finish: told to the window that opened the page, or a redirect to the settings page.
async fn complete(visit: &mut Visit, session: &Session, finished: &Finished) -> Answer {
    if session.door == Door::Link {
        let slug = visit.engine.slug(session.org).await?;
        let slug = slug.ok_or_else(ApiError::not_found)?;
        let (key, next) = (&finished.integration_key, session.next.as_deref());
        let site = Site::new(visit.server.base());
        return Ok(html::redirect(&site.settings_url(slug.as_str(), key, finished.id, next)));
    }
    let found = visit.engine.installed_one(session.org, finished.id).await?;
    let installed = found.ok_or_else(ApiError::not_found)?;
    let data = catalog::integration(session.org, &installed, true);
    Ok(html::finished(&json!({ "success": true, "data": data })))
}

/// A step: the vendor's page when it needs a browser, else its form.
fn shown(
    provider: &dyn Provider,
    step: &Step,
    view: &StepView,
    wrong: &[(String, String)],
) -> Response {
    let vendor = step.link.and_then(|link| view.data.get(link)).and_then(Value::as_str);
    match vendor {
        Some(vendor) if wrong.is_empty() => html::redirect(vendor),
        _ => html::form(provider.name(), step, wrong),
    }
}

/// What came with the request: the form of a POST, the query of a GET.
fn parameters(visit: &Visit) -> Object {
    let text = |(name, value): (String, String)| (name, Value::from(value));
    if visit.method == Method::POST {
        form_urlencoded::parse(&visit.asked.body).into_owned().map(text).collect()
    } else {
        visit.asked.query.iter().cloned().map(text).collect()
    }
}

/// Whether the parameters answer the step at all.
fn answers(step: &Step, given: &Object) -> bool {
    let named = |name: &str| given.contains_key(name) || given.contains_key(&snake_case(name));
    let brought = |field: &&Field| named(field.callback().unwrap_or(field.name));
    let mut fields = step.fields.iter().filter(|field| field.source != Source::Shown).peekable();
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
            (Kind::Flag(_), value) => {
                let on = value.is_some_and(|value| !matches!(value, "" | "false" | "off" | "0"));
                fields.set(field.name, on);
            }
            (_, Some(text)) if !text.is_empty() => fields.set(field.name, text),
            (_, Some(_) | None) => {}
        }
    }
    fields
}

/// `/auth/login/`: there is nothing to log in to yet.
pub(super) async fn log_in(_visit: Visit) -> Answer {
    let body = "<p>This server knows its users by their tokens: send one as \
                <code>Authorization: Bearer</code>.</p>";
    Ok(html::page(StatusCode::OK, "Sign In", body))
}

/// `/`.
pub(super) async fn home(_visit: Visit) -> Answer {
    let body = "<p>This is <code>finishline serve</code>. Sentry's API is at \
                <code>/api/0/</code>.</p>\n<p>A pipeline that was begun elsewhere goes on there: \
                give the program that waits the whole address that your browser came here by.</p>";
    Ok(html::page(StatusCode::OK, "finishline", body))
}

fn encoded<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn segment(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
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
        assert!(!answers(step(), &given(&[("completed_installation_guide", "")])));
        assert!(answers(step(), &given(&[("url", "")])));
        let oauth = &provider::find("gitlab").unwrap().steps()[1];
        assert!(!answers(oauth, &given(&[("code", "c")])));
        assert!(answers(oauth, &given(&[("code", "c"), ("state", "s")])));
    }
}
