//! A relay before the real `serve`: it counts what passes, and changes what a test wants changed.

use crate::support::http_server::{Peer, Reply, Request};
use crate::support::serve::{Answer, Serve, TOKEN};
use std::sync::Arc;

/// What becomes of a request.
pub(crate) enum Fate {
    /// It reaches the server, and its answer comes back.
    Pass,
    /// It never reaches the server.
    Lost(Reply),
    /// It reaches the server, but another answer comes back.
    Answered(Reply),
}

/// The server with the relay before it.
pub(crate) struct Relay {
    pub(crate) serve: Arc<Serve>,
    pub(crate) peer: Peer,
}

impl Relay {
    /// One that lets everything pass.
    pub(crate) fn new() -> Self {
        Self::with(|_| Fate::Pass)
    }

    /// One that decides about each request.
    pub(crate) fn with(fate: impl Fn(&Request) -> Fate + Send + Sync + 'static) -> Self {
        Self::before(Serve::start(), fate)
    }

    /// One that decides about each request to this server.
    pub(crate) fn before(
        serve: Serve,
        fate: impl Fn(&Request) -> Fate + Send + Sync + 'static,
    ) -> Self {
        Self::to(Arc::new(serve), fate)
    }

    /// One that decides about each request to a server that others ask as well.
    pub(crate) fn to(
        serve: Arc<Serve>,
        fate: impl Fn(&Request) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let server = Arc::clone(&serve);
        let peer = Peer::new(move |request| match fate(request) {
            Fate::Pass => forward(&server, request),
            Fate::Lost(reply) => reply,
            Fate::Answered(reply) => {
                drop(forward(&server, request));
                reply
            }
        });
        Self { serve, peer }
    }

    /// Method and path of every request since the last time.
    pub(crate) fn passed(&self, since: usize) -> Vec<String> {
        self.peer.lines().split_off(since)
    }

    /// What the server has, asked by the local user.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> serde_json::Value {
        self.serve.get(&format!("/api/0/organizations/acme/{path}")).expect(200)
    }
}

pub(crate) fn forward(serve: &Serve, request: &Request) -> Reply {
    hand_back(&ask(serve, request))
}

/// The server's answer to the request.
pub(crate) fn ask(serve: &Serve, request: &Request) -> Answer {
    let headers = ["authorization", "content-type", "cookie", "user-agent"];
    let headers: Vec<_> = headers
        .into_iter()
        .map(|name| (name, request.header(name).to_owned()))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    serve.send(&request.method, &request.target, &headers, &request.body)
}

/// What the relay makes of it.
pub(crate) fn hand_back(answer: &Answer) -> Reply {
    let reply = Reply::new(answer.status, answer.header("content-type"), answer.text.as_str());
    ["Link", "Location", "Set-Cookie"].into_iter().fold(reply, |reply, name| {
        match answer.header(&name.to_lowercase()) {
            "" => reply,
            value => reply.with(name, value),
        }
    })
}

/// The token that a run needs here.
pub(crate) const RELAY_TOKEN: &str = TOKEN;
