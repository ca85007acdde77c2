//! What a build mixed up is said before it misleads: ids of others, maps of others, comments of maps that
//! are gone, and folders of nothing.

use crate::support::build_folder::{
    identity_map, on_embedded, snapshot, source, sourcemaps, write, write_script,
};
use crate::support::run::ProgramRun;
use serde_json::json;

const ID: &str = "0f0e0d0c-0b0a-4908-8706-050403020100";
const NIL: &str = "00000000-0000-0000-0000-000000000000";

/// Writes a script with its map, and one line more behind its comment that names it.
fn write_with(run: &ProgramRun, path: &str, name: &str, line: &str) {
    let (text, file) = (source(name), path.rsplit('/').next().unwrap());
    write(run, path, format!("{text}//# sourceMappingURL={file}.map\n{line}\n"));
    write(run, &format!("{path}.map"), identity_map("../src/a.ts", &text));
}

#[test]
fn two_scripts_with_one_debug_id_are_an_error_and_copies_of_one_are_none() {
    let comment = format!("//# debugId={ID}");
    let run = sourcemaps();
    write_with(&run, "dist/a.js", "a", &comment);
    write_with(&run, "dist/copy/a.js", "a", &comment);
    run.execute().expect(0);
    write_with(&run, "dist/b.js", "b", &comment);
    let ended = run.execute().expect(2);
    let words = format!("`dist/copy/a.js` (it has the debug id {ID} of `dist/b.js`");
    assert!(
        ended.stderr.contains(&words) || ended.stderr.contains("`dist/b.js` (it has"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("which is another script"), "{}", ended.stderr);
}

#[test]
fn the_id_that_stands_for_none_is_replaced_or_refused() {
    let comment = format!("//# debugId={NIL}");
    let run = sourcemaps();
    write_with(&run, "dist/a.js", "a", &comment);
    let refused = run.clone().var("FINISHLINE_INJECT", "false").execute().expect(2);
    assert!(refused.stderr.contains(&format!("its debug id is {NIL}")), "{}", refused.stderr);
    run.execute().expect(0);
    assert!(!run.text("dist/a.js").contains(NIL) && !run.text("dist/a.js.map").contains(NIL));
    write_with(&run, "dist/b.js", "b", &format!("e._sentryDebugIds[n]=\"{NIL}\";"));
    let before = run.text("dist/b.js");
    let refused = run.execute().expect(2);
    assert!(refused.stderr.contains("`dist/b.js` (its debug id is"), "{}", refused.stderr);
    assert_eq!(run.text("dist/b.js"), before);
}

#[test]
fn a_map_that_says_it_is_of_another_script_beside_it_is_named() {
    let run = sourcemaps();
    for (script, other) in [("a", "b"), ("b", "a"), ("c", "c"), ("d", "gone")] {
        write_script(&run, &format!("dist/{script}.js"));
        let path = format!("dist/{script}.js.map");
        let of_other = format!("{{\"file\":\"./{other}.js\",");
        let map = run.text(&path).replacen('{', &of_other, 1);
        write(&run, &path, map);
    }
    let ended = run.execute().expect(0);
    for (script, other) in [("a", "b"), ("b", "a")] {
        let words = format!(
            "`dist/{script}.js.map` is used for `dist/{script}.js`, and says that it is of `{other}.js`"
        );
        assert!(ended.stderr.contains(&words), "{}", ended.stderr);
    }
    assert_eq!(ended.stderr.matches("says that it is of").count(), 2, "{}", ended.stderr);
}

#[test]
fn a_script_that_still_names_its_deleted_map_is_named() {
    let run = sourcemaps().var("FINISHLINE_DELETE_SOURCEMAPS", "true");
    write_with(&run, "dist/a.js", "a", "f();");
    write_script(&run, "dist/b.js");
    let ended = run.execute().expect(0);
    assert!(!run.path("dist/a.js.map").exists());
    assert!(ended.stderr.contains("`dist/a.js` still names its deleted"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("`dist/b.js` still"), "{}", ended.stderr);
}

#[test]
fn two_files_of_one_url_are_both_named() {
    let run = sourcemaps().args(&["sourcemaps", "dist/a", "dist/b"]);
    ["dist/a/app.js", "dist/b/app.js"].iter().for_each(|script| write_script(&run, script));
    let run = run.var("FINISHLINE_RELEASE", "v1").var("FINISHLINE_INJECT", "false");
    let ended = run.execute().expect(0);
    assert!(ended.stderr.contains("`dist/a/app.js` and `dist/b/app.js`"), "{}", ended.stderr);
}

#[test]
fn nothing_that_was_allowed_is_not_called_sent() {
    let run = sourcemaps().var("FINISHLINE_ALLOW_EMPTY", "true");
    write(&run, "dist/style.css", "a {}");
    for dry_run in ["false", "true"] {
        let ended = run.clone().var("FINISHLINE_DRY_RUN", dry_run).execute().expect(0);
        assert!(ended.stdout.contains("nothing is uploaded"), "{}", ended.stdout);
        assert!(!ended.stdout.contains("bundle") && !ended.stdout.contains("sent"));
    }
}

#[test]
fn a_plan_tells_what_a_run_would_delete_and_write_anew() {
    let run =
        sourcemaps().var("FINISHLINE_DRY_RUN", "true").var("FINISHLINE_DELETE_SOURCEMAPS", "true");
    write_script(&run, "dist/a.js");
    write(&run, "dist/a.js.br", "brotli");
    let before = snapshot(&run.path("dist"));
    let ended = run.execute().expect(0);
    let words = "1 source map would be deleted, such as `dist/a.js.map`";
    assert!(ended.stdout.contains(words), "{}", ended.stdout);
    assert!(ended.stderr.contains("`dist/a.js.br` is a packed copy of a file that would"));
    let ended = run.clone().var("FINISHLINE_INJECT_REFRESH", "true").execute().expect(0);
    assert!(ended.stdout.contains("1 file with the hash or a packed copy"), "{}", ended.stdout);
    assert!(ended.stdout.contains("`dist/a.js.br`"), "{}", ended.stdout);
    assert_eq!(snapshot(&run.path("dist")), before);
    write(&run, "dist/bare.js", "console.log(1)\n");
    let ended = run.clone().var("FINISHLINE_ALLOW_EMPTY", "true").execute().expect(0);
    let words = "source maps of 1 script and 1 script without one would be uploaded";
    assert!(ended.stdout.contains(words), "{}", ended.stdout);
}

#[test]
fn a_plan_of_what_the_backend_has_finds_nothing_to_do() {
    let run = sourcemaps();
    write_script(&run, "dist/a.js");
    let plan = |run: &ProgramRun| {
        let run = run.clone().var("FINISHLINE_DRY_RUN", "true").var("FINISHLINE_FORMAT", "json");
        run.execute().expect(0).json()
    };
    assert_eq!(plan(&run)["to_do"], true);
    assert!(!run.database().exists(), "a plan makes no file");
    run.execute().expect(0);
    let known = plan(&run);
    assert_eq!(known["to_do"], json!(false), "{known}");
    assert_eq!(plan(&run.clone().var("FINISHLINE_PROJECTS", "web, api"))["to_do"], true);
    assert_eq!(plan(&run.clone().var("FINISHLINE_DELETE_SOURCEMAPS", "true"))["to_do"], true);
    write_script(&run, "dist/b.js");
    assert_eq!(plan(&run)["to_do"], true);
    let release = on_embedded(ProgramRun::local().args(&["run"]))
        .var("FINISHLINE_RELEASE", "v1")
        .var("FINISHLINE_DEPLOY", "false")
        .var("FINISHLINE_SOURCEMAPS", "dist");
    write_script(&release, "dist/a.js");
    let plan = |exit| release.clone().args(&["plan", "--exit-code"]).execute().expect(exit);
    plan(8);
    release.execute().expect(0);
    plan(0);
}

#[test]
fn swapped_maps_of_small_scripts_are_named() {
    let text = |name: &str| -> String { (0..4).map(|at| format!("'{name} {at}';\n")).collect() };
    for (of_a, is_doubtful) in [("a", false), ("b", true)] {
        let run = sourcemaps();
        write(&run, "dist/a.js", format!("{}//# sourceMappingURL=a.js.map\n", text("a")));
        write(&run, "dist/a.js.map", identity_map("../src/x.ts", &text(of_a)));
        let ended = run.execute().expect(0);
        let words =
            "1 script that the source map does not fit, or not everywhere, such as `dist/a.js`";
        assert_eq!(ended.stderr.contains(words), is_doubtful, "{}", ended.stderr);
    }
}
