//! Times that a release and its deploy have by a clock: this machine's, or the one of an input.

use super::requests::released;
use crate::support::http_server::HttpServer;
use crate::support::proxy::{ServeProxy, send, to_response};
use crate::support::run::ProgramRun;
use crate::support::serve::ServeProcess;
use finishline::text::date;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// A server whose answers have this date.
fn dated(date: &'static str) -> ServeProxy {
    let serve = Arc::new(ServeProcess::start());
    let target = Arc::clone(&serve);
    let peer =
        HttpServer::new(move |request| to_response(&send(&target, request)).with("Date", date));
    ServeProxy { serve, peer }
}

/// The time so many seconds from now.
fn from_now(seconds: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    date::iso(i64::try_from(now).unwrap() + seconds * 1000)
}

fn deployed(relay: &ServeProxy) -> ProgramRun {
    released(relay).var("FINISHLINE_COMMITS", "none")
}

#[test]
fn a_clock_that_is_years_off_the_servers_is_said_where_times_are_of_it() {
    for (date, side) in [
        ("Wed, 01 Jan 2020 00:00:00 GMT", "days ahead of the server's"),
        ("Fri, 01 Jan 2100 00:00:00 GMT", "days behind the server's"),
    ] {
        let relay = dated(date);
        let ended = deployed(&relay).execute().expect(0);
        assert_eq!(ended.output("warnings"), "clock-wrong", "{date}");
        assert!(ended.stderr.contains(side), "{}", ended.stderr);
        let named = deployed(&relay)
            .var("FINISHLINE_RELEASED_AT", "1700000000")
            .var("FINISHLINE_FINISHED_AT", "1700000000");
        assert_eq!(named.execute().expect(0).output("warnings"), "");
    }
    let relay = dated("Wed, 01 Jan 2020 00:00:00 GMT");
    deployed(&relay).var("FINISHLINE_FINALIZE", "false").execute().expect(0);
    for call in ["releases finalize web@1.0.0", "deploys new -r web@1.0.0 -e prod"] {
        let words: Vec<_> = std::iter::once("sentry-cli").chain(call.split(' ')).collect();
        let run = deployed(&relay).without("FINISHLINE_RELEASE").args(&words);
        assert!(run.execute().expect(0).stderr.contains("days ahead of"), "{call}");
    }
    assert_eq!(deployed(&ServeProxy::new()).execute().expect(0).output("warnings"), "");
}

#[test]
fn a_deploy_of_hours_from_now_is_a_mistake_that_names_the_zone() {
    let relay = ServeProxy::new();
    for name in ["FINISHLINE_STARTED_AT", "FINISHLINE_FINISHED_AT"] {
        let ended = deployed(&relay).var(name, from_now(5 * 3600)).execute().expect(2);
        assert!(ended.stderr.contains("without one it is UTC"), "{}", ended.stderr);
    }
    assert!(relay.requests_since(0).is_empty());
}

#[test]
fn a_deploy_never_begins_after_its_end_where_two_clocks_differ_a_little() {
    let relay = ServeProxy::new();
    deployed(&relay).var("FINISHLINE_STARTED_AT", from_now(60)).execute().expect(0);
    let deploy = &relay.get("releases/web@1.0.0/deploys/")[0];
    assert_eq!(deploy["dateStarted"], deploy["dateFinished"]);
}
