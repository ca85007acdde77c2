//! What injection makes wrong beside a script is named, or written anew.

use crate::support::build_folder::{sourcemaps, write, write_script};
use crate::support::run::ProgramRun;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
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

fn unzipped(run: &ProgramRun, file: &str) -> String {
    let (packed, mut text) = (std::fs::read(run.path(file)).unwrap(), String::new());
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
    text
}

/// Packed with Brotli as build tools do: at its best.
fn brotlied(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    brotli::CompressorReader::new(text.as_bytes(), 4096, 11, 22).read_to_end(&mut bytes).unwrap();
    bytes
}

fn unbrotlied(run: &ProgramRun, file: &str) -> String {
    let (packed, mut text) = (std::fs::read(run.path(file)).unwrap(), String::new());
    brotli::Decompressor::new(&packed[..], 4096).read_to_string(&mut text).unwrap();
    text
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
    write(&run, "dist/a.js.br", brotlied(&text));
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
    write(&run, "dist/a.js.zst", "zstandard");
    let ended = run.execute().expect(0);
    assert!(!ended.stderr.contains("stale"), "{}", ended.stderr);
    assert!(run.text("dist/index.html").contains(&integrity(&run)));
    assert_eq!(unzipped(&run, "dist/a.js.gz"), run.text("dist/a.js"));
    assert_eq!(unbrotlied(&run, "dist/a.js.br"), run.text("dist/a.js"));
    assert!(run.text("dist/ngsw.json").contains(&sum(&run, "dist/a.js")[..40]));
    assert!(!run.path("dist/a.js.zst").exists(), "a copy that cannot be packed anew goes");
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
    assert_eq!(unzipped(&run, "dist/a.js.gz"), run.text("dist/a.js"));
    assert_eq!(unbrotlied(&run, "dist/a.js.br"), run.text("dist/a.js"));
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
    for file in ["dist/index.html", "dist/ngsw.json", "dist/a.js.gz", "dist/a.js.br"] {
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
    assert_eq!(unzipped(&run, "dist/index.html.gz"), page);
}

fn sum(run: &ProgramRun, file: &str) -> String {
    let bytes = std::fs::read(run.path(file)).unwrap();
    let hex: String = sha1::Sha1::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex}  {file}\n")
}

fn sums(run: &ProgramRun, files: &[&str]) -> String {
    files.iter().map(|file| sum(run, file)).collect()
}

#[test]
fn what_a_run_left_stale_of_a_script_and_of_its_map_is_renewed_wherever_it_was_killed() {
    let files = ["dist/a.js", "dist/a.js.map"];
    for left in ["both", "script", "map"] {
        let run = sourcemaps();
        write_script(&run, "dist/a.js");
        let old = files.map(|file| run.text(file));
        write(&run, "dist/SUMS", sums(&run, &files));
        write(&run, "dist/a.js.map.gz", gzipped(&old[1]));
        run.execute().expect(0);
        let new = files.map(|file| run.text(file));
        // A run that was killed between the two, and a script that was put back since.
        match left {
            "script" => drop(write(&run, files[1], &old[1])),
            "map" => drop(write(&run, files[0], &old[0])),
            _ => {}
        }
        let plan = run.clone().var("FINISHLINE_DRY_RUN", "true").execute().expect(0);
        assert!(plan.stderr.contains("`dist/SUMS` has the hash"), "{left}: {}", plan.stderr);
        let refreshing = run.clone().var("FINISHLINE_INJECT_REFRESH", "true");
        let plan = refreshing.clone().var("FINISHLINE_DRY_RUN", "true");
        let plan = plan.var("FINISHLINE_FORMAT", "json").execute().expect(0).json();
        assert_eq!(plan["to_do"], true, "{left}: {plan}");
        refreshing.execute().expect(0);
        assert_eq!(files.map(|file| run.text(file)), new, "{left}");
        assert_eq!(run.text("dist/SUMS"), sums(&run, &files), "{left}");
        assert_eq!(unzipped(&run, "dist/a.js.map.gz"), new[1], "{left}");
        let settled = run.execute().expect(0);
        assert!(!settled.stderr.contains("stale"), "{left}: {}", settled.stderr);
    }
}

/// Each text in the folder that another one may hold the hash of.
const RENEWED: [&str; 7] =
    ["SUMS", "index.html", "index.html.gz", "index.html.br", "SUMS.gz", "a.js.gz", "a.js.br"];

/// A page with the hash of a script, a list with those of the page and of every packed copy.
fn with_listed_copies() -> ProgramRun {
    let run = with_neighbours().var("FINISHLINE_INJECT_REFRESH", "true");
    let page = run.text("dist/index.html");
    write(&run, "dist/index.html.gz", gzipped(&page));
    write(&run, "dist/index.html.br", brotlied(&page));
    let listed = ["dist/a.js", "dist/index.html", "dist/index.html.gz", "dist/a.js.gz"];
    write(&run, "dist/SUMS", sums(&run, &listed));
    write(&run, "dist/SUMS.gz", gzipped(&run.text("dist/SUMS")));
    run
}

fn bytes_of(run: &ProgramRun) -> [Vec<u8>; 7] {
    RENEWED.map(|file| std::fs::read(run.path(&format!("dist/{file}"))).unwrap())
}

#[test]
fn the_packed_copy_of_a_renewed_file_is_renewed_wherever_a_run_was_killed() {
    let run = with_listed_copies();
    let before = bytes_of(&run);
    let plan = run.clone().var("FINISHLINE_DRY_RUN", "true").execute().expect(0);
    // Those seven and `ngsw.json`.
    assert!(plan.stdout.contains("8 files with the hash or a packed copy"), "{}", plan.stdout);
    run.execute().expect(0);
    let listed = ["dist/a.js", "dist/index.html", "dist/index.html.gz", "dist/a.js.gz"];
    assert_eq!(run.text("dist/SUMS"), sums(&run, &listed));
    let done = bytes_of(&run);
    for (at, file) in RENEWED.iter().enumerate().skip(1) {
        write(&run, &format!("dist/{file}"), &before[at]);
        let bare = run.clone().without("FINISHLINE_INJECT_REFRESH").execute().expect(0);
        assert!(bare.stderr.contains(&format!("`dist/{file}`")), "{file}: {}", bare.stderr);
        run.execute().expect(0);
        assert!(bytes_of(&run) == done, "{file}");
    }
    let settled = run.without("FINISHLINE_INJECT_REFRESH").execute().expect(0);
    assert!(!settled.stderr.contains("stale"), "{}", settled.stderr);
}

#[test]
fn a_copy_that_says_something_else_is_nobodys_fault() {
    let run = with_neighbours().var("FINISHLINE_INJECT_REFRESH", "true");
    run.execute().expect(0);
    let other = gzipped(&format!("<!-- another page -->{}", run.text("dist/index.html")));
    write(&run, "dist/index.html.gz", &other);
    let ended = run.clone().without("FINISHLINE_INJECT_REFRESH").execute().expect(0);
    assert!(!ended.stderr.contains("stale"), "{}", ended.stderr);
    run.execute().expect(0);
    assert_eq!(std::fs::read(run.path("dist/index.html.gz")).unwrap(), other);
}

#[test]
fn a_hash_is_renewed_in_every_form_that_browsers_take() {
    let run = sourcemaps();
    write_script(&run, "dist/a.js");
    let bytes = || std::fs::read(run.path("dist/a.js")).unwrap();
    let pages = || {
        let (sha384, sha512) = (Sha384::digest(bytes()), sha2::Sha512::digest(bytes()));
        let page = |hash: String| format!("<script src=a.js integrity={hash}></script>");
        let wide = |text: String| -> Vec<u8> {
            format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
        };
        [
            ("dist/url.html", page(format!("sha384-{}", URL_SAFE.encode(sha384))).into_bytes()),
            ("dist/bare.html", page(format!("sha512-{}", STANDARD_NO_PAD.encode(sha512))).into()),
            ("dist/wide.html", wide(page(format!("sha384-{}", STANDARD.encode(sha384))))),
            ("dist/lone.html.gz", gzipped(&page(format!("sha384-{}", STANDARD.encode(sha384))))),
            ("dist/more.html.br", brotlied(&page(format!("sha384-{}", STANDARD.encode(sha384))))),
        ]
    };
    for (file, text) in pages() {
        write(&run, file, text);
    }
    let ended = run.execute().expect(0);
    for (file, _) in pages() {
        assert!(ended.stderr.contains(&format!("`{file}`")), "{file}: {}", ended.stderr);
    }
    run.clone().var("FINISHLINE_INJECT_REFRESH", "true").execute().expect(0);
    for (file, text) in pages() {
        match file.rsplit_once('.') {
            Some((_, "gz")) => assert_eq!(gzipped(&unzipped(&run, file)), text),
            Some((_, "br")) => assert_eq!(brotlied(&unbrotlied(&run, file)), text),
            _ => assert_eq!(std::fs::read(run.path(file)).unwrap(), text, "{file}"),
        }
    }
}

#[test]
fn a_run_that_was_killed_once_its_maps_were_gone_is_completed_by_the_next() {
    let run = sourcemaps().var("FINISHLINE_INJECT_REFRESH", "true");
    write_script(&run, "dist/a.js");
    write(&run, "dist/SUMS", sum(&run, "dist/a.js"));
    write(&run, "dist/a.js.gz", gzipped(&run.text("dist/a.js")));
    run.execute().expect(0);
    let before = ["dist/SUMS", "dist/a.js.gz"].map(|file| std::fs::read(run.path(file)).unwrap());
    let run = run.var("FINISHLINE_DELETE_SOURCEMAPS", "true");
    run.execute().expect(0);
    let done = ["dist/SUMS", "dist/a.js.gz"].map(|file| std::fs::read(run.path(file)).unwrap());
    let left_by_a_kill = || {
        write(&run, "dist/SUMS", &before[0]);
        write(&run, "dist/a.js.gz", &before[1]);
    };
    left_by_a_kill();
    let plan = run.clone().var("FINISHLINE_DRY_RUN", "true").execute().expect(0);
    assert!(plan.stdout.contains("2 files with the hash or a packed copy"), "{}", plan.stdout);
    let ended = run.execute().expect(0);
    assert!(ended.stdout.contains("1 script were uploaded by an earlier run"), "{}", ended.stdout);
    let files = ["dist/SUMS", "dist/a.js.gz"].map(|file| std::fs::read(run.path(file)).unwrap());
    assert!(files == done);
    // Who does not know the script has none of its maps, and what is stale is renewed all the same.
    left_by_a_kill();
    let unknown = run.clone().var("FINISHLINE_PROJECTS", "api").execute().expect(2);
    assert!(unknown.stderr.contains("1 script without a source map"), "{}", unknown.stderr);
    assert_eq!(run.text("dist/SUMS"), sum(&run, "dist/a.js"));
}
