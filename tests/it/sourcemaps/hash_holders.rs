//! Every text of the folder that holds the hash of a changed file is named, or written anew: pages,
//! scripts, templates, settings and sums, whatever they are called and however they write it.

use crate::support::build_folder::{
    identity_map, snapshot, source, sourcemaps, write, write_script,
};
use crate::support::run::ProgramRun;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha2::{Digest, Sha256, Sha384};

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha384(run: &ProgramRun, file: &str) -> String {
    format!("sha384-{}", STANDARD.encode(Sha384::digest(run.text(file))))
}

fn md5(run: &ProgramRun, file: &str) -> String {
    hex(Md5::digest(run.text(file)))
}

fn sha256(run: &ProgramRun, file: &str) -> String {
    hex(Sha256::digest(run.text(file)))
}

/// Writes a script of the build with one line more, and its map.
fn write_with_line(run: &ProgramRun, path: &str, line: &str) {
    let text = format!("{}{line}\n", source("chunks"));
    let name = path.rsplit('/').next().unwrap();
    write(run, path, format!("{text}//# sourceMappingURL={name}.map\n"));
    write(run, &format!("{path}.map"), identity_map("../src/chunks.ts", &text));
}

/// What each of these files says of the hash of `a.js` and of `runtime.js`, as it must be now.
fn holders(run: &ProgramRun) -> Vec<(&'static str, String)> {
    let (a, runtime) = ("dist/a.js", "dist/runtime.js");
    let escaped = sha384(run, a).replace('/', "\\/");
    vec![
        ("dist/index.html", format!("<script src=a.js integrity={} defer>", sha384(run, a))),
        ("dist/app.php", format!("<?= tag('a.js', '{}') ?>", sha384(run, a))),
        ("dist/mix.json", format!("{{\"a.js\":\"{escaped}\"}}")),
        ("dist/layout.erb", format!("<script integrity='{}'>", sha384(run, runtime))),
        ("dist/.htaccess", format!("Header set ETag \"{}\"", md5(run, a))),
        ("dist/web.config", format!("<add etag=\"{}\"/>", md5(run, a).to_uppercase())),
        ("dist/logo.svg", format!("<script integrity=\"{}\"/>", sha384(run, a))),
        ("dist/site.conf", format!("add_header ETag {};", sha256(run, a))),
        (
            "dist/SHA256SUMS",
            format!("{}  a.js\n{}  runtime.js\n", sha256(run, a), sha256(run, runtime)),
        ),
        ("dist/sw.js", format!("p([{{url:'/a.js',revision:'{}'}}]);", md5(run, a))),
        (
            "dist/bucket.json",
            format!("{{\"md5Hash\":\"{}\"}}", STANDARD.encode(Md5::digest(run.text(a)))),
        ),
        ("dist/sub/list", format!("/a.js?v={}\n", md5(run, a))),
    ]
}

/// A build with `runtime.js`, which holds the hash of `a.js`, and all that hold those of the two.
fn built() -> ProgramRun {
    let run = sourcemaps().var("FINISHLINE_SOURCEMAPS_IGNORE", "sw.js");
    write_script(&run, "dist/a.js");
    let line = format!("export const sri = {{1:\"{}\"}};", sha384(&run, "dist/a.js"));
    write_with_line(&run, "dist/runtime.js", &line);
    for (file, text) in holders(&run) {
        write(&run, file, text);
    }
    let digest = md5(&run, "dist/sub/list");
    write(&run, "dist/precache-manifest.js", format!("self.list=[{{revision:\"{digest}\"}}]"));
    write(
        &run,
        "dist/other.txt",
        format!("{}\n/js/{}.js\n", md5(&run, "dist/sub/list").repeat(3), md5(&run, "dist/a.js")),
    );
    write(&run, "dist/a.js.zst", "packed");
    write(&run, "dist/picture.png", b"\x89PNG\0\0");
    run.var("FINISHLINE_ALLOW_EMPTY", "true")
}

#[test]
fn every_text_with_an_old_hash_is_named() {
    let run = built();
    let ended = run.execute().expect(0);
    let named = |file: &str| ended.stderr.contains(&format!("`{file}` "));
    for (file, _) in holders(&run) {
        assert!(named(file), "{file}: {}", ended.stderr);
    }
    assert!(named("dist/runtime.js") && named("dist/a.js.zst"), "{}", ended.stderr);
    assert!(!named("dist/other.txt") && !named("dist/picture.png"), "{}", ended.stderr);
}

#[test]
fn every_text_with_an_old_hash_is_written_anew_and_so_are_its_own_holders() {
    let run = built().var("FINISHLINE_INJECT_REFRESH", "true");
    let other = run.text("dist/other.txt");
    let ended = run.execute().expect(0);
    assert!(!ended.stderr.contains("stale"), "{}", ended.stderr);
    assert!(run.text("dist/runtime.js").contains(&sha384(&run, "dist/a.js")));
    for (file, text) in holders(&run) {
        assert_eq!(run.text(file), text, "{file}");
    }
    let list = md5(&run, "dist/sub/list");
    assert!(run.text("dist/precache-manifest.js").contains(&list), "a holder of a holder");
    assert_eq!(run.text("dist/other.txt"), other, "names and longer words are no hashes");
    assert!(!run.path("dist/a.js.zst").exists());
    let settled = snapshot(&run.path("dist"));
    let again = run.execute().expect(0);
    assert!(!again.stderr.contains("hash"), "{}", again.stderr);
    assert_eq!(snapshot(&run.path("dist")), settled);
    // The comments that name a map go at last, and each hash changes once more.
    run.clone().var("FINISHLINE_DELETE_SOURCEMAPS", "true").execute().expect(0);
    assert!(run.text("dist/runtime.js").contains(&sha384(&run, "dist/a.js")));
    for (file, text) in holders(&run) {
        assert_eq!(run.text(file), text, "{file}");
    }
}

#[test]
fn a_hash_that_two_files_had_and_no_longer_share_is_named_and_left() {
    let run = sourcemaps().var("FINISHLINE_INJECT_REFRESH", "true");
    for (script, name) in [("dist/a/x.js", "one"), ("dist/b/x.js", "two")] {
        write_script(&run, script);
        let map = identity_map(&format!("{name}.ts"), &source("x"));
        write(&run, &format!("{script}.map"), map);
    }
    assert_eq!(run.text("dist/a/x.js"), run.text("dist/b/x.js"));
    let page = format!("<script integrity={}>", sha384(&run, "dist/a/x.js"));
    write(&run, "dist/index.html", &page);
    let ended = run.execute().expect(0);
    assert_ne!(run.text("dist/a/x.js"), run.text("dist/b/x.js"));
    assert!(ended.stderr.contains("`dist/index.html` has a hash"), "{}", ended.stderr);
    assert_eq!(run.text("dist/index.html"), page);
}

#[test]
fn a_new_hash_never_moves_the_code_behind_it_from_its_place_in_a_source_map() {
    let run = sourcemaps().var("FINISHLINE_INJECT_REFRESH", "true");
    let scripts: Vec<_> =
        (0..8).map(|n| (format!("dist/a{n}.js"), format!("dist/sri{n}.js"))).collect();
    let escaped = |held: &str| sha384(&run, held).replace('/', "\\u002F");
    let line = |hash: &str| format!("export const sri = \"{hash}\"; export const after = 1;");
    for (held, holder) in &scripts {
        write_with_line(&run, held, &format!("export const own = \"{held}\";"));
        write_with_line(&run, holder, &line(&escaped(held)));
    }
    // One without an escape is written without any.
    let lengths = scripts.iter().map(|(held, _)| escaped(held).len());
    let has_escapes = |(_, length): &(_, usize)| *length > sha384(&run, "dist/a0.js").len();
    let lengths: Vec<_> = scripts.iter().zip(lengths).filter(has_escapes).collect();
    let ended = run.execute().expect(0);
    let mut counts = [0, 0];
    for ((held, holder), length) in lengths {
        let (text, new) = (run.text(holder), escaped(held));
        let fits = new.len() == length;
        counts[usize::from(fits)] += 1;
        assert_eq!(text.contains(&line(&new)), fits, "{text}");
        let is_named = ended.stderr.contains(&format!("`{holder}` has a hash"));
        assert_eq!(is_named, !fits, "{}", ended.stderr);
        let place = text.lines().find_map(|line| line.find("export const after"));
        assert_eq!(place, line(&"-".repeat(length)).find("export const after"), "{text}");
    }
    assert!(counts.iter().all(|count| *count > 0), "{counts:?} of each kind");
}

#[test]
fn hashes_that_only_look_like_those_of_a_changed_file_stay() {
    let run = sourcemaps()
        .var("FINISHLINE_INJECT_REFRESH", "true")
        .var("FINISHLINE_ALLOW_UNMAPPED", "true")
        .var("FINISHLINE_SOURCEMAPS_IGNORE", "vendor");
    let nothing = [hex(Sha256::digest("")), hex(Md5::digest("")), hex(sha1::Sha1::digest(""))];
    write(&run, "dist/empty.js", "");
    write_with_line(&run, "dist/sign.js", &format!("export const none = {nothing:?};"));
    write_script(&run, "dist/a.js");
    write_script(&run, "dist/js/lib.js");
    write(&run, "dist/vendor/lib.js", run.text("dist/js/lib.js"));
    let [a, lib] = ["dist/a.js", "dist/js/lib.js"].map(|file| sha384(&run, file));
    let named = md5(&run, "dist/a.js");
    write(&run, &format!("dist/{named}-a.css"), "");
    write(&run, "dist/a.js.md5", &named);
    let page = format!(
        "<script src=https://cdn.io/a-1.2.js integrity={a}><script src=a.js integrity={a}>"
    );
    write(&run, "dist/index.html", &page);
    let copy = format!("<script src=/vendor/lib.js integrity={lib}>");
    write(&run, "dist/copy.html", &copy);
    let ended = run.execute().expect(0);
    let sign = run.text("dist/sign.js");
    assert!(nothing.iter().all(|hash| sign.contains(hash)), "{sign}");
    assert_eq!(run.text("dist/a.js.md5"), named);
    assert_eq!(run.text("dist/copy.html"), copy);
    let own = page.replace(
        &format!("a.js integrity={a}"),
        &format!("a.js integrity={}", sha384(&run, "dist/a.js")),
    );
    assert_eq!(run.text("dist/index.html"), own);
    for (file, is_named) in
        [("index.html", true), ("copy.html", true), ("sign.js", false), ("a.js.md5", false)]
    {
        let words = format!("`dist/{file}` has a hash");
        assert_eq!(ended.stderr.contains(&words), is_named, "{file}: {}", ended.stderr);
    }
}

#[test]
fn a_part_of_a_changed_hash_is_named_and_stays() {
    let run = sourcemaps().var("FINISHLINE_INJECT_REFRESH", "true");
    write_script(&run, "dist/a.js");
    let whole = sha256(&run, "dist/a.js");
    let part = format!("{{\"a.js\":\"{}\"}}", &whole[..32]);
    write(&run, "dist/part.json", &part);
    write(&run, "dist/whole.json", format!("{{\"a.js\":\"{whole}\"}}"));
    let ended = run.execute().expect(0);
    assert_eq!(run.text("dist/part.json"), part);
    assert!(run.text("dist/whole.json").contains(&sha256(&run, "dist/a.js")));
    assert!(ended.stderr.contains("`dist/part.json` has a hash"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("`dist/whole.json`"), "{}", ended.stderr);
}
