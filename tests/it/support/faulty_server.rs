//! What may go wrong with a request, and a peer that lets it go wrong once.

use crate::support::http_server::{Peer, Reply, Request, Trouble};
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
    Stranger,
    /// It is closed after the request was read; nothing was done.
    ResetUnheard,
    /// It is closed after everything was done.
    ResetAfter,
    /// Half of the answer comes.
    Half,
    /// No answer comes, and nothing was done.
    StalledUnheard,
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
        Self::Stranger,
        Self::ResetUnheard,
        Self::ResetAfter,
        Self::Half,
        Self::StalledUnheard,
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
        matches!(self, Self::Stalled | Self::StalledUnheard | Self::Drip)
    }

    /// What is done to the connection before the request comes.
    fn trouble(self) -> Option<Trouble> {
        match self {
            Self::Refused => Some(Trouble::Refused),
            Self::ResetBefore => Some(Trouble::Reset),
            Self::Stranger => Some(Trouble::Stranger),
            _ => None,
        }
    }

    /// What the request is answered with; `forward` does what it asks for. A redirect leads to
    /// `elsewhere`.
    fn answer(self, elsewhere: &str, forward: impl FnOnce() -> Reply) -> Reply {
        let limited = || Reply::detail(429, "slow down");
        match self {
            Self::Refused | Self::ResetBefore | Self::Stranger => forward(),
            Self::ResetUnheard => Reply::close(),
            Self::ResetAfter => after(forward, Reply::close()),
            Self::Half => forward().half(),
            Self::StalledUnheard => Reply::stall(),
            Self::Stalled => after(forward, Reply::stall()),
            Self::Status(status) => Reply::detail(status, "a fault"),
            Self::StatusAfter(status) => after(forward, Reply::html(status, "<h1>a fault</h1>")),
            Self::LimitedByRetryAfter => limited().with("Retry-After", "1"),
            Self::LimitedByReset => limited()
                .with("X-Sentry-Rate-Limit-Reset", "1")
                .with("X-Sentry-Rate-Limit-Limit", "1"),
            Self::Page => Reply::html(200, "<title>Sign in</title><form action='/portal'></form>"),
            Self::WrongType => forward().called("text/plain"),
            Self::Truncated => forward().truncated(),
            Self::OtherObject => after(forward, Reply::json(200, &json!({"hello": [1, {}]}))),
            Self::OtherList => after(forward, Reply::json(200, &json!([[], 1, null, "x"]))),
            Self::Huge => after(forward, Reply::html(200, vec![b'['; 65536]).endless()),
            Self::Bomb => after(forward, bomb()),
            Self::Redirect => Reply::redirect(elsewhere),
            Self::Noise => after(forward, Reply::raw("\u{15}\u{3}\u{1}\0\u{2}nothing of HTTP")),
            Self::Drip => after(forward, Reply::json(200, &json!([1, 2])).drip()),
        }
    }
}

fn after(forward: impl FnOnce() -> Reply, reply: Reply) -> Reply {
    drop(forward());
    reply
}

/// Sixteen megabytes of blanks in sixteen kilobytes, which nobody has asked for.
fn bomb() -> Reply {
    let bytes = include_bytes!("../../fixtures/bomb.gz");
    Reply::html(200, &bytes[..]).with("Content-Encoding", "gzip")
}

/// A peer before something real, which lets one request go wrong once it is armed.
pub(crate) struct Faulty {
    pub(crate) peer: Peer,
    /// Where redirects lead. Nothing must come there.
    pub(crate) elsewhere: Peer,
    count: Arc<AtomicUsize>,
    armed: Arc<AtomicBool>,
    cell: Option<(usize, Fault)>,
    /// The certificate to trust.
    pub(crate) authority: String,
}

impl Faulty {
    /// The request of this number, counted from when it is armed, meets the fault.
    pub(crate) fn new(
        cell: Option<(usize, Fault)>,
        over_tls: bool,
        forward: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let (count, armed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let elsewhere = Peer::new(|_| Reply::json(200, &json!({"stolen": true})));
        let address = format!("{}/stolen", elsewhere.url());
        let (counting, is_armed) = (Arc::clone(&count), Arc::clone(&armed));
        let answer = move |request: &Request| {
            let Some((wanted, fault)) = cell.filter(|_| is_armed.load(Ordering::SeqCst)) else {
                return forward(request);
            };
            let number = counting.fetch_add(1, Ordering::SeqCst);
            if number == wanted {
                return fault.answer(&address, || forward(request));
            }
            match fault.trouble().filter(|_| number + 1 == wanted) {
                Some(trouble) => forward(request).then(trouble),
                None => forward(request),
            }
        };
        let (peer, authority) = match over_tls {
            true => Peer::tls("localhost", answer),
            false => (Peer::new(answer), String::new()),
        };
        Self { peer, elsewhere, count, armed, cell, authority }
    }

    /// Counts from here on.
    pub(crate) fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
        if let Some(trouble) =
            self.cell.and_then(|(number, fault)| fault.trouble().filter(|_| number == 0))
        {
            self.peer.trouble(trouble);
        }
    }

    /// From here on nothing goes wrong.
    pub(crate) fn calm(&self) {
        self.armed.store(false, Ordering::SeqCst);
    }

    /// Whether the request that was to go wrong came, or was kept from coming.
    pub(crate) fn has_struck(&self) -> bool {
        let reached = self.count.load(Ordering::SeqCst);
        self.cell
            .is_none_or(|(number, fault)| reached + usize::from(fault.trouble().is_some()) > number)
    }
}
