//! Entries with source maps of one folder: they take turns, and none deletes what another one needs.

use crate::support::build_folder::{snapshot, write_script};
use crate::support::run::ProgramRun;

fn with(entries: &str) -> ProgramRun {
    let run = ProgramRun::github();
    for number in 0..20 {
        write_script(&run, &format!("dist/script-{number}.js"));
        write_script(&run, &format!("dist/lib/part-{number}.js"));
        write_script(&run, &format!("other/script-{number}.js"));
    }
    let head = "version: 1\ndefaults: {commits: none, projects: web, release: v1}\nreleases:\n";
    run.file("finishline.yml", format!("{head}{entries}"));
    let database = run.database();
    run.var("FINISHLINE_BACKEND", "embedded")
        .var("FINISHLINE_DATABASE", database)
        .var("FINISHLINE_MANIFEST", "finishline.yml")
}

const BUNDLES: &str = "SELECT slug FROM artifact_bundle
    JOIN organization ON organization.id = organization_id ORDER BY 1";

#[test]
fn entries_of_one_folder_or_one_within_another_take_turns() {
    let entries = "  - {org: acme, sourcemaps: dist}
  - {org: beta, sourcemaps: ./dist/}
  - {org: gamma, sourcemaps: dist/lib}
  - {org: delta, sourcemaps: 'dist/*.js'}
";
    let run = with(entries);
    let ended = run.execute().expect(0);
    assert_eq!(run.rows(BUNDLES), ["acme", "beta", "delta", "gamma"], "{}", ended.stderr);
}

#[test]
fn an_entry_that_deletes_the_maps_of_another_is_an_error_with_both_places() {
    for (one, two) in [
        ("sourcemaps: dist, delete-sourcemaps: true", "sourcemaps: dist"),
        ("sourcemaps: dist", "sourcemaps: dist/lib, delete-sourcemaps: true"),
        ("sourcemaps: dist, delete-sourcemaps: true", "sourcemaps: dist, delete-sourcemaps: true"),
    ] {
        let run = with(&format!("  - {{org: acme, {one}}}\n  - {{org: beta, {two}}}\n"));
        let before = snapshot(&run.path("dist"));
        let ended = run.execute().expect(2);
        assert_eq!(ended.output("error-code"), "bad-manifest", "{one}: {}", ended.stderr);
        assert!(ended.stderr.contains("finishline.yml line 5 column 5: "), "{}", ended.stderr);
        assert!(ended.stderr.contains("`releases[0]` at line 4 column 5"), "{}", ended.stderr);
        assert!(ended.stderr.contains("`delete-sourcemaps`"), "{}", ended.stderr);
        assert_eq!(snapshot(&run.path("dist")), before);
    }
}

#[test]
fn an_entry_may_delete_the_maps_of_a_folder_of_its_own() {
    let entries = "  - {org: acme, sourcemaps: dist, delete-sourcemaps: true}
  - {org: beta, sourcemaps: other, delete-sourcemaps: true}
";
    let run = with(entries);
    run.execute().expect(0);
    assert_eq!(run.rows(BUNDLES), ["acme", "beta"]);
    let names = snapshot(&run.path("")).into_iter();
    let mut names = names.map(|(path, _)| path.to_string_lossy().into_owned());
    assert!(!names.any(|name| name.ends_with(".js.map")));
}
