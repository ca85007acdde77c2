//! What a link, a look ahead or another site's page leaves as it was, through the whole program.

use super::browser::Browser;
use crate::support::fake_gitlab::{CLIENT_ID, CLIENT_SECRET, FakeGitLab, ForgeKind};
use crate::support::serve::{ServeProcess, ServeResponse, TOKEN, command};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

const GITLAB: &str = "/organizations/acme/integrations/gitlab/setup/";

fn site(value: &str) -> [(&'static str, String); 1] {
    [("Sec-Fetch-Site", value.to_owned())]
}

/// Where the page's form leads, and whether a script submits it.
fn form(page: &ServeResponse) -> (String, bool) {
    let (_, rest) = page.text.split_once("<form class=\"fields\" ").expect("a form");
    let tag = rest.split('>').next().unwrap();
    let (_, action) = tag.split_once("action=\"").unwrap();
    let action = action.split('"').next().unwrap().replace("&amp;", "&");
    (action, tag.contains("data-submit"))
}

#[test]
fn the_sign_in_link_is_used_up_by_its_form_and_by_no_look_at_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = command(folder.path(), &["--org", "acme"]);
    let mut child = child.env("SENTRY_AUTH_TOKEN", TOKEN).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    let link = line.trim().split_once("(the link works once): ").expect("a link").1.to_owned();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let (address, path) = link.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let serve = ServeProcess::of_child(child, address, folder);
    let (path, key) = (format!("/{path}"), path.split_once("key=").unwrap().1);
    for method in ["HEAD", "GET", "HEAD"] {
        for from in ["cross-site", "same-site", "none"] {
            let seen = serve.send(method, &path, &site(from), "");
            assert_eq!((seen.status, seen.header("set-cookie")), (200, ""), "{method} {from}");
        }
    }
    let opened = serve.send("GET", &path, &site("none"), "");
    assert_eq!(form(&opened), ("/auth/login/".to_owned(), true), "opened from the terminal");
    let followed = serve.send("GET", &path, &site("cross-site"), "");
    assert!(!form(&followed).1, "a page elsewhere does not sign this browser in");
    let mut browser = Browser::new(&serve);
    let wrong = browser.send("POST", "/auth/login/", "key=0123");
    assert_eq!((wrong.status, browser.is_signed_in()), (403, false));
    let done = browser.send("POST", "/auth/login/", &format!("key={key}"));
    assert_eq!((done.status, done.header("location"), browser.is_signed_in()), (302, "/", true));
    let again = browser.get(&path);
    assert!(again.text.contains("already used"), "{}", again.text);
}

/// A browser at GitLab's page, and the address of its pipeline's callback there.
fn at_gitlab<'a>(serve: &'a ServeProcess, party: &FakeGitLab) -> (Browser<'a>, String) {
    let mut browser = Browser::of(serve, TOKEN);
    let first = browser.get(GITLAB);
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("url", &party.origin)
        .append_pair("client_id", CLIENT_ID)
        .append_pair("client_secret", CLIENT_SECRET)
        .append_pair("group", "my-group")
        .finish();
    let left = browser.submit(&first, GITLAB, &form);
    let (_, vendor) = left.text.split_once("class=\"button\" href=\"").expect("the way to GitLab");
    let vendor = vendor.split('"').next().unwrap().replace("&amp;", "&");
    let callback = party.approve(&vendor).strip_prefix(&serve.url()).unwrap().to_owned();
    (browser, callback)
}

#[test]
fn a_callback_goes_on_by_itself_only_with_the_value_that_the_vendor_was_given() {
    let serve = ServeProcess::start();
    let party = FakeGitLab::new(ForgeKind::Gitlab);
    let (mut browser, callback) = at_gitlab(&serve, &party);
    let forged = callback.replace("state=", "state=0");
    let asked = browser.get(&forged);
    assert_eq!(form(&asked), ("/extensions/gitlab/setup/".to_owned(), false));
    for method in ["HEAD", "GET"] {
        assert_eq!(browser.send(method, &callback, "").status, 200);
    }
    assert!(
        !party.requests().iter().any(|one| one.contains("/oauth/token")),
        "nothing was exchanged yet"
    );
    let page = browser.get(&callback);
    assert_eq!(form(&page), ("/extensions/gitlab/setup/".to_owned(), true));
    let query = callback.split_once('?').unwrap().1;
    let done = browser.submit(&page, "/extensions/gitlab/setup/", query);
    assert!(done.text.contains("is set up"), "{}", done.text);
}

#[test]
fn another_sites_links_neither_start_nor_end_a_pipeline() {
    let serve = ServeProcess::start();
    let party = FakeGitLab::new(ForgeKind::Gitlab);
    let (mut browser, callback) = at_gitlab(&serve, &party);
    let (count, cookies) = ("SELECT count(*) FROM pipeline_state", browser.cookies.clone());
    for path in [GITLAB, "/extensions/gitlab/configure/?name=x", "/extensions/example/configure/"] {
        for method in ["GET", "HEAD"] {
            assert_eq!(browser.send(method, path, "").status, 200, "{method} {path}");
            let kept: i64 = serve.database().query_row(count, [], |row| row.get(0)).unwrap();
            assert_eq!((kept, &browser.cookies), (1, &cookies), "{method} {path}");
        }
    }
    let page = browser.get(&callback);
    let query = callback.split_once('?').unwrap().1;
    let done = browser.submit(&page, "/extensions/gitlab/setup/", query);
    assert!(done.text.contains("is set up"), "{}", done.text);
}

#[test]
fn a_start_page_without_a_form_starts_by_a_click() {
    let folder = tempfile::tempdir().unwrap();
    let apps = r#"{"slack": {"clientId": "1.2", "clientSecret": "s"}}"#;
    let variables = [("SENTRY_AUTH_TOKEN", TOKEN), ("FINISHLINE_APPS", apps)];
    let serve = ServeProcess::with(folder, &["--org", "acme"], variables);
    let mut browser = Browser::of(&serve, TOKEN);
    let set_up = "/organizations/acme/integrations/slack/setup/";
    let page = browser.get(set_up);
    assert_eq!((page.status, form(&page)), (200, (set_up.to_owned(), false)), "{}", page.text);
    let started = browser.submit(&page, set_up, "");
    assert!(started.text.contains("slack.com/oauth/"), "{}", started.text);
}
