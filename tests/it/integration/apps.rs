//! The credentials of one's own apps: where they come from, and that nobody sees them.

use crate::support::run::{ProgramRun, RunResult};

const APPS: &str = "{slack: {clientId: '12.34', clientSecret: app-s3cr3t}}";

fn slack(apps: &str) -> ProgramRun {
    ProgramRun::github().embedded("slack", "{}").var("FINISHLINE_APPS", apps)
}

fn masks(ended: &RunResult) -> bool {
    ended.stderr.lines().any(|line| line == "::add-mask::app-s3cr3t")
}

#[test]
fn an_apps_secret_is_masked_whatever_the_run_comes_to() {
    let run = slack(APPS);
    assert!(masks(&run.execute().expect(3)));
    let callback = "http://127.0.0.1:9797/extensions/slack/setup/?code=c&state=unknown";
    let resume = run.args(&["resume"]).var("FINISHLINE_CALLBACK_URL", callback);
    assert!(masks(&resume.execute().expect(4)));
    assert!(masks(&slack("{slack: {clientSecret: app-s3cr3t}}").execute().expect(2)));
}

#[test]
fn a_mistake_in_apps_is_told_by_its_place_and_never_quoted() {
    for (apps, code, words) in [
        (
            "{slack: app-s3cr3t}",
            "bad-field",
            "the app at FINISHLINE_APPS line 1 column 2 is a string",
        ),
        ("[app-s3cr3t]", "bad-state", "`apps` (FINISHLINE_APPS) is a list, not a mapping"),
        (
            "{slack: {app-s3cr3t: x}}",
            "bad-field",
            "unknown field of slack in FINISHLINE_APPS line 1 column 10",
        ),
        ("{slack: {clientId: a, clientSecret: [app-s3cr3t]}}", "bad-field", "`clientSecret` at"),
        ("slack: 'app-s3cr3t", "bad-state", "`apps` (FINISHLINE_APPS)"),
        ("{slack: {clientId: a, clientSecret: '${NOWHERE}'}}", "bad-state", "NOWHERE"),
    ] {
        let ended = slack(apps).execute().expect(2);
        let said = ended.everything().replace("::add-mask::app-s3cr3t", "");
        assert!(!said.contains("s3cr3t"), "{apps}: {said}");
        assert_eq!(ended.output("error-code"), code, "{apps}: {}", ended.output("error-message"));
        assert!(ended.output("error-message").contains(words), "{}", ended.output("error-message"));
    }
}

#[test]
fn the_flag_takes_a_file_so_that_no_process_list_shows_it() {
    let run = slack("").without("FINISHLINE_APPS");
    let file = run.file("apps.yml", APPS);
    let ended = run.args(&["run", "--apps", file.to_str().unwrap()]).execute().expect(3);
    assert!(
        ended
            .output("redirect-url")
            .starts_with("https://slack.com/oauth/v2/authorize?client_id=12.34&")
    );
}

#[test]
fn github_is_where_the_runner_says_unless_apps_says_otherwise() {
    let app = "appId: '1', name: a, privateKey: '${KEY}', clientId: c, clientSecret: s3cr3t";
    let github = |more: &str| {
        let run = ProgramRun::github().embedded("github", "{}").var("KEY", super::fixtures::KEY);
        let run = run.var("FINISHLINE_APPS", format!("{{github: {{{app}{more}}}}}"));
        run.var("GITHUB_API_URL", "https://ghe.example/api/v3")
            .execute()
            .expect(3)
            .output("redirect-url")
    };
    assert!(github("").starts_with("https://ghe.example/login/oauth/authorize?"));
    let named = github(", apiUrl: 'https://api.acme.ghe.com'");
    assert!(named.starts_with("https://acme.ghe.com/login/oauth/authorize?"), "{named}");
}
