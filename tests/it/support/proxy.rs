//! A proxy before the real `serve`: it records requests, and changes what a test wants changed.

use crate::support::http_server::{HttpServer, Request, Response};
use crate::support::serve::{ServeProcess, ServeResponse, TOKEN};
use std::sync::Arc;

/// What becomes of a request.
pub(crate) enum ProxyAction {
    /// It reaches the server, and the server's response comes back.
    Forward,
    /// It never reaches the server; this is the response.
    Intercept(Response),
    /// It reaches the server, but this response comes back.
    ReplaceResponse(Response),
}

/// The server with the proxy before it.
pub(crate) struct ServeProxy {
    pub(crate) serve: Arc<ServeProcess>,
    pub(crate) peer: HttpServer,
}

impl ServeProxy {
    /// One that forwards everything.
    pub(crate) fn new() -> Self {
        Self::with(|_| ProxyAction::Forward)
    }

    /// One that decides about each request.
    pub(crate) fn with(action: impl Fn(&Request) -> ProxyAction + Send + Sync + 'static) -> Self {
        Self::before(ServeProcess::start(), action)
    }

    /// One that decides about each request to this server.
    pub(crate) fn before(
        serve: ServeProcess,
        action: impl Fn(&Request) -> ProxyAction + Send + Sync + 'static,
    ) -> Self {
        Self::to(Arc::new(serve), action)
    }

    /// One that decides about each request to a server that others ask as well.
    pub(crate) fn to(
        serve: Arc<ServeProcess>,
        action: impl Fn(&Request) -> ProxyAction + Send + Sync + 'static,
    ) -> Self {
        let target = Arc::clone(&serve);
        let peer = HttpServer::new(move |request| match action(request) {
            ProxyAction::Forward => forward(&target, request),
            ProxyAction::Intercept(response) => response,
            ProxyAction::ReplaceResponse(response) => {
                drop(forward(&target, request));
                response
            }
        });
        Self { serve, peer }
    }

    /// One as Sentry's own code and a server in front of it may be: a finish brings no data, and each
    /// connection is closed without a word behind an answer.
    pub(crate) fn like_sentry(serve: ServeProcess) -> Self {
        let serve = Arc::new(serve);
        let target = Arc::clone(&serve);
        let peer = HttpServer::closing_silently(1, move |request| {
            let answer = send(&target, request);
            let is_finish = request.method == "POST" && answer.text.contains("\"complete\"");
            let is_bare = is_finish && answer.json()["status"] == "complete";
            let bare = Response::json(200, &serde_json::json!({ "status": "complete" }));
            if is_bare { bare } else { to_response(&answer) }
        });
        Self { serve, peer }
    }

    /// Method and path of every request since the last time.
    pub(crate) fn requests_since(&self, since: usize) -> Vec<String> {
        self.peer.lines().split_off(since)
    }

    /// What the server returns to the local user.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> serde_json::Value {
        self.serve.get(&format!("/api/0/organizations/acme/{path}")).expect(200)
    }
}

pub(crate) fn forward(serve: &ServeProcess, request: &Request) -> Response {
    to_response(&send(serve, request))
}

/// The server's response to the request.
pub(crate) fn send(serve: &ServeProcess, request: &Request) -> ServeResponse {
    let headers = ["authorization", "content-type", "cookie", "user-agent"];
    let headers: Vec<_> = headers
        .into_iter()
        .map(|name| (name, request.header(name).to_owned()))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    serve.send(&request.method, &request.target, &headers, &request.bytes)
}

/// The response as the proxy passes it on.
pub(crate) fn to_response(answer: &ServeResponse) -> Response {
    let response =
        Response::new(answer.status, answer.header("content-type"), answer.text.as_str());
    ["Link", "Location", "Set-Cookie"].into_iter().fold(response, |response, name| {
        match answer.header(&name.to_lowercase()) {
            "" => response,
            value => response.with(name, value),
        }
    })
}

/// The token that a run needs here.
pub(crate) const PROXY_TOKEN: &str = TOKEN;
