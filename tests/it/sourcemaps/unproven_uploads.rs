//! An upload is called proven where each project was heard to find it, and only then are maps deleted
//! at a server that can tell.

use crate::support::at_once;
use crate::support::build_folder::{sourcemaps, write_script};
use crate::support::chunk_sentry::{CHUNK_TOKEN, ChunkData, ChunkOptions, ChunkSentry};
use crate::support::http_server::{Request, Response};
use crate::support::run::{ProgramRun, RunResult};
use serde_json::json;

/// What a look-up is answered by.
type FixedAnswer = fn() -> Response;

const CLAIM: &str = "each project finds it by a debug id";

/// A run that deletes the maps of `dist/a.js` once they are at this Sentry.
fn deleting(sentry: &ChunkSentry, projects: &str) -> ProgramRun {
    let run = sourcemaps().without("FINISHLINE_BACKEND").without("FINISHLINE_DATABASE");
    write_script(&run, "dist/a.js");
    run.var("SENTRY_URL", sentry.peer.url())
        .var("SENTRY_AUTH_TOKEN", CHUNK_TOKEN)
        .var("FINISHLINE_PROJECTS", projects)
        .var("FINISHLINE_TIMEOUT", "6s")
        .var("FINISHLINE_DELETE_SOURCEMAPS", "true")
}

/// A Sentry whose look-up in this project is answered like that.
fn sentry_with(
    project: &str,
    answer: impl Fn() -> Response + Send + Sync + 'static,
) -> ChunkSentry {
    let path = format!("/{project}/artifact-lookup/");
    ChunkSentry::with(ChunkOptions::default(), move |data: &mut ChunkData, request: &Request| {
        match request.line().contains(&path) {
            true => answer(),
            false => data.answer(request),
        }
    })
}

fn keeps_the_maps(run: &ProgramRun, ended: &RunResult, project: &str) {
    let RunResult { stdout, stderr, .. } = ended;
    assert!(run.path("dist/a.js.map").exists(), "{stderr}");
    assert!(run.text("dist/a.js").contains("sourceMappingURL"));
    assert!(!stdout.contains("finds") && !stdout.contains("deleted"), "{stdout}");
    assert!(stdout.contains("source maps of 1 script uploaded"), "{stdout}");
    assert!(stderr.contains(&format!("cannot check that `{project}` finds")), "{stderr}");
    assert!(stderr.contains("`dist/a.js.map`: whoever gets the folder"), "{stderr}");
}

#[test]
fn an_answer_that_tells_nothing_proves_nothing_and_deletes_nothing() {
    let answers: [(&str, FixedAnswer); 12] = [
        ("404 of a project unseen", || {
            Response::detail(404, "The requested resource does not exist")
        }),
        ("404 of a gateway", || Response::json(404, &json!({ "message": "no route" }))),
        ("404 of a proxy", || Response::html(404, "<title>404 Not Found</title>")),
        ("401", || Response::detail(401, "Invalid token")),
        ("403", || Response::detail(403, "You do not have permission to perform this action.")),
        ("302", || Response::redirect("/auth/login/")),
        ("429", || Response::detail(429, "slow down").with("retry-after", "100")),
        ("500", || Response::detail(500, "Internal Error")),
        ("null", || Response::json(200, &json!(null))),
        ("{}", || Response::json(200, &json!({}))),
        ("[{}]", || Response::json(200, &json!([{}]))),
        ("no answer", Response::close),
    ];
    at_once::each(&answers, |(name, answer)| {
        let sentry = sentry_with("web", *answer);
        let run = deleting(&sentry, "web");
        let ended = run.execute();
        assert_eq!(ended.exit, Some(0), "{name}: {}", ended.stderr);
        keeps_the_maps(&run, &ended, "web");
    });
}

#[test]
fn one_project_that_is_not_heard_spoils_the_proof_of_all() {
    let sentry = sentry_with("api", || Response::json(200, &json!({})));
    let run = deleting(&sentry, "web, api");
    keeps_the_maps(&run, &run.execute().expect(0), "api");
    // One that the token does not see, at a server that has a look-up.
    let unseen = || Response::detail(404, "The requested resource does not exist");
    let sentry = sentry_with("api", unseen);
    let run = deleting(&sentry, "web, api");
    keeps_the_maps(&run, &run.execute().expect(0), "api");
    let heard = ChunkSentry::new(ChunkOptions::default());
    let run = deleting(&heard, "web, api");
    let ended = run.execute().expect(0);
    assert!(ended.stdout.contains(CLAIM), "{}", ended.stdout);
    assert!(!run.path("dist/a.js.map").exists());
}

#[test]
fn a_server_without_a_look_up_is_taken_at_its_word_and_nothing_more_is_claimed() {
    let sentry = sentry_with("web", || Response::html(404, ""));
    let run = deleting(&sentry, "web");
    let ended = run.execute().expect(0);
    assert!(!run.path("dist/a.js.map").exists(), "{}", ended.stderr);
    assert!(ended.stdout.contains("processed by Sentry's own account"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("finds"), "{}", ended.stdout);
    assert!(ended.stderr.contains("this server has no look-up"), "{}", ended.stderr);
}

#[test]
fn a_frame_is_not_said_to_have_a_file_that_nobody_was_heard_of() {
    let sentry = sentry_with("web", || Response::json(200, &json!({})));
    let frame = "https://acme.io/a.js:1:1";
    let run = ProgramRun::local()
        .args(&["sourcemaps", "explain", frame])
        .var("SENTRY_URL", sentry.peer.url())
        .var("SENTRY_AUTH_TOKEN", CHUNK_TOKEN)
        .var("FINISHLINE_ORG", "acme")
        .var("FINISHLINE_PROJECTS", "web");
    let ended = run.execute().expect(6);
    assert!(ended.stderr.contains("cannot tell whether web has a file"), "{}", ended.stderr);
}

#[test]
fn a_call_of_sentry_cli_waits_for_a_server_only_where_it_says_so() {
    let states = vec!["assembling"; 50];
    let sentry = ChunkSentry::new(ChunkOptions { states, ..ChunkOptions::default() });
    let run = deleting(&sentry, "web").var("FINISHLINE_TIMEOUT", "2s");
    let run = run.var("SENTRY_ORG", "acme").var("SENTRY_PROJECT", "web");
    let call = |wait: &[&str]| {
        let words = [&["sentry-cli", "sourcemaps", "upload"], wait, &["--release", "v1", "dist"]];
        run.clone().args(&words.concat()).execute()
    };
    let ended = call(&[]).expect(0);
    assert!(ended.stdout.contains("not waited for"), "{}", ended.stdout);
    let ended = call(&["--wait"]).expect(1);
    assert!(ended.stderr.contains("did not finish processing"), "{}", ended.stderr);
}
