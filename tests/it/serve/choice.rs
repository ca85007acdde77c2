//! A vendor's link for somebody with several organizations, and what the log says of a set-up that
//! goes no further.

use super::browser::Browser;
use crate::support::fake_gitlab::{CLIENT_ID, CLIENT_SECRET, FakeGitLab, ForgeKind};
use crate::support::serve::{ServeProcess, TOKEN};
use serde_json::Value;

const GITLAB: &str = "/organizations/acme/integrations/gitlab/setup/";
const CALLBACK: &str = "/extensions/gitlab/setup/";

fn integrations(serve: &ServeProcess) -> i64 {
    let sql = "SELECT count(*) FROM organization_integration";
    serve.database().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_person_with_two_organizations_chooses_one_and_the_links_query_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let serve = ServeProcess::over(folder, &["--org", "acme", "--org", "b"], Some(TOKEN));
    let query = "name=a%26b&next=https%3A%2F%2Fexample.com%2F%3Fa%3D1";
    let link = format!("/extensions/example/configure/?{query}");
    let choice = format!("/extensions/example/link/?{query}");
    let sent = Browser::new(&serve).get(&choice);
    assert!(sent.header("location").starts_with("/auth/login/?next="), "signed in first");
    let mut browser = Browser::of(&serve, TOKEN);
    assert_eq!(browser.get(&link).header("location"), choice);
    let page = browser.get(&choice);
    assert_eq!((page.status, page.header("set-cookie"), integrations(&serve)), (200, "", 0));
    for (before, org) in ["acme", "b"].into_iter().enumerate() {
        let chosen = format!("{link}&orgSlug={org}");
        assert!(page.text.contains(&format!("href=\"{}\"", chosen.replace('&', "&amp;"))));
        let offer = browser.get(&chosen);
        assert_eq!((offer.status, offer.header("set-cookie")), (200, ""));
        assert_eq!(integrations(&serve), before as i64, "not before the click");
        assert!(offer.text.contains(&format!("Connect Example to {org}?")), "{}", offer.text);
        let done = browser.submit(&offer, &chosen, "");
        assert!(done.header("location").contains(&format!("/settings/{org}/")));
    }
    // Only where the person may.
    let mut member = Browser::of(&serve, &serve.token("member", "org:read org:admin"));
    let none = member.get(&choice);
    assert_eq!(none.status, 200);
    assert!(none.text.contains("You cannot set up integrations"), "{}", none.text);
    assert_eq!(browser.get("/extensions/nothing/link/").status, 404);
}

/// A browser with a pipeline that waits for GitLab's callback.
fn waiting<'a>(serve: &'a ServeProcess, party: &FakeGitLab) -> Browser<'a> {
    let mut browser = Browser::of(serve, TOKEN);
    let page = browser.get(GITLAB);
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("url", party.origin.as_str()), ("group", "my-group")])
        .extend_pairs([("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)])
        .finish();
    let step = browser.submit(&page, GITLAB, &form);
    assert!(step.text.contains("Continue to"), "{}", step.text);
    browser
}

#[test]
fn a_refused_set_up_is_logged_with_its_reason_and_without_what_it_brought() {
    let serve = ServeProcess::with(
        tempfile::tempdir().unwrap(),
        &["--org", "acme", "--log-format", "json"],
        [("SENTRY_AUTH_TOKEN", TOKEN)],
    );
    let party = FakeGitLab::new(ForgeKind::Gitlab);
    let mut browser = waiting(&serve, &party);
    let page = browser.get(GITLAB);
    let wrong = "code=s3cr3t-code&state=s3cr3t-state";
    let refused = browser.submit(&page, CALLBACK, wrong);
    assert!(refused.text.contains("Setup failed"), "{}", refused.text);
    // The callback again, by somebody else who has got hold of the pipeline's cookie.
    let mut other = Browser::of(&serve, &serve.token("owner", "org:admin"));
    let pipeline = waiting(&serve, &party).cookies;
    other.cookies.extend(pipeline.into_iter().filter(|cookie| !cookie.starts_with("finishline-")));
    let page = other.get(GITLAB);
    let refused = other.submit(&page, CALLBACK, wrong);
    assert!(refused.text.contains("Setup failed"), "{}", refused.text);
    let log = serve.stop_and_read_log();
    let records: Vec<Value> =
        log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let reasons: Vec<_> = records
        .iter()
        .filter(|record| record["message"] == "set-up refused" && record["path"] == CALLBACK)
        .map(|record| record["reason"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(reasons.len(), 2, "{log}");
    assert!(reasons[1].contains("Current user does not match user"), "{reasons:?}");
    assert!(!log.contains("s3cr3t") && !log.contains(CLIENT_SECRET), "{log}");
}
