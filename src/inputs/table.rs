//! The table of inputs: the one surface from which flags, variables, `action.yml` and the docs
//! follow. An input that is not here does not exist.

use super::types::BackendName::{self, Embedded, Sentry};
use crate::text::words::word_enum;
use FlagKind::{File, Switch, Value};
use JobKind::{
    CommitStatus, Commits, Deploy, EntryResume, GithubCommits, History, Import, Integration, Links,
    OwnApp, Release, Removal, Resume, SentryImport, SentryResume, Sourcemaps,
};
use KeyKind::{Boolean, List, Mappings, Number, Secret, State, Text, Word};
use ManifestScope::{Connection, Entry, Global, Identity, Step};

/// One input.
pub struct InputSpec {
    /// Its name in `action.yml` and in messages.
    pub name: &'static str,
    /// The variables that give it, the strongest first.
    pub variables: &'static [&'static str],
    /// What the flag takes; the flag itself is `--` and the name, for a file the one given here.
    pub flag: FlagKind,
    /// Whether an entry of a manifest names it, and how.
    pub manifest: ManifestScope,
    /// What holds when it is not given.
    pub default: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// The jobs that use it; given to any other, it is warned about.
    pub used_by: &'static [JobKind],
    /// The backend that uses it, if only one does.
    pub backend: Option<BackendName>,
    /// The heading that help lists it under.
    pub group: InputGroup,
}

word_enum! {
    /// The headings of help, in their order.
    pub enum InputGroup {
        /// An integration and its pipeline.
        Integration = "Integration",
        /// A release, its commits and its deploy.
        Release = "Release",
        /// Scripts and their maps.
        SourceMaps = "Source maps",
        /// The backend: where it is, and who asks.
        Connection = "Connection",
        /// What is said, and where outputs go.
        Output = "Output",
        /// Whatever most runs leave as it is.
        Advanced = "Advanced",
    }
}

/// What a run does, as far as inputs differ by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// An integration.
    Integration,
    /// The end of an integration.
    Removal,
    /// The repositories and code mappings of an integration that is there.
    Links,
    /// An integration whose provider has an app of one's own.
    OwnApp,
    /// A release.
    Release,
    /// The commits of a release.
    Commits,
    /// The same where they are not named one by one.
    History,
    /// The same where GitHub's API is asked for them.
    GithubCommits,
    /// The deploy of a release.
    Deploy,
    /// The source maps of a release, or by themselves.
    Sourcemaps,
    /// The commit status of either.
    CommitStatus,
    /// The entries of a manifest.
    Manifest,
    /// `finishline resume`.
    Resume,
    /// The same of an entry of a manifest.
    EntryResume,
    /// The same at a Sentry.
    SentryResume,
    /// `finishline import`.
    Import,
    /// The same at a Sentry.
    SentryImport,
}

/// Every job, unless a row says otherwise.
pub(super) const ANY: &[JobKind] = &[
    Integration,
    Removal,
    Links,
    Release,
    Deploy,
    Sourcemaps,
    CommitStatus,
    JobKind::Manifest,
    Resume,
    Import,
];

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

/// What a manifest does with an input.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ManifestScope {
    /// An entry's own, so that beside a manifest it is not typed.
    Entry(KeyKind),
    /// The same, and it tells one entry from another, so it is no default.
    Identity(KeyKind),
    /// How the backend is reached: what was typed holds for every entry that names none.
    Connection(KeyKind),
    /// No entry names it, and what was typed holds for each.
    Global,
    /// No entry names it or takes it: it is about the step.
    Step,
}

/// How a manifest writes the value of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// A text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list of texts, or one text with commas.
    List,
    /// A list of mappings that go on as YAML.
    Mappings,
    /// The fields of a provider's steps.
    State,
    /// The name of a variable, as `${NAME}`.
    Secret,
}

impl InputSpec {
    const fn of_backend(self, backend: BackendName) -> Self {
        Self { backend: Some(backend), ..self }
    }

    const fn used_by(self, used_by: &'static [JobKind]) -> Self {
        Self { used_by, ..self }
    }

    /// The input of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        INPUTS.iter().find(|input| input.name == name)
    }

    /// How a manifest writes its value, where an entry may name it.
    pub fn key_kind(&self) -> Option<KeyKind> {
        match self.manifest {
            Entry(kind) | Identity(kind) | Connection(kind) => Some(kind),
            Global | Step => None,
        }
    }

    /// Whether it is a YAML mapping of fields, whose first line may be indented.
    pub fn holds_fields(&self) -> bool {
        matches!(self.name, "state" | "apps")
    }

    /// The word that help shows for the flag's value.
    pub fn value_word(&self) -> &'static str {
        match self.flag {
            Value(word) => word,
            File(_) => "FILE",
            Switch => "true|false",
        }
    }

    /// The flag without its dashes.
    pub fn long(&self) -> &'static str {
        match self.flag {
            File(long) => long,
            Value(_) | Switch => self.name,
        }
    }
}

/// Sets one field of `state`; the only flag that is not an input of its own.
pub const SET: &str = "set";

/// Every input, in the order of the docs: group, name, variables, flag, in a manifest, default, meaning.
#[rustfmt::skip]
pub const INPUTS: &[InputSpec] = &[
    integration("provider", &["FINISHLINE_PROVIDER"], Value("KEY"), Identity(Text), "none",
        "the provider key; `finishline providers` lists all keys").used_by(&[Integration, Removal, Links, Resume]),
    integration("state", &["FINISHLINE_STATE"], File("state"), Identity(State), "{}",
        "the fields of the provider's steps as a YAML mapping, flat or by step id; `${NAME}` inserts a variable, `@PATH` a file").used_by(&[Integration, Removal, Resume]),
    integration("mode", &["FINISHLINE_MODE"], Value("MODE"), Entry(Word(&["ensure", "install", "reauth", "remove", "link"])), "ensure",
        "`ensure` installs only if something differs, `install` always installs, `reauth` re-authorizes the integration in `integration-id`, `remove` removes the one in `integration-id` or `state`, `link` only sets repositories and code mappings").used_by(&[Integration, Removal, Links]),
    integration("integration-id", &["FINISHLINE_INTEGRATION_ID"], Value("ID"), Identity(Number), "none",
        "the integration to re-authorize or to remove, or the one that is meant").used_by(&[Integration, Removal, Links]),
    integration("next", &["FINISHLINE_NEXT"], Value("URL"), Entry(Text), "none",
        "URL appended as `?next=` to the redirect URL").used_by(&[Integration, SentryResume]),
    integration("callback-url", &["FINISHLINE_CALLBACK_URL"], File("callback-url"), Step, "none",
        "for `resume`: the complete URL from the browser's address bar after approval; a secret, so the flag takes a file, or `-`").used_by(&[Resume]),
    integration("resume-file", &["FINISHLINE_RESUME_FILE"], Value("FILE"), Global, "none",
        "file that stores a waiting pipeline of a Sentry backend, encrypted with the token").used_by(&[Integration, Resume, JobKind::Manifest]).of_backend(Sentry),
    integration("entry", &["FINISHLINE_ENTRY"], Value("KEY"), Step, "none",
        "for `resume`: the manifest entry to continue, such as `integrations[0]`").used_by(&[EntryResume]),
    integration("repositories", &["FINISHLINE_REPOSITORIES"], Value("LIST"), Entry(List), "none",
        "repositories to link once the integration is installed, as `owner/name`").used_by(&[Integration, Links, Resume]),
    integration("code-mappings", &["FINISHLINE_CODE_MAPPINGS"], Value("YAML"), Entry(Mappings), "none",
        "a list of `{project, repository, stackRoot, sourceRoot, defaultBranch}` to set once the integration is installed").used_by(&[Integration, Links, Resume]),
    integration("repositories-absent", &["FINISHLINE_REPOSITORIES_ABSENT"], Value("LIST"), Entry(List), "none",
        "repositories of the integration to remove from Sentry, with their commits").used_by(&[Integration, Links, Resume]),
    integration("code-mappings-absent", &["FINISHLINE_CODE_MAPPINGS_ABSENT"], Value("YAML"), Entry(Mappings), "none",
        "a list of `{project, stackRoot}` whose code mappings to delete").used_by(&[Integration, Links, Resume]),
    connection("org", &["FINISHLINE_ORG", "SENTRY_ORG"], Value("SLUG"), Connection(Text), "from the token",
        "the organization slug; needed with `provider`"),
    release("projects", &["FINISHLINE_PROJECTS", "SENTRY_PROJECT"], Value("LIST"), Entry(List), "none",
        "the slugs of the release's projects; a release needs at least one").used_by(&[Release, Sourcemaps]),
    connection("url", &["FINISHLINE_URL", "SENTRY_URL"], Value("URL"), Connection(Text), "from the token, else https://sentry.io; http://127.0.0.1:9797 (embedded)",
        "the URL of the backend").used_by(&[Integration, Removal, Links, Release, Sourcemaps, CommitStatus, JobKind::Manifest, SentryResume, SentryImport]),
    connection("auth-token", &["FINISHLINE_AUTH_TOKEN", "SENTRY_AUTH_TOKEN"], File("auth-token-file"), Connection(Secret), "none",
        "the access token for a Sentry backend").of_backend(Sentry),
    connection("pipeline-token", &["FINISHLINE_PIPELINE_TOKEN"], File("pipeline-token-file"), Connection(Secret), "auth-token",
        "a user's access token for the pipeline only, if `auth-token` is an organization token").of_backend(Sentry),
    connection("headers", &["FINISHLINE_HEADERS", "CUSTOM_HEADER"], File("headers-file"), Connection(Secret), "none",
        "headers for a Sentry backend behind an identity proxy, one `Name: value` a line; a secret, sent to the backend's own address only").of_backend(Sentry),
    release("release", &["FINISHLINE_RELEASE", "SENTRY_RELEASE"], Value("VERSION"), Entry(Text), "the commit that was built",
        "the version of the release, or `file:PATH` to read it from a file").used_by(&[Release, Sourcemaps]),
    release("release-prefix", &["FINISHLINE_RELEASE_PREFIX"], Value("TEXT"), Entry(Text), "none",
        "prefix of the version, such as `web@`").used_by(&[Release, Sourcemaps]),
    release("environment", &["FINISHLINE_ENVIRONMENT", "SENTRY_ENVIRONMENT"], Value("NAME"), Entry(Text), "none; with `deploy: true`, the CI host's environment",
        "the environment that the release is deployed to; setting this enables the release").used_by(&[Release]),
    release("commits", &["FINISHLINE_COMMITS"], Value("SOURCE"), Entry(List), "auto",
        "the source of the release's commits: `auto`, `local` (the checkout), `github` (its API), `none`, or a list of `REPO@COMMIT` and `REPO@PREVIOUS..COMMIT`").used_by(&[Release]),
    release("previous-commit", &["FINISHLINE_PREVIOUS_COMMIT"], Value("SHA"), Entry(Text), "determined by the backend",
        "the commit of the previous release; `lookup` reads it from the backend, and 40 or 64 zeros mean none").used_by(&[Commits]),
    release("paths", &["FINISHLINE_PATHS"], Value("LIST"), Entry(List), "none",
        "include only commits that touch one of these files, folders or patterns; read from the checkout").used_by(&[History]),
    release("remote", &["FINISHLINE_REMOTE", "SENTRY_VCS_REMOTE"], Value("NAME"), Entry(Text), "origin",
        "the git remote that identifies the repository, if the CI host does not").used_by(&[Release]),
    release("finalize", &["FINISHLINE_FINALIZE"], Switch, Entry(Boolean), "true",
        "finalizes the release (sets its date)").used_by(&[Release]),
    release("released-at", &["FINISHLINE_RELEASED_AT"], Value("TIME"), Entry(Text), "now",
        "when the release was finalized: ISO 8601, or seconds since 1970").used_by(&[Release]),
    release("release-url", &["FINISHLINE_RELEASE_URL"], Value("URL"), Entry(Text), "the URL of the CI run",
        "the page that the release links to").used_by(&[Release]),
    release("wait-for-commits", &["FINISHLINE_WAIT_FOR_COMMITS"], Switch, Entry(Boolean), "false",
        "waits until Sentry has processed the commits").used_by(&[Commits]),
    release("deploy", &["FINISHLINE_DEPLOY"], Switch, Entry(Boolean), "true if `environment` is set",
        "records a deploy; setting this enables the release").used_by(&[Release]),
    release("deploy-name", &["FINISHLINE_DEPLOY_NAME"], Value("TEXT"), Entry(Text), "none",
        "the name of the deploy").used_by(&[Deploy]),
    release("deploy-url", &["FINISHLINE_DEPLOY_URL"], Value("URL"), Entry(Text), "the URL of the CI run",
        "the URL of the deploy").used_by(&[Deploy]),
    release("started-at", &["FINISHLINE_STARTED_AT"], Value("TIME"), Entry(Text), "none",
        "the start of the deploy: ISO 8601, or seconds since 1970").used_by(&[Deploy]),
    release("finished-at", &["FINISHLINE_FINISHED_AT"], Value("TIME"), Entry(Text), "now",
        "the end of the deploy, likewise").used_by(&[Deploy]),
    source_maps("sourcemaps", &["FINISHLINE_SOURCEMAPS"], Value("PATHS"), Entry(List), "none",
        "folders, files or globs with the scripts and source maps of the build; scripts get debug ids, then both are uploaded").used_by(&[Sourcemaps]),
    source_maps("inject", &["FINISHLINE_INJECT"], Switch, Entry(Boolean), "true",
        "writes a debug id into each script and its source map; `false` uploads the ids that a bundler wrote").used_by(&[Sourcemaps]),
    source_maps("dist", &["FINISHLINE_DIST", "SENTRY_DIST"], Value("NAME"), Entry(Text), "none",
        "the distribution of the release that the source maps are for").used_by(&[Sourcemaps]),
    source_maps("url-prefix", &["FINISHLINE_URL_PREFIX"], Value("URL"), Entry(Text), "`~/`",
        "what stands before a file's path in its URL; `~` is any host; only matters without debug ids").used_by(&[Sourcemaps]),
    source_maps("url-suffix", &["FINISHLINE_URL_SUFFIX"], Value("TEXT"), Entry(Text), "none",
        "what stands behind a file's path in its URL, such as `?v=2`").used_by(&[Sourcemaps]),
    source_maps("strip-prefix", &["FINISHLINE_STRIP_PREFIX"], Value("LIST"), Entry(List), "none",
        "folders to cut off the names of sources in the uploaded maps").used_by(&[Sourcemaps]),
    source_maps("strip-common-prefix", &["FINISHLINE_STRIP_COMMON_PREFIX"], Switch, Entry(Boolean), "false",
        "cuts off the folder that all absolute names of sources in a map share").used_by(&[Sourcemaps]),
    source_maps("sourcemaps-ignore", &["FINISHLINE_SOURCEMAPS_IGNORE"], Value("LIST"), Entry(List), "none",
        "files and folders to leave out, as in `.gitignore`; hidden ones and `node_modules` are always left out").used_by(&[Sourcemaps]),
    source_maps("sourcemaps-ignore-file", &["FINISHLINE_SOURCEMAPS_IGNORE_FILE"], Value("FILE"), Entry(Text), "none",
        "a file with more of these, one a line").used_by(&[Sourcemaps]),
    source_maps("sourcemaps-extensions", &["FINISHLINE_SOURCEMAPS_EXTENSIONS"], Value("LIST"), Entry(List), "all",
        "only files with these extensions are uploaded, such as `js, map`").used_by(&[Sourcemaps]),
    source_maps("sourcemaps-wait", &["FINISHLINE_SOURCEMAPS_WAIT"], Switch, Entry(Boolean), "true",
        "waits until Sentry has processed the upload; without it, a later refusal goes unnoticed").used_by(&[Sourcemaps]),
    source_maps("allow-empty", &["FINISHLINE_ALLOW_EMPTY"], Switch, Entry(Boolean), "false",
        "accepts scripts without a source map, and a folder without scripts").used_by(&[Sourcemaps]),
    source_maps("allow-unmapped", &["FINISHLINE_ALLOW_UNMAPPED"], Switch, Entry(Boolean), "false",
        "accepts scripts without a source map").used_by(&[Sourcemaps]),
    source_maps("delete-sourcemaps", &["FINISHLINE_DELETE_SOURCEMAPS"], Switch, Entry(Boolean), "false",
        "deletes the source maps and the comments that name them once Sentry has them").used_by(&[Sourcemaps]),
    source_maps("sourcemaps-strip-sources", &["FINISHLINE_SOURCEMAPS_STRIP_SOURCES"], Switch, Entry(Boolean), "false",
        "uploads the source maps without the sources' code").used_by(&[Sourcemaps]),
    source_maps("inject-refresh", &["FINISHLINE_INJECT_REFRESH"], Switch, Entry(Boolean), "false",
        "updates the hashes (`integrity`, `ngsw.json`) and compressed copies of scripts that got a debug id").used_by(&[Sourcemaps]),
    connection("backend", &["FINISHLINE_BACKEND"], Value("BACKEND"), Global, "`sentry` if a token or a URL is set, else `embedded` outside CI",
        "`sentry` (a server) or `embedded` (a local SQLite file)"),
    connection("database", &["FINISHLINE_DATABASE"], Value("FILE"), Global, "finishline.db in the user's state directory",
        "the local SQLite file of the embedded backend; created if it does not exist").of_backend(Embedded),
    connection("apps", &["FINISHLINE_APPS"], File("apps"), Global, "none",
        "for the embedded backend: credentials of your own apps at third parties, as a YAML mapping by provider; a secret, so the flag takes a file").used_by(&[OwnApp, JobKind::Manifest]).of_backend(Embedded),
    connection("dialect", &["FINISHLINE_DIALECT"], Value("DIALECT"), Connection(Word(&["auto", "api", "web"])), "auto",
        "how to access a Sentry backend: `api` (2026 and later), `web` (older), `auto`").used_by(&[Integration, JobKind::Manifest, Resume]).of_backend(Sentry),
    connection("ca-file", &["FINISHLINE_CA_FILE"], Value("FILE"), Global, "none",
        "PEM certificates to trust in addition to the system's"),
    input("manifest", &["FINISHLINE_MANIFEST"], Value("FILE"), Step, "none",
        "a file that lists integrations and releases; see docs/manifest.md").used_by(&[JobKind::Manifest, Resume]),
    input("max-parallel", &["FINISHLINE_MAX_PARALLEL"], Value("COUNT"), Step, "8",
        "how many manifest entries may run at once").used_by(&[JobKind::Manifest]),
    input("dry-run", &["FINISHLINE_DRY_RUN"], Switch, Global, "false",
        "shows what would change, without changing anything"),
    input("plan", &["FINISHLINE_PLAN"], Value("FILE"), Step, "none",
        "for `run`: carries out this plan, the JSON of `finishline plan`, and refuses if it no longer holds"),
    integration("wait-for-approval", &["FINISHLINE_WAIT_FOR_APPROVAL"], Switch, Step, "false",
        "on a terminal, `run` waits for the callback URL to be pasted; never in CI").used_by(&[Integration]).of_backend(Embedded),
    input("tolerate", &["FINISHLINE_TOLERATE", "SENTRY_ALLOW_FAILURE"], Value("LIST"), Global, "none",
        "failures treated as success with a warning: `action-required`, `refused`, `auth`, `unavailable`, `all`"),
    connection("without-token", &["FINISHLINE_WITHOUT_TOKEN"], Value("END"), Global, "error",
        "how a run ends that needs a Sentry token and has none: `error`, or `skip` (success, with a warning)").of_backend(Sentry),
    input("timeout", &["FINISHLINE_TIMEOUT"], Value("TIME"), Global, "120s",
        "the time limit of the whole run: `90s`, `2m`, or seconds"),
    input("github-token", &["FINISHLINE_GITHUB_TOKEN", "GITHUB_TOKEN"], File("github-token-file"), Connection(Secret), "none",
        "the access token for GitHub's API, for `commits: github` in a private repository and for `github-status`").used_by(&[GithubCommits, CommitStatus, JobKind::Manifest]),
    output("github-status", &["FINISHLINE_GITHUB_STATUS"], Value("CONTEXT"), Step, "off",
        "sets a commit status of this name that links to the settings page or the release").used_by(&[Integration, Removal, Links, Release, JobKind::Manifest]),
    input("working-directory", &["FINISHLINE_WORKING_DIRECTORY"], Value("FOLDER"), Global, "where the step runs",
        "the folder in which the checkout is looked for and from which relative paths start"),
    input("ci", &["FINISHLINE_CI"], Value("HOST"), Global, "detected",
        "the CI host: `github`, `gitea`, `forgejo`, `gitlab`, `azure`, `circleci`, `buildkite`, `bitbucket`, `woodpecker`, `jenkins`, `ci` (another one) or `local`"),
    output("format", &["FINISHLINE_FORMAT"], Value("FORMAT"), Global, "text",
        "`text`, `json` or `markdown` on standard output; as Markdown it is the job summary, short enough for a comment"),
    output("log-level", &["FINISHLINE_LOG_LEVEL", "SENTRY_LOG_LEVEL"], Value("LEVEL"), Global, "info; debug if the CI host runs in debug mode",
        "`off`, `error`, `warn`, `info`, `debug`, `trace`, on standard error"),
    output("log-format", &["FINISHLINE_LOG_FORMAT"], Value("FORMAT"), Global, "text",
        "`text` or `json` on standard error"),
    output("color", &["FINISHLINE_COLOR"], Value("WHEN"), Global, "auto",
        "`always`, `never` or `auto`: at a terminal, unless NO_COLOR is set"),
    output("result-file", &["FINISHLINE_RESULT_FILE"], Value("FILE"), Global, "none",
        "also writes the whole result to this file, as JSON"),
    output("dotenv", &["FINISHLINE_DOTENV"], Value("FILE"), Global, "finishline.env in the project on GitLab, in the workspace on Jenkins, else none",
        "writes the step outputs to this file, as a dotenv report"),
    output("output-prefix", &["FINISHLINE_OUTPUT_PREFIX"], Value("PREFIX"), Global, "FINISHLINE_OUT_",
        "prefix of the outputs' names where outputs are variables: in a dotenv report and in the files of CircleCI, Bitbucket, Woodpecker and Jenkins"),
    output("annotations", &["FINISHLINE_ANNOTATIONS"], Value("FILE"), Global, "finishline-annotations.json in the project on GitLab, else none",
        "writes the links to this file, as a GitLab annotations report"),
    output("summary", &["FINISHLINE_SUMMARY"], Value("FILE"), Global, "GITHUB_STEP_SUMMARY if set, else none",
        "appends the job summary to this file, as Markdown"),
];

const fn input(
    name: &'static str,
    variables: &'static [&'static str],
    flag: FlagKind,
    manifest: ManifestScope,
    default: &'static str,
    meaning: &'static str,
) -> InputSpec {
    let (used_by, backend, group) = (ANY, None, InputGroup::Advanced);
    InputSpec { name, variables, flag, manifest, default, meaning, used_by, backend, group }
}

/// Declares the functions that make an input of a group; [`input`] makes one of the last.
macro_rules! input_groups {
    ($($function:ident $group:ident;)*) => {$(
        const fn $function(
            name: &'static str,
            variables: &'static [&'static str],
            flag: FlagKind,
            manifest: ManifestScope,
            default: &'static str,
            meaning: &'static str,
        ) -> InputSpec {
            let group = InputGroup::$group;
            InputSpec { group, ..input(name, variables, flag, manifest, default, meaning) }
        }
    )*};
}

input_groups! {
    integration Integration;
    release Release;
    source_maps SourceMaps;
    connection Connection;
    output Output;
}
