//! `serve` from outside: how it starts and stops, who may ask, and what it says to nobody.

use crate::support::serve::{ServeProcess, TOKEN, command, database};
use crate::support::watched_process;
use serde_json::{Value, json};
use std::io::{Read, Write};

const ACME: &str = "/api/0/organizations/acme/";

#[test]
fn without_a_token_it_only_says_that_it_is_there() {
    let serve = ServeProcess::start();
    let who = serve.request_as("", "GET", "/api/0/", Value::Null);
    assert_eq!(who.header("allow"), "GET, HEAD, OPTIONS");
    assert_eq!(who.expect(200), json!({ "version": "0", "auth": null, "user": null }));
    let refused = serve.request_as("", "GET", ACME, Value::Null);
    assert_eq!(refused.header("www-authenticate"), "xBasic realm=\"api\"");
    assert_eq!(refused.header("content-type"), "application/json");
    let detail = "Authentication credentials were not provided.";
    assert_eq!(refused.expect(401), json!({ "detail": detail }));
}

#[test]
fn a_token_that_nobody_has_is_invalid_everywhere() {
    let serve = ServeProcess::start();
    for path in ["/api/0/", ACME] {
        let answer = serve.request_as("wrong", "GET", path, Value::Null);
        assert_eq!(answer.expect(401), json!({ "detail": "Invalid token" }));
    }
    let answer = serve.request_as("sntrys_x", "GET", ACME, Value::Null);
    assert_eq!(answer.expect(401), json!({ "detail": "Invalid org token" }));
}

#[test]
fn the_token_of_the_environment_is_the_local_user_with_every_scope() {
    let serve = ServeProcess::start();
    let who = serve.get("/api/0/").expect(200);
    assert_eq!(who["user"]["username"], "local");
    assert!(who["auth"]["scopes"].as_array().unwrap().contains(&json!("org:admin")));
    let stored: i64 =
        serve.database().query_row("SELECT count(*) FROM token", [], |row| row.get(0)).unwrap();
    assert_eq!(stored, 0, "it is the environment's, and not kept");
}

#[test]
fn an_organization_token_is_nobody_and_may_only_do_ci() {
    let serve = ServeProcess::start();
    let token = serve.org_token();
    let who = serve.request_as(&token, "GET", "/api/0/", Value::Null).expect(200);
    assert_eq!(who, json!({ "version": "0", "auth": { "scopes": ["org:ci"] }, "user": null }));
    for path in ["/api/0/organizations/", ACME, &format!("{ACME}projects/")] {
        serve.request_as(&token, "GET", path, Value::Null).expect(403);
    }
}

#[test]
fn an_organization_shows_where_its_pages_are() {
    let serve = ServeProcess::start();
    let org = serve.get(ACME).expect(200);
    assert_eq!(org["links"]["organizationUrl"], serve.url());
    assert_eq!(
        serve.get(&format!("/api/0/organizations/{}/", org["id"].as_str().unwrap())).json(),
        org
    );
    // What the user may do there is not in a listing.
    let mut summary = org;
    for key in ["access", "orgRole"] {
        assert!(summary.as_object_mut().unwrap().remove(key).is_some(), "{key}");
    }
    let listed = serve.get("/api/0/organizations/").expect(200);
    assert_eq!(listed, json!([summary]));
}

#[test]
fn an_unknown_organization_is_not_found_and_another_ones_is_forbidden() {
    let serve = ServeProcess::start();
    let sql = "INSERT INTO organization (slug, created_at) VALUES ('other', 0)";
    serve.database().execute(sql, []).unwrap();
    let unknown = serve.get("/api/0/organizations/nope/").expect(404);
    assert_eq!(unknown, json!({ "detail": "The requested resource does not exist" }));
    let other = serve.get("/api/0/organizations/other/").expect(403);
    assert_eq!(other, json!({ "detail": "You do not have permission to perform this action." }));
}

#[test]
fn projects_are_those_of_the_command_line() {
    let serve = ServeProcess::start();
    let projects = serve.get(&format!("{ACME}projects/")).expect(200);
    let slugs: Vec<_> = projects.as_array().unwrap().iter().map(|p| p["slug"].clone()).collect();
    assert_eq!(slugs, ["api", "web"]);
    assert_eq!(serve.get("/api/0/projects/acme/web/").expect(200)["slug"], "web");
    serve.get("/api/0/projects/acme/nope/").expect(404);
}

#[test]
fn a_missing_slash_is_told_and_any_other_path_is_not_found() {
    let serve = ServeProcess::start();
    let authorization = ("Authorization", format!("Bearer {TOKEN}"));
    let plain = serve.send("GET", "/api/0/organizations/acme", &[authorization], "");
    assert_eq!((plain.status, plain.header("content-type")), (404, "text/plain"));
    assert_eq!(
        plain.text,
        "Route not found, did you forget a trailing slash?\n\n\
         try: /api/0/organizations/acme/\n                              ^\n"
    );
    let json = serve.request("POST", "/api/0/organizations/acme/releases", json!({}));
    assert_eq!(
        json.text,
        "{\"info\": \"Route not found, did you forget a trailing slash? \
         try: /api/0/organizations/acme/releases/\"}"
    );
    let nothing = serve.get("/api/0/nothing/");
    assert_eq!((nothing.status, nothing.text.as_str()), (404, ""));
    assert_eq!(nothing.header("content-type"), "text/html; charset=utf-8");
}

#[test]
fn a_method_that_an_endpoint_does_not_have_is_not_allowed() {
    let serve = ServeProcess::start();
    let answer = serve.request("DELETE", &format!("{ACME}projects/"), Value::Null);
    assert_eq!(answer.header("allow"), "GET, HEAD, OPTIONS");
    assert_eq!(answer.expect(405), json!({ "detail": "Method \"DELETE\" not allowed." }));
    serve.request_as("", "DELETE", &format!("{ACME}projects/"), Value::Null).expect(401);
    assert_eq!(serve.request("OPTIONS", ACME, Value::Null).status, 200);
    let head = serve.request("HEAD", ACME, Value::Null);
    assert_eq!((head.status, head.text.as_str()), (200, ""));
}

#[test]
fn without_a_token_in_the_environment_it_makes_its_own_and_keeps_them() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--org", "acme", "--org", "widgets"];
    let serve = ServeProcess::over(folder, &arguments, None);
    let read = |serve: &ServeProcess| -> Value {
        let path = serve.folder.path().join("finishline.db.tokens.json");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    let tokens = read(&serve);
    let user = tokens["user"].as_str().unwrap();
    assert!(user.starts_with("sntryu_") && user.len() == 7 + 64);
    serve.request_as(user, "GET", "/api/0/organizations/widgets/", Value::Null).expect(200);
    let org = tokens["organizations"]["acme"].as_str().unwrap();
    assert_eq!(org.split('_').count(), 3);
    let who = serve.request_as(org, "GET", "/api/0/", Value::Null).expect(200);
    assert_eq!(who["auth"]["scopes"], json!(["org:ci"]));
    let file = std::fs::read(database(serve.folder.path())).unwrap();
    let (_, folder) = serve.stop();
    assert!(!file.windows(user.len()).any(|part| part == user.as_bytes()));
    let again = ServeProcess::over(folder, &arguments, None);
    assert_eq!(read(&again)["user"], tokens["user"]);
    again.request_as(user, "GET", ACME, Value::Null).expect(200);
}

#[test]
fn a_signal_lets_a_request_in_flight_come_to_its_end() {
    let serve = ServeProcess::start();
    let mut stream = watched_process::connect(&serve.address);
    let head = format!("GET {ACME} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    // The server has read the head's beginning once it answers another request.
    serve.get(ACME).expect(200);
    serve.signal();
    stream.write_all(b"Connection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(serve.stop().0.code(), Some(0));
}

#[test]
fn a_body_that_is_too_large_is_refused() {
    let serve = ServeProcess::start();
    let large = json!({ "version": "x".repeat(5 * 1024 * 1024) });
    serve.request("POST", &format!("{ACME}projects/"), large).expect(413);
}

#[test]
fn two_servers_may_use_one_file() {
    let one = ServeProcess::start();
    let mut command = command(one.folder.path(), &["--org", "second"]);
    let child = command.env("SENTRY_AUTH_TOKEN", "2").stdout(std::process::Stdio::piped());
    let mut child = child.spawn().unwrap();
    let _stdout = watched_process::first_line(child.stdout.take().unwrap());
    let listed = one.get("/api/0/organizations/").expect(200);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 2);
}

#[test]
fn a_wrong_command_line_is_said_in_words() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, words) in [
        (["--listen", "nowhere"], "invalid --listen `nowhere`: expected an address with a port"),
        (["--org", "a/b"], "invalid --org `a/b`: expected a slug"),
        (["--project", "web"], "--project needs an --org"),
    ] {
        let output = watched_process::output(&mut command(folder.path(), &arguments));
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(words), "{said}");
        assert!(output.stdout.is_empty());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_is_heard_while_another_process_holds_the_database() {
    let (_, folder) = ServeProcess::start().stop();
    let file = database(folder.path());
    let held = rusqlite::Connection::open(&file).unwrap();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = watched_process::WatchedProcess::spawn(&mut command(folder.path(), &[]));
    let id = start.child().id();
    let open = || std::fs::read_dir(format!("/proc/{id}/fd")).unwrap().flatten();
    while !open().any(|one| one.path().read_link().is_ok_and(|path| path == file)) {
        std::thread::yield_now();
    }
    let kill = std::process::Command::new("kill").args(["-TERM", &id.to_string()]).status();
    assert!(kill.unwrap().success());
    assert_eq!(start.wait().code(), Some(0));
    drop(held);
}

/// SQLite's locks end with the first descriptor of the file that the process closes. An older SQLite then
/// deletes what the server writes to, once it has opened and closed the file.
#[cfg(unix)]
#[test]
fn the_server_keeps_its_lock_on_the_file() {
    use rustix::fs::{FlockOperation, fcntl_lock};
    let mut folder = tempfile::tempdir().unwrap();
    let is_free = |folder: &tempfile::TempDir| {
        let mut options = std::fs::OpenOptions::new();
        let file = options.read(true).write(true).open(database(folder.path())).unwrap();
        fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
    };
    // A file that is made, and one that is there.
    for version in ["one", "two"] {
        let serve = ServeProcess::over(folder, &["--org", "acme", "--project", "web"], Some(TOKEN));
        assert!(!is_free(&serve.folder));
        let release = json!({ "version": version, "projects": ["web"] });
        serve.request("POST", &format!("{ACME}releases/"), release).expect(201);
        serve.get(ACME).expect(200);
        assert!(!is_free(&serve.folder));
        folder = serve.stop().1;
        assert!(is_free(&folder));
    }
    let file = rusqlite::Connection::open(database(folder.path())).unwrap();
    assert_eq!(crate::support::rows::rows(&file, "SELECT version FROM release"), ["one", "two"]);
}
