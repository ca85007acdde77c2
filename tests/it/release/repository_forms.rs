//! Which repository of the server a job's own is: each provider's forms of an address against
//! repositories whose display names mislead.

use super::requests::HEAD;
use crate::support::proxy::{PROXY_TOKEN, ServeProxy};
use crate::support::run::{ProgramRun, RunResult};

/// Makes a repository known whose own name at the third party is a number, as GitLab's is.
fn add_repository(relay: &ServeProxy, name: &str, url: Option<&str>) {
    let sql = "INSERT INTO repository
                   (organization_id, name, url, provider, external_id, created_at)
               SELECT id, ?1, ?2, 'integrations:gitlab', 7 + (SELECT count(*) FROM repository), 0
               FROM organization";
    relay.serve.database().execute(sql, (name, url)).unwrap();
}

/// The job of a host, from its variables.
fn job(relay: &ServeProxy, variables: &[(&str, &str)]) -> RunResult {
    let run = ProgramRun::local()
        .var("SENTRY_URL", relay.peer.url())
        .var("SENTRY_AUTH_TOKEN", PROXY_TOKEN)
        .var("SENTRY_ORG", "acme")
        .var("SENTRY_PROJECT", "web")
        .var("FINISHLINE_RELEASE", "web@1.0.0")
        .var("FINISHLINE_CI", "local");
    variables.iter().fold(run, |run, (name, value)| run.var(name, *value)).execute().expect(0)
}

/// The repositories whose heads the release that was taken at last names.
fn released(relay: &ServeProxy) -> Vec<String> {
    let requests = relay.peer.requests();
    let last = requests.iter().rfind(|request| request.line() == "POST releases/").unwrap();
    let body = last.json();
    let refs = body["refs"].as_array().into_iter().flatten();
    refs.map(|one| one["repository"].as_str().unwrap().to_owned()).collect()
}

fn jenkins(url: &str) -> Vec<(&str, &str)> {
    vec![("JENKINS_URL", "https://ci.example/"), ("GIT_COMMIT", HEAD), ("GIT_URL", url)]
}

/// A job, a repository with a misleading name, and the right one's address.
type Case<'a> = (Vec<(&'a str, &'a str)>, (&'a str, &'a str), &'a str);

const GITLAB: [(&str, &str); 4] = [
    ("GITLAB_CI", "true"),
    ("CI_PROJECT_PATH", "group/sub/web"),
    ("CI_COMMIT_SHA", HEAD),
    ("CI_PIPELINE_URL", "https://example.com/gitlab/group/sub/web/-/pipelines/7"),
];
const ENTERPRISE: [(&str, &str); 7] = [
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_SERVER_URL", "https://ghe.example.com"),
    ("GITHUB_REPOSITORY", "acme/web"),
    ("GITHUB_EVENT_NAME", "push"),
    ("GITHUB_REF", "refs/heads/main"),
    ("GITHUB_RUN_ID", "7"),
    ("GITHUB_SHA", HEAD),
];
const BITBUCKET: [(&str, &str); 3] = [
    ("BITBUCKET_BUILD_NUMBER", "7"),
    ("BITBUCKET_REPO_FULL_NAME", "acme/web"),
    ("BITBUCKET_COMMIT", HEAD),
];
const AZURE: [(&str, &str); 4] = [
    ("TF_BUILD", "True"),
    ("BUILD_REPOSITORY_NAME", "My Web"),
    ("BUILD_SOURCEVERSION", HEAD),
    ("BUILD_SOURCEBRANCH", "refs/heads/main"),
];
const AZURE_PAGE: &str = "https://dev.azure.com/acme/My%20Project/_git/My%20Web";
const BITBUCKET_SERVER_PAGE: &str = "https://bb.example.com/projects/PROJ/repos/web/browse";

/// The jobs of hosts that name the repository.
fn hosts() -> Vec<Case<'static>> {
    vec![
        (
            GITLAB.to_vec(),
            ("group / sub / web", "https://other.example/group/web"),
            "https://example.com/gitlab/group/sub/web",
        ),
        (
            ENTERPRISE.to_vec(),
            ("acme / web", "https://github.com/acme/web"),
            "https://ghe.example.com/acme/web",
        ),
        (
            BITBUCKET.to_vec(),
            ("acme / web", "https://bitbucket.org/acme/web-old"),
            "https://bitbucket.org/acme/web",
        ),
        (
            AZURE.to_vec(),
            (" My Web", "https://dev.azure.com/acme/My%20Project/_git/Another"),
            AZURE_PAGE,
        ),
    ]
}

/// The jobs that name what they cloned.
fn clones() -> Vec<Case<'static>> {
    let old = ("proj / web", "https://bb.example.com/projects/OLD/repos/web/browse");
    let servers =
        ["https://bb.example.com/scm/proj/web.git", "ssh://git@bb.example.com:7999/proj/web.git"];
    let servers = servers.map(|url| (jenkins(url), old, BITBUCKET_SERVER_PAGE));
    let other = ("My Project / My Web", "https://dev.azure.com/acme/Old/_git/My%20Web");
    let azure = [
        "https://acme@dev.azure.com/acme/My%20Project/_git/My%20Web",
        "git@ssh.dev.azure.com:v3/acme/My%20Project/My%20Web",
        "https://acme.visualstudio.com/DefaultCollection/My%20Project/_git/My%20Web",
        "ssh://acme@vs-ssh.visualstudio.com:22/My%20Project/_ssh/My%20Web",
    ];
    let azure = azure.map(|url| (jenkins(url), other, AZURE_PAGE));
    servers.into_iter().chain(azure).collect()
}

#[test]
fn the_repository_with_the_jobs_address_is_released_whatever_others_are_called() {
    for (variables, (misleading, elsewhere), address) in hosts().into_iter().chain(clones()) {
        let relay = ServeProxy::new();
        add_repository(&relay, misleading, Some(elsewhere));
        add_repository(&relay, "Storefront", Some(address));
        // Where the host is GitHub, only what the search finds is looked at.
        add_repository(&relay, "Storefront web", Some("https://github.com/acme/storefront-web"));
        let is_github = variables[0].0 == "GITHUB_ACTIONS";
        if is_github {
            let sql = "UPDATE repository SET name = 'The web' WHERE name = 'Storefront'";
            relay.serve.database().execute(sql, ()).unwrap();
        }
        let ended = job(&relay, &variables);
        let right = if is_github { "The web" } else { "Storefront" };
        assert_eq!(released(&relay), [right], "{variables:?}\n{}", ended.stderr);
    }
}

#[test]
fn of_two_repositories_that_match_equally_none_is_released() {
    for (url, addresses) in [
        (
            "https://git.example/acme/web.git",
            ["https://github.com/acme/web", "https://ghe.example.com/acme/web"],
        ),
        (
            "https://dev.azure.com/acme/Web/_git/Web",
            ["https://dev.azure.com/acme/Web/_git/Web", "https://dev.azure.com/other/_git/Web"],
        ),
    ] {
        let relay = ServeProxy::new();
        add_repository(&relay, "first web", Some(addresses[0]));
        add_repository(&relay, "second web", Some(addresses[1]));
        let ended = job(&relay, &jenkins(url));
        assert!(released(&relay).is_empty(), "{url}");
        let mut warning = ended.stderr.lines().filter(|line| line.contains("match"));
        let warning = warning.find(|line| line.contains("equally, so none of them is taken"));
        let warning = warning.unwrap_or_else(|| panic!("{}", ended.stderr));
        for text in addresses.into_iter().chain(["first web", "second web", "`commits`"]) {
            assert!(warning.contains(text), "{warning}");
        }
    }
}

#[test]
fn a_display_name_is_enough_where_no_address_says_otherwise() {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme / web", None);
    job(&relay, &jenkins("https://git.example/acme/web.git"));
    assert_eq!(released(&relay), ["acme / web"]);
}
