//! `serve` is killed under writers: each release that is there has all that its request named.

use crate::support::rows::rows;
use crate::support::serve::{ServeProcess, TOKEN};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

const KILLS: u64 = 8;
const WRITERS: usize = 6;

/// A release of forty commits and a head.
fn release(version: &str) -> Value {
    let commit = |number: usize| {
        json!({ "id": format!("{version}-{number}"), "repository": "acme/web",
        "patch_set": [{ "path": "a", "type": "A" }] })
    };
    let commits: Vec<_> = (0..40).map(commit).collect();
    let refs = json!([{ "repository": "acme/web", "commit": format!("{version}-head") }]);
    json!({ "version": version, "projects": ["web"], "commits": commits, "refs": refs })
}

/// Sends releases until the server is gone.
fn write(address: &str, name: &str) {
    for number in 0.. {
        let body = release(&format!("{name}-{number}")).to_string();
        let head = format!(
            "POST /api/0/organizations/acme/releases/ HTTP/1.1\r\nHost: {address}\r\n\
             Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n\
             Connection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let Ok(mut stream) = TcpStream::connect(address) else { return };
        if stream.write_all(format!("{head}{body}").as_bytes()).is_err()
            || std::io::read_to_string(&mut stream).is_err()
        {
            return;
        }
    }
}

#[test]
fn a_release_is_there_with_its_commits_or_not_at_all() {
    let mut folder = tempfile::tempdir().unwrap();
    for kill in 0..KILLS {
        let serve = ServeProcess::over(folder, &["--org", "acme", "--project", "web"], Some(TOKEN));
        let first = release(&format!("v{kill}"));
        let answer = serve.request("POST", "/api/0/organizations/acme/releases/", first);
        assert_eq!(answer.status, 201, "{}", answer.text);
        let address = serve.address.clone();
        folder = std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (address, name) = (&address, format!("v{kill}-{writer}"));
                scope.spawn(move || write(address, &name));
            }
            std::thread::sleep(Duration::from_millis(40 + 7 * kill));
            serve.kill()
        });
    }
    let connection = Connection::open(folder.path().join("finishline.db")).unwrap();
    let half = "SELECT version FROM release WHERE
        40 <> (SELECT count(*) FROM release_commit WHERE release_id = release.id)
        OR NOT EXISTS (SELECT 1 FROM release_project WHERE release_id = release.id)
        OR NOT EXISTS (SELECT 1 FROM release_head JOIN source_commit ON source_commit.id = commit_id
            WHERE release_id = release.id AND key = version || '-head')";
    assert_eq!(rows(&connection, half), [""; 0]);
    let answered = "SELECT count(*) FROM release WHERE version NOT LIKE '%-%'";
    assert_eq!(rows(&connection, answered), [KILLS.to_string()]);
    assert_eq!(rows(&connection, "PRAGMA integrity_check"), ["ok"]);
}

#[test]
fn a_program_that_looks_into_the_file_takes_nothing_of_it_away() {
    let folder = tempfile::tempdir().unwrap();
    let serve = ServeProcess::over(folder, &["--org", "acme", "--project", "web"], Some(TOKEN));
    // The last one to close the file would clear its log away: it must see that `serve` has it.
    let count = "SELECT count(*) FROM release";
    assert_eq!(rows(&serve.database(), count), ["0"]);
    let path = "/api/0/organizations/acme/releases/";
    let answer = serve.request("POST", path, release("v1"));
    assert_eq!(answer.status, 201, "{}", answer.text);
    let folder = serve.kill();
    let database = Connection::open(folder.path().join("finishline.db")).unwrap();
    assert_eq!(rows(&database, count), ["1"]);
}
