//! What injection does to the files on disk.

use crate::support::build_folder::{snapshot, source, sourcemaps, write, write_script};

#[test]
fn a_second_run_changes_no_byte_and_sends_nothing() {
    let run = sourcemaps();
    ["dist/a.js", "dist/x/b.js"].iter().for_each(|script| write_script(&run, script));
    let first = run.clone().args(&["sourcemaps", "dist", "--format", "json"]).execute().expect(0);
    assert_eq!(first.json()["changed"], true);
    assert_eq!(first.json()["sourcemaps"]["count"], 2);
    let files = snapshot(&run.path("dist"));
    let second = run.clone().args(&["sourcemaps", "dist", "--format", "json"]).execute().expect(0);
    assert_eq!(snapshot(&run.path("dist")), files);
    assert_eq!(second.json()["changed"], false);
    assert_eq!(second.json()["sourcemaps"], first.json()["sourcemaps"]);
}

#[test]
fn a_plan_writes_nothing_and_says_what_would_be() {
    let run = sourcemaps();
    write_script(&run, "dist/a.js");
    let files = snapshot(&run.path("dist"));
    let planned = run.clone().args(&["sourcemaps", "dist", "--dry-run"]).execute().expect(0);
    assert_eq!(snapshot(&run.path("dist")), files);
    assert!(!run.database().exists());
    assert!(planned.stdout.contains("1 script would be uploaded"), "{}", planned.stdout);
    assert!(planned.stdout.contains("1 would get a debug id"), "{}", planned.stdout);
}

#[test]
fn a_bad_map_is_named_and_the_others_are_done() {
    let run = sourcemaps();
    write_script(&run, "dist/a.js");
    write_script(&run, "dist/z.js");
    let (script, map) = (run.text("dist/z.js"), r#"{"version":3,"sources":["z"],"mappings":"AA"}"#);
    write(&run, "dist/z.js.map", map);
    let ended = run.execute().expect(2);
    assert!(
        ended.stderr.contains("`dist/z.js.map` (its `mappings` are invalid for line 1"),
        "{}",
        ended.stderr
    );
    assert_eq!((run.text("dist/z.js"), run.text("dist/z.js.map")), (script, map.to_owned()));
    assert!(run.text("dist/a.js").contains("//# debugId="));
}

#[test]
fn the_map_of_another_script_is_found_before_it_is_uploaded() {
    let run = sourcemaps();
    write_script(&run, "dist/a.js");
    write(&run, "dist/a.js.map", r#"{"version":3,"sources":["a.ts"],"names":[],"mappings":""}"#);
    let ended = run.execute().expect(2);
    assert!(ended.stderr.contains("its source map is empty"), "{}", ended.stderr);
    let long = format!("{};\n", "x".repeat(50)).repeat(99);
    let mappings = vec!["AAAA,oDAAoD"; 99].join(";");
    write(
        &run,
        "dist/a.js.map",
        format!(
            r#"{{"version":3,"sources":["a.ts"],"sourcesContent":[{long:?}],"names":[],"mappings":"{mappings}"}}"#
        ),
    );
    let ended = run.execute().expect(2);
    assert!(ended.stderr.contains("its source map is not of this script"), "{}", ended.stderr);
}

#[test]
fn a_chunk_that_comes_from_no_source_is_uploaded_with_the_others_and_not_alone() {
    for empty in [
        r#"{"version":3,"sources":[],"sourcesContent":[],"names":[],"mappings":""}"#,
        // As Nitro leaves those of packages.
        r#"{"version":3,"sources":["../node_modules/h3/index.mjs"],"names":[],"mappings":""}"#,
    ] {
        let run = sourcemaps().var("FINISHLINE_DELETE_SOURCEMAPS", "true");
        let facade = "export{a as default}from\"./a.js\";\n//# sourceMappingURL=f.js.map\n";
        write(&run, "dist/f.js", facade);
        write(&run, "dist/f.js.map", empty);
        let ended = run.execute().expect(2);
        assert!(ended.stderr.contains("its source map leads to no source"), "{}", ended.stderr);
        assert!(run.path("dist/f.js.map").exists());
        write_script(&run, "dist/a.js");
        write(&run, "dist/f.js", facade);
        write(&run, "dist/f.js.map", empty);
        let ended = run.execute().expect(0);
        assert!(
            ended.stderr.contains("1 script whose source map leads to no source"),
            "{}",
            ended.stderr
        );
        assert!(run.text("dist/f.js").contains("//# debugId="));
        assert!(!run.path("dist/a.js.map").exists() && !run.path("dist/f.js.map").exists());
    }
}

#[cfg(unix)]
#[test]
fn the_mode_of_a_file_is_kept() {
    use std::os::unix::fs::PermissionsExt;
    let run = sourcemaps();
    write_script(&run, "dist/a.js");
    let mode = |file| run.path(file).metadata().unwrap().permissions().mode() & 0o7777;
    for (file, bits) in [("dist/a.js", 0o755), ("dist/a.js.map", 0o440)] {
        std::fs::set_permissions(run.path(file), PermissionsExt::from_mode(bits)).unwrap();
    }
    run.execute().expect(0);
    assert_eq!((mode("dist/a.js"), mode("dist/a.js.map")), (0o755, 0o440));
    assert!(run.text("dist/a.js").contains("//# debugId="));
}

#[test]
fn maps_go_once_they_are_uploaded_where_that_is_asked_for() {
    let run = sourcemaps();
    write_script(&run, "dist/a.js");
    let kept = run.execute().expect(0);
    assert!(kept.stderr.contains("left in the folder"), "{}", kept.stderr);
    let run = run.var("FINISHLINE_DELETE_SOURCEMAPS", "true");
    let ended = run.execute().expect(0);
    assert!(ended.stdout.contains("1 source map deleted"), "{}", ended.stdout);
    assert!(!run.path("dist/a.js.map").exists());
    let script = run.text("dist/a.js");
    assert!(!script.contains("sourceMappingURL") && script.contains("//# debugId="), "{script}");
}

#[test]
fn inject_false_takes_what_a_bundler_injected() {
    let run = sourcemaps().var("FINISHLINE_INJECT", "false");
    write_script(&run, "dist/a.js");
    let id = "0f0e0d0c-0b0a-4908-8706-050403020100";
    write(
        &run,
        "dist/a.js",
        format!("{}//# sourceMappingURL=a.js.map\n//# debugId={id}\n", source("a")),
    );
    let files = snapshot(&run.path("dist"));
    run.execute().expect(0);
    assert_eq!(snapshot(&run.path("dist")), files);
}
