//! The whole way of an integration that needs a person: two processes and a stand-in.

use super::browser_flow::{BrowserFlow, SITE, gitlab_state, parameter};
use crate::support::fake_gitlab::{CLIENT_ID, CLIENT_SECRET, FakeGitLab};
use crate::support::run::{ProgramRun, RunResult};
use crate::support::runner_parser::takes_annotations;
use serde_json::{Value, json};

const NEXT: &str = "https://example.com/a b?c=d&e=é";
const ENCODED: &str = "?next=https%3A%2F%2Fexample.com%2Fa+b%3Fc%3Dd%26e%3D%C3%A9";

/// What analytics tell of the steps: the index after each, and what the pipeline was for.
const STEPS: &str = "SELECT data ->> 'step_index', data ->> 'pipeline_type' FROM analytics_event
                     WHERE type = 'integrations.pipeline_step' ORDER BY id";

#[track_caller]
fn assert_outputs<const N: usize>(ended: &RunResult, names: [&str; N], expected: &str) {
    assert_eq!(ended.joined(names), expected);
}

fn json_of(run: &ProgramRun, sql: &str) -> Value {
    serde_json::from_str(&run.rows(sql).concat()).unwrap()
}

/// What an integration and its link are.
fn stored(run: &ProgramRun) -> Vec<String> {
    run.rows(
        "SELECT 'integration', id, external_id, metadata, status FROM integration
         UNION ALL SELECT 'link', id, integration_id, organization_id, default_auth_id
             FROM organization_integration
         UNION ALL SELECT 'identity', id, user_id, external_id, data FROM identity
         UNION ALL SELECT 'audit', id, event, data, target_object FROM audit_log_entry",
    )
}

/// The authorize page of GitLab's documentation, with the random value that `page` carries.
fn page_with(party: &FakeGitLab, page: &str) -> String {
    let state = parameter(page, "state");
    format!(
        "{}/oauth/authorize?client_id={CLIENT_ID}&response_type=code&scope=api&state={state}\
         &redirect_uri=https%3A%2F%2Fsentry.example.com%2Fextensions%2Fgitlab%2Fsetup%2F",
        party.origin
    )
}

#[test]
fn the_first_run_waits_with_the_page_to_approve_on() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let ended = journey.run.execute().expect(3);
    assert_outputs(
        &ended,
        ["status", "error-code", "changed"],
        "action_required needs-browser false",
    );
    assert_outputs(&ended, ["provider", "pipeline-type", "integration-id"], "gitlab install ");
    let page = ended.output("redirect-url");
    assert_eq!(page, page_with(&journey.party, &page));
    assert_eq!(parameter(&page, "state").len(), 64);
    assert_eq!(stored(&journey.run), [""; 0]);
    let kept = "SELECT provider_key, slug, step_index, ended FROM pipeline_state
                JOIN organization ON organization.id = org_id";
    assert_eq!(journey.run.rows(kept), ["gitlab|acme|1|0"]);
    assert_eq!(journey.run.rows(STEPS), ["1|install"]);
    assert_eq!(journey.party.requests(), [""; 0]);
}

#[test]
fn the_callback_finishes_what_the_first_run_began() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let ended = journey.resume(&journey.approved()).expect(0);
    assert_outputs(&ended, ["status", "changed", "integration-id"], "complete true 1");
    assert_outputs(&ended, ["provider", "pipeline-type", "error-code"], "gitlab install ");
    let asked = ["POST /oauth/token", "GET /api/v4/user", "GET /api/v4/groups/my-group"];
    assert_eq!(journey.party.requests(), asked);
    let (run, host) = (&journey.run, journey.party.origin.trim_start_matches("http://"));
    let row = run.rows("SELECT provider, external_id, name, status FROM integration");
    assert_eq!(row, [format!("gitlab|{host}:1|My Group|active")]);
    let link = "SELECT slug, integration_id, default_auth_id, status
                FROM organization_integration AS link
                JOIN organization ON organization.id = organization_id";
    assert_eq!(run.rows(link), ["acme|1|1|active"]);
    let audit = "SELECT event, actor_id, target_object, data FROM audit_log_entry";
    let entry = r#"integration.add|1|1|{"provider":"gitlab","name":"My Group"}"#;
    assert_eq!(run.rows(audit), [entry]);
    assert_eq!(run.rows(STEPS), ["1|install", "2|install"]);
    let linked = "SELECT data FROM analytics_event WHERE type = 'integrations.identity_linked'";
    let event = json!({"provider": "gitlab", "actor_id": 1, "actor_type": "user"});
    assert_eq!(json_of(run, linked), event);
    let kept = run.rows("SELECT ended, data, next FROM pipeline_state");
    assert_eq!(kept, ["1|{}|null"], "what was kept of the exchange is gone");
}

#[test]
fn the_identity_holds_the_tokens_and_the_application() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    journey.install();
    let host = journey.party.origin.trim_start_matches("http://");
    let row = "SELECT type, p.external_id, user.name, i.external_id, status, scopes
               FROM identity AS i JOIN identity_provider AS p ON p.id = idp_id
               JOIN user ON user.id = user_id";
    let identity = format!(r#"gitlab|{host}:1|local|{host}:42|valid|["api"]"#);
    assert_eq!(journey.run.rows(row), [identity]);
    let data = json_of(&journey.run, "SELECT data FROM identity");
    let secrets = journey.party.secrets();
    let issued = |kind: &str| secrets.iter().find(|secret| secret.starts_with(kind)).unwrap();
    let expected = json!({
        "access_token": format!("+{}/&=", issued("acc3ss")),
        "refresh_token": format!("+{}/&=", issued("r3fresh")),
        "token_type": "Bearer",
        "created_at": 1_700_000_000,
        "expires_in": 7200,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    });
    assert_eq!(data, expected);
}

#[test]
fn the_settings_page_carries_the_next_of_the_first_run() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let callback =
        journey.party.approve(&journey.wait_for(&journey.run.clone().var("FINISHLINE_NEXT", NEXT)));
    let other = journey.resume_run(&callback).var("FINISHLINE_NEXT", "other");
    let ended = other.var("FINISHLINE_URL", "https://elsewhere.example").execute().expect(0);
    let settings = format!("{SITE}/settings/acme/integrations/gitlab/1/{ENCODED}");
    assert_eq!(ended.output("redirect-url"), settings);
}

#[test]
fn gitea_goes_the_same_way_and_keeps_its_webhook_secret() {
    let journey = BrowserFlow::gitea(ProgramRun::github());
    let page = journey.wait();
    let scope = "read:organization read:user write:issue write:repository";
    assert_eq!(parameter(&page, "scope"), scope);
    journey.resume(&journey.party.approve(&page)).expect(0);
    let asked = ["POST /login/oauth/access_token", "GET /api/v1/user", "GET /api/v1/version"];
    assert_eq!(journey.party.requests(), asked);
    let host = journey.party.origin.trim_start_matches("http://");
    let names = "SELECT integration.external_id, name, identity.external_id
                 FROM integration, identity";
    let row = format!("{host}:{CLIENT_ID}|{host}|{host}:42");
    assert_eq!(journey.run.rows(names), [row]);
    let metadata = || json_of(&journey.run, "SELECT metadata FROM integration");
    let before = metadata();
    assert_eq!(before["instance_version"], "1.26.0");
    assert_eq!(before["webhook_secret"].as_str().unwrap().len(), 43);
    let again = journey.run.clone().var("FINISHLINE_MODE", "install");
    let callback = journey.party.approve(&journey.wait_for(&again));
    assert_outputs(&journey.resume(&callback).expect(0), ["changed", "integration-id"], "true 1");
    assert_eq!(metadata(), before, "hooks that are there keep working");
}

#[test]
fn an_installed_integration_is_left_alone() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    journey.install();
    let before = stored(&journey.run);
    let asked = journey.party.requests();
    let ended = journey.run.execute().expect(0);
    journey.assert_nothing_leaks(&ended);
    assert_outputs(&ended, ["status", "changed", "integration-id"], "complete false 1");
    let settings = format!("{SITE}/settings/acme/integrations/gitlab/1/");
    assert_eq!(ended.output("redirect-url"), settings);
    assert_eq!((stored(&journey.run), journey.party.requests()), (before, asked));
}

#[test]
fn a_group_in_other_letters_is_the_same_group() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    journey.install();
    let state = gitlab_state(&journey.party, CLIENT_SECRET, "group: My-Group");
    let ended = journey.with_state(&state).execute().expect(0);
    assert_outputs(&ended, ["status", "changed"], "complete false");
}

#[test]
fn a_rotated_client_secret_waits_again() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    journey.install();
    journey.party.rotate("r0tated-s3cr3t");
    let rotated =
        journey.with_state(&gitlab_state(&journey.party, "r0tated-s3cr3t", "group: my-group"));
    let callback = journey.party.approve(&journey.wait_for(&rotated));
    let ended = journey.resume(&callback).expect(0);
    assert_outputs(&ended, ["status", "changed", "integration-id"], "complete true 1");
    let secret = journey.run.rows("SELECT id, data ->> 'client_secret' FROM identity");
    assert_eq!(secret, ["1|r0tated-s3cr3t"]);
    assert_outputs(&rotated.execute().expect(0), ["status", "changed"], "complete false");
}

#[test]
fn reauth_waits_and_renews_the_same_integration() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    journey.install();
    let reauth = journey.run.clone().var("FINISHLINE_MODE", "reauth");
    let reauth = reauth.var("FINISHLINE_INTEGRATION_ID", "1");
    let waits = reauth.execute().expect(3);
    assert_outputs(&waits, ["status", "pipeline-type"], "action_required reauth");
    let page = waits.output("redirect-url");
    journey.note_page(&page);
    let ended = journey.resume(&journey.party.approve(&page)).expect(0);
    assert_outputs(&ended, ["status", "pipeline-type", "integration-id"], "complete reauth 1");
    assert!(ended.stdout.starts_with("GitLab is re-authorized for acme\n"), "{}", ended.stdout);
    let steps = ["1|install", "2|install", "1|reauth", "2|reauth"];
    assert_eq!(journey.run.rows(STEPS), steps);
    let links = "SELECT count(*) FROM organization_integration";
    assert_eq!(journey.run.rows(links), ["1"]);
}

#[test]
fn a_reauth_for_another_group_is_refused_before_the_person_approves() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    journey.install();
    let before = stored(&journey.run);
    let state = gitlab_state(&journey.party, CLIENT_SECRET, "group: acme/widgets");
    let other = journey.with_state(&state).var("FINISHLINE_MODE", "reauth");
    let ended = other.var("FINISHLINE_INTEGRATION_ID", "1").execute().expect(4);
    assert_outputs(&ended, ["status", "error-code", "redirect-url"], "error integration-mismatch ");
    let words = "`state` describes a different account than integration 1 (";
    assert!(ended.output("error-message").starts_with(words), "{}", ended.output("error-message"));
    assert_eq!(stored(&journey.run), before);
}

#[test]
fn two_organizations_share_the_integration_and_the_identity() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    journey.install();
    let beta = journey.run.clone().var("FINISHLINE_ORG", "beta");
    let callback = journey.party.approve(&journey.wait_for(&beta));
    let resumed = journey.resume_run(&callback).var("FINISHLINE_ORG", "beta").execute().expect(0);
    assert_outputs(&resumed, ["changed", "integration-id"], "true 1");
    let links = "SELECT organization_id, integration_id, default_auth_id
                 FROM organization_integration ORDER BY id";
    assert_eq!(journey.run.rows(links), ["1|1|1", "2|1|1"]);
    assert_eq!(journey.run.rows("SELECT count(*) FROM identity"), ["1"]);
}

#[test]
fn github_is_told_what_to_click_and_what_to_run() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let ended = journey.run.execute().expect(3);
    let page = ended.output("redirect-url");
    let summary = ended.summary();
    assert!(summary.contains(&format!("1. **[Open this page](<{page}>)**\n")), "{summary}");
    assert!(summary.contains("run this again with that URL as `callback-url`"), "{summary}");
    let error = ended.commands().into_iter().find(|command| command.name == "error").unwrap();
    assert!(error.data.contains("open `redirect-url` in a browser"), "{}", error.data);
    assert!(
        error.data.contains("(exit 3 fails the job; `tolerate: action-required` lets it continue)")
    );
    let callback = journey.party.approve(&page);
    journey.note_page(&page);
    let ended = journey.resume(&callback).expect(0);
    let commands = ended.commands();
    let masks: Vec<_> = commands.iter().take_while(|said| said.name == "add-mask").collect();
    let values: Vec<_> = masks.iter().map(|mask| mask.data.as_str()).collect();
    assert_eq!(values, [parameter(&callback, "code")], "before anything else is said");
    assert!(ended.stderr.starts_with("::add-mask::"), "{}", ended.stderr);
}

#[test]
fn gitlab_shows_the_page_as_a_link_of_the_job() {
    let journey = BrowserFlow::gitlab(ProgramRun::gitlab());
    let ended = journey.run.execute().expect(3);
    let page = ended.output("redirect-url");
    assert_eq!(page, page_with(&journey.party, &page));
    let links = |run: &ProgramRun| -> Value {
        let links = serde_json::from_str(&run.text("finishline-annotations.json")).unwrap();
        assert!(takes_annotations(&links), "{links}");
        links
    };
    let link = |label: &str, url: &str| {
        let link = json!({ "label": label, "url": url });
        json!({ "finishline": [{ "external_link": link }] })
    };
    assert_eq!(links(&journey.run), link("Approve in a browser", &page));
    let next = "run `finishline resume` with that URL in FINISHLINE_CALLBACK_URL";
    assert!(ended.stdout.contains(next), "{}", ended.stdout);
    journey.note_page(&page);
    let ended = journey.resume(&journey.party.approve(&page)).expect(0);
    let settings = ended.output("redirect-url");
    assert_eq!(links(&journey.run), link("Integration settings", &settings));
}

#[test]
fn a_laptop_is_told_on_standard_output_what_to_do() {
    let journey = BrowserFlow::gitlab(ProgramRun::local());
    let ended = journey.run.execute().expect(3);
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(lines[0], "GitLab needs a person to act in a browser for acme");
    let page = lines[1].strip_prefix("  open: ").unwrap();
    assert_eq!(page, page_with(&journey.party, page));
    let file = journey.run.database();
    let then =
        format!("finishline resume --org acme --database {} --callback-url -", file.display());
    assert!(lines[3].starts_with(&format!("  within an hour: {then}")), "{}", lines[3]);
    assert!(!ended.stderr.contains("error:"), "{}", ended.stderr);
    journey.note_page(page);
    let ended = journey.resume(&journey.party.approve(page)).expect(0);
    assert!(ended.stdout.starts_with("GitLab is installed for acme\n"), "{}", ended.stdout);
}

#[test]
fn waiting_can_be_tolerated_and_a_plan_only_says_that_it_would_wait() {
    let journey = BrowserFlow::gitlab(ProgramRun::github());
    let plan = journey.run.clone().args(&["plan"]).execute().expect(0);
    let words = "wait at step `oauth_login` for a person to act in a browser\n";
    assert!(plan.stdout.contains(words), "{}", plan.stdout);
    assert!(!journey.run.database().exists());
    let tolerated = journey.run.clone().var("FINISHLINE_TOLERATE", "action-required").execute();
    let names = ["status", "error-code", "warnings"];
    assert_outputs(&tolerated.expect(0), names, "action_required needs-browser tolerated");
}

/// It would set the links of one entry for the integration of another one.
#[test]
fn a_callback_of_another_entry_is_refused() {
    let entry = |group: &str| {
        format!(
            "  - provider: gitlab\n    state: {{url: 'https://gitlab.example.com', group: {group}, clientId: a, clientSecret: '${{KEY}}'}}\n"
        )
    };
    let run = ProgramRun::github();
    let head = "version: 1\ndefaults: {org: acme}\nintegrations:\n";
    let manifest = run.file("finishline.yml", [head, &entry("one"), &entry("two")].concat());
    let database = run.database();
    let run = run.var("FINISHLINE_BACKEND", "embedded").var("FINISHLINE_DATABASE", database);
    let run = run.var("FINISHLINE_MANIFEST", manifest).var("KEY", "s3cr3t-key");
    let result = run.execute().expect(3).output("result");
    let result: Value = serde_json::from_str(&result).unwrap();
    let page = result["entries"][1]["outputs"]["redirect-url"].as_str();
    let page = page.or(result["entries"][1]["redirect_url"].as_str()).unwrap();
    let page = url::Url::parse(page).unwrap();
    let state = page.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let callback =
        format!("https://sentry.example.com/extensions/gitlab/setup/?code=c&state={state}");
    let run = run.var("FINISHLINE_CALLBACK_URL", callback);
    let other = run.clone().without("FINISHLINE_MANIFEST").args(&["resume", "--org", "acme"]);
    for (run, words) in [
        (
            run.args(&["resume", "--entry", "integrations[0]"]),
            "the callback belongs to `integrations[1]`, and `entry` is `integrations[0]`",
        ),
        (
            other.var("FINISHLINE_PROVIDER", "slack"),
            "the callback belongs to gitlab, and `provider` is `slack`",
        ),
    ] {
        let ended = run.execute().expect(4);
        assert_eq!(ended.output("error-code"), "wrong-oauth-state", "{}", ended.stderr);
        assert_eq!(ended.output("error-message"), words);
    }
}
