//! Which files are left out, in the syntax of `.gitignore`: the last rule that fits decides.

use crate::text::glob::PathGlob;

/// Rules over paths below a folder.
#[derive(Default)]
pub struct IgnoreRules(Vec<IgnoreRule>);

struct IgnoreRule {
    glob: PathGlob,
    is_negated: bool,
    only_folders: bool,
}

impl IgnoreRules {
    /// Reads rules; blank lines and comments say nothing.
    pub fn new<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        Self(lines.into_iter().filter_map(IgnoreRule::read).collect())
    }

    /// Whether a file or a folder is left out, by its path with `/`. What is in a folder that is left
    /// out is so too, which whoever walks the folders sees to.
    pub fn ignores(&self, path: &str, is_folder: bool) -> bool {
        let rules = self.0.iter().rev().filter(|rule| is_folder || !rule.only_folders);
        let mut fitting = rules.filter(|rule| rule.glob.matches(path.as_bytes()));
        fitting.next().is_some_and(|rule| !rule.is_negated)
    }
}

impl IgnoreRule {
    fn read(line: &str) -> Option<Self> {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let (is_negated, line) = match line.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let (only_folders, line) = match line.strip_suffix('/') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        // A rule without a slash is about names, in whatever folder.
        let glob = match line.strip_prefix('/') {
            Some(rest) => rest.to_owned(),
            None if line.contains('/') => line.trim_start_matches("./").to_owned(),
            None => format!("**/{line}"),
        };
        Some(Self { glob: PathGlob::literal_or_glob(&glob)?, is_negated, only_folders })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_those_of_gitignore() {
        let rules =
            ["# no rule", "", "vendor", "*.min.js", "!keep.min.js", "/top.js", "a/b.js", "old/"];
        let rules = IgnoreRules::new(rules);
        for (path, is_folder, is_ignored) in [
            ("vendor", true, true),
            ("x/vendor", true, true),
            ("x/vendor.js", false, false),
            ("x/a.min.js", false, true),
            ("x/keep.min.js", false, false),
            ("top.js", false, true),
            ("x/top.js", false, false),
            ("a/b.js", false, true),
            ("x/a/b.js", false, false),
            ("old", true, true),
            ("old", false, false),
        ] {
            assert_eq!(rules.ignores(path, is_folder), is_ignored, "{path}");
        }
    }
}
