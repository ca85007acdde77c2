//! The URL under which a file of a bundle is known: a prefix, its path below the folder that was given,
//! and a suffix.

/// What stands around the path.
#[derive(Clone, Debug)]
pub struct FileUrl<'a> {
    /// Mostly `~`, which stands for any host.
    pub prefix: &'a str,
    /// Mostly nothing.
    pub suffix: &'a str,
}

impl FileUrl<'_> {
    /// The URL of a file.
    pub fn of(&self, path: &str) -> String {
        let Self { prefix, suffix } = self;
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        format!("{prefix}/{path}{suffix}")
    }
}

/// The name of a source below what stands before the names of all of a map.
pub(super) fn under_root(root: Option<&str>, name: &str) -> String {
    match root.unwrap_or_default().trim_end_matches('/') {
        "" => name.to_owned(),
        root => format!("{root}/{name}"),
    }
}
