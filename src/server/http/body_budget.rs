//! Bodies, read when somebody asks for them and within bounds: each by itself, and all connections
//! together.
//!
//! A short body is every connection's own. What is longer takes its bytes from what all share, and
//! waits for them. Who holds some of it and is slow makes room for those who wait.

use super::limits::ConnectionLimits;
use super::response::ApiError;
use axum::body::{Body, BodyDataStream, HttpBody};
use axum::http::header::{CONTENT_LENGTH, EXPECT};
use axum::http::{HeaderMap, StatusCode};
use futures_util::StreamExt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

/// The largest body that is read: what a release takes.
pub(crate) const MAX_BODY: usize = 4 * 1024 * 1024;
/// What each connection may read without asking.
pub(crate) const OWN_BYTES: usize = 16 * 1024;
/// What all connections share beside that.
const SHARED_BYTES: usize = 8 * 1024 * 1024;
/// How long the rest of a body that nobody wants is thrown away, so that its sender reads why.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);

/// The bytes that all connections share.
pub(crate) struct BodyBudget {
    bytes: Arc<Semaphore>,
    waiting: watch::Sender<usize>,
}

impl Default for BodyBudget {
    fn default() -> Self {
        Self::new(SHARED_BYTES)
    }
}

impl BodyBudget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { bytes: Arc::new(Semaphore::new(bytes)), waiting: watch::channel(0).0 }
    }

    /// Waits for this many bytes; those who came first are served first.
    async fn take(&self, bytes: usize, wait: Duration) -> Result<OwnedSemaphorePermit, ApiError> {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let _waiting = WaitingBody::new(&self.waiting);
        match timeout(wait, Arc::clone(&self.bytes).acquire_many_owned(bytes)).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(ApiError::detail(
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many request bodies are being read; try again later.",
            )),
        }
    }

    /// Ends when somebody waits, and this much time has passed.
    async fn is_wanted_after(&self, time: Duration) {
        sleep(time).await;
        drop(self.waiting.subscribe().wait_for(|count| *count > 0).await);
    }
}

/// Somebody who waits, counted until it goes.
struct WaitingBody<'a>(&'a watch::Sender<usize>);

impl<'a> WaitingBody<'a> {
    fn new(count: &'a watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count)
    }
}

impl Drop for WaitingBody<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// The body of a request: on its way, or read, with what it takes of the budget.
pub(crate) struct IncomingBody {
    /// Never locked, but shared with nobody: a request may be looked at from two threads.
    unread: Option<Mutex<BodyDataStream>>,
    declared: Option<usize>,
    discards: bool,
    limits: ConnectionLimits,
    bytes: Vec<u8>,
    permit: Option<OwnedSemaphorePermit>,
}

impl IncomingBody {
    pub(crate) fn new(body: Body, headers: &HeaderMap, limits: ConnectionLimits) -> Self {
        let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        Self {
            unread: (!body.is_end_stream()).then(|| Mutex::new(body.into_data_stream())),
            declared: declared.and_then(|length| length.parse().ok()),
            // Whoever asks before sending has nothing on its way.
            discards: !headers.contains_key(EXPECT),
            limits,
            bytes: Vec::new(),
            permit: None,
        }
    }

    /// What was read.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Refuses a body that says of itself that it is longer.
    pub(crate) fn check_length(&self, largest: usize) -> Result<(), ApiError> {
        if self.declared.is_some_and(|length| length > largest) { Err(too_large()) } else { Ok(()) }
    }

    /// Reads it whole, when it is no longer than this.
    pub(crate) async fn read(
        &mut self,
        budget: &BodyBudget,
        largest: usize,
    ) -> Result<(), ApiError> {
        let limits = self.limits;
        self.check_length(largest)?;
        let own =
            if self.declared.is_some_and(|length| length > OWN_BYTES) { 0 } else { OWN_BYTES };
        timeout(limits.body, self.read_up_to(own, largest)).await.map_err(|_| too_slow())??;
        if self.unread.is_none() {
            return Ok(());
        }
        let room = self.declared.unwrap_or(largest);
        self.permit = Some(budget.take(room, limits.body_wait).await?);
        self.bytes.reserve_exact(room.saturating_sub(self.bytes.len()));
        tokio::select! {
            read = timeout(limits.body, self.read_up_to(usize::MAX, largest)) => {
                read.map_err(|_| too_slow())?
            }
            () = budget.is_wanted_after(limits.slow_body) => Err(too_slow()),
        }
    }

    /// Reads until it has this much, or the end.
    async fn read_up_to(&mut self, wanted: usize, largest: usize) -> Result<(), ApiError> {
        while self.bytes.len() < wanted {
            let Some(stream) = &mut self.unread else { return Ok(()) };
            let stream = stream.get_mut().unwrap_or_else(PoisonError::into_inner);
            match stream.next().await {
                Some(Ok(part)) if self.bytes.len() + part.len() <= largest => {
                    self.bytes.extend_from_slice(&part);
                }
                Some(Ok(_)) => return Err(too_large()),
                Some(Err(_)) => {
                    let text = "The request body is incomplete.";
                    return Err(ApiError::bad_request(text));
                }
                None => self.unread = None,
            }
        }
        Ok(())
    }
}

/// What is not read is thrown away as it comes, so that a client which is still sending does not
/// lose the answer.
impl Drop for IncomingBody {
    fn drop(&mut self) {
        let stream = self.unread.take().filter(|_| self.discards);
        if let (Some(stream), Ok(runtime)) = (stream, Handle::try_current()) {
            let mut stream = stream.into_inner().unwrap_or_else(PoisonError::into_inner);
            let discard = async move {
                let mut left = MAX_BODY;
                while let Some(Ok(part)) = stream.next().await {
                    left = left.saturating_sub(part.len());
                    if left == 0 {
                        return;
                    }
                }
            };
            runtime.spawn(timeout(DISCARD_TIMEOUT, discard));
        }
    }
}

fn too_large() -> ApiError {
    ApiError::detail(StatusCode::PAYLOAD_TOO_LARGE, "The request body is too large.")
}

fn too_slow() -> ApiError {
    ApiError::detail(StatusCode::REQUEST_TIMEOUT, "The request body timed out.")
}
