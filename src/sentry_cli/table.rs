//! The commands of sentry-cli 2 and 3 with their flags, and what becomes of each.

use FlagUse::{Fact, Input, Refused, Rule, Unused};

/// What a command of sentry-cli does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentryCliTask {
    /// `releases new`.
    NewRelease,
    /// `releases set-commits`.
    SetCommits,
    /// `releases finalize`.
    FinalizeRelease,
    /// `deploys new`.
    NewDeploy,
    /// `sourcemaps inject`.
    InjectDebugIds,
    /// `sourcemaps upload`.
    UploadSourcemaps,
    /// `releases propose-version`.
    ProposeVersion,
    /// `releases info`.
    ReleaseInfo,
    /// `releases list`.
    ListReleases,
    /// `releases delete`.
    DeleteRelease,
    /// `releases archive`.
    ArchiveRelease,
    /// `releases restore`.
    RestoreRelease,
    /// `deploys list`.
    ListDeploys,
    /// `repos list`.
    ListRepositories,
    /// `info`.
    ServerInfo,
}

/// A command: the words that name it, and what may follow them.
pub(super) struct CommandSpec {
    /// Its words; `VERSION` stands for a version between them.
    pub(super) path: &'static [&'static str],
    pub(super) task: SentryCliTask,
    pub(super) operand: OperandKind,
    pub(super) flags: &'static [FlagSpec],
}

/// What a command takes without a flag.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OperandKind {
    None,
    Version,
    Paths,
}

/// A flag.
pub(super) struct FlagSpec {
    pub(super) long: &'static str,
    pub(super) short: Option<char>,
    pub(super) values: ValueCount,
    pub(super) becomes: FlagUse,
}

/// How many values a flag takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueCount {
    Switch,
    One,
    /// One each time that it stands there.
    Repeated,
}

/// What becomes of a flag.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FlagUse {
    /// The input of this name.
    Input(&'static str),
    /// A part of what the command does.
    Fact,
    /// What it asks for is done without it.
    Rule,
    /// Accepted with a warning, which says what is done instead.
    Unused(&'static str),
    /// Refused, with what to use instead.
    Refused(&'static str),
}

const fn switch(long: &'static str, becomes: FlagUse) -> FlagSpec {
    FlagSpec { long, short: None, values: ValueCount::Switch, becomes }
}

const fn value(long: &'static str, becomes: FlagUse) -> FlagSpec {
    FlagSpec { long, short: None, values: ValueCount::One, becomes }
}

const fn repeated(long: &'static str, becomes: FlagUse) -> FlagSpec {
    FlagSpec { long, short: None, values: ValueCount::Repeated, becomes }
}

impl FlagSpec {
    const fn short(self, short: char) -> Self {
        Self { short: Some(short), ..self }
    }
}

const fn command(
    path: &'static [&'static str],
    task: SentryCliTask,
    operand: OperandKind,
    flags: &'static [FlagSpec],
) -> CommandSpec {
    CommandSpec { path, task, operand, flags }
}

/// The flag of the server's address, which stands before the command.
pub(super) const SERVER: FlagSpec = value("url", Input("url"));

/// The flags that may stand anywhere.
pub(super) const EVERYWHERE: &[FlagSpec] = &[
    value("org", Input("org")).short('o'),
    repeated("project", Input("projects")).short('p'),
    value("auth-token", Input("auth-token")),
    repeated("header", Input("headers")),
    value("log-level", Input("log-level")),
    switch("quiet", Fact),
    switch("allow-failure", Fact),
    value("api-key", Refused("set SENTRY_AUTH_TOKEN to an access token")),
];

const ONE_BUNDLE: &str = "name the folder of the bundle as a path: `sourcemaps upload DIR`";

const KEPT_COMMITS: &str = "Sentry keeps the commits of a release when it is sent none; to be rid of them, \
     use `releases delete VERSION`, then `releases new VERSION`";
const FIRST_COMMITS: &str = "a first release gets the newest 20 commits of the checkout";

const NEW_DEPLOY: &[FlagSpec] = &[
    value("release", Input("release")).short('r'),
    value("env", Input("environment")).short('e'),
    value("name", Input("deploy-name")).short('n'),
    value("url", Input("deploy-url")).short('u'),
    value("started", Input("started-at")),
    value("finished", Input("finished-at")),
    value("time", Fact).short('t'),
];
const INJECT: &[FlagSpec] = &[
    repeated("ignore", Input("sourcemaps-ignore")).short('i'),
    value("ignore-file", Input("sourcemaps-ignore-file")).short('I'),
    repeated("ext", Unused("scripts and source maps are known by their names")).short('x'),
    switch("dry-run", Input("dry-run")),
    value("release", Rule).short('r'),
];
const UPLOAD: &[FlagSpec] = &[
    value("release", Input("release")).short('r'),
    value("dist", Input("dist")).short('d'),
    value("url-prefix", Input("url-prefix")).short('u'),
    value("url-suffix", Input("url-suffix")),
    repeated("strip-prefix", Input("strip-prefix")),
    switch("strip-common-prefix", Input("strip-common-prefix")),
    repeated("ignore", Input("sourcemaps-ignore")).short('i'),
    value("ignore-file", Input("sourcemaps-ignore-file")).short('I'),
    switch("wait", Input("sourcemaps-wait")),
    value("wait-for", Fact),
    repeated("ext", Input("sourcemaps-extensions")).short('x'),
    switch("no-sourcemap-reference", Unused("scripts are stored with the name of their map")),
    switch("debug-id-reference", Rule),
    switch("no-rewrite", Rule),
    switch("rewrite", Rule),
    switch("validate", Rule),
    switch("strict", Fact),
    switch("no-dedupe", Rule),
    switch("use-artifact-bundle", Rule),
    switch("use-debug-ids", Rule),
    switch("verbose", Rule).short('v'),
    switch("decompress", Refused("upload the files before they are compressed")),
    value("note", Refused("leave it out: a bundle has no note")),
    value("bundle", Refused(ONE_BUNDLE)),
    value("bundle-sourcemap", Refused(ONE_BUNDLE)),
];
const ONE_LINE: &str = "one line is printed, with the numbers of commits and deploys";
const INFO: &[FlagSpec] = &[
    switch("show-projects", Unused(ONE_LINE)).short('P'),
    switch("show-commits", Unused(ONE_LINE)).short('C'),
];

/// Every command that is taken.
pub(super) const COMMANDS: &[CommandSpec] = &[
    command(
        &["releases", "new"],
        SentryCliTask::NewRelease,
        OperandKind::Version,
        &[switch("finalize", Fact), value("url", Input("release-url")), value("ref", Rule)],
    ),
    command(
        &["releases", "set-commits"],
        SentryCliTask::SetCommits,
        OperandKind::Version,
        &[
            switch("auto", Fact),
            repeated("commit", Fact).short('c'),
            switch("local", Fact),
            switch("clear", Refused(KEPT_COMMITS)),
            switch("ignore-missing", Rule),
            switch("ignore-empty", Rule),
            value("initial-depth", Unused(FIRST_COMMITS)),
        ],
    ),
    command(
        &["releases", "finalize"],
        SentryCliTask::FinalizeRelease,
        OperandKind::Version,
        &[
            value("url", Input("release-url")),
            value("released", Input("released-at")),
            value("started", Rule),
        ],
    ),
    command(
        &["releases", "propose-version"],
        SentryCliTask::ProposeVersion,
        OperandKind::None,
        &[],
    ),
    command(&["releases", "info"], SentryCliTask::ReleaseInfo, OperandKind::Version, INFO),
    command(
        &["releases", "list"],
        SentryCliTask::ListReleases,
        OperandKind::None,
        &[
            switch("show-projects", Fact).short('P'),
            switch("raw", Fact).short('R'),
            value("delimiter", Fact).short('D'),
            switch("no-abbrev", Rule),
        ],
    ),
    command(&["releases", "delete"], SentryCliTask::DeleteRelease, OperandKind::Version, &[]),
    command(&["releases", "archive"], SentryCliTask::ArchiveRelease, OperandKind::Version, &[]),
    command(&["releases", "restore"], SentryCliTask::RestoreRelease, OperandKind::Version, &[]),
    command(
        &["releases", "deploys", "VERSION", "list"],
        SentryCliTask::ListDeploys,
        OperandKind::None,
        &[],
    ),
    command(
        &["releases", "deploys", "VERSION", "new"],
        SentryCliTask::NewDeploy,
        OperandKind::None,
        NEW_DEPLOY,
    ),
    command(
        &["releases", "files", "VERSION", "upload-sourcemaps"],
        SentryCliTask::UploadSourcemaps,
        OperandKind::Paths,
        UPLOAD,
    ),
    command(&["deploys", "new"], SentryCliTask::NewDeploy, OperandKind::None, NEW_DEPLOY),
    command(
        &["deploys", "list"],
        SentryCliTask::ListDeploys,
        OperandKind::None,
        &[value("release", Input("release")).short('r')],
    ),
    command(&["repos", "list"], SentryCliTask::ListRepositories, OperandKind::None, &[]),
    command(
        &["info"],
        SentryCliTask::ServerInfo,
        OperandKind::None,
        &[switch("no-defaults", Fact), switch("config-status-json", Fact)],
    ),
    command(&["sourcemaps", "inject"], SentryCliTask::InjectDebugIds, OperandKind::Paths, INJECT),
    command(&["sourcemaps", "upload"], SentryCliTask::UploadSourcemaps, OperandKind::Paths, UPLOAD),
];

/// The inputs that flags of the calls for this task give.
pub fn flag_inputs(task: SentryCliTask) -> impl Iterator<Item = &'static str> {
    let commands = COMMANDS.iter().filter(move |command| command.task == task);
    commands.flat_map(|command| command.flags).filter_map(|flag| match flag.becomes {
        Input(name) => Some(name),
        _ => None,
    })
}

/// The groups of commands, and other names of theirs.
pub(super) const GROUPS: &[(&str, &[&str])] =
    &[("releases", &["release"]), ("deploys", &[]), ("sourcemaps", &["sourcemap"]), ("repos", &[])];

/// Commands that are not taken, and what to use instead; the first row that fits counts.
pub(super) const REFUSED: &[(&[&str], &str)] = &[
    (
        &["releases", "files"],
        "use `sourcemaps upload -r VERSION DIR`; Sentry keeps files of a release as bundles",
    ),
    (
        &["files"],
        "use `sourcemaps upload -r VERSION DIR`; Sentry keeps files of a release as bundles",
    ),
    (&["sourcemaps", "explain"], "open the event in Sentry and choose *Unminify Code*"),
    (&["sourcemaps", "resolve"], "use sentry-cli for this command"),
    (&["login"], "set SENTRY_AUTH_TOKEN to an access token"),
    (&["update"], "use the next version of finishline"),
    (&["uninstall"], "remove the program"),
    (&["completions"], "use `finishline completions SHELL`"),
    (&["organizations"], "use Sentry's pages, or sentry-cli for this command"),
    (&["projects"], "use Sentry's pages, or sentry-cli for this command"),
    (&["code-mappings"], "use the input `code-mappings` with `provider`"),
];

/// What is said of every other command.
pub(super) const NOT_HERE: &str = "use sentry-cli for this command";
