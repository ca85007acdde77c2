//! The types of typed inputs.

/// When the pipeline runs, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Only if something differs.
    Ensure,
    /// In any case.
    Install,
    /// To renew the integration that is named.
    Reauth,
}

/// The backends that can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendName {
    /// Sentry, SaaS or self-hosted.
    Sentry,
    /// One SQLite file.
    Embedded,
}

/// How a Sentry is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// As it turns out.
    Auto,
    /// Its JSON pipeline endpoint.
    Api,
    /// Its set-up pages.
    Web,
}

/// One code mapping.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CodeMapping {
    /// The project's slug.
    pub project: String,
    /// The repository's name.
    pub repository: String,
    /// The path in a stack trace; may be empty.
    #[serde(default)]
    pub stack_root: String,
    /// The path in the repository; may be empty.
    #[serde(default)]
    pub source_root: String,
    /// The branch; the repository's own when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_branch: Option<String>,
}

/// The ends that `tolerate` turns into exit 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToleratedExit {
    /// Exit 3.
    ActionRequired,
    /// Exit 4.
    Refused,
    /// Exit 5.
    Auth,
    /// Exit 6.
    Unavailable,
    /// Exits 3 to 6.
    All,
}

/// Reads a file that an input names; `-` is standard input.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> std::io::Result<String>;
