//! What injection makes wrong beside a script is named, or written anew.

use crate::support::build_folder::{sourcemaps, write, write_script};
use crate::support::run::ProgramRun;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha384};
use std::io::Read as _;

fn integrity(run: &ProgramRun) -> String {
    format!("sha384-{}", STANDARD.encode(Sha384::digest(run.text("dist/a.js"))))
}

fn gzipped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut packer = flate2::read::GzEncoder::new(text.as_bytes(), flate2::Compression::fast());
    packer.read_to_end(&mut bytes).unwrap();
    bytes
}

/// A script with everything that knows its bytes.
fn with_neighbours() -> ProgramRun {
    let run = sourcemaps();
    write_script(&run, "dist/a.js");
    let text = run.text("dist/a.js");
    let page = format!("<script src=\"/a.js\" integrity=\"{}\"></script>\n", integrity(&run));
    write(&run, "dist/index.html", page);
    let sha1: String = sha1::Sha1::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
    write(&run, "dist/ngsw.json", format!("{{\"hashTable\":{{\"/a.js\":\"{sha1}\"}}}}"));
    write(&run, "dist/other.html", "<script src=\"/b.js\" integrity=\"sha384-x\"></script>");
    write(&run, "dist/a.js.gz", gzipped(&text));
    write(&run, "dist/a.js.br", "brotli");
    run
}

#[test]
fn every_file_that_knows_the_old_bytes_is_named() {
    let run = with_neighbours();
    let ended = run.execute().expect(0);
    for file in ["dist/index.html", "dist/ngsw.json", "dist/a.js.gz", "dist/a.js.br"] {
        assert!(ended.stderr.contains(&format!("`{file}`")), "{file}: {}", ended.stderr);
    }
    assert!(!ended.stderr.contains("other.html"), "{}", ended.stderr);
    assert!(ended.stderr.contains("inject-refresh: true"), "{}", ended.stderr);
}

#[test]
fn they_are_written_anew_where_that_is_asked_for() {
    let run = with_neighbours().var("FINISHLINE_INJECT_REFRESH", "true");
    let ended = run.execute().expect(0);
    assert!(!ended.stderr.contains("stale"), "{}", ended.stderr);
    assert!(run.text("dist/index.html").contains(&integrity(&run)));
    let packed = std::fs::read(run.path("dist/a.js.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text, run.text("dist/a.js"));
    let sha1: String = sha1::Sha1::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(run.text("dist/ngsw.json").contains(&sha1));
    assert!(!run.path("dist/a.js.br").exists(), "a copy that cannot be packed anew goes");
}

#[test]
fn what_is_cut_off_once_the_maps_are_gone_is_renewed_as_well() {
    let run = with_neighbours()
        .var("FINISHLINE_INJECT_REFRESH", "true")
        .var("FINISHLINE_DELETE_SOURCEMAPS", "true");
    let ended = run.execute().expect(0);
    assert!(!ended.stderr.contains("stale"), "{}", ended.stderr);
    assert!(!run.text("dist/a.js").contains("sourceMappingURL"));
    assert!(run.text("dist/index.html").contains(&integrity(&run)));
    let packed = std::fs::read(run.path("dist/a.js.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text, run.text("dist/a.js"));
}

#[test]
fn a_script_that_only_loses_the_name_of_its_map_makes_its_hash_stale() {
    let run = with_neighbours()
        .var("FINISHLINE_INJECT", "false")
        .var("FINISHLINE_RELEASE", "web@1.0.0")
        .var("FINISHLINE_DELETE_SOURCEMAPS", "true");
    let ended = run.execute().expect(0);
    for file in ["dist/index.html", "dist/ngsw.json", "dist/a.js.gz", "dist/a.js.br"] {
        assert!(ended.stderr.contains(&format!("`{file}`")), "{file}: {}", ended.stderr);
    }
}

#[test]
fn what_an_earlier_run_left_stale_is_named_again_and_renewed_where_that_is_asked_for() {
    let run = with_neighbours();
    run.execute().expect(0);
    let again = run.execute().expect(0);
    for file in ["dist/index.html", "dist/ngsw.json", "dist/a.js.gz"] {
        assert!(again.stderr.contains(&format!("`{file}`")), "{file}: {}", again.stderr);
    }
    let run = run.var("FINISHLINE_INJECT_REFRESH", "true");
    run.execute().expect(0);
    assert!(run.text("dist/index.html").contains(&integrity(&run)));
    let settled = run.without("FINISHLINE_INJECT_REFRESH").execute().expect(0);
    assert!(!settled.stderr.contains("stale"), "{}", settled.stderr);
}

#[test]
fn what_is_renewed_makes_others_stale_and_these_are_renewed_too() {
    let run = with_neighbours().var("FINISHLINE_INJECT_REFRESH", "true");
    let hex = |text: &str| -> String {
        sha1::Sha1::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let page = run.text("dist/index.html");
    write(&run, "dist/ngsw.json", format!("{{\"/index.html\":\"{}\"}}", hex(&page)));
    write(&run, "dist/index.html.gz", gzipped(&page));
    write(
        &run,
        "dist/bare.html",
        format!("<script src=/a.js integrity={}></script>", integrity(&run)),
    );
    run.execute().expect(0);
    let page = run.text("dist/index.html");
    assert!(page.contains(&integrity(&run)));
    assert!(run.text("dist/bare.html").contains(&integrity(&run)));
    assert!(run.text("dist/ngsw.json").contains(&hex(&page)));
    let packed = std::fs::read(run.path("dist/index.html.gz")).unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text, page);
}
