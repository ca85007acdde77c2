//! `prune: true` and a server or an organization that is named otherwise than in the record.

use super::prune_ids::{RECORD, entry, recorded, there, with};
use crate::support::serve::ServeProcess;
use serde_json::Value;

/// As if the server had been reached under another name.
#[test]
fn what_is_dropped_while_the_server_gets_another_name_stays_in_the_record_with_a_warning() {
    let serve = ServeProcess::start();
    let run = serve.github_run();
    let named = |links: &str| {
        let run = with(&run, &entry(links));
        let url = format!("{{org: acme, url: '{}'}}", serve.url());
        run.file("finishline.yml", run.text("finishline.yml").replace("{org: acme}", &url));
        run.execute().expect(0)
    };
    named(", repositories: [acme/a, acme/b]");
    let mut record: Value = serde_json::from_str(&run.text(RECORD)).unwrap();
    record["integrations"][0]["server"] = "https://sentry.old.example/".into();
    run.file(RECORD, record.to_string());
    let said = named(", repositories: [acme/a]").everything();
    assert!(said.contains("does not reach"), "{said}");
    assert_eq!(there(&run, &serve), ["1 acme/a", "2 acme/b"]);
    let record: Value = serde_json::from_str(&run.text(RECORD)).unwrap();
    let old = &record["integrations"][1];
    assert_eq!(old["server"], "https://sentry.old.example/", "{record}");
    assert_eq!(old["repositories"], serde_json::json!([{"id": "2", "name": "acme/b"}]));
}

#[test]
fn what_is_dropped_while_the_organization_is_named_by_its_id_is_pruned() {
    let serve = ServeProcess::start();
    let run = serve.github_run();
    with(&run, &entry(", repositories: [acme/a, acme/b]")).execute().expect(0);
    let less = with(&run, &entry(", repositories: [acme/a]"));
    run.file("finishline.yml", run.text("finishline.yml").replace("{org: acme}", "{org: '1'}"));
    less.execute().expect(0);
    assert_eq!(there(&run, &serve), ["1 acme/a"]);
    assert_eq!(recorded(&run, "org"), "1", "{}", run.text(RECORD));
    assert!(!run.text(RECORD).contains("acme/b"), "{}", run.text(RECORD));
}

/// A server may answer the old slug as well.
#[test]
fn nothing_is_pruned_of_an_organization_that_may_have_another_slug_now() {
    let serve = ServeProcess::start();
    let run = serve.github_run();
    let entries = entry(", repositories: [acme/a]");
    with(&run, &entries).execute().expect(0);
    let mut record: Value = serde_json::from_str(&run.text(RECORD)).unwrap();
    record["integrations"][0]["org"] = "acme-old".into();
    run.file(RECORD, record.to_string());
    let said = with(&run, &entries).execute().expect(0).everything();
    assert!(said.contains("write its new slug into the record"), "{said}");
    assert_eq!(there(&run, &serve), ["1 acme/a"]);
    assert!(run.text(RECORD).contains("acme-old"), "{}", run.text(RECORD));
}
