//! Outputs of a run that does not come to its end: killed, or without anything left to work with.

#![cfg(unix)]

use crate::support::http_server::{HttpServer, Response};
use crate::support::run::ProgramRun;
use serde_json::Value;
use std::time::Duration;

#[test]
fn a_run_that_is_killed_leaves_whole_outputs_that_say_so() {
    let peer = HttpServer::new(|_| {
        std::thread::sleep(Duration::from_secs(2));
        Response::detail(404, "too late")
    });
    let run = ProgramRun::gitlab()
        .var("SENTRY_URL", peer.url())
        .var("SENTRY_AUTH_TOKEN", "sntryu_x")
        .var("SENTRY_ORG", "acme")
        .var("SENTRY_PROJECT", "web")
        .var("FINISHLINE_RELEASE", "v1")
        .var("FINISHLINE_COMMITS", "none")
        .var("FINISHLINE_LOG_LEVEL", "debug")
        .var("FINISHLINE_RESULT_FILE", "result.json");
    run.file("result.json", "{\"status\":\"complete\"}");
    run.file("finishline.env", "FINISHLINE_STATUS=complete\n");
    let mut started = run.start();
    started.wait_for("connected to");
    started.signal("KILL");
    assert_eq!(started.wait().exit, None);
    let result: Value = serde_json::from_str(&run.text("result.json")).unwrap();
    assert_eq!(
        (&result["status"], &result["error"]["code"]),
        (&"error".into(), &"cancelled".into())
    );
    assert!(
        run.text("finishline.env").contains("STATUS=error\n"),
        "{}",
        run.text("finishline.env")
    );
    assert_eq!(run.text("finishline-annotations.json"), "{}");
}

#[test]
fn a_run_without_descriptors_ends_with_outputs_that_say_so() {
    for limit in 4..12 {
        let run = ProgramRun::github().opsgenie().limited(&format!("ulimit -n {limit}"));
        let ended = run.execute();
        let exit = ended.exit.unwrap();
        assert!([0, 1, 6, 7].contains(&exit), "{limit}: {exit}: {}", ended.stderr);
        assert!(!ended.output("status").is_empty(), "{limit}: {}", ended.stderr);
        if exit == 1 {
            let message = ended.output("error-message");
            assert!(message.contains("async runtime") || message.contains("internal"), "{message}");
        }
    }
}
