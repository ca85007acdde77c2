//! The connections of `serve`: how many there are at once, and how long each may take.
//!
//! Whoever sends a head or a body drop by drop, or never reads the answer, is cut off, and keeps
//! no place from others for longer than that.

use super::access_log::{CLIENT, log_text};
use super::limits::ConnectionLimits;
use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Answers until `stop`, and then finishes what is under way. A connection that never ends its
/// request keeps nobody.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    stop: impl Future<Output = ()>,
) {
    let router = router.layer(Extension(limits));
    let (stopping, _) = watch::channel(());
    let places = Arc::new(Semaphore::new(limits.max_connections));
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            (stream, client, place) = accept(&listener, &places) => {
                let (router, stopped) = (router.clone(), stopping.subscribe());
                tokio::spawn(async move {
                    let served = serve_connection(stream, router, limits, stopped);
                    CLIENT.scope(client, served).await;
                    drop(place);
                });
            }
        }
    }
    drop(listener);
    stopping.send(()).ok();
    tokio::time::timeout(limits.grace, stopping.closed()).await.ok();
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let place = Arc::clone(places).acquire_owned().await.expect("nobody closes it");
    loop {
        match listener.accept().await {
            Ok((stream, client)) => return (stream, client, place),
            // Out of files, most likely: others end meanwhile.
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Answers the requests of one connection.
async fn serve_connection(
    stream: TcpStream,
    router: Router,
    limits: ConnectionLimits,
    mut stopping: watch::Receiver<()>,
) {
    // An answer is written at once: there is none that another small packet follows.
    stream.set_nodelay(true).ok();
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    let timer = TokioTimer::new();
    builder.http1().timer(timer).header_read_timeout(limits.head).max_buf_size(limits.max_head);
    let service = TowerToHyperService::new(router);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // How a connection ends is the client's business.
        ended = connection.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(error = log_text(&error.to_string()), "a connection broke");
            }
            return;
        }
        () = tokio::time::sleep(limits.connection_lifetime) => {}
        _ = stopping.changed() => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::time::timeout(limits.drain_timeout, connection).await.ok();
}

#[cfg(test)]
mod tests {
    use super::super::body_budget::{BodyBudget, OWN_BYTES};
    use super::super::request::RawRequest;
    use super::super::response::{ApiError, empty};
    use super::*;
    use axum::extract::State;
    use axum::http::StatusCode;
    use axum::routing::any;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    const HEAD: &str = "POST / HTTP/1.1\r\nHost: x\r\n";
    const SHORT: Duration = Duration::from_millis(50);

    fn patient() -> ConnectionLimits {
        let long = Duration::from_secs(600);
        ConnectionLimits {
            head: long,
            body: long,
            body_wait: long,
            slow_body: long,
            connection_lifetime: long,
            drain_timeout: long,
            grace: long,
            max_connections: 8,
            max_head: 16 * 1024,
        }
    }

    /// Less than two of the bodies that share it.
    const SHARED: usize = 3 * OWN_BYTES;

    async fn read(
        State(budget): State<Arc<BodyBudget>>,
        request: Result<RawRequest, ApiError>,
    ) -> Result<axum::response::Response, ApiError> {
        request?.body.read(&budget, SHARED).await?;
        Ok(empty(StatusCode::OK))
    }

    fn router() -> Router {
        let budget = Arc::new(BodyBudget::new(SHARED));
        Router::new().route("/", any(read)).with_state(budget)
    }

    /// What a server with these limits does while the client talks to it.
    async fn meet<T: Send + 'static>(
        limits: ConnectionLimits,
        client: impl FnOnce(SocketAddr) -> T + Send + 'static,
    ) -> T {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = serve(listener, router(), limits, std::future::pending());
        tokio::select! {
            () = served => unreachable!("nobody stops it"),
            answer = tokio::task::spawn_blocking(move || client(address)) => answer.unwrap(),
        }
    }

    /// Everything that is said until the server closes the connection.
    fn say(address: SocketAddr, words: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(words.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[tokio::test]
    async fn a_client_that_never_ends_its_head_is_cut_off() {
        let hasty = ConnectionLimits { head: SHORT, ..patient() };
        let answer = meet(hasty, |address| say(address, HEAD)).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }

    #[tokio::test]
    async fn a_client_that_never_ends_its_body_is_answered_and_cut_off() {
        let hasty = ConnectionLimits { body: SHORT, ..patient() };
        let words = format!("{HEAD}Content-Length: 9\r\n\r\n12345678");
        let answer = meet(hasty, move |address| say(address, &words)).await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    }

    /// The head of a body that takes two thirds of what is shared, and its first byte.
    fn large() -> String {
        format!("{HEAD}Connection: close\r\nContent-Length: {}\r\n\r\n1", 2 * OWN_BYTES)
    }

    /// A connection that holds what is shared, and the answer to another that wants it too.
    fn second(address: SocketAddr, words: &str) -> (TcpStream, String) {
        let mut first = TcpStream::connect(address).unwrap();
        first.write_all(large().as_bytes()).unwrap();
        // Once this is answered, the first one is being read.
        say(address, &format!("{HEAD}Connection: close\r\nContent-Length: 1\r\n\r\n1"));
        let answer = say(address, words);
        (first, answer)
    }

    fn whole() -> String {
        large() + &"1".repeat(2 * OWN_BYTES - 1)
    }

    #[tokio::test]
    async fn a_body_that_finds_no_room_in_time_is_refused_in_words() {
        let hasty = ConnectionLimits { body_wait: SHORT, ..patient() };
        let (_, answer) = meet(hasty, |address| second(address, &whole())).await;
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(answer.contains("Too many request bodies are being read"), "{answer}");
    }

    #[tokio::test]
    async fn a_slow_body_makes_room_for_one_that_waits() {
        let hasty = ConnectionLimits { slow_body: SHORT, ..patient() };
        let (slow, answer) = meet(hasty, |address| {
            let (mut first, answer) = second(address, &whole());
            let mut slow = String::new();
            first.read_to_string(&mut slow).unwrap();
            (slow, answer)
        })
        .await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(slow.starts_with("HTTP/1.1 408"), "{slow}");
    }

    #[tokio::test]
    async fn a_short_body_waits_for_nobody_and_a_chunked_one_is_bounded_too() {
        let chunked = |size: usize| {
            let words = format!("{HEAD}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
            format!("{words}{size:x}\r\n{}\r\n0\r\n\r\n", "1".repeat(size))
        };
        let (_, short) =
            meet(patient(), move |address| second(address, &chunked(OWN_BYTES - 1))).await;
        assert!(short.starts_with("HTTP/1.1 200"), "{short}");
        let long = meet(patient(), move |address| say(address, &chunked(2 * OWN_BYTES))).await;
        assert!(long.starts_with("HTTP/1.1 200"), "{long}");
        let large = meet(patient(), move |address| say(address, &chunked(SHARED + 1))).await;
        assert!(large.starts_with("HTTP/1.1 413"), "{large}");
    }

    #[tokio::test]
    async fn a_head_has_a_length() {
        let words = format!("{HEAD}X-Long: {}\r\n\r\n", "x".repeat(17 * 1024));
        let answer = meet(patient(), move |address| say(address, &words)).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }

    #[tokio::test]
    async fn a_connection_is_not_kept_for_ever() {
        let hasty = ConnectionLimits { connection_lifetime: SHORT, ..patient() };
        let words = format!("{HEAD}Content-Length: 0\r\n\r\n");
        let answer = meet(hasty, move |address| say(address, &words)).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    #[tokio::test]
    async fn a_client_that_is_stuck_at_the_end_of_its_time_is_cut_off() {
        let hasty =
            ConnectionLimits { connection_lifetime: SHORT, drain_timeout: SHORT, ..patient() };
        let words = format!("{HEAD}Content-Length: 9\r\n\r\n12345678");
        assert_eq!(meet(hasty, move |address| say(address, &words)).await, "");
    }

    #[tokio::test]
    async fn too_many_clients_wait_until_one_is_cut_off() {
        let crowded = ConnectionLimits { head: SHORT, max_connections: 1, ..patient() };
        let answer = meet(crowded, |address| {
            let _stuck = TcpStream::connect(address).unwrap();
            say(address, &format!("{HEAD}Connection: close\r\nContent-Length: 0\r\n\r\n"))
        });
        let answer = answer.await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    #[tokio::test]
    async fn a_stop_waits_for_no_client_beyond_its_grace() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stuck = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let words = format!("{HEAD}Content-Length: 9\r\n\r\n12345678");
        stuck.write_all(words.as_bytes()).unwrap();
        let hasty = ConnectionLimits { grace: SHORT, ..patient() };
        let served = serve(listener, router(), hasty, tokio::time::sleep(SHORT));
        tokio::time::timeout(Duration::from_secs(30), served).await.expect("it ends");
    }
}
