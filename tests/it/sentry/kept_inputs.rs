//! What a first run was given for the steps after a person's visit, and for the end, is used by the
//! process that goes on; a choice that was refused can be made again; and the command that is printed
//! works as it stands.

use crate::support::fake_sentry::{
    FakeSentry, GET_PIPELINE, GITLAB, POST_PIPELINE, TOKEN, assert_completes, assert_fails, leaks,
};
use crate::support::http_server::{Request, Response};
use crate::support::run::ProgramRun;
use serde_json::{Value, json};
use std::sync::Mutex;

const CALLBACK: &str = "http://127.0.0.1/extensions/x/setup/?code=c0de-x&state=0auth-state-1";

/// A Sentry whose second step lists what may be chosen, and takes what is in the list by its id.
struct ChoosingSentry {
    step: &'static str,
    list: &'static str,
    field: &'static str,
    data: Value,
}

impl ChoosingSentry {
    fn shown(&self, step: usize) -> Value {
        let page = "https://vendor.example.com/authorize?state=0auth-state-1";
        match step {
            0 => json!({"step": "oauth_login", "data": {"oauthUrl": page}}),
            _ => json!({"step": self.step, "data": self.data}),
        }
    }

    fn takes(&self, body: &Value) -> bool {
        let items = self.data[self.list].as_array().unwrap();
        let ids = || items.iter().flat_map(|item| [&item["accountId"], &item["installationId"]]);
        let is_listed = |field: &str| ids().any(|id| id.is_string() && *id == body[field]);
        is_listed(self.field) || body["installationId"] == "999"
    }

    fn start(self) -> FakeSentry {
        let step = Mutex::new(None::<usize>);
        FakeSentry::with(move |world, request: &Request| {
            let mut step = step.lock().unwrap();
            let body = request.json();
            match (request.line().as_str(), *step) {
                (GET_PIPELINE, Some(at)) => Response::json(200, &self.shown(at)),
                (POST_PIPELINE, _) if body["action"] == "initialize" => {
                    *step = Some(0);
                    Response::json(200, &self.shown(0))
                }
                (POST_PIPELINE, Some(0)) if body["state"] == "0auth-state-1" => {
                    *step = Some(1);
                    let mut shown = self.shown(1);
                    shown["status"] = "advance".into();
                    Response::json(200, &shown)
                }
                (POST_PIPELINE, Some(1)) if self.takes(&body) => {
                    *step = None;
                    let id = body[self.field].as_str().or(body["installationId"].as_str());
                    let data = world.finish("vsts", id.unwrap());
                    Response::json(200, &json!({"status": "complete", "data": data}))
                }
                (POST_PIPELINE, Some(_)) => {
                    let data = json!({"detail": "An account must be selected"});
                    Response::json(400, &json!({"status": "error", "data": data}))
                }
                _ => world.answer(request),
            }
        })
    }
}

/// Azure DevOps, whose user has these organizations.
fn azure(accounts: Value) -> FakeSentry {
    let data = json!({ "accounts": accounts });
    let (step, list) = ("account_selection", "accounts");
    ChoosingSentry { step, list, field: "account", data }.start()
}

/// GitHub, whose user has the app on these accounts.
fn github(installations: Value) -> FakeSentry {
    let page = "https://github.com/apps/acme/installations/new";
    let data = json!({ "installationInfo": installations, "installAppUrl": page });
    let (step, list) = ("org_selection", "installationInfo");
    ChoosingSentry { step, list, field: "chosenInstallationId", data }.start()
}

fn two_accounts() -> Value {
    json!([
        {"accountId": "71b2-a", "accountName": "Acme Inc"},
        {"accountId": "9c04-b", "accountName": "beta"},
    ])
}

/// A first run that waits, with whatever else it is given.
fn waiting(run: &ProgramRun) -> ProgramRun {
    let file = run.path("waiting.json");
    let run = run.clone().var("FINISHLINE_RESUME_FILE", file);
    run.execute().expect(3);
    run
}

/// The run that goes on, which knows nothing but the file and the token.
fn resumed(run: &ProgramRun) -> ProgramRun {
    ["PROVIDER", "STATE", "REPOSITORIES", "CODE_MAPPINGS", "MANIFEST", "ENTRY"]
        .iter()
        .fold(run.clone(), |run, name| run.without(&format!("FINISHLINE_{name}")))
        .args(&["resume"])
        .var("FINISHLINE_CALLBACK_URL", CALLBACK)
}

fn set(run: &ProgramRun, set: &str) -> ProgramRun {
    resumed(run).without("FINISHLINE_CALLBACK_URL").args(&["resume", "--set", set])
}

fn last_post(sentry: &FakeSentry) -> Value {
    sentry.posts().pop().unwrap()
}

#[test]
fn a_field_of_a_later_step_is_used_at_that_step() {
    for (given, id) in [("9c04-b", "9c04-b"), ("beta", "9c04-b"), ("acme inc", "71b2-a")] {
        let sentry = azure(two_accounts());
        let run = waiting(&sentry.step("vsts", &format!("{{account: '{given}'}}")));
        assert_completes(&resumed(&run), "complete true 1");
        assert_eq!(last_post(&sentry), json!({"account": id}), "{given}");
    }
}

#[test]
fn what_is_set_at_resume_goes_before_what_was_kept() {
    for by_state in [false, true] {
        let sentry = azure(two_accounts());
        let run = waiting(&sentry.step("vsts", "{account: 71b2-a}"));
        let second = match by_state {
            true => resumed(&run).var("FINISHLINE_STATE", "{account: beta}"),
            false => resumed(&run).args(&["resume", "--set", "account=beta"]),
        };
        assert_completes(&second, "complete true 1");
        assert_eq!(last_post(&sentry), json!({"account": "9c04-b"}));
    }
}

#[test]
fn a_refused_choice_lists_what_there_is_and_is_made_again_without_the_callback() {
    let sentry = azure(two_accounts());
    let run = waiting(&sentry.step("vsts", "{account: gone}"));
    let ended = assert_fails(&resumed(&run), 4, "refused");
    let message = ended.output("error-message");
    assert!(message.starts_with("An account must be selected; available: "), "{message}");
    for words in ["Acme Inc", "71b2-a", "beta", "9c04-b"] {
        assert!(message.contains(words), "{message}");
    }
    assert!(ended.stderr.contains("the pipeline is still waiting: finishline resume"));
    assert!(ended.stderr.contains("--set account=ID"), "{}", ended.stderr);
    // Once more wrong, and nothing is lost.
    assert_fails(&set(&run, "account=neither"), 4, "refused");
    let ended = assert_completes(&set(&run, "account=beta"), "complete true 1");
    assert_eq!(ended.output("provider"), "vsts");
    assert_eq!(last_post(&sentry), json!({"account": "9c04-b"}));
    let file: Value = serde_json::from_str(&run.text("waiting.json")).unwrap();
    assert_eq!(file, json!({"schema": 1, "waiting": {}}));
}

#[test]
fn a_name_that_two_have_is_refused_rather_than_guessed() {
    let twins = json!([
        {"accountId": "id-1", "accountName": "acme"},
        {"accountId": "id-2", "accountName": "acme"},
    ]);
    let sentry = azure(twins);
    let run = waiting(&sentry.step("vsts", "{account: acme}"));
    let message = assert_fails(&resumed(&run), 4, "refused").output("error-message");
    assert!(message.contains("id-1") && message.contains("id-2"), "{message}");
    assert_completes(&set(&run, "account=id-2"), "complete true 1");
}

#[test]
fn a_mistyped_field_at_resume_is_an_error_and_sends_nothing() {
    let sentry = azure(two_accounts());
    let run = waiting(&sentry.step("vsts", "{account: beta}"));
    let before = sentry.peer.requests().len();
    let wrong = resumed(&run).args(&["resume", "--set", "acount=beta"]);
    let ended = assert_fails(&wrong, 2, "bad-field");
    assert!(ended.stderr.contains("did you mean `account`?"), "{}", ended.stderr);
    assert_eq!(sentry.peer.requests().len(), before);
    assert_completes(&resumed(&run), "complete true 1");
}

#[test]
fn a_field_of_a_step_that_is_over_is_warned_about() {
    let sentry = FakeSentry::new();
    let run = waiting(&sentry.step("gitlab", GITLAB));
    let late = resumed(&run).args(&["resume", "--set", "url=https://other.example.com"]);
    let ended = assert_completes(&late, "complete true 1");
    assert_eq!(ended.output("warnings"), "unused-input");
    assert!(ended.stderr.contains("`--set url` is not used by a pipeline that is past its step"));
}

#[test]
fn the_only_installation_of_an_app_is_taken_and_nobody_installs_it_again() {
    let sentry = github(json!([{"installationId": "4711", "githubAccount": "acme", "count": 0}]));
    let run = waiting(&sentry.step("github", "{}"));
    assert_completes(&resumed(&run), "complete true 1");
    assert_eq!(last_post(&sentry), json!({"chosenInstallationId": "4711"}));
}

#[test]
fn of_several_installations_one_is_chosen_by_id_or_account_and_none_is_guessed() {
    let two = json!([
        {"installationId": "4711", "githubAccount": "acme", "count": 0},
        {"installationId": "4712", "githubAccount": "Beta-Org", "count": 1},
    ]);
    let sentry = github(two.clone());
    let run = waiting(&sentry.step("github", "{}"));
    let ended = assert_fails(&resumed(&run), 2, "missing-field");
    let message = ended.output("error-message");
    assert!(message.contains("Beta-Org") && message.contains("4712"), "{message}");
    assert_completes(&set(&run, "chosenInstallationId=beta-org"), "complete true 1");
    assert_eq!(last_post(&sentry), json!({"chosenInstallationId": "4712"}));
    let sentry = github(two);
    let run = waiting(&sentry.step("github", "{chosenInstallationId: '4711'}"));
    assert_completes(&resumed(&run), "complete true 1");
    assert_eq!(last_post(&sentry), json!({"chosenInstallationId": "4711"}));
}

#[test]
fn where_the_app_is_nowhere_a_person_installs_it_and_the_new_one_is_used() {
    let sentry = github(json!([]));
    let run = waiting(&sentry.step("github", "{}"));
    let ended = resumed(&run).execute().expect(3);
    assert!(ended.output("redirect-url").ends_with("/installations/new"));
    let installed = "http://127.0.0.1/extensions/github/setup/?installation_id=999&state=x";
    let third = resumed(&run).var("FINISHLINE_CALLBACK_URL", installed);
    assert_completes(&third, "complete true 1");
    assert_eq!(last_post(&sentry), json!({"installationId": "999"}));
}

#[test]
fn a_choice_that_the_callback_contradicts_is_an_error() {
    let sentry = github(json!([{"installationId": "4711", "githubAccount": "acme", "count": 0}]));
    let run = waiting(&sentry.step("github", "{chosenInstallationId: '4711'}"));
    let other =
        resumed(&run).var("FINISHLINE_CALLBACK_URL", format!("{CALLBACK}&installation_id=999"));
    let message = assert_fails(&other, 2, "bad-field").output("error-message");
    assert!(message.contains("4711") && message.contains("999"), "{message}");
    assert_completes(&resumed(&run), "complete true 1");
}

#[test]
fn a_secret_of_a_later_step_is_kept_sealed_and_masked() {
    let sentry = FakeSentry::with(|world, request| {
        match request.line() == POST_PIPELINE && request.nth == 1 {
            true => {
                Response::json(200, &json!({"status": "advance", "step": "account", "data": {}}))
            }
            false => world.answer(request),
        }
    });
    let run = waiting(&sentry.step("chat", "{account: {name: acme-group, key: l8ter-secret}}"));
    assert!(!run.text("waiting.json").contains("l8ter"));
    let ended = resumed(&run).execute();
    assert_eq!(leaks(&ended, "l8ter-secret"), [""; 0]);
    assert!(ended.stderr.contains("::add-mask::l8ter-secret\n"), "{}", ended.stderr);
    assert_eq!(last_post(&sentry), json!({"name": "acme-group", "key": "l8ter-secret"}));
}

const MAPPINGS: &str = "[{project: web, repository: acme/web, stackRoot: app/, sourceRoot: src/}]";

#[test]
fn links_of_the_first_run_are_set_by_the_second_and_those_of_the_second_go_first() {
    for (again, linked) in [(None, "acme/web"), (Some("acme/api"), "acme/api")] {
        let sentry = FakeSentry::new();
        let run = sentry.step("gitlab", GITLAB).var("FINISHLINE_REPOSITORIES", "acme/web");
        let run = waiting(&run.var("FINISHLINE_CODE_MAPPINGS", MAPPINGS));
        let second = resumed(&run);
        let second =
            again.map_or(second.clone(), |again| second.var("FINISHLINE_REPOSITORIES", again));
        assert_completes(&second, "complete true 1");
        let data = sentry.data();
        assert_eq!(data.repositories[0]["name"], linked);
        assert_eq!(data.mappings, ["web app/ src/"]);
    }
}

/// The command in what was printed, from its name to the end of its line.
fn printed_command(text: &str) -> String {
    let line = text.lines().find(|line| line.contains("finishline resume --")).expect(text);
    line[line.find("finishline resume --").unwrap()..].trim_end_matches('`').to_owned()
}

/// Pastes a command into a shell that knows the program, the token and what a manifest names.
#[cfg(unix)]
fn paste(run: &ProgramRun, command: &str) -> std::process::Output {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_finishline"));
    let mut shell = Command::new("/bin/sh")
        .args(["-c", command])
        .env_clear()
        .current_dir(run.path(""))
        .env("PATH", program.parent().unwrap())
        .env("HOME", run.path(""))
        .env("NO_PROXY", "127.0.0.1")
        .env("SENTRY_AUTH_TOKEN", TOKEN)
        .env("APP_SECRET", "gitl4b-secret")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    shell.stdin.take().unwrap().write_all(CALLBACK.as_bytes()).unwrap();
    shell.wait_with_output().unwrap()
}

#[cfg(unix)]
#[track_caller]
fn assert_pasted(run: &ProgramRun, command: &str) {
    let pasted = paste(run, command);
    let said = String::from_utf8_lossy(&pasted.stderr);
    assert!(pasted.status.success(), "{command}\n{said}");
    assert!(!said.contains("warning"), "{command}\n{said}");
}

#[cfg(unix)]
#[test]
fn the_printed_command_works_as_it_stands() {
    let sentry = FakeSentry::new();
    let run = sentry.step("gitlab", GITLAB).var("FINISHLINE_REPOSITORIES", "acme/web");
    let run = run.var("FINISHLINE_RESUME_FILE", "waiting for a person's hand.json");
    let ended = run.execute().expect(3);
    assert_pasted(&run, &printed_command(&ended.stdout));
    assert_eq!(sentry.data().repositories.len(), 1);
    let sentry = FakeSentry::new();
    let run = sentry.step("gitlab", GITLAB).var("FINISHLINE_RESUME_FILE", "waiting.json");
    let ended = run.execute().expect(3);
    assert_pasted(&run, &printed_command(&ended.summary()));
}

#[cfg(unix)]
#[test]
fn the_printed_command_of_a_manifests_entry_works_as_it_stands_and_without_the_manifest() {
    for without in ["", " --manifest 'my manifest.yml'"] {
        let sentry = FakeSentry::new();
        let url = sentry.peer.url();
        let run = sentry.step("gitlab", GITLAB).without("FINISHLINE_PROVIDER");
        let run = run.without("FINISHLINE_STATE").without("SENTRY_URL").without("SENTRY_ORG");
        let entry = format!(
            "  - provider: gitlab\n    org: acme\n    url: {url}\n    repositories: [acme/web]\n    \
             state: {{url: 'https://gitlab.example.com', clientId: app, clientSecret: '${{APP_SECRET}}'}}\n"
        );
        run.file("my manifest.yml", format!("version: 1\nintegrations:\n{entry}"));
        let run = run.var("APP_SECRET", "gitl4b-secret").var("FINISHLINE_RESUME_FILE", "wait.json");
        let run = run.args(&["run", "--manifest", "my manifest.yml"]);
        let ended = run.execute().expect(3);
        let command = printed_command(&ended.stdout);
        for words in ["--org acme", "--entry 'integrations[0]'", "--manifest", &url] {
            assert!(command.contains(words), "{words}: {command}");
        }
        assert_pasted(&run, &command.replace(without, ""));
        assert_eq!(sentry.data().repositories.len(), 1, "{command}");
    }
}

#[test]
fn what_was_typed_for_the_connection_is_in_the_command_and_secrets_are_not() {
    let sentry = FakeSentry::new();
    let run = sentry.step("gitlab", GITLAB).without("SENTRY_AUTH_TOKEN");
    let token = run.file("my token", TOKEN);
    let state = run.file("state.yml", GITLAB);
    let (token, state) = (token.to_str().unwrap(), state.to_str().unwrap());
    let args = [
        "run",
        "--auth-token-file",
        token,
        "--state",
        state,
        "--dialect",
        "api",
        "--resume-file",
        "wait.json",
        "--timeout",
        "60s",
        "--format",
        "text",
    ];
    let ended = run.without("FINISHLINE_STATE").args(&args).execute().expect(3);
    let command = printed_command(&ended.stdout);
    assert!(command.contains(&format!("--auth-token-file '{token}'")), "{command}");
    assert!(command.contains("--dialect api") && command.contains("--provider gitlab"));
    for left_out in ["--state", "--timeout", "--format", "gitl4b", TOKEN] {
        assert!(!command.contains(left_out), "{left_out}: {command}");
    }
}
