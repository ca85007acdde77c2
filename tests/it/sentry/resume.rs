//! A pipeline of the `api` dialect that waits for a person, and goes on in another process.

use crate::support::fake_sentry::{
    FakeSentry, GET_INTEGRATIONS, GET_ORGANIZATION, GET_PIPELINE, GITLAB, POST_PIPELINE, TOKEN,
    assert_completes, assert_fails, leaks, step,
};
use crate::support::http_server::Response;
use crate::support::run::{ProgramRun, RunResult};
use crate::support::serve::{self, ServeProcess};
use serde_json::{Value, json};

const CALLBACK: &str = "http://127.0.0.1/extensions/gitlab/setup/?code=c0de-x&state=0auth-state-1";

/// Starts the pipeline, and waits.
fn waiting(sentry: &FakeSentry) -> ProgramRun {
    let run = sentry.step("gitlab", GITLAB);
    let file = run.path("waiting.json");
    let run = run.var("FINISHLINE_RESUME_FILE", file);
    run.execute().expect(3);
    run
}

/// Goes on with what a person's browser ended at: nothing but the file, the token and the address.
fn resume(run: &ProgramRun, callback: &str) -> ProgramRun {
    run.clone()
        .args(&["resume"])
        .without("FINISHLINE_PROVIDER")
        .without("FINISHLINE_STATE")
        .var("FINISHLINE_CALLBACK_URL", callback)
}

fn entries(run: &ProgramRun) -> Vec<String> {
    let file: Value = serde_json::from_str(&run.text("waiting.json")).unwrap();
    file["waiting"].as_object().unwrap().keys().cloned().collect()
}

#[track_caller]
fn assert_silent(ended: &RunResult) {
    for secret in [TOKEN, "gitl4b-secret", "s3ss10n", "c0de-x"] {
        assert_eq!(leaks(ended, secret), [""; 0], "{secret}");
    }
}

#[test]
fn a_pipeline_that_waits_is_kept_sealed_in_a_file_for_its_owner_alone() {
    let sentry = FakeSentry::new();
    let run = sentry.step("gitlab", GITLAB);
    let file = run.path("waiting.json");
    let ended = run.clone().var("FINISHLINE_RESUME_FILE", &file).execute().expect(3);
    let said = ended.joined(["status", "changed", "error-code", "pipeline-type"]);
    assert_eq!(said, "action_required false needs-browser install");
    let page = "https://gitlab.example.com/oauth/authorize?state=0auth-state-1";
    assert_eq!(ended.output("redirect-url"), page);
    assert!(
        ended.stdout.contains("finishline resume --org acme --resume-file"),
        "{}",
        ended.stdout
    );
    assert_silent(&ended);
    let host = sentry.peer.url().replace("http://", "");
    assert_eq!(entries(&run), [format!("{host}/acme/gitlab")]);
    let text = run.text("waiting.json");
    assert!(!text.contains("oauth_login") && !text.contains("0auth-state"), "{text}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn another_process_with_the_same_token_finishes_it_once() {
    let sentry = FakeSentry::new();
    let run = waiting(&sentry).var("FINISHLINE_NEXT", "https://example.com/after");
    let before = sentry.peer.requests().len();
    let ended = assert_completes(&resume(&run, CALLBACK), "complete true 1");
    assert_silent(&ended);
    let url = format!("{}/settings/acme/integrations/gitlab/1/", sentry.peer.url());
    let next = "?next=https%3A%2F%2Fexample.com%2Fafter";
    assert_eq!(ended.output("redirect-url"), format!("{url}{next}"));
    assert_eq!(ended.joined(["provider", "pipeline-type"]), "gitlab install");
    let requests = sentry.peer.requests().split_off(before);
    let last = requests.last().unwrap();
    assert_eq!(
        (last.line().as_str(), last.header("cookie")),
        (POST_PIPELINE, "sentrysid=s3ss10n-1")
    );
    assert_eq!(last.json(), json!({"code": "c0de-x", "state": "0auth-state-1"}));
    assert_eq!(entries(&run), [""; 0]);
    let again = assert_fails(&resume(&run, CALLBACK), 4, "wrong-oauth-state");
    assert!(again.output("error-message").contains("the resume file has no waiting pipeline"));
}

#[test]
fn what_the_first_run_was_to_carry_is_carried_by_the_second() {
    let sentry = FakeSentry::new();
    let run = sentry.step("gitlab", GITLAB).var("FINISHLINE_NEXT", "https://x/first");
    let file = run.path("waiting.json");
    let run = run.var("FINISHLINE_RESUME_FILE", file);
    run.execute().expect(3);
    let ended =
        assert_completes(&resume(&run.without("FINISHLINE_NEXT"), CALLBACK), "complete true 1");
    assert!(ended.output("redirect-url").ends_with("?next=https%3A%2F%2Fx%2Ffirst"));
}

#[test]
fn another_token_opens_nothing_and_sends_nothing() {
    let sentry = FakeSentry::new();
    let run = waiting(&sentry);
    let before = sentry.peer.requests().len();
    let other = resume(&run, CALLBACK).var("SENTRY_AUTH_TOKEN", "sntryu_an0ther");
    let ended = assert_fails(&other, 4, "session-expired");
    assert!(ended.stderr.contains("use the token of the first run"), "{}", ended.stderr);
    assert!(ended.stderr.contains("a run with another token has replaced"), "{}", ended.stderr);
    assert_eq!(sentry.peer.requests().len(), before);
    assert_completes(&resume(&run, CALLBACK), "complete true 1");
}

#[test]
fn one_of_two_that_wait_is_named_by_its_provider() {
    let sentry = FakeSentry::new();
    let run = waiting(&sentry);
    run.clone().var("FINISHLINE_PROVIDER", "gitea").execute().expect(3);
    assert_eq!(entries(&run).len(), 2);
    let ended = assert_fails(&resume(&run, CALLBACK), 2, "ambiguous");
    assert!(ended.stderr.contains("select one with `provider`"), "{}", ended.stderr);
    let gitlab = resume(&run, CALLBACK).var("FINISHLINE_PROVIDER", "gitlab");
    assert_completes(&gitlab, "complete true 1");
    assert!(entries(&run)[0].ends_with("/acme/gitea"));
    let callback = CALLBACK.replace("state-1", "state-2");
    let ended = assert_completes(&resume(&run, &callback), "complete true 2");
    assert_eq!(ended.output("provider"), "gitea");
}

#[test]
fn processes_that_keep_a_pipeline_at_once_lose_none() {
    let orgs: Vec<_> = (0..16).map(|number| format!("org-{number}")).collect();
    let arguments: Vec<_> = orgs.iter().flat_map(|org| ["--org", org]).collect();
    let folder = tempfile::tempdir().unwrap();
    let serve = ServeProcess::over(folder, &arguments, Some(serve::TOKEN));
    let run = step(&serve.url(), "gitlab", GITLAB).var("SENTRY_AUTH_TOKEN", serve::TOKEN);
    let file = run.path("waiting.json");
    let run = run.var("FINISHLINE_RESUME_FILE", file);
    let started: Vec<_> =
        orgs.iter().map(|org| run.clone().var("SENTRY_ORG", org).start()).collect();
    started.into_iter().for_each(|started| drop(started.wait().expect(3)));
    assert_eq!(entries(&run).len(), orgs.len());
}

#[test]
fn a_second_start_replaces_the_first_in_the_file() {
    let sentry = FakeSentry::new();
    let run = waiting(&sentry);
    run.execute().expect(3);
    assert_eq!(entries(&run).len(), 1);
    assert_completes(&resume(&run, &CALLBACK.replace("state-1", "state-2")), "complete true 1");
}

#[test]
fn a_wrong_callback_does_not_cost_the_right_one() {
    let sentry = FakeSentry::new();
    let run = waiting(&sentry);
    let wrong = resume(&run, &CALLBACK.replace("0auth-state-1", "f0reign"));
    let ended = assert_fails(&wrong, 4, "wrong-oauth-state");
    assert_eq!(ended.output("error-status"), "400");
    assert_eq!(leaks(&ended, "f0reign"), [""; 0]);
    let refused = resume(&run, "http://127.0.0.1/?error=access_denied&state=0auth-state-1");
    assert_fails(&refused, 4, "refused");
    assert_completes(&resume(&run, CALLBACK), "complete true 1");
}

#[test]
fn a_session_that_the_server_has_no_more_has_expired() {
    let sentry = FakeSentry::with(|world, request| match request.line() == GET_PIPELINE {
        true => Response::detail(404, "No active pipeline session."),
        false => world.answer(request),
    });
    let run = waiting(&sentry);
    let ended = assert_fails(&resume(&run, CALLBACK), 4, "session-expired");
    assert_eq!(ended.output("error-status"), "404");
    assert_eq!(sentry.peer.count(POST_PIPELINE), 2);
}

#[test]
fn a_session_at_another_step_is_not_gone_on_with() {
    let sentry = FakeSentry::with(|world, request| match request.line() == GET_PIPELINE {
        true => Response::json(200, &json!({"step": "installation_config", "data": {}})),
        false => world.answer(request),
    });
    let run = waiting(&sentry);
    assert_fails(&resume(&run, CALLBACK), 4, "session-expired");
    assert_eq!(sentry.peer.count(POST_PIPELINE), 2);
}

#[test]
fn without_a_resume_file_the_person_is_told_to_set_one() {
    let sentry = FakeSentry::new();
    let ended = sentry.step("gitlab", GITLAB).execute().expect(3);
    assert!(ended.stdout.contains("set `resume-file` and run again"), "{}", ended.stdout);
    let run = sentry.step("gitlab", GITLAB);
    let ended = assert_fails(&resume(&run, CALLBACK), 2, "usage");
    assert!(ended.output("error-message").contains("`resume-file` is missing"));
    let run = run.var("FINISHLINE_RESUME_FILE", "nowhere.json");
    let ended = assert_fails(&resume(&run, CALLBACK), 2, "usage");
    assert!(ended.output("error-message").starts_with("cannot read `resume-file`: "));
}

#[test]
fn a_file_of_something_else_is_left_as_it_is_and_nothing_is_started() {
    for bytes in [&b"not ours"[..], b"{\"schema\": 2}", b"\xff\xfe binary"] {
        let sentry = FakeSentry::new();
        let run = sentry.step("gitlab", GITLAB);
        let file = run.file("waiting.json", bytes);
        let run = run.var("FINISHLINE_RESUME_FILE", &file);
        assert_fails(&run, 2, "usage");
        assert_eq!(std::fs::read(&file).unwrap(), bytes);
        assert_eq!(sentry.peer.count(POST_PIPELINE), 0);
        assert_fails(&resume(&run, CALLBACK), 2, "usage");
    }
}

#[test]
fn a_file_that_cannot_be_written_is_said_before_anything_is_started() {
    let sentry = FakeSentry::new();
    let run = sentry.step("gitlab", GITLAB).var("FINISHLINE_RESUME_FILE", "no/such/folder/f.json");
    assert_fails(&run, 7, "outputs-unwritable");
    assert_eq!(sentry.peer.count(POST_PIPELINE), 0);
}

#[test]
fn a_renewal_that_lands_on_another_integration_is_told_by_the_second_process_too() {
    let sentry = FakeSentry::new()
        .with_integration("gitlab", "its-group")
        .with_integration("gitlab", "other");
    // Both are told to be at the place that the state describes: only the finish shows which.
    for at in 0..2 {
        sentry.data().integrations[at]["domainName"] = "gitlab.example.com".into();
    }
    let run = sentry.step("gitlab", GITLAB).var("FINISHLINE_MODE", "reauth");
    let file = run.path("waiting.json");
    let run = run.var("FINISHLINE_RESUME_FILE", file).var("FINISHLINE_INTEGRATION_ID", "2");
    run.execute().expect(3);
    let second =
        resume(&run, CALLBACK).without("FINISHLINE_MODE").without("FINISHLINE_INTEGRATION_ID");
    let ended = assert_fails(&second, 4, "integration-mismatch");
    let message = ended.output("error-message");
    assert!(message.contains("integration 2") && message.contains("integration 1"), "{message}");
    assert_eq!(entries(&run), [""; 0]);
}

#[test]
fn a_lost_answer_is_not_taken_for_an_integration_that_was_there() {
    let sentry = FakeSentry::with(|world, request| {
        match request.line() == POST_PIPELINE && request.nth == 2 {
            true => {
                world.answer(request);
                world.integrations.pop();
                Response::close()
            }
            false => world.answer(request),
        }
    });
    let sentry = sentry.with_integration("gitlab", "of-another-group");
    let run = waiting(&sentry);
    assert_fails(&resume(&run, CALLBACK), 6, "unreachable");
    assert_eq!(entries(&run).len(), 1);
}

#[test]
fn a_lost_answer_of_the_second_process_is_found_in_the_list() {
    let sentry = FakeSentry::with(|world, request| {
        let reply = world.answer(request);
        if request.line() == POST_PIPELINE && request.nth == 2 { Response::close() } else { reply }
    });
    let sentry = sentry.with_integration("gitlab", "of-another-group");
    let run = waiting(&sentry);
    assert_completes(&resume(&run, CALLBACK), "complete true 2");
    assert_eq!(sentry.peer.count(POST_PIPELINE), 3);
}

#[test]
fn what_is_asked_for_afterwards_is_done_by_the_second_process() {
    let sentry = FakeSentry::new();
    let run = waiting(&sentry);
    let second = resume(&run, CALLBACK).var("FINISHLINE_REPOSITORIES", "acme/web");
    let ended = assert_completes(&second, "complete true 1");
    assert_eq!(ended.output("warnings"), "");
    assert_eq!(sentry.data().repositories.len(), 1);
}

#[test]
fn a_provider_that_nobody_describes_goes_on_with_all_that_the_callback_brings() {
    let sentry = FakeSentry::new();
    let run = sentry.step("chat", "{}");
    let file = run.path("waiting.json");
    let run = run.var("FINISHLINE_RESUME_FILE", file);
    run.execute().expect(3);
    let ended = assert_completes(&resume(&run, &format!("{CALLBACK}&team=T1")), "complete true 1");
    assert_eq!(ended.output("provider"), "chat");
    let posted = json!({"code": "c0de-x", "state": "0auth-state-1", "team": "T1"});
    assert_eq!(*sentry.posts().last().unwrap(), posted);
    assert_eq!(sentry.peer.lines()[..3], [GET_INTEGRATIONS, GET_ORGANIZATION, POST_PIPELINE]);
}

/// A Sentry whose step after the browser's asks for more.
#[test]
fn a_step_after_the_browser_is_answered_from_the_state_of_the_second_run() {
    let sentry = FakeSentry::with(|world, request| {
        match request.line() == POST_PIPELINE && request.nth == 1 {
            true => {
                Response::json(200, &json!({"status": "advance", "step": "account", "data": {}}))
            }
            false => world.answer(request),
        }
    });
    let state = "{account: {name: acme-group, key: l8ter-secret}}";
    let run = sentry.step("chat", state);
    let file = run.path("waiting.json");
    let run = run.var("FINISHLINE_RESUME_FILE", file);
    run.execute().expect(3);
    let second = run.clone().args(&["resume"]).var("FINISHLINE_CALLBACK_URL", CALLBACK);
    let ended = second.execute();
    assert_eq!(leaks(&ended, "l8ter-secret"), [""; 0]);
    assert!(ended.stderr.contains("::add-mask::l8ter-secret\n"), "{}", ended.stderr);
    let answer = json!({"name": "acme-group", "key": "l8ter-secret"});
    assert_eq!(*sentry.posts().last().unwrap(), answer);
}

#[test]
fn a_pipeline_that_waits_a_second_time_is_kept_a_second_time() {
    let page = "https://github.com/apps/acme/installations/new";
    let sentry = FakeSentry::with(move |world, request| {
        match request.line() == POST_PIPELINE && request.nth == 1 {
            true => {
                let data = json!({"appInstallUrl": page});
                Response::json(200, &json!({"status": "advance", "step": "install", "data": data}))
            }
            false => world.answer(request),
        }
    });
    let run = sentry.step("chat", "{}");
    let file = run.path("waiting.json");
    let run = run.var("FINISHLINE_RESUME_FILE", file);
    run.execute().expect(3);
    let ended = resume(&run, CALLBACK).execute().expect(3);
    assert_eq!(ended.output("redirect-url"), page);
    assert_eq!(entries(&run).len(), 1);
}

/// Two entries of a manifest for one organization and provider, which both wait.
fn two_waiting(sentry: &FakeSentry) -> ProgramRun {
    let run = waiting(sentry).without("FINISHLINE_PROVIDER").without("FINISHLINE_STATE");
    std::fs::remove_file(run.path("waiting.json")).unwrap();
    let entry = |group: &str| {
        format!(
            "  - {{provider: gitlab, state: {{url: 'https://gitlab.example.com', group: {group}, clientId: app, clientSecret: '${{SECRET}}'}}}}\n"
        )
    };
    let entries = ["acme", "beta"].map(entry).concat();
    run.file("finishline.yml", format!("version: 1\nintegrations:\n{entries}"));
    let run = run.var("SECRET", "gitl4b-secret").var("FINISHLINE_MANIFEST", "finishline.yml");
    // One after the other: the first has the first session.
    let ended = run.clone().var("FINISHLINE_MAX_PARALLEL", "1").execute().expect(3);
    assert!(
        ended.stdout.contains("resume --org acme --entry 'integrations[0]'"),
        "{}",
        ended.stdout
    );
    run
}

#[test]
fn two_entries_of_one_provider_wait_beside_each_other_and_are_told_apart() {
    let sentry = FakeSentry::new();
    let run = two_waiting(&sentry);
    let kept = entries(&run);
    assert!(kept[0].ends_with("/acme/gitlab/integrations[0]"), "{kept:?}");
    assert!(kept[1].ends_with("/acme/gitlab/integrations[1]"), "{kept:?}");
    let resumed =
        resume(&run, &CALLBACK.replace("state-1", "state-3")).without("FINISHLINE_MANIFEST");
    let ended = assert_fails(&resumed, 2, "ambiguous");
    assert!(ended.stderr.contains(&kept.join(", ")), "{}", ended.stderr);
    assert!(ended.stderr.contains("set `entry` to the last part of its name"), "{}", ended.stderr);
    assert_completes(&resumed.var("FINISHLINE_ENTRY", "integrations[1]"), "complete true 1");
    assert_eq!(entries(&run), kept[..1]);
}

#[test]
fn an_entry_of_the_manifest_goes_on_with_what_the_manifest_says_of_it() {
    let sentry = FakeSentry::new();
    let run = two_waiting(&sentry);
    let resumed = resume(&run, &CALLBACK.replace("state-1", "state-2"));
    let ended = assert_fails(&resumed, 2, "usage");
    let hint = "set `entry` to the one that is waiting: integrations[0], integrations[1]";
    assert!(ended.stderr.contains(hint), "{}", ended.stderr);
    assert_completes(&resumed.var("FINISHLINE_ENTRY", "integrations[0]"), "complete true 1");
    assert_eq!(entries(&run).len(), 1);
    let callback = run.var("FINISHLINE_CALLBACK_URL", CALLBACK);
    assert!(
        assert_fails(&callback, 2, "usage").stderr.contains("`callback-url` can only be used with")
    );
}

/// The secret of the form answered the step before the one that waits.
#[test]
fn a_secret_of_a_step_that_is_over_is_shown_by_no_later_process() {
    let sentry = FakeSentry::with(|world, request| {
        let is_last = request.line() == POST_PIPELINE && request.json()["code"] == "c0de-x";
        match is_last {
            true => Response::detail(400, "wrong client secret gitl4b-secret"),
            false => world.answer(request),
        }
    });
    let run = waiting(&sentry);
    assert!(!run.text("waiting.json").contains("gitl4b"));
    let ended = resume(&run, CALLBACK).execute().expect(4);
    assert!(ended.stderr.contains("wrong client secret ***"), "{}", ended.stderr);
    assert!(!ended.everything().contains("gitl4b-secret"), "{}", ended.stderr);
    assert_silent(&ended);
}
