//! The table of inputs: the one surface from which flags, variables, `action.yml` and the docs
//! follow. An input that is not here does not exist.

/// One input.
pub struct InputSpec {
    /// Its name in `action.yml` and in messages.
    pub name: &'static str,
    /// The variables that give it, the strongest first.
    pub variables: &'static [&'static str],
    /// What the flag takes; the flag itself is `--` and the name, for a file the one given here.
    pub flag: FlagKind,
    /// What holds when it is not given.
    pub default: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

/// The flag of an input.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum FlagKind {
    /// `--name VALUE`, with the word that help shows for the value.
    Value(&'static str),
    /// `--flag FILE`: the value is what the file holds, so that it is in no process list.
    File(&'static str),
    /// `--name`, or `--name=true|false`.
    Switch,
}

impl InputSpec {
    /// The flag without its dashes.
    pub fn long(&self) -> &'static str {
        match self.flag {
            FlagKind::File(long) => long,
            FlagKind::Value(_) | FlagKind::Switch => self.name,
        }
    }
}

/// The names that sentry-cli and action-release have for inputs; as a flag or as the action's
/// input, one of them is the input itself.
pub const ALIASES: &[(&str, &str)] = &[
    ("release_prefix", "release-prefix"),
    ("version_prefix", "release-prefix"),
    ("set_commits", "commits"),
    ("started_at", "started-at"),
    ("project", "projects"),
];

/// Sets one field of `state`; the only flag that is not an input of its own.
pub const SET: &str = "set";

/// Every input, in the order of the docs.
pub const INPUTS: &[InputSpec] = &[
    InputSpec {
        name: "provider",
        variables: &["FINISHLINE_PROVIDER"],
        flag: FlagKind::Value("KEY"),
        default: "none",
        meaning: "the provider's key; `finishline providers` lists them",
    },
    InputSpec {
        name: "state",
        variables: &["FINISHLINE_STATE"],
        flag: FlagKind::File("state"),
        default: "{}",
        meaning: "the fields of the provider's steps as a YAML mapping, flat or by step id; `${NAME}` takes a variable, `@PATH` a file",
    },
    InputSpec {
        name: "mode",
        variables: &["FINISHLINE_MODE"],
        flag: FlagKind::Value("MODE"),
        default: "ensure",
        meaning: "`ensure` runs only if something differs, `install` runs in any case, `reauth` renews the integration that `integration-id` names",
    },
    InputSpec {
        name: "integration-id",
        variables: &["FINISHLINE_INTEGRATION_ID"],
        flag: FlagKind::Value("ID"),
        default: "none",
        meaning: "which integration to re-authorize, or which one is meant",
    },
    InputSpec {
        name: "next",
        variables: &["FINISHLINE_NEXT"],
        flag: FlagKind::Value("URL"),
        default: "none",
        meaning: "carried in the query of the redirect URL",
    },
    InputSpec {
        name: "callback-url",
        variables: &["FINISHLINE_CALLBACK_URL"],
        flag: FlagKind::File("callback-url"),
        default: "none",
        meaning: "for `resume`: the address that the person's browser ended at; a secret, so the flag takes a file, or `-`",
    },
    InputSpec {
        name: "resume-file",
        variables: &["FINISHLINE_RESUME_FILE"],
        flag: FlagKind::Value("FILE"),
        default: "none",
        meaning: "keeps a pipeline of a Sentry backend that waits for a person, sealed with the token",
    },
    InputSpec {
        name: "entry",
        variables: &["FINISHLINE_ENTRY"],
        flag: FlagKind::Value("KEY"),
        default: "none",
        meaning: "for `resume`: the entry of a manifest that goes on, as `integrations[0]`",
    },
    InputSpec {
        name: "repositories",
        variables: &["FINISHLINE_REPOSITORIES"],
        flag: FlagKind::Value("LIST"),
        default: "none",
        meaning: "repositories to link once the integration is there, as `owner/name`",
    },
    InputSpec {
        name: "code-mappings",
        variables: &["FINISHLINE_CODE_MAPPINGS"],
        flag: FlagKind::Value("YAML"),
        default: "none",
        meaning: "a list of `{project, repository, stackRoot, sourceRoot, defaultBranch}` to set once the integration is there",
    },
    InputSpec {
        name: "org",
        variables: &["FINISHLINE_ORG", "SENTRY_ORG"],
        flag: FlagKind::Value("SLUG"),
        default: "the token's",
        meaning: "the organization's slug; `provider` needs it",
    },
    InputSpec {
        name: "projects",
        variables: &["FINISHLINE_PROJECTS", "SENTRY_PROJECT"],
        flag: FlagKind::Value("LIST"),
        default: "none",
        meaning: "the slugs of the projects that a release is of; a release needs one",
    },
    InputSpec {
        name: "url",
        variables: &["FINISHLINE_URL", "SENTRY_URL"],
        flag: FlagKind::Value("URL"),
        default: "the token's, then https://sentry.io; http://127.0.0.1:9797 (embedded)",
        meaning: "the address of the backend",
    },
    InputSpec {
        name: "auth-token",
        variables: &["FINISHLINE_AUTH_TOKEN", "SENTRY_AUTH_TOKEN"],
        flag: FlagKind::File("auth-token-file"),
        default: "none",
        meaning: "the token of a Sentry backend",
    },
    InputSpec {
        name: "pipeline-token",
        variables: &["FINISHLINE_PIPELINE_TOKEN"],
        flag: FlagKind::File("pipeline-token-file"),
        default: "auth-token",
        meaning: "a user's token for the pipeline alone, where `auth-token` is an organization's",
    },
    InputSpec {
        name: "release",
        variables: &["FINISHLINE_RELEASE", "SENTRY_RELEASE"],
        flag: FlagKind::Value("VERSION"),
        default: "the tag, else the commit that was pushed, else the one checked out",
        meaning: "the version of a release; given, the release job runs",
    },
    InputSpec {
        name: "release-prefix",
        variables: &["FINISHLINE_RELEASE_PREFIX"],
        flag: FlagKind::Value("TEXT"),
        default: "none",
        meaning: "stands before the version, such as `web@`",
    },
    InputSpec {
        name: "environment",
        variables: &["FINISHLINE_ENVIRONMENT", "SENTRY_ENVIRONMENT"],
        flag: FlagKind::Value("NAME"),
        default: "none; the host's, with `deploy: true`",
        meaning: "where the release is deployed to; given, the release job runs",
    },
    InputSpec {
        name: "commits",
        variables: &["FINISHLINE_COMMITS"],
        flag: FlagKind::Value("SOURCE"),
        default: "auto",
        meaning: "where a release's commits come from: `auto`, `local` (the checkout), `github` (its API), `none`, or a list of `REPO@SHA` and `REPO@PREVIOUS..SHA`",
    },
    InputSpec {
        name: "previous",
        variables: &["FINISHLINE_PREVIOUS"],
        flag: FlagKind::Value("SHA"),
        default: "the backend's own",
        meaning: "the commit of the release before, `lookup` asks the backend for it",
    },
    InputSpec {
        name: "paths",
        variables: &["FINISHLINE_PATHS"],
        flag: FlagKind::Value("LIST"),
        default: "none",
        meaning: "only commits that touch one of these files, folders or patterns; read from the checkout",
    },
    InputSpec {
        name: "remote",
        variables: &["FINISHLINE_REMOTE", "SENTRY_VCS_REMOTE"],
        flag: FlagKind::Value("NAME"),
        default: "origin",
        meaning: "which remote of the checkout names the repository, where the host does not",
    },
    InputSpec {
        name: "finalize",
        variables: &["FINISHLINE_FINALIZE"],
        flag: FlagKind::Switch,
        default: "true",
        meaning: "marks the release as out",
    },
    InputSpec {
        name: "proof",
        variables: &["FINISHLINE_PROOF"],
        flag: FlagKind::Switch,
        default: "false",
        meaning: "waits until the backend has the commits",
    },
    InputSpec {
        name: "deploy",
        variables: &["FINISHLINE_DEPLOY"],
        flag: FlagKind::Switch,
        default: "true with an `environment`",
        meaning: "notes a deploy; given, the release job runs",
    },
    InputSpec {
        name: "deploy-name",
        variables: &["FINISHLINE_DEPLOY_NAME"],
        flag: FlagKind::Value("TEXT"),
        default: "none",
        meaning: "the name of the deploy",
    },
    InputSpec {
        name: "deploy-url",
        variables: &["FINISHLINE_DEPLOY_URL"],
        flag: FlagKind::Value("URL"),
        default: "the page of the run",
        meaning: "the page of the deploy",
    },
    InputSpec {
        name: "started-at",
        variables: &["FINISHLINE_STARTED_AT"],
        flag: FlagKind::Value("TIME"),
        default: "none",
        meaning: "when the deploy began: ISO 8601, or seconds since 1970",
    },
    InputSpec {
        name: "backend",
        variables: &["FINISHLINE_BACKEND"],
        flag: FlagKind::Value("BACKEND"),
        default: "`sentry` with a token or a URL, else `embedded` off CI",
        meaning: "`sentry` or `embedded`",
    },
    InputSpec {
        name: "database",
        variables: &["FINISHLINE_DATABASE"],
        flag: FlagKind::Value("FILE"),
        default: "finishline.db in the user's state folder",
        meaning: "the file of the embedded backend; made when it is not there",
    },
    InputSpec {
        name: "apps",
        variables: &["FINISHLINE_APPS"],
        flag: FlagKind::File("apps"),
        default: "none",
        meaning: "for the embedded backend: credentials of your own apps at third parties, a YAML mapping by provider; a secret, so the flag takes a file",
    },
    InputSpec {
        name: "dialect",
        variables: &["FINISHLINE_DIALECT"],
        flag: FlagKind::Value("DIALECT"),
        default: "auto",
        meaning: "how a Sentry backend is spoken to: `api` (2026 and later), `web` (older), `auto`",
    },
    InputSpec {
        name: "ca-file",
        variables: &["FINISHLINE_CA_FILE"],
        flag: FlagKind::Value("FILE"),
        default: "none",
        meaning: "PEM certificates to trust besides the system's",
    },
    InputSpec {
        name: "manifest",
        variables: &["FINISHLINE_MANIFEST"],
        flag: FlagKind::Value("FILE"),
        default: "none",
        meaning: "a file that names many integrations and releases; see docs/manifest.md",
    },
    InputSpec {
        name: "max-parallel",
        variables: &["FINISHLINE_MAX_PARALLEL"],
        flag: FlagKind::Value("COUNT"),
        default: "8",
        meaning: "how many entries of the manifest may be under way at once",
    },
    InputSpec {
        name: "dry-run",
        variables: &["FINISHLINE_DRY_RUN"],
        flag: FlagKind::Switch,
        default: "false",
        meaning: "decides and says what would happen, and changes nothing",
    },
    InputSpec {
        name: "wait",
        variables: &["FINISHLINE_WAIT"],
        flag: FlagKind::Switch,
        default: "false",
        meaning: "on a terminal, `run` waits for the callback address to be pasted; never on CI",
    },
    InputSpec {
        name: "tolerate",
        variables: &["FINISHLINE_TOLERATE"],
        flag: FlagKind::Value("LIST"),
        default: "none",
        meaning: "which ends become exit 0 with a warning: `action-required`, `refused`, `auth`, `unavailable`, `all`",
    },
    InputSpec {
        name: "timeout",
        variables: &["FINISHLINE_TIMEOUT"],
        flag: FlagKind::Value("TIME"),
        default: "120s",
        meaning: "the deadline of the whole run: `90s`, `2m`, or seconds",
    },
    InputSpec {
        name: "github-token",
        variables: &["FINISHLINE_GITHUB_TOKEN", "GITHUB_TOKEN"],
        flag: FlagKind::File("github-token-file"),
        default: "none",
        meaning: "the token for GitHub's API: `commits: github` in a private repository, and `github-status`",
    },
    InputSpec {
        name: "github-status",
        variables: &["FINISHLINE_GITHUB_STATUS"],
        flag: FlagKind::Value("CONTEXT"),
        default: "off",
        meaning: "sets a commit status of this name that links the settings page or the release",
    },
    InputSpec {
        name: "host",
        variables: &["FINISHLINE_HOST"],
        flag: FlagKind::Value("HOST"),
        default: "detected",
        meaning: "the CI host to speak to: `github`, `gitea`, `forgejo`, `gitlab`, `local`, …",
    },
    InputSpec {
        name: "format",
        variables: &["FINISHLINE_FORMAT"],
        flag: FlagKind::Value("FORMAT"),
        default: "text",
        meaning: "`text` or `json` on standard output",
    },
    InputSpec {
        name: "log-level",
        variables: &["FINISHLINE_LOG_LEVEL"],
        flag: FlagKind::Value("LEVEL"),
        default: "info; debug when the host debugs",
        meaning: "`off`, `error`, `warn`, `info`, `debug`, `trace`, on standard error",
    },
    InputSpec {
        name: "log-format",
        variables: &["FINISHLINE_LOG_FORMAT"],
        flag: FlagKind::Value("FORMAT"),
        default: "text",
        meaning: "`text` or `json` on standard error",
    },
    InputSpec {
        name: "result-file",
        variables: &["FINISHLINE_RESULT_FILE"],
        flag: FlagKind::Value("FILE"),
        default: "none",
        meaning: "also writes the whole result there, as JSON",
    },
    InputSpec {
        name: "dotenv",
        variables: &["FINISHLINE_DOTENV"],
        flag: FlagKind::Value("FILE"),
        default: "finishline.env in the project on GitLab, in the workspace on Jenkins, else none",
        meaning: "writes the outputs there as a dotenv report",
    },
    InputSpec {
        name: "annotations",
        variables: &["FINISHLINE_ANNOTATIONS"],
        flag: FlagKind::Value("FILE"),
        default: "finishline-annotations.json in the project on GitLab, else none",
        meaning: "writes the links there as GitLab's annotations report",
    },
    InputSpec {
        name: "summary",
        variables: &["FINISHLINE_SUMMARY"],
        flag: FlagKind::Value("FILE"),
        default: "GITHUB_STEP_SUMMARY where it is set, else none",
        meaning: "appends the job summary there, as Markdown",
    },
];
