//! What all that speak to one server within a run share: the pools of connections, and how long
//! its rate limit holds requests back. Cookies are not among it: they belong to one pipeline.

use super::kept_connections::{ConnectionChoice, KeptConnections};
use super::{HttpResponse, NetworkError, TlsTrust, client, read_timeout};
use crate::error::{Error, ErrorCode, Result};
use crate::os::activity;
use reqwest::RequestBuilder;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// The connections to one server, and when it takes requests.
#[derive(Clone)]
pub struct ServerConnection(Rc<ConnectionState>);

struct ConnectionState {
    trust: TlsTrust,
    /// The time limit of the whole run.
    timeout: Duration,
    /// Over connections that are used again.
    pooled: OnceCell<reqwest::Client>,
    /// Over a fresh connection for each request.
    unpooled: OnceCell<reqwest::Client>,
    /// Whether the server keeps its connections.
    kept: RefCell<KeptConnections>,
    /// Until when the server limits the rate.
    paused_until: Cell<Option<Instant>>,
    /// How many bytes of listings were read from it.
    listed_bytes: Cell<usize>,
}

/// How much the listings of one server may hold in a run, all together: what is kept of them in memory
/// is several times that.
pub(crate) const MAX_LISTED_BYTES: usize = 32 * 1024 * 1024;

impl ServerConnection {
    /// Opens nothing yet.
    pub fn new(trust: TlsTrust, timeout: Duration) -> Self {
        Self(Rc::new(ConnectionState {
            trust,
            timeout,
            pooled: OnceCell::new(),
            unpooled: OnceCell::new(),
            kept: RefCell::default(),
            paused_until: Cell::new(None),
            listed_bytes: Cell::new(0),
        }))
    }

    /// Counts a page of a listing; whether it is within what a run may keep of this server.
    pub(crate) fn may_keep(&self, page: &str) -> bool {
        let listed = self.0.listed_bytes.get().saturating_add(page.len());
        self.0.listed_bytes.set(listed);
        listed <= MAX_LISTED_BYTES
    }

    /// The time limit of the whole run, as its input says.
    pub(crate) fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// How long the server may be silent.
    pub(crate) fn read_timeout(&self) -> Duration {
        read_timeout(self.0.timeout)
    }

    /// The HTTP client whose connections all share.
    pub(crate) fn pooled(&self) -> Result<reqwest::Client> {
        self.client(&self.0.pooled, usize::MAX)
    }

    /// The HTTP client for what must not be lost on its way: over a fresh connection, or a kept one
    /// that is known to be open.
    pub(crate) async fn dependable(&self) -> Result<reqwest::Client> {
        let choice = self.0.kept.borrow().choice(Instant::now());
        match choice {
            ConnectionChoice::Fresh => self.client(&self.0.unpooled, 0),
            ConnectionChoice::KeptAfter(moment) => {
                sleep_until(moment).await;
                self.pooled()
            }
        }
    }

    /// Sends a request, and notes what its answer tells of the server's connections.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<HttpResponse, NetworkError> {
        let asked = Instant::now();
        let read = super::read(request).await;
        let mut kept = self.0.kept.borrow_mut();
        match read {
            Ok((response, own_end)) => {
                kept.note_answer(asked, own_end);
                Ok(response)
            }
            Err(error) => {
                kept.note_loss();
                Err(NetworkError::new(&error))
            }
        }
    }

    fn client(
        &self,
        built: &OnceCell<reqwest::Client>,
        max_idle: usize,
    ) -> Result<reqwest::Client> {
        if let Some(client) = built.get() {
            return Ok(client.clone());
        }
        let client = client(&self.0.trust, |builder| {
            builder.pool_max_idle_per_host(max_idle).read_timeout(self.read_timeout())
        });
        let client = client.map_err(|error| {
            let message = format!("cannot create the HTTP client: {error}");
            Error::new(ErrorCode::Unreachable, message)
                .with_hint("check `ca-file`, SSL_CERT_FILE, SSL_CERT_DIR and the proxy variables")
        })?;
        Ok(built.get_or_init(|| client).clone())
    }

    /// Holds every later request back: the server limits the rate for this long.
    pub(crate) fn pause_for(&self, pause: Duration) {
        let until = Instant::now() + pause;
        self.0.paused_until.set(self.0.paused_until.get().max(Some(until)));
    }

    /// Waits until requests are taken again.
    pub(crate) async fn until_ready(&self) {
        while let Some(until) = self.0.paused_until.get().filter(|until| *until > Instant::now()) {
            Self::wait_until(until).await;
        }
    }

    /// Waits until a moment that the server has named.
    pub(crate) async fn wait_until(moment: Instant) {
        let words = || "waiting until the server takes requests again".to_owned();
        let _shown = activity::begin(words).until(moment.into_std());
        sleep_until(moment).await;
    }
}
