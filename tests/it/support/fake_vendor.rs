//! A third party that a fixture describes: on loopback, with a memory, and strict.
//!
//! `answers.json` has its routes. A request is answered only as a route says that has its method
//! and path (and is the `nth` of them, from 0), and whose `query`, `form`, `json`, `authorization` and `headers` the request holds;
//! any other is a 401 for what it proves itself by, a 400 for what it sends, else a 404. In what a
//! route expects and says, `{code}` is a code that the person's approval issued, good once and for
//! its own redirect URI, `{token}` a token that was issued before, and `{new-token}` a new one,
//! `{vendor}` the third party itself. `{oauth1 TOKEN}` is a signature of OAuth 1 with `KEY` and that
//! token, or with none, `{app}` the JWT of the GitHub App 99 with `KEY`.

use crate::integration::fixtures::KEY;
use crate::secrets::signed;
use crate::support::http_server::{Peer, Reply, Request};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use url::{Url, form_urlencoded};

/// The id of everybody's GitHub App.
const APP_ID: &str = "99";

/// The third party of one case.
pub(crate) struct Vendor {
    peer: Peer,
    memory: Arc<Mutex<Memory>>,
}

/// What it remembers.
#[derive(Default)]
struct Memory {
    /// Each code with the redirect URI that it was issued for, until it is used.
    codes: BTreeMap<String, String>,
    tokens: Vec<String>,
    count: usize,
}

impl Memory {
    /// Something new and secret, with characters that a URL has to escape around its heart.
    fn issue(&mut self, kind: &str) -> String {
        self.count += 1;
        format!("+{kind}-{}-s3cr3t/&=", self.count)
    }
}

impl Vendor {
    pub(crate) fn new(routes: &Value) -> Self {
        let memory = Arc::new(Mutex::new(Memory::default()));
        let (routes, of_peer) = (routes.clone(), Arc::clone(&memory));
        let peer = Peer::new(move |request| answer(&routes, request, &mut of_peer.lock().unwrap()));
        Self { peer, memory }
    }

    pub(crate) fn url(&self) -> String {
        self.peer.url()
    }

    /// Method and path of every request so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.peer.requests().iter().map(|one| format!("{} {}", one.method, one.path())).collect()
    }

    /// What a person does on the page, who brings these parameters back to `home` or to where the
    /// page says; the address that the browser ends at.
    pub(crate) fn visit(&self, page: &str, brings: &[(&str, String)], home: &str) -> String {
        let page = Url::parse(page).unwrap();
        let query: BTreeMap<_, _> = page.query_pairs().into_owned().collect();
        let home = query.get("redirect_uri").map_or(home, String::as_str);
        let mut callback = form_urlencoded::Serializer::new(String::new());
        for (name, value) in brings {
            let value = match value.as_str() {
                "{code}" => {
                    let mut memory = self.memory.lock().unwrap();
                    let code = memory.issue("c0de");
                    memory.codes.insert(code.clone(), home.to_owned());
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

fn answer(routes: &Value, request: &Request, memory: &mut Memory) -> Reply {
    let line = format!("{} {}", request.method, request.path());
    let routes = routes.as_array().into_iter().flatten().filter(|route| route["ask"] == line);
    let is_now = |route: &&Value| route["nth"].as_u64().is_none_or(|nth| nth == request.nth as u64);
    let mut why = 404;
    for route in routes.filter(is_now) {
        match lacks(route, request, memory) {
            None => return say(route, request, memory),
            Some(status) => why = status,
        }
    }
    Reply::json(why, &json!({ "error": format!("{line}: {} {}", request.target, request.body) }))
}

/// The status for what the request lacks of the route's wishes.
fn lacks(route: &Value, request: &Request, memory: &mut Memory) -> Option<u16> {
    let wish = route["authorization"].as_str();
    if wish.is_some_and(|wish| !proves(wish, request, memory)) {
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
    if !json.is_null() && !holds(&request.json(), json) {
        return Some(400);
    }
    let form = route["form"].as_object().into_iter().flatten();
    let is_wrong = |(name, value): (&String, &Value)| {
        let given = request.field(name);
        match value.as_str().unwrap() {
            "{code}" => memory.codes.remove(&given) != Some(request.field("redirect_uri")),
            wish => given != wish,
        }
    };
    form.into_iter().any(is_wrong).then_some(400)
}

/// Whether the `Authorization` header is the wished one.
fn proves(wish: &str, request: &Request, memory: &Memory) -> bool {
    let given = request.header("authorization");
    match wish {
        "Bearer {token}" => {
            let given = given.strip_prefix("Bearer ");
            given.is_some_and(|given| memory.tokens.iter().any(|token| token == given))
        }
        wish => match wish.strip_prefix("{oauth1").and_then(|wish| wish.strip_suffix('}')) {
            Some(token) => signed::by_oauth1(request, token.trim(), KEY),
            None if wish == "{app}" => signed::by_github_app(request, APP_ID, KEY),
            None => given == wish,
        },
    }
}

/// Whether everything that was expected is there.
pub(crate) fn holds(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (_, Value::String(any)) if any == "<any>" => !found.is_null(),
        (Value::Object(found), Value::Object(expected)) => {
            expected.iter().all(|(name, wish)| found.get(name).is_some_and(|own| holds(own, wish)))
        }
        (Value::Array(found), Value::Array(expected)) => {
            found.len() == expected.len()
                && found.iter().zip(expected).all(|(found, wish)| holds(found, wish))
        }
        _ => found == expected,
    }
}

fn say(route: &Value, request: &Request, memory: &mut Memory) -> Reply {
    let status = route["status"].as_u64().map_or(200, |status| u16::try_from(status).unwrap());
    let mut text = match &route["says"] {
        Value::String(text) => text.clone(),
        says => says.to_string(),
    };
    text = text.replace("{vendor}", &format!("http://{}", request.header("host")));
    if text.contains("{new-token}") {
        let token = memory.issue("acc3ss");
        text = text.replace("{new-token}", &token);
        memory.tokens.push(token);
    }
    Reply::html(status, text)
}
