//! The real `finishline serve` on a port of its own, and the smallest HTTP client that talks to it.

use crate::support::run::ProgramRun;
use crate::support::watched_process::{connect, first_line, wait_in_time};
use rusqlite::Connection;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::{BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use tempfile::TempDir;

/// The token that the server is given.
pub(crate) const TOKEN: &str = "the-token-of-the-local-user";

/// A running server; dropped, it is killed and its file goes.
pub(crate) struct ServeProcess {
    child: Child,
    pub(crate) address: String,
    pub(crate) folder: TempDir,
    _stdout: Option<BufReader<ChildStdout>>,
}

impl ServeProcess {
    /// Starts one with the organization `acme` and its projects `web` and `api`.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let arguments = ["--org", "acme", "--project", "web", "--project", "api"];
        Self::over(folder, &arguments, Some(TOKEN))
    }

    /// Starts one over the file in this folder.
    pub(crate) fn over(folder: TempDir, arguments: &[&str], token: Option<&str>) -> Self {
        Self::with(folder, arguments, token.map(|token| ("SENTRY_AUTH_TOKEN", token)))
    }

    /// Starts one over the file in this folder, with these variables.
    pub(crate) fn with<'a>(
        folder: TempDir,
        arguments: &[&str],
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut command = command(folder.path(), arguments);
        command.envs(variables);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let (line, stdout) = first_line(child.stdout.take().unwrap());
        let address = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
        Self { child, address, folder, _stdout: Some(stdout) }
    }

    /// One that was started elsewhere.
    pub(crate) fn of_child(child: Child, address: &str, folder: TempDir) -> Self {
        Self { child, address: address.to_owned(), folder, _stdout: None }
    }

    /// Where the server is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A run on GitHub that asks this server, with the token of its local user.
    pub(crate) fn github_run(&self) -> ProgramRun {
        ProgramRun::github()
            .var("SENTRY_URL", self.url())
            .var("SENTRY_AUTH_TOKEN", TOKEN)
            .var("NO_PROXY", "127.0.0.1")
    }

    /// A request of the local user, whose token has every scope.
    pub(crate) fn request(&self, method: &str, path: &str, body: Value) -> ServeResponse {
        self.request_as(TOKEN, method, path, body)
    }

    /// A request with this token; `Value::Null` is no body.
    pub(crate) fn request_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Value,
    ) -> ServeResponse {
        let mut headers = vec![("Content-Type", "application/json".to_owned())];
        if !token.is_empty() {
            headers.push(("Authorization", format!("Bearer {token}")));
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, path, &headers, &body)
    }

    pub(crate) fn get(&self, path: &str) -> ServeResponse {
        self.request("GET", path, Value::Null)
    }

    /// One request on one connection.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: &(impl AsRef<[u8]> + ?Sized),
    ) -> ServeResponse {
        self.send_as_host(&self.address, method, path, headers, body)
    }

    /// The same with this `Host` header.
    pub(crate) fn send_as_host(
        &self,
        host: &str,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: &(impl AsRef<[u8]> + ?Sized),
    ) -> ServeResponse {
        let bytes = self.exchange(host, method, path, headers, body.as_ref());
        ServeResponse::parse(&String::from_utf8(bytes).unwrap())
    }

    /// A request of the local user with a body of this type; the answer's status and the bytes in it.
    pub(crate) fn request_bytes(
        &self,
        token: &str,
        [method, path, kind]: [&str; 3],
        body: &[u8],
    ) -> (u16, Vec<u8>) {
        let headers =
            [("Authorization", format!("Bearer {token}")), ("Content-Type", kind.to_owned())];
        let answer = self.exchange(&self.address, method, path, &headers, body);
        let head = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
        (status, answer[head + 4..].to_vec())
    }

    /// One request on one connection, and the whole answer.
    fn exchange(
        &self,
        host: &str,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> Vec<u8> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("Connection: close\r\nContent-Length: {}\r\n\r\n", body.len()));
        let mut stream = connect(&self.address);
        stream.write_all(request.as_bytes()).unwrap();
        // A server that refuses a large body need not read it to its end.
        drop(stream.write_all(body));
        let mut bytes = Vec::new();
        let read = stream.read_to_end(&mut bytes);
        let is_overdue = read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        assert!(!is_overdue, "{method} {path} is never answered");
        bytes
    }

    /// A token with these scopes of a user who has this role in `acme`; no role is a stranger.
    pub(crate) fn token(&self, role: &str, scopes: &str) -> String {
        let token = format!("{role}:{scopes}");
        let database = self.database();
        let user = format!("user {token}");
        database.execute("INSERT OR IGNORE INTO user (name) VALUES (?1)", [&user]).unwrap();
        if !role.is_empty() {
            let sql = "INSERT OR IGNORE INTO member (organization_id, user_id, role)
                       SELECT organization.id, user.id, ?2 FROM organization, user
                       WHERE slug = 'acme' AND name = ?1";
            database.execute(sql, (&user, role)).unwrap();
        }
        let sql = "INSERT OR IGNORE INTO token (digest, user_id, scopes, created_at)
                   SELECT ?1, id, ?2, 0 FROM user WHERE name = ?3";
        database.execute(sql, (digest(&token), scopes, &user)).unwrap();
        token
    }

    /// An organization token of `acme`.
    pub(crate) fn org_token(&self) -> String {
        let sql = "INSERT OR IGNORE INTO token (digest, organization_id, scopes, created_at)
                   SELECT ?1, id, 'org:ci', 0 FROM organization WHERE slug = 'acme'";
        self.database().execute(sql, [digest("sntrys_of_acme")]).unwrap();
        "sntrys_of_acme".to_owned()
    }

    /// The most memory that the process has had, in bytes.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak_memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let (_, peak) = status.split_once("VmHWM:").unwrap();
        peak.split_whitespace().next().unwrap().parse::<usize>().unwrap() * 1024
    }

    /// The file, from another process.
    pub(crate) fn database(&self) -> Connection {
        let connection = Connection::open(database(self.folder.path())).unwrap();
        connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        connection
    }

    /// Asks it to stop, and waits until it has; its folder stays.
    pub(crate) fn stop(mut self) -> (ExitStatus, TempDir) {
        let status = self.terminate();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        (status, folder)
    }

    /// Asks it to stop; everything that it wrote to standard error.
    pub(crate) fn stop_and_read_log(mut self) -> String {
        let mut log = String::new();
        let mut stream = self.child.stderr.take().unwrap();
        self.signal();
        stream.read_to_string(&mut log).unwrap();
        log
    }

    /// Kills it; its folder stays.
    pub(crate) fn kill(mut self) -> TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }

    pub(crate) fn signal(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    fn terminate(&mut self) -> ExitStatus {
        self.signal();
        wait_in_time(&mut self.child)
    }
}

impl Drop for ServeProcess {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The binary with a scrubbed environment.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_finishline"));
    command.env_clear().arg("serve").arg("--database").arg(database(folder)).args(arguments);
    if !arguments.contains(&"--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    command.stderr(Stdio::piped());
    command
}

pub(crate) fn database(folder: &Path) -> PathBuf {
    folder.join("finishline.db")
}

fn digest(token: &str) -> String {
    Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A response of the server.
#[derive(Debug)]
pub(crate) struct ServeResponse {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
}

impl ServeResponse {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").expect("an answer has a head");
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap_or((line, ""));
            (name.to_lowercase(), value.to_owned())
        };
        Self {
            status: status.parse().unwrap(),
            headers: lines.map(header).collect(),
            text: body.to_owned(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| json!({ "no json": self.text }))
    }

    /// The answer, which must have this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }
}
