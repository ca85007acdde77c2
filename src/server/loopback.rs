//! A server in this process on a free port, for tests that look at what it does inside.

use super::http::connections;
use super::http::limits::ConnectionLimits;
use super::options::ServeOptions;
use super::router;
use super::state::ServerState;
use crate::cli::ServeArgs;
use crate::env::Env;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The token that it is given.
pub(super) const TOKEN: &str = "any-text";

/// A server that is ready, and does not answer yet.
pub(super) struct LoopbackServer {
    listener: TcpListener,
    pub(super) address: SocketAddr,
    pub(super) state: Arc<ServerState>,
}

impl LoopbackServer {
    /// One over this file, with the organization `acme` and its project `web`.
    pub(super) async fn prepare(database: &Path) -> Self {
        let typed = ServeArgs {
            listen: "127.0.0.1:0".to_owned(),
            database: Some(database.to_string_lossy().into_owned()),
            orgs: vec!["acme".to_owned()],
            projects: vec!["web".to_owned()],
            ..ServeArgs::default()
        };
        let env = [("SENTRY_AUTH_TOKEN", TOKEN)].map(|(name, value)| (name.into(), value.into()));
        let options = ServeOptions::read(&typed, &Env::from_os(env)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(ServerState::prepare(options, address).await.unwrap().0);
        Self { listener, address, state }
    }

    /// Answers until the task is aborted.
    pub(super) fn serve(self) -> JoinHandle<()> {
        let (limits, never) = (ConnectionLimits::default(), std::future::pending());
        let router = router::router(self.state);
        tokio::spawn(connections::serve(self.listener, router, limits, never))
    }
}
