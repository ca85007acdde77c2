//! Whether the documents lead somewhere: each link to a file, and to a heading in it.

use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn documents() -> Vec<PathBuf> {
    let mut found: Vec<_> = ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
        .map(|name| Path::new(ROOT).join(name))
        .to_vec();
    let docs = Path::new(ROOT).join("docs").read_dir().unwrap().map(|entry| entry.unwrap().path());
    found.extend(docs.filter(|path| path.extension().is_some_and(|end| end == "md")));
    found
}

/// The text outside of code blocks.
fn prose(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    text.split("```").step_by(2).collect()
}

/// What stands between `](` and `)`, but for other people's pages.
fn links(text: &str) -> Vec<&str> {
    let links = text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    links.filter(|link| !link.contains("://")).collect()
}

/// The anchors that GitHub gives to the headings.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let words = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        words.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_link_between_the_documents_leads_somewhere() {
    let mut count = 0;
    for document in documents() {
        for link in links(&prose(&document)) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = document.parent().unwrap().join(file);
            let target = if file.is_empty() { document.clone() } else { target };
            assert!(target.exists(), "{}: {link}", document.display());
            let there = anchor.is_empty() || anchors(&prose(&target)).iter().any(|a| a == anchor);
            assert!(there, "{}: {link}", document.display());
            count += 1;
        }
    }
    assert!(count > 20, "only {count} links were found");
}
