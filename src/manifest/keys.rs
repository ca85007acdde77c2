//! The keys of a manifest: which inputs an entry may name, and how each is written there.

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// A text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number.
    Number,
    /// `true` or `false`.
    Flag,
    /// A list of texts, or one text with commas.
    List,
    /// A list of mappings that go on as YAML.
    Mappings,
    /// The fields of a provider's steps.
    State,
    /// The name of a variable, as `${NAME}`.
    Secret,
}

/// A key with the way its value is written.
pub type Key = (&'static str, KeyKind);

/// The keys at the top, in the order of the docs.
pub const TOP_LEVEL_KEYS: [&str; 4] = ["version", "defaults", "integrations", "releases"];

/// The keys of a code mapping.
pub const CODE_MAPPING: [&str; 5] =
    ["project", "repository", "stackRoot", "sourceRoot", "defaultBranch"];

/// The keys of an entry of `integrations:`.
pub const INTEGRATION: &[Key] = &[
    ("provider", KeyKind::Text),
    ("org", KeyKind::Text),
    ("mode", KeyKind::Word(&["ensure", "install", "reauth"])),
    ("integration-id", KeyKind::Number),
    ("state", KeyKind::State),
    ("next", KeyKind::Text),
    ("repositories", KeyKind::List),
    ("code-mappings", KeyKind::Mappings),
    ("url", KeyKind::Text),
    ("auth-token", KeyKind::Secret),
    ("pipeline-token", KeyKind::Secret),
    ("dialect", KeyKind::Word(&["auto", "api", "web"])),
];

/// The keys of an entry of `releases:`.
pub const RELEASE: &[Key] = &[
    ("org", KeyKind::Text),
    ("projects", KeyKind::List),
    ("release", KeyKind::Text),
    ("release-prefix", KeyKind::Text),
    ("environment", KeyKind::Text),
    ("commits", KeyKind::List),
    ("previous", KeyKind::Text),
    ("paths", KeyKind::List),
    ("remote", KeyKind::Text),
    ("finalize", KeyKind::Flag),
    ("proof", KeyKind::Flag),
    ("deploy", KeyKind::Flag),
    ("deploy-name", KeyKind::Text),
    ("deploy-url", KeyKind::Text),
    ("started-at", KeyKind::Text),
    ("url", KeyKind::Text),
    ("auth-token", KeyKind::Secret),
    ("github-token", KeyKind::Secret),
];

/// What tells one entry from another, and so is no default.
const IDENTIFYING_KEYS: &[&str] = &["provider", "integration-id", "state"];

/// The keys of `defaults:`: what entries may name, without what tells them apart.
pub fn defaults() -> Vec<Key> {
    let others = RELEASE.iter().filter(|(name, _)| INTEGRATION.iter().all(|(own, _)| own != name));
    INTEGRATION
        .iter()
        .chain(others)
        .filter(|(name, _)| !IDENTIFYING_KEYS.contains(name))
        .copied()
        .collect()
}

/// How the backend is reached: beside a manifest, what was typed holds for every entry.
const CONNECTION_KEYS: &[&str] =
    &["org", "url", "auth-token", "pipeline-token", "github-token", "dialect"];

/// What a step says of itself and no entry does.
const RUN_KEYS: &[&str] =
    &["callback-url", "entry", "wait", "github-status", "manifest", "max-parallel"];

/// Whether an input is an entry's own, so that beside a manifest it is not typed.
pub fn is_per_entry(name: &str) -> bool {
    let keys = INTEGRATION.iter().chain(RELEASE);
    keys.into_iter().any(|(key, _)| *key == name) && !CONNECTION_KEYS.contains(&name)
}

/// Whether an entry takes what was typed under this name. A release takes what programs that
/// report errors read too: the version and the environment of the job.
pub fn is_shared(name: &str, release: bool) -> bool {
    let own = is_per_entry(name) || RUN_KEYS.contains(&name);
    !own || (release && ["release", "environment", "projects", "remote"].contains(&name))
}
