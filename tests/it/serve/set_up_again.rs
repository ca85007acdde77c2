//! A set-up that a person walks twice: a page that is loaded again says the same, and who starts again
//! finds what was typed, but no secret. Its words are a person's.

use super::browser::{Browser, hidden, installed};
use crate::support::fake_vendor::FakeVendor;
use crate::support::serve::{ServeProcess, ServeResponse, TOKEN};
use serde_json::{Value, json};

fn form(provider: &str) -> String {
    format!("/organizations/acme/integrations/{provider}/setup/")
}

fn step(provider: &str) -> String {
    format!("/extensions/{provider}/setup/")
}

/// The page's own form as a browser sends it again: with every hidden field.
fn hidden_fields(page: &ServeResponse) -> Vec<(String, String)> {
    let inputs = page.text.split("<input type=\"hidden\" name=\"").skip(1);
    let pair = |input: &str| {
        let (name, rest) = input.split_once("\" value=\"").unwrap();
        (name.to_owned(), rest.split('"').next().unwrap().replace("&amp;", "&"))
    };
    inputs.map(pair).collect()
}

fn encoded(pairs: &[(String, String)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[test]
fn a_success_page_that_is_loaded_again_says_so_and_sets_nothing_up_again() {
    let serve = ServeProcess::start();
    let mut browser = Browser::of(&serve, TOKEN);
    // Each finish of these would be another integration.
    for (count, (provider, fields)) in [
        ("custom_scm", "name=scm&url=https://scm.example.com"),
        ("outpost", "base_url=https://outpost.example.com"),
    ]
    .into_iter()
    .enumerate()
    {
        let offered = browser.get(&form(provider));
        let page = browser.submit(&offered, &form(provider), "");
        let done = browser.submit(&page, &step(provider), fields);
        assert!(done.text.contains("is set up"), "{}", done.text);
        let again = browser.submit(&page, &step(provider), fields);
        assert!(again.text.contains("is set up"), "{}", again.text);
        assert_eq!(installed(&serve), count + 1);
        assert!(browser.get(&step(provider)).text.contains("is set up"));
    }
    // A fresh form is another set-up, and so is one at the address that starts it.
    let offered = browser.get(&form("custom_scm"));
    let page = browser.submit(&offered, &form("custom_scm"), "");
    browser.submit(&page, &step("custom_scm"), "name=scm&url=https://scm.example.com");
    assert_eq!(installed(&serve), 3);
    let page = browser.get(&form("example"));
    for (form, finished) in [(&page, 4), (&browser.get(&form("example")), 4)] {
        let done = browser.submit(form, &self::form("example"), "name=one");
        assert!(done.text.contains("is set up"), "{}", done.text);
        assert_eq!(installed(&serve), finished);
    }
    // What comes for somebody else's run is not taken for it, and another person sees nothing of it.
    let callback = format!("{}?code=c&state=s", step("gitlab"));
    assert!(browser.get(&callback).text.contains("The URL to paste"));
    let mut other = Browser::of(&serve, &serve.token("owner", "org:integrations"));
    other
        .cookies
        .extend(browser.cookies.iter().filter(|one| one.starts_with("sentrysid")).cloned());
    assert_eq!(other.get(&step("custom_scm")).header("location"), "/");
}

#[test]
fn who_starts_again_finds_what_was_typed_but_no_secret() {
    let vendor = FakeVendor::new(&json!([]));
    let serve = ServeProcess::start();
    let mut browser = Browser::of(&serve, TOKEN);
    let page = browser.get(&form("gitlab"));
    let typed = format!(
        "url={}&client_id=an-app&client_secret=s3cr3t-1&group=acme%2Fa%26b&include_subgroups=on",
        vendor.url()
    );
    let vendor_page = browser.submit(&page, &form("gitlab"), &typed);
    assert!(vendor_page.text.contains("Continue to"), "{}", vendor_page.text);
    let refused = browser.get(&format!("{}?error=access_denied&state=x", step("gitlab")));
    assert!(refused.text.contains("Setup failed"), "{}", refused.text);
    assert!(!refused.text.contains("s3cr3t-1") && !refused.text.contains("error-code"));
    assert!(!refused.text.contains("finishline run"), "{}", refused.text);
    let pairs = hidden_fields(&refused);
    assert!(pairs.iter().any(|(name, _)| name == "form-key"));
    let again = browser.send("POST", &form("gitlab"), &encoded(&pairs[1..]));
    for kept in [
        &format!("value=\"{}\"", vendor.url()),
        "value=\"an-app\"",
        "value=\"acme/a&amp;b\"",
        "name=\"include_subgroups\" checked",
    ] {
        assert!(again.text.contains(kept), "{kept}: {}", again.text);
    }
    assert!(!again.text.contains("name=\"verify_ssl\" checked"), "{}", again.text);
    assert!(!again.text.contains("s3cr3t-1"));
    // It is a form of this browser's own: an address alone fills nothing in.
    let crafted = format!("{}?form-again=true&url=https://evil.example", form("gitlab"));
    assert!(!browser.get(&crafted).text.contains("value=\"https://evil.example\""));
    let forged = [("form-again", "true"), ("url", "https://evil.example")];
    let forged = forged.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(browser.send("POST", &form("gitlab"), &encoded(&forged)).status, 403);
}

#[test]
fn a_form_shows_what_to_enter_at_the_third_party_and_has_one_first_button() {
    let serve = ServeProcess::start();
    let mut browser = Browser::of(&serve, TOKEN);
    for (provider, scopes) in [("gitlab", "api"), ("gitea", "read:user")] {
        let page = browser.get(&form(provider));
        let redirect = format!("{}{}", serve.url(), step(provider));
        assert!(page.text.contains(&format!("<code>{redirect}</code>")), "{}", page.text);
        let start = "<dt>Scopes</dt><dd><code>";
        let shown = page.text.split(start).nth(1).unwrap().split('<').next().unwrap();
        assert!(shown.contains(scopes), "{shown}");
        assert_eq!(page.text.matches("type=\"submit\"").count(), 2, "with the one to sign out");
        assert!(hidden(&page, "form-id").is_some_and(|id| id.len() == 64));
    }
}

#[test]
fn two_servers_on_one_machine_do_not_end_each_others_pipelines() {
    let (one, two) = (ServeProcess::start(), ServeProcess::start());
    let path = "/api/0/organizations/acme/pipeline/integration_pipeline/";
    let begin = json!({ "action": "initialize", "provider": "gitlab" });
    let mut cookies: Vec<(String, String)> = Vec::new();
    for serve in [&one, &two] {
        let answer = serve.request("POST", path, begin.clone());
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        let (name, value) = cookie.split_once('=').unwrap();
        cookies.retain(|(known, _)| known != name);
        cookies.push((name.to_owned(), value.to_owned()));
    }
    let jar: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    for serve in [&one, &two] {
        let headers = [("Cookie", jar.join("; ")), ("Authorization", format!("Bearer {TOKEN}"))];
        let answer = serve.send("GET", path, &headers, "");
        assert_eq!(
            (answer.status, answer.json()["step"].clone()),
            (200, Value::from("installation_config"))
        );
    }
}
