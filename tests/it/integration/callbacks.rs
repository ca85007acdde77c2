//! Callbacks that are wrong, late, used, another's, denied, hostile, or in a hurry: each has its
//! outcome, and none costs the right one.

use super::browser_flow::{BrowserFlow, parameter};
use crate::support::fake_gitlab::{CLIENT_SECRET, Misbehavior};
use crate::support::run::{ProgramRun, RunResult};

const HOUR_MS: i64 = 3_600_000;

/// What may not be changed by a callback that is refused.
const KEPT: &str = "SELECT key, step_index, data, ended, callback FROM pipeline_state
                    UNION ALL SELECT id, provider, metadata, status, 0 FROM integration
                    UNION ALL SELECT id, event, data, target_object, 0 FROM audit_log_entry
                    ORDER BY 1";

/// The callback with other parameters in place of its own.
fn with(callback: &str, changes: &[(&str, Option<&str>)]) -> String {
    let mut url = url::Url::parse(callback).unwrap();
    let mut pairs: Vec<_> = url.query_pairs().into_owned().collect();
    for (name, value) in changes {
        pairs.retain(|(known, _)| known != name);
        pairs.extend(value.map(|value| ((*name).to_owned(), value.to_owned())));
    }
    url.query_pairs_mut().clear().extend_pairs(pairs);
    url.into()
}

/// Refuses this callback with the slug, asks the third party nothing, and changes nothing.
#[track_caller]
fn assert_refused(journey: &BrowserFlow, callback: &str, exit: i32, slug: &str) -> RunResult {
    let (before, asked) = (journey.run.rows(KEPT), journey.party.requests());
    let ended = journey.resume(callback).expect(exit);
    assert_eq!(ended.joined(["status", "error-code"]), format!("error {slug}"));
    assert_eq!(ended.joined(["changed", "redirect-url", "error-status"]), "false  ");
    assert_eq!((journey.run.rows(KEPT), journey.party.requests()), (before, asked));
    ended
}

/// Shows that the right callback is still good.
#[track_caller]
fn assert_finishes(journey: &BrowserFlow, callback: &str) {
    let ended = journey.resume(callback).expect(0);
    assert_eq!(ended.joined(["status", "changed", "integration-id"]), "complete true 1");
    let audit = journey.run.rows("SELECT event, target_object FROM audit_log_entry");
    assert_eq!(audit, ["integration.add|1"]);
}

/// Moves the waiting pipeline's time.
fn age(journey: &BrowserFlow, by_ms: i64) {
    let sql = "UPDATE pipeline_state SET expires_at = expires_at - ?1";
    journey.run.connection().execute(sql, [by_ms]).unwrap();
}

#[test]
fn a_state_that_nobody_handed_out_is_refused() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let callback = journey.approved();
    let state = parameter(&callback, "state");
    let digest = journey.run.rows("SELECT callback FROM pipeline_state").concat();
    let key = journey.run.rows("SELECT key FROM pipeline_state").concat();
    let forged: [&str; 9] = [
        &"0".repeat(64),
        &state[1..],
        &format!("{state}0"),
        &format!("{state} "),
        &state.to_uppercase(),
        "' OR 1=1 --",
        // Who can read the database's index, or a signature of Sentry's, has no callback yet.
        &digest,
        &key,
        "d41d8cd98f00b204e9800998ecf8427e",
    ];
    for forged in forged.map(|forged| with(&callback, &[("state", Some(forged))])) {
        let ended = assert_refused(&journey, &forged, 4, "wrong-oauth-state");
        assert_eq!(ended.output("error-message"), "no pipeline is waiting for this callback");
    }
    assert_finishes(&journey, &callback);
}

#[test]
fn a_callback_is_good_once() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let callback = journey.approved();
    assert_finishes(&journey, &callback);
    let ended = assert_refused(&journey, &callback, 4, "callback-used");
    let words = "the callback was already used, and its pipeline is finished";
    assert_eq!(ended.output("error-message"), words);
    let other_code = with(&callback, &[("code", Some("another"))]);
    assert_refused(&journey, &other_code, 4, "callback-used");
}

#[test]
fn a_callback_after_the_time_to_live_is_refused_for_as_long_as_it_is_remembered() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let callback = journey.approved();
    age(&journey, HOUR_MS);
    let ended = assert_refused(&journey, &callback, 4, "session-expired");
    let words = "the pipeline has expired after waiting for an hour";
    assert_eq!(ended.output("error-message"), words);
    // The next pipeline takes away what the late one held.
    let next = journey.approved();
    let kept = journey.run.rows("SELECT data FROM pipeline_state ORDER BY expires_at");
    assert_eq!((kept.len(), kept[0].as_str()), (2, "{}"));
    assert_refused(&journey, &callback, 4, "session-expired");
    let week = "UPDATE pipeline_state SET expires_at = expires_at - ?1 WHERE data = '{}'";
    journey.run.connection().execute(week, [7 * 24 * HOUR_MS]).unwrap();
    journey.wait();
    assert_refused(&journey, &callback, 4, "wrong-oauth-state");
    assert_finishes(&journey, &next);
}

#[test]
fn what_a_pipeline_held_is_not_even_in_the_free_space_of_the_file() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let late = journey.approved();
    age(&journey, HOUR_MS);
    let callback = journey.approved();
    assert_finishes(&journey, &callback);
    let bytes = std::fs::read(journey.run.database()).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    for (secret, times) in [
        (parameter(&late, "state"), 0),
        (parameter(&callback, "state"), 0),
        ("c0de-".to_owned(), 0),
        // The identity's.
        ("acc3ss-".to_owned(), 1),
        (CLIENT_SECRET.to_owned(), 1),
    ] {
        assert_eq!(text.matches(&secret).count(), times, "{secret}");
    }
}

#[test]
fn the_time_to_live_is_an_hour() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let callback = journey.approved();
    // A minute is left, which the test does not need.
    age(&journey, HOUR_MS - 60_000);
    assert_finishes(&journey, &callback);
}

#[test]
fn another_organizations_callback_is_refused() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let callback = journey.approved();
    let (before, run) = (journey.run.rows(KEPT), journey.resume_run(&callback));
    for org in ["beta", "ACME", "acme2"] {
        let ended = run.clone().var("FINISHLINE_ORG", org).execute().expect(4);
        journey.assert_nothing_leaks(&ended);
        assert_eq!(ended.joined(["status", "error-code"]), "error foreign-callback");
    }
    assert_eq!((journey.run.rows(KEPT), journey.party.requests()), (before, Vec::new()));
    assert_eq!(journey.run.rows("SELECT slug FROM organization"), ["acme"]);
    assert_finishes(&journey, &callback);
}

#[test]
fn two_pipelines_that_wait_do_not_mix() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let beta = journey.run.clone().var("FINISHLINE_ORG", "beta").var("FINISHLINE_NEXT", "n");
    let (of_acme, of_beta) = (journey.approved(), journey.party.approve(&journey.wait_for(&beta)));
    let mixed = with(&of_acme, &[("state", Some(&parameter(&of_beta, "state")))]);
    assert_refused(&journey, &mixed, 4, "foreign-callback");
    let beta = journey.resume_run(&of_beta).var("FINISHLINE_ORG", "beta").execute().expect(0);
    assert!(beta.output("redirect-url").ends_with("/settings/beta/integrations/gitlab/1/?next=n"));
    let acme = journey.resume(&of_acme).expect(0);
    assert!(acme.output("redirect-url").ends_with("/settings/acme/integrations/gitlab/1/"));
    let links = "SELECT slug FROM organization_integration
                 JOIN organization ON organization.id = organization_id ORDER BY slug";
    assert_eq!(journey.run.rows(links), ["acme", "beta"]);
}

#[test]
fn two_pipelines_of_one_organization_both_finish() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let callbacks = [journey.approved(), journey.approved()];
    assert_ne!(parameter(&callbacks[0], "state"), parameter(&callbacks[1], "state"));
    for callback in callbacks.iter().rev() {
        let ended = journey.resume(callback).expect(0);
        assert_eq!(ended.joined(["status", "integration-id"]), "complete 1");
    }
    assert_eq!(journey.run.rows("SELECT count(*) FROM organization_integration"), ["1"]);
    assert_eq!(journey.run.rows("SELECT count(*) FROM identity"), ["1"]);
}

#[test]
fn an_approval_that_is_denied_can_still_be_given() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let callback = journey.approved();
    let words = "The resource owner denied the request";
    let denied =
        [("code", None), ("error", Some("access_denied")), ("error_description", Some(words))];
    let ended = assert_refused(&journey, &with(&callback, &denied), 4, "refused");
    let message = format!("the third party returned an error: `access_denied: {words}`");
    assert_eq!(ended.output("error-message"), message);
    assert_eq!(ended.joined(["provider", "warnings"]), "gitlab ");
    for mask in ended.commands().iter().filter(|said| said.name == "add-mask") {
        let hit = ended.outputs().into_values().find(|value| value.contains(&mask.data));
        assert_eq!(hit, None, "the mask of {} makes it unreadable", mask.data);
    }
    assert_finishes(&journey, &callback);
}

/// GitHub sends those back so who may not install.
#[test]
fn an_installation_that_is_only_requested_needs_an_owner() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let callback = journey.approved();
    let requested = with(&callback, &[("code", None), ("setup_action", Some("request"))]);
    let ended = assert_refused(&journey, &requested, 4, "refused");
    assert!(ended.output("error-message").contains("an owner of the account has to approve"));
    assert_finishes(&journey, &callback);
}

#[test]
fn a_callback_that_lacks_something_or_is_none_is_an_input_error() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let callback = journey.approved();
    let page = callback.split('?').next().unwrap();
    let code = parameter(&callback, "code");
    for (wrong, words) in [
        (with(&callback, &[("code", None)]), "has no `code`"),
        (with(&callback, &[("code", Some(""))]), "has no `code`"),
        (with(&callback, &[("state", None)]), "has no `state`"),
        (format!("{callback}&code=2"), "contains a parameter twice"),
        (page.to_owned(), "has no parameters"),
        (code, "has no parameters"),
        (format!("{callback}&x={}", "y".repeat(16 * 1024)), "is longer than 16 KiB"),
    ] {
        let ended = assert_refused(&journey, &wrong, 2, "usage");
        assert_eq!(ended.output("error-message"), format!("the callback URL {words}"));
    }
    assert_finishes(&journey, &callback);
}

#[test]
fn nothing_in_a_callback_is_a_command() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let callback = journey.approved();
    let hostile = "x\r\n::set-output name=a::b\n##[add-path]/evil\n::stop-commands::t";
    let denied = [("error", Some(hostile)), ("error_description", Some(hostile))];
    for wrong in [
        with(&callback, &denied),
        with(&callback, &[("code", Some(hostile))]),
        with(&callback, &[("state", Some(hostile))]),
        format!("{callback}\n::set-output name=a::b"),
        hostile.to_owned(),
    ] {
        let ended = journey.resume(&wrong);
        assert_ne!(ended.exit, Some(0));
        let names: Vec<_> = ended.commands().into_iter().map(|said| said.name).collect();
        let ours = |name: &String| name == "add-mask" || name == "error";
        assert!(names.iter().all(ours), "{names:?} in {}", ended.stderr);
        assert!(!ended.output("error-message").contains('\n'));
    }
    assert_finishes(&journey, &callback);
}

#[test]
fn a_callback_comes_from_standard_input_or_a_file() {
    for given in ["-", "callback"] {
        let journey = BrowserFlow::gitlab(ProgramRun::github());
        let callback = journey.approved();
        let run = journey.resume_run("").without("FINISHLINE_CALLBACK_URL");
        let run = run.args(&["resume", "--callback-url", given]).stdin(format!("{callback}\n"));
        if given != "-" {
            run.file(given, &callback);
        }
        assert_eq!(run.execute().expect(0).joined(["status", "integration-id"]), "complete 1");
    }
}

#[test]
fn resume_needs_a_callback_and_an_organization() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let run = journey.resume_run(&journey.approved());
    let ended = run.clone().without("FINISHLINE_CALLBACK_URL").execute().expect(2);
    let words = "`callback-url` is missing: the complete URL from the browser's address bar";
    assert_eq!(ended.joined(["error-code", "error-message"]), format!("usage {words}"));
    let ended = run.without("FINISHLINE_ORG").execute().expect(2);
    let words = "`org` is missing: the organization slug (SENTRY_ORG)";
    assert_eq!(ended.joined(["error-code", "error-message"]), format!("usage {words}"));
}

#[test]
fn resume_makes_no_database() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let page = format!("{}/?", journey.party.origin);
    let ended = journey.resume_run(&format!("{page}code=c&state=s")).execute().expect(6);
    assert_eq!(ended.output("error-code"), "database");
    let message = ended.output("error-message");
    assert!(
        message.starts_with("database `") && message.ends_with("` does not exist"),
        "{message}"
    );
    assert!(!journey.run.database().exists());
}

#[test]
fn resume_has_no_dry_run() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let callback = journey.approved();
    let before = (journey.run.rows(KEPT), journey.party.requests());
    let ended = journey.resume_run(&callback).var("FINISHLINE_DRY_RUN", "true").execute().expect(2);
    assert_eq!(ended.output("error-code"), "usage");
    assert_eq!((journey.run.rows(KEPT), journey.party.requests()), before);
    assert_finishes(&journey, &callback);
}

#[test]
fn a_pipeline_whose_steps_have_changed_is_not_gone_on_with() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let callback = journey.approved();
    let other = "UPDATE pipeline_state SET signature = 'of an earlier version'";
    journey.run.connection().execute(other, []).unwrap();
    assert_refused(&journey, &callback, 4, "session-expired");
}

#[test]
fn of_two_processes_with_one_callback_exactly_one_finishes() {
    for at in ["/oauth/token", "/api/v4/user"] {
        let journey = BrowserFlow::gitlab(ProgramRun::github());
        let callback = journey.approved();
        // The third party holds its answer until both have asked, so that they are on their way
        // together; at the user, they share the token that the first one was given.
        journey.party.misbehave(at, Misbehavior::Hang);
        let first = journey.resume_run(&callback).start();
        journey.party.wait_for_requests(at, 1);
        let second = journey.resume_run(&callback).start();
        journey.party.wait_for_requests(at, 2);
        journey.party.behave();
        let ended = [first.wait(), second.wait()];
        let (winners, losers): (Vec<_>, Vec<_>) =
            ended.into_iter().partition(|ended| ended.exit == Some(0));
        assert_eq!((winners.len(), losers.len()), (1, 1), "at {at}");
        let slug = if at == "/api/v4/user" { "callback-used" } else { "refused" };
        assert_eq!(losers[0].joined(["status", "error-code"]), format!("error {slug}"));
        for ended in winners.iter().chain(&losers) {
            journey.assert_nothing_leaks(ended);
        }
        assert_eq!(journey.run.rows("SELECT event FROM audit_log_entry"), ["integration.add"]);
        assert_eq!(journey.run.rows("SELECT count(*) FROM analytics_event"), ["3"]);
    }
}

#[cfg(unix)]
#[test]
fn a_process_that_ends_after_the_exchange_is_gone_on_with() {
    for (signal, exit) in [("KILL", None), ("TERM", Some(9))] {
        let journey = BrowserFlow::gitlab(ProgramRun::github());
        let callback = journey.approved();
        journey.party.misbehave("/api/v4/user", Misbehavior::Hang);
        let started = journey.resume_run(&callback).start();
        journey.party.wait_for_requests("/api/v4/user", 1);
        started.signal(signal);
        let ended = started.wait();
        assert_eq!(ended.exit, exit);
        journey.assert_nothing_leaks(&ended);
        journey.party.behave();
        assert_finishes(&journey, &callback);
        let exchanges = journey.party.requests().into_iter().filter(|line| line.contains("token"));
        assert_eq!(exchanges.count(), 1, "the reply was kept");
    }
}

#[test]
fn who_lost_the_role_meanwhile_may_not_finish() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let callback = journey.approved();
    let role = |role| {
        let sql = "UPDATE member SET role = ?1";
        journey.run.connection().execute(sql, [role]).unwrap();
    };
    role("member");
    let ended = journey.resume(&callback).expect(5);
    assert_eq!(ended.joined(["status", "error-code"]), "error missing-scope");
    assert_eq!(journey.run.rows("SELECT * FROM integration"), [""; 0]);
    role("admin");
    assert_finishes(&journey, &callback);
}
