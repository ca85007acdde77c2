//! Whether `redirect` gives every absolute URL that the vectors of Sentry's own rules expect.

use crate::support::engine::vectors;
use finishline::model::site::{Site, absolute_uri, customer_domain_path};
use serde_json::Value;

fn cases(group: &str) -> Vec<Value> {
    let cases = vectors(group).as_array().expect("the group is a list").clone();
    assert!(!cases.is_empty(), "{group} has cases");
    cases
}

fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().expect("the case has this text")
}

fn site(case: &Value) -> Site {
    let options = &case["options"];
    let site = Site::new(text(options, "system_url_prefix"));
    if case["customer_domain"] == false {
        return site;
    }
    site.with_customer_domains(
        text(options, "organization_url_template"),
        text(options, "organization_base_hostname"),
    )
}

#[test]
fn every_path_is_rewritten_as_sentry_does_it() {
    for case in cases("customer_domain_path") {
        assert_eq!(customer_domain_path(text(&case, "input")), text(&case, "expected"), "{case}");
    }
}

#[test]
fn every_path_is_joined_to_its_prefix_as_sentry_does_it() {
    for case in cases("absolute_uri") {
        let prefix = case["url_prefix"].as_str().unwrap_or(text(&case, "system_url_prefix"));
        assert_eq!(absolute_uri(text(&case, "url"), prefix), text(&case, "expected"), "{case}");
    }
}

#[test]
fn every_page_of_an_organization_has_the_url_that_sentry_gives_it() {
    for case in cases("organization_absolute_url") {
        let (query, fragment) = (case["query"].as_str(), case["fragment"].as_str());
        let url =
            site(&case).absolute_url(text(&case, "slug"), text(&case, "path"), query, fragment);
        assert_eq!(url, text(&case, "expected"), "{case}");
    }
}

#[test]
fn every_finished_pipeline_leads_where_sentry_led() {
    for case in cases("external_pipeline_redirect") {
        let id = case["integration_id"].as_i64().unwrap();
        let (slug, key) = (text(&case, "slug"), text(&case, "integration_key"));
        let url = site(&case).settings_url(slug, key, id, case["next"].as_str());
        assert_eq!(url, text(&case, "location"), "{case}");
    }
}
