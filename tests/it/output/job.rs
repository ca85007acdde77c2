//! The facts about a job: the shared vectors, near misses of the markers, and hostile text.

use finishline::env::Env;
use finishline::job::{Host, Job};
use serde_json::{Map, Value, json};

const VECTORS: &str = include_str!("../../vectors/ci-vectors.json");

/// Fields of the vectors that a job does not carry.
///
/// `inputs` are the workflow's own and reach the step by its `env:`; `sha_from` says where else
/// to look for a commit, which is git's business.
const NOT_CARRIED: [&str; 2] = ["inputs", "sha_from"];

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const C: &str = "cccccccccccccccccccccccccccccccccccccccc";

fn cases() -> Vec<Value> {
    let vectors: Value = serde_json::from_str(VECTORS).expect("the vectors are JSON");
    vectors["detect"]["cases"].as_array().expect("the group has cases").clone()
}

fn env(variables: &[(&str, &str)]) -> Env {
    variables.iter().copied().collect()
}

fn env_of(case: &Value) -> Env {
    let text = |(name, value): (&String, &Value)| {
        (name.clone(), value.as_str().expect("a variable is text").to_owned())
    };
    case["env"].as_object().expect("a case has variables").iter().map(text).collect()
}

/// A job on the host that the variables themselves name.
fn job(variables: &[(&str, &str)]) -> Job {
    let env = env(variables);
    Job::read(Host::detect(&env), &env, None)
}

/// A GitHub job of one event, started by a person.
fn github(event: &str, payload: &Value) -> Job {
    github_by("octocat", event, payload)
}

fn github_by(actor: &str, event: &str, payload: &Value) -> Job {
    let env = env(&[
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_ACTOR", actor),
        ("GITHUB_EVENT_NAME", event),
        ("GITHUB_REF", "refs/heads/main"),
        ("GITHUB_REPOSITORY", "octo-org/octo-repo"),
        ("GITHUB_SHA", C),
    ]);
    Job::read(Host::detect(&env), &env, Some(payload))
}

fn pull_request(head_repository: &Value) -> Value {
    json!({"pull_request": {
        "number": 42,
        "head": {"ref": "feature/a", "sha": A, "repo": head_repository},
        "base": {"ref": "main", "sha": B, "repo": {"full_name": "octo-org/octo-repo"}},
    }})
}

fn from_a_fork() -> Value {
    pull_request(&json!({"full_name": "stranger/octo-repo"}))
}

/// What the job says under the vectors' name of a field; `None` for a name that we do not know.
fn field_value(job: &Job, field: &str) -> Option<Value> {
    Some(match field {
        "provider" => json!(provider(job.host)),
        "repo" => json!(job.repository),
        "event" => json!(job.event),
        "sha" => json!(job.sha),
        "checkout_sha" => json!(job.checkout_sha),
        "head_sha_known" => json!(job.head_sha_known),
        "ref" => json!(job.git_ref),
        "branch" => json!(job.branch),
        "tag" => json!(job.tag),
        "base_ref" => json!(job.base_ref),
        "base_sha" => json!(job.base_sha),
        "pr" => json!(job.pull_request),
        "fork" => json!(job.is_fork),
        "merged" => json!(job.merged),
        "deleted" => json!(job.deleted),
        "privileged" => json!(job.privileged),
        "emulator" => json!(job.emulator),
        "release_name" => json!(job.release_name),
        "environment" => json!(job.environment),
        "environment_url" => json!(job.environment_url),
        "run_url" => json!(job.run_url),
        "api_url" => json!(job.api_url),
        _ => return None,
    })
}

/// The vectors' word for a host.
fn provider(host: Host) -> &'static str {
    match host {
        Host::Forgejo => "forgejo-actions",
        Host::Gitea => "gitea-actions",
        Host::Github => "github-actions",
        Host::Gitlab => "gitlab-ci",
        Host::Azure => "azure-pipelines",
        Host::Bitbucket => "bitbucket-pipelines",
        Host::UnknownCi => "unknown-ci",
        same => same.as_str(),
    }
}

/// What holds for every job, however hostile the text was that it was read from.
fn assert_sound(job: &Job) {
    for sha in [&job.sha, &job.checkout_sha, &job.base_sha, &job.merge_sha].into_iter().flatten() {
        assert!((7..=64).contains(&sha.len()), "{job:?}");
        assert!(sha.chars().all(|c| c.is_ascii_hexdigit()) && sha.contains(|c| c != '0'));
    }
    let links = [&job.run_url, &job.run_url_without_attempt, &job.environment_url, &job.api_url];
    for link in links.into_iter().flatten() {
        assert!(link.starts_with("http://") || link.starts_with("https://"), "{job:?}");
    }
    let names = [&job.repository, &job.event, &job.actor, &job.git_ref, &job.branch, &job.tag];
    let names = names.into_iter().chain([&job.base_ref, &job.release_name, &job.environment]);
    for text in names.chain(links).flatten() {
        assert!(!text.is_empty() && !text.contains(char::is_control), "{job:?}");
    }
    assert_ne!(job.pull_request, Some(0));
    assert!(!job.head_sha_known || job.sha.is_some());
}

#[test]
fn every_case_of_the_vectors_is_read_as_expected() {
    for case in cases() {
        let env = env_of(&case);
        let job = Job::read(Host::detect(&env), &env, case.get("event"));
        assert_sound(&job);
        for (field, expected) in case["expect"].as_object().unwrap() {
            if NOT_CARRIED.contains(&field.as_str()) {
                continue;
            }
            let told = field_value(&job, field);
            assert_eq!(told.as_ref(), Some(expected), "{field} of {}", case["name"]);
        }
    }
}

#[test]
fn every_field_that_is_not_carried_is_one_of_the_vectors() {
    for field in NOT_CARRIED {
        assert!(cases().iter().any(|case| case["expect"].get(field).is_some()), "{field}");
        assert_eq!(field_value(&Job::default(), field), None);
    }
}

#[test]
fn a_marker_with_another_value_names_no_host() {
    let near_misses = [
        ("FORGEJO_ACTIONS", "1"),
        ("GITEA_ACTIONS", "True"),
        ("GITHUB_ACTIONS", "1"),
        ("GITHUB_ACTIONS", "TRUE"),
        ("GITHUB_ACTIONS", " true"),
        ("GITLAB_CI", "false"),
        ("TF_BUILD", "true"),
        ("CIRCLECI", "yes"),
        ("BUILDKITE", "TRUE"),
        ("BUILD_TAG", "v1-jenkins-5"),
        ("BITBUCKET_BUILD_NUMBER", ""),
        ("JENKINS_URL", ""),
    ];
    for marker in near_misses {
        assert_eq!(Host::detect(&env(&[marker])), Host::Local, "{marker:?}");
        assert_eq!(Host::detect(&env(&[("CI", "1"), marker])), Host::UnknownCi, "{marker:?}");
    }
    assert_eq!(Host::detect(&env(&[("CI", "")])), Host::Local);
    assert_eq!(Host::detect(&env(&[("CI", "Woodpecker")])), Host::UnknownCi);
}

#[test]
fn the_most_special_marker_wins() {
    let markers = [
        (Host::Forgejo, "FORGEJO_ACTIONS", "true"),
        (Host::Gitea, "GITEA_ACTIONS", "true"),
        (Host::Github, "GITHUB_ACTIONS", "true"),
        (Host::Gitlab, "GITLAB_CI", "true"),
        (Host::Azure, "TF_BUILD", "True"),
        (Host::Circleci, "CIRCLECI", "true"),
        (Host::Buildkite, "BUILDKITE", "true"),
        (Host::Bitbucket, "BITBUCKET_BUILD_NUMBER", "5"),
        (Host::Woodpecker, "CI", "woodpecker"),
        (Host::Jenkins, "BUILD_TAG", "jenkins-w-5"),
    ];
    for (first, (host, ..)) in markers.iter().enumerate() {
        let env: Env = markers[first..].iter().map(|(_, name, value)| (*name, *value)).collect();
        assert_eq!(Host::detect(&env), *host);
    }
}

#[test]
fn a_host_is_found_by_its_own_name_alone() {
    for host in Host::ALL {
        assert_eq!(Host::parse(host.as_str()), Some(host));
        assert_eq!(Host::parse(&host.as_str().to_uppercase()), None);
        assert_eq!(host.is_ci(), host != Host::Local);
    }
    let github_like: Vec<_> = Host::ALL.into_iter().filter(|host| host.is_github_like()).collect();
    assert_eq!(github_like, [Host::Forgejo, Host::Gitea, Host::Github]);
    assert_eq!(Host::parse(""), None);
}

/// Values that a payload never has where we look, one of them ten levels deep.
fn nonsense() -> Vec<Value> {
    let deep = (0..10).fold(json!(null), |inner, _| json!([{"head": inner, "number": []}]));
    vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5e300),
        json!(""),
        json!("\u{0}\n::error::\u{1b}[0m"),
        json!("0000000000000000000000000000000000000000"),
        json!([]),
        json!([[], {}]),
        json!({}),
        deep,
    ]
}

/// Every payload that differs from `value` by nonsense in one place.
fn spoilt(value: &Value) -> Vec<Value> {
    let mut all = nonsense();
    if let Value::Object(fields) = value {
        for (name, inner) in fields {
            let put = |inner: Value| {
                let mut fields: Map<_, _> = fields.clone();
                fields.insert(name.clone(), inner);
                Value::Object(fields)
            };
            all.extend(spoilt(inner).into_iter().map(put));
        }
    }
    all
}

#[test]
fn a_payload_of_another_shape_only_loses_facts() {
    for case in cases().iter().filter(|case| case.get("event").is_some()) {
        let env = env_of(case);
        for payload in spoilt(&case["event"]) {
            assert_sound(&Job::read(Host::Github, &env, Some(&payload)));
        }
    }
}

#[test]
fn hostile_variables_only_lose_facts() {
    let zeros = "0".repeat(40);
    let hostile = ["\n", "a\nb", "0", "-1", "+5", "javascript:x", "\u{7f}", "///", "a:b@c", &zeros];
    for case in cases() {
        for name in case["env"].as_object().unwrap().keys() {
            for value in hostile {
                let mut case = case.clone();
                case["env"][name] = json!(value);
                let env = env_of(&case);
                for host in Host::ALL {
                    assert_sound(&Job::read(host, &env, case.get("event")));
                }
            }
        }
    }
}

#[test]
fn credentials_in_a_url_are_in_no_field() {
    let urls = [
        "https://user:hunter2@git.acme.test/acme/widget.git",
        "https://hunter2@git.acme.test/acme/widget.git",
        "https://user:hunt/hunter2@git.acme.test/acme/widget.git",
        "https://git.acme.test/acme/widget.git?token=hunter2",
        "https://git.acme.test/acme/widget.git#hunter2",
        "user:hunter2@git.acme.test:acme/widget.git",
        "ssh://user:hunter2@git.acme.test/acme/widget.git",
    ];
    let repositories =
        ["GIT_URL", "BUILDKITE_REPO", "CIRCLE_REPOSITORY_URL", "BUILD_REPOSITORY_NAME"];
    for (url, name) in urls.into_iter().flat_map(|url| repositories.map(|name| (url, name))) {
        let env = env(&[(name, url)]);
        for host in Host::ALL {
            let told = format!("{:?}", Job::read(host, &env, None));
            assert!(!told.contains("hunter2"), "{told}");
        }
    }
    let page = "https://user:hunter2@ci.acme.test/job/w/1/";
    let job = job(&[("JENKINS_URL", page), ("BUILD_URL", page)]);
    assert_eq!(job.run_url.as_deref(), Some("https://ci.acme.test/job/w/1/"));
}

#[test]
fn a_forks_pull_request_has_no_secrets() {
    for event in ["pull_request", "pull_request_review", "pull_request_review_comment"] {
        assert_eq!(github(event, &from_a_fork()).withheld_secrets(), Some("fork"), "{event}");
    }
    let gone = github("pull_request", &pull_request(&json!(null)));
    assert_eq!((gone.is_fork, gone.withheld_secrets()), (Some(true), Some("fork")));
}

#[test]
fn a_pull_request_of_the_repository_itself_keeps_its_secrets() {
    // A repository that is a fork itself says so of its own branches too.
    let own = pull_request(&json!({"full_name": "Octo-Org/octo-repo", "fork": true}));
    let job = github("pull_request", &own);
    assert_eq!((job.is_fork, job.withheld_secrets()), (Some(false), None));
    let unknown = github("pull_request", &json!({}));
    assert_eq!((unknown.is_fork, unknown.withheld_secrets()), (None, None));
}

#[test]
fn pull_request_target_has_its_secrets_and_the_strangers_commit() {
    let job = github("pull_request_target", &from_a_fork());
    assert_eq!((job.is_fork, job.withheld_secrets(), job.privileged), (Some(true), None, true));
    assert_eq!(job.sha.as_deref(), Some(A));
    assert_eq!(job.checkout_sha.as_deref(), Some(C));
    assert_eq!(job.branch.as_deref(), Some("feature/a"));
    let bare = github("pull_request_target", &json!([]));
    assert_eq!((bare.head_sha_known, bare.branch), (false, None));
}

#[test]
fn dependabot_gets_none_of_the_repositorys_secrets() {
    for event in ["push", "pull_request", "deployment_status"] {
        let job = github_by("dependabot[bot]", event, &json!({}));
        assert_eq!(job.withheld_secrets(), Some("dependabot"), "{event}");
    }
    // A schedule runs in the name of whoever last changed the workflow.
    for event in ["schedule", "workflow_run", "pull_request_target", "workflow_dispatch"] {
        let job = github_by("dependabot[bot]", event, &json!({}));
        assert_eq!(job.withheld_secrets(), None, "{event}");
    }
    assert_eq!(github_by("dependabot", "push", &json!({})).withheld_secrets(), None);
}

#[test]
fn other_hosts_withhold_secrets_where_they_document_it() {
    let gitlab = |source| {
        job(&[
            ("GITLAB_CI", "true"),
            ("GITLAB_USER_LOGIN", "dependabot[bot]"),
            ("CI_PROJECT_PATH", "stranger/widget"),
            ("CI_MERGE_REQUEST_PROJECT_PATH", "acme/widget"),
            ("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", source),
        ])
    };
    // It runs in the fork's own project until somebody of the parent starts it.
    assert_eq!(gitlab("stranger/widget").withheld_secrets(), Some("fork"));
    assert_eq!(gitlab("acme/widget").withheld_secrets(), None);

    let azure = |is_fork| {
        job(&[
            ("TF_BUILD", "True"),
            ("SYSTEM_PULLREQUEST_ISFORK", is_fork),
            ("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", "3"),
        ])
    };
    assert_eq!(azure("True").withheld_secrets(), Some("fork"));
    assert_eq!((azure("False").is_fork, azure("false").is_fork), (Some(false), None));

    let circle = job(&[("CIRCLECI", "true"), ("CIRCLE_PR_NUMBER", "8")]);
    assert_eq!(circle.withheld_secrets(), Some("fork"));
}

#[test]
fn a_tags_build_has_no_branch() {
    let tags = [
        job(&[("BUILDKITE", "true"), ("BUILDKITE_TAG", "v1"), ("BUILDKITE_BRANCH", "v1")]),
        job(&[("JENKINS_URL", "x"), ("TAG_NAME", "v1"), ("BRANCH_NAME", "v1")]),
        job(&[
            ("CI", "woodpecker"),
            ("CI_COMMIT_TAG", "v1"),
            ("CI_COMMIT_REF", "refs/tags/v1"),
            ("CI_COMMIT_BRANCH", "main"),
        ]),
        job(&[("TF_BUILD", "True"), ("BUILD_SOURCEBRANCH", "refs/tags/v1")]),
    ];
    for job in tags {
        assert_eq!((job.branch.as_deref(), job.tag.as_deref()), (None, Some("v1")));
        assert_eq!(job.git_ref.as_deref(), Some("refs/tags/v1"));
    }
}

#[test]
fn a_host_that_is_not_known_tells_nothing() {
    let env = env_of(&cases()[0]);
    for host in [Host::UnknownCi, Host::Local] {
        assert_eq!(Job::read(host, &env, None), Job { host, ..Job::default() });
    }
}
