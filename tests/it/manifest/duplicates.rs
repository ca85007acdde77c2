//! What a manifest has twice and Sentry once: an error with both places, before anything begins.

use crate::support::run::ProgramRun;

const HEAD: &str = "version: 1\ndefaults: {org: acme}\nintegrations:\n";

fn planned(entries: &str) -> ProgramRun {
    let run = ProgramRun::github();
    run.file("finishline.yml", format!("{HEAD}{entries}"));
    let key = include_str!("../../fixtures/key.pem");
    // Nobody listens there: what is said is said before a request is made.
    run.args(&["plan", "--manifest", "finishline.yml"])
        .var("FINISHLINE_URL", crate::support::http_server::HttpServer::unused_url())
        .var("FINISHLINE_AUTH_TOKEN", "t0ken")
        .var("FINISHLINE_TIMEOUT", "1s")
        .var("SECRET", "s3cr3t-key")
        .var("KEY", key)
}

#[track_caller]
fn assert_twice(entries: &str, second: &str, first: &str) {
    let ended = planned(entries).execute().expect(2);
    let said = &ended.stderr;
    assert_eq!(ended.output("error-code"), "bad-manifest", "{entries}: {said}");
    assert!(said.contains(&format!("finishline.yml {second}: ")), "{entries}: {said}");
    assert!(said.contains(first), "{entries}: {said}");
    assert!(!said.replace("::add-mask::s3cr3t-key", "").contains("s3cr3t"), "{said}");
}

const SERVER: &str = "url: 'https://git.example.com/', consumerKey: a, privateKey: '${KEY}'";
const SAME_SERVER: &str =
    "url: 'https://GIT.example.com', consumerKey: a, privateKey: '${KEY}', verifySsl: false";
const ENTERPRISE: &str = "url: 'https://ghe.example.com', id: '1', name: a, webhookSecret: '${SECRET}', privateKey: '${KEY}', clientId: c, clientSecret: '${SECRET}', installationId: '7'";

/// Providers, each with two spellings of one account.
const TWICE: &[(&str, &str, &str)] = &[
    (
        "opsgenie",
        "baseUrl: 'https://api.opsgenie.com/', provider: ops",
        "baseUrl: 'https://api.eu.opsgenie.com/', provider: ops",
    ),
    (
        "gitlab",
        "url: 'https://gitlab.com', group: Acme/web, clientId: a, clientSecret: '${SECRET}'",
        "url: 'https://gitlab.com/', group: acme/WEB, clientId: b, clientSecret: '${SECRET}'",
    ),
    (
        "gitea",
        "url: 'https://git.example.com', clientId: a, clientSecret: '${SECRET}'",
        "url: 'https://git.example.com/', clientId: a, clientSecret: '${SECRET}'",
    ),
    ("github", "chosenInstallationId: '7'", "chosenInstallationId: '7'"),
    (
        "custom_scm",
        "name: scm, url: 'https://a.example.com'",
        "name: scm, url: 'https://a.example.com'",
    ),
    ("outpost", "baseUrl: 'https://a.example.com'", "baseUrl: 'https://a.example.com/'"),
    ("cursor", "apiKey: '${SECRET}'", "apiKey: '${SECRET}'"),
    (
        "datadog",
        "apiKey: '${SECRET}', appKey: '${SECRET}', site: datadoghq.eu",
        "apiKey: '${SECRET}', appKey: '${SECRET}', site: datadoghq.com",
    ),
    (
        "perforce",
        "p4port: 'p4:1666', user: a, authType: ticket, password: '${SECRET}'",
        "p4port: 'p4:1666', user: b, authType: ticket, password: '${SECRET}'",
    ),
    ("gcp_sa", "gcpProjectId: my-project", "gcpProjectId: my-project, displayName: x"),
    ("example", "name: one", "name: one"),
    ("jira_server", SERVER, SAME_SERVER),
    ("bitbucket_server", SERVER, SAME_SERVER),
    ("github_enterprise", ENTERPRISE, ENTERPRISE),
];

#[test]
fn the_same_account_twice_is_an_error_with_both_places() {
    for (provider, one, again) in TWICE {
        let entries = format!(
            "  - provider: {provider}\n    state: {{{one}}}\n  - {{provider: example, state: {{name: between}}}}\n  - provider: {provider}\n    state: {{{again}}}\n"
        );
        let first = format!("the same {provider} account as `integrations[0]` at line 4 column 5");
        assert_twice(&entries, "line 7 column 5", &first);
    }
    let by_id =
        "  - {provider: slack, integration-id: 7}\n  - {provider: slack, integration-id: 7}\n";
    assert_twice(by_id, "line 5 column 5", "as `integrations[0]` at line 4 column 5");
    // As another of the two names of one kind.
    let both = "  - {provider: vsts, state: {account: a1}}\n  - {provider: vsts-extension, state: {targetId: a1, targetName: acme}}\n";
    assert_twice(both, "line 5 column 5", "as `integrations[0]` at line 4 column 5");
}

/// What the fields would be by default says nothing beside an id.
#[test]
fn two_ids_without_fields_are_two_accounts() {
    for provider in ["gitlab", "github_enterprise", "custom_scm", "bitbucket_server", "jira_server"]
    {
        for rest in ["mode: remove", "state: absent"] {
            let entry =
                |id: u32| format!("  - {{provider: {provider}, integration-id: {id}, {rest}}}\n");
            let ended = planned(&format!("{}{}", entry(1), entry(2))).execute();
            let code = ended.output("error-code");
            assert_eq!(code, "unreachable", "{provider}, {rest}: {}", ended.stderr);
        }
    }
}

#[test]
fn a_stack_root_of_a_project_twice_is_an_error_with_both_places() {
    let mapping = |root: &str, source: &str| {
        format!(
            "      - {{project: web, repository: acme/{source}, stackRoot: '{root}', sourceRoot: {source}/}}\n"
        )
    };
    let entry = |name: &str| {
        format!("  - provider: example\n    state: {{name: {name}}}\n    code-mappings:\n")
    };
    for root in ["app/", ""] {
        let (one, two) = (mapping(root, "a"), mapping(root, "b"));
        let first = format!(
            "project `web` with stack root `{root}` is mapped twice, first at line 7 column 9"
        );
        assert_twice(
            &format!("{}{one}{}{two}", entry("one"), mapping("lib/", "b")),
            "line 9 column 9",
            &first,
        );
        assert_twice(
            &format!("{}{one}{}{two}", entry("one"), entry("two")),
            "line 11 column 9",
            &first,
        );
    }
    // Those of `defaults:` are every entry's.
    let run = planned("");
    run.file("finishline.yml", "version: 1\ndefaults:\n  org: acme\n  code-mappings:\n    - {project: web, repository: acme/web}\nintegrations:\n  - {provider: example, state: {name: one}}\n  - {provider: example, state: {name: two}}\n");
    let said = run.execute().expect(2).stderr;
    assert!(said.contains("is mapped twice, first at line 5 column 7"), "{said}");
}

/// Each run would take it from the other one.
#[test]
fn a_repository_of_two_integrations_is_an_error_with_both_places() {
    let entry = |name: &str, repository: &str| {
        format!(
            "  - {{provider: example, state: {{name: {name}}}, repositories: [{repository}]}}\n"
        )
    };
    let entries = entry("one", "acme/api, acme/web") + &entry("two", "Acme/Web");
    let first = "repository `Acme/Web` is linked by `integrations[0]` at line 4 column 5, too";
    assert_twice(&entries, "line 5 column 5", first);
}

#[test]
fn what_only_looks_the_same_is_none() {
    let entries = "  - {provider: opsgenie, state: {baseUrl: 'https://api.opsgenie.com/', provider: ops}}
  - {provider: opsgenie, org: beta, state: {baseUrl: 'https://api.opsgenie.com/', provider: ops}}
  - {provider: opsgenie, state: {baseUrl: 'https://api.opsgenie.com/', provider: ops2}}
  - {provider: example, state: {name: ops}, code-mappings: [{project: web, repository: acme/web}]}
  - {provider: example, org: beta, state: {name: ops}, code-mappings: [{project: web, repository: acme/web}]}
  - {provider: gitlab, state: {url: 'https://gitlab.com', clientId: a, clientSecret: '${SECRET}'}, repositories: [a/b, a/b]}
  - {provider: gitlab, state: {url: 'https://gitlab.example.com', clientId: a, clientSecret: '${SECRET}'}, repositories: [a/b]}
  - {provider: gitea, state: {url: 'https://gitlab.com', clientId: a, clientSecret: '${SECRET}'}, repositories: [a/b]}
  - {mode: link, integration-id: 9, repositories: [a/b]}
  - {provider: slack}
  - {provider: slack}
";
    let ended = planned(entries).execute().expect(6);
    assert_eq!(ended.output("error-code"), "unreachable", "{}", ended.stderr);
}

#[test]
fn code_mappings_without_a_manifest_are_no_different() {
    let mappings = "[{project: web, repository: a/b, stackRoot: x/}, {project: web, repository: a/c, stackRoot: x/}]";
    let run = ProgramRun::local().opsgenie().var("FINISHLINE_CODE_MAPPINGS", mappings);
    let ended = run.execute().expect(2);
    let words = "`code-mappings` (FINISHLINE_CODE_MAPPINGS) maps project `web` with stack root `x/` twice: items 1 and 2";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    assert!(!run.database().exists());
}

/// A machine has several names, and a server is one under all of them.
#[test]
fn an_account_is_one_under_both_names_of_its_server() {
    let url = crate::support::http_server::HttpServer::unused_url();
    let other = url.replace("127.0.0.1", "localhost");
    let entry =
        |url: &str| format!("  - {{provider: example, url: '{url}', state: {{name: a}}}}\n");
    assert_twice(
        &(entry(&url) + &entry(&other)),
        "line 5 column 5",
        "`integrations[0]` at line 4 column 5",
    );
}
