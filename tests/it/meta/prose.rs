//! The words of the documents: how many there are, and those that stopped a reader.

use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What a newcomer reads in a few minutes.
const README_WORDS: usize = 1_000;

/// All documents together.
const ALL_WORDS: usize = 22_000;

/// Phrases that had to be read twice.
const STUMBLES: [&str; 10] = [
    " is there ",
    " stands in ",
    " goes on ",
    " of ours",
    "which none is",
    " that is none",
    "tells nobody",
    " a Sentry of ",
    " in the place of ",
    " as it stands",
];

fn documents() -> Vec<PathBuf> {
    let docs = Path::new(ROOT).join("docs").read_dir().unwrap().map(|entry| entry.unwrap().path());
    let docs = docs.filter(|path| path.extension().is_some_and(|end| end == "md"));
    docs.chain([Path::new(ROOT).join("README.md")]).collect()
}

/// The words of a document as `wc -w` counts them, code and tables among them.
fn count(path: &Path) -> usize {
    std::fs::read_to_string(path).unwrap().split_whitespace().count()
}

#[test]
fn the_readme_is_read_in_a_few_minutes() {
    let words = count(&Path::new(ROOT).join("README.md"));
    assert!(words <= README_WORDS, "{words} words");
}

#[test]
fn the_documents_stay_short() {
    let words: usize = documents().iter().map(|path| count(path)).sum();
    assert!(words <= ALL_WORDS, "{words} words");
}

#[test]
fn no_sentence_has_to_be_read_twice() {
    for path in documents() {
        let text = std::fs::read_to_string(&path).unwrap();
        let prose: String = text.split("```").step_by(2).collect();
        let prose = prose.split_whitespace().collect::<Vec<_>>().join(" ");
        let found: Vec<_> = STUMBLES.iter().filter(|phrase| prose.contains(*phrase)).collect();
        assert!(found.is_empty(), "{}: {found:?}", path.display());
    }
}

/// A page about a task says first what its reader will have.
#[test]
fn each_page_begins_with_what_its_reader_will_have() {
    for path in documents().iter().filter(|path| !path.ends_with("README.md")) {
        let text = std::fs::read_to_string(path).unwrap();
        let first = text.split("\n\n").nth(1).unwrap_or_default();
        let begins =
            ["At the end of this page, ", "Look up ", "Find your code", "What is ", "How "];
        let is_prose = begins.iter().any(|words| first.starts_with(words));
        assert!(is_prose, "{}: {first}", path.display());
    }
}
