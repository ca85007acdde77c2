//! A proxy that replaces one text of one response, and lists the texts that there are.

use crate::support::http_server::{HttpServer, Request};
use crate::support::proxy::{send, to_response};
use crate::support::serve::ServeProcess;
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// One text of one response of a run, and what replaces it.
pub(crate) struct Tampering {
    pub(crate) line: String,
    /// Which of the responses to this line.
    pub(crate) nth: usize,
    pub(crate) path: String,
    pub(crate) text: &'static str,
}

/// A proxy before `serve` that tampers with responses.
pub(crate) struct TamperingProxy {
    pub(crate) peer: HttpServer,
    state: Arc<Mutex<TamperingState>>,
}

/// What it is to replace, and the responses of the current run: their lines, and their texts' paths.
#[derive(Default)]
struct TamperingState {
    tampering: Option<Tampering>,
    seen: Vec<(String, Vec<String>)>,
}

impl TamperingState {
    fn tamper(&mut self, line: String, json: &Value) -> Option<String> {
        let nth = self.seen.iter().filter(|(seen, _)| *seen == line).count();
        let matching = self.tampering.as_ref().filter(|one| one.line == line && one.nth == nth);
        let tampered = matching.filter(|one| json.pointer(&one.path).is_some());
        let tampered = tampered.map(|one| with_text_at(json, &one.path, one.text).to_string());
        self.seen.push((line, text_paths(json)));
        tampered
    }

    fn tamperings(&self) -> Vec<Tampering> {
        let mut all = Vec::new();
        for (at, (line, text_paths)) in self.seen.iter().enumerate() {
            let nth = self.seen[..at].iter().filter(|(seen, _)| seen == line).count();
            all.extend(text_paths.iter().cloned().map(|path| Tampering {
                line: line.clone(),
                nth,
                path,
                text: "",
            }));
        }
        all
    }
}

impl TamperingProxy {
    pub(crate) fn before(serve: ServeProcess) -> Self {
        let state = Arc::<Mutex<TamperingState>>::default();
        let shared_state = Arc::clone(&state);
        let peer = HttpServer::new(move |request| {
            let mut response = send(&serve, request);
            if let Ok(json) = serde_json::from_str(&response.text)
                && let Some(tampered) = shared_state.lock().unwrap().tamper(line(request), &json)
            {
                response.text = tampered;
            }
            to_response(&response)
        });
        Self { peer, state }
    }

    /// One for each text of the run that has ended.
    pub(crate) fn tamperings(&self) -> Vec<Tampering> {
        self.state.lock().unwrap().tamperings()
    }

    /// Tampers with the next run in this way.
    pub(crate) fn tamper(&self, tampering: Tampering) {
        *self.state.lock().unwrap() =
            TamperingState { tampering: Some(tampering), ..TamperingState::default() };
    }
}

/// Where in a document its texts are.
pub(crate) fn text_paths(value: &Value) -> Vec<String> {
    let below = |(key, value): (String, &Value)| {
        let key = key.replace('~', "~0").replace('/', "~1");
        text_paths(value).into_iter().map(move |rest| format!("/{key}{rest}")).collect::<Vec<_>>()
    };
    match value {
        Value::String(_) => vec![String::new()],
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(at, one)| (at.to_string(), one))
            .flat_map(below)
            .collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, one)| (name.clone(), one)).flat_map(below).collect()
        }
        _ => Vec::new(),
    }
}

/// The document with another text there.
pub(crate) fn with_text_at(document: &Value, path: &str, text: &str) -> Value {
    let mut with_text_at = document.clone();
    *with_text_at.pointer_mut(path).unwrap() = text.into();
    with_text_at
}

/// Method and path, without what differs from run to run.
fn line(request: &Request) -> String {
    let part = |part: &str| match part.contains('@') || part.parse::<u64>().is_ok() {
        true => "N".to_owned(),
        false => part.to_owned(),
    };
    let line = request.line();
    line.split('/').map(part).collect::<Vec<_>>().join("/")
}
