//! The texts of sources that a map names and does not hold. Maps are written by others, so nothing is
//! read but source code below the working directory.

use crate::os::linkless;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The largest source that is read.
const MAX_SOURCE: u64 = 4 * 1024 * 1024;

/// What source code is called; a map may name any file, also one with secrets.
const ENDS: [&str; 16] = [
    "js", "cjs", "mjs", "jsx", "ts", "cts", "mts", "tsx", "vue", "svelte", "astro", "coffee",
    "elm", "re", "res", "dart",
];

/// The folder whose sources may be read.
pub(super) struct SourceFolder(Option<PathBuf>);

impl SourceFolder {
    /// The working directory.
    pub(super) fn of_working_directory() -> Self {
        Self(std::env::current_dir().and_then(fs::canonicalize).ok())
    }

    /// The text of a source, by its name relative to the map.
    pub(super) fn read(&self, map: &Path, name: &str) -> Option<String> {
        let root = self.0.as_ref()?;
        if name.is_empty() || name.contains("://") {
            return None;
        }
        let file = fs::canonicalize(map.parent()?.join(name)).ok()?;
        let below = file.strip_prefix(root).ok()?;
        let is_hidden = |part: Component<'_>| part.as_os_str().to_string_lossy().starts_with('.');
        let end = below.extension()?.to_str()?;
        let is_source = ENDS.contains(&end) && !below.components().any(is_hidden);
        let bytes = is_source.then(|| linkless::read(&file, MAX_SOURCE).ok()).flatten()?;
        String::from_utf8(bytes).ok()
    }
}
