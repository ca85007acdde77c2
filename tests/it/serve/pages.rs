//! The set-up pages, as a client of the `web` dialect and a vendor's link see them.

use super::pipeline::PipelineClient;
use crate::support::engine::vectors;
use crate::support::serve::{ServeProcess, ServeResponse};
use serde_json::{Value, json};

const FORM: &str = "application/x-www-form-urlencoded";

fn set_up(provider: &str) -> String {
    format!("/organizations/acme/integrations/{provider}/setup/")
}

fn title(answer: &ServeResponse) -> &str {
    let after = answer.text.split_once("<title>").map_or("", |(_, rest)| rest);
    after.split_once(" | finishline</title>").map_or("", |(title, _)| title)
}

/// What the last page posts to the window that opened it.
fn posted(answer: &ServeResponse) -> Value {
    let after = answer.text.split_once("id=\"message\">").map_or("", |(_, rest)| rest);
    let mut values = serde_json::Deserializer::from_str(after).into_iter();
    values.next().and_then(Result::ok).unwrap_or_default()
}

#[test]
fn a_form_is_shown_taken_and_told_to_the_window_that_opened_it() {
    let serve = ServeProcess::start();
    let mut client = PipelineClient::new(&serve);
    let page = client.request("GET", &set_up("example"), &Value::Null);
    assert_eq!((page.status, title(&page)), (200, "Example Setup"));
    assert!(page.text.contains("method=\"post\"") && page.text.contains("name=\"name\""));
    assert_eq!(page.header("x-frame-options"), "deny");
    let done = client.send("POST", "/extensions/example/setup/", FORM, "name=demo");
    assert_eq!((done.status, title(&done)), (200, "Integration Setup Complete"));
    let listed = serve.get("/api/0/organizations/acme/integrations/").expect(200);
    assert_eq!(posted(&done), json!({ "success": true, "data": listed[0] }));
    let again = client.send("POST", "/extensions/example/setup/", FORM, "name=demo");
    assert_eq!((again.status, again.header("location")), (302, "/"));
}

#[test]
fn a_vendor_that_is_left_for_brings_the_browser_back() {
    let serve = ServeProcess::start();
    let mut client = PipelineClient::new(&serve);
    assert_eq!(client.request("GET", &set_up("pagerduty"), &Value::Null).status, 200);
    let config = json!({ "account": { "subdomain": "test-pd", "name": "Test <b>PD" },
        "integration_keys": [{ "integration_key": "k1", "name": "Super", "id": "PD1",
                               "type": "service" }] });
    let query: String =
        url::form_urlencoded::byte_serialize(config.to_string().as_bytes()).collect();
    let callback = format!("/extensions/pagerduty/setup/?config={query}");
    let done = client.request("GET", &callback, &Value::Null);
    assert_eq!(posted(&done)["data"]["name"], "Test <b>PD");
    assert!(!done.text.contains("Test <b>PD"), "escaped inside the script");
}

#[test]
fn a_wrong_field_shows_the_form_again_with_the_reason() {
    let serve = ServeProcess::start();
    let mut client = PipelineClient::new(&serve);
    client.request("GET", &set_up("gitlab"), &Value::Null);
    let page = client.send("POST", "/extensions/gitlab/setup/", FORM, "url=nope&group=acme");
    assert_eq!((page.status, title(&page)), (200, "GitLab Setup"));
    for field in ["url", "client_id", "client_secret"] {
        assert!(page.text.contains(&format!("id=\"error_1_id_{field}\"")), "{}", page.text);
    }
    let body = "url=http%3A%2F%2F127.0.0.1%3A9%2F&client_id=c&client_secret=s";
    let left = client.send("POST", "/extensions/gitlab/setup/", FORM, body);
    assert_eq!(left.status, 302);
    assert!(left.header("location").starts_with("http://127.0.0.1:9/oauth/authorize?client_id=c&"));
    let wrong = client.request("GET", "/extensions/gitlab/setup/?code=c&state=wrong", &Value::Null);
    assert_eq!((wrong.status, title(&wrong)), (200, "Setup Error"));
    let refused =
        client.request("GET", "/extensions/gitlab/setup/?error=denied%3Cb%3E", &Value::Null);
    assert_eq!(title(&refused), "Setup Error");
    assert!(refused.text.contains("denied&lt;b&gt;"));
    let nothing = client.request("GET", "/extensions/gitlab/setup/", &Value::Null);
    assert_eq!(nothing.status, 302, "the step itself is shown, which is at the vendor");
}

#[test]
fn who_may_not_install_is_sent_to_the_login_page() {
    let serve = ServeProcess::start();
    let sql = "INSERT INTO organization (slug, created_at) VALUES ('other', 0)";
    serve.database().execute(sql, []).unwrap();
    let (member, stranger) = (serve.token("member", "org:admin"), serve.token("", "org:admin"));
    let (org, owner) = (serve.org_token(), serve.token("owner", "org:integrations"));
    let releases = serve.token("owner", "project:releases");
    let at = |token: &str, path: &str| {
        let answer = serve.request_as(token, "GET", path, Value::Null);
        let (location, next) = answer.header("location").split_once("?next=").unwrap_or_default();
        assert!(answer.status != 302 || next.starts_with("%2Forganizations%2F"), "{next}");
        (answer.status, location.to_owned())
    };
    let page = set_up("example");
    for (token, location) in [
        ("", "/auth/login/acme/"),
        ("wrong", "/auth/login/acme/"),
        (&org, "/auth/login/acme/"),
        (&stranger, "/auth/login/acme/"),
        (&member, "/auth/login/"),
        // Its role would do, but it is no token to set something up with.
        (&releases, "/auth/login/"),
    ] {
        assert_eq!(at(token, &page), (302, location.to_owned()), "{token}");
    }
    assert_eq!(at(&owner, &page).0, 200);
    let (nope, other) = (page.replace("acme", "nope"), page.replace("acme", "other"));
    assert_eq!(at(&owner, &nope), (302, "/auth/login/".to_owned()));
    assert_eq!(at(&owner, &other), (302, "/auth/login/other/".to_owned()));
    assert_eq!(at(&owner, &set_up("zzz")).0, 404);
    assert_eq!(at("", "/auth/login/acme/").0, 200);
}

#[test]
fn a_session_without_its_users_token_goes_no_further() {
    let serve = ServeProcess::start();
    let mut client = PipelineClient::new(&serve);
    client.request("GET", &set_up("example"), &Value::Null);
    client.token = serve.token("owner", "org:admin");
    let page = client.send("POST", "/extensions/example/setup/", FORM, "name=demo");
    assert_eq!((page.status, title(&page)), (200, "Setup Error"));
    assert_eq!(serve.get("/api/0/organizations/acme/integrations/").expect(200), json!([]));
}

#[test]
fn the_callback_of_an_api_pipeline_is_handed_to_the_window_that_opened_it() {
    let serve = ServeProcess::start();
    let mut client = PipelineClient::new(&serve);
    let body = json!({ "action": "initialize", "provider": "gitlab" });
    let path = "/api/0/organizations/acme/pipeline/integration_pipeline/";
    client.request("POST", path, &body).expect(200);
    let page = client.request("GET", "/extensions/gitlab/setup/?code=c&state=s", &Value::Null);
    assert_eq!(posted(&page), json!({ "code": "c", "state": "s" }));
    client.request("GET", path, &Value::Null).expect(200);
}

#[test]
fn a_vendors_link_ends_at_the_settings_page_with_next() {
    let serve = ServeProcess::start();
    let mut client = PipelineClient::new(&serve);
    let link = "/extensions/example/configure/?name=demo&next=https%3A%2F%2Fexample.com%2F%3Fa%3D1";
    let done = client.request("GET", link, &Value::Null);
    let location = format!(
        "{}/settings/acme/integrations/example/1/?next=https%3A%2F%2Fexample.com%2F%3Fa%3D1",
        serve.url()
    );
    assert_eq!((done.status, done.header("location")), (302, location.as_str()));
    let form = client.request("GET", "/extensions/example/configure/", &Value::Null);
    assert_eq!(title(&form), "Example Setup");
    let done = client.send("POST", "/extensions/example/setup/", FORM, "name=demo");
    let location = format!("{}/settings/acme/integrations/example/1/", serve.url());
    assert_eq!((done.status, done.header("location")), (302, location.as_str()));
}

/// A token of a user with two organizations, `acme` and `b`.
fn token_of_several(serve: &ServeProcess) -> String {
    let token = serve.token("owner", "org:admin");
    let sql = "INSERT INTO organization (slug, created_at) VALUES ('b', 0);
               INSERT INTO member SELECT organization.id, user.id, 'owner' FROM organization, user
               WHERE slug = 'b' AND user.name = 'user owner:org:admin'";
    serve.database().execute_batch(sql).unwrap();
    token
}

/// Holds an answer against a case of Sentry's view, with `example` in the vendor's place.
fn assert_holds(serve: &ServeProcess, case: &Value, answer: &ServeResponse) {
    let ours = |text: &str| {
        let text = text.replace("vercel", "example").replace("{org}", "acme");
        text.replace("http://testserver", &serve.url())
    };
    let location = answer.header("location");
    assert_eq!(u64::from(answer.status), case["status"], "{case}");
    let prefix = ours(case["location_prefix"].as_str().unwrap());
    assert!(location.starts_with(&prefix), "{location} {prefix}");
    if let Some(suffix) = case["location_suffix"].as_str() {
        assert!(location.ends_with(suffix), "{location}");
    }
    if case["query_preserved"] == true {
        assert!(location.ends_with("?name=my-code&next=https%3A%2F%2Fexample.com"), "{location}");
    }
}

#[test]
fn the_link_decides_by_sentrys_table() {
    let serve = ServeProcess::start();
    let member = serve.token("member", "org:read");
    let admin = serve.token("admin", "org:integrations");
    let several = token_of_several(&serve);
    let path = "/extensions/example/configure/?name=my-code&next=https%3A%2F%2Fexample.com";
    let mut held = 0;
    for case in vectors("extension_configuration_view").as_array().unwrap() {
        let token = match case["case"].as_str().unwrap() {
            "logged out" => "",
            "one org, admin, feature on" => &admin,
            "one org, plain member (no org:integrations)" => &member,
            "several orgs, no orgSlug" => &several,
            // The others are of providers that are not here, or of customer domains.
            _ => continue,
        };
        assert_holds(&serve, case, &serve.request_as(token, "GET", path, Value::Null));
        held += 1;
    }
    assert_eq!(held, 4);
    let login = serve.request_as("", "GET", path, Value::Null);
    let next = "next=%2Fextensions%2Fexample%2Fconfigure%2F%3Fname%3Dmy-code\
                %26next%3Dhttps%253A%252F%252Fexample.com";
    assert!(login.header("location").ends_with(next));
    let chosen = "/extensions/example/configure/?orgSlug=b&name=x";
    let answer = serve.request_as(&several, "GET", chosen, Value::Null);
    assert!(answer.header("location").contains("/settings/b/integrations/example/"));
}
