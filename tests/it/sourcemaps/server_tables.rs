//! What a server beside the folder was built with: the table of sizes and hashes that Nitro goes by, the pages of Next.js.

use crate::support::build_folder::{snapshot, sourcemaps, write, write_script};
use crate::support::run::ProgramRun;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha1::{Digest, Sha1};

const SERVER: &str = ".output/server/chunks/nitro/nitro.mjs";
const SERVED: [&str; 4] =
    ["_nuxt/app.js", "_nuxt/app.js.map", "_nuxt/app.js.gz", "_nuxt/app.js.br"];

/// The tag and the size that Nitro's builder writes of a file.
fn entry(run: &ProgramRun, file: &str) -> String {
    let bytes = std::fs::read(run.path(".output/public").join(file)).unwrap_or_default();
    let hash = STANDARD_NO_PAD.encode(Sha1::digest(&bytes));
    let size = bytes.len();
    format!(
        "  \"/{file}\": {{\n    \"etag\": \"\\\"{size:x}-{hash}\\\"\",\n    \"mtime\": \"2026-11-30T23:03:51.986Z\",\n    \"size\": {size},\n    \"path\": \"../public/{file}\"\n  }}"
    )
}

/// The server's code as its builder writes it for what is served now.
fn table(run: &ProgramRun) -> String {
    let entries: Vec<_> = SERVED.iter().map(|file| entry(run, file)).collect();
    format!("const assets = {{\n{}\n}};\nexport {{ assets }};\n", entries.join(",\n"))
}

/// A folder that Nitro served, with the code of the server in this file.
fn built(server: &str, given: &str) -> ProgramRun {
    let run = sourcemaps().args(&["sourcemaps", given]);
    write_script(&run, ".output/public/_nuxt/app.js");
    for packed in ["gz", "br"] {
        write(&run, &format!(".output/public/_nuxt/app.js.{packed}"), packed);
    }
    write(&run, server, table(&run));
    run
}

#[test]
fn the_table_of_a_server_is_written_anew_for_what_it_serves_now() {
    for (server, given) in [
        (SERVER, ".output/public"),
        (SERVER, ".output/public/_nuxt"),
        (SERVER, ".output/public/_nuxt/app.js"),
        (".output/server/chunks/_/nitro.mjs", ".output/public"),
        (".output/server/index.mjs", ".output/public"),
    ] {
        let run = built(server, given).var("FINISHLINE_INJECT_REFRESH", "true");
        let ended = run.execute().expect(0);
        assert_eq!(run.text(server), table(&run), "{server} of {given}");
        assert!(!ended.stderr.contains("nitro.mjs"), "{}", ended.stderr);
        let before = snapshot(&run.path(".output"));
        run.execute().expect(0);
        assert_eq!(snapshot(&run.path(".output")), before, "a second run changes nothing");
    }
}

#[test]
fn the_table_is_right_where_maps_are_deleted_after_the_upload() {
    let run = built(SERVER, ".output/public").var("FINISHLINE_INJECT_REFRESH", "true");
    let run = run.var("FINISHLINE_DELETE_SOURCEMAPS", "true");
    let ended = run.execute().expect(0);
    assert!(!run.path(".output/public/_nuxt/app.js.map").exists());
    for file in SERVED.iter().filter(|file| !file.ends_with(".map")) {
        assert!(run.text(SERVER).contains(&entry(&run, file)), "{file}: {}", run.text(SERVER));
    }
    assert!(!ended.stderr.contains("nitro.mjs"), "{}", ended.stderr);
}

#[test]
fn a_table_in_the_folder_is_written_anew_although_it_is_a_script() {
    let run = built(SERVER, ".output").var("FINISHLINE_INJECT_REFRESH", "true");
    let run = run.var("FINISHLINE_ALLOW_UNMAPPED", "true");
    run.execute().expect(0);
    for file in SERVED {
        assert!(run.text(SERVER).contains(&entry(&run, file)), "{file}: {}", run.text(SERVER));
    }
}

#[test]
fn a_server_that_would_cut_scripts_off_is_named() {
    let run = built(SERVER, ".output/public");
    let before = run.text(SERVER);
    for dry_run in ["true", "false"] {
        let ended = run.clone().var("FINISHLINE_DRY_RUN", dry_run).execute().expect(0);
        assert!(ended.stderr.contains(&format!("`{SERVER}` has the hash")), "{}", ended.stderr);
        assert!(ended.stderr.contains("inject-refresh: true"), "{}", ended.stderr);
    }
    assert_eq!(run.text(SERVER), before);
}

#[test]
fn nothing_else_outside_of_the_folder_is_written() {
    for server in [".output/server/other.mjs", ".output/nitro.mjs", ".output/api/index.mjs"] {
        let run = built(server, ".output/public").var("FINISHLINE_INJECT_REFRESH", "true");
        let before = run.text(server);
        run.execute().expect(0);
        assert_eq!(run.text(server), before, "{server}");
    }
}

/// What an `integrity` attribute has of a file.
fn integrity(run: &ProgramRun, file: &str) -> String {
    format!(
        "sha256-{}",
        STANDARD.encode(sha2::Sha256::digest(std::fs::read(run.path(file)).unwrap()))
    )
}

#[test]
fn pages_of_next_beside_the_named_folder_are_written_anew_or_named() {
    let (script, page) = (".next/static/chunks/a.js", ".next/server/app/index.html");
    let manifest = ".next/server/subresource-integrity-manifest.json";
    for is_refreshed in ["true", "false"] {
        let run = sourcemaps().args(&["sourcemaps", ".next/static"]);
        write_script(&run, script);
        let hash = integrity(&run, script);
        write(&run, page, format!("<script src=/_next/a.js integrity=\"{hash}\"></script>"));
        write(&run, manifest, format!("{{\"static/chunks/a.js\":\"{hash}\"}}"));
        let ended = run.clone().var("FINISHLINE_INJECT_REFRESH", is_refreshed).execute().expect(0);
        for file in [page, manifest] {
            let is_right = run.text(file).contains(&integrity(&run, script));
            assert_eq!(is_right, is_refreshed == "true", "{file}");
            let is_named = ended.stderr.contains("index.html");
            assert_eq!(is_named, is_refreshed == "false", "{}", ended.stderr);
        }
    }
}

#[test]
fn code_of_a_server_beside_its_client_has_the_hashes_of_now_or_is_named() {
    let (script, code) = ("build/client/assets/a.js", "build/server/index.js");
    for is_refreshed in ["true", "false"] {
        let run = sourcemaps().args(&["sourcemaps", "build/client"]);
        write_script(&run, script);
        let hash = integrity(&run, script);
        write(&run, code, format!("const sri = {{ \"/assets/a.js\": \"{hash}\" }};\n"));
        let ended = run.clone().var("FINISHLINE_INJECT_REFRESH", is_refreshed).execute().expect(0);
        let is_right = run.text(code).contains(&integrity(&run, script));
        assert_eq!(is_right, is_refreshed == "true", "{}", run.text(code));
        assert_eq!(ended.stderr.contains(code), is_refreshed == "false", "{}", ended.stderr);
    }
}
