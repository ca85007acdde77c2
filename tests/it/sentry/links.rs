//! What stands around a pipeline at a Sentry: the plan before it, the address of the settings page,
//! and the repositories and code mappings after it.

use crate::support::fake_sentry::{
    FakeSentry, GET_INTEGRATIONS, GET_ORGANIZATION, OPSGENIE, POST_PIPELINE, TOKEN,
    assert_completes, assert_fails, leaks,
};
use crate::support::http_server::Response;
use crate::support::run::{ProgramRun, RunResult, SECRET};
use serde_json::{Value, json};

const BULK: &str = "POST code-mappings/bulk/";
const MAPPINGS: &str = "[{project: web, repository: acme/web, stackRoot: app/, sourceRoot: src/},
                         {project: web, repository: acme/web, stackRoot: lib/, sourceRoot: lib/}]";

fn with_repositories(sentry: &FakeSentry) -> ProgramRun {
    sentry.opsgenie().var("FINISHLINE_REPOSITORIES", "acme/web, acme/api")
}

fn with_mappings(sentry: &FakeSentry) -> ProgramRun {
    sentry.opsgenie().var("FINISHLINE_CODE_MAPPINGS", MAPPINGS)
}

fn warnings(ended: &RunResult) -> Vec<String> {
    let result: Value = serde_json::from_str(&ended.output("result")).unwrap();
    let all = result["warnings"].as_array().unwrap().clone();
    let text = |warning: &Value| format!("{}: {}", warning["slug"], warning["message"]);
    let ours = all.iter().filter(|one| one["slug"] != "secrets-not-compared");
    ours.map(text).map(|text| text.replace('"', "")).collect()
}

#[test]
fn a_plan_prints_the_first_request_and_posts_nothing() {
    let sentry = FakeSentry::new();
    for args in [&["plan"][..], &["run", "--dry-run"]] {
        let run = with_repositories(&sentry).var("FINISHLINE_CODE_MAPPINGS", MAPPINGS);
        let ended = assert_completes(&run.args(args), "planned false ");
        let url = format!("{}/api/0/organizations/acme/", sentry.peer.url());
        let body = r#"{"action":"initialize","provider":"opsgenie"}"#;
        let request = format!("backend: POST {url}pipeline/integration_pipeline/ {body}\n");
        assert!(ended.stdout.contains(&request), "{}", ended.stdout);
        let answer = "submit step `installation_config` with baseUrl, provider, apiKey (secret)";
        assert!(ended.stdout.contains(answer), "{}", ended.stdout);
        assert_eq!(leaks(&ended, SECRET), [""; 0]);
    }
    assert!(sentry.peer.requests().iter().all(|request| request.method == "GET"));
}

#[test]
fn a_plan_says_what_would_be_linked_and_whether_nothing_is_to_do() {
    let sentry = FakeSentry::new().with_integration("opsgenie", "acme-ops");
    let plan = |run: ProgramRun, lines: &[&str]| {
        let ended = assert_completes(&run.args(&["plan"]), "planned false 1");
        assert!(lines.iter().all(|line| ended.stdout.contains(line)), "{}", ended.stdout);
    };
    let lacks = "Opsgenie is installed; missing links would be added for acme";
    let repositories = with_repositories(&sentry);
    plan(repositories.clone(), &[lacks, "link repository acme/web"]);
    plan(with_mappings(&sentry), &[lacks, "map `app/` of web to `src/` of acme/web"]);
    assert!(sentry.peer.requests().iter().all(|request| request.method == "GET"));
    let ended = assert_completes(&repositories, "complete true 1");
    let got = "Opsgenie is installed; missing links were added for acme";
    assert!(ended.stdout.starts_with(got), "{}", ended.stdout);
    assert!(ended.stdout.contains("linked repository acme/api"), "{}", ended.stdout);
    let ended = assert_completes(&with_mappings(&sentry), "complete true 1");
    let mapped = "mapped `app/` of web to `src/` of acme/web";
    assert!(ended.stdout.contains(mapped), "{}", ended.stdout);
    plan(repositories, &["nothing to do"]);
    plan(with_mappings(&sentry), &["nothing to do"]);
}

/// A Sentry whose organization has pages at this address.
fn with_organization_url(organization_url: Value) -> FakeSentry {
    FakeSentry::with(move |world, request| match request.line() == GET_ORGANIZATION {
        true => Response::json(200, &json!({"links": {"organizationUrl": organization_url}})),
        false => world.answer(request),
    })
}

#[test]
fn an_organization_with_a_domain_of_its_own_has_its_settings_there() {
    let sentry = with_organization_url("https://acme.sentry.example".into());
    let run = sentry.opsgenie().var("FINISHLINE_NEXT", "/done");
    let url = "https://acme.sentry.example/settings/integrations/opsgenie/1/?next=%2Fdone";
    assert_eq!(assert_completes(&run, "complete true 1").output("redirect-url"), url);
    assert_eq!(assert_completes(&run, "complete false 1").output("redirect-url"), url);
}

#[test]
fn what_is_no_address_of_pages_leaves_the_settings_at_the_server() {
    for told in ["javascript:alert(1)", "acme.sentry.example", ""] {
        let sentry = with_organization_url(told.into());
        let ended = assert_completes(&sentry.opsgenie(), "complete true 1");
        let url = format!("{}/settings/acme/integrations/opsgenie/1/", sentry.peer.url());
        assert_eq!(ended.output("redirect-url"), url);
    }
    let refused = FakeSentry::with(|world, request| match request.line() == GET_ORGANIZATION {
        true => Response::detail(403, "no"),
        false => world.answer(request),
    });
    let ended = assert_completes(&refused.opsgenie(), "complete true 1");
    assert!(ended.output("redirect-url").starts_with(&refused.peer.url()));
}

#[test]
fn repositories_are_linked_once() {
    let sentry = FakeSentry::new();
    assert_completes(&with_repositories(&sentry), "complete true 1");
    let post = sentry.peer.requests().into_iter().find(|one| one.line() == "POST repos/");
    let body = json!({
        "provider": "integrations:opsgenie", "installation": "1", "identifier": "acme/web"
    });
    assert_eq!(post.unwrap().json(), body);
    assert_completes(&with_repositories(&sentry), "complete false 1");
    assert_eq!(sentry.peer.count("POST repos/"), 2);
    assert_eq!(sentry.data().repositories.len(), 2);
}

#[test]
fn a_repository_is_linked_by_the_third_partys_own_name_for_it() {
    let sentry = FakeSentry::with(|world, request| {
        match request.line().starts_with("GET integrations/1/repos/") {
            true => {
                let repositories = json!([
                    {"name": "acme/web-2", "identifier": 12},
                    {"name": "Acme/Web", "identifier": 11}
                ]);
                Response::json(200, &json!({"repos": repositories, "searchable": true}))
            }
            false => world.answer(request),
        }
    });
    let run = sentry.opsgenie().var("FINISHLINE_REPOSITORIES", "acme/web");
    assert_completes(&run, "complete true 1");
    let requests = sentry.peer.requests();
    let search = requests.iter().find(|one| one.target.contains("/repos/?search=")).unwrap();
    assert!(search.target.ends_with("?search=acme%2Fweb"), "{}", search.target);
    let post = requests.iter().find(|one| one.line() == "POST repos/").unwrap();
    assert_eq!(post.json()["identifier"], "11");
}

#[test]
fn a_repository_that_another_run_linked_meanwhile_is_linked() {
    for body in [json!({"detail": {"code": "repo_exists"}}), json!({"code": "repo_exists"})] {
        let sentry = FakeSentry::with(move |world, request| {
            let answer = world.answer(request);
            match request.line() == "POST repos/" {
                true => Response::json(400, &body),
                false => answer,
            }
        });
        let ended = assert_completes(&with_repositories(&sentry), "complete true 1");
        assert_eq!(warnings(&ended), [""; 0]);
    }
}

/// It may be hidden, or going, or another integration's under a name that nobody asks for.
#[test]
fn a_repository_that_sentry_has_and_does_not_list_is_not_linked() {
    let sentry = FakeSentry::with(move |world, request| match request.line() == "POST repos/" {
        true => Response::json(400, &json!({"detail": {"code": "repo_exists"}})),
        false => world.answer(request),
    });
    let ended = assert_completes(&with_repositories(&sentry), "complete true 1");
    let told = warnings(&ended);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|one| one.contains("hidden or being deleted")), "{told:?}");
}

#[test]
fn a_repository_that_is_refused_is_a_warning_and_the_others_are_linked() {
    let sentry = FakeSentry::with(|world, request| {
        match request.line() == "POST repos/" && request.nth == 0 {
            true => {
                let errors = json!({"__all__": "no access to it"});
                Response::json(404, &json!({"error_type": "not found", "errors": errors}))
            }
            false => world.answer(request),
        }
    });
    let ended = assert_completes(&with_repositories(&sentry), "complete true 1");
    let words = "repository-not-linked: cannot link `acme/web`: HTTP 404: no access to it";
    assert_eq!(warnings(&ended), [words]);
    assert_eq!(ended.output("warnings"), "repository-not-linked");
    assert!(ended.stderr.contains("::warning title=finishline%3A repository-not-linked::"));
    assert_eq!(sentry.data().repositories.len(), 1);
}

#[test]
fn repositories_that_cannot_be_listed_are_one_warning() {
    let sentry = FakeSentry::with(|world, request| match request.line() == "GET repos/" {
        true => Response::detail(403, "You do not have permission to perform this action."),
        false => world.answer(request),
    });
    let ended = assert_completes(&with_repositories(&sentry), "complete true 1");
    assert_eq!(warnings(&ended).len(), 1);
    assert!(warnings(&ended)[0].contains("the token cannot link repositories"));
    assert_eq!(sentry.peer.count("POST repos/"), 0);
}

#[test]
fn code_mappings_go_out_together_and_the_second_time_change_nothing() {
    let sentry = FakeSentry::new();
    assert_completes(&with_mappings(&sentry), "complete true 1");
    let post = sentry.peer.requests().into_iter().find(|one| one.line() == BULK).unwrap();
    let body = json!({
        "project": "web",
        "repository": "acme/web",
        "provider": "opsgenie",
        "mappings": [
            {"stackRoot": "app/", "sourceRoot": "src/"}, {"stackRoot": "lib/", "sourceRoot": "lib/"}
        ],
    });
    assert_eq!(post.json(), body);
    assert_completes(&with_mappings(&sentry), "complete false 1");
    assert_eq!(sentry.data().mappings, ["web app/ src/", "web lib/ lib/"]);
    assert_eq!(sentry.peer.count(BULK), 1, "the second time nothing is sent");
}

#[test]
fn mappings_of_several_projects_and_branches_are_requests_of_their_own() {
    let sentry = FakeSentry::new();
    let mappings = "[{project: web, repository: acme/web}, {project: api, repository: acme/web},
                     {project: web, repository: acme/web, stackRoot: x/, defaultBranch: main}]";
    let run = sentry.opsgenie().var("FINISHLINE_CODE_MAPPINGS", mappings);
    assert_completes(&run, "complete true 1");
    let requests = sentry.peer.requests();
    let bulk = requests.iter().filter(|one| one.line() == BULK).map(|one| one.json());
    let said = bulk.map(|body| format!("{} {}", body["project"], body["defaultBranch"]));
    assert_eq!(said.collect::<Vec<_>>(), ["\"web\" null", "\"api\" null", "\"web\" \"main\""]);
}

#[test]
fn a_mapping_that_is_refused_is_a_warning_and_the_integration_is_complete() {
    let partly = json!({"created": 1, "updated": 0, "errors": 1, "mappings": [
        {"stackRoot": "app/", "sourceRoot": "src/", "status": "created"},
        {"stackRoot": "lib/", "sourceRoot": "lib/", "status": "error", "detail": "a bad root"},
    ]});
    for (status, body, words) in [
        (207, partly, "`lib/`: a bad root"),
        (409, json!({"detail": "several repositories"}), "HTTP 409: several repositories"),
        (404, json!("Project not found"), "HTTP 404: Project not found"),
    ] {
        let sentry = FakeSentry::with(move |world, request| match request.line() == BULK {
            true => Response::json(status, &body),
            false => world.answer(request),
        });
        let ended = assert_completes(&with_mappings(&sentry), "complete true 1");
        let about = "code-mapping-not-set: cannot set the code mapping of `acme/web of web`";
        assert_eq!(warnings(&ended), [format!("{about}: {words}")]);
    }
}

#[test]
fn mappings_that_are_lost_on_the_way_are_sent_again() {
    let sentry = FakeSentry::with(|world, request| {
        let reply = world.answer(request);
        if request.line() == BULK && request.nth == 0 { Response::close() } else { reply }
    });
    let ended = assert_completes(&with_mappings(&sentry), "complete true 1");
    assert_eq!(warnings(&ended), [""; 0]);
    assert_eq!(sentry.data().mappings.len(), 2);
}

#[test]
fn a_deadline_in_what_comes_afterwards_does_not_hide_the_finished_integration() {
    let sentry = FakeSentry::with(|world, request| match request.line() == "GET repos/" {
        true => Response::stall(),
        false => world.answer(request),
    });
    let run = with_repositories(&sentry).var("FINISHLINE_TIMEOUT", "3");
    let ended = assert_completes(&run, "complete true 1");
    assert_eq!(ended.output("warnings"), "repository-not-linked");
    assert!(ended.output("redirect-url").ends_with("/integrations/opsgenie/1/"));
}

#[test]
fn nothing_is_linked_when_the_pipeline_was_refused() {
    let sentry = FakeSentry::with(|world, request| match request.line() == POST_PIPELINE {
        true => Response::detail(404, "Unknown provider: opsgenie"),
        false => world.answer(request),
    });
    assert_fails(&with_repositories(&sentry), 4, "unsupported");
    assert_eq!(sentry.peer.lines(), [GET_INTEGRATIONS, GET_ORGANIZATION, POST_PIPELINE]);
}

#[test]
fn the_outputs_of_a_gitlab_job_and_a_laptop_hold_no_token_either() {
    for run in [ProgramRun::gitlab(), ProgramRun::local()] {
        let sentry = FakeSentry::new();
        let run = run
            .var("SENTRY_URL", sentry.peer.url())
            .var("SENTRY_AUTH_TOKEN", TOKEN)
            .var("SENTRY_ORG", "acme")
            .var("NO_PROXY", "127.0.0.1")
            .var("FINISHLINE_PROVIDER", "opsgenie")
            .var("FINISHLINE_STATE", OPSGENIE);
        let ended = run.execute().expect(0);
        let everything = ended.everything();
        assert!(!everything.contains(TOKEN) && !everything.contains(SECRET), "{everything}");
        assert!(ended.stdout.starts_with("Opsgenie is installed for acme\n"));
    }
}
