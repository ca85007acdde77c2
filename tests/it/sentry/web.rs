//! The `web` dialect: the set-up pages of a self-hosted Sentry of 2023, when they are taken, and
//! what is read from them. The pages are a real one's, cut to what tells them apart.

use crate::support::fake_sentry::{
    FakeSentry, GET_INTEGRATIONS, GET_ORGANIZATION, GITLAB, POST_PIPELINE, SentryData, TOKEN,
    assert_completes, assert_fails, integration, leaks, step,
};
use crate::support::http_server::{HttpServer, Request, Response};
use crate::support::run::ProgramRun;
use serde_json::{Value, json};

const WHO: &str = "GET /api/0/";
const SETUP: &str = "GET /organizations/acme/integrations/example/setup/";
const ANSWER: &str = "POST /extensions/example/setup/";
const DEMO: &str = "{name: demo}";
const CONFIG: &str = r#"{"account":{"name":"Acme","subdomain":"acme"},"integration_keys":[
    {"integration_key":"p4ger-secret","name":"Web & more","id":"P1","type":"service"}]}"#;
const FORM: &str = "<form method=\"POST\">\n<p><label>Integration Name:</label></p>\
    <p><input type=\"name\" name=\"name\" /></p>\n</form>";
const GUIDE: &str = "<title> GitLab Setup | Sentry </title>\n<h3>Step 1: Create a Sentry App</h3>\
    <a class=\"btn\" href=\"?completed_installation_guide\">Next</a>";
const AGAIN: &str = "<title> GitLab Setup | Sentry </title><form action=\"\" method=\"post\">\
    <div id=\"div_id_url\" class=\"form-group has-error\"><input name=\"url\" id=\"id_url\">\n\
    <p id=\"error_1_id_url\" class=\"help-block\"><strong>This field is required.</strong></p></div>\
    <div id=\"div_id_client_id\"><p id=\"error_1_id_client_id\"><strong>Too &quot;long&quot;.\
    </strong></p></div></form>";
const VENDOR: &str = "https://app.pagerduty.com/install/integration?app_id=TESTAPP&version=2";

/// The last page: it posts to the window that opened it.
fn finish_page(message: &Value) -> Response {
    Response::html(
        200,
        format!(
            "<title> Integration Setup Complete | Sentry </title>\n<script>if (window.opener) {{\n    \
         window.opener.postMessage({message}, document.origin);\n  }}\n  window.close();</script>"
        ),
    )
}

fn error_page(reason: &str) -> Response {
    Response::html(
        200,
        format!(
            "<title>Setup Error | Sentry</title><div class=\"box-content with-padding\">\n<p>Whoops! \
         Looks like something went wrong! Give that another try.</p>\n<pre>{reason}</pre>\n</div>"
        ),
    )
}

/// A Sentry of 2023, where the pages belong to a session.
fn old(world: &mut SentryData, request: &Request) -> Response {
    let finished = |world: &mut SentryData, provider: &str, account: &str| {
        finish_page(&json!({"success": true, "data": world.finish(provider, account)}))
    };
    let begin = |reply: Response| reply.with("Set-Cookie", "sentrysid=s3ss10n-1; HttpOnly; Path=/");
    let line = request.line();
    if line.contains("/pipeline/") || line.ends_with(" pipeline/integration_pipeline/") {
        return Response::html(404, "");
    }
    if line.contains("/extensions/") && request.header("cookie") != "sentrysid=s3ss10n-1" {
        return Response::redirect("/");
    }
    match line.as_str() {
        SETUP => begin(Response::html(200, FORM)),
        ANSWER if request.field("name").is_empty() => Response::html(200, FORM),
        ANSWER => finished(world, "example", &request.field("name")),
        "GET /organizations/acme/integrations/pagerduty/setup/" => {
            begin(Response::redirect(VENDOR))
        }
        "GET /extensions/pagerduty/setup/" => finished(world, "pagerduty", "acme"),
        "GET /organizations/acme/integrations/forge/setup/" => begin(Response::html(200, GUIDE)),
        "GET /extensions/forge/setup/" if request.parameter("code").is_empty() => {
            Response::html(200, FORM)
        }
        "GET /extensions/forge/setup/" => finished(world, "forge", &request.parameter("code")),
        "POST /extensions/forge/setup/" => {
            Response::redirect("https://forge.example/oauth?state=s1g")
        }
        "GET /organizations/acme/integrations/gitlab/setup/" => begin(Response::html(200, GUIDE)),
        "GET config/integrations/" => Response::detail(404, "Providers do not exist"),
        line if line.contains("/setup/") => Response::html(500, "<title>Internal Server Error"),
        _ => world.answer(request),
    }
}

/// The same, with another answer to one kind of request.
fn answering_otherwise(
    line: &'static str,
    reply: impl Fn() -> Response + Send + Sync + 'static,
) -> FakeSentry {
    FakeSentry::with(move |world, request| match request.line() == line {
        true => reply(),
        false => old(world, request),
    })
}

fn example(sentry: &FakeSentry) -> ProgramRun {
    sentry.step("example", DEMO)
}

#[test]
fn a_server_without_the_endpoint_is_walked_by_its_pages() {
    let sentry = FakeSentry::with(old);
    let ended = assert_completes(&example(&sentry), "complete true 1");
    assert_eq!(
        sentry.peer.lines(),
        [GET_INTEGRATIONS, GET_ORGANIZATION, POST_PIPELINE, WHO, SETUP, ANSWER]
    );
    assert!(ended.stderr.contains("using its setup pages (`dialect: web`)"), "{}", ended.stderr);
    assert!(ended.output("redirect-url").ends_with("/settings/acme/integrations/example/1/"));
    assert_eq!(sentry.peer.requests()[0].parameter("provider_key"), "example");
    let posted = sentry.peer.requests().pop().unwrap();
    assert_eq!(posted.body, "name=demo");
    assert_eq!(posted.header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(posted.header("authorization"), format!("Bearer {TOKEN}"));
    assert_eq!(leaks(&ended, "s3ss10n"), [""; 0]);
    assert_completes(&example(&sentry), "complete false 1");
}

#[test]
fn the_pages_are_taken_at_once_when_they_are_asked_for() {
    let sentry = FakeSentry::with(old);
    assert_completes(&example(&sentry).var("FINISHLINE_DIALECT", "web"), "complete true 1");
    assert_eq!(sentry.peer.lines(), [GET_INTEGRATIONS, GET_ORGANIZATION, SETUP, ANSWER]);
}

#[test]
fn the_pages_are_not_taken_where_the_endpoint_or_the_server_says_no() {
    let gate =
        answering_otherwise(POST_PIPELINE, || Response::detail(404, "Unknown provider: example"));
    assert_fails(&example(&gate), 4, "unsupported");
    assert_eq!(gate.peer.lines(), [GET_INTEGRATIONS, GET_ORGANIZATION, POST_PIPELINE]);
    let api = FakeSentry::with(old);
    let ended = assert_fails(&example(&api).var("FINISHLINE_DIALECT", "api"), 4, "unsupported");
    assert!(ended.stderr.contains("set `dialect: web`, or check `url`"), "{}", ended.stderr);
    assert_eq!(api.peer.lines(), [GET_INTEGRATIONS, GET_ORGANIZATION, POST_PIPELINE]);
    for who in [Response::html as fn(u16, &'static str) -> Response, |_, _| {
        Response::json(200, &json!({}))
    }] {
        let other = answering_otherwise(WHO, move || who(200, "<title>Welcome</title>"));
        assert_fails(&example(&other), 4, "unsupported");
        assert_eq!(other.peer.lines(), [GET_INTEGRATIONS, GET_ORGANIZATION, POST_PIPELINE, WHO]);
    }
}

/// The SaaS in the disguise of a proxy.
#[test]
fn the_pages_of_the_saas_are_never_taken() {
    for host in ["sentry.io", "acme.sentry.io"] {
        let proxy = HttpServer::new(|request| match request.path() {
            path if path.contains("/pipeline/") => Response::html(404, ""),
            path if path.ends_with("/integrations/") => Response::json(200, &json!([])),
            _ => Response::json(200, &json!({"version": "0"})),
        });
        let run = step(&format!("http://{host}"), "example", DEMO);
        assert_fails(&run.var("HTTP_PROXY", proxy.url()), 4, "unsupported");
        assert!(!proxy.requests().iter().any(|one| one.path().contains("/setup/")));
    }
}

#[test]
fn the_vendors_answer_comes_from_the_state() {
    let sentry = FakeSentry::with(old);
    let state = json!({"config": CONFIG}).to_string();
    let ended = assert_completes(&sentry.step("pagerduty", &state), "complete true 1");
    let mut requests = sentry.peer.requests();
    // Afterwards it is only looked what Sentry has made of the services.
    assert_eq!(requests.pop().unwrap().line(), "GET integrations/");
    let callback = requests.pop().unwrap();
    assert_eq!(callback.line(), "GET /extensions/pagerduty/setup/");
    assert_eq!(callback.parameter("config"), CONFIG);
    assert_eq!(leaks(&ended, "p4ger-secret"), [""; 0]);
}

#[test]
fn a_guide_is_read_before_its_form_and_a_vendor_answered_after_it() {
    let sentry = FakeSentry::with(old);
    let state =
        "{form: {url: 'https://x', clientId: a&b, verifySsl: true, includeSubgroups: false},
                  vendor: {code: v3ndor-code, state: s1g}}";
    let ended = assert_completes(&sentry.step("forge", state), "complete true 1");
    let requests = sentry.peer.requests().split_off(5);
    let targets: Vec<_> = requests.iter().map(|one| one.target.as_str()).collect();
    let page = "/extensions/forge/setup/";
    let guide = format!("{page}?completed_installation_guide");
    assert_eq!(targets, [&guide, page, &format!("{page}?code=v3ndor-code&state=s1g")]);
    assert_eq!(requests[1].body, "url=https%3A%2F%2Fx&client_id=a%26b&verify_ssl=on");
    // The account of the finish is made of the code, so it stands in the outputs once.
    assert!(ended.output("redirect-url").ends_with("/integrations/forge/1/"));
}

#[test]
fn an_error_page_is_a_refusal_in_its_own_words_without_a_status() {
    let reasons = [
        ("The requested GitLab group\ncould not be &lt;found&gt;.", "refused"),
        ("An error occurred while validating your request.", "wrong-oauth-state"),
    ];
    for (reason, code) in reasons {
        for line in [SETUP, ANSWER] {
            let sentry = answering_otherwise(line, move || error_page(reason));
            let ended = assert_fails(&example(&sentry), 4, code);
            let words = reason.replace('\n', " ").replace("&lt;", "<").replace("&gt;", ">");
            assert_eq!(ended.joined(["error-message", "error-status"]), format!("{words} "));
        }
    }
}

#[test]
fn a_finish_page_may_report_a_refusal() {
    let taken = "The provided Gitlab account is linked to a different Sentry user.";
    for (error, code) in [(taken, "identity-taken"), ("No such account", "refused")] {
        let message = json!({"success": false, "data": {"error": error}});
        let sentry = answering_otherwise(ANSWER, move || finish_page(&message));
        let ended = assert_fails(&example(&sentry), 4, code);
        assert_eq!(ended.joined(["error-message", "error-status"]), format!("{error} "));
    }
    let nothing =
        answering_otherwise(ANSWER, || finish_page(&json!({"success": true, "data": {}})));
    assert_fails(&example(&nothing), 6, "backend-error");
}

#[test]
fn a_form_that_is_shown_again_names_its_fields_as_the_endpoint_does() {
    let sentry = answering_otherwise(ANSWER, || Response::html(200, AGAIN));
    let ended = assert_fails(&example(&sentry), 2, "bad-field");
    let words = "`url`: This field is required.; `clientId`: Too \"long\".";
    assert_eq!(ended.joined(["error-message", "error-status"]), format!("{words} "));
    assert_eq!(sentry.peer.count(ANSWER), 1);
    let plain = answering_otherwise(ANSWER, || Response::html(200, FORM));
    let ended = assert_fails(&example(&plain), 4, "refused");
    assert_eq!(
        ended.output("error-message"),
        "the setup page shows its form again without a reason"
    );
}

#[test]
fn a_login_page_means_that_the_user_may_not() {
    for line in [SETUP, ANSWER] {
        for login in ["/auth/login/acme/", "/auth/login/"] {
            let ended = assert_fails(
                &example(&answering_otherwise(line, || Response::redirect(login))),
                5,
                "missing-scope",
            );
            assert!(
                ended
                    .output("error-message")
                    .contains("is not allowed to install integrations for acme")
            );
            assert_eq!(ended.output("error-status"), "");
        }
    }
}

#[test]
fn a_session_that_is_lost_has_expired() {
    let sentry = answering_otherwise(ANSWER, || Response::redirect("/"));
    let ended = assert_fails(&example(&sentry), 4, "session-expired");
    assert_eq!(ended.output("error-status"), "");
}

#[test]
fn a_lost_answer_is_looked_for_in_the_list_and_never_posted_again() {
    for lost in [Response::close as fn() -> Response, || Response::html(500, "")] {
        let sentry = FakeSentry::with(move |world, request| {
            let reply = old(world, request);
            if request.line() == ANSWER { lost() } else { reply }
        });
        let sentry = sentry.with_integration("example", "another");
        assert_completes(&example(&sentry), "complete true 2");
        assert_eq!(sentry.peer.lines()[4..], [SETUP, ANSWER, GET_INTEGRATIONS]);
    }
}

#[test]
fn a_lost_answer_without_a_trace_is_a_failure_without_a_status() {
    for (lost, code) in [
        (Response::close as fn() -> Response, "unreachable"),
        (|| Response::html(500, ""), "backend-error"),
    ] {
        let sentry = answering_otherwise(ANSWER, lost).with_integration("example", "another");
        let ended = assert_fails(&example(&sentry), 6, code);
        assert_eq!(ended.output("error-status"), "");
        assert_eq!(sentry.peer.count(ANSWER), 1);
    }
}

#[test]
fn a_person_is_sent_to_the_servers_own_page_and_no_secret_leaves_the_job() {
    let sentry = FakeSentry::with(old);
    let run = sentry.step("gitlab", GITLAB);
    let file = run.path("waiting.json");
    let ended = run.clone().var("FINISHLINE_RESUME_FILE", &file).execute().expect(3);
    assert_eq!(ended.joined(["status", "error-code"]), "action_required needs-browser");
    let page = format!("{}/organizations/acme/integrations/gitlab/setup/", sentry.peer.url());
    assert_eq!(ended.output("redirect-url"), page);
    assert!(ended.stdout.contains("run this again: it finds the integration"), "{}", ended.stdout);
    let sent = format!("{:?}", sentry.peer.requests());
    assert!(!sent.contains("gitl4b-secret") && !sent.contains("/extensions/"), "{sent}");
    assert!(!file.exists() && leaks(&ended, TOKEN).is_empty());
    let mut there = integration(1, "gitlab", "gitlab.example.com:_instance_");
    there["domainName"] = "gitlab.example.com".into();
    sentry.data().integrations.push(there);
    assert_completes(&run, "complete false 1");
}

#[test]
fn a_provider_that_the_server_does_not_have_is_unsupported() {
    let zzz = FakeSentry::with(old);
    let ended = assert_fails(&zzz.step("zzz", "{a: {b: c}}"), 4, "unsupported");
    assert!(ended.output("error-message").ends_with("has no setup page for zzz"));
    assert_eq!(zzz.peer.lines()[4..].len(), 2);
    let gone = answering_otherwise(SETUP, || Response::html(404, ""));
    assert_eq!(assert_fails(&example(&gone), 4, "unsupported").output("error-status"), "");
}

#[test]
fn the_shell_of_the_app_is_no_page_of_the_pipeline() {
    for line in [SETUP, ANSWER] {
        let sentry = answering_otherwise(line, || {
            Response::html(200, "<title>Sentry</title><div id=\"blk_router\">")
        });
        let ended = assert_fails(&example(&sentry), 4, "unsupported");
        assert!(ended.output("error-message").contains("has no setup page for example"));
    }
}

#[test]
fn a_vendor_that_nothing_answers_is_left_to_a_person_at_the_servers_own_page() {
    let sentry =
        FakeSentry::with(|world, request| match request.line().ends_with("/chat/setup/") {
            true => Response::redirect("https://chat.example/oauth?state=s1g"),
            false => old(world, request),
        });
    let ended = sentry.step("chat", "{}").execute().expect(3);
    let page = format!("{}/organizations/acme/integrations/chat/setup/", sentry.peer.url());
    assert_eq!(ended.output("redirect-url"), page);
    let ended = assert_fails(&FakeSentry::with(old).step("forge", "{}"), 2, "missing-field");
    assert!(
        ended
            .output("error-message")
            .contains("no fields were given for step `1` of the forge pipeline")
    );
}

#[test]
fn the_plan_starts_no_page() {
    let sentry = FakeSentry::with(old);
    assert_completes(&example(&sentry).args(&["plan"]), "planned false ");
    assert_eq!(sentry.peer.lines(), [GET_INTEGRATIONS, GET_ORGANIZATION]);
}
