//! `serve` is killed under uploads: a bundle is there whole or not at all.

use crate::support::bundles::{
    ASSEMBLE, CHUNK_UPLOAD, FORM, assemble_body, cut, form, own_bundle, send_bundle, sha1,
};
use crate::support::rows::rows;
use crate::support::serve::{ServeProcess, TOKEN};
use rusqlite::Connection;
use serde_json::json;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

const KILLS: u64 = 6;

/// Sends a request; whether it was answered.
fn send(address: &str, path: &str, kind: &str, body: &[u8]) -> bool {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: {kind}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    TcpStream::connect(address).is_ok_and(|mut stream| {
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).is_ok()
            && std::io::read_to_string(&mut stream).is_ok()
    })
}

/// Uploads bundles until the server is gone.
fn write(address: &str, name: &str) {
    for number in 0.. {
        let bundle = own_bundle(Some(&format!("{name}-{number}")), None);
        let parts: Vec<_> =
            cut(&bundle).into_iter().map(|chunk| ("file", sha1(&chunk), chunk)).collect();
        let body = assemble_body(&bundle, json!({ "projects": ["web", "api"] })).to_string();
        if !send(address, CHUNK_UPLOAD, FORM, &form(&parts))
            || !send(address, ASSEMBLE, "application/json", body.as_bytes())
        {
            return;
        }
    }
}

#[test]
fn a_bundle_is_there_with_its_files_or_not_at_all() {
    let mut folder = tempfile::tempdir().unwrap();
    let arguments = ["--org", "acme", "--project", "web", "--project", "api"];
    for kill in 0..KILLS {
        let serve = ServeProcess::over(folder, &arguments, Some(TOKEN));
        let first = own_bundle(Some(&format!("first {kill}")), None);
        let answer = send_bundle(&serve, &first, json!({ "projects": ["web", "api"] }));
        assert_eq!(answer["state"], "ok");
        let address = serve.address.clone();
        folder = std::thread::scope(|scope| {
            for writer in 0..4 {
                let (address, name) = (&address, format!("{kill}-{writer}"));
                scope.spawn(move || write(address, &name));
            }
            std::thread::sleep(Duration::from_millis(30 + 7 * kill));
            serve.kill()
        });
    }
    let connection = Connection::open(folder.path().join("finishline.db")).unwrap();
    let half = "SELECT id FROM artifact_bundle AS bundle WHERE
        2 <> (SELECT count(*) FROM artifact_bundle_file WHERE artifact_bundle_id = bundle.id)
        OR 2 <> (SELECT count(*) FROM artifact_bundle_project WHERE artifact_bundle_id = bundle.id)
        OR 1 <> (SELECT count(*) FROM artifact_bundle_release WHERE artifact_bundle_id = bundle.id)
        OR size <> (SELECT sum(length(data)) FROM artifact_bundle_chunk
            JOIN upload_chunk ON upload_chunk.id = chunk_id
            WHERE artifact_bundle_id = bundle.id AND spare_since IS NULL)";
    assert_eq!(rows(&connection, half), [""; 0]);
    let answered = "SELECT count(*) FROM artifact_bundle_release WHERE version LIKE 'first %'";
    assert_eq!(rows(&connection, answered), [KILLS.to_string()]);
    assert_eq!(rows(&connection, "PRAGMA integrity_check"), ["ok"]);
    assert_eq!(rows(&connection, "PRAGMA foreign_key_check"), [""; 0]);
}
