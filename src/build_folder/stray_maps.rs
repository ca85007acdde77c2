//! Source maps that no script of a build is looked for: hidden ones, packed or kept copies, those inside of
//! style sheets; and texts that name maps.

use super::text_file::TextFile;
use crate::sourcemap::inline::held_maps;
use memchr::memmem;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// What the name of a copy of a file ends with.
const COPY_ENDS: [&str; 15] = [
    "gz", "br", "zst", "xz", "bz2", "zip", "7z", "lz", "lz4", "lzma", "z", "deflate", "bak", "old",
    "orig",
];

/// Whether a file holds a map, by its name.
pub(super) fn is_stray_map(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let copied = name.rsplit_once('.').filter(|(_, end)| COPY_ENDS.contains(end));
    name.ends_with(".map") || copied.is_some_and(|(of, _)| of.ends_with(".map"))
}

/// Whether it is a copy of a map that lies beside it, and is named for both.
pub(crate) fn is_beside_its_map(file: &Path) -> bool {
    let is_map = file.extension().is_some_and(|end| end.eq_ignore_ascii_case("map"));
    !is_map && file.with_extension("").exists()
}

/// What style sheets, pages, and scripts that are left alone are called.
const MAP_HOLDERS: [&str; 7] = ["css", "html", "htm", "xhtml", "js", "cjs", "mjs"];

/// Whether a style sheet has its map inside, or a page or script one that can be read.
pub(crate) fn has_inline_map(file: &Path) -> bool {
    const COMMENT: &[u8] = b"sourceMappingURL=data:";
    let end = file.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
    let has_one = |text: &[u8]| {
        memmem::find(text, COMMENT).is_some()
            && (end == "css" || !held_maps(&String::from_utf8_lossy(text)).is_empty())
    };
    MAP_HOLDERS.contains(&&*end) && TextFile::read(file).is_some_and(|file| has_one(file.text()))
}

/// Whether a text names one of these maps, other than in the comment of a script for its own.
pub(crate) fn names_a_map(file: &Path, maps: &BTreeSet<&str>) -> bool {
    let Some(text) = TextFile::read(file) else { return false };
    let text = text.text();
    memmem::find_iter(text, b".map").any(|at| {
        let end = at + ".map".len();
        let is_end = text.get(end).is_none_or(|next| !is_part(*next));
        let before = text[..at].iter().rev().take_while(|byte| is_part(**byte)).count();
        let (start, comment) = (at - before, b"sourceMappingURL=");
        let name = std::str::from_utf8(&text[start..end]).unwrap_or_default();
        is_end && maps.contains(name) && !text[..start].ends_with(comment)
    })
}

/// Whether a byte is one of a file's name in a list.
fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-~@$+".contains(&byte) || !byte.is_ascii()
}

/// The names of files.
pub(crate) fn names<'a>(files: impl Iterator<Item = &'a PathBuf>) -> BTreeSet<&'a str> {
    files.filter_map(|file| file.file_name()?.to_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::is_stray_map;

    #[test]
    fn a_copy_of_a_map_is_one_and_what_only_has_its_name_is_not() {
        for name in ["a.js.map", "A.JS.MAP", "a.js.map.xz", "a.map.bak", "a.js.map.GZ"] {
            assert!(is_stray_map(name), "{name}");
        }
        for name in ["a.map.json", "a.js.gz", "map", "a.js.map.html", "map.zip", "a.js"] {
            assert!(!is_stray_map(name), "{name}");
        }
    }
}
