//! Which files a path, a folder or a glob means.

use crate::text::glob::PathGlob;
use gix::bstr::BStr;

/// The paths of a monorepo's part; none of them means everything.
#[derive(Clone)]
pub(super) struct PathFilter(Vec<KnownPath>);

/// A file or a folder, letter for letter or as a glob.
#[derive(Clone)]
struct KnownPath {
    text: String,
    glob: Option<PathGlob>,
}

impl PathFilter {
    pub(super) fn new(paths: &[String]) -> Self {
        let tidy = |path: &String| {
            let path = path.trim_start_matches("./").trim_matches('/');
            let text = if path == "." { String::new() } else { path.to_owned() };
            KnownPath { glob: PathGlob::new(&text), text }
        };
        Self(paths.iter().map(tidy).collect())
    }

    /// Whether there is nothing to filter by.
    pub(super) fn is_everything(&self) -> bool {
        self.0.is_empty() || self.0.iter().any(|known| known.text.is_empty())
    }

    /// Whether a file is one of those, or lies in a folder that is.
    pub(super) fn matches(&self, file: &BStr) -> bool {
        self.is_everything() || self.0.iter().any(|known| known.is_at_or_above(file))
    }
}

impl KnownPath {
    fn is_at_or_above(&self, file: &[u8]) -> bool {
        let rest = file.strip_prefix(self.text.as_bytes());
        rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
            || self.glob.as_ref().is_some_and(|glob| glob.matches_at_or_above(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gix::bstr::ByteSlice;

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
