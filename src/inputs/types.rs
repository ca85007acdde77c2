//! The types of typed inputs.

use crate::error::ExitCode;
use crate::text::words::word_enum;

word_enum! {
    /// When the pipeline runs, and what for.
    pub enum Mode {
        /// Only if something differs.
        Ensure = "ensure",
        /// In any case.
        Install = "install",
        /// To renew the integration that is named.
        Reauth = "reauth",
        /// Never: the integration is to end.
        Remove = "remove",
        /// Never: what is there is given repositories and code mappings.
        Link = "link",
    }
}

impl Mode {
    /// Whether it is about an integration that is there, so that no release can be meant by it.
    pub fn is_of_installed(self) -> bool {
        matches!(self, Self::Remove | Self::Link)
    }
}

word_enum! {
    /// The backends that can be named.
    pub enum BackendName {
        /// Sentry, SaaS or self-hosted.
        Sentry = "sentry",
        /// One SQLite file.
        Embedded = "embedded",
    }
}

word_enum! {
    /// How a Sentry is spoken to.
    pub enum Dialect {
        /// As it turns out.
        Auto = "auto",
        /// Its JSON pipeline endpoint.
        Api = "api",
        /// Its set-up pages.
        Web = "web",
    }
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

impl CodeMapping {
    /// The same without the blanks around its texts, which Sentry takes off.
    #[must_use]
    pub fn trimmed(self) -> Self {
        let trim = |text: String| text.trim().to_owned();
        Self {
            project: trim(self.project),
            repository: trim(self.repository),
            stack_root: trim(self.stack_root),
            source_root: trim(self.source_root),
            default_branch: self.default_branch.map(trim),
        }
    }

    /// Where it is.
    pub fn place(&self) -> MappingPlace {
        MappingPlace { project: self.project.clone(), stack_root: self.stack_root.clone() }
    }

    /// Whether both are of one project and one path in a stack trace, of which there is one mapping.
    pub fn has_place_of(&self, other: &Self) -> bool {
        self.project == other.project && self.stack_root == other.stack_root
    }
}

/// Where a code mapping is: of a project, for one path in a stack trace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MappingPlace {
    /// The project's slug.
    pub project: String,
    /// The path in a stack trace; may be empty.
    #[serde(default)]
    pub stack_root: String,
}

impl MappingPlace {
    /// Whether it is the place of this mapping.
    pub fn is_of(&self, mapping: &CodeMapping) -> bool {
        self.project == mapping.project && self.stack_root == mapping.stack_root
    }
}

word_enum! {
    /// What a run without a token for Sentry ends as.
    pub enum WithoutToken {
        /// A failure.
        Error = "error",
        /// Skipped, with a warning.
        Skip = "skip",
    }
}

word_enum! {
    /// The ends that `tolerate` turns into exit 0.
    pub enum ToleratedExit {
        /// Exit 3.
        ActionRequired = "action-required",
        /// Exit 4.
        Refused = "refused",
        /// Exit 5.
        Auth = "auth",
        /// Exit 6.
        Unavailable = "unavailable",
        /// Exits 3 to 6.
        All = "all",
    }
}

impl ToleratedExit {
    /// Whether an end with this exit code is meant.
    pub fn covers(self, exit: ExitCode) -> bool {
        match self {
            Self::ActionRequired => exit == ExitCode::ActionRequired,
            Self::Refused => exit == ExitCode::Refused,
            Self::Auth => exit == ExitCode::Auth,
            Self::Unavailable => exit == ExitCode::Unavailable,
            Self::All => (3..=6).contains(&exit.number()),
        }
    }
}

/// Reads a file that an input names; `-` is standard input.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> std::io::Result<String>;

/// What a call of sentry-cli asks of the release, beside its inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CalledRelease {
    /// It is no such call.
    #[default]
    NotCalled,
    /// The release is made if it is not there.
    Made,
    /// The release must be there; it keeps its projects.
    Existing,
}
