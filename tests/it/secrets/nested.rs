//! Secrets within mappings of `state`: the same rules at every depth.

use crate::support::run::ProgramRun;

const KEY: &str = "n3sted-k3y-0f-pagerduty";

fn pagerduty(key: &str) -> String {
    format!(
        "version: 1
defaults: {{org: acme}}
integrations:
  - provider: pagerduty
    state:
      config:
        account: {{subdomain: acme, name: Acme}}
        integration_keys:
          - {{integration_key: {key}, name: Web, id: P1, type: service}}
"
    )
}

fn planned(manifest: &str) -> ProgramRun {
    let run = ProgramRun::github().var("FINISHLINE_BACKEND", "embedded").var("KEY", KEY);
    run.file("finishline.yml", manifest);
    let database = run.database();
    run.var("FINISHLINE_DATABASE", database).var("FINISHLINE_MANIFEST", "finishline.yml")
}

#[test]
fn a_secret_in_a_mapping_of_a_manifest_is_a_mistake_and_a_variable_is_none() {
    let ended = planned(&pagerduty(KEY)).args(&["plan"]).execute().expect(2);
    let words =
        "`integration_key` at line 9 column 14 is a secret, but is written in the file itself";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    assert!(ended.stderr.contains("write `integration_key: ${NAME}`"), "{}", ended.stderr);
    let shown = [ended.stdout.as_str(), &ended.stderr, &ended.output("error-message")].concat();
    let shown = shown.replace(&format!("::add-mask::{KEY}"), "");
    assert!(!shown.contains(KEY), "{shown}");
    planned(&pagerduty("'${KEY}'")).args(&["plan"]).execute().expect(0);
}

#[test]
fn secrets_in_mappings_are_masked_where_the_run_ends_with_a_mistake() {
    let mask = format!("::add-mask::{KEY}\n");
    let config = "{config: {account: {}, integration_keys: [{integration_key: '${KEY}'}]}}";
    let tool = "{first: {outer: {inner: ['${KEY}']}}}";
    for (provider, state) in [("pagerduty", config), ("no-such-tool", tool)] {
        let run = ProgramRun::github().var("FINISHLINE_PROVIDER", provider);
        let run = run.var("FINISHLINE_STATE", state).var("KEY", KEY).var("SENTRY_ORG", "acme");
        let run = run.var("FINISHLINE_BACKEND", "embedded");
        let database = run.database();
        let ended = run.var("FINISHLINE_DATABASE", database).execute().expect(2);
        assert!(ended.stderr.contains(&mask), "{provider}: {}", ended.stderr);
    }
}
