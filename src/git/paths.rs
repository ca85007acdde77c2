//! Which files a path, a folder or a glob means.

use gix::bstr::{BStr, ByteSlice};
use gix::glob::wildmatch::Mode;

/// The paths of a monorepo's part; none of them means everything.
#[derive(Clone)]
pub(super) struct PathFilter(Vec<String>);

impl PathFilter {
    pub(super) fn new(paths: &[String]) -> Self {
        let tidy = |path: &String| {
            let path = path.trim_start_matches("./").trim_matches('/');
            if path == "." { String::new() } else { path.to_owned() }
        };
        Self(paths.iter().map(tidy).collect())
    }

    /// Whether there is nothing to filter by.
    pub(super) fn is_everything(&self) -> bool {
        self.0.is_empty() || self.0.iter().any(String::is_empty)
    }

    /// Whether a file is one of those, or lies in a folder that is.
    pub(super) fn matches(&self, file: &BStr) -> bool {
        let ends = file.find_iter("/").chain([file.len()]);
        let mut above = ends.map(|end| file[..end].as_bstr());
        self.is_everything()
            || above.any(|path| self.0.iter().any(|known| path_matches(known, path)))
    }
}

/// Whether the path is this one, letter for letter or as a glob.
fn path_matches(known: &str, path: &BStr) -> bool {
    let mode = Mode::NO_MATCH_SLASH_LITERAL;
    path == known.as_bytes() || gix::glob::wildmatch(known.as_bytes().as_bstr(), path, mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(path: &str, file: &str) -> bool {
        PathFilter::new(&[path.to_owned()]).matches(file.as_bytes().as_bstr())
    }

    #[test]
    fn a_path_means_a_file_a_folder_or_a_glob() {
        for (path, file, is_held) in [
            ("services/api", "services/api/src/main.rs", true),
            ("services/api/", "services/api/a", true),
            ("./services/api", "services/api/a", true),
            ("/services/api", "services/api/a", true),
            ("services/api", "services/api", true),
            ("services/api", "services/api2/a", false),
            ("api", "services/api/a", false),
            ("services/*/src", "services/api/src/a/b", true),
            ("services/*", "services/api/src/a", true),
            ("*.md", "README.md", true),
            ("*.md", "docs/README.md", false),
            ("**/*.md", "docs/en/README.md", true),
            ("services/**", "services/api/src/a", true),
            ("a[b", "a[b/c", true),
            ("a?c", "a/c", false),
            ("../a", "a", false),
            (".", "any/thing", true),
            ("/", "any/thing", true),
        ] {
            assert_eq!(hold(path, file), is_held, "{path} {file}");
        }
    }

    #[test]
    fn no_path_means_everything() {
        assert!(PathFilter::new(&[]).matches("a".into()));
    }
}
