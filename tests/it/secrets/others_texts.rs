//! Texts of others by their kind: an address, an id, words, a link, and a secret in them. Each is
//! looked for in all that a run leaves, on each host.

use crate::integration::browser_flow::BrowserFlow;
use crate::support::fake_gitlab::{CLIENT_SECRET, Misbehavior};
use crate::support::http_server::{HttpServer, Response};
use crate::support::proxy::{PROXY_TOKEN, ProxyAction, ServeProxy};
use crate::support::run::{ProgramRun, RunResult};
use crate::support::serve::ServeProcess;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::process::Command;
use std::sync::{Arc, Mutex};

/// A status and a body.
pub(super) type OtherResponse = (u16, Value);

/// A relay before `serve` whose response to the requests with this method and end is another one.
pub(super) struct OtherServer {
    proxy: ServeProxy,
    response: Arc<Mutex<OtherResponse>>,
}

impl OtherServer {
    pub(super) fn answering(method: &'static str, end: &'static str) -> Self {
        let response = Arc::<Mutex<OtherResponse>>::default();
        let answer = Arc::clone(&response);
        let proxy = ServeProxy::before(ServeProcess::start(), move |request| {
            match request.method == method && request.path().ends_with(end) {
                true => {
                    let (status, body) = &*answer.lock().unwrap();
                    ProxyAction::Intercept(Response::json(*status, body))
                }
                false => ProxyAction::Forward,
            }
        });
        Self { proxy, response }
    }

    pub(super) fn run(
        &self,
        host: ProgramRun,
        response: OtherResponse,
        inputs: &[(&str, &str)],
    ) -> RunResult {
        *self.response.lock().unwrap() = response;
        let run = host
            .var("SENTRY_URL", self.proxy.peer.url())
            .var("SENTRY_AUTH_TOKEN", PROXY_TOKEN)
            .var("SENTRY_ORG", "acme")
            .var("FINISHLINE_TIMEOUT", "3")
            .var("FINISHLINE_LOG_LEVEL", "debug")
            .var("FINISHLINE_RESULT_FILE", "result.json")
            .var("FINISHLINE_SUMMARY", "summary.md");
        let run = inputs.iter().fold(run, |run, (name, value)| run.var(name, value));
        let mut ended = run.execute();
        for file in ["result.json", "summary.md"] {
            ended.stdout.push_str(&format!("\n{}", run.text(file)));
        }
        ended
    }
}

const GITHUB: [(&str, &str); 2] = [("FINISHLINE_PROVIDER", "github"), ("FINISHLINE_STATE", "{}")];
pub(super) const RELEASE: [(&str, &str); 4] = [
    ("FINISHLINE_PROJECTS", "web"),
    ("FINISHLINE_RELEASE", "web@1"),
    ("FINISHLINE_COMMITS", "none"),
    ("FINISHLINE_ENVIRONMENT", "production"),
];

fn azure() -> ProgramRun {
    ProgramRun::local().var("TF_BUILD", "True")
}

pub(super) const HOSTS: [fn() -> ProgramRun; 4] =
    [ProgramRun::github, ProgramRun::gitlab, azure, ProgramRun::local];

fn detail(detail: &str) -> OtherResponse {
    (403, json!({ "detail": detail }))
}

fn step(url: &str) -> OtherResponse {
    (200, json!({ "step": "oauth_login", "data": { "oauthUrl": url } }))
}

#[test]
fn only_a_page_of_the_web_becomes_a_redirect_url() {
    let server = OtherServer::answering("POST", "/pipeline/integration_pipeline/");
    for (url, wrong) in [
        ("javascript:alert(1)\n::stop-commands::x", "invisible character"),
        ("javascript:alert(1)", "is not an http or https URL"),
        ("https://me:pw@evil.example/", "contains a user name or password"),
        ("https://x/\u{202e}gpj.exe", "invisible character"),
        ("//evil.example", "is not a URL"),
    ] {
        let ended = server.run(ProgramRun::github(), step(url), &GITHUB).expect(6);
        let outputs = ended.joined(["status", "error-code", "redirect-url"]);
        assert_eq!(outputs, "error backend-error ", "{url:?}");
        assert!(ended.output("error-message").contains(wrong), "{}", ended.output("error-message"));
        assert!(!ended.summary().contains("<javascript:"), "{}", ended.summary());
    }
    let url = "https://github.example/login?scope=a::b##vso[task.complete]$(x)`id`";
    let ended = server.run(ProgramRun::github(), step(url), &GITHUB).expect(3);
    let page = "https://github.example/login?scope=a:%3Ab#%23vso%5Btask.complete%5D%24(x)%60id%60";
    assert_eq!(ended.output("redirect-url"), page);
}

#[test]
fn only_an_id_becomes_a_deploy_id() {
    let server = OtherServer::answering("POST", "/deploys/");
    for id in ["7\nstatus=pwned", "7&x=y", "##vso[x]", &"7".repeat(200), ""] {
        let body = json!({ "id": id, "environment": "production" });
        let ended = server.run(ProgramRun::github(), (201, body), &RELEASE).expect(6);
        assert_eq!(ended.joined(["error-code", "deploy-id"]), "backend-error ", "{id:?}");
    }
    let body = json!({ "id": "a-7_B", "environment": "production" });
    let ended = server.run(ProgramRun::github(), (201, body), &RELEASE).expect(0);
    assert_eq!(ended.output("deploy-id"), "a-7_B");
}

/// What each of the hosts, or a terminal, would obey or hide.
const COMMANDS: &str = "no ::stop-commands::pwned\n::error::pwned\r##[error]pwned ##vso[task.complete]pwned \
    ##VSO[task.complete]pwned ##teamcity[message text='pwned'] section_start:1:pwned\r\u{1b}[0K\u{2028}\
    ::warning::pwned\u{85}::notice::pwned \u{202e}\u{2066}\u{200b}\u{ad}\u{feff}\u{1b}[31m \
    \\n::error::pwned \\033[31m #\u{200b}#vso[x] travis_fold:start:x\u{e0041}";

#[test]
fn words_of_a_backend_are_neutral_on_every_host_and_when_they_are_echoed() {
    let server = OtherServer::answering("POST", "/releases/");
    for host in HOSTS {
        let ended = server.run(host(), detail(COMMANDS), &RELEASE).expect(5);
        let said = ended.everything();
        let said = said.split('\n').filter(|line| !is_own(line)).collect::<Vec<_>>().join("\n");
        for command in ["::stop-commands", "::error::pwned", "##[", "##vso", "##VSO", "##teamcity"]
        {
            assert!(!said.contains(command), "{command}: {said}");
        }
        assert!(
            !said.contains("section_start:1:pwned") && !said.contains("travis_fold:"),
            "{said}"
        );
        let is_hidden = |c: char| finishline::text::neutral::is_invisible(c);
        assert!(!said.contains(is_hidden), "{said:?}");
        assert!(!said.contains(['\u{2028}', '\u{85}', '\u{1b}', '\r']), "{said:?}");
    }
    let ended = server.run(ProgramRun::github(), detail(COMMANDS), &RELEASE);
    let message = ended.output("error-message");
    for shell in ["sh", "bash", "dash"] {
        let echo = Command::new(shell).args(["-c", "echo \"$M\""]).env("M", &message).output();
        let Ok(echo) = echo else { continue };
        assert_eq!(String::from_utf8(echo.stdout).unwrap(), format!("{message}\n"), "{shell}");
    }
}

/// What is written for the host, and holds no words but its own and neutral ones.
fn is_own(line: &str) -> bool {
    [
        "##vso[task.setvariable ",
        "##vso[task.logissue ",
        "::error title=finishline",
        "::warning title=",
        "\u{1b}[0Ksection_",
        "::add-mask::",
        "##vso[task.setsecret]",
        "##vso[task.uploadsummary]",
    ]
    .iter()
    .any(|own| line.starts_with(own))
}

#[test]
fn no_link_of_others_is_one_in_a_summary_or_an_annotation() {
    let links = "see https://evil.example/a, www.evil.example, mailto:a@evil.example, b@evil.example, \
                 @acme/owners #123 GH-1 acme/web#1 a94a8fe5ccb19ba61c4c0873d391e987982fbbd3 [^1] \
                 :tada: &lt;b&gt; <https://evil.example> ![i](https://evil.example/i.png) | $x$ `q` \
                 `https://evil.example` ` https://evil.example";
    let server = OtherServer::answering("POST", "/releases/");
    for host in [ProgramRun::github, azure] {
        let ended = server.run(host(), detail(links), &RELEASE).expect(5);
        let everything = ended.everything();
        let is_issue = |line: &&str| line.contains("::error ") || line.contains("task.logissue");
        let annotations: Vec<_> = everything.lines().filter(is_issue).collect();
        assert!(!annotations.is_empty());
        let summary = everything.split("### ").nth(1).unwrap().split(", exit ").next().unwrap();
        for text in annotations.into_iter().chain([summary]) {
            for link in ["https://evil", "www.evil", "mailto:a", "a@evil", "b@evil"] {
                assert!(!text.contains(link), "{link}: {text}");
            }
        }
        for word in ["@acme/owners", "GH-1", "a94a8fe5", "[^1]", ":tada", "&lt;b&gt", "$x$"] {
            let is_code = |text: &str| text.matches('`').count() % 2 == 1;
            for (at, _) in summary.match_indices(word) {
                let line = summary[..at].rsplit('\n').next().unwrap();
                assert!(is_code(line), "{word}: {summary}");
            }
        }
    }
}

const SECRET: &str = "Kf7/q+W\"z9Lm<Tx2\\Vb&Rn4%Hd_8Jp-Gs";

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The spellings in which a server may send a secret back, but base64.
const SPELLINGS: [fn(&str) -> String; 10] = [
    str::to_owned,
    str::to_lowercase,
    str::to_uppercase,
    percent,
    |text| percent(text).to_lowercase(),
    |text| percent(&percent(text)),
    |text| text.chars().map(|c| format!("\\u{:04X}", u32::from(c))).collect(),
    |text| text.replace('/', "\\/").replace('"', "\\\""),
    |text| text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&#34;"),
    |text| text.bytes().map(|byte| format!("{byte:02x}")).collect(),
];

/// Something that a server sends back, and the pieces of it that may not be shown: what stands for
/// eight characters of the secret.
fn echoes(text: &str) -> Vec<(String, Vec<String>)> {
    let chars: Vec<_> = text.chars().collect();
    let windows: Vec<String> = chars.windows(8).map(|eight| eight.iter().collect()).collect();
    let spelled = |spell: fn(&str) -> String| {
        (spell(text), windows.iter().map(|eight| spell(eight)).collect())
    };
    let encoded = |digits: String| {
        // The first and last digits of base64 hold what stands beside the secret.
        let inner = &digits.as_bytes()[4..digits.len() - 4];
        let pieces = inner.windows(inner.len().min(12));
        let pieces = pieces.map(|piece| String::from_utf8(piece.to_vec()).unwrap()).collect();
        (digits, pieces)
    };
    let beside = ["", "a", "ab"].map(|before| format!("{before}{text}--"));
    let standard = beside.iter().map(|text| encoded(STANDARD.encode(text)));
    let url_safe = beside.iter().map(|text| encoded(URL_SAFE_NO_PAD.encode(text)));
    SPELLINGS.into_iter().map(spelled).chain(standard).chain(url_safe).collect()
}

#[test]
fn no_part_of_a_secret_comes_back_in_any_spelling_or_place() {
    let server = OtherServer::answering("POST", "/pipeline/integration_pipeline/");
    let state =
        json!({ "baseUrl": "https://api.opsgenie.com/", "provider": "ops", "apiKey": SECRET });
    let state = state.to_string();
    let inputs = [("FINISHLINE_PROVIDER", "opsgenie"), ("FINISHLINE_STATE", state.as_str())];
    let done = |name: &str| {
        let provider = json!({ "key": "opsgenie" });
        let data = json!({ "id": "7", "name": name, "provider": provider });
        (200, json!({ "step": "installation_config", "status": "complete", "data": data }))
    };
    let middle: String = SECRET.chars().skip(11).take(8).collect();
    let echoes = echoes(SECRET).into_iter().chain(echoes(&middle));
    for (at, (echo, pieces)) in echoes.enumerate() {
        let text = format!("left {echo} right");
        let (response, exit) = match at % 2 {
            0 => ((400, json!({ "detail": text })), 4),
            _ => (done(&text), 0),
        };
        let ended = server.run(HOSTS[at / 2 % 4](), response, &inputs).expect(exit);
        let said = ended.everything();
        let said = said.lines().filter(|line| !line.contains("::add-mask::"));
        let said = said.filter(|line| !line.contains("task.setsecret"));
        let said = said.collect::<Vec<_>>().join("\n");
        assert!(said.contains("left ") && said.contains(" right"), "{echo}: {said}");
        let said = said.to_lowercase();
        let shown = pieces.iter().find(|piece| said.contains(&piece.to_lowercase()));
        assert_eq!(shown, None, "{echo}: {said}");
    }
}

#[test]
fn a_secret_that_only_the_first_run_was_given_is_not_shown_by_the_one_that_goes_on() {
    let flow = BrowserFlow::gitlab(ProgramRun::github());
    let callback = flow.approved();
    let name = format!("Group {CLIENT_SECRET} of ours");
    let group = json!({ "id": 1, "full_name": name, "full_path": "my-group" });
    flow.party.misbehave("/api/v4/groups/my-group", Misbehavior::Text(group.to_string()));
    let ended = flow.resume(&callback).expect(0);
    let said = ended.everything();
    assert!(said.contains("Group *** of ours") && !said.contains(CLIENT_SECRET), "{said}");
    assert_eq!(flow.run.rows("SELECT name FROM integration"), ["Group *** of ours"]);
}

#[test]
fn the_password_of_a_proxy_is_not_shown_when_the_proxy_repeats_it() {
    let proxy = HttpServer::new(|request| {
        let said = format!("no {} for hunter2hunter2", request.header("proxy-authorization"));
        Response::json(407, &json!({ "error": said }))
    });
    let address = proxy.url().replace("http://", "http://me:hunter2hunter2@");
    let run = ProgramRun::github()
        .var("SENTRY_URL", "http://sentry.example.com")
        .var("SENTRY_AUTH_TOKEN", PROXY_TOKEN)
        .var("SENTRY_ORG", "acme")
        .var("SENTRY_PROJECT", "web")
        .var("FINISHLINE_RELEASE", "v1")
        .var("FINISHLINE_COMMITS", "none")
        .var("http_proxy", address);
    let ended = run.execute().expect(6);
    let said = ended.everything();
    assert_eq!(ended.output("error-code"), "unreachable", "{said}");
    assert!(said.contains("error") && !said.contains("hunter2h"), "{said}");
    assert!(!said.contains(&STANDARD.encode("me:hunter2hunter2")[..16]), "{said}");
}
