//! Which requests change something: every route, by every method, from everywhere, before and after.

use super::loopback::{LoopbackServer, TOKEN};
use super::query_plans::REQUESTS;
use super::state::ServerState;
use super::{pages, router};
use rusqlite::Connection;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

const FORM: &str = "application/x-www-form-urlencoded";

const METHODS: &[&str] =
    &["GET", "HEAD", "OPTIONS", "TRACE", "get", "POST", "post", "PUT", "PATCH", "DELETE"];

/// What a browser says of where a request comes from; `OWN` is the server's own address.
const ORIGINS: &[&[(&str, &str)]] = &[
    &[],
    &[("Sec-Fetch-Site", "none"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")],
    &[("Sec-Fetch-Site", "same-origin"), ("Origin", "OWN"), ("Referer", "OWN/")],
    &[("Sec-Fetch-Site", "same-site"), ("Sec-Fetch-Mode", "navigate")],
    &[("Sec-Fetch-Site", "same-site"), ("Origin", "http://127.0.0.1:1")],
    &[("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-User", "?1")],
    &[("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example")],
    &[("Sec-Fetch-Site", "cross-site"), ("Origin", "null"), ("Sec-Fetch-Mode", "no-cors")],
    &[("Sec-Fetch-Site", "Same-Origin, none"), ("Sec-Fetch-Dest", "image")],
    &[("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")],
    &[("Origin", "https://evil.example"), ("Referer", "https://evil.example/")],
    &[("Origin", "OWN")],
    &[("Referer", "https://evil.example/"), ("X-HTTP-Method-Override", "DELETE")],
    &[("Sec-Fetch-Site", "cross-site"), ("X-HTTP-Method", "POST"), ("X-Method-Override", "PUT")],
];

/// Whether such a request may change something, said in other words than the guard's.
fn may_change(method: &str, origin: &[(&str, &str)], is_walked: bool) -> bool {
    let value = |name: &str| origin.iter().rev().find(|(key, _)| *key == name).map(|(_, v)| *v);
    let (site, origin) = (value("Sec-Fetch-Site"), value("Origin"));
    match method {
        "GET" => is_walked && site.is_none() && origin.is_none(),
        "HEAD" | "OPTIONS" | "TRACE" => false,
        _ => match (site, origin) {
            (Some(site), _) => matches!(site, "same-origin" | "none"),
            (None, origin) => matches!(origin, None | Some("OWN")),
        },
    }
}

/// Somebody who sends requests: by a token, by a browser's session, or as nobody.
#[derive(Clone, Default)]
struct RequestSender {
    headers: String,
    form_key: String,
}

/// A request without its method and its origin.
#[derive(Debug)]
struct WalkedRequest {
    path: String,
    kind: &'static str,
    body: String,
    cookie: String,
}

/// The server, and the file as another process sees it.
struct RouteWalk {
    address: SocketAddr,
    server: Arc<ServerState>,
    file: Connection,
    connection: RefCell<Option<BufReader<TcpStream>>>,
}

impl RouteWalk {
    /// The whole answer to a request.
    fn send(
        &self,
        sender: &RequestSender,
        method: &str,
        more: &[(&str, &str)],
        to: &WalkedRequest,
    ) -> String {
        let own = format!("http://{}", self.address);
        let body = to.body.replace("FORM_KEY", &sender.form_key);
        let mut head = format!(
            "{method} {} HTTP/1.1\r\nHost: {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n",
            to.path,
            self.address,
            to.kind,
            body.len()
        );
        head.push_str(&sender.headers.replace("COOKIE", &to.cookie));
        for (name, value) in more {
            head.push_str(&format!("{name}: {}\r\n", value.replace("OWN", &own)));
        }
        let request = format!("{head}\r\n{body}");
        let mut kept = self.connection.borrow_mut();
        let answer = kept.as_mut().and_then(|stream| exchange(stream, method, &request));
        // The server ends a connection whose request it did not read to the end.
        answer.unwrap_or_else(|| {
            let stream = kept.insert(BufReader::new(TcpStream::connect(self.address).unwrap()));
            exchange(stream, method, &request).expect("an answer")
        })
    }

    fn form(&self, sender: &RequestSender, path: &str, cookie: &str, body: &str) -> String {
        let target = WalkedRequest {
            path: path.to_owned(),
            kind: FORM,
            body: format!("form-key=FORM_KEY&{body}"),
            cookie: cookie.to_owned(),
        };
        self.send(sender, "POST", &[], &target)
    }

    /// What there is: every commit to the file has another number, and the sessions are counted.
    fn state(&self) -> (i64, (usize, bool)) {
        let version = self.file.query_row("PRAGMA data_version", [], |row| row.get(0)).unwrap();
        (version, self.server.sessions.census())
    }

    /// A browser that is signed in by the token.
    fn browser(&self) -> RequestSender {
        let answer =
            self.form(&RequestSender::default(), "/auth/login/", "", &format!("token={TOKEN}"));
        let mut sender = RequestSender {
            headers: format!("Cookie: {}; COOKIE\r\n", cookie(&answer)),
            ..RequestSender::default()
        };
        let page = WalkedRequest {
            path: "/".into(),
            kind: FORM,
            body: String::new(),
            cookie: "a=b".into(),
        };
        let page = self.send(&sender, "GET", &[], &page);
        let (_, key) = page.split_once("name=\"form-key\" value=\"").unwrap();
        sender.form_key = key.split('"').next().unwrap().to_owned();
        sender
    }

    /// The cookie of a pipeline of this browser at the first step.
    fn pipeline(&self, browser: &RequestSender, provider: &str) -> String {
        let set_up = format!("/organizations/acme/integrations/{provider}/setup/");
        cookie(&self.form(browser, &set_up, "a=b", ""))
    }

    /// One at GitLab's second step, and the value that its callback brings back.
    fn at_the_vendor(&self, browser: &RequestSender) -> (String, String) {
        let cookie = self.pipeline(browser, "gitlab");
        let form = "url=http%3A%2F%2F127.0.0.1%3A9%2F&client_id=c&client_secret=s";
        let page = self.form(browser, "/extensions/gitlab/setup/", &cookie, form);
        let (_, state) = page.split_once("state=").expect("the way to the vendor");
        (cookie, state.split(['&', '"']).next().unwrap().to_owned())
    }

    /// A request for every route, with what each of them would act upon.
    fn targets(&self, browser: &RequestSender) -> Vec<WalkedRequest> {
        let cookie = self.pipeline(browser, "example");
        let api = REQUESTS.iter().map(|[_, path, body]| WalkedRequest {
            path: format!("/api/0/{path}"),
            kind: "application/json",
            body: (*body).to_owned(),
            cookie: cookie.clone(),
        });
        let link = self.server.sessions.create_login_link();
        // No two forms are the same: what has finished a set-up is not done again when it is sent again.
        let page = |path: String, cookie: &String| WalkedRequest {
            kind: FORM,
            body: format!("form-key=FORM_KEY&token={TOKEN}&name=walked{}", path.len()),
            path,
            cookie: cookie.clone(),
        };
        let filled = |pattern: &str| {
            let path = [("{org}", "acme"), ("{provider}", "example"), ("{id}", "1")];
            let path =
                path.iter().fold(pattern.to_owned(), |path, (from, to)| path.replace(from, to));
            format!("{}?name=walked&key={link}", path.replace("{version}", "web@500"))
        };
        let mut targets: Vec<_> = api.collect();
        targets.extend(router::page_paths().iter().map(|path| page(filled(path), &cookie)));
        targets.push(page("/nowhere/".to_owned(), &cookie));
        let (cookie, state) = self.at_the_vendor(browser);
        for query in
            [format!("code=c&state={state}"), "code=c&state=wrong".into(), "error=e".into()]
        {
            targets.push(page(format!("/extensions/gitlab/setup/?{query}"), &cookie));
        }
        targets
    }

    /// Sends what must not change anything, and looks whether it did; how many there were.
    fn check(&self, sender: &RequestSender, has_token: bool, targets: &[WalkedRequest]) -> usize {
        let walked = pages::walked_paths();
        let mut count = 0;
        let mut before = self.state();
        for (target, method) in targets.iter().flat_map(|t| METHODS.iter().map(move |m| (t, *m))) {
            let path = target.path.split('?').next().unwrap_or_default();
            let is_walked = has_token && walked.iter().any(|pattern| is_of(path, pattern));
            for origin in ORIGINS.iter().filter(|origin| !may_change(method, origin, is_walked)) {
                let answer = self.send(sender, method, origin, target);
                let after = self.state();
                assert_eq!(before, after, "{method} {} {origin:?}: {answer}", target.path);
                let head = answer.split("\r\n\r\n").next().unwrap_or_default().to_lowercase();
                assert!(!head.contains("set-cookie"), "{method} {} {origin:?} {head}", target.path);
                assert!(!head.starts_with("http/1.1 5"), "{method} {} {answer}", target.path);
                (before, count) = (after, count + 1);
            }
        }
        count
    }

    /// The paths at which a form of ours, or a program, does change something.
    fn changed(
        &self,
        sender: &RequestSender,
        methods: &[&str],
        targets: &[WalkedRequest],
    ) -> BTreeSet<String> {
        let mut changed = BTreeSet::new();
        for (method, target) in methods.iter().flat_map(|m| targets.iter().map(move |t| (m, t))) {
            let before = self.state();
            self.send(sender, method, &[], target);
            if self.state() != before {
                let path = target.path.split('?').next().unwrap_or_default();
                changed.insert(format!("{method} {path}"));
            }
        }
        changed
    }
}

/// The answer to a request on a connection; `None` when the server has ended it.
fn exchange(stream: &mut BufReader<TcpStream>, method: &str, request: &str) -> Option<String> {
    stream.get_mut().write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    while !answer.ends_with("\r\n\r\n") {
        if stream.read_line(&mut answer).ok()? == 0 {
            return None;
        }
    }
    let length = answer.split_once("content-length: ").filter(|_| method != "HEAD");
    let length = length.map_or(0, |(_, rest)| rest.lines().next().unwrap().parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(answer + &String::from_utf8_lossy(&body))
}

/// Whether a path is of this pattern.
fn is_of(path: &str, pattern: &str) -> bool {
    let (path, pattern): (Vec<_>, Vec<_>) =
        (path.split('/').collect(), pattern.split('/').collect());
    let fits = |(part, known): (&&str, &&str)| known.starts_with('{') || part == known;
    path.len() == pattern.len() && path.iter().zip(&pattern).all(fits)
}

fn cookie(answer: &str) -> String {
    let (_, rest) = answer.split_once("set-cookie: ").expect("a cookie is handed out");
    rest.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn nothing_changes_but_by_our_own_forms_and_by_programs() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("f.db");
    let started = LoopbackServer::prepare(&database).await;
    let (address, server) = (started.address, Arc::clone(&started.state));
    let serving = started.serve();
    let rows = "INSERT INTO release (id, organization_id, version, created_at)
                VALUES (1, 1, 'web@500', 0), (2, 1, 'web@501', 0);
                INSERT INTO repository (organization_id, name, created_at)
                VALUES (1, 'acme/web', 0);";
    let file = Connection::open(&database).unwrap();
    file.execute_batch(rows).unwrap();
    let walking = tokio::task::spawn_blocking(move || {
        walk(&RouteWalk { address, server, file, connection: RefCell::default() });
    });
    walking.await.unwrap();
    serving.abort();
}

fn walk(walk: &RouteWalk) {
    let token = format!("Authorization: Bearer {TOKEN}\r\nCookie: COOKIE\r\n");
    let program = RequestSender { headers: token, form_key: String::new() };
    let browser = walk.browser();
    let mut targets = walk.targets(&browser);
    let count = walk.check(&browser, false, &targets) + walk.check(&program, true, &targets);
    // docs/reliability.md says how many there are.
    assert!(count > 11_000, "{count}");
    // The start of a pipeline ends the one before.
    targets.sort_by_key(|target| !target.path.starts_with("/extensions/example/setup/"));
    // The same requests change something where they may: it is not their fault that nothing did.
    let api = "/api/0/organizations/acme";
    let by_program = walk.changed(&program, &["GET", "POST", "PUT", "DELETE"], &targets);
    for line in [
        "GET /organizations/acme/integrations/example/setup/".to_owned(),
        "GET /extensions/example/configure/".to_owned(),
        "GET /extensions/example/setup/".to_owned(),
        format!("POST {api}/releases/"),
        format!("POST {api}/pipeline/integration_pipeline/"),
        format!("POST {api}/releases/web@500/deploys/"),
        format!("PUT {api}/releases/web@500/"),
        format!("DELETE {api}/releases/web@501/"),
        format!("DELETE {api}/integrations/1/"),
        format!("PUT {api}/repos/1/"),
        format!("DELETE {api}/repos/1/"),
    ] {
        assert!(by_program.contains(&line), "{line} is not in {by_program:#?}");
    }
    let cookie = walk.pipeline(&browser, "example");
    let targets =
        targets.into_iter().map(|target| WalkedRequest { cookie: cookie.clone(), ..target });
    let mut targets: Vec<_> = targets.filter(|target| target.kind == FORM).collect();
    // The end of the session comes last: after it, the forms are nobody's.
    targets.sort_by_key(|target| target.path.starts_with("/auth/logout/"));
    let by_form = walk.changed(&browser, &["GET", "HEAD", "POST"], &targets);
    let wanted = [
        "POST /auth/login/",
        "POST /auth/logout/",
        "POST /extensions/example/configure/",
        "POST /extensions/example/setup/",
        "POST /organizations/acme/integrations/example/setup/",
    ];
    assert_eq!(by_form.iter().map(String::as_str).collect::<Vec<_>>(), wanted);
}
