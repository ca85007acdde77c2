//! Two runs at one step that is not the last: one of them takes it, and nothing of what that one has
//! stored is lost by the other.

use crate::support::engine::{block_on, embedded};
use crate::support::http_server::{HttpServer, Request, Response};
use crate::support::run::ProgramRun;
use finishline::backend::embedded::EmbeddedBackend;
use finishline::error::ErrorCode;
use finishline::integration::{Pipeline, PipelineStart, StepResult};
use finishline::model::{Fields, OrgSlug};
use finishline::provider;
use serde_json::json;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

/// What may not change after the other run has taken the step.
const KEPT: &str = "SELECT key, step_index, data, callback, ended FROM pipeline_state
                    UNION ALL SELECT id, type, data, '', 0 FROM analytics_event";

/// An Azure DevOps that holds its first answer at this path until the test lets it go.
struct SlowVendor {
    server: HttpServer,
    arrived: Receiver<()>,
    release: Sender<()>,
}

impl SlowVendor {
    fn new(held: &'static str) -> Self {
        let (arrive, arrived) = channel();
        let (release, released) = channel();
        let released = Mutex::new(released);
        let server = HttpServer::new(move |request| {
            if request.nth == 0 && request.path() == held {
                arrive.send(()).unwrap();
                released.lock().unwrap().recv_timeout(PATIENCE).expect("the test lets it go");
            }
            answer(request)
        });
        Self { server, arrived, release }
    }
}

/// Each answer tells how often the same was asked before.
fn answer(request: &Request) -> Response {
    let nth = request.nth;
    let body = match request.path() {
        "/common/oauth2/v2.0/token" => {
            json!({ "access_token": format!("t0ken-{nth}"), "expires_in": 60 })
        }
        "/_apis/profile/profiles/me" => {
            json!({ "id": format!("user-{nth}"), "displayName": "Ada" })
        }
        "/_apis/accounts" => {
            json!({ "value": [{ "accountId": format!("acc-{nth}"), "accountName": "acme" }] })
        }
        _ => return Response::detail(404, "nothing is here"),
    };
    Response::json(200, &body)
}

/// A pipeline that waits for its callback, and the callback.
fn begun(run: &ProgramRun, vendor: &str) -> Fields {
    let mut app = Fields::default();
    for (name, text) in [("clientId", "az-1"), ("clientSecret", "s3cr3t-az"), ("url", vendor)] {
        app.set(name, text);
    }
    let start = PipelineStart {
        provider: provider::find("vsts").unwrap(),
        org: &OrgSlug::parse("acme").unwrap(),
        initial_data: None,
        app: Some(&app),
        integration_id: None,
        base_url: "http://127.0.0.1:9797",
        next: None,
    };
    let step = block_on(embedded(&run.database()).initialize(start)).unwrap();
    let page = url::Url::parse(step.data["oauthUrl"].as_str().unwrap()).unwrap();
    let state = page.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let mut callback = Fields::default();
    callback.set("state", state);
    callback.set("code", "c0de");
    callback
}

/// Another process at the pipeline that waits.
fn resumed(run: &ProgramRun) -> EmbeddedBackend<'static> {
    let key = run.rows("SELECT key FROM pipeline_state").concat();
    let database = block_on(finishline::database::Database::open(&run.database())).unwrap();
    EmbeddedBackend::resuming(Box::leak(Box::new(database)), &key)
}

#[test]
fn a_step_that_another_run_has_taken_is_not_taken_again() {
    for held in ["/_apis/profile/profiles/me", "/_apis/accounts"] {
        let (run, vendor) = (ProgramRun::local(), SlowVendor::new(held));
        let callback = begun(&run, &vendor.server.url());
        let (late_run, late_callback) = (run.clone(), callback.clone());
        let late = std::thread::spawn(move || block_on(resumed(&late_run).advance(&late_callback)));
        vendor.arrived.recv_timeout(PATIENCE).expect("the first run asks");
        let Ok(StepResult::Advance(view)) = block_on(resumed(&run).advance(&callback)) else {
            panic!("the second run goes on")
        };
        assert_eq!(view.id, "account_selection");
        let kept = run.rows(KEPT);
        vendor.release.send(()).unwrap();
        let Ok(StepResult::Refused(refusal)) = late.join().unwrap() else {
            panic!("the first run takes the step again, at {held}")
        };
        assert_eq!(refusal.code, ErrorCode::CallbackUsed);
        assert_eq!(refusal.message, "another run has already advanced this pipeline");
        assert_eq!(run.rows(KEPT), kept, "at {held}");
        assert_eq!(run.rows("SELECT step_index FROM pipeline_state"), ["1"]);
    }
}
