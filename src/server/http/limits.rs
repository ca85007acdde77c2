//! How long clients are waited for, and how many there may be.

use std::time::Duration;

/// How long clients are waited for.
#[derive(Clone, Copy)]
pub(crate) struct ConnectionLimits {
    /// For a whole head, and for the next one on the same connection.
    pub(crate) head: Duration,
    /// For a whole body.
    pub(crate) body: Duration,
    /// For the room that a longer body takes.
    pub(crate) body_wait: Duration,
    /// For a longer body that others wait for.
    pub(crate) slow_body: Duration,
    /// For all requests of a connection: no new one is taken on it then.
    pub(crate) connection_lifetime: Duration,
    /// For the request that is under way then, its answer included.
    pub(crate) drain_timeout: Duration,
    /// For all requests that are under way when the server is asked to stop.
    pub(crate) grace: Duration,
    /// How many connections there are at once; more wait until one ends.
    pub(crate) max_connections: usize,
    /// How many bytes of a head are read, its query and its headers together.
    pub(crate) max_head: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            body: Duration::from_secs(30),
            body_wait: Duration::from_secs(15),
            slow_body: Duration::from_secs(5),
            connection_lifetime: Duration::from_secs(300),
            drain_timeout: Duration::from_secs(180),
            grace: Duration::from_secs(10),
            max_connections: 256,
            max_head: 128 * 1024,
        }
    }
}
