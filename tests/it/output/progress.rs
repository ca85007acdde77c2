//! What a person at a terminal sees of what takes long, and that nobody else sees it.

use crate::integration::browser_flow::BrowserFlow;
use crate::release::requests::{HEAD, add_repository};
use crate::sourcemaps::bundles::noise;
use crate::support::at_once;
use crate::support::attended_run::AttendedRun;
use crate::support::build_folder;
use crate::support::chunk_sentry::{CHUNK_TOKEN, ChunkData, ChunkOptions, ChunkSentry};
use crate::support::http_server::{Request, Response};
use crate::support::proxy::{PROXY_TOKEN, ProxyAction, ServeProxy};
use crate::support::run::ProgramRun;
use serde_json::{Value, json};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

const RELEASE: &str = "POST releases/";

/// Holds what a server answers until the test has seen enough, or has failed.
struct AnswerGate(Mutex<Receiver<()>>);

impl AnswerGate {
    fn new() -> (Sender<()>, Self) {
        let (open, gate) = channel();
        (open, Self(Mutex::new(gate)))
    }

    fn wait(&self) {
        // The end of the test opens it, too.
        let _ = self.0.lock().unwrap().recv();
    }

    fn is_open(&self) -> bool {
        self.0.lock().unwrap().try_recv().is_ok()
    }
}

/// A release on a person's machine.
fn released(relay: &ServeProxy) -> ProgramRun {
    ProgramRun::local()
        .var("SENTRY_URL", relay.peer.url())
        .var("SENTRY_AUTH_TOKEN", PROXY_TOKEN)
        .var("SENTRY_ORG", "acme")
        .var("SENTRY_PROJECT", "web")
        .var("FINISHLINE_RELEASE", "web@1.0.0")
        .var("FINISHLINE_COMMITS", "none")
}

/// A server that wants to be left alone for a while before it takes the release.
fn busy_server() -> ServeProxy {
    ServeProxy::with(|request| match request.line() == RELEASE && request.nth == 0 {
        true => {
            let response = Response::detail(429, "slow down").with("Retry-After", "5");
            ProxyAction::Intercept(response)
        }
        false => ProxyAction::Forward,
    })
}

#[test]
fn a_slow_release_says_what_it_waits_for_and_how_long_it_may_take() {
    let (open, gate) = AnswerGate::new();
    let relay = ServeProxy::with(move |request| {
        if request.line() == RELEASE {
            gate.wait();
        }
        ProxyAction::Forward
    });
    let mut run = AttendedRun::start(&released(&relay));
    run.wait_for("waiting for POST /api/0/organizations/acme/releases/ (");
    run.wait_for(" left)");
    drop(open);
    let (exit, screen) = run.wait();
    assert_eq!(exit, Some(0), "{screen}");
    assert!(!screen.contains("waiting"), "{screen}");
    // The level is in color, and nothing else of the log.
    assert!(
        run.written.contains("\u{1b}[32m INFO\u{1b}[0m releasing version="),
        "{:?}",
        run.written
    );
    let lines: Vec<_> = screen.lines().collect();
    assert!(lines[0].starts_with(" INFO releasing version=\"web@1.0.0\""), "{screen}");
    assert!(lines.iter().any(|line| line.starts_with("release web@1.0.0 is created")), "{screen}");
}

#[test]
fn the_log_and_the_wait_for_commits_do_not_disturb_each_other() {
    let (open, gate) = AnswerGate::new();
    let relay = ServeProxy::with(move |request| {
        let count = if gate.is_open() { 3 } else { 0 };
        match request.line() == "GET releases/web%401.0.0/" {
            false => ProxyAction::Forward,
            true => {
                let release = json!({ "version": "web@1.0.0", "commitCount": count });
                ProxyAction::Intercept(Response::json(200, &release))
            }
        }
    });
    add_repository(&relay, "acme/web", None);
    let run = released(&relay).var("FINISHLINE_COMMITS", format!("acme/web@{HEAD}"));
    let mut run = AttendedRun::start(&run.var("FINISHLINE_WAIT_FOR_COMMITS", "true"));
    run.wait_for("waiting for Sentry to fetch the commits (");
    let logged = " INFO waiting for the backend to fetch the commits";
    let asked = run.screen().matches(logged).count();
    run.wait_until("one more question", |screen| screen.matches(logged).count() > asked);
    open.send(()).unwrap();
    let (exit, screen) = run.wait();
    assert_eq!(exit, Some(0), "{screen}");
    let fetching: Vec<_> =
        screen.lines().filter(|line| line.contains("fetch the commits")).collect();
    assert!(fetching.len() > asked && fetching.iter().all(|line| *line == logged), "{screen}");
}

/// A Sentry that takes few chunks at once: it holds the fifth request with chunks until `store` opens,
/// and a bundle that it could finish until `assemble` does.
fn hesitant_sentry(store: AnswerGate, assemble: AnswerGate) -> ChunkSentry {
    let (stored, is_open) = (AtomicUsize::new(0), AtomicBool::new(false));
    let answer = move |data: &mut ChunkData, request: &Request| {
        let line = request.line();
        if line == "POST chunk-upload/" && stored.fetch_add(1, Ordering::Relaxed) == 8 {
            store.wait();
        }
        let answer = data.answer(request);
        if line != "POST artifactbundle/assemble/" || is_open.load(Ordering::Relaxed) {
            return answer;
        }
        let state: Value = serde_json::from_str(&answer.body()).unwrap();
        is_open.store(assemble.is_open(), Ordering::Relaxed);
        match state["state"] == "ok" && !is_open.load(Ordering::Relaxed) {
            true => Response::json(200, &json!({"state": "assembling", "missingChunks": []})),
            false => answer,
        }
    };
    ChunkSentry::with(ChunkOptions { chunks_per_request: 1, ..ChunkOptions::default() }, answer)
}

/// An upload of some megabytes that cannot be packed well.
fn large_upload(sentry: &ChunkSentry) -> ProgramRun {
    let run = ProgramRun::local()
        .args(&["sourcemaps", "dist"])
        .var("SENTRY_URL", sentry.peer.url())
        .var("SENTRY_AUTH_TOKEN", CHUNK_TOKEN)
        .var("SENTRY_ORG", "acme")
        .var("SENTRY_PROJECT", "web");
    for number in 0..16 {
        let digits = noise(number, 200_000).into_iter().map(|byte| format!("{byte:02x}"));
        let text = format!("const text = \"{}\";\n", digits.collect::<String>());
        let name = format!("dist/{number}.js");
        build_folder::write(&run, &name, format!("{text}//# sourceMappingURL={number}.js.map\n"));
        let map = build_folder::identity_map(&format!("../src/{number}.ts"), &text);
        build_folder::write(&run, &format!("{name}.map"), map);
    }
    run
}

#[test]
fn an_upload_shows_the_chunks_that_are_sent_and_then_what_sentry_does() {
    let ((open_store, store), (open_assemble, assemble)) = (AnswerGate::new(), AnswerGate::new());
    let sentry = hesitant_sentry(store, assemble);
    let upload = large_upload(&sentry);
    let mut run = AttendedRun::start(&upload);
    run.wait_for("uploading source maps [");
    // Eight requests are answered, of one chunk each.
    run.wait_for("] 8/");
    run.wait_for(" chunks");
    let screen = run.screen();
    let (total, _) = screen.split_once("] 8/").unwrap().1.split_once(" chunks").unwrap();
    assert!(total.parse::<usize>().unwrap() > 16, "{screen}");
    drop(open_store);
    run.wait_for("waiting for Sentry to process the source maps (");
    open_assemble.send(()).unwrap();
    let (exit, screen) = run.wait();
    assert_eq!(exit, Some(0), "{screen}");
    assert!(!screen.contains("chunks") && !screen.contains("waiting"), "{screen}");
}

#[test]
fn a_manifest_counts_its_entries_and_names_the_account_of_each() {
    let (open, gate) = AnswerGate::new();
    let relay = ServeProxy::with(move |request| {
        if request.line() == RELEASE {
            gate.wait();
        }
        ProxyAction::Forward
    });
    let run = ProgramRun::local();
    run.file(
        "finishline.yml",
        "version: 1\n\
         defaults: {org: acme}\n\
         integrations:\n\
         \x20 - {provider: opsgenie, state: {baseUrl: 'https://api.opsgenie.com/', apiKey: '${KEY}', \
         provider: \"acme\\e[31m-ops\"}}\n\
         \x20 - {provider: gitlab, state: {url: 'https://gitlab.example.com', group: g, clientId: i, \
         clientSecret: '${KEY}'}}\n\
         releases:\n\
         \x20 - {projects: web, release: v1, commits: none}\n",
    );
    let run = run
        .var("FINISHLINE_MANIFEST", "finishline.yml")
        .var("FINISHLINE_URL", relay.peer.url())
        .var("FINISHLINE_AUTH_TOKEN", PROXY_TOKEN)
        .var("NO_COLOR", "1")
        .var("KEY", "s3cr3t-key");
    let mut run = AttendedRun::start(&run);
    run.wait_for("finishing the entries [#############.......] 2/3, 1 waiting");
    drop(open);
    let (exit, screen) = run.wait();
    assert_eq!(exit, Some(3), "{screen}");
    assert!(!screen.contains("finishing the entries"), "{screen}");
    let named = "entry=\"opsgenie for acme\" account=\"acme [31m-ops\" status=\"complete\"";
    assert!(screen.contains(named), "{screen}");
    assert!(!run.written.contains("\u{1b}[31m"), "{:?}", run.written);
}

#[test]
fn a_wait_that_the_server_asks_for_is_shown_to_a_person_and_to_nobody_else() {
    let person = || ProgramRun::local().var("NO_COLOR", "1");
    let quiet: [&[(&str, &str)]; 7] = [
        &[("CI", "true")],
        &[("CI", "true"), ("FINISHLINE_CI", "local")],
        &[("GITLAB_CI", "true"), ("FINISHLINE_CI", "local")],
        &[("SENTRY_NO_PROGRESS_BAR", "1")],
        &[("TERM", "dumb")],
        &[("FINISHLINE_LOG_FORMAT", "json")],
        &[("FINISHLINE_LOG_LEVEL", "error")],
    ];
    let all: Vec<_> = quiet.into_iter().map(Some).chain([None]).collect();
    at_once::each(&all, |variables| {
        let relay = busy_server();
        let run = released(&relay).var("NO_COLOR", person().variable("NO_COLOR").unwrap());
        let added = variables.unwrap_or_default().iter();
        let run = added.fold(run, |run, (name, value)| run.var(name, value));
        let mut run = AttendedRun::start(&run);
        if variables.is_none() {
            run.wait_for("waiting until the server takes requests again (");
        }
        let (exit, screen) = run.wait();
        assert_eq!(exit, Some(0), "{variables:?}: {screen}");
        assert!(!screen.contains("takes requests again"), "{variables:?}: {screen}");
        let is_drawn = run.written.contains('\u{1b}');
        assert_eq!(is_drawn, variables.is_none(), "{variables:?}: {:?}", run.written);
    });
}

#[test]
fn a_pipe_gets_no_progress() {
    let relay = busy_server();
    let ended = released(&relay).var("TERM", "xterm").execute().expect(0);
    let said = ended.stdout + &ended.stderr;
    assert!(said.contains("retrying after a pause"), "{said}");
    assert!(!said.contains(['\u{1b}', '\r']) && !said.contains("requests again"), "{said}");
}

#[test]
fn a_result_in_json_stays_whole_below_the_progress() {
    let relay = busy_server();
    let run = released(&relay).var("FINISHLINE_FORMAT", "json");
    let mut run = AttendedRun::start(&run);
    run.wait_for("waiting until the server takes requests again (");
    let (exit, screen) = run.wait();
    assert_eq!(exit, Some(0), "{screen}");
    let result = screen.lines().find(|line| line.starts_with('{')).expect("a result");
    let result: Value = serde_json::from_str(result).unwrap();
    assert_eq!(result["status"], "complete");
}

#[test]
fn while_a_person_is_asked_for_an_address_nothing_is_drawn() {
    let journey = BrowserFlow::gitlab(ProgramRun::local());
    let run = ["FINISHLINE_LOG_FORMAT", "FINISHLINE_LOG_LEVEL"]
        .into_iter()
        .fold(journey.run.clone(), |run, name| run.without(name))
        .args(&["run", "--wait-for-approval"])
        .var("NO_COLOR", "1");
    let mut run = AttendedRun::start(&run);
    run.wait_for("from the browser's address bar (");
    // Long enough for anything that is under way to be shown.
    std::thread::sleep(Duration::from_millis(1500));
    run.look();
    assert!(!run.written.contains('\u{1b}'), "{:?}", run.written);
    let screen = run.screen();
    let page = screen.lines().map(str::trim).find(|line| line.starts_with("http://")).unwrap();
    let callback = journey.party.approve(page);
    run.type_line(&callback);
    let (exit, screen) = run.wait();
    assert_eq!(exit, Some(0), "{screen}");
}
