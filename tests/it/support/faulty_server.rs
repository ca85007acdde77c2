//! What may go wrong with a request, and a server with which it goes wrong once.

use crate::support::http_server::{ConnectionFault, HttpServer, Request, Response};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// One way in which a request goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nobody listens.
    Refused,
    /// The connection is closed before the request is read.
    ResetBefore,
    /// Something answers that speaks neither TLS nor HTTP.
    OtherProtocol,
    /// It is closed after the request was read; nothing was done.
    ResetUnprocessed,
    /// It is closed after everything was done.
    ResetAfter,
    /// Half of the answer comes.
    Half,
    /// No answer comes, and nothing was done.
    StalledUnprocessed,
    /// No answer comes, although everything was done.
    Stalled,
    /// An error of this status, and nothing was done.
    Status(u16),
    /// An error of this status, although everything was done.
    StatusAfter(u16),
    /// The rate is limited, in the words of `Retry-After`.
    LimitedByRetryAfter,
    /// The rate is limited, in the words of Sentry's own headers.
    LimitedByReset,
    /// A page instead of JSON, from a portal before the server.
    Page,
    /// The answer, called something else.
    WrongType,
    /// The answer's JSON, cut in the middle.
    Truncated,
    /// JSON of another shape.
    OtherObject,
    /// JSON of yet another shape.
    OtherList,
    /// A body without an end.
    Huge,
    /// A small body that would be a large one.
    Bomb,
    /// A redirect to another server.
    Redirect,
    /// Bytes that are no HTTP.
    Noise,
    /// The answer comes byte by byte, without an end.
    Drip,
}

impl Fault {
    pub(crate) const ALL: [Self; 29] = [
        Self::Refused,
        Self::ResetBefore,
        Self::OtherProtocol,
        Self::ResetUnprocessed,
        Self::ResetAfter,
        Self::Half,
        Self::StalledUnprocessed,
        Self::Stalled,
        Self::Status(408),
        Self::Status(429),
        Self::LimitedByRetryAfter,
        Self::LimitedByReset,
        Self::Status(500),
        Self::Status(502),
        Self::Status(503),
        Self::Status(504),
        Self::StatusAfter(500),
        Self::StatusAfter(502),
        Self::StatusAfter(504),
        Self::Page,
        Self::WrongType,
        Self::Truncated,
        Self::OtherObject,
        Self::OtherList,
        Self::Huge,
        Self::Bomb,
        Self::Redirect,
        Self::Noise,
        Self::Drip,
    ];

    /// Whether only time tells that no whole answer comes.
    pub(crate) fn is_silent(self) -> bool {
        matches!(self, Self::Stalled | Self::StalledUnprocessed | Self::Drip)
    }

    /// What is done to the connection before the request comes.
    fn connection_fault(self) -> Option<ConnectionFault> {
        match self {
            Self::Refused => Some(ConnectionFault::Refused),
            Self::ResetBefore => Some(ConnectionFault::Reset),
            Self::OtherProtocol => Some(ConnectionFault::OtherProtocol),
            _ => None,
        }
    }

    /// The response to a request; `forward` carries the request out. A redirect leads to
    /// `elsewhere`.
    fn respond(self, elsewhere: &str, forward: impl FnOnce() -> Response) -> Response {
        let rate_limited = || Response::detail(429, "slow down");
        match self {
            Self::Refused | Self::ResetBefore | Self::OtherProtocol => forward(),
            Self::ResetUnprocessed => Response::close(),
            Self::ResetAfter => process_then(forward, Response::close()),
            Self::Half => forward().cut_short(),
            Self::StalledUnprocessed => Response::stall(),
            Self::Stalled => process_then(forward, Response::stall()),
            Self::Status(status) => Response::detail(status, "a fault"),
            Self::StatusAfter(status) => {
                process_then(forward, Response::html(status, "<h1>a fault</h1>"))
            }
            Self::LimitedByRetryAfter => rate_limited().with("Retry-After", "1"),
            Self::LimitedByReset => rate_limited()
                .with("X-Sentry-Rate-Limit-Reset", "1")
                .with("X-Sentry-Rate-Limit-Limit", "1"),
            Self::Page => {
                Response::html(200, "<title>Sign in</title><form action='/portal'></form>")
            }
            Self::WrongType => forward().with_content_type("text/plain"),
            Self::Truncated => forward().truncated(),
            Self::OtherObject => {
                process_then(forward, Response::json(200, &json!({"hello": [1, {}]})))
            }
            Self::OtherList => {
                process_then(forward, Response::json(200, &json!([[], 1, null, "x"])))
            }
            Self::Huge => process_then(forward, Response::html(200, vec![b'['; 65536]).endless()),
            Self::Bomb => process_then(forward, bomb()),
            Self::Redirect => Response::redirect(elsewhere),
            Self::Noise => {
                process_then(forward, Response::raw("\u{15}\u{3}\u{1}\0\u{2}nothing of HTTP"))
            }
            Self::Drip => process_then(forward, Response::json(200, &json!([1, 2])).drip()),
        }
    }
}

fn process_then(forward: impl FnOnce() -> Response, response: Response) -> Response {
    drop(forward());
    response
}

/// Sixteen megabytes of blanks in sixteen kilobytes, which nobody requested.
fn bomb() -> Response {
    let bytes = include_bytes!("../../fixtures/bomb.gz");
    Response::html(200, &bytes[..]).with("Content-Encoding", "gzip")
}

/// A server before a real one, which lets one request go wrong once it is armed.
pub(crate) struct FaultyServer {
    pub(crate) peer: HttpServer,
    /// Where redirects lead. Nothing must come there.
    pub(crate) elsewhere: HttpServer,
    request_count: Arc<AtomicUsize>,
    armed: Arc<AtomicBool>,
    cell: Option<(usize, Fault)>,
    /// The certificate to trust.
    pub(crate) authority: String,
}

impl FaultyServer {
    /// The request of this number, counted from when it is armed, meets the fault.
    pub(crate) fn new(
        cell: Option<(usize, Fault)>,
        over_tls: bool,
        forward: impl Fn(&Request) -> Response + Send + Sync + 'static,
    ) -> Self {
        let (request_count, armed) =
            (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let elsewhere = HttpServer::new(|_| Response::json(200, &json!({"stolen": true})));
        let address = format!("{}/stolen", elsewhere.url());
        let (counter, is_armed) = (Arc::clone(&request_count), Arc::clone(&armed));
        let handler = move |request: &Request| {
            let Some((target, fault)) = cell.filter(|_| is_armed.load(Ordering::SeqCst)) else {
                return forward(request);
            };
            let number = counter.fetch_add(1, Ordering::SeqCst);
            if number == target {
                return fault.respond(&address, || forward(request));
            }
            match fault.connection_fault().filter(|_| number + 1 == target) {
                Some(connection_fault) => forward(request).then(connection_fault),
                None => forward(request),
            }
        };
        let (peer, authority) = match over_tls {
            true => HttpServer::tls("localhost", handler),
            false => (HttpServer::new(handler), String::new()),
        };
        Self { peer, elsewhere, request_count, armed, cell, authority }
    }

    /// Counts from here on.
    pub(crate) fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
        if let Some(connection_fault) =
            self.cell.and_then(|(number, fault)| fault.connection_fault().filter(|_| number == 0))
        {
            self.peer.break_next_connection(connection_fault);
        }
    }

    /// From here on nothing goes wrong.
    pub(crate) fn disarm(&self) {
        self.armed.store(false, Ordering::SeqCst);
    }

    /// Whether the request that was to go wrong came, or was kept from coming.
    pub(crate) fn has_occurred(&self) -> bool {
        let reached = self.request_count.load(Ordering::SeqCst);
        self.cell.is_none_or(|(number, fault)| {
            reached + usize::from(fault.connection_fault().is_some()) > number
        })
    }
}
