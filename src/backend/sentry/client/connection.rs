//! The line to one server: what all that speak to it within a run share. A session is not among
//! it: its cookies are kept by the client of its own pipeline.

use crate::error::{Error, ErrorCode, Result};
use crate::http::{self, TlsTrust};
use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// The connections to one server, and when it takes requests.
#[derive(Clone)]
pub struct ServerConnection(Rc<ConnectionState>);

struct ConnectionState {
    trust: TlsTrust,
    /// How long the server may be silent.
    silence: Duration,
    /// Over connections that are used again.
    kept: OnceCell<reqwest::Client>,
    /// Over a fresh connection for each request.
    fresh: OnceCell<reqwest::Client>,
    /// Until when the server limits the rate.
    held: Cell<Option<Instant>>,
}

impl ServerConnection {
    /// A line that nobody has used yet.
    pub fn new(trust: TlsTrust, silence: Duration) -> Self {
        let (kept, fresh, held) = (OnceCell::new(), OnceCell::new(), Cell::new(None));
        Self(Rc::new(ConnectionState { trust, silence, kept, fresh, held }))
    }

    /// The HTTP client whose connections all share.
    pub(crate) fn pooled(&self) -> Result<reqwest::Client> {
        self.client(&self.0.kept, usize::MAX)
    }

    /// The HTTP client that takes a fresh connection for each request.
    pub(crate) fn unpooled(&self) -> Result<reqwest::Client> {
        self.client(&self.0.fresh, 0)
    }

    fn client(&self, built: &OnceCell<reqwest::Client>, idle: usize) -> Result<reqwest::Client> {
        if let Some(client) = built.get() {
            return Ok(client.clone());
        }
        let ConnectionState { trust, silence, .. } = &*self.0;
        let client = http::client(trust, |builder| {
            builder.pool_max_idle_per_host(idle).read_timeout(*silence)
        });
        let client = client.map_err(|error| {
            let message = format!("the HTTP client cannot be built: {error}");
            Error::new(ErrorCode::Unreachable, message)
                .with_hint("check `ca-file` and the proxy variables")
        })?;
        Ok(built.get_or_init(|| client).clone())
    }

    /// Holds every later request back: the server limits the rate for this long.
    pub(crate) fn pause_for(&self, pause: Duration) {
        let until = Instant::now() + pause;
        self.0.held.set(self.0.held.get().max(Some(until)));
    }

    /// Waits until requests are taken again.
    pub(crate) async fn until_ready(&self) {
        while let Some(until) = self.0.held.get().filter(|until| *until > Instant::now()) {
            sleep_until(until).await;
        }
    }
}
