//! The table of inputs: the one surface from which flags, variables, `action.yml` and the docs
//! follow. An input that is not here does not exist.

/// One input.
pub struct Input {
    /// Its name in `action.yml` and in messages.
    pub name: &'static str,
    /// The variables that give it, the strongest first.
    pub variables: &'static [&'static str],
    /// What the flag takes; the flag itself is `--` and the name, for a file the one given here.
    pub flag: Flag,
    /// What holds when it is not given.
    pub default: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

/// The flag of an input.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// `--name VALUE`, with the word that help shows for the value.
    Value(&'static str),
    /// `--flag FILE`: the value is what the file holds, so that it is in no process list.
    File(&'static str),
    /// `--name`, or `--name=true|false`.
    Switch,
}

impl Input {
    /// The flag without its dashes.
    pub fn long(&self) -> &'static str {
        match self.flag {
            Flag::File(long) => long,
            Flag::Value(_) | Flag::Switch => self.name,
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
pub const INPUTS: &[Input] = &[
    Input {
        name: "provider",
        variables: &["FINISHLINE_PROVIDER"],
        flag: Flag::Value("KEY"),
        default: "none",
        meaning: "the provider's key; `finishline providers` lists them",
    },
    Input {
        name: "state",
        variables: &["FINISHLINE_STATE"],
        flag: Flag::File("state"),
        default: "{}",
        meaning: "the fields of the provider's steps as a YAML mapping, flat or by step id; `${NAME}` takes a variable, `@PATH` a file",
    },
    Input {
        name: "mode",
        variables: &["FINISHLINE_MODE"],
        flag: Flag::Value("MODE"),
        default: "ensure",
        meaning: "`ensure` runs only if something differs, `install` runs in any case, `reauth` renews the integration that `integration-id` names",
    },
    Input {
        name: "integration-id",
        variables: &["FINISHLINE_INTEGRATION_ID"],
        flag: Flag::Value("ID"),
        default: "none",
        meaning: "which integration to re-authorize, or which one is meant",
    },
    Input {
        name: "next",
        variables: &["FINISHLINE_NEXT"],
        flag: Flag::Value("URL"),
        default: "none",
        meaning: "carried in the query of the redirect URL",
    },
    Input {
        name: "callback-url",
        variables: &["FINISHLINE_CALLBACK_URL"],
        flag: Flag::File("callback-url"),
        default: "none",
        meaning: "for `resume`: the address that the person's browser ended at; a secret, so the flag takes a file, or `-`",
    },
    Input {
        name: "resume-file",
        variables: &["FINISHLINE_RESUME_FILE"],
        flag: Flag::Value("FILE"),
        default: "none",
        meaning: "keeps a pipeline of a Sentry backend that waits for a person, sealed with the token",
    },
    Input {
        name: "entry",
        variables: &["FINISHLINE_ENTRY"],
        flag: Flag::Value("KEY"),
        default: "none",
        meaning: "for `resume`: the entry of a manifest that goes on, as `integrations[0]`",
    },
    Input {
        name: "repositories",
        variables: &["FINISHLINE_REPOSITORIES"],
        flag: Flag::Value("LIST"),
        default: "none",
        meaning: "repositories to link once the integration is there, as `owner/name`",
    },
    Input {
        name: "code-mappings",
        variables: &["FINISHLINE_CODE_MAPPINGS"],
        flag: Flag::Value("YAML"),
        default: "none",
        meaning: "a list of `{project, repository, stackRoot, sourceRoot, defaultBranch}` to set once the integration is there",
    },
    Input {
        name: "org",
        variables: &["FINISHLINE_ORG", "SENTRY_ORG"],
        flag: Flag::Value("SLUG"),
        default: "the token's",
        meaning: "the organization's slug; `provider` needs it",
    },
    Input {
        name: "projects",
        variables: &["FINISHLINE_PROJECTS", "SENTRY_PROJECT"],
        flag: Flag::Value("LIST"),
        default: "none",
        meaning: "the slugs of the projects that a release is of; a release needs one",
    },
    Input {
        name: "url",
        variables: &["FINISHLINE_URL", "SENTRY_URL"],
        flag: Flag::Value("URL"),
        default: "the token's, then https://sentry.io; http://127.0.0.1:9797 (embedded)",
        meaning: "the address of the backend",
    },
    Input {
        name: "auth-token",
        variables: &["FINISHLINE_AUTH_TOKEN", "SENTRY_AUTH_TOKEN"],
        flag: Flag::File("auth-token-file"),
        default: "none",
        meaning: "the token of a Sentry backend",
    },
    Input {
        name: "pipeline-token",
        variables: &["FINISHLINE_PIPELINE_TOKEN"],
        flag: Flag::File("pipeline-token-file"),
        default: "auth-token",
        meaning: "a user's token for the pipeline alone, where `auth-token` is an organization's",
    },
    Input {
        name: "release",
        variables: &["FINISHLINE_RELEASE", "SENTRY_RELEASE"],
        flag: Flag::Value("VERSION"),
        default: "the tag, else the commit that was pushed, else the one checked out",
        meaning: "the version of a release; given, the release job runs",
    },
    Input {
        name: "release-prefix",
        variables: &["FINISHLINE_RELEASE_PREFIX"],
        flag: Flag::Value("TEXT"),
        default: "none",
        meaning: "stands before the version, such as `web@`",
    },
    Input {
        name: "environment",
        variables: &["FINISHLINE_ENVIRONMENT", "SENTRY_ENVIRONMENT"],
        flag: Flag::Value("NAME"),
        default: "none; the host's, with `deploy: true`",
        meaning: "where the release is deployed to; given, the release job runs",
    },
    Input {
        name: "commits",
        variables: &["FINISHLINE_COMMITS"],
        flag: Flag::Value("SOURCE"),
        default: "auto",
        meaning: "where a release's commits come from: `auto`, `local` (the checkout), `github` (its API), `none`, or a list of `REPO@SHA` and `REPO@PREVIOUS..SHA`",
    },
    Input {
        name: "previous",
        variables: &["FINISHLINE_PREVIOUS"],
        flag: Flag::Value("SHA"),
        default: "the backend's own",
        meaning: "the commit of the release before, `lookup` asks the backend for it",
    },
    Input {
        name: "paths",
        variables: &["FINISHLINE_PATHS"],
        flag: Flag::Value("LIST"),
        default: "none",
        meaning: "only commits that touch one of these files, folders or patterns; read from the checkout",
    },
    Input {
        name: "remote",
        variables: &["FINISHLINE_REMOTE", "SENTRY_VCS_REMOTE"],
        flag: Flag::Value("NAME"),
        default: "origin",
        meaning: "which remote of the checkout names the repository, where the host does not",
    },
    Input {
        name: "finalize",
        variables: &["FINISHLINE_FINALIZE"],
        flag: Flag::Switch,
        default: "true",
        meaning: "marks the release as out",
    },
    Input {
        name: "proof",
        variables: &["FINISHLINE_PROOF"],
        flag: Flag::Switch,
        default: "false",
        meaning: "waits until the backend has the commits",
    },
    Input {
        name: "deploy",
        variables: &["FINISHLINE_DEPLOY"],
        flag: Flag::Switch,
        default: "true with an `environment`",
        meaning: "notes a deploy; given, the release job runs",
    },
    Input {
        name: "deploy-name",
        variables: &["FINISHLINE_DEPLOY_NAME"],
        flag: Flag::Value("TEXT"),
        default: "none",
        meaning: "the name of the deploy",
    },
    Input {
        name: "deploy-url",
        variables: &["FINISHLINE_DEPLOY_URL"],
        flag: Flag::Value("URL"),
        default: "the page of the run",
        meaning: "the page of the deploy",
    },
    Input {
        name: "started-at",
        variables: &["FINISHLINE_STARTED_AT"],
        flag: Flag::Value("TIME"),
        default: "none",
        meaning: "when the deploy began: ISO 8601, or seconds since 1970",
    },
    Input {
        name: "backend",
        variables: &["FINISHLINE_BACKEND"],
        flag: Flag::Value("BACKEND"),
        default: "`sentry` with a token or a URL, else `embedded` off CI",
        meaning: "`sentry` or `embedded`",
    },
    Input {
        name: "database",
        variables: &["FINISHLINE_DATABASE"],
        flag: Flag::Value("FILE"),
        default: "finishline.db in the user's state folder",
        meaning: "the file of the embedded backend; made when it is not there",
    },
    Input {
        name: "apps",
        variables: &["FINISHLINE_APPS"],
        flag: Flag::File("apps"),
        default: "none",
        meaning: "for the embedded backend: credentials of your own apps at third parties, a YAML mapping by provider; a secret, so the flag takes a file",
    },
    Input {
        name: "dialect",
        variables: &["FINISHLINE_DIALECT"],
        flag: Flag::Value("DIALECT"),
        default: "auto",
        meaning: "how a Sentry backend is spoken to: `api` (2026 and later), `web` (older), `auto`",
    },
    Input {
        name: "ca-file",
        variables: &["FINISHLINE_CA_FILE"],
        flag: Flag::Value("FILE"),
        default: "none",
        meaning: "PEM certificates to trust besides the system's",
    },
    Input {
        name: "manifest",
        variables: &["FINISHLINE_MANIFEST"],
        flag: Flag::Value("FILE"),
        default: "none",
        meaning: "a file that names many integrations and releases; see docs/manifest.md",
    },
    Input {
        name: "max-parallel",
        variables: &["FINISHLINE_MAX_PARALLEL"],
        flag: Flag::Value("COUNT"),
        default: "8",
        meaning: "how many entries of the manifest may be under way at once",
    },
    Input {
        name: "dry-run",
        variables: &["FINISHLINE_DRY_RUN"],
        flag: Flag::Switch,
        default: "false",
        meaning: "decides and says what would happen, and changes nothing",
    },
    Input {
        name: "wait",
        variables: &["FINISHLINE_WAIT"],
        flag: Flag::Switch,
        default: "false",
        meaning: "on a terminal, `run` waits for the callback address to be pasted; never on CI",
    },
    Input {
        name: "tolerate",
        variables: &["FINISHLINE_TOLERATE"],
        flag: Flag::Value("LIST"),
        default: "none",
        meaning: "which ends become exit 0 with a warning: `action-required`, `refused`, `auth`, `unavailable`, `all`",
    },
    Input {
        name: "timeout",
        variables: &["FINISHLINE_TIMEOUT"],
        flag: Flag::Value("TIME"),
        default: "120s",
        meaning: "the deadline of the whole run: `90s`, `2m`, or seconds",
    },
    Input {
        name: "github-token",
        variables: &["FINISHLINE_GITHUB_TOKEN", "GITHUB_TOKEN"],
        flag: Flag::File("github-token-file"),
        default: "none",
        meaning: "the token for GitHub's API: `commits: github` in a private repository, and `github-status`",
    },
    Input {
        name: "github-status",
        variables: &["FINISHLINE_GITHUB_STATUS"],
        flag: Flag::Value("CONTEXT"),
        default: "off",
        meaning: "sets a commit status of this name that links the settings page or the release",
    },
    Input {
        name: "host",
        variables: &["FINISHLINE_HOST"],
        flag: Flag::Value("HOST"),
        default: "detected",
        meaning: "the CI host to speak to: `github`, `gitea`, `forgejo`, `gitlab`, `local`, …",
    },
    Input {
        name: "format",
        variables: &["FINISHLINE_FORMAT"],
        flag: Flag::Value("FORMAT"),
        default: "text",
        meaning: "`text` or `json` on standard output",
    },
    Input {
        name: "log-level",
        variables: &["FINISHLINE_LOG_LEVEL"],
        flag: Flag::Value("LEVEL"),
        default: "info; debug when the host debugs",
        meaning: "`off`, `error`, `warn`, `info`, `debug`, `trace`, on standard error",
    },
    Input {
        name: "log-format",
        variables: &["FINISHLINE_LOG_FORMAT"],
        flag: Flag::Value("FORMAT"),
        default: "text",
        meaning: "`text` or `json` on standard error",
    },
    Input {
        name: "result-file",
        variables: &["FINISHLINE_RESULT_FILE"],
        flag: Flag::Value("FILE"),
        default: "none",
        meaning: "also writes the whole result there, as JSON",
    },
    Input {
        name: "dotenv",
        variables: &["FINISHLINE_DOTENV"],
        flag: Flag::Value("FILE"),
        default: "finishline.env in the project on GitLab, in the workspace on Jenkins, else none",
        meaning: "writes the outputs there as a dotenv report",
    },
    Input {
        name: "annotations",
        variables: &["FINISHLINE_ANNOTATIONS"],
        flag: Flag::Value("FILE"),
        default: "finishline-annotations.json in the project on GitLab, else none",
        meaning: "writes the links there as GitLab's annotations report",
    },
    Input {
        name: "summary",
        variables: &["FINISHLINE_SUMMARY"],
        flag: Flag::Value("FILE"),
        default: "GITHUB_STEP_SUMMARY where it is set, else none",
        meaning: "appends the job summary there, as Markdown",
    },
];
