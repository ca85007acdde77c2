//! What a run costs beside its work: connections, requests, and what is read before them.

use crate::release::requests::{add_repository, released};
use crate::support::http_server::HttpServer;
use crate::support::proxy::ServeProxy;
use crate::support::run::ProgramRun;
use crate::support::serve::{ServeProcess, TOKEN};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Passes bytes on to a server, and counts connections, and requests by their first words.
struct CountingProxy {
    url: String,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
}

impl CountingProxy {
    fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let [connections, requests] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let (server, all, heads) = (server.to_owned(), connections.clone(), requests.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                all.fetch_add(1, Ordering::SeqCst);
                let server = TcpStream::connect(&server).unwrap();
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let heads = heads.clone();
                std::thread::spawn(move || pass(from, to, &heads));
                std::thread::spawn(move || pass(server, client, &AtomicUsize::new(0)));
            }
        });
        Self { url, connections, requests }
    }

    fn counts(&self) -> (usize, usize) {
        (self.requests.load(Ordering::SeqCst), self.connections.load(Ordering::SeqCst))
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, heads: &AtomicUsize) {
    let mut bytes = [0; 65_536];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        let is_head =
            ["GET ", "POST ", "PUT "].iter().any(|word| bytes.starts_with(word.as_bytes()));
        heads.fetch_add(usize::from(is_head), Ordering::SeqCst);
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    drop(to.shutdown(Shutdown::Write));
}

#[test]
fn a_new_release_and_its_deploy_are_two_requests_on_one_connection() {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    let counter = CountingProxy::before(&relay.serve.address);
    let ended = released(&relay).var("SENTRY_URL", &counter.url).execute().expect(0);
    assert_eq!(ended.joined(["status", "changed", "deploy-id"]), "complete true 1");
    assert_eq!(counter.counts(), (2, 1));
}

#[test]
fn an_integration_is_finished_on_one_connection() {
    let serve = ServeProcess::start();
    let counter = CountingProxy::before(&serve.address);
    let run = ProgramRun::github().opsgenie().var("SENTRY_URL", &counter.url);
    let ended =
        run.var("SENTRY_AUTH_TOKEN", TOKEN).without("FINISHLINE_BACKEND").execute().expect(0);
    assert_eq!(ended.output("status"), "complete");
    assert_eq!(counter.counts(), (4, 1));
}

/// What is logged where the system's certificates were looked for and not found.
const ROOTS: &str = "no system root certificates found";

#[test]
fn certificates_are_read_only_where_tls_is_spoken() {
    let looking = |run: ProgramRun| {
        let run = run.var("SSL_CERT_FILE", "/nowhere").var("FINISHLINE_LOG_LEVEL", "debug");
        run.execute().stderr.contains(ROOTS)
    };
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    assert!(!looking(released(&relay)));
    let nobody = HttpServer::unused_url().replace("http://", "https://");
    let run = || released(&relay).var("FINISHLINE_TIMEOUT", "1s");
    assert!(looking(run().var("SENTRY_URL", &nobody)));
    assert!(!looking(run().var("SENTRY_URL", &nobody).var("FINISHLINE_ENVIRONMENT", "a\nb")));
}
