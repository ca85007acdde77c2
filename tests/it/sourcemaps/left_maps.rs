//! Maps that are deleted were uploaded, and maps that stay are named.

use crate::support::build_folder::{
    identity_map, on_embedded, snapshot, source, sourcemaps, write, write_script,
};
use crate::support::chunk_sentry::{CHUNK_TOKEN, ChunkOptions, ChunkSentry};
use crate::support::http_server::HttpServer;
use crate::support::run::ProgramRun;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use finishline::sourcemap::archive_reader::read_contents;
use finishline::sourcemap::bundle_reader::{BundleEntry, read_bundle};
use serde_json::json;
use sha2::Digest as _;
use std::collections::BTreeMap;

/// Writes a script with its map inside.
fn write_inline(run: &ProgramRun, path: &str) {
    let text = source("inline");
    let map = STANDARD.encode(identity_map("../src/inline.ts", &text));
    let url = format!("data:application/json;base64,{map}");
    write(run, path, format!("{text}//# sourceMappingURL={url}\n"));
}

/// The texts of the files that the embedded backend has in its only bundle, by URL.
fn uploaded(run: &ProgramRun) -> BTreeMap<String, String> {
    let sql = "SELECT data FROM upload_chunk";
    let bundle: Vec<u8> = run.connection().query_row(sql, (), |row| row.get(0)).unwrap();
    let mut source = bundle.as_slice();
    let files = read_bundle(&mut source).unwrap().files.into_iter();
    let read = |file: BundleEntry| {
        let bytes = read_contents(&mut source, file.contents, 1 << 20).unwrap();
        (file.url, String::from_utf8(bytes).unwrap())
    };
    files.map(read).collect()
}

#[test]
fn an_upload_that_is_not_waited_for_deletes_nothing_and_says_so() {
    // Of a bundle that a server says it has, it may only remember that.
    for states in [vec!["created"; 10], Vec::new()] {
        let sentry = ChunkSentry::new(ChunkOptions { states, ..ChunkOptions::default() });
        let run = sourcemaps().without("FINISHLINE_BACKEND").without("FINISHLINE_DATABASE");
        write_script(&run, "dist/a.js");
        let run = run
            .var("SENTRY_URL", sentry.peer.url())
            .var("SENTRY_AUTH_TOKEN", CHUNK_TOKEN)
            .var("FINISHLINE_DELETE_SOURCEMAPS", "true")
            .var("FINISHLINE_SOURCEMAPS_WAIT", "false");
        let ended = run.execute().expect(0);
        assert!(run.path("dist/a.js.map").exists());
        assert!(ended.stderr.contains("leave `sourcemaps-wait` at `true`"), "{}", ended.stderr);
    }
}

#[test]
fn a_map_that_is_not_in_the_bundle_is_not_deleted() {
    let run = sourcemaps()
        .var("FINISHLINE_DELETE_SOURCEMAPS", "true")
        .var("FINISHLINE_SOURCEMAPS_EXTENSIONS", "js")
        .var("FINISHLINE_ALLOW_EMPTY", "true");
    write_script(&run, "dist/a.js");
    write_inline(&run, "dist/inline.js");
    let ended = run.execute().expect(0);
    assert!(run.path("dist/a.js.map").exists());
    assert!(run.text("dist/a.js").contains("sourceMappingURL"));
    assert!(ended.stderr.contains("its map has none of the extensions js"), "{}", ended.stderr);
    assert!(ended.stderr.contains("such as `dist/a.js.map`"), "{}", ended.stderr);
}

#[test]
fn a_map_inside_of_a_script_that_is_not_its_last_comment_is_named_and_never_uploaded_stripped() {
    let run = sourcemaps()
        .var("FINISHLINE_DELETE_SOURCEMAPS", "true")
        .var("FINISHLINE_SOURCEMAPS_STRIP_SOURCES", "true")
        .var("FINISHLINE_SOURCEMAPS_IGNORE", "left/out.js");
    let inner = STANDARD.encode(identity_map("../src/vendor.ts", "vendor()\n"));
    let comment = format!("//# sourceMappingURL=data:application/json;base64,{inner}\n");
    let text = format!("vendor();\n{comment}{}", source("app"));
    write(&run, "dist/app.js", format!("{text}//# sourceMappingURL=app.js.map\n"));
    write(&run, "dist/app.js.map", identity_map("../src/app.ts", &text));
    write(&run, "dist/left/out.js", &text);
    write(&run, "dist/index.html", format!("<script>{text}</script>"));
    let ended = run.execute().expect(0);
    for words in [
        "1 script with an inline source map that is not its last comment, such as `dist/app.js`",
        "2 source maps left in the folder, such as `dist/index.html`, `dist/left/out.js`",
    ] {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
    assert!(run.text("dist/app.js").contains(&inner), "code is not rewritten");
    let files = uploaded(&run);
    assert!(files["~/app.js"].contains("vendor();\n//# sourceMappingURL=\n"), "{files:?}");
    assert!(files.values().all(|text| !text.contains(&inner)), "{files:?}");
}

#[test]
fn an_ignored_folder_is_published_with_the_rest_and_looked_through() {
    for ignored in ["static", "static/", "static/**"] {
        let run = sourcemaps()
            .var("FINISHLINE_DELETE_SOURCEMAPS", "true")
            .var("FINISHLINE_SOURCEMAPS_IGNORE", ignored);
        write_script(&run, "dist/a.js");
        write_script(&run, "dist/static/b.js");
        let digest = sha2::Sha256::digest(run.text("dist/a.js"));
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        write(&run, "dist/static/sums.txt", format!("{hex}  a.js\n"));
        let ended = run.execute().expect(0);
        for words in ["`dist/static/sums.txt` has the hash", "such as `dist/static/b.js.map`"] {
            assert!(ended.stderr.contains(words), "{ignored} {words}: {}", ended.stderr);
        }
        assert!(!run.text("dist/static/b.js").contains("debugId"), "it is not uploaded");
    }
}

#[test]
fn maps_that_no_script_of_the_upload_has_are_named_and_packed_copies_go() {
    let run = sourcemaps().var("FINISHLINE_DELETE_SOURCEMAPS", "true");
    write_script(&run, "dist/a.js");
    write(&run, "dist/a.js.map.gz", "packed");
    write(&run, "dist/style.css.map", "{}");
    write(&run, "dist/old.js.map", identity_map("../src/old.ts", "old()\n"));
    let ended = run.execute().expect(0);
    assert!(!run.path("dist/a.js.map").exists() && !run.path("dist/a.js.map.gz").exists());
    assert!(ended.stdout.contains("1 source map deleted"), "{}", ended.stdout);
    assert!(ended.stderr.contains("2 source maps left in the folder"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("a.js.map.gz"), "{}", ended.stderr);
}

#[test]
fn every_map_that_stays_is_named_wherever_it_is() {
    let run = sourcemaps().var("FINISHLINE_DELETE_SOURCEMAPS", "true");
    write_script(&run, "dist/a.js");
    let left = [
        "dist/UP.JS.MAP",
        "dist/.hidden.js.map",
        "dist/.hidden/deep/z.js.map",
        "dist/a.js.map.xz",
        "dist/a.js.map.bak",
        "dist/old.js.map",
    ];
    left.iter().for_each(|file| drop(write(&run, file, "{}")));
    write(&run, "dist/old.js.map.gz", "packed");
    write(&run, "dist/site.map.json", "{}");
    write(&run, "dist/in.css", "a{}\n/*# sourceMappingURL=data:application/json;base64,e30= */");
    write(&run, "dist/.git/x.js.map", "{}");
    let ended = run.execute().expect(0);
    assert!(ended.stderr.contains("7 source maps left in the folder"), "{}", ended.stderr);
    for file in left.iter().chain(&["dist/in.css"]) {
        assert!(ended.stderr.contains(&format!("`{file}`")), "{file}: {}", ended.stderr);
    }
    // A run that ends before it uploads names them, too.
    let failed = run.var("FINISHLINE_BACKEND", "sentry").execute().expect(5);
    assert!(failed.stderr.contains("`dist/.hidden/deep/z.js.map`"), "{}", failed.stderr);
}

#[test]
fn a_list_that_names_a_deleted_map_is_named() {
    for (file, text, is_list) in [
        ("dist/sw.js.txt", "[{url:'js/a.js.map',revision:null}]", true),
        ("dist/asset-manifest.json", "{\"a.js.map\":\"/a.js.map\"}", true),
        ("dist/MANIFEST.txt", "a.js\na.js.map\n", true),
        ("dist/other.txt", "b.js.map xa.js.map a.js.map.json a.js.mapped", false),
        ("dist/copy.txt", "//# sourceMappingURL=a.js.map", false),
    ] {
        let run = sourcemaps().var("FINISHLINE_DELETE_SOURCEMAPS", "true");
        write_script(&run, "dist/a.js");
        write(&run, file, text);
        let ended = run.execute().expect(0);
        let words = format!("still naming a deleted source map, such as `{file}`");
        assert_eq!(ended.stderr.contains(&words), is_list, "{file}: {}", ended.stderr);
    }
}

#[test]
fn a_text_in_a_hidden_folder_is_renewed_with_the_others() {
    let run = sourcemaps().var("FINISHLINE_INJECT_REFRESH", "true");
    write_script(&run, "dist/a.js");
    let sum = |run: &ProgramRun| STANDARD.encode(sha2::Sha384::digest(run.text("dist/a.js")));
    write(&run, "dist/.well-known/x.json", format!("{{\"a\":\"sha384-{}\"}}", sum(&run)));
    run.execute().expect(0);
    assert!(run.text("dist/.well-known/x.json").contains(&sum(&run)));
}

#[test]
fn a_script_with_its_map_inside_is_one_that_is_published() {
    let run = sourcemaps();
    write_inline(&run, "dist/inline.js");
    let ended = run.execute().expect(0);
    let words = "1 source map left in the folder, such as `dist/inline.js`";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    let ended = run.var("FINISHLINE_DELETE_SOURCEMAPS", "true").execute().expect(0);
    assert!(!ended.stderr.contains("left in the folder"), "{}", ended.stderr);
    assert!(ended.stdout.contains("1 source map deleted"), "{}", ended.stdout);
}

#[test]
fn code_that_may_not_leave_does_not_leave_inside_of_a_script() {
    let run = sourcemaps().var("FINISHLINE_SOURCEMAPS_STRIP_SOURCES", "true");
    write_inline(&run, "dist/inline.js");
    let before = snapshot(&run.path("dist"));
    run.execute().expect(0);
    let files = uploaded(&run);
    assert!(!files["~/inline.js"].contains("data:"), "{files:?}");
    assert!(files["~/inline.js.map"].contains("\"sourcesContent\":[]"), "{files:?}");
    assert_ne!(snapshot(&run.path("dist")), before, "the script is injected on disk");
    assert!(run.text("dist/inline.js").contains("data:application/json"));
}

#[test]
fn code_that_may_not_leave_does_not_leave_with_a_map_that_has_no_script() {
    let run = sourcemaps().var("FINISHLINE_SOURCEMAPS_STRIP_SOURCES", "true");
    write_script(&run, "dist/a.js");
    let id = "00000000-0000-4000-8000-000000000001";
    let map = identity_map("../src/lone.ts", "the_code_of_lone()\n");
    write(&run, "dist/lone.js.map", map.replacen('{', &format!("{{\"debugId\":\"{id}\","), 1));
    run.execute().expect(0);
    let files = uploaded(&run);
    assert!(files["~/lone.js.map"].contains("\"sourcesContent\":[]"), "{files:?}");
}

#[test]
fn an_output_is_no_script_and_no_map_of_the_build() {
    for output in ["dist/a.js", "dist/a.js.map", "dist/new.mjs", "./dist/../dist/a.js"] {
        for input in ["RESULT_FILE", "DOTENV", "SUMMARY", "ANNOTATIONS"] {
            let run = sourcemaps();
            write_script(&run, "dist/a.js");
            let before = snapshot(&run.path("dist"));
            let ended = run.clone().var(&format!("FINISHLINE_{input}"), output).execute().expect(2);
            assert!(ended.stderr.contains("the name of a script"), "{input}: {}", ended.stderr);
            assert_eq!(snapshot(&run.path("dist")), before, "{input} {output}");
        }
    }
}

#[test]
fn a_run_that_uploads_nothing_names_the_maps_that_are_deployed_next() {
    let unreachable = HttpServer::unused_url();
    let at_sentry = |name: &str, value: &str| {
        let run = sourcemaps().without("FINISHLINE_BACKEND").without("FINISHLINE_DATABASE");
        write_script(&run, "dist/a.js");
        write_inline(&run, "dist/inline.js");
        run.var("SENTRY_URL", &unreachable).var("FINISHLINE_TIMEOUT", "2s").var(name, value)
    };
    let deployed = |run: &ProgramRun, delete: &str| {
        let ended = run.clone().var("FINISHLINE_DELETE_SOURCEMAPS", delete).execute().expect(0);
        let words = "2 source maps left in the folder, such as `dist/a.js.map`, `dist/inline.js`";
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
        assert_eq!(ended.stderr.matches("left in the folder").count(), 1, "{}", ended.stderr);
        assert!(run.path("dist/a.js.map").exists());
    };
    for delete in ["true", "false"] {
        deployed(&at_sentry("FINISHLINE_WITHOUT_TOKEN", "skip"), delete);
        let run = at_sentry("SENTRY_AUTH_TOKEN", CHUNK_TOKEN);
        deployed(&run.var("FINISHLINE_TOLERATE", "unavailable"), delete);
    }
    let fork = json!({"pull_request": {"head": {"repo": {"full_name": "stranger/repo", "fork": true}},
        "base": {"repo": {"full_name": "acme/repo"}}}, "repository": {"full_name": "acme/repo"}});
    let run = ProgramRun::github().args(&["sourcemaps", "dist"]).var("FINISHLINE_ORG", "acme");
    let event = run.file("event.json", fork.to_string());
    write_script(&run, "dist/a.js");
    write_inline(&run, "dist/inline.js");
    let run = run.var("GITHUB_EVENT_NAME", "pull_request").var("GITHUB_EVENT_PATH", event);
    deployed(&run.var("FINISHLINE_PROJECTS", "web"), "true");
}

#[test]
fn a_plan_and_a_skipped_run_without_maps_name_none() {
    let run = sourcemaps().without("FINISHLINE_BACKEND").without("FINISHLINE_DATABASE");
    let run = run.var("SENTRY_URL", HttpServer::unused_url());
    let run = run.var("FINISHLINE_WITHOUT_TOKEN", "skip");
    write(&run, "dist/style.css", "a {}");
    assert!(!run.execute().expect(0).stderr.contains("left in the folder"));
    write_script(&run, "dist/a.js");
    let planned = run.var("FINISHLINE_DRY_RUN", "true").execute().expect(0);
    assert!(!planned.stderr.contains("left in the folder"), "{}", planned.stderr);
}

#[test]
fn maps_that_only_this_machine_has_for_want_of_a_token_stay() {
    let run =
        sourcemaps().without("FINISHLINE_BACKEND").var("FINISHLINE_DELETE_SOURCEMAPS", "true");
    write_script(&run, "dist/a.js");
    let ended = run.execute().expect(0);
    assert!(run.path("dist/a.js.map").exists());
    assert!(ended.stderr.contains("without a token nothing is sent"), "{}", ended.stderr);
    run.clone().var("FINISHLINE_BACKEND", "embedded").execute().expect(0);
    assert!(!run.path("dist/a.js.map").exists());
}

#[test]
fn the_map_of_a_script_that_no_event_can_be_matched_with_is_kept_and_the_script_is_named() {
    let id = "0f0e0d0c-0b0a-4908-8706-050403020100";
    let comment = format!("//# debugId={id}\n");
    for (code, comment, release, stays) in [
        ("", &*comment, "", true),
        ("", &*comment, "v1", false),
        (&*format!("e._sentryDebugIds[n]='{id}';"), &*comment, "", false),
    ] {
        let run = sourcemaps()
            .var("FINISHLINE_INJECT", "false")
            .var("FINISHLINE_RELEASE", release)
            .var("FINISHLINE_DELETE_SOURCEMAPS", "true");
        let text = format!("{}{code}\n", source("a"));
        let url = "//# sourceMappingURL=a.js.map\n";
        write(&run, "dist/a.js", format!("{text}{comment}{url}"));
        write(&run, "dist/a.js.map", identity_map("a.ts", &text));
        let ended = run.execute().expect(0);
        let case = format!("{code} {comment} {release}: {}", ended.stderr);
        assert_eq!(run.path("dist/a.js.map").exists(), stays, "{case}");
        let words = "1 script without a debug id in its code, such as `dist/a.js`";
        assert_eq!(ended.stderr.contains(words), stays, "{case}");
    }
}

#[test]
fn a_script_that_never_had_a_map_is_not_taken_for_one_that_was_uploaded() {
    let run = sourcemaps().var("FINISHLINE_DELETE_SOURCEMAPS", "true");
    write_script(&run, "dist/a.js");
    write(&run, "dist/b.js", "f()\n");
    for _ in 0..2 {
        let ended = run.execute().expect(2);
        assert!(ended.stderr.contains("`dist/b.js` (it names no map)"), "{}", ended.stderr);
        let words = "deletes nothing while other files are at fault";
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}

#[test]
fn a_script_that_was_uploaded_without_a_map_did_not_lose_one() {
    for end in ["", "\n", "\r\n"] {
        let run = sourcemaps();
        write(&run, "dist/b.js", format!("f(){end}"));
        run.clone().var("FINISHLINE_ALLOW_UNMAPPED", "true").execute().expect(0);
        let ended = run.var("FINISHLINE_DELETE_SOURCEMAPS", "true").execute().expect(2);
        assert!(ended.stderr.contains("no script in dist has a source map"), "{}", ended.stderr);
    }
}

#[test]
fn a_script_whose_map_was_never_there_still_names_it_after_the_others_are_deleted() {
    let run = sourcemaps().var("FINISHLINE_DELETE_SOURCEMAPS", "true");
    write_script(&run, "dist/a.js");
    write(&run, "dist/b.js", "f()\n//# sourceMappingURL=b.js.map\n");
    run.clone().var("FINISHLINE_ALLOW_UNMAPPED", "true").execute().expect(0);
    assert!(!run.path("dist/a.js.map").exists());
    let ended = run.execute().expect(2);
    assert!(ended.stderr.contains("its map b.js.map is not there"), "{}", ended.stderr);
}

#[test]
fn an_id_of_a_bundler_tells_the_next_run_that_its_map_was_uploaded_and_deleted() {
    let id = "0f0e0d0c-0b0a-4908-8706-050403020100";
    let register = format!("e._sentryDebugIds[n]='{id}';");
    for inject in ["true", "false"] {
        let run = on_embedded(ProgramRun::local().args(&["run", "--release", "v1"]))
            .var("FINISHLINE_SOURCEMAPS", "dist")
            .var("FINISHLINE_INJECT", inject)
            .var("FINISHLINE_DELETE_SOURCEMAPS", "true");
        let text = format!("{register}{}", source("a"));
        write(&run, "dist/a.js", format!("{text}//# sourceMappingURL=a.js.map\n"));
        write(&run, "dist/a.js.map", identity_map("a.ts", &text));
        let never = run.clone();
        run.execute().expect(0);
        assert!(!run.path("dist/a.js.map").exists());
        let ended = run.execute().expect(0);
        let words = "source maps of 1 script were uploaded by an earlier run, and deleted";
        assert!(ended.stdout.contains(words), "{}", ended.stdout);
        write(&never, "dist/a.js", text.replace(id, "1f0e0d0c-0b0a-4908-8706-050403020100"));
        let ended = never.execute().expect(2);
        let words = "(it names no map, and project `web` has none by its debug id)";
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
}
