//! An upload is proven by what is new in it: what an earlier one brought, or what was not uploaded at all, says
//! nothing.

use super::bundles::{TestBundle, bundle_of, noise};
use crate::support::build_folder::{source, sourcemaps, write, write_script};
use crate::support::chunk_sentry::{ChunkData, ChunkOptions, ChunkSentry};
use crate::support::http_server::{Request, Response};
use crate::support::proxy::{ProxyAction, ServeProxy};
use crate::support::run::ProgramRun;
use crate::support::serve::TOKEN;
use finishline::sourcemap::debug_id::DebugId;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const SCRIPTS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// A run that deletes the maps of six scripts once they are at this server.
fn deleting(url: &str) -> ProgramRun {
    let run = sourcemaps().without("FINISHLINE_BACKEND").without("FINISHLINE_DATABASE");
    run.var("SENTRY_URL", url)
        .var("SENTRY_AUTH_TOKEN", TOKEN)
        .var("FINISHLINE_DELETE_SOURCEMAPS", "true")
}

fn write_build(run: &ProgramRun) {
    SCRIPTS.iter().for_each(|name| write_script(run, &format!("dist/{name}.js")));
}

#[test]
fn a_lost_bundle_is_missed_though_the_server_knows_most_of_its_scripts() {
    let answered = AtomicUsize::new(0);
    let proxy = ServeProxy::with(move |request| {
        let state = match answered.load(Ordering::Relaxed) {
            _ if !request.line().contains("assemble") => return ProxyAction::Forward,
            0 => "created",
            _ => "ok",
        };
        answered.fetch_add(1, Ordering::Relaxed);
        let answer = json!({"state": state, "missingChunks": [], "detail": null});
        ProxyAction::Intercept(Response::json(200, &answer))
    });
    let run = deleting(&proxy.peer.url());
    write_build(&run);
    run.clone().var("SENTRY_URL", proxy.serve.url()).execute().expect(0);
    write_build(&run);
    write_script(&run, "dist/d.js");
    let changed = run.text("dist/d.js").replace("total", "sum");
    write(&run, "dist/d.js", &changed);
    write(&run, "dist/d.js.map", run.text("dist/d.js.map").replace("total", "sum"));
    let ended = run.execute().expect(4);
    let id = run.text("dist/d.js").split("debugId=").last().unwrap()[..36].to_owned();
    let words = format!("`web` does not find the debug id {id}");
    assert!(ended.stderr.contains(&words), "{}", ended.stderr);
    assert!(run.path("dist/a.js.map").exists() && run.path("dist/d.js.map").exists());
}

#[test]
fn what_the_server_has_already_is_proven_by_its_bundle() {
    let proxy = ServeProxy::new();
    let run = deleting(&proxy.peer.url());
    let mut before = 0;
    for most in [2, SCRIPTS.len() + 2] {
        write_build(&run);
        let ended = run.execute().expect(0);
        assert!(ended.stdout.contains("each project finds it by a debug id"), "{}", ended.stdout);
        assert!(!run.path("dist/a.js.map").exists());
        let lines = proxy.peer.lines();
        let asked = lines[before..].iter().filter(|line| line.contains("lookup")).count();
        assert!(asked <= most, "{:?}", &lines[before..]);
        before = lines.len();
    }
}

/// A bundle of thirty scripts, the last of which is this one; each project is asked for all.
fn thirty_scripts(last: u64) -> TestBundle {
    let scripts: Vec<_> = (0..29).chain([last]).map(|seed| noise(seed, 100)).collect();
    let mut bundle = bundle_of(&scripts);
    bundle.plan.lookups = scripts.iter().map(|script| DebugId::of_files(script, None)).collect();
    bundle
}

/// A Sentry that keeps the first bundle, and says of later ones that they are there.
fn forgetful_sentry() -> ChunkSentry {
    let count = Arc::new(AtomicUsize::new(0));
    let answer = move |data: &mut ChunkData, request: &Request| {
        let is_later = request.line().contains("assemble") && data.bundles.len() == 1;
        if !is_later {
            return data.answer(request);
        }
        let state = if count.fetch_add(1, Ordering::Relaxed) == 0 { "created" } else { "ok" };
        Response::json(200, &json!({"state": state, "missingChunks": [], "detail": null}))
    };
    ChunkSentry::with(ChunkOptions::default(), answer)
}

#[test]
fn one_new_script_of_many_is_looked_for_where_all_others_are_known() {
    let sentry = forgetful_sentry();
    assert_eq!(thirty_scripts(100).upload_to(&sentry).result, Ok(()));
    let message = thirty_scripts(101).upload_to(&sentry).failure();
    let id = DebugId::of_files(&noise(101, 100), None);
    assert!(message.ends_with(&format!("does not find the debug id {id}")), "{message}");
    let known = thirty_scripts(100).upload_to(&sentry);
    assert_eq!((known.result, known.progress.proven), (Ok(()), vec!["web".to_owned()]));
}

#[test]
fn a_script_without_a_map_is_reported_and_never_looked_up() {
    let run = sourcemaps();
    write(&run, "dist/0.js", source("config"));
    write_script(&run, "dist/a.js");
    let ended = run.execute().expect(2);
    assert!(
        ended.stderr.contains("1 script without a source map: `dist/0.js`"),
        "{}",
        ended.stderr
    );
    assert_eq!(
        run.rows("SELECT url FROM artifact_bundle_file ORDER BY url"),
        ["~/a.js", "~/a.js.map"]
    );
}

#[test]
fn an_upload_that_fails_does_not_hide_a_script_without_a_map() {
    let sentry = ChunkSentry::with(ChunkOptions::default(), |_, _| {
        Response::json(400, &json!({"error": "One or more projects are invalid"}))
    });
    let run = deleting(&sentry.peer.url());
    write(&run, "dist/0.js", source("config"));
    write_script(&run, "dist/a.js");
    let ended = run.execute().expect(2);
    for words in ["1 script without a source map: `dist/0.js`", "projects are invalid"] {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
}
