//! The targets of `tests/fuzz`, held to what they were once fed with.

use crate::fuzz_targets::TARGETS;
use std::path::{Path, PathBuf};

fn files(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let entries = folder.read_dir().unwrap_or_else(|error| panic!("{target}: {error}"));
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn every_target_holds_for_its_corpus_and_for_its_pieces() {
    for (name, target) in TARGETS {
        let files = files(name);
        assert!(files.len() >= 3, "{name} has {} files", files.len());
        for file in files {
            let bytes = std::fs::read(&file).unwrap();
            target(&bytes);
            target(&bytes[..bytes.len() / 2]);
            target(&bytes[bytes.len() / 2..]);
        }
    }
}

#[test]
fn every_folder_of_the_corpus_is_a_targets() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    for entry in root.read_dir().unwrap() {
        let name = entry.unwrap().file_name();
        assert!(TARGETS.iter().any(|(known, _)| *name == **known), "{name:?}");
    }
}
