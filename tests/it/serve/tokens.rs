//! The tokens that `serve` generates: where they stand, and how one is withdrawn.

use super::browser::{Browser, EXAMPLE};
use crate::support::serve::{ServeProcess, TOKEN, command};
use crate::support::watched_process;
use serde_json::Value;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const ACME: [&str; 2] = ["--org", "acme"];

fn tokens_file(folder: &Path) -> PathBuf {
    folder.join("finishline.db.tokens.json")
}

/// The tokens of the user and of `acme`.
fn tokens(folder: &Path) -> [String; 2] {
    let text = std::fs::read_to_string(tokens_file(folder)).unwrap();
    let tokens: Value = serde_json::from_str(&text).unwrap();
    [&tokens["user"], &tokens["organizations"]["acme"]].map(|one| one.as_str().unwrap().to_owned())
}

/// What a token is answered with.
fn status(serve: &ServeProcess, token: &str) -> u16 {
    serve.request_as(token, "GET", "/api/0/", Value::Null).status
}

fn without_file(serve: ServeProcess) -> TempDir {
    let (_, folder) = serve.stop();
    std::fs::remove_file(tokens_file(folder.path())).unwrap();
    folder
}

#[test]
fn a_new_tokens_file_withdraws_what_the_one_before_gave() {
    let first = ServeProcess::over(tempfile::tempdir().unwrap(), &ACME, None);
    let old = tokens(first.folder.path());
    // Of another origin: nobody's file gave it.
    let other = first.token("owner", "org:admin");
    assert_eq!(old.each_ref().map(|token| status(&first, token)), [200, 200]);
    let again = ServeProcess::over(without_file(first), &ACME, None);
    let new = tokens(again.folder.path());
    assert_eq!(old.each_ref().map(|token| status(&again, token)), [401, 401]);
    assert_eq!(new.each_ref().map(|token| status(&again, token)), [200, 200]);
    assert_eq!(status(&again, &other), 200);
    assert_eq!(Browser::new(&again).sign_in(&old[0], "/").status, 403);
    let count = "SELECT count(*) FROM token";
    let rows: i64 = again.database().query_row(count, [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 3, "nothing is left of those that were withdrawn");
    // A start that makes no file withdraws as well.
    let own = ServeProcess::over(without_file(again), &ACME, Some(TOKEN));
    assert_eq!(new.each_ref().map(|token| status(&own, token)), [401, 401]);
    assert_eq!([status(&own, TOKEN), status(&own, &other)], [200, 200]);
    let log = own.stop_and_read_log();
    assert!(log.contains("withdrew 2 access tokens"), "{log}");
}

#[test]
fn what_stands_in_the_file_stays_good_and_a_removed_line_is_withdrawn() {
    let first = ServeProcess::over(tempfile::tempdir().unwrap(), &ACME, None);
    let old = tokens(first.folder.path());
    let (_, folder) = first.stop();
    // Neither the environment's token nor a start that does not mention the organization matters.
    let (_, folder) = ServeProcess::over(folder, &ACME, Some(TOKEN)).stop();
    let second = ServeProcess::over(folder, &[], None);
    assert_eq!(tokens(second.folder.path()), old);
    assert_eq!(old.each_ref().map(|token| status(&second, token)), [200, 200]);
    let (_, folder) = second.stop();
    let text = format!("{{\"user\": \"{}\"}}", old[0]);
    std::fs::write(tokens_file(folder.path()), text).unwrap();
    let third = ServeProcess::over(folder, &ACME, None);
    assert_eq!(old.each_ref().map(|token| status(&third, token)), [200, 401]);
    assert_eq!(status(&third, &tokens(third.folder.path())[1]), 200);
    let log = third.stop_and_read_log();
    assert!(log.contains("withdrew an access token"), "{log}");
}

#[test]
fn a_session_ends_with_its_token() {
    let serve = ServeProcess::start();
    let mut browser = Browser::of(&serve, &serve.token("owner", "org:admin"));
    let mut own = Browser::of(&serve, TOKEN);
    let page = browser.get(EXAMPLE);
    assert_eq!(page.status, 200);
    serve.database().execute("DELETE FROM token", []).unwrap();
    assert_eq!(browser.get(EXAMPLE).status, 302, "to the sign-in");
    let posted = browser.submit(&page, EXAMPLE, "name=demo");
    assert_ne!(posted.status, 200, "{}", posted.text);
    assert!(!browser.get("/nowhere/").text.contains("Sign out"), "not even where nothing is");
    assert_eq!(super::browser::installed(&serve), 0);
    assert_eq!(own.get(EXAMPLE).status, 200, "the environment's token is in no row");
}

#[test]
fn what_is_no_tokens_file_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let file = tokens_file(folder.path());
    for text in ["notes of mine", "", "[]", "{\"user\": 1}", "{\"key\": \"value\"}", "[\"one\"]"] {
        std::fs::write(&file, text).unwrap();
        let output = watched_process::output(&mut command(folder.path(), &ACME));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(6), "{text}: {said}");
        assert!(said.contains("is not a tokens file"), "{said}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    }
}

#[cfg(unix)]
#[test]
fn a_fifo_in_the_place_of_the_tokens_file_does_not_hold_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = tokens_file(folder.path());
    assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
    let output = watched_process::output(&mut command(folder.path(), &ACME));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(6), "{said}");
    assert!(said.contains("is not a tokens file"), "{said}");
    assert!(std::os::unix::fs::FileTypeExt::is_fifo(&file.metadata().unwrap().file_type()));
}
