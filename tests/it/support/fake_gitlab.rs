//! A third party of our own on loopback: GitLab or Gitea with a memory, and every way to misbehave.
//!
//! It issues codes and tokens, takes each code once, and keeps every request. A page is approved
//! by [`FakeGitLab::approve`], which is the person. It stops when it goes out of scope.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;
use url::{Url, form_urlencoded};

/// The application that everybody uses.
pub(crate) const CLIENT_ID: &str = "app-id-abc123";
/// Its secret, until [`FakeGitLab::rotate`] gives it another one.
pub(crate) const CLIENT_SECRET: &str = "cl1ent-s3cr3t";

/// A certificate for 127.0.0.1 that nobody trusts, and its key, which protects nothing.
const CERTIFICATE: &str = "MIIBjTCCATOgAwIBAgIUcRg4ceUT/Z4pqEx1CtNJFGwjL8gwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyMzA3MTY1NVoYDzIxMjYxMDMwMDcxNjU1WjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQ/NldHSjVbwQL58dJ01PI04CUK6RsjsQ/qmCAIOdQ+MHJzD4k6oaCkt8QK3u6yz/5JHfHUTfcOaSvhp45WS1wco2EwXzAdBgNVHQ4EFgQUwLVbAREQZbDikG2P7+ZsDj4izRMwHwYDVR0jBBgwFoAUwLVbAREQZbDikG2P7+ZsDj4izRMwDwYDVR0RBAgwBocEfwAAATAMBgNVHRMBAf8EAjAAMAoGCCqGSM49BAMCA0gAMEUCIQDTEEZ/M4CLzD3hqR8tLj3wSCITSOvL6Wbzm0Z+dN+Y4QIgFLGg8UUMh1juDcqqHq5Xjo+k38DXtTGZx7VuBrwrb0U=";
const KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQggFyDuFPft9aN2troVfjJOfph6Dl21JpoawUy/2MdXtehRANCAAQ/NldHSjVbwQL58dJ01PI04CUK6RsjsQ/qmCAIOdQ+MHJzD4k6oaCkt8QK3u6yz/5JHfHUTfcOaSvhp45WS1wc";

/// What it plays.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ForgeKind {
    Gitlab,
    Gitea,
}

impl ForgeKind {
    /// The path at which a code is exchanged.
    pub(crate) fn token(self) -> &'static str {
        if self == Self::Gitlab { "/oauth/token" } else { "/login/oauth/access_token" }
    }

    /// The path that tells whose token it is.
    pub(crate) fn user(self) -> &'static str {
        if self == Self::Gitlab { "/api/v4/user" } else { "/api/v1/user" }
    }
}

/// How a path misbehaves.
#[derive(Clone)]
pub(crate) enum Misbehavior {
    /// Refuses with this status, and repeats in its body all that it was given.
    Status(u16),
    /// Is a page for a person, of everything that it was given.
    HtmlPage,
    /// Answers well, with this text.
    Text(String),
    /// Sends to another address.
    Redirect(String),
    /// Hears the request and hangs up.
    Close,
    /// Hears the request and says nothing until it behaves again.
    Hang,
}

/// A request as it came.
#[derive(Clone)]
pub(crate) struct RecordedRequest {
    /// Method and path, e.g. `GET /api/v4/user`.
    pub(crate) line: String,
    /// The `Authorization` header.
    authorization: String,
    body: String,
}

/// The third party.
pub(crate) struct FakeGitLab {
    /// Where it is, e.g. `http://127.0.0.1:4711`.
    pub(crate) origin: String,
    pub(crate) kind: ForgeKind,
    address: SocketAddr,
    shared: Arc<SharedState>,
    listener: Option<JoinHandle<()>>,
}

struct SharedState {
    state: Mutex<ServerState>,
    /// A request came, or the misbehavior is another one from now on.
    changed: Condvar,
    tls: Option<Arc<ServerConfig>>,
}

/// What it remembers.
struct ServerState {
    kind: ForgeKind,
    origin: String,
    client_secret: String,
    user: i64,
    groups: BTreeMap<&'static str, Value>,
    /// Each code with the redirect URI that it was issued for, until it is used.
    codes: BTreeMap<String, String>,
    tokens: Vec<String>,
    /// Everything secret that was ever issued.
    secrets: Vec<String>,
    misbehaviors: BTreeMap<String, Misbehavior>,
    requests: Vec<RecordedRequest>,
    closed: bool,
}

impl FakeGitLab {
    /// Begins to listen on a free port.
    pub(crate) fn new(kind: ForgeKind) -> Self {
        Self::listen(kind, None)
    }

    /// The certificate that nobody trusts, as PEM.
    pub(crate) fn certificate() -> String {
        format!("-----BEGIN CERTIFICATE-----\n{CERTIFICATE}\n-----END CERTIFICATE-----\n")
    }

    /// The same behind TLS, with a certificate that nobody trusts.
    pub(crate) fn with_untrusted_tls(kind: ForgeKind) -> Self {
        let bytes = |text| STANDARD.decode(text).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(bytes(KEY)));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(bytes(CERTIFICATE))], key);
        Self::listen(kind, Some(Arc::new(config.unwrap())))
    }

    fn listen(kind: ForgeKind, tls: Option<Arc<ServerConfig>>) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let origin = format!("{scheme}://{address}");
        let state = Mutex::new(ServerState::new(kind, origin.clone()));
        let shared = Arc::new(SharedState { state, changed: Condvar::new(), tls });
        let of_listener = Arc::clone(&shared);
        let listener = std::thread::spawn(move || {
            for stream in socket.incoming().map_while(Result::ok) {
                if of_listener.state().closed {
                    return;
                }
                let shared = Arc::clone(&of_listener);
                // A peer that breaks off is the test's business, not this thread's.
                std::thread::spawn(move || drop(shared.serve(stream)));
            }
        });
        Self { origin, kind, address, shared, listener: Some(listener) }
    }

    /// What a person does who approves on the page: the address that the browser ends at.
    pub(crate) fn approve(&self, page: &str) -> String {
        let page = Url::parse(page).unwrap();
        let query: BTreeMap<_, _> = page.query_pairs().into_owned().collect();
        let path = if self.kind == ForgeKind::Gitlab {
            "/oauth/authorize"
        } else {
            "/login/oauth/authorize"
        };
        assert_eq!((page.origin().ascii_serialization(), page.path()), (self.origin.clone(), path));
        assert_eq!([&query["client_id"], &query["response_type"]], [CLIENT_ID, "code"]);
        let mut state = self.shared.state();
        let code = state.issue("c0de");
        let redirect_uri = query["redirect_uri"].clone();
        state.codes.insert(code.clone(), redirect_uri.clone());
        let mut callback = form_urlencoded::Serializer::new(String::new());
        callback.append_pair("code", &code).append_pair("state", &query["state"]);
        format!("{redirect_uri}?{}", callback.finish())
    }

    /// Lets requests to `path` misbehave from now on.
    pub(crate) fn misbehave(&self, path: &str, misbehavior: Misbehavior) {
        self.shared.state().misbehaviors.insert(path.to_owned(), misbehavior);
    }

    /// Ends all misbehaviour.
    pub(crate) fn behave(&self) {
        self.shared.state().misbehaviors.clear();
        self.shared.changed.notify_all();
    }

    /// Gives the application another secret.
    pub(crate) fn rotate(&self, secret: &str) {
        let mut state = self.shared.state();
        secret.clone_into(&mut state.client_secret);
        state.secrets.push(secret.to_owned());
    }

    /// Whoever approves from now on has this id.
    pub(crate) fn sign_in(&self, user: i64) {
        self.shared.state().user = user;
    }

    /// Method and path of every request so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.state().requests.iter().map(|request| request.line.clone()).collect()
    }

    /// Waits until `count` requests to this path have come.
    pub(crate) fn wait_for_requests(&self, path: &str, count: usize) {
        let is_lacking = |state: &mut ServerState| {
            let matching = state.requests.iter().filter(|request| request.path() == path);
            matching.count() < count
        };
        let (patience, state) = (Duration::from_secs(60), self.shared.state());
        let waited = self.shared.changed.wait_timeout_while(state, patience, is_lacking).unwrap();
        assert!(!waited.1.timed_out(), "nobody asks for {path} {count} times");
    }

    /// Everything secret that it knows: the application's secrets, the codes and the tokens.
    pub(crate) fn secrets(&self) -> Vec<String> {
        self.shared.state().secrets.clone()
    }
}

impl Drop for FakeGitLab {
    fn drop(&mut self) {
        self.shared.state().closed = true;
        self.shared.changed.notify_all();
        // The listener looks again when somebody comes.
        drop(TcpStream::connect(self.address));
        drop(self.listener.take().map(JoinHandle::join));
    }
}

impl SharedState {
    fn state(&self) -> MutexGuard<'_, ServerState> {
        self.state.lock().unwrap()
    }

    fn serve(&self, stream: TcpStream) -> Result<()> {
        match &self.tls {
            None => self.answer(stream),
            Some(config) => {
                let tls = ServerConnection::new(Arc::clone(config));
                self.answer(StreamOwned::new(tls.unwrap(), stream))
            }
        }
    }

    /// One request and its answer; the connection is not used again.
    fn answer<S: Read + Write>(&self, stream: S) -> Result<()> {
        let mut stream = BufReader::new(stream);
        // Who speaks TLS to a server without it gets garbage, and is listened to until it leaves.
        if stream.fill_buf()?.first() == Some(&0x16) {
            stream.get_mut().write_all(b"this is no TLS\r\n")?;
            return stream.read_to_end(&mut Vec::new()).map(drop);
        }
        let request = RecordedRequest::read(&mut stream)?;
        let Some((status, headers, body)) = self.handle(&request) else { return Ok(()) };
        let length = body.len();
        let head = format!("HTTP/1.1 {status} Said\r\n{headers}Content-Length: {length}\r\n");
        let stream = stream.get_mut();
        stream.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes())?;
        stream.flush()
    }

    /// Notes the request; status, more headers and body of its answer, if there is to be one.
    fn handle(&self, request: &RecordedRequest) -> Option<(u16, String, String)> {
        let mut state = self.state();
        state.requests.push(request.clone());
        self.changed.notify_all();
        let is_held = |state: &mut ServerState| {
            let misbehavior = state.misbehaviors.get(request.path());
            matches!(misbehavior, Some(Misbehavior::Hang)) && !state.closed
        };
        let mut state = self.changed.wait_while(state, is_held).unwrap();
        let all = format!("{} {}", request.authorization, request.body);
        match state.misbehaviors.get(request.path()).cloned() {
            None | Some(Misbehavior::Hang) => {
                let (status, body) = state.respond(request);
                Some((status, String::new(), body.to_string()))
            }
            Some(Misbehavior::Status(status)) => {
                Some((status, String::new(), json!({ "error": all }).to_string()))
            }
            Some(Misbehavior::HtmlPage) => {
                Some((200, String::new(), format!("<html>{all}</html>")))
            }
            Some(Misbehavior::Text(text)) => Some((200, String::new(), text)),
            Some(Misbehavior::Redirect(to)) => {
                Some((302, format!("Location: {to}\r\n"), String::new()))
            }
            Some(Misbehavior::Close) => None,
        }
    }
}

impl RecordedRequest {
    fn read(stream: &mut impl BufRead) -> Result<Self> {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let line = line.rsplit_once(' ').map_or(String::new(), |(line, _)| line.to_owned());
        let (mut authorization, mut length) = (String::new(), 0);
        loop {
            let mut header = String::new();
            if stream.read_line(&mut header)? == 0 || header.trim().is_empty() {
                break;
            }
            let (name, value) = header.split_once(':').unwrap_or((&header, ""));
            match name.to_lowercase().as_str() {
                "authorization" => value.trim().clone_into(&mut authorization),
                "content-length" => length = value.trim().parse().unwrap_or(0),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        Ok(Self { line, authorization, body: String::from_utf8_lossy(&body).into_owned() })
    }

    fn path(&self) -> &str {
        self.line.split_once(' ').map_or("", |(_, path)| path)
    }

    fn form(&self) -> BTreeMap<String, String> {
        form_urlencoded::parse(self.body.as_bytes()).into_owned().collect()
    }
}

impl ServerState {
    fn new(kind: ForgeKind, origin: String) -> Self {
        let group = |id, name, path| json!({ "id": id, "full_name": name, "full_path": path });
        let groups = BTreeMap::from([
            ("my-group", group(1, "My Group", "my-group")),
            ("acme/widgets", group(77, "Acme / Widgets", "acme/widgets")),
        ]);
        Self {
            kind,
            origin,
            client_secret: CLIENT_SECRET.to_owned(),
            user: 42,
            groups,
            codes: BTreeMap::new(),
            tokens: Vec::new(),
            secrets: vec![CLIENT_SECRET.to_owned()],
            misbehaviors: BTreeMap::new(),
            requests: Vec::new(),
            closed: false,
        }
    }

    /// Something new and secret, with characters that a URL has to escape around its heart.
    fn issue(&mut self, kind: &str) -> String {
        let heart = format!("{kind}-{}-s3cr3t", self.secrets.len());
        self.secrets.push(heart.clone());
        format!("+{heart}/&=")
    }

    fn respond(&mut self, request: &RecordedRequest) -> (u16, Value) {
        let (kind, path) = (self.kind, request.path());
        if request.line == format!("POST {}", kind.token()) {
            return self.exchange(&request.form());
        }
        let bearer = request.authorization.strip_prefix("Bearer ").unwrap_or_default();
        if !self.tokens.iter().any(|token| token == bearer) {
            return (401, json!({ "message": "401 Unauthorized" }));
        }
        let group = path.strip_prefix("/api/v4/groups/").filter(|path| !path.contains('/'));
        let group = group.map(|path| percent_decode_str(path).decode_utf8_lossy());
        let group = group.and_then(|path| self.groups.get(path.as_ref()));
        match (kind, path) {
            (_, path) if path == kind.user() => {
                (200, json!({ "id": self.user, "html_url": format!("{}/someone", self.origin) }))
            }
            (ForgeKind::Gitlab, _) if group.is_some() => (200, group.cloned().unwrap_or_default()),
            (ForgeKind::Gitea, "/api/v1/version") => (200, json!({ "version": "1.26.0" })),
            _ => (404, json!({ "message": "404 Not Found" })),
        }
    }

    /// A code is good once, for its own redirect URI, and only with the application's secret.
    fn exchange(&mut self, form: &BTreeMap<String, String>) -> (u16, Value) {
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        if [field("client_id"), field("client_secret")] != [CLIENT_ID, &self.client_secret] {
            return (401, json!({ "error": "invalid_client" }));
        }
        let issued_for = self.codes.remove(field("code"));
        let fits = issued_for.is_some_and(|redirect_uri| redirect_uri == field("redirect_uri"));
        if !fits || field("grant_type") != "authorization_code" {
            return (400, json!({ "error": "invalid_grant" }));
        }
        let (access, refresh) = (self.issue("acc3ss"), self.issue("r3fresh"));
        self.tokens.push(access.clone());
        let tokens = json!({
            "access_token": access,
            "refresh_token": refresh,
            "token_type": "Bearer",
            "expires_in": 7200,
            "created_at": 1_700_000_000,
            "scope": "api",
        });
        (200, tokens)
    }
}
