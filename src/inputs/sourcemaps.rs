//! What the inputs say of source maps.

use super::parse::{self, InputReader};
use super::raw::RawInputs;
use super::types::ReadFile;

/// What is asked about source maps.
#[derive(Clone, Debug, Default)]
pub struct SourcemapInputs {
    /// Folders, files or globs, one line each as they were given; empty asks for no source maps.
    pub paths: Vec<String>,
    /// Whether scripts get debug ids.
    pub inject: bool,
    /// The distribution of the release.
    pub dist: Option<String>,
    /// What stands before the path of a file in its URL.
    pub url_prefix: String,
    /// What stands behind it.
    pub url_suffix: String,
    /// What is cut off the names of sources.
    pub strip_prefixes: Vec<String>,
    /// Whether the folder that all absolute names of a map's sources share is cut off.
    pub strip_common_prefix: bool,
    /// Files and folders that are left out, in the syntax of `.gitignore`.
    pub ignored: Vec<String>,
    /// The extensions of the files that are uploaded, without a dot and in lower case; empty uploads all.
    pub extensions: Vec<String>,
    /// Whether to wait until Sentry has processed the upload.
    pub wait: bool,
    /// Whether scripts without a source map, or no script at all, are no error.
    pub allow_empty: bool,
    /// Whether scripts without a map are accepted, and still something must be there to be sent: a call
    /// of sentry-cli asks for that too.
    pub needs_files: bool,
    /// Whether the source maps go once they are uploaded.
    pub delete: bool,
    /// Whether maps are uploaded without the texts of their sources.
    pub strip_sources: bool,
    /// Whether files that hold the hash of a changed script are written anew.
    pub refresh: bool,
}

impl SourcemapInputs {
    /// Reads them; mistakes stay with the reader.
    pub(super) fn read(reader: &mut InputReader<'_>, read: ReadFile<'_>) -> Self {
        let mut ignored = reader.value("sourcemaps-ignore", parse::list).unwrap_or_default();
        let of_file = reader.file("sourcemaps-ignore-file", read, |text| Ok(lines(&text)));
        ignored.extend(of_file.unwrap_or_default());
        let mut switch =
            |name: &str, default: bool| reader.value(name, parse::boolean).unwrap_or(default);
        let allows_nothing = switch("allow-empty", false);
        let allows_unmapped = switch("allow-unmapped", false);
        let switches = Self {
            inject: switch("inject", true),
            strip_common_prefix: switch("strip-common-prefix", false),
            wait: switch("sourcemaps-wait", true),
            allow_empty: allows_nothing || allows_unmapped,
            delete: switch("delete-sourcemaps", false),
            strip_sources: switch("sourcemaps-strip-sources", false),
            refresh: switch("inject-refresh", false),
            ..Self::default()
        };
        Self {
            paths: reader.value("sourcemaps", paths).unwrap_or_default(),
            needs_files: reader.is_called() || allows_unmapped && !allows_nothing,
            dist: reader.value("dist", dist),
            url_prefix: reader.value("url-prefix", parse::text).unwrap_or_else(|| "~/".to_owned()),
            url_suffix: reader.value("url-suffix", parse::text).unwrap_or_default(),
            strip_prefixes: reader.value("strip-prefix", parse::list).unwrap_or_default(),
            ignored,
            extensions: reader.value("sourcemaps-extensions", extensions).unwrap_or_default(),
            ..switches
        }
    }

    /// What is asked about source maps in a run that never comes to read all its inputs; nothing where
    /// it would change nothing. Mistakes are for others to tell.
    pub fn of_unread(raw: &RawInputs, read: ReadFile<'_>) -> Self {
        let mut reader = InputReader::new(raw, Vec::new());
        match reader.value("dry-run", parse::boolean) {
            Some(true) => Self::default(),
            _ => Self::read(&mut reader, read),
        }
    }

    /// Whether source maps are asked for.
    pub fn is_requested(&self) -> bool {
        !self.paths.is_empty()
    }

    /// Whether a file of this path is uploaded.
    pub fn uploads(&self, path: &str) -> bool {
        let extension = path.rsplit_once('.').map(|(_, extension)| extension);
        let is_it = |one: &String| extension.is_some_and(|given| one.eq_ignore_ascii_case(given));
        self.extensions.is_empty() || self.extensions.iter().any(is_it)
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| line.trim_end_matches('\r').to_owned()).collect()
}

/// One path or several to a line: where a path may hold a comma or a blank, only the disk can tell.
fn paths(text: &str) -> Result<Vec<String>, &'static str> {
    let is_fit = !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match is_fit {
        true => Ok(lines.map(str::to_owned).collect()),
        false => Err("paths of folders, files or globs, without control characters"),
    }
}

fn extensions(text: &str) -> Result<Vec<String>, &'static str> {
    let items = parse::list(text)?.into_iter();
    let items: Vec<_> =
        items.map(|item| item.trim_start_matches('.').to_ascii_lowercase()).collect();
    let is_fit =
        |item: &String| item.bytes().all(|c| c.is_ascii_alphanumeric()) && !item.is_empty();
    items.iter().all(is_fit).then_some(items).ok_or("extensions of files, such as `js, map`")
}

/// Sentry's own rule for a distribution.
fn dist(text: &str) -> Result<String, &'static str> {
    let is_fit = text.chars().count() <= 64 && !text.contains(char::is_control);
    match is_fit && text.trim() == text {
        true => Ok(text.to_owned()),
        false => Err("a name of at most 64 characters, without blanks at its ends"),
    }
}
