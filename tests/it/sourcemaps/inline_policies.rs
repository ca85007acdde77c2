//! Policies have the hashes of the scripts inside of pages: one in which a hash is renewed is another script.

use crate::support::build_folder::{sourcemaps, write, write_script};
use crate::support::run::ProgramRun;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256, Sha384};

const HOLDERS: [&str; 4] =
    ["dist/_headers", "dist/vercel.json", "dist/conf/site.conf", "dist/index.html"];

fn integrity(run: &ProgramRun) -> String {
    format!("sha384-{}", STANDARD.encode(Sha384::digest(run.text("dist/a.js"))))
}

fn policy(script: &str) -> String {
    let script = script.replace("\r\n", "\n");
    format!("script-src 'self' 'sha256-{}'", STANDARD.encode(Sha256::digest(script)))
}

/// The import map of a page for the script as it is now.
fn import_map(run: &ProgramRun) -> String {
    format!("\r\n{{\"integrity\":{{\"/a.js\":\"{}\"}}}}\r\n", integrity(run))
}

fn page(run: &ProgramRun) -> String {
    let map = import_map(run);
    format!(
        "<!-- <script> --><meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\
         <script type=\"importmap\" data-of='>'>{map}</SCRIPT ><script>other()</script>",
        policy(&map)
    )
}

fn headers(run: &ProgramRun) -> String {
    let other = policy("other()");
    format!("/*\n  Content-Security-Policy: {} {other}\n", policy(&import_map(run)))
}

fn built() -> ProgramRun {
    let run = sourcemaps().var("FINISHLINE_INJECT_REFRESH", "true");
    write_script(&run, "dist/a.js");
    write_holders(&run);
    run
}

fn write_holders(run: &ProgramRun) {
    write(run, "dist/index.html", page(run));
    write(run, "dist/_headers", headers(run));
    let vercel = serde_json::json!({"headers": [{"value": policy(&import_map(run))}]});
    write(run, "dist/vercel.json", vercel.to_string());
    let nginx = format!("add_header Content-Security-Policy \"{}\";\n", policy(&import_map(run)));
    write(run, "dist/conf/site.conf", nginx);
}

/// What the holders are where they are right for the script as it is now.
fn expected(run: &ProgramRun) -> Vec<String> {
    let right = sourcemaps();
    write(&right, "dist/a.js", run.text("dist/a.js"));
    write_holders(&right);
    texts(&right)
}

fn texts(run: &ProgramRun) -> Vec<String> {
    HOLDERS.iter().map(|file| run.text(file)).collect()
}

#[test]
fn a_policy_follows_the_script_in_a_page_that_is_written_anew() {
    let run = built();
    let before = texts(&run);
    let planned = run.clone().var("FINISHLINE_DRY_RUN", "true").execute().expect(0).everything();
    assert!(HOLDERS.iter().all(|file| planned.contains(file)), "{planned}");
    assert!(!planned.contains('\0') && texts(&run) == before, "{planned}");
    let ended = run.execute().expect(0);
    assert_eq!(texts(&run), expected(&run), "{}", ended.stderr);
    assert!(!ended.stderr.contains("stale"), "{}", ended.stderr);
    // The policies are written before the page: what a killed run left is found by the page.
    let after = texts(&run);
    for written in 0..HOLDERS.len() {
        for (at, file) in HOLDERS.iter().enumerate() {
            write(&run, file, if at < written { &after[at] } else { &before[at] });
        }
        run.execute().expect(0);
        assert_eq!(texts(&run), after, "{written} were written");
    }
}

#[test]
fn a_chain_through_scripts_in_pages_is_followed_to_its_end() {
    let run = built();
    let map = import_map(&run);
    let text = format!("<script>{map}</script>");
    write(&run, "dist/index.html", &text);
    let sum = STANDARD.encode(Sha256::digest(&text));
    write(&run, "dist/sums.html", format!("<script>'sha256-{sum}' {map}</script>"));
    let sums = run.text("dist/sums.html");
    let list = STANDARD.encode(Sha256::digest(&sums));
    write(&run, "dist/list.txt", format!("sha256-{list}\n"));
    let ended = run.execute().expect(0);
    let sum = STANDARD.encode(Sha256::digest(run.text("dist/index.html")));
    assert!(run.text("dist/sums.html").contains(&sum), "{}", ended.stderr);
    let list = STANDARD.encode(Sha256::digest(run.text("dist/sums.html")));
    assert_eq!(run.text("dist/list.txt"), format!("sha256-{list}\n"), "{}", ended.stderr);
}

#[test]
fn without_the_switch_the_page_is_named_and_its_policy_stays_right() {
    let run = built().var("FINISHLINE_INJECT_REFRESH", "false");
    let ended = run.execute().expect(0);
    assert!(ended.stderr.contains("`dist/index.html` has the hash"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("_headers"), "{}", ended.stderr);
}
