//! `serve`: Sentry's HTTP API put over the embedded engine, so that sentry-cli, action-release
//! and our own client work against it.
//!
//! One file a resource. Which rows there are is the engine's business; here are Sentry's paths,
//! scopes, status codes and bodies.

mod auth;
mod body;
mod call;
mod catalog;
mod code_mappings;
mod commits;
mod connections;
mod deploys;
mod errors;
mod given;
mod guard;
mod integrations;
mod organizations;
mod pages;
mod pagination;
mod pipeline;
#[cfg(test)]
mod plans;
mod releases;
mod repositories;
mod routes;
mod shapes;
mod sign_in;
mod start;
mod version;

use crate::cli::Serve;
use crate::env::Env;
use crate::failure::{Code, Failure};
use crate::host::{Emit, Sinks};
use crate::supervise;
use anyhow::Context;
use connections::Patience;
use start::{Options, Server};
use std::sync::Arc;
use tokio::net::TcpListener;

/// Serves until a signal asks it to stop; the exit code.
///
/// # Errors
///
/// Only what leaves no way to go on: no runtime.
pub fn run(typed: &Serve, env: &Env) -> anyhow::Result<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the async runtime cannot be started")?;
    let served = runtime.block_on(async {
        let options = Options::read(typed, env)?;
        serve(options).await
    });
    let Err(failure) = served else { return Ok(0) };
    let text = format!("error: {failure}\n  hint: {}\n", failure.hint);
    drop(Sinks::emit(vec![Emit::Stderr(text)]));
    Ok(failure.code.exit().number())
}

async fn serve(options: Options) -> Result<(), Failure> {
    supervise::quiet_panics();
    let listen = options.listen;
    let unheard = |error: std::io::Error| {
        let message = format!("cannot listen on {listen}: {error}");
        Failure::new(Code::Usage, message).hint("name another address with --listen")
    };
    // Heard from here on, so that a signal during the start is not lost.
    let stop = supervise::Stop::listen();
    let listener = TcpListener::bind(listen).await.map_err(unheard)?;
    let address = listener.local_addr().map_err(unheard)?;
    let (server, notes) = Server::prepare(options, address).await?;
    let mut said: Vec<_> = notes.iter().map(|note| Emit::Stderr(format!("{note}\n"))).collect();
    if !address.ip().is_loopback() {
        let warning = "warning: other machines can reach this address, and nothing is encrypted\n";
        said.push(Emit::Stderr(warning.to_owned()));
    }
    said.push(Emit::Stdout(format!("listening on {}\n", server.base())));
    Sinks::emit(said)?;
    let router = guard::before(routes::router(Arc::new(server)));
    connections::serve(listener, router, Patience::default(), stop.asked()).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::call::{Resource, Visit};
    use super::errors::Answer;
    use super::*;
    use std::io::{Read, Write};

    async fn break_down(_visit: Visit) -> Answer {
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
        let typed = Serve { listen, database: Some(database), ..Serve::default() };
        let options = Options::read(&typed, &Env::default()).unwrap();
        let (server, _) = Server::prepare(options, ([127, 0, 0, 1], 0).into()).await.unwrap();
        let resource = Resource::at("broken/").visit(&[], break_down);
        let router = resource.mount(axum::Router::new()).with_state(Arc::new(server));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let never = std::future::pending();
        let patience = Patience::default();
        let serving = tokio::spawn(connections::serve(listener, router, patience, never));
        for _ in 0..2 {
            let answer = tokio::task::spawn_blocking(move || get(address)).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
            assert!(answer.contains("\"detail\":\"Internal Error\"") && !answer.contains("s3cr3t"));
        }
        serving.abort();
    }
}
