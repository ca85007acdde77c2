//! What a Sentry does not show of its integrations is not guessed: it becomes a variable with a
//! comment, and once that is set there is nothing to do.

use super::import::{import, planning};
use crate::support::fake_sentry::{self, TOKEN};
use crate::support::http_server::{HttpServer, Request, Response};
use crate::support::run::ProgramRun;
use finishline::provider::{Field, FieldKind, PROVIDERS, Provider};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A server whose pages are below a path, over plain HTTP.
const SERVER: &str = "http://git.example.com:8443/below/here";
const PEM: &str = include_str!("../../fixtures/key.pem");

/// An integration of this provider as Sentry lists it: its external id, name and domain.
fn shown(key: &str) -> (&'static str, &'static str, Option<&'static str>) {
    let domain = "git.example.com:8443";
    match key {
        "gitlab" => {
            ("git.example.com:8443:42", "Acme / Web", Some("git.example.com:8443/Acme/web"))
        }
        "gitea" => ("git.example.com:8443:an-app", domain, Some(domain)),
        "github_enterprise" => {
            ("git.example.com:8443:9", "acme", Some("git.example.com:8443/acme"))
        }
        "bitbucket_server" | "jira_server" => ("git.example.com:8443:a-key", "a-key", Some(domain)),
        "opsgenie" => ("acme-ops", "acme-ops", Some("acme-ops.app.eu.opsgenie.com")),
        "custom_scm" => ("5f9d", "scm", Some("http://git.example.com:8443/below/here")),
        "perforce" => ("perforce-org-1-8858dee7", "p4", None),
        "datadog" => ("0f0f", "Datadog (datadoghq.eu)", None),
        "outpost" => ("77aa", "Outpost Agent (http://git.example.com:8443/below/here)", None),
        "aws_lambda" => ("123456789012-us-east-2", "acme", None),
        "gcp" => ("1", "Google Cloud", None),
        "gcp_sa" => ("my-project", "GCP (my-project)", None),
        "pagerduty" => ("acme-pd", "Acme", Some("acme-pd.pagerduty.com")),
        _ => ("12345", "acme", None),
    }
}

fn listed(id: usize, key: &str) -> Value {
    let (external_id, name, domain) = shown(key);
    let mut item = fake_sentry::integration(id, key, external_id);
    (item["name"], item["domainName"]) = (name.into(), domain.into());
    item
}

/// A Sentry with one integration of every provider.
fn sentry() -> (HttpServer, Vec<&'static dyn Provider>) {
    let is_own = |provider: &&&dyn Provider| provider.key() == provider.integration_key();
    let providers: Vec<_> = PROVIDERS.iter().filter(is_own).copied().collect();
    let integrations: Vec<_> =
        providers.iter().enumerate().map(|(at, one)| listed(at + 1, one.key())).collect();
    (answering(integrations, json!([]), json!([])), providers)
}

fn answering(integrations: Vec<Value>, repositories: Value, mappings: Value) -> HttpServer {
    HttpServer::new(move |request: &Request| match request.line().as_str() {
        "GET integrations/" => {
            let key = request.parameter("provider_key");
            let is_asked =
                |item: &&Value| key.is_empty() || item["provider"]["key"] == key.as_str();
            Response::json(200, &integrations.iter().filter(is_asked).cloned().collect())
        }
        "GET repos/" => Response::json(200, &repositories),
        "GET code-mappings/" => Response::json(200, &mappings),
        "GET " => Response::json(200, &json!({ "slug": "acme", "links": {} })),
        _ => Response::detail(404, "The requested resource does not exist"),
    })
}

fn run_at(peer: &HttpServer) -> ProgramRun {
    let run = ProgramRun::local().var("FINISHLINE_URL", peer.url());
    run.var("FINISHLINE_AUTH_TOKEN", TOKEN).var("FINISHLINE_ORG", "acme")
}

/// What a person sets for a field, knowing the third party.
fn value(key: &str, field: &Field) -> String {
    match (key, field.name, &field.kind) {
        ("pagerduty", ..) => {
            let account = json!({ "name": "Acme", "subdomain": "acme-pd" });
            json!({ "account": account, "integration_keys": [] }).to_string()
        }
        ("perforce", "p4port", _) => "perforce.example.com:1666".to_owned(),
        (_, "awsExternalId", _) => "5b1e0f1c-0e1a-4f0c-8a54-7d7f1c2b3a4d".to_owned(),
        (.., FieldKind::Url) => SERVER.to_owned(),
        (.., FieldKind::Flag(default)) => default.to_string(),
        (.., FieldKind::Integer) => "12".to_owned(),
        (.., FieldKind::Choice(choices)) => choices[0].to_owned(),
        (.., FieldKind::Rule(..)) if field.name == "privateKey" => PEM.to_owned(),
        (.., FieldKind::Rule(..) | FieldKind::List(_) | FieldKind::AnyList(_)) => {
            field.example.to_owned()
        }
        _ => "s3cr3t-value".to_owned(),
    }
}

/// The variables of a manifest with what a person sets them to.
fn set(manifest: &str, providers: &[&'static dyn Provider]) -> BTreeMap<String, String> {
    let manifest: serde_yaml::Value = serde_yaml::from_str(manifest).unwrap();
    let mut variables = BTreeMap::new();
    for entry in manifest["integrations"].as_sequence().unwrap() {
        let key = entry["provider"].as_str().unwrap();
        let provider = providers.iter().find(|one| one.key() == key).unwrap();
        for (name, text) in
            entry.get("state").and_then(|state| state.as_mapping()).into_iter().flatten()
        {
            let text = text.as_str().unwrap_or_default();
            let Some(variable) = text.strip_prefix("${") else { continue };
            let mut fields = provider.all_steps().flat_map(|step| step.fields);
            let field = fields.find(|field| field.name == name.as_str().unwrap()).unwrap();
            variables.insert(variable.trim_end_matches('}').to_owned(), value(key, field));
        }
    }
    variables
}

/// Lines of the manifest, each of the integration of a provider, whose id is `ID`.
const SHOWN: [(&str, &str); 8] = [
    (
        "gitlab",
        "url: ${GITLAB_ID_URL} # only its host is shown (git.example.com:8443): the URL of the GitLab instance",
    ),
    (
        "gitlab",
        "verifySsl: ${GITLAB_ID_VERIFY_SSL} # not shown: whether to verify the instance's TLS certificate (default: true)",
    ),
    (
        "gitlab",
        "includeSubgroups: ${GITLAB_ID_INCLUDE_SUBGROUPS} # not shown: whether to include the group's subgroups (default: false)",
    ),
    ("gitlab", "clientSecret: ${GITLAB_ID_CLIENT_SECRET} # secret: the secret of that application"),
    (
        "perforce",
        "# client: ${PERFORCE_ID_CLIENT} # not shown: the workspace (optional: use the line if it was set)",
    ),
    (
        "opsgenie",
        "apiKey: ${OPSGENIE_ID_API_KEY} # secret: an Opsgenie integration key (optional: remove the line if it was not set)",
    ),
    ("gitlab", "group: Acme/web"),
    ("opsgenie", "baseUrl: https://api.eu.opsgenie.com/"),
];

#[test]
fn what_a_sentry_does_not_show_is_a_variable_with_a_comment_for_every_provider() {
    let (peer, providers) = sentry();
    let run = run_at(&peer);
    let ended = import(&run);
    assert!(!ended.stderr.contains("warning:"), "{}", ended.stderr);
    for line in ended.stdout.lines().filter(|line| line.contains("${")) {
        assert!(line.contains("} # "), "{line}");
    }
    let id = |key: &str| 1 + providers.iter().position(|one| one.key() == key).unwrap();
    for (key, line) in SHOWN {
        let line = format!("    {}\n", line.replace("ID", &id(key).to_string()));
        assert!(ended.stdout.contains(&line), "{line}: {}", ended.stdout);
    }
    for guess in ["url: http://git", "url: https://git", "verifySsl: true", "verifySsl: false"] {
        assert!(!ended.stdout.contains(&format!("    {guess}")), "{guess}: {}", ended.stdout);
    }
    // Once they are set there is nothing to do.
    let plan = set(&ended.stdout, &providers)
        .into_iter()
        .fold(planning(&run, &ended.stdout), |plan, (name, value)| plan.var(&name, value));
    let plan = plan.execute();
    let all = format!("{0} entries: {0} with nothing to do", providers.len());
    assert!(plan.stdout.contains(&all), "{}\n{}\n{}", ended.stdout, plan.stdout, plan.stderr);
    assert_eq!(plan.exit, Some(0));
}

/// One of an integration, and one that was added by hand.
fn repositories() -> Value {
    json!([
        { "name": "acme/web", "integrationId": "6" },
        { "name": "by/hand", "integrationId": null },
    ])
}

/// A whole one, one whose project is not shown, and one of an integration that is not listed.
fn mappings() -> Value {
    json!([
        { "integrationId": "6", "projectSlug": "web", "repoName": "acme/web", "stackRoot": "",
          "sourceRoot": "src/", "defaultBranch": "main" },
        { "integrationId": "6", "projectSlug": null, "repoName": "acme/web", "stackRoot": "lost/",
          "sourceRoot": "src/", "defaultBranch": "main" },
        { "integrationId": "77", "projectSlug": "web", "repoName": "other/one", "stackRoot": "",
          "sourceRoot": "", "defaultBranch": "main" },
    ])
}

#[test]
fn an_account_whose_domain_tells_nothing_is_not_guessed() {
    let integration = |id, key, external_id, domain: Value| {
        let mut item = fake_sentry::integration(id, key, external_id);
        item["domainName"] = domain;
        item
    };
    let peer = answering(
        vec![
            integration(4, "opsgenie", "acme-ops", json!(null)),
            integration(5, "gitlab", "git.example.com:42", json!("git.example.com")),
            integration(6, "gitlab", "git.example.com:_instance_", json!("git.example.com")),
        ],
        repositories(),
        mappings(),
    );
    let ended = import(&run_at(&peer));
    let entries: Vec<_> = ended.stdout.split("- provider: ").skip(1).collect();
    assert!(entries[0].contains("baseUrl: ${OPSGENIE_4_BASE_URL} # not shown: "), "{}", entries[0]);
    let group = "group: ${GITLAB_5_GROUP} # not shown: ";
    assert!(
        entries[1].contains(group) && entries[1].contains("integration-id: 5"),
        "{}",
        entries[1]
    );
    assert!(!entries[2].contains("group:") && entries[2].contains("includeSubgroups: false"));
    assert!(!entries[2].contains("integration-id"), "{}", entries[2]);
    assert!(!ended.stdout.contains("lost/") && !ended.stdout.contains("project: ''"));
    for warned in [
        "skipped a code mapping of integration 6",
        "skipped repositories that belong to no listed integration: 1",
        "skipped code mappings that belong to no listed integration: 1",
    ] {
        assert!(ended.stderr.contains(warned), "{warned}: {}", ended.stderr);
    }
}
