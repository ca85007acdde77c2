//! A server on loopback that answers HTTP/1.1 as a closure says, or breaks as it says, and
//! remembers every request. It stops when it is dropped.

pub(crate) use crate::support::response::{ConnectionFault, Response};
use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What every path of the organization begins with.
const ORGANIZATION: &str = "/api/0/organizations/acme/";

type RequestHandler = Box<dyn Fn(&Request) -> Response + Send + Sync>;

/// A request, as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path with its query, as it was sent.
    pub(crate) target: String,
    /// Names in small letters.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// The body as it was read.
    pub(crate) bytes: Vec<u8>,
    /// How many requests of this method and path came before it.
    pub(crate) nth: usize,
}

impl Request {
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    /// Method and path; what lies below the organization without the path to it.
    pub(crate) fn line(&self) -> String {
        let path = self.path();
        format!("{} {}", self.method, path.strip_prefix(ORGANIZATION).unwrap_or(path))
    }

    /// A parameter of the query; empty when it is absent.
    pub(crate) fn parameter(&self, name: &str) -> String {
        parameter(self.target.split_once('?').map_or("", |(_, query)| query), name)
    }

    /// A field of the form that was posted; empty when it is absent.
    pub(crate) fn field(&self, name: &str) -> String {
        parameter(&self.body, name)
    }

    /// A header's text; empty when it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The body as JSON; `Null` when it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

fn parameter(form: &str, name: &str) -> String {
    let mut pairs = url::form_urlencoded::parse(form.as_bytes());
    pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

struct SharedState {
    handler: RequestHandler,
    tls: Option<Arc<ServerConfig>>,
    requests: Mutex<Vec<Request>>,
    streams: Mutex<Vec<TcpStream>>,
    fault: Mutex<Option<ConnectionFault>>,
    /// After how many answers each connection is closed without a word.
    silent_after: Option<usize>,
    is_over: AtomicBool,
}

/// The server.
pub(crate) struct HttpServer {
    address: SocketAddr,
    shared: Arc<SharedState>,
    acceptor: Option<JoinHandle<()>>,
}

impl HttpServer {
    /// Answers every request as `handler` says.
    pub(crate) fn new(handler: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        Self::start(None, None, Box::new(handler))
    }

    /// The same, but each connection is closed up to seven milliseconds behind so many answers, which
    /// do not say so: what comes meanwhile is never read.
    pub(crate) fn closing_silently(
        answers: usize,
        handler: impl Fn(&Request) -> Response + Send + Sync + 'static,
    ) -> Self {
        Self::start(None, Some(answers), Box::new(handler))
    }

    /// The same over TLS, with a certificate for `name`; and the authority's certificate as PEM.
    pub(crate) fn tls(
        name: &str,
        handler: impl Fn(&Request) -> Response + Send + Sync + 'static,
    ) -> (Self, String) {
        let (config, authority) = certificate_for(name);
        (Self::start(Some(Arc::new(config)), None, Box::new(handler)), authority)
    }

    /// The same with this certificate, signed by itself or by an authority; and its PEM.
    pub(crate) fn certified(
        certificate: CertificateParams,
        is_self_signed: bool,
        handler: impl Fn(&Request) -> Response + Send + Sync + 'static,
    ) -> (Self, String) {
        let (config, pem) = if is_self_signed {
            let key = KeyPair::generate().unwrap();
            let certificate = certificate.self_signed(&key).unwrap();
            (server_config(&certificate, &key), certificate.pem())
        } else {
            let (config, pem, _) = issued(certificate);
            (config, pem)
        };
        (Self::start(Some(Arc::new(config)), None, Box::new(handler)), pem)
    }

    fn start(
        tls: Option<Arc<ServerConfig>>,
        silent_after: Option<usize>,
        handler: RequestHandler,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (requests, streams) = (Mutex::default(), Mutex::default());
        let is_over = AtomicBool::new(false);
        let fault = Mutex::default();
        let shared =
            Arc::new(SharedState { handler, tls, requests, streams, fault, silent_after, is_over });
        let acceptor_state = Arc::clone(&shared);
        let acceptor = Some(std::thread::spawn(move || accept(listener, &acceptor_state)));
        Self { address, shared, acceptor }
    }

    /// Lets the next connection fail in this way.
    pub(crate) fn break_next_connection(&self, fault: ConnectionFault) {
        self.shared.break_next_connection(self.address, fault);
    }

    /// A URL where nobody listens.
    pub(crate) fn unused_url() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.shared.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Every request so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// How many connections were made to it.
    pub(crate) fn connections(&self) -> usize {
        self.shared.streams.lock().unwrap().len()
    }

    /// Method and path of every request so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.requests().iter().map(Request::line).collect()
    }

    /// How often this was requested.
    pub(crate) fn count(&self, line: &str) -> usize {
        self.lines().iter().filter(|known| *known == line).count()
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // The acceptor wakes up by a last connection.
        drop(TcpStream::connect(self.address));
        drop(self.acceptor.take().map(JoinHandle::join));
        let streams = self.shared.streams.lock().unwrap();
        streams.iter().for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
    }
}

impl SharedState {
    /// Lets the next connection fail in this way. Where nobody is to listen, the acceptor has to wake up
    /// for it, and has closed its socket when this returns.
    fn break_next_connection(&self, address: SocketAddr, fault: ConnectionFault) {
        *self.fault.lock().unwrap() = Some(fault);
        if fault == ConnectionFault::Refused {
            drop(TcpStream::connect(address));
            while self.fault.lock().unwrap().is_some() {
                std::thread::yield_now();
            }
        }
    }
}

/// A socket at the address that one was at until now.
fn rebind(address: SocketAddr) -> TcpListener {
    loop {
        match TcpListener::bind(address) {
            Ok(listener) => return listener,
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(5)),
        }
    }
}

fn accept(mut listener: TcpListener, shared: &Arc<SharedState>) {
    let address = listener.local_addr().unwrap();
    loop {
        let Ok((stream, _)) = listener.accept() else { continue };
        if shared.is_over.load(Ordering::SeqCst) {
            return;
        }
        let fault = *shared.fault.lock().unwrap();
        if fault == Some(ConnectionFault::Refused) {
            drop(listener);
            *shared.fault.lock().unwrap() = None;
            std::thread::sleep(std::time::Duration::from_millis(60));
            listener = rebind(address);
            continue;
        }
        if let Some(fault) = shared.fault.lock().unwrap().take() {
            if fault == ConnectionFault::OtherProtocol {
                drop((&stream).write_all(b"220 mail.example.com ESMTP\r\n"));
            }
            continue;
        }
        shared.streams.lock().unwrap().push(stream.try_clone().unwrap());
        let shared = Arc::clone(shared);
        std::thread::spawn(move || {
            let connection = stream.try_clone();
            drop(match shared.tls.clone() {
                Some(tls) => {
                    let connection = ServerConnection::new(tls).unwrap();
                    serve(StreamOwned::new(connection, stream), address, &shared)
                }
                None => serve(stream, address, &shared),
            });
            // The list of streams holds a copy, which would keep the connection open.
            drop(connection.map(|stream| stream.shutdown(Shutdown::Both)));
        });
    }
}

/// Answers the requests of one connection; ends with an error when the other side leaves.
fn serve(
    stream: impl Read + Write,
    address: SocketAddr,
    shared: &SharedState,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut answers = 0;
    while let Some(mut request) = read_request(&mut stream)? {
        {
            let mut requests = shared.requests.lock().unwrap();
            let line = request.line();
            request.nth = requests.iter().filter(|known| known.line() == line).count();
            requests.push(request.clone());
        }
        let response = (shared.handler)(&request);
        if let Some(fault) = response.then {
            shared.break_next_connection(address, fault);
        }
        if !response.send(stream.get_mut())? {
            break;
        }
        answers += 1;
        if shared.silent_after == Some(answers) {
            let all = shared.requests.lock().unwrap().len() as u64;
            std::thread::sleep(std::time::Duration::from_micros(all * 997 % 7_000));
            break;
        }
    }
    Ok(())
}

fn read_request(stream: &mut impl BufRead) -> std::io::Result<Option<Request>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => break,
            text => lines.push(text.to_owned()),
        }
    }
    let mut first = lines[0].split(' ').map(str::to_owned);
    let (method, target) = (first.next().unwrap(), first.next().unwrap());
    let header = |line: &String| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_lowercase(), value.to_owned())
    };
    let headers = lines[1..].iter().map(header).collect();
    let (body, bytes) = (String::new(), Vec::new());
    let mut request = Request { method, target, headers, body, bytes, nth: 0 };
    request.bytes = vec![0; request.header("content-length").parse().unwrap_or(0)];
    stream.read_exact(&mut request.bytes)?;
    request.body = String::from_utf8_lossy(&request.bytes).into_owned();
    Ok(Some(request))
}

/// A certificate for `name` by an authority of its own; and the authority's, as PEM.
fn certificate_for(name: &str) -> (ServerConfig, String) {
    let (config, _, authority) = issued(CertificateParams::new([name.to_owned()]).unwrap());
    (config, authority)
}

/// A certificate of an authority of its own; its PEM, and the authority's.
fn issued(certificate: CertificateParams) -> (ServerConfig, String, String) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "an authority of a test");
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let server_key = KeyPair::generate().unwrap();
    let certificate = certificate.signed_by(&server_key, &issuer).unwrap();
    (server_config(&certificate, &server_key), certificate.pem(), authority)
}

fn server_config(certificate: &Certificate, key: &KeyPair) -> ServerConfig {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(certificate.der().to_vec())], key)
        .unwrap()
}
