//! No warning or hint of a run denies what another one of the same run says.

use super::requests::released;
use crate::support::git_repository::git;
use crate::support::http_server::Response;
use crate::support::proxy::{PROXY_TOKEN, ProxyAction, ServeProxy};
use crate::support::run::ProgramRun;
use serde_json::json;

/// The same job in a checkout with commits.
fn in_checkout(run: ProgramRun, commits: usize) -> ProgramRun {
    let folder = run.path("");
    git(&folder, &["init", "-q"]);
    for number in 0..commits {
        let message = format!("commit {number}");
        git(&folder, &["commit", "-q", "--allow-empty", "-m", &message]);
    }
    let head = git(&folder, &["rev-parse", "HEAD"]);
    run.var("GITHUB_SHA", head)
}

#[test]
fn a_token_or_an_organization_that_fails_is_all_that_is_said() {
    let relay = ServeProxy::new();
    for source in ["auto", "local"] {
        let run = released(&relay).var("FINISHLINE_COMMITS", source);
        for (name, value, code) in [
            ("SENTRY_AUTH_TOKEN", "another-token", "unauthorized"),
            ("SENTRY_ORG", "nobody", "not-a-member"),
        ] {
            let ended = run.clone().var(name, value).execute().expect(5);
            assert_eq!(ended.joined(["error-code", "warnings"]), format!("{code} "), "{source}");
            assert!(!ended.stderr.contains("without commits"), "{}", ended.stderr);
        }
    }
    let refuses = ServeProxy::with(|_| ProxyAction::Intercept(Response::detail(403, "no")));
    let ended = released(&refuses).var("FINISHLINE_COMMITS", "local").execute().expect(5);
    assert_eq!(ended.joined(["error-code", "warnings"]), "missing-scope ");
}

#[test]
fn beside_commits_from_the_checkout_it_is_not_said_that_none_can_be_fetched() {
    let relay = ServeProxy::new();
    let ended = in_checkout(released(&relay), 2).execute().expect(0);
    assert_eq!(ended.joined(["commit-count", "warnings"]), "2 repository-unknown");
    assert!(!ended.everything().contains("cannot fetch"), "{}", ended.stderr);
    assert!(
        ended.stderr.contains(
            "no repository `acme/web` is linked to acme, so its commits are read from the checkout"
        ),
        "{}",
        ended.stderr
    );
    // Where there is no checkout, nobody has them.
    let ended = released(&relay).var("FINISHLINE_RELEASE", "v2").execute().expect(0);
    assert!(ended.stderr.contains("cannot fetch commits"), "{}", ended.stderr);
}

#[test]
fn commits_that_are_left_out_in_the_end_are_not_said_to_be_sent() {
    let relay = ServeProxy::with(|request| {
        let has_commits = request.body.contains("\"commits\":[{");
        match has_commits {
            true => {
                let body = json!({ "commits": ["Invalid commits"] });
                ProxyAction::Intercept(Response::json(400, &body))
            }
            false => ProxyAction::Forward,
        }
    });
    let run = in_checkout(released(&relay), 21).var("FINISHLINE_COMMITS", "local");
    let ended = run.execute().expect(0);
    assert_eq!(ended.joined(["warnings", "commit-count"]), "no-commits ");
    assert!(!ended.everything().contains("commits are sent"), "{}", ended.everything());
    assert!(!ended.stdout.contains("from the checkout"), "{}", ended.stdout);
}

#[test]
fn what_is_there_already_is_not_said_to_be_sent() {
    let relay = ServeProxy::new();
    let run = in_checkout(released(&relay), 21).var("FINISHLINE_COMMITS", "local");
    assert_eq!(run.execute().expect(0).output("warnings"), "no-previous");
    let again = run.execute().expect(0);
    assert_eq!(again.joined(["changed", "warnings"]), "false ");
    assert!(!again.stderr.contains("are sent"), "{}", again.stderr);
}

#[test]
fn one_failure_of_both_jobs_is_said_once() {
    let relay = ServeProxy::new();
    let run = released(&relay).var("FINISHLINE_PROVIDER", "opsgenie");
    let run = run.var("FINISHLINE_STATE", crate::support::run::STATE);
    for token in ["", "another-token"] {
        let ended = run.clone().var("SENTRY_AUTH_TOKEN", token).execute().expect(5);
        assert_eq!(ended.output("warnings"), "", "{token}: {}", ended.stderr);
        let message = ended.output("error-message");
        assert_eq!(ended.stderr.matches(&message).count(), 1, "{}", ended.stderr);
    }
}

#[test]
fn a_wrong_slug_is_named_with_the_near_one() {
    let relay = ServeProxy::new();
    let run = released(&relay).var("SENTRY_PROJECT", "web,apii");
    let ended = run.clone().execute().expect(2);
    assert_eq!(ended.joined(["error-code", "error-status"]), "bad-field 400");
    let message = ended.output("error-message");
    assert!(message.contains("`apii`") && !message.contains("`web`"), "{message}");
    assert!(ended.stderr.contains("did you mean `api`?"), "{}", ended.stderr);

    // A token that may not list the projects names the wrong one all the same.
    let narrow = ServeProxy::with(|request| match request.path() {
        "/api/0/organizations/acme/projects/" => {
            ProxyAction::Intercept(Response::detail(403, "You do not have permission"))
        }
        _ => ProxyAction::Forward,
    });
    let run = released(&narrow).var("SENTRY_PROJECT", "web,apii");
    let message = run.execute().expect(2).output("error-message");
    assert!(message.contains("`apii`") && !message.contains("`web`"), "{message}");

    // Nor is one blamed where nothing can be read.
    let blind = ServeProxy::with(|request| match request.method.as_str() {
        "GET" => ProxyAction::Intercept(Response::detail(403, "You do not have permission")),
        _ => ProxyAction::Forward,
    });
    let run = released(&blind).var("SENTRY_PROJECT", "web,apii");
    let message = run.execute().expect(2).output("error-message");
    assert!(message.contains("Invalid project slugs"), "{message}");
    assert!(!message.contains("`apii`"), "{message}");
}

#[test]
fn a_token_in_quotes_is_taken_without_them_and_said() {
    let relay = ServeProxy::new();
    for (index, quote) in ['"', '\''].into_iter().enumerate() {
        let quoted = format!("{quote}{PROXY_TOKEN}{quote}");
        let run = released(&relay).var("FINISHLINE_RELEASE", format!("v{index}"));
        let run = run.var("FINISHLINE_COMMITS", "none").var("SENTRY_AUTH_TOKEN", &quoted);
        let ended = run.execute().expect(0);
        assert_eq!(ended.joined(["status", "warnings"]), "complete quoted-token");
        assert!(ended.stderr.contains("SENTRY_AUTH_TOKEN"), "{}", ended.stderr);
        let file = run.file("token", format!("{quoted}\n"));
        let args = ["run", "--auth-token-file", file.to_str().unwrap()];
        let ended = run.clone().without("SENTRY_AUTH_TOKEN").args(&args).execute().expect(0);
        assert!(ended.stderr.contains("--auth-token-file"), "{}", ended.stderr);
    }
    for bad in [format!("\"{PROXY_TOKEN}"), format!("{PROXY_TOKEN}'"), "\"\"".to_owned()] {
        let run = released(&relay).var("SENTRY_AUTH_TOKEN", &bad);
        assert_ne!(run.execute().exit, Some(0), "{bad}");
    }
}
