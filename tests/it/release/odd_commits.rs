//! Commits with dates that cannot be read, and with texts in other encodings than UTF-8.

use super::commits::{as_json, checkout, head, messages, on_file, warnings};
use crate::support::git_repository::{START, git, git_at};
use crate::support::run::ProgramRun;

/// Adds a commit to the branch, byte for byte: what stands after `tree` and `parent`.
fn add(run: &ProgramRun, rest: &[u8]) -> String {
    let folder = run.path("");
    let tree = git(&folder, &["rev-parse", "HEAD^{tree}"]);
    let object = [format!("tree {tree}\nparent {}\n", head(&folder)).as_bytes(), rest].concat();
    let write = ["hash-object", "-t", "commit", "-w", "--stdin", "--literally"];
    let sha = git_at(&folder, &write, START, &object);
    git(&folder, &["update-ref", "refs/heads/main", &sha]);
    sha
}

/// A commit that was committed then.
fn committed(run: &ProgramRun, time: &str, message: &str) -> String {
    let person = "Ada <ada@acme.example>";
    let (author, committer) = (format!("author {person} {time}\n"), format!("{person} {time}"));
    add(run, format!("{author}committer {committer}\n\n{message}\n").as_bytes())
}

/// The times that the release's commits were kept with, newest first, in seconds.
fn times(run: &ProgramRun) -> Vec<String> {
    run.rows(
        "SELECT date_added / 1000 FROM release_commit
         JOIN source_commit ON source_commit.id = commit_id ORDER BY place",
    )
}

#[test]
fn a_date_that_cannot_be_read_is_taken_from_its_neighbours_and_the_others_stay() {
    for bad in [
        "-1 +0000",
        "99999999999999999999 +0000",
        "999999999999999 +0000",
        "7766279631452241918 +0000",
        "yesterday +0000",
        "+0000",
        "",
        "1e9 +0000",
    ] {
        let run = checkout(1);
        committed(&run, "1700000100 +0000", "good");
        let sha = committed(&run, bad, "bad");
        committed(&run, "1700000300 +0200", "last");
        let ended = as_json(&run).execute().expect(0);
        assert_eq!(messages(&run), ["last", "bad", "good", "commit 1"], "{bad}");
        assert_eq!(times(&run), ["1700000300", "1700000100", "1700000100", "1700000000"], "{bad}");
        assert_eq!(warnings(&ended), ["time-repaired"], "{bad}");
        assert!(ended.stderr.contains(&sha[..12]), "{}", ended.stderr);
    }
}

#[test]
fn a_date_without_a_time_zone_is_a_date() {
    for time in ["1700000100", "1700000100 ", "1700000100 CET", "1700000100 +9999"] {
        let run = checkout(1);
        committed(&run, time, "zoneless");
        let ended = as_json(&run).execute().expect(0);
        assert_eq!(times(&run), ["1700000100", "1700000000"], "{time}");
        assert!(warnings(&ended).is_empty(), "{}", ended.stderr);
    }
}

#[test]
fn the_oldest_takes_the_date_of_the_one_after_it() {
    let run = on_file(ProgramRun::local());
    let folder = run.path("");
    git(&folder, &["init", "--quiet", "--initial-branch=main", "."]);
    let tree = git(&folder, &["write-tree"]);
    let object = format!(
        "tree {tree}\nauthor A <a@acme.example> x\ncommitter A <a@acme.example> x\n\nroot\n"
    );
    let write = ["hash-object", "-t", "commit", "-w", "--stdin", "--literally"];
    let root = git_at(&folder, &write, START, object.as_bytes());
    git(&folder, &["update-ref", "refs/heads/main", &root]);
    let alone = as_json(&run).var("FINISHLINE_RELEASE", "v0").execute().expect(0);
    assert_eq!(warnings(&alone), ["no-times"]);
    committed(&run, "1700000100 +0000", "second");
    let ended = as_json(&run).execute().expect(0);
    assert_eq!(warnings(&ended), ["time-repaired"]);
    let sql = "SELECT date_added / 1000 FROM release_commit
               JOIN source_commit ON source_commit.id = commit_id
               JOIN release ON release.id = release_id WHERE version = 'web@1.0.0' ORDER BY place";
    assert_eq!(run.rows(sql)[0], "1700000100");
}

#[test]
fn an_author_line_that_cannot_be_read_costs_no_date() {
    let run = checkout(1);
    add(&run, b"author Ada\ncommitter Bob <bob@acme.example> 1700000100 +0000\n\nodd\n");
    let ended = as_json(&run).execute().expect(0);
    assert_eq!(times(&run), ["1700000100", "1700000000"]);
    assert!(warnings(&ended).is_empty(), "{}", ended.stderr);
}

/// A commit whose author and message are these bytes, said to be in that encoding.
fn encoded(run: &ProgramRun, label: &str, name: &[u8], message: &[u8]) {
    let end = b" <old@acme.example> 1700000100 +0000\n".as_slice();
    let parts = [b"author ", name, end, b"committer ", name, end, b"encoding ", label.as_bytes()];
    add(run, &[&parts.concat(), b"\n\n".as_slice(), message, b"\n"].concat());
}

#[test]
fn texts_are_decoded_from_the_encoding_that_the_commit_names() {
    for (label, name, message, author, text) in [
        ("ISO-8859-1", b"Ad\xe9la".as_slice(), b"caf\xe9".as_slice(), "Adéla", "café"),
        ("latin1", b"Ad\xe9la", b"\xfcber", "Adéla", "über"),
        ("iso-8859-15", b"Ada", b"\xa4 5", "Ada", "€ 5"),
        ("windows-1252", b"Ada", b"\x80 5 \x96 ok", "Ada", "€ 5 – ok"),
        ("CP1252", b"Ada", b"\x80", "Ada", "€"),
        ("Shift_JIS", b"\x93\xfa\x96{", b"\x83\x65\x83\x58\x83\x67", "日本", "テスト"),
        ("cp932", b"Ada", b"\x83\x65\x83\x58\x83\x67", "Ada", "テスト"),
        ("eucJP", b"Ada", b"\xa5\xc6\xa5\xb9\xa5\xc8", "Ada", "テスト"),
        ("ISO-2022-JP", b"Ada", b"\x1b$B%F%9%H\x1b(B", "Ada", "テスト"),
        ("KOI8-R", b"Ada", b"\xd4\xc5\xd3\xd4", "Ada", "тест"),
        ("UTF-8", "Adéla".as_bytes(), "naïve".as_bytes(), "Adéla", "naïve"),
        ("x-klingon", "Adéla".as_bytes(), "naïve".as_bytes(), "Adéla", "naïve"),
    ] {
        let run = checkout(1);
        encoded(&run, label, name, message);
        let ended = as_json(&run).execute().expect(0);
        assert_eq!(messages(&run), [text, "commit 1"], "{label}");
        let sql = "SELECT name FROM commit_author WHERE email = 'old@acme.example'";
        assert_eq!(run.rows(sql), [author], "{label}");
        assert!(warnings(&ended).is_empty(), "{label}: {}", ended.stderr);
    }
}

#[test]
fn bytes_that_no_known_encoding_explains_are_replaced_and_that_is_said() {
    for (label, words) in [
        ("x-klingon", "`x-klingon`"),
        ("utf-16", "`utf-16`"),
        ("UTF-8", "`UTF-8`"),
        ("Shift_JIS", "`Shift_JIS`"),
    ] {
        let run = checkout(1);
        encoded(&run, label, b"Ada", b"caf\xfd\xff");
        let ended = as_json(&run).execute().expect(0);
        assert!(messages(&run)[0].starts_with("caf\u{fffd}"), "{:?}", messages(&run));
        assert_eq!(warnings(&ended), ["text-not-decoded"], "{label}");
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
    let run = checkout(1);
    add(&run, b"author A <a@acme.example> 1 +0000\ncommitter A <a@acme.example> 1700000100 +0000\n\ncaf\xe9\n");
    let ended = as_json(&run).execute().expect(0);
    assert_eq!(warnings(&ended), ["text-not-decoded"]);
    assert!(ended.stderr.contains("UTF-8"), "{}", ended.stderr);
}

/// The lines of a signature or of a merged tag are not the commit's own.
#[test]
fn an_encoding_in_a_signature_or_in_the_message_is_none() {
    let run = checkout(1);
    let people =
        "author A <a@acme.example> 1 +0000\ncommitter A <a@acme.example> 1700000100 +0000\n";
    let merged = "mergetag object 1234\n encoding ISO-8859-1\n";
    add(&run, format!("{people}{merged}\nnaïve\n\nencoding KOI8-R\n").as_bytes());
    as_json(&run).execute().expect(0);
    assert_eq!(messages(&run)[0], "naïve\n\nencoding KOI8-R");
}

#[test]
fn a_long_message_and_name_are_cut_and_the_message_is_said() {
    let run = checkout(1);
    let (name, message) = ("n".repeat(1_000_000), "\u{e9}".repeat(2_000_000));
    let person = format!("{name} <ada@acme.example> 1700000100 +0000");
    let sha = add(&run, format!("author {person}\ncommitter {person}\n\n{message}\n").as_bytes());
    let ended = as_json(&run).execute().expect(0);
    let kept: Vec<_> = messages(&run).iter().map(String::len).collect();
    assert_eq!(kept, [16 * 1024, "commit 1".len()]);
    assert_eq!(warnings(&ended), ["message-cut"]);
    assert!(ended.stderr.contains(&sha[..12]), "{}", ended.stderr);
}
