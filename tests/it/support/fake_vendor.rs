//! A third party that a fixture describes: on loopback, with a memory, and strict.
//!
//! `answers.json` has its routes. A request is answered only as a route says that has its method
//! and path (and is the `nth` of them, from 0), and whose `query`, `form`, `json`, `authorization` and `headers` the request holds;
//! any other is a 401 for what it proves itself by, a 400 for what it sends. A request that no route is
//! for is a 404, and fails the test when the third party goes. In what a
//! route expects and says, `{code}` is a code that the person's approval issued, good once and for
//! its own redirect URI, `{token}` a token that was issued before, and `{new-token}` a new one,
//! `{vendor}` the third party itself. `{oauth1 TOKEN}` is a signature of OAuth 1 with `KEY` and that
//! token, or with none, `{app}` the JWT of the GitHub App 99 with `KEY`.

use crate::integration::fixtures::KEY;
use crate::secrets::signed;
use crate::support::http_server::{HttpServer, Request, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use url::{Url, form_urlencoded};

/// The id of everybody's GitHub App.
const APP_ID: &str = "99";

/// The third party of one case.
pub(crate) struct FakeVendor {
    server: HttpServer,
    state: Arc<Mutex<VendorState>>,
}

/// What it remembers.
#[derive(Default)]
struct VendorState {
    /// Each code with the redirect URI that it was issued for, until it is used.
    codes: BTreeMap<String, String>,
    tokens: Vec<String>,
    count: usize,
    /// What no route was for.
    unexpected: Vec<String>,
    is_misleading: bool,
}

impl VendorState {
    /// Something new and secret, with characters that a URL has to escape around its heart.
    fn issue(&mut self, kind: &str) -> String {
        self.count += 1;
        format!("+{kind}-{}-s3cr3t/&=", self.count)
    }
}

impl FakeVendor {
    pub(crate) fn new(routes: &Value) -> Self {
        let state = Arc::new(Mutex::new(VendorState::default()));
        let (routes, server_state) = (routes.clone(), Arc::clone(&state));
        let server = HttpServer::new(move |request| {
            respond(&routes, request, &mut server_state.lock().unwrap())
        });
        Self { server, state }
    }

    /// The same, but a request that no route is for is no fault of the program's: an answer that it
    /// was given named something else.
    pub(crate) fn misleading(routes: &Value) -> Self {
        let vendor = Self::new(routes);
        vendor.state.lock().unwrap().is_misleading = true;
        vendor
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// Method and path of every request so far.
    pub(crate) fn request_lines(&self) -> Vec<String> {
        self.server.requests().iter().map(|one| format!("{} {}", one.method, one.path())).collect()
    }

    /// What a person does on the page, who brings these parameters back to `home` or to where the
    /// page says; the address that the browser ends at.
    pub(crate) fn visit(&self, page: &str, parameters: &[(&str, String)], home: &str) -> String {
        let page = Url::parse(page).unwrap();
        let query: BTreeMap<_, _> = page.query_pairs().into_owned().collect();
        let home = query.get("redirect_uri").map_or(home, String::as_str);
        let mut callback = form_urlencoded::Serializer::new(String::new());
        for (name, value) in parameters {
            let value = match value.as_str() {
                "{code}" => {
                    let mut state = self.state.lock().unwrap();
                    let code = state.issue("c0de");
                    state.codes.insert(code.clone(), home.to_owned());
                    code
                }
                "{page}" => query[*name].clone(),
                value => value.to_owned(),
            };
            callback.append_pair(name, &value);
        }
        format!("{home}?{}", callback.finish())
    }
}

impl Drop for FakeVendor {
    fn drop(&mut self) {
        let Ok(state) = self.state.lock() else { return };
        let unexpected = &state.unexpected;
        assert!(
            unexpected.is_empty() || state.is_misleading || std::thread::panicking(),
            "the third party has no route for {unexpected:?}"
        );
    }
}

fn respond(routes: &Value, request: &Request, state: &mut VendorState) -> Response {
    let line = format!("{} {}", request.method, request.path());
    let routes = routes.as_array().into_iter().flatten().filter(|route| route["ask"] == line);
    let is_now = |route: &&Value| route["nth"].as_u64().is_none_or(|nth| nth == request.nth as u64);
    let mut refusal = 404;
    for route in routes.filter(is_now) {
        match mismatch_status(route, request, state) {
            None => return render_response(route, request, state),
            Some(status) => refusal = status,
        }
    }
    if refusal == 404 {
        state.unexpected.push(line.clone());
    }
    Response::json(
        refusal,
        &json!({ "error": format!("{line}: {} {}", request.target, request.body) }),
    )
}

/// The status for what the request lacks of the route's wishes.
fn mismatch_status(route: &Value, request: &Request, state: &mut VendorState) -> Option<u16> {
    let expected = route["authorization"].as_str();
    if expected.is_some_and(|expected| !is_authorized(expected, request, state)) {
        return Some(401);
    }
    let headers = route["headers"].as_object().into_iter().flatten();
    if headers.into_iter().any(|(name, value)| request.header(name) != value) {
        return Some(401);
    }
    let query = route["query"].as_object().into_iter().flatten();
    if query.into_iter().any(|(name, value)| request.parameter(name) != *value) {
        return Some(400);
    }
    let json = &route["json"];
    if !json.is_null() && !contains(&request.json(), json) {
        return Some(400);
    }
    let form = route["form"].as_object().into_iter().flatten();
    let is_wrong = |(name, value): (&String, &Value)| {
        let sent = request.field(name);
        match value.as_str().unwrap() {
            "{code}" => state.codes.remove(&sent) != Some(request.field("redirect_uri")),
            expected => sent != expected,
        }
    };
    form.into_iter().any(is_wrong).then_some(400)
}

/// Whether the `Authorization` header is the wished one.
fn is_authorized(expected: &str, request: &Request, state: &VendorState) -> bool {
    let sent = request.header("authorization");
    match expected {
        "Bearer {token}" => {
            let sent = sent.strip_prefix("Bearer ");
            sent.is_some_and(|sent| state.tokens.iter().any(|token| token == sent))
        }
        expected => {
            match expected.strip_prefix("{oauth1").and_then(|expected| expected.strip_suffix('}')) {
                Some(token) => signed::by_oauth1(request, token.trim(), KEY),
                None if expected == "{app}" => signed::by_github_app(request, APP_ID, KEY),
                None => sent == expected,
            }
        }
    }
}

/// Whether everything that was expected is there.
pub(crate) fn contains(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (_, Value::String(any)) if any == "<any>" => !found.is_null(),
        (Value::Object(found), Value::Object(expected)) => expected
            .iter()
            .all(|(name, expected)| found.get(name).is_some_and(|found| contains(found, expected))),
        (Value::Array(found), Value::Array(expected)) => {
            found.len() == expected.len()
                && found.iter().zip(expected).all(|(found, expected)| contains(found, expected))
        }
        _ => found == expected,
    }
}

fn render_response(route: &Value, request: &Request, state: &mut VendorState) -> Response {
    let status = route["status"].as_u64().map_or(200, |status| u16::try_from(status).unwrap());
    let mut text = match &route["says"] {
        Value::String(text) => text.clone(),
        body => body.to_string(),
    };
    text = text.replace("{vendor}", &format!("http://{}", request.header("host")));
    if text.contains("{new-token}") {
        let token = state.issue("acc3ss");
        text = text.replace("{new-token}", &token);
        state.tokens.push(token);
    }
    Response::html(status, text)
}
