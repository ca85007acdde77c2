//! A relay that forges one text of one answer, and knows which there are.

use crate::support::http_server::{Peer, Request};
use crate::support::proxy::{ask, hand_back};
use crate::support::serve::Serve;
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// One text of one answer of a run, and what stands there instead.
pub(crate) struct Forgery {
    pub(crate) line: String,
    /// Which of the answers to this line.
    pub(crate) nth: usize,
    pub(crate) place: String,
    pub(crate) text: &'static str,
}

/// A relay that forges answers.
pub(crate) struct Forger {
    pub(crate) peer: Peer,
    desk: Arc<Mutex<Desk>>,
}

/// What it is to do, and the answers of the run under way: their lines, and where their texts are.
#[derive(Default)]
struct Desk {
    forgery: Option<Forgery>,
    seen: Vec<(String, Vec<String>)>,
}

impl Desk {
    fn forge(&mut self, line: String, json: &Value) -> Option<String> {
        let nth = self.seen.iter().filter(|(seen, _)| *seen == line).count();
        let wanted = self.forgery.as_ref().filter(|one| one.line == line && one.nth == nth);
        let forged = wanted.filter(|one| json.pointer(&one.place).is_some());
        let forged = forged.map(|one| altered(json, &one.place, one.text).to_string());
        self.seen.push((line, places(json)));
        forged
    }

    fn forgeries(&self) -> Vec<Forgery> {
        let mut all = Vec::new();
        for (at, (line, places)) in self.seen.iter().enumerate() {
            let nth = self.seen[..at].iter().filter(|(seen, _)| seen == line).count();
            all.extend(places.iter().cloned().map(|place| Forgery {
                line: line.clone(),
                nth,
                place,
                text: "",
            }));
        }
        all
    }
}

impl Forger {
    pub(crate) fn before(serve: Serve) -> Self {
        let desk = Arc::<Mutex<Desk>>::default();
        let at_desk = Arc::clone(&desk);
        let peer = Peer::new(move |request| {
            let mut answer = ask(&serve, request);
            if let Ok(json) = serde_json::from_str(&answer.text)
                && let Some(forged) = at_desk.lock().unwrap().forge(line(request), &json)
            {
                answer.text = forged;
            }
            hand_back(&answer)
        });
        Self { peer, desk }
    }

    /// A forgery of each text of the run that has ended.
    pub(crate) fn forgeries(&self) -> Vec<Forgery> {
        self.desk.lock().unwrap().forgeries()
    }

    /// Makes this forgery in the next run.
    pub(crate) fn forge(&self, forgery: Forgery) {
        *self.desk.lock().unwrap() = Desk { forgery: Some(forgery), ..Desk::default() };
    }
}

/// Where in a document its texts are.
pub(crate) fn places(value: &Value) -> Vec<String> {
    let below = |(key, value): (String, &Value)| {
        let key = key.replace('~', "~0").replace('/', "~1");
        places(value).into_iter().map(move |rest| format!("/{key}{rest}")).collect::<Vec<_>>()
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
pub(crate) fn altered(document: &Value, place: &str, text: &str) -> Value {
    let mut altered = document.clone();
    *altered.pointer_mut(place).unwrap() = text.into();
    altered
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
