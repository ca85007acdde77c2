//! `serve`: Sentry's HTTP API put over the embedded engine, so that sentry-cli, action-release
//! and our own client work against it.
//!
//! One file a resource. Which rows there are is the engine's business; here are Sentry's paths,
//! scopes, status codes and bodies.

mod api;
mod auth;
mod deletions;
mod endpoint;
pub(crate) mod http;
#[cfg(test)]
mod loopback;
pub(crate) mod options;
mod pages;
#[cfg(test)]
mod query_plans;
mod router;
mod set_ups;
mod state;
#[cfg(test)]
mod state_changes;
pub(crate) mod tokens;

use crate::cli::ServeArgs;
use crate::env::Env;
use crate::error::{Error, ErrorCode, Result};
use crate::os::interruption;
use crate::os::panics::hide_panic_messages;
use crate::os::signals::{self, StopSignals};
use crate::output::server_log::ServerLog;
use crate::output::{OutputSinks, WriteOp};
use crate::server::http::access_log::log_text;
use crate::server::http::connections;
use crate::server::http::limits::ConnectionLimits;
use anyhow::Context;
use futures_util::future::{Either, select};
use options::ServeOptions;
use state::ServerState;
use std::pin::pin;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Serves until a signal asks it to stop; the exit code.
pub fn run(typed: &ServeArgs, env: &Env) -> anyhow::Result<u8> {
    let read = || ServeOptions::read(typed, env);
    let options = match interruption::until_stopped(read, || report(&stopped())) {
        Ok(options) => options,
        Err(_) if signals::is_stopped() => return Ok(report(&stopped())),
        Err(failure) => return Ok(report(&failure)),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the async runtime")?;
    let served = runtime.block_on(serve(options));
    Ok(served.map_or_else(|failure| report(&failure), |()| 0))
}

/// Says why nothing is served; the exit code.
fn report(failure: &Error) -> u8 {
    drop(OutputSinks::emit(vec![WriteOp::Stderr(failure.report())]));
    failure.code.exit().number()
}

fn stopped() -> Error {
    let message = "cancelled by a signal before the options of `serve` were read";
    Error::new(ErrorCode::Cancelled, message).with_hint("start it again")
}

async fn serve(options: ServeOptions) -> Result {
    hide_panic_messages();
    let listen = options.listen;
    let listen_error = |error: std::io::Error| {
        let message = format!("cannot listen on {listen}: {error}");
        Error::new(ErrorCode::Usage, message).with_hint("set another address with --listen")
    };
    // Heard from here on, so that a signal during the start is not lost.
    let mut stop = pin!(StopSignals::listen().received());
    let listener = TcpListener::bind(listen).await.map_err(listen_error)?;
    let address = listener.local_addr().map_err(listen_error)?;
    let secrets: Vec<_> = options.token.iter().map(|token| token.expose().to_owned()).collect();
    let (level, format) = (options.log_level, options.log_format);
    let database = options.database.display().to_string();
    // Another process may hold the file for as long as it likes.
    let preparing = pin!(ServerState::prepare(options, address));
    let (server, notes) = match select(preparing, &mut stop).await {
        Either::Left((prepared, _)) => prepared?,
        Either::Right(_) => {
            let text = "stopped while waiting for the database\n".to_owned();
            return OutputSinks::emit(vec![WriteOp::Stderr(text)]);
        }
    };
    let mut writes: Vec<_> =
        notes.iter().map(|note| WriteOp::Stderr(format!("{note}\n"))).collect();
    if !address.ip().is_loopback() {
        let warning =
            "warning: other machines can reach this address, and connections are not encrypted\n";
        writes.push(WriteOp::Stderr(warning.to_owned()));
    }
    writes.push(WriteOp::Stdout(format!("listening on {}\n", server.base())));
    OutputSinks::emit(writes)?;
    let log = ServerLog::start(level, format, &secrets);
    let (version, database) = (env!("CARGO_PKG_VERSION"), log_text(&database));
    tracing::info!(address = server.base(), database, version, "serve started");
    let router = router::router(Arc::new(server));
    connections::serve(listener, router, ConnectionLimits::default(), stop).await;
    tracing::info!("serve stopped");
    log.flush();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::endpoint::{Endpoint, PublicRequest};
    use crate::server::http::ApiResult;
    use std::io::{Read, Write};

    async fn break_down(_request: PublicRequest) -> ApiResult {
        panic!("s3cr3t")
    }

    fn get(address: std::net::SocketAddr) -> String {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let request = "GET /api/0/broken/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[tokio::test]
    async fn a_panic_is_answered_and_the_server_lives_on() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("f.db").to_string_lossy().into_owned();
        let listen = "127.0.0.1:0".to_owned();
        let typed = ServeArgs { listen, database: Some(database), ..ServeArgs::default() };
        let options = ServeOptions::read(&typed, &Env::default()).unwrap();
        let (server, _) = ServerState::prepare(options, ([127, 0, 0, 1], 0).into()).await.unwrap();
        let resource = Endpoint::at("broken/").get_public(&[], break_down);
        let router = resource.mount(axum::Router::new()).with_state(Arc::new(server));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let never = std::future::pending();
        let limits = ConnectionLimits::default();
        let serving = tokio::spawn(connections::serve(listener, router, limits, never));
        for _ in 0..2 {
            let answer = tokio::task::spawn_blocking(move || get(address)).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
            assert!(answer.contains("\"detail\":\"Internal Error\"") && !answer.contains("s3cr3t"));
        }
        serving.abort();
    }
}
