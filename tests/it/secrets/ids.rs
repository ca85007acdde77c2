//! Ids and counts that a server gives: what has a part of a secret is in no output, file or log.

use super::others_texts::{HOSTS, OtherServer, RELEASE};
use crate::support::proxy::PROXY_TOKEN;
use serde_json::{Value, json};

/// A token of GitHub in whose middle are digits enough for a number.
const GITHUB_TOKEN: &str = "ghp_x9071625348q";
const NUMBER: i64 = 71_625_348;

fn said(text: &str) -> String {
    let is_mask = |line: &&str| line.contains("::add-mask::") || line.contains("task.setsecret");
    text.lines().filter(|line| !is_mask(line)).collect::<Vec<_>>().join("\n")
}

#[test]
fn no_id_or_count_of_a_server_brings_a_secret_into_an_output() {
    let deploys = OtherServer::answering("POST", "/deploys/");
    let releases = OtherServer::answering("POST", "/releases/");
    let pipelines = OtherServer::answering("POST", "/pipeline/integration_pipeline/");
    let half = &PROXY_TOKEN[PROXY_TOKEN.len() / 2..];
    let hex: String = half.bytes().map(|byte| format!("{byte:02x}")).collect();
    let deploy = |id: Value| (201, json!({ "id": id, "environment": "production" }));
    let stored = json!({
        "version": "web@1", "commitCount": NUMBER, "dateReleased": "2026-01-01T00:00:00Z",
    });
    let release = (201, stored);
    let done = json!({ "id": NUMBER.to_string(), "name": "x", "provider": { "key": "opsgenie" } });
    let integration =
        (200, json!({ "step": "installation_config", "status": "complete", "data": done }));
    let key = format!(
        r#"{{"baseUrl": "https://api.opsgenie.com/", "provider": "ops", "apiKey": "{GITHUB_TOKEN}"}}"#
    );
    let opsgenie = [("FINISHLINE_PROVIDER", "opsgenie"), ("FINISHLINE_STATE", &key)];
    let mut with_token = RELEASE.to_vec();
    with_token.push(("FINISHLINE_GITHUB_TOKEN", GITHUB_TOKEN));
    let is_deploy = |(name, _): &(&str, &str)| *name == "FINISHLINE_ENVIRONMENT";
    let not_deployed: Vec<_> = with_token.iter().copied().filter(|one| !is_deploy(one)).collect();
    for (server, response, inputs, output, secret) in [
        (&deploys, deploy(json!(half)), &RELEASE[..], "deploy-id", half),
        (&deploys, deploy(json!(hex)), &RELEASE, "deploy-id", &hex),
        (&deploys, deploy(json!(NUMBER)), &with_token, "deploy-id", "71625348"),
        (&releases, release, &not_deployed, "commit-count", "71625348"),
        (&pipelines, integration, &opsgenie, "integration-id", "71625348"),
    ] {
        for host in HOSTS {
            let ended = server.run(host(), response.clone(), inputs).expect(0);
            let said = said(&ended.everything());
            assert!(!said.contains(secret), "{output}: {said}");
            assert!(said.contains("secret-in-id"), "{output}: {said}");
            assert!(said.contains(&format!("`{output}` is left out")), "{output}: {said}");
        }
    }
}

#[test]
fn a_long_id_that_is_like_no_secret_is_handed_on() {
    let deploys = OtherServer::answering("POST", "/deploys/");
    let body = json!({ "id": "71625348", "environment": "production" });
    let ended = deploys.run(HOSTS[0](), (201, body), &RELEASE).expect(0);
    assert_eq!(ended.joined(["deploy-id", "warnings"]), "71625348 ");
}
