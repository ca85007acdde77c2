//! Source maps and folders that mean harm: refused within bounds, and nothing of others is read.

use crate::support::build_folder::{source, sourcemaps, write, write_script};

#[test]
fn a_map_that_is_none_is_named_with_what_is_wrong() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let sections = |inner: &str| {
        format!(
            r#"{{"version":3,"sections":[{{"offset":{{"line":0,"column":0}},"map":{inner}}}]}}"#
        )
    };
    let maps = [
        ("", "it is not a source map"),
        ("null", "it is not a source map"),
        ("{}", "it has no `mappings`"),
        (r#"{"version":3,"mappings":7}"#, "it is not a source map"),
        (
            r#"{"version":3,"sources":["a"],"mappings":"AAgggggggggggB"}"#,
            "its `mappings` are invalid",
        ),
        (r#"{"version":3,"sources":[],"mappings":"AAAA"}"#, "its `mappings` are invalid"),
        (deep.as_str(), "it is not a source map"),
        (&sections(&sections(&sections("{}"))), "a section of it has no map inside"),
        (
            r#"{"version":3,"sections":[{"offset":{"line":4294967296,"column":0},"map":{"mappings":""}}]}"#,
            "it is not a source map",
        ),
    ];
    let run = sourcemaps();
    write_script(&run, "dist/a.js");
    for (map, words) in maps {
        write(&run, "dist/a.js.map", map);
        let ended = run.execute().expect(2);
        assert!(ended.stderr.contains(words), "{:.60}: {}", map, ended.stderr);
    }
}

#[test]
fn a_map_as_large_as_a_disk_is_not_read() {
    let run = sourcemaps();
    write_script(&run, "dist/a.js");
    let map = std::fs::File::create(run.path("dist/a.js.map")).unwrap();
    map.set_len(1 << 40).unwrap();
    let ended = run.execute().expect(2);
    assert!(ended.stderr.contains("it is larger than 128 MiB"), "{}", ended.stderr);
}

#[test]
fn sources_outside_of_the_checkout_and_files_with_secrets_are_never_read() {
    let run = sourcemaps();
    let folder = run.path("");
    let outside = folder.parent().unwrap().join(format!("{}.ts", std::process::id()));
    std::fs::write(&outside, "canary-7f3a").unwrap();
    for secret in [".env", "key.pem", ".ssh/id.ts", "dist/real.ts"] {
        write(&run, secret, "canary-7f3a");
    }
    let text = source("a");
    write(&run, "dist/a.js", format!("{text}//# sourceMappingURL=a.js.map\n"));
    let up = format!("../../{}", outside.file_name().unwrap().to_string_lossy());
    let names = [
        up.as_str(),
        "../.env",
        "../key.pem",
        "../.ssh/id.ts",
        "/etc/passwd",
        outside.to_str().unwrap(),
    ];
    let map = serde_json::json!({"version": 3, "sources": names, "names": [], "mappings": "AAAA;ACAA;ACAA;ACAA"});
    write(&run, "dist/a.js.map", map.to_string());
    let ended = run.execute().expect(0);
    std::fs::remove_file(outside).unwrap();
    assert!(ended.stderr.contains("6 sources without text"), "{}", ended.stderr);
    assert!(!run.text("dist/a.js.map").contains("canary"));
}

#[test]
fn names_with_control_characters_are_shown_on_one_line() {
    let run = sourcemaps();
    write_script(&run, "dist/a.js");
    write(&run, "dist/b\u{1b}[31m.js", source("b"));
    let ended = run.execute().expect(2);
    assert!(!ended.stderr.contains('\u{1b}'), "{:?}", ended.stderr);
    assert!(ended.stderr.contains("dist/b"), "{}", ended.stderr);
}
