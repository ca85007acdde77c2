//! Where a line of a stack leads, or the first reason why it does not.

use crate::support::build_folder::{on_embedded, source, sourcemaps, write, write_script};
use crate::support::http_server::Response;
use crate::support::proxy::{ProxyAction, ServeProxy};
use crate::support::run::{ProgramRun, RunResult};
use crate::support::serve::{ServeProcess, TOKEN};

fn explain(run: &ProgramRun, frame: &str) -> RunResult {
    run.clone().args(&["sourcemaps", "explain", frame, "--sourcemaps", "dist"]).execute()
}

/// A run over `dist` at a server.
fn at(serve: &ServeProcess) -> ProgramRun {
    let run = sourcemaps().without("FINISHLINE_BACKEND").without("FINISHLINE_DATABASE");
    run.var("SENTRY_URL", serve.url()).var("SENTRY_AUTH_TOKEN", TOKEN)
}

#[test]
fn a_frame_leads_to_its_line_once_the_script_is_uploaded() {
    let run = sourcemaps();
    write_script(&run, "dist/js/app.js");
    let frame = "    at app (https://acme.io/static/js/app.js?v=1:3:3)";
    let ended = explain(&run, frame).expect(2);
    assert!(ended.stderr.contains("`dist/js/app.js` has no debug id"), "{}", ended.stderr);
    run.execute().expect(0);
    let ended = explain(&run, frame).expect(0);
    let first = ended.stdout.lines().next().unwrap();
    assert_eq!(first, "dist/js/app.js 3:3 → ../src/app.ts:2:1");
    assert!(ended.stdout.contains("const total = order.price;"), "{}", ended.stdout);
    assert!(ended.stdout.contains("web has a bundle with this debug id"), "{}", ended.stdout);
}

#[test]
fn the_first_reason_is_said_where_it_leads_nowhere() {
    let run = sourcemaps();
    write_script(&run, "dist/app.js");
    run.execute().expect(0);
    for (frame, words) in [
        ("https://acme.io/app.js", "is not a place in a script"),
        ("https://acme.io/other.js:1:1", "no script in dist has a path that"),
        ("https://acme.io/app.js:99:1", "leads to no source"),
    ] {
        let ended = explain(&run, frame).expect(2);
        assert!(ended.stderr.contains(words), "{frame}: {}", ended.stderr);
    }
    let other = run.clone().var("FINISHLINE_PROJECTS", "api");
    let ended = explain(&other, "https://acme.io/app.js:2:1").expect(2);
    assert!(ended.stderr.contains("api has no file with the debug id"), "{}", ended.stderr);
}

#[test]
fn without_files_the_backend_is_asked_by_url_release_and_dist() {
    let run = sourcemaps().var("FINISHLINE_RELEASE", "v1").var("FINISHLINE_DIST", "7");
    write_script(&run, "dist/app.js");
    run.execute().expect(0);
    let ask = |run: &ProgramRun| {
        run.clone().args(&["sourcemaps", "explain", "https://acme.io/app.js:2:1"]).execute()
    };
    ask(&run).expect(0);
    let ended = ask(&run.clone().var("FINISHLINE_DIST", "8")).expect(2);
    assert!(
        ended.stderr.contains("web has no file `~/app.js` for release `v1` with dist `8`"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_frame_is_resolved_by_the_bundle_that_the_server_has() {
    let serve = ServeProcess::start();
    let run = at(&serve);
    write_script(&run, "dist/js/app.js");
    run.execute().expect(0);
    let ask = |run: &ProgramRun, place: &str| {
        let frame = format!("https://acme.io/js/app.js:{place}");
        run.clone().args(&["sourcemaps", "explain", &frame]).execute()
    };
    let ended = ask(&run, "3:3").expect(0);
    let first = ended.stdout.lines().next().unwrap();
    assert_eq!(first, "~/js/app.js 3:3 → ../src/app.ts:2:1");
    for words in
        ["const total = order.price;", "web has it in bundle", "map ~/js/app.js.map, debug id"]
    {
        assert!(ended.stdout.contains(words), "{words}: {}", ended.stdout);
    }
    let ended = ask(&run, "99:1").expect(2);
    assert!(ended.stderr.contains("99:1 leads to no source"), "{}", ended.stderr);
    let ended = ask(&run.clone().var("SENTRY_AUTH_TOKEN", serve.org_token()), "3:3").expect(0);
    assert!(ended.stdout.contains("this token may not download it"), "{}", ended.stdout);
    let other = run.clone().args(&["sourcemaps", "explain", "https://acme.io/b.js:3:3"]);
    assert!(other.execute().expect(2).stderr.contains("web has no file `~/b.js`"));
    run.clone().var("FINISHLINE_SOURCEMAPS_STRIP_SOURCES", "true").execute().expect(0);
    let ended = ask(&run, "3:3").expect(0);
    assert!(ended.stdout.starts_with("~/js/app.js 3:3 → ../src/app.ts:2:1"), "{}", ended.stdout);
    assert!(ended.stdout.contains("the map does not hold the source"), "{}", ended.stdout);
}

#[test]
fn a_script_whose_map_was_deleted_is_looked_for_at_the_server() {
    let run = sourcemaps().var("FINISHLINE_DELETE_SOURCEMAPS", "true");
    write_script(&run, "dist/app.js");
    run.execute().expect(0);
    let ended = explain(&run, "https://acme.io/app.js:3:3").expect(2);
    for words in ["`dist/app.js` has no source map here", "leave `sourcemaps` out"] {
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}

#[test]
fn the_bundle_of_a_release_is_found_behind_any_number_of_newer_ones() {
    let serve = ServeProcess::start();
    let run = at(&serve);
    write_script(&run, "dist/app.js");
    run.clone().var("FINISHLINE_RELEASE", "app@1").execute().expect(0);
    for number in 0..11 {
        let folder = format!("d{number}");
        write_script(&run, &format!("{folder}/other{number}.js"));
        let other = run.clone().args(&["sourcemaps", &folder]);
        other.var("FINISHLINE_RELEASE", format!("other@{number}")).execute().expect(0);
    }
    let frame = "https://acme.io/app.js:3:3";
    let ask = run.args(&["sourcemaps", "explain", frame]).var("FINISHLINE_RELEASE", "app@1");
    let ended = ask.execute().expect(0);
    assert!(ended.stdout.starts_with("~/app.js 3:3 → ../src/app.ts:2:1"), "{}", ended.stdout);
}

#[test]
fn a_release_with_some_bundle_does_not_have_every_file() {
    let serve = ServeProcess::start();
    let run = at(&serve);
    let run = run.var("FINISHLINE_RELEASE", "v1");
    write_script(&run, "dist/pages/[id]é.js");
    run.execute().expect(0);
    let ask = |url: &str, more: &[&str]| {
        let frame = format!("https://acme.io/{url}:3:3");
        run.clone().args(&[&["sourcemaps", "explain", &frame], more].concat()).execute()
    };
    let ended = ask("nope/never.js", &[]).expect(2);
    assert!(ended.stderr.contains("web has no file `~/nope/never.js`"), "{}", ended.stderr);
    for url in ["pages/[id]é.js", "pages/%5Bid%5D%C3%A9.js"] {
        for more in [&["--sourcemaps", "dist"][..], &[]] {
            let ended = ask(url, more).expect(0);
            assert!(ended.stdout.contains("const total = order.price;"), "{url}: {}", ended.stdout);
        }
    }
}

#[test]
fn a_release_with_some_bundle_that_cannot_be_listed_tells_nothing() {
    let proxy = ServeProxy::with(|request| match request.line().contains("artifact-bundles/") {
        true => ProxyAction::Intercept(Response::detail(403, "no")),
        false => ProxyAction::Forward,
    });
    let run = sourcemaps().without("FINISHLINE_BACKEND").without("FINISHLINE_DATABASE");
    let run = run.var("SENTRY_URL", proxy.peer.url()).var("SENTRY_AUTH_TOKEN", TOKEN);
    let run = run.var("FINISHLINE_RELEASE", "v1");
    write_script(&run, "dist/app.js");
    run.execute().expect(0);
    let ended = run.clone().args(&["sourcemaps", "explain", "https://acme.io/no.js:1:1"]).execute();
    let words = "cannot tell whether web has a file for ~/no.js: the release has a bundle";
    assert!(ended.expect(6).stderr.contains(words));
}

#[test]
fn a_release_uploads_its_source_maps_before_its_deploy() {
    let run = on_embedded(ProgramRun::github())
        .var("FINISHLINE_RELEASE", "v1")
        .var("FINISHLINE_ENVIRONMENT", "production")
        .var("FINISHLINE_SOURCEMAPS", "dist");
    write_script(&run, "dist/app.js");
    let ended = run.execute().expect(0);
    assert_eq!(ended.joined(["status", "sourcemap-count", "release"]), "complete 1 v1");
    assert_eq!(ended.output("sourcemap-bundle-id").len(), 36);
    assert_eq!(run.rows("SELECT environment FROM deploy"), ["production"]);
    write(&run, "dist/broken.js", format!("{}//# sourceMappingURL=no.map\n", source("b")));
    let ended = run.clone().var("FINISHLINE_ENVIRONMENT", "staging").execute().expect(2);
    assert_eq!(ended.output("error-code"), "no-sourcemaps");
    assert_eq!(run.rows("SELECT environment FROM deploy"), ["production"], "nothing is deployed");
}

#[test]
fn a_missing_folder_stops_a_release_before_it_begins() {
    let run = on_embedded(ProgramRun::github())
        .var("FINISHLINE_RELEASE", "v1")
        .var("FINISHLINE_SOURCEMAPS", "dist");
    let ended = run.execute().expect(2);
    assert_eq!(ended.output("error-code"), "no-sourcemaps");
    assert!(!run.database().exists(), "nothing was made");
}
