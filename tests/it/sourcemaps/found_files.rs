//! Which files are taken, and what is said of those that are not.

use crate::support::build_folder::{on_embedded, source, sourcemaps, write, write_script};
use crate::support::run::ProgramRun;

/// The scripts that have an id.
fn injected(run: &ProgramRun, scripts: &[&str]) -> Vec<String> {
    let has_id = |script: &&&str| run.text(script).contains("//# debugId=");
    scripts.iter().filter(has_id).map(|script| (*script).to_owned()).collect()
}

#[test]
fn folders_files_and_globs_name_scripts_and_their_maps_are_found() {
    for (given, expected) in [
        ("dist", vec!["dist/a.js", "dist/my app/b, c.js", "dist/x/c.mjs"]),
        ("dist/x, dist/a.js", vec!["dist/a.js", "dist/x/c.mjs"]),
        ("dist/x dist/a.js", vec!["dist/a.js", "dist/x/c.mjs"]),
        ("dist/x\n  ./dist/a.js\n", vec!["dist/a.js", "dist/x/c.mjs"]),
        ("dist/**/*.{js,mjs}", vec!["dist/a.js", "dist/my app/b, c.js", "dist/x/c.mjs"]),
        ("dist/*.js", vec!["dist/a.js"]),
        ("dist/*", vec!["dist/a.js", "dist/my app/b, c.js", "dist/x/c.mjs"]),
        ("*/x", vec!["dist/x/c.mjs"]),
        ("./dist/*.js.map", vec!["dist/a.js"]),
        ("dist/a.js.map", vec!["dist/a.js"]),
        ("dist/my app/b, c.js", vec!["dist/my app/b, c.js"]),
        ("dist/my app", vec!["dist/my app/b, c.js"]),
    ] {
        let run = on_embedded(ProgramRun::local().args(&["sourcemaps"]));
        let scripts = ["dist/a.js", "dist/my app/b, c.js", "dist/x/c.mjs"];
        scripts.iter().for_each(|script| write_script(&run, script));
        run.clone().var("FINISHLINE_SOURCEMAPS", given).execute().expect(0);
        assert_eq!(injected(&run, &scripts), expected, "{given}");
    }
}

#[test]
fn hidden_files_and_packages_are_left_out_and_a_named_package_is_not() {
    let scripts = ["dist/a.js", "dist/.cache/b.js", "dist/node_modules/n/c.js", "dist/skip/d.js"];
    let run = sourcemaps();
    scripts.iter().for_each(|script| write_script(&run, script));
    run.clone().var("FINISHLINE_SOURCEMAPS_IGNORE", "skip/").execute().expect(0);
    assert_eq!(injected(&run, &scripts), ["dist/a.js"]);
    let run = run.args(&["sourcemaps", "dist/node_modules/n"]);
    run.execute().expect(0);
    assert_eq!(injected(&run, &scripts), ["dist/a.js", "dist/node_modules/n/c.js"]);
}

#[test]
fn a_map_outside_of_what_is_named_is_said_to_be_there() {
    let run = sourcemaps();
    write_script(&run, "dist/a.js");
    let map = run.text("dist/a.js.map");
    std::fs::remove_file(run.path("dist/a.js.map")).unwrap();
    write(&run, "maps/a b.map", &map);
    write(&run, "dist/a.json", map);
    for (url, words) in [
        ("../maps/a%20b.map", "its map ../maps/a%20b.map is there, but not among the files"),
        ("../maps/c.map", "its map ../maps/c.map is not there"),
        ("a.json", "its map a.json is there, but finishline takes only names that end in .map"),
        ("https://a.io/a.map", "its map https://a.io/a.map is not there"),
    ] {
        write(&run, "dist/a.js", format!("{}//# sourceMappingURL={url}\n", source("a")));
        let ended = run.execute().expect(2);
        assert!(ended.stderr.contains(words), "{url}: {}", ended.stderr);
    }
    write(&run, "dist/a.js", format!("{}//# sourceMappingURL=../maps/a%20b.map\n", source("a")));
    run.clone().args(&["sourcemaps", "dist", "maps"]).execute().expect(0);
}

#[test]
fn a_file_of_rules_leaves_files_out() {
    let scripts = ["dist/a.js", "dist/vendor/b.js", "dist/vendor/keep.js"];
    let run = sourcemaps();
    scripts.iter().for_each(|script| write_script(&run, script));
    let rules = run.file("rules", "# of others\nvendor/*\n!vendor/keep.js*\n");
    run.clone().var("FINISHLINE_SOURCEMAPS_IGNORE_FILE", rules).execute().expect(0);
    assert_eq!(injected(&run, &scripts), ["dist/a.js", "dist/vendor/keep.js"]);
}

#[test]
fn what_is_not_there_is_an_error_that_names_it() {
    let run = sourcemaps();
    write_script(&run, "dist/a.js");
    for (given, words) in [
        ("dist, nowhere", "`nowhere`"),
        ("dist/*.cjs", "`dist/*.cjs`"),
        ("nowhere/**/*.js", "`nowhere/**/*.js`"),
    ] {
        let run = run.clone().args(&["sourcemaps"]).var("FINISHLINE_SOURCEMAPS", given);
        let ended = run.execute().expect(2);
        assert!(ended.stderr.contains(words), "{given}: {}", ended.stderr);
    }
    assert!(injected(&run, &["dist/a.js"]).is_empty(), "nothing is written before all is there");
}

#[test]
fn a_folder_without_scripts_or_without_maps_is_no_success() {
    let run = sourcemaps();
    write(&run, "dist/style.css", "a{}");
    let unmapped = run.clone().var("FINISHLINE_ALLOW_UNMAPPED", "true");
    for run in [&run, &unmapped] {
        let ended = run.execute().expect(2);
        assert!(ended.stderr.contains("there is no script in dist"), "{}", ended.stderr);
    }
    unmapped.clone().var("FINISHLINE_ALLOW_EMPTY", "true").execute().expect(0);
    write(&run, "dist/a.js", source("a"));
    let ended = run.execute().expect(2);
    assert!(ended.stderr.contains("has a source map"), "{}", ended.stderr);
    assert_eq!(run.text("dist/a.js"), source("a"));
    unmapped.execute().expect(0);
    assert_eq!(injected(&run, &["dist/a.js"]), ["dist/a.js"]);
}

#[test]
fn a_script_without_a_map_among_others_is_named_at_the_end() {
    let run = sourcemaps();
    write_script(&run, "dist/a.js");
    write(&run, "dist/b.js", format!("{}//# sourceMappingURL=b.js.map\n", source("b")));
    let ended = run.execute().expect(2);
    assert!(
        ended.stderr.contains("`dist/b.js`") && ended.stderr.contains("b.js.map"),
        "{}",
        ended.stderr
    );
    assert_eq!(injected(&run, &["dist/a.js"]), ["dist/a.js"], "the others are done");
    let run = run.var("FINISHLINE_ALLOW_EMPTY", "true");
    run.execute().expect(0);
}

#[test]
fn what_is_not_text_is_left_as_it_is_and_named() {
    let run = sourcemaps();
    write_script(&run, "dist/a.js");
    let hermes = [&[0xc6, 0x1f, 0xbc, 0x03, 0xc1, 0x03, 0x19, 0x1f][..], &[0; 64]].concat();
    write(&run, "dist/index.js", &hermes);
    let ended = run.execute().expect(0);
    let words = "`dist/index.js` is bytecode of Hermes";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    assert_eq!(std::fs::read(run.path("dist/index.js")).unwrap(), hermes);
    write(&run, "dist/latin.js", b"var a = '\xe9';\n");
    let ended = run.execute().expect(2);
    assert!(ended.stderr.contains("`dist/latin.js` (it is not UTF-8 text)"), "{}", ended.stderr);
}

#[test]
fn data_with_the_name_of_a_script_stays_as_it_is() {
    let run = sourcemaps().var("FINISHLINE_ALLOW_UNMAPPED", "true");
    write_script(&run, "dist/a.js");
    for data in ["{\"a\": 1}\n", "\n[1, 2]"] {
        write(&run, "dist/data.js", data);
        run.execute().expect(0);
        assert_eq!(run.text("dist/data.js"), data);
    }
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_folder_is_not_followed() {
    let run = sourcemaps();
    write_script(&run, "dist/a.js");
    write_script(&run, "other/b.js");
    std::os::unix::fs::symlink(run.path("other"), run.path("dist/other")).unwrap();
    std::os::unix::fs::symlink(run.path("other/b.js"), run.path("dist/b.js")).unwrap();
    std::os::unix::fs::symlink(run.path("dist"), run.path("dist/itself")).unwrap();
    let ended = run.execute().expect(0);
    assert_eq!(ended.stderr.matches("is a link to a place outside").count(), 2, "{}", ended.stderr);
    assert_eq!(injected(&run, &["dist/a.js", "other/b.js"]), ["dist/a.js"]);
    assert_eq!(run.text("dist/a.js").matches("//# debugId=").count(), 1);
}

#[cfg(unix)]
#[test]
fn a_folder_of_nothing_but_links_names_them_and_where_they_lead() {
    use std::os::unix::fs::symlink;
    for (is_whole, given) in [(false, "dist"), (true, "dist"), (false, "dist/**/*.js")] {
        let run = sourcemaps().args(&["sourcemaps", given]);
        write_script(&run, "real/b.js");
        std::fs::create_dir(run.path("dist")).unwrap();
        let links = if is_whole { &["pkg"][..] } else { &["b.js", "b.js.map"] };
        for link in links {
            let target = if is_whole { "../real".to_owned() } else { format!("../real/{link}") };
            symlink(target, run.path("dist").join(link)).unwrap();
        }
        let ended = run.execute().expect(2);
        for link in links {
            assert!(ended.stderr.contains(&format!("`dist/{link}`")), "{}", ended.stderr);
        }
        let hint = "hint: name the folder that they lead to: `real`";
        assert!(ended.stderr.contains(hint), "{}", ended.stderr);
        if given == "dist" {
            let ended = run.clone().var("FINISHLINE_ALLOW_EMPTY", "true").execute().expect(0);
            assert!(ended.stderr.contains("left out: name `real`, too"), "{}", ended.stderr);
            let ended = run.clone().var("FINISHLINE_ALLOW_UNMAPPED", "true").execute().expect(2);
            assert!(ended.stderr.contains(hint), "{}", ended.stderr);
        }
    }
}

/// The files of the newest bundle.
const NEWEST: &str = "SELECT url FROM artifact_bundle_file WHERE artifact_bundle_id = \
                      (SELECT max(id) FROM artifact_bundle) ORDER BY url";

#[test]
fn a_map_that_nobody_named_is_not_uploaded() {
    let run = sourcemaps();
    ["dist/a.js", "dist/b.js", "dist/sub/c.js"]
        .iter()
        .for_each(|script| write_script(&run, script));
    run.execute().expect(0);
    for (args, ignored) in [
        (&["sourcemaps", "dist/a.js"][..], ""),
        (&["sourcemaps", "dist/a.js.map"], ""),
        (&["sourcemaps", "dist/a.*"], ""),
        (&["sourcemaps", "dist"], "b.js, sub"),
    ] {
        let one = run.clone().args(args).var("FINISHLINE_SOURCEMAPS_IGNORE", ignored);
        one.execute().expect(0);
        assert_eq!(run.rows(NEWEST), ["~/a.js", "~/a.js.map"], "{args:?}");
    }
}

#[test]
fn only_files_with_the_named_extensions_are_uploaded() {
    let run = sourcemaps();
    ["dist/a.js", "dist/b.mjs"].iter().for_each(|script| write_script(&run, script));
    let (a, b) = ("~/a.js.map", "~/b.mjs.map");
    for (extensions, expected) in [
        ("map", vec![a, b]),
        (".JS, map", vec!["~/a.js", a, b]),
        ("mjs\nmap", vec![a, "~/b.mjs", b]),
        ("js, mjs, map", vec!["~/a.js", a, "~/b.mjs", b]),
    ] {
        run.clone().var("FINISHLINE_SOURCEMAPS_EXTENSIONS", extensions).execute().expect(0);
        assert_eq!(run.rows(NEWEST), expected, "{extensions}");
    }
    for (extensions, words) in [
        ("ts", "its map has none of the extensions ts"),
        ("js, mjs", "its map has none of the extensions js, mjs"),
        ("*.js", "extensions of files"),
    ] {
        let run = run.clone().var("FINISHLINE_SOURCEMAPS_EXTENSIONS", extensions);
        let ended = run.execute().expect(2);
        assert!(ended.stderr.contains(words), "{extensions}: {}", ended.stderr);
    }
}

#[test]
fn two_files_that_can_only_be_found_by_one_url_are_named() {
    let run = sourcemaps().args(&["sourcemaps", "dist/a", "dist/b"]);
    ["dist/a/app.js", "dist/b/app.js"].iter().for_each(|script| write_script(&run, script));
    let run = run.var("FINISHLINE_RELEASE", "v1").var("FINISHLINE_INJECT", "false");
    let ended = run.execute().expect(0);
    assert!(ended.stderr.contains("have the URL `~/app.js`"), "{}", ended.stderr);
    let ended = run.var("FINISHLINE_INJECT", "true").execute().expect(0);
    assert!(!ended.stderr.contains("have the URL"), "{}", ended.stderr);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_read_is_named_however_deep_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let run = sourcemaps();
    write_script(&run, "dist/a.js");
    let locked = write(&run, "dist/deep/locked/b.js", "f()\n").parent().unwrap().to_owned();
    std::fs::set_permissions(&locked, PermissionsExt::from_mode(0o000)).unwrap();
    if std::fs::read_dir(&locked).is_ok() {
        // An administrator can read it all the same.
        run.execute().expect(2);
        return;
    }
    let ended = run.execute().expect(2);
    assert!(ended.stderr.contains("deep/locked`: Permission denied"), "{}", ended.stderr);
}

#[test]
fn scripts_that_are_refused_for_want_of_a_map_stay_as_they_are() {
    let run = sourcemaps().args(&["sourcemaps", "."]);
    write_script(&run, "dist/a.js");
    let own = "export const a = 1;\n";
    write(&run, "src/a.js", own);
    for _ in 0..2 {
        let ended = run.clone().execute().expect(2);
        assert!(ended.stderr.contains("1 script without a source map"), "{}", ended.stderr);
        assert_eq!(run.text("src/a.js"), own);
        assert!(run.text("dist/a.js").contains("//# debugId="));
    }
    let ended = run.clone().var("FINISHLINE_ALLOW_UNMAPPED", "true").execute().expect(0);
    assert!(run.text("src/a.js").contains("//# debugId="), "{}", ended.stderr);
}
