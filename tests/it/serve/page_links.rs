//! Whether `serve` shows every page that a run on the embedded backend hands out: each address is
//! asked for on the same file, by a browser of this machine that is not signed in.

use crate::support::rows::rows;
use crate::support::watched_process;
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

/// Where the embedded backend's pages are when nobody says so.
const SITE: &str = "http://127.0.0.1:9797";

/// The paths of an organization's pages that a text names.
pub(crate) fn paths(text: &str, site: Option<&str>) -> BTreeSet<String> {
    let site = site.unwrap_or(SITE).trim_end_matches('/');
    let ends =
        |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | ')' | '\\');
    let found = text.match_indices(site).map(|(at, _)| &text[at + site.len()..]);
    let path = |rest: &str| rest[..rest.find(ends).unwrap_or(rest.len())].to_owned();
    let is_page = |path: &String| {
        (path.starts_with("/settings/") || path.starts_with("/organizations/"))
            && path.len() < 64_000
    };
    found.map(path).filter(is_page).collect()
}

/// The pages that were shown, each with what its file had: what differs in nothing is asked for once
/// in all tests together.
static SHOWN: Mutex<BTreeSet<(String, Vec<String>)>> = Mutex::new(BTreeSet::new());

/// Panics when one of the paths is not answered with 200 by `serve` over this file.
#[track_caller]
pub(crate) fn check(database: &Path, paths: &BTreeSet<String>) {
    if paths.is_empty() || !database.exists() {
        return;
    }
    let content = content(database);
    let is_new = |page: &(String, Vec<String>)| !SHOWN.lock().unwrap().contains(page);
    let pages = paths.iter().map(|path| (path.clone(), content.clone())).filter(is_new);
    let pages: Vec<_> = pages.collect();
    if pages.is_empty() {
        return;
    }
    let (server, address) = start(database);
    for (path, content) in pages {
        let status = status(&address, &path);
        assert_eq!(status, "200", "{path} of {} is not shown by serve", database.display());
        SHOWN.lock().unwrap().insert((path, content));
    }
    drop(server);
}

/// What a page may show of the file but for its times: every row of every table that is not only for
/// pipelines, tokens and the record of what was done.
fn content(database: &Path) -> Vec<String> {
    let connection = Connection::open(database).unwrap();
    connection.busy_timeout(Duration::from_secs(60)).unwrap();
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN
        ('pipeline_state', 'token', 'audit_log_entry', 'analytics_event') ORDER BY name";
    let mut content = rows(&connection, "PRAGMA user_version");
    for table in rows(&connection, tables) {
        let columns = format!(
            "SELECT '\"' || name || '\"' FROM pragma_table_info('{table}')
             WHERE name NOT GLOB '*_at' AND name NOT GLOB 'date_*'"
        );
        let columns = rows(&connection, &columns).join(", ");
        content.push(table.clone());
        content.extend(rows(&connection, &format!("SELECT {columns} FROM \"{table}\"")));
    }
    content
}

/// A server that does not outlive its question.
struct ServerGuard(Child);

impl Drop for ServerGuard {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn start(database: &Path) -> (ServerGuard, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_finishline"));
    command.env_clear().env("SENTRY_AUTH_TOKEN", "t").args(["serve", "--listen", "127.0.0.1:0"]);
    command.arg("--database").arg(database).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = ServerGuard(command.spawn().unwrap());
    let (line, stdout) = watched_process::first_line(server.0.stdout.take().unwrap());
    server.0.stdout = Some(stdout.into_inner());
    let address = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
    (server, address)
}

fn status(address: &str, path: &str) -> String {
    let mut stream = watched_process::connect(address);
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn addresses_are_found_in_every_host_s_words() {
    let text = "  settings: http://127.0.0.1:9797/settings/acme/integrations/example/1/?next=a%20b\n\
                {\"u\":\"http://127.0.0.1:9797/organizations/acme/releases/v1/\"} \
                http://127.0.0.1:9797/extensions/gitlab/setup/ http://127.0.0.1:9797/";
    let found: Vec<_> = paths(text, None).into_iter().collect();
    let wanted =
        ["/organizations/acme/releases/v1/", "/settings/acme/integrations/example/1/?next=a%20b"];
    assert_eq!(found, wanted);
    assert_eq!(paths("https://s.test/settings/a/", Some("https://s.test/")).len(), 1);
}

#[test]
#[should_panic(expected = "is not shown by serve")]
fn an_address_that_leads_nowhere_is_noticed() {
    let run = crate::support::run::ProgramRun::github().opsgenie();
    run.execute().expect(0);
    check(&run.database(), &["/settings/acme/integrations/opsgenie/2/".to_owned()].into());
}
