//! Requests that others may read otherwise, a database that is gone, and refusals that the log has.

use crate::support::serve::{ServeProcess, TOKEN};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;

const PIPELINE: &str = "/api/0/organizations/acme/pipeline/integration_pipeline/";

fn raw(serve: &ServeProcess, head: &str) -> String {
    let mut stream = TcpStream::connect(serve.url().trim_start_matches("http://")).unwrap();
    stream.write_all(format!("{head}\r\n\r\n").as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_request_names_one_host_and_one_length() {
    let serve = ServeProcess::start();
    let host = serve.url().trim_start_matches("http://").to_owned();
    for (head, words) in [
        ("GET /api/0/ HTTP/1.1".to_owned(), "exactly one Host"),
        (format!("GET /api/0/ HTTP/1.1\r\nHost: {host}\r\nHost: {host}"), "exactly one Host"),
        (format!("GET /api/0/ HTTP/1.0\r\nHost: {host}\r\nHost: a"), "exactly one Host"),
        ("GET / HTTP/1.1\r\nHost: a\"b".to_owned(), "is not a host"),
        ("GET / HTTP/1.1\r\nHost: a b".to_owned(), "is not a host"),
        ("GET / HTTP/1.1\r\nHost: a<b>".to_owned(), "is not a host"),
        ("GET / HTTP/1.1\r\nHost: user@a".to_owned(), "is not a host"),
        ("GET / HTTP/1.1\r\nHost: a/b".to_owned(), "is not a host"),
    ] {
        let answer = raw(&serve, &head);
        assert!(
            answer.starts_with("HTTP/1.1 400") || answer.starts_with("HTTP/1.0 400"),
            "{head}: {answer}"
        );
        assert!(answer.contains(words), "{head}: {answer}");
        assert!(answer.to_lowercase().contains("connection: close"), "{head}: {answer}");
    }
    for head in [
        format!("GET /api/0/ HTTP/1.1\r\nHost: {host}\r\nConnection: close"),
        "GET /api/0/ HTTP/1.0".to_owned(),
        "GET /api/0/ HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close".to_owned(),
    ] {
        let answer = raw(&serve, &head);
        assert!(answer.contains(" 200 "), "{head}: {answer}");
        assert!(answer.contains("cache-control: no-store"), "{answer}");
    }
}

/// The body that is read ends the connection: nothing behind it is taken for a request.
#[test]
fn a_request_with_two_lengths_is_the_last_one() {
    let serve = ServeProcess::start();
    let host = serve.url().trim_start_matches("http://").to_owned();
    let hidden = format!("GET /api/0/ HTTP/1.1\r\nHost: {host}");
    let lengths = ["Content-Length: 5", "Transfer-Encoding: chunked"];
    for lengths in [lengths, [lengths[1], lengths[0]]] {
        let head = format!(
            "POST {PIPELINE} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Type: application/json\r\n{}\r\n{}\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n{hidden}",
            lengths[0], lengths[1]
        );
        let answer = raw(&serve, &head);
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    }
}

#[test]
fn a_database_that_was_removed_or_replaced_takes_nothing_more() {
    for is_replaced in [false, true] {
        let serve = ServeProcess::start();
        let path = serve.folder.path().join("finishline.db");
        let release = json!({ "version": "1.0", "projects": ["web"] });
        let post = |version: &str| {
            let mut release = release.clone();
            release["version"] = version.into();
            serve.request("POST", "/api/0/organizations/acme/releases/", release)
        };
        post("1.0").expect(201);
        let aside = path.with_extension("aside");
        std::fs::rename(&path, &aside).unwrap();
        if is_replaced {
            std::fs::copy(&aside, &path).unwrap();
        }
        for version in ["1.1", "1.2"] {
            post(version).expect(500);
        }
        assert_eq!(path.exists(), is_replaced, "no other file is made");
        std::fs::rename(&aside, &path).unwrap();
        post("1.3").expect(201);
        let log = serve.stop_and_read_log();
        assert!(log.contains("was removed or replaced while `serve` was running"), "{log}");
    }
}

/// Sentry does not look into the JSON before its finish, and fails there for good.
#[test]
fn a_part_that_only_the_finish_misses_fails_it_for_good() {
    let serve = ServeProcess::start();
    let json = || ("Content-Type", "application/json".to_owned());
    let headers = [("Authorization", format!("Bearer {TOKEN}")), json()];
    let begin = json!({ "action": "initialize", "provider": "pagerduty" }).to_string();
    for (config, status, afterwards) in [
        (r#"{"account": {"name": "Acme"}, "integration_keys": []}"#, 500, 500),
        ("no JSON", 400, 200),
    ] {
        let begun = serve.send("POST", PIPELINE, &headers, &begin);
        let cookie = begun.header("set-cookie").split(';').next().unwrap().to_owned();
        let headers = [headers[0].clone(), ("Cookie", cookie), json()];
        let body = json!({ "config": config }).to_string();
        assert_eq!(serve.send("POST", PIPELINE, &headers, &body).status, status, "{config}");
        assert_eq!(serve.send("GET", PIPELINE, &headers, "").status, afterwards, "{config}");
    }
}

#[test]
fn a_pipeline_that_is_refused_from_the_start_is_logged() {
    let serve = ServeProcess::start();
    let mut expected = Vec::new();
    for (body, status, reason) in [
        (json!({}), 400, "reason=\"provider is required.\""),
        (json!({ "provider": "slcak" }), 404, "slcak: Unknown provider: slcak"),
        (json!({ "provider": "vercel" }), 400, "vercel: 2 errors: `clientId` is missing"),
        (json!({ "provider": "slack" }), 400, "slack: "),
        (json!({ "provider": "aws_lambda" }), 400, "aws_lambda: only a Sentry server"),
    ] {
        let mut body = body;
        body["action"] = "initialize".into();
        let answer = serve.request("POST", PIPELINE, body);
        assert_eq!(answer.status, status, "{}", answer.text);
        expected.push(reason);
    }
    let json = || ("Content-Type", "application/json".to_owned());
    let headers = [("Authorization", format!("Bearer {TOKEN}")), json()];
    let begin = json!({ "action": "initialize", "provider": "opsgenie" }).to_string();
    let begun = serve.send("POST", PIPELINE, &headers, &begin);
    let cookie = begun.header("set-cookie").split(';').next().unwrap().to_owned();
    let headers = [("Authorization", format!("Bearer {TOKEN}")), ("Cookie", cookie), json()];
    let refused = serve.send("POST", PIPELINE, &headers, r#"{"apiKey": "s3cr3t"}"#);
    assert_eq!(refused.status, 400);
    assert!(refused.json().get("detail").is_none(), "{}", refused.text);
    expected.push("opsgenie: invalid fields: baseUrl, provider");
    let log = serve.stop_and_read_log();
    for reason in expected {
        assert!(log.contains(reason), "{reason}: {log}");
    }
    assert!(!log.contains("s3cr3t"), "{log}");
}
