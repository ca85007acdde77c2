//! How much of what others send `serve` holds at once, and whose bodies it reads at all.

use crate::support::serve::{ServeProcess, TOKEN};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const RELEASES: &str = "/api/0/organizations/acme/releases/";
const MIB: usize = 1024 * 1024;

/// Clients that each send most of a large body and stay.
fn crowd(serve: &ServeProcess, count: usize, headers: &str) -> Vec<TcpStream> {
    let body = vec![b' '; 3 * MIB];
    let head = format!(
        "POST {RELEASES} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{headers}\
         Content-Length: {}\r\n\r\n",
        body.len() + 1
    );
    let client = |_| {
        let mut stream = TcpStream::connect(&serve.address).unwrap();
        stream.set_write_timeout(Some(Duration::from_millis(20))).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        // What the server does not take stays here.
        drop(stream.write_all(&body));
        stream
    };
    (0..count).map(client).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn the_bodies_of_all_connections_share_one_bound() {
    let serve = ServeProcess::start();
    serve.get(RELEASES).expect(200);
    let before = serve.peak_memory();
    let crowd = crowd(&serve, 60, &format!("Authorization: Bearer {TOKEN}\r\n"));
    // A short one waits for none of them.
    serve.request("POST", RELEASES, json!({ "version": "1", "projects": ["web"] })).expect(201);
    let grown = serve.peak_memory() - before;
    assert!(grown < 48 * MIB, "{} MiB for {} connections", grown / MIB, crowd.len());
}

#[test]
fn what_a_stranger_sends_is_not_waited_for() {
    let serve = ServeProcess::start();
    for headers in ["", "Authorization: Bearer wrong\r\n"] {
        for mut stream in crowd(&serve, 3, headers) {
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"HTTP/1.1 401", "{headers}");
        }
    }
    // Pages likewise: but for the login, whose form is short.
    let form = [("Content-Type", "application/x-www-form-urlencoded".to_owned())];
    let long = format!("token={}", "x".repeat(100_000));
    assert_eq!(serve.send("POST", "/auth/login/", &form, &long).status, 413);
    let away = serve.send("POST", "/extensions/example/setup/", &form, &long);
    assert_eq!((away.status, away.header("location")), (302, "/"));
}

#[test]
fn a_body_of_too_many_values_and_a_query_of_too_many_parameters_are_refused() {
    let serve = ServeProcess::start();
    let token = ("Authorization", format!("Bearer {TOKEN}"));
    let send = |kind: &str, body: &str| {
        let headers = [token.clone(), ("Content-Type", kind.to_owned())];
        serve.send("POST", RELEASES, &headers, body)
    };
    let many = format!("{{\"x\": [{}[]]}}", "[],".repeat(600_000));
    let refused = send("application/json", &many).expect(413);
    assert_eq!(refused, json!({ "detail": "The request body has more than 500000 values." }));
    send("application/x-www-form-urlencoded", &format!("\"{}", "&a".repeat(600_000))).expect(413);
    // A text is one value, whatever stands in it.
    let text = json!({ "version": "1", "projects": ["web"], "x": "[{,\\\"".repeat(400_000) });
    send("application/json", &text.to_string()).expect(201);
    let query = format!("{RELEASES}?{}", "a=b&".repeat(1001));
    serve.request("GET", &query, Value::Null).expect(400);
}
