//! Where a person is sent after a finish: to the address under which the server was reached, or to
//! the organization's own domain, and nowhere else.

use crate::support::fake_sentry::{FakeSentry, GET_ORGANIZATION, OPSGENIE, assert_completes, step};
use crate::support::http_server::Response;
use crate::support::run::ProgramRun;
use crate::support::serve::{ServeProcess, TOKEN};
use serde_json::{Value, json};
use std::io::copy;
use std::net::{Shutdown, TcpListener, TcpStream};

/// Passes every connection on to a server, under a port of its own.
fn forward_port(server: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, server) = (listener.local_addr().unwrap().to_string(), server.to_owned());
    let pass = |mut from: TcpStream, mut to: TcpStream| {
        drop(copy(&mut from, &mut to));
        drop(to.shutdown(Shutdown::Write));
    };
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(&server).unwrap();
            let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || pass(from, to));
            std::thread::spawn(move || pass(server, client));
        }
    });
    address
}

/// A run for this provider that reaches `serve` under this address.
fn reach(url: &str, provider: &str, state: &str, dialect: &str) -> ProgramRun {
    step(url, provider, state)
        .var("SENTRY_AUTH_TOKEN", TOKEN)
        .var("NO_PROXY", "*")
        .var("FINISHLINE_DIALECT", dialect)
}

/// The page to which a run sends a person, as `serve` answers it; its address begins with `base`.
#[track_caller]
fn open_page(serve: &ServeProcess, run: &ProgramRun, base: &str) -> String {
    let ended = run.execute().expect(0);
    let page = ended.output("redirect-url");
    let path = page.strip_prefix(base).unwrap_or_else(|| panic!("{page} is not at {base}"));
    let answer = serve.get(path);
    assert_eq!(answer.status, 200, "{page}: {}", answer.text);
    answer.text
}

#[test]
fn the_settings_page_is_there_under_every_name_of_serve() {
    let serve = ServeProcess::start();
    let forwarded = forward_port(&serve.address);
    let named = |address: &str| address.replace("127.0.0.1", "localhost");
    for address in
        [serve.address.clone(), named(&serve.address), forwarded.clone(), named(&forwarded)]
    {
        let base = format!("http://{address}");
        for dialect in ["api", "web"] {
            let run = reach(&base, "opsgenie", OPSGENIE, dialect);
            let page = open_page(&serve, &run.var("FINISHLINE_NEXT", "/done"), &base);
            assert!(page.contains("acme-ops"), "{page}");
        }
    }
}

#[test]
fn the_settings_page_is_there_on_the_loopback_of_ipv6() {
    if TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let arguments = ["--listen", "[::1]:0", "--org", "acme"];
    let serve = ServeProcess::over(tempfile::tempdir().unwrap(), &arguments, Some(TOKEN));
    let base = serve.url();
    open_page(&serve, &reach(&base, "opsgenie", OPSGENIE, "api"), &base);
}

#[test]
fn serve_tells_its_addresses_by_the_name_in_the_host_header() {
    let serve = ServeProcess::start();
    let (ask, own) = ("/api/0/organizations/acme/", serve.url());
    let token = ("Authorization", format!("Bearer {TOKEN}"));
    for (host, base) in [
        ("sentry.internal:8443", "http://sentry.internal:8443"),
        ("LOCALHOST:1", "http://localhost:1"),
        ("[::1]:9797", "http://[::1]:9797"),
        ("", &own),
    ] {
        let headers = std::slice::from_ref(&token);
        let request = |path: &str| serve.send_as_host(host, "GET", path, headers, "");
        let links = &request(ask).expect(200)["links"];
        assert_eq!(*links, json!({"organizationUrl": base, "regionUrl": base}), "{host}");
        let listed = request(&format!("{ask}projects/?per_page=1"));
        assert!(listed.header("link").starts_with(&format!("<{base}{ask}projects/?")), "{host}");
    }
    for host in ["user@evil.example", "evil.example/path", "evil.example?x"] {
        let refused = serve.send_as_host(host, "GET", ask, std::slice::from_ref(&token), "");
        assert_eq!(refused.status, 400, "{host}");
    }
}

/// Where the settings are at a Sentry, reached under `host`, that tells these links.
fn settings_after(
    host: &str,
    links: impl Fn(&str) -> Value + Send + Sync + 'static,
) -> (String, String) {
    let sentry = FakeSentry::with(move |world, request| match request.line() == GET_ORGANIZATION {
        true => Response::json(200, &json!({"links": links(request.header("host"))})),
        false => world.answer(request),
    });
    let base = sentry.peer.url().replace("127.0.0.1", host);
    let run = step(&base, "opsgenie", OPSGENIE).var("NO_PROXY", "*");
    (base, assert_completes(&run, "complete true 1").output("redirect-url"))
}

#[test]
fn a_domain_that_is_the_slug_before_the_servers_name_has_the_settings() {
    let own = |host: &str| json!({"organizationUrl": format!("http://acme.{host}")});
    let (base, page) = settings_after("localhost", own);
    let domain = base.replace("//", "//acme.");
    assert_eq!(page, format!("{domain}/settings/integrations/opsgenie/1/"));
}

#[test]
fn no_other_address_that_a_server_tells_is_believed() {
    for told in [
        "https://evil.example",
        "https://acme.sentry.example/path",
        "https://acme.sentry.example?x=1",
        "https://acme.sentry.example/#x",
        "https://acme@evil.example",
        "https://ada:pw@acme.sentry.example",
        "https://acme.sentry.example:8443",
        "https://acmesentry.example",
        "https://acme",
        "//acme.sentry.example",
        "data:text/html,x",
    ] {
        let (base, page) = settings_after("127.0.0.1", move |_| json!({"organizationUrl": told}));
        assert_eq!(page, format!("{base}/settings/acme/integrations/opsgenie/1/"), "{told}");
    }
    // A server called as the organization is no domain of it.
    let server = "https://acme.example.com";
    let links = move |_: &str| json!({"organizationUrl": server, "regionUrl": server});
    let (base, page) = settings_after("127.0.0.1", links);
    assert_eq!(page, format!("{base}/settings/acme/integrations/opsgenie/1/"));
}
