//! A pipeline at one of its steps, as a page: the form, the way to the third party, the
//! parameters of a link, or why it was refused.

use super::layout::{PageTab, form_key_field, redirect};
use super::step_form::StepForm;
use super::{FORM_AGAIN, PageRequest, components, result, step_form, urls};
use crate::backend::embedded::PipelineSession;
use crate::error::{Error, ErrorCode};
use crate::integration::StepView;
use crate::model::{Fields, Object};
use crate::os::random::random_hex;
use crate::provider::{Provider, Step};
use crate::server::http::ApiError;
use crate::text::segment;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

/// A pipeline at one of its steps.
pub(super) struct StepPage {
    pub(super) org: String,
    pub(super) provider: &'static dyn Provider,
    pub(super) step: Option<&'static Step>,
}

impl StepPage {
    pub(super) async fn for_session(
        request: &mut PageRequest,
        session: &PipelineSession,
    ) -> Result<Self, ApiError> {
        let slug = request.database.slug(session.org).await?.ok_or_else(ApiError::not_found)?;
        Ok(Self { org: slug.to_string(), provider: session.provider, step: Some(session.step) })
    }

    /// The same pipeline at another step.
    pub(super) fn at(&self, id: &str) -> Self {
        let step = self.provider.steps().iter().find(|step| step.id == id);
        Self { org: self.org.clone(), provider: self.provider, step }
    }

    /// The step: a client goes on to the vendor, a person sees where that is, or the form.
    pub(super) fn show(&self, request: &PageRequest, view: &StepView) -> Response {
        match self.vendor(view) {
            Some(vendor) if request.browser_session.is_none() => redirect(vendor),
            _ => self.show_form(request, view, &Fields::default(), &[]),
        }
    }

    /// The step with what was typed before, where it has a form.
    pub(super) fn show_again(
        &self,
        request: &PageRequest,
        view: &StepView,
        typed: &Fields,
    ) -> Response {
        match self.vendor(view) {
            Some(_) => self.show(request, view),
            None => self.show_form(request, view, typed, &[]),
        }
    }

    /// The page of the third party's that the step sends a person to.
    fn vendor<'a>(&self, view: &'a StepView) -> Option<&'a str> {
        view.data.get(self.step?.link?)?.as_str()
    }

    /// The step, with what was typed before and its errors.
    pub(super) fn show_form(
        &self,
        request: &PageRequest,
        view: &StepView,
        typed: &Fields,
        errors: &[(String, String)],
    ) -> Response {
        let (action, form_key) = (self.action(), request.form_key());
        let form = StepForm { action: &action, view, typed, errors, form_key, start_id: None };
        self.form_page(request, &form)
    }

    /// The first step of a pipeline that its answer starts.
    pub(super) fn show_first(&self, request: &PageRequest, view: &StepView) -> Response {
        let (action, form_key) = (request.raw.whole_path(), request.form_key());
        let (typed, id) = (&Fields::default(), random_hex());
        let start_id = Some(id.as_str());
        let form = StepForm { action: &action, view, typed, errors: &[], form_key, start_id };
        match self.step {
            Some(step) if step_form::is_form(step) && self.vendor(view).is_none() => {
                self.form_page(request, &form)
            }
            _ => self.offer(request),
        }
    }

    fn form_page(&self, request: &PageRequest, form: &StepForm<'_>) -> Response {
        let Some(step) = self.step else {
            let error = Error::new(ErrorCode::Internal, "the pipeline has no such step");
            return self.refused(request, &error);
        };
        let vendor = self.vendor(form.view);
        let content = html! {
            section.narrow {
                (self.heading(step))
                @if let Some(vendor) = vendor {
                    (vendor_link(self.provider.name(), vendor, form.offers(step)))
                }
                (values_to_copy(&form.view.data))
                @if vendor.is_none() || step_form::is_form(step) {
                    (form.show(step, vendor.is_none() || form.offers(step)))
                }
            }
        };
        self.page(request, &format!("{} Setup", self.provider.name()), content)
    }

    fn heading(&self, step: &Step) -> Markup {
        let (name, steps) = (self.provider.name(), self.provider.steps());
        let index = steps.iter().position(|one| one.id == step.id).unwrap_or(0) + 1;
        html! {
            header.heading {
                (components::tile(name))
                div {
                    h1 { "Set up " (name) }
                    p.quiet {
                        "for " (self.org)
                        @if steps.len() > 1 { " · step " (index) " of " (steps.len()) }
                    }
                }
            }
        }
    }

    /// The question whether to start the pipeline that this page's address would.
    pub(super) fn offer(&self, request: &PageRequest) -> Response {
        self.question(request, &request.raw.whole_path(), &Object::new(), false)
    }

    /// The parameters of a link or a callback. Only those that are sure to be this pipeline's are
    /// submitted without a person's click.
    pub(super) fn confirm(
        &self,
        request: &PageRequest,
        parameters: &Object,
        is_expected: bool,
    ) -> Response {
        self.question(request, &self.action(), parameters, is_expected)
    }

    fn question(
        &self,
        request: &PageRequest,
        action: &str,
        parameters: &Object,
        is_expected: bool,
    ) -> Response {
        let name = self.provider.name();
        let texts = parameters.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
        let content = html! {
            section.narrow {
                h1 { "Connect " (name) " to " (self.org) "?" }
                @if !is_expected {
                    p { "A link opened this page. Continue only if you started this yourself." }
                }
                form.fields action=(action) method="post" data-submit[is_expected] {
                    @if let Some(form_key) = request.form_key() { (form_key_field(form_key)) }
                    @for (name, value) in texts { input type="hidden" name=(name) value=(value); }
                    p { button type="submit" { "Connect " (name) } }
                }
            }
        };
        self.page(request, &format!("{name} Setup"), content)
    }

    /// Why it goes no further.
    pub(super) fn refused(&self, request: &PageRequest, error: &Error) -> Response {
        self.refused_after(request, error, &Fields::default())
    }

    /// Why it goes no further after this was typed, which the next start has in its form.
    pub(super) fn refused_after(
        &self,
        request: &PageRequest,
        error: &Error,
        typed: &Fields,
    ) -> Response {
        let again = self.start_again(request, typed);
        let mut page = self.page(request, "Setup Error", result::refused(error, again));
        page.extensions_mut().insert(request.refusal_note(error));
        page
    }

    /// The way to start again. What was typed goes by a form: an address with it could be anybody's.
    fn start_again(&self, request: &PageRequest, typed: &Fields) -> Option<Markup> {
        if self.provider.sentry_only_reason().is_some() {
            return None;
        }
        let action = urls::set_up(&self.org, self.provider.key());
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Some(match request.form_key().filter(|_| typed.iter().next().is_some()) {
            None => html! { p { a.button href=(action) { "Start again" } } },
            Some(form_key) => html! {
                form action=(action) method="post" {
                    (form_key_field(form_key))
                    input type="hidden" name=(FORM_AGAIN) value="true";
                    @for (name, value) in typed.iter() {
                        input type="hidden" name=(name) value=(text(value));
                    }
                    p { button type="submit" { "Start again" } }
                }
            },
        })
    }

    fn action(&self) -> String {
        format!("/extensions/{}/setup/", segment(self.provider.key()))
    }

    fn page(&self, request: &PageRequest, title: &str, content: Markup) -> Response {
        request.page_of(title, Some((&self.org, PageTab::Integrations)), content)
    }
}

/// What the person has to enter at the third party, where the step shows it.
fn values_to_copy(shown: &Object) -> Markup {
    let values = shown.get("setupValues").and_then(Value::as_array).into_iter().flatten();
    let pairs = values.filter_map(|one| Some((one["label"].as_str()?, one["value"].as_str()?)));
    let pairs: Vec<_> = pairs.collect();
    html! {
        @if !pairs.is_empty() {
            p { "Create an OAuth application there with these values:" }
            dl.facts { @for (label, value) in pairs { dt { (label) } dd { code { (value) } } } }
        }
    }
}

/// The way to the third party, by its host; the second one where the step's form offers a choice.
fn vendor_link(name: &str, vendor: &str, is_second: bool) -> Markup {
    html! {
        @match components::external_url(vendor) {
            Some(url) => {
                p {
                    (name) " asks for your approval on its own page, at "
                    strong { (components::host(&url)) } ". You will be sent back here afterwards."
                }
                p {
                    a.button.second[is_second] href=(url) rel="noreferrer" { "Continue to " (components::host(&url)) }
                }
            },
            None => p.wrong role="alert" {
                (name) " has an invalid approval URL: " code { bdi { (vendor) } }
            },
        }
    }
}
