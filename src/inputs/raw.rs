//! What was typed: for each input the flag, else the first variable that has a value.
//!
//! Nothing is interpreted here; an origin stays with each text so that a mistake can name it.

use super::compat::names::{self, GivenNames};
use super::compat::{fallback, files, set_commits, variables};
use super::macros;
pub use super::origin::InputOrigin;
use super::table::{FlagKind, INPUTS, InputSpec};
use super::types::{CalledRelease, Mode, ReadFile};
use crate::env::Env;
use crate::error::{Error, ErrorCode, Result, UNUSED_INPUT, Warning};
use crate::job::MacroHosts;
use crate::secret::Secret;
use crate::text::yaml::YamlDocument;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The inputs that are tokens for Sentry.
pub const TOKENS: [&str; 2] = ["auth-token", "pipeline-token"];

/// The flags of the command line: texts by the input's name, and each `--set`.
#[derive(Default)]
pub struct CommandLineFlags {
    /// What each input's flag was given.
    pub values: BTreeMap<&'static str, String>,
    /// The `--set NAME=VALUE`s, in order.
    pub sets: Vec<String>,
    /// Whether a plan that finds something to do has an exit code of its own.
    pub exit_code: bool,
    /// The line of a stack that is to be explained.
    pub frame: Option<String>,
    /// Whether it is a call of sentry-cli, and of what release.
    pub called: CalledRelease,
}

/// A text with the flag or variable that it came from.
#[derive(Clone)]
pub struct RawInput {
    /// The text, which may be a secret.
    pub text: Secret,
    /// Where it came from.
    pub origin: InputOrigin,
}

/// The `state` of one entry: a part of the manifest.
#[derive(Clone)]
pub struct StateBlock {
    /// The whole manifest.
    pub document: Rc<YamlDocument>,
    /// The keys and indexes that lead to the part.
    pub path: Vec<String>,
}

/// What one entry of a manifest says for itself.
#[derive(Default)]
pub struct EntryInputs {
    /// Texts by the input's name.
    pub texts: BTreeMap<&'static str, RawInput>,
    /// Its `state`.
    pub state: Option<StateBlock>,
    /// Whether it asks for a release, and not for an integration.
    pub release: bool,
    /// The variable of its token, when that is not set.
    pub unset_token: Option<String>,
}

/// Everything that was typed.
#[derive(Clone, Default)]
pub struct RawInputs {
    typed: BTreeMap<&'static str, RawInput>,
    /// What holds when nothing else names it.
    defaults: BTreeMap<&'static str, RawInput>,
    /// Whether the token may go to the server that a file names: a person at a terminal sees it.
    pub is_at_terminal: bool,
    /// The `--set NAME=VALUE`s, in order.
    pub sets: Vec<Secret>,
    /// The inputs that were given and could not be read.
    unreadable: Vec<&'static str>,
    /// What the reader should know of what was typed.
    pub(super) warnings: Vec<Warning>,
    /// The `state` of a manifest's entry.
    pub(super) block: Option<StateBlock>,
    /// Whether an entry of a manifest asks for a release.
    pub(super) asks_release: bool,
    /// Whether a release is meant where nothing else is asked for.
    pub implies_release: bool,
    /// What was given and is not needed, each with the reason.
    pub not_needed: Vec<String>,
    /// Whether it is a call of sentry-cli, and of what release.
    pub(crate) called: CalledRelease,
    /// The line of a stack that is to be explained.
    pub frame: Option<String>,
    /// The CI hosts whose macros may be left in a text.
    pub hosts: MacroHosts,
    /// The inputs that count as not given since the host has no such variable, with its macro.
    pub undefined: Vec<(InputOrigin, String)>,
    /// The files whose text was given by a flag, by the input's name.
    files: BTreeMap<&'static str, String>,
    /// The variable of its token, when that is not set: then no other token stands in.
    pub unset_token: Option<String>,
    /// Whether SENTRY_AUTH_TOKEN is set to nothing, as a secret is that does not exist.
    pub has_blank_token: bool,
}

impl RawInputs {
    /// Collects every input, and every reason why one cannot be taken as it stands.
    pub fn collect(flags: CommandLineFlags, env: &Env, read: ReadFile<'_>) -> (Self, Vec<Error>) {
        let (called, frame) = (flags.called, flags.frame.clone());
        let hosts = MacroHosts::of_run(flags.values.get("ci"), env);
        let mut inputs = Self { hosts, called, frame, ..Self::default() };
        let mut mistakes = Vec::new();
        for input in INPUTS {
            match inputs.lookup(input, &flags, env, read) {
                Ok(text) => inputs.typed.extend(text.map(|text| (input.name, text))),
                Err(mistake) => {
                    inputs.unreadable.push(input.name);
                    mistakes.push(mistake);
                }
            }
        }
        inputs.has_blank_token = env.is_blank("SENTRY_AUTH_TOKEN");
        inputs.sets = flags.sets.into_iter().map(Secret::from).collect();
        inputs.warnings = unquote_tokens(&mut inputs.typed);
        inputs.warnings.extend(inputs.unused_fallbacks(env));
        mistakes.extend(inputs.read_other_names(env));
        (inputs, mistakes)
    }

    /// What to say of names that hold only where no variable gives their input.
    fn unused_fallbacks(&self, env: &Env) -> Vec<Warning> {
        let unused = self.typed.iter().filter_map(|(name, input)| {
            let variable = fallback(name)?;
            let text = env.get(variable)?.trim();
            let is_other = !text.is_empty() && text != input.text.expose();
            let origin = input.origin;
            is_other.then(|| {
                let names = names::fallback_names(variable);
                let message = format!("{names} is not used, because {origin} is set");
                Warning::new(UNUSED_INPUT, message)
            })
        });
        unused.collect()
    }

    /// What was given under the names of other tools; the mistakes in it.
    fn read_other_names(&mut self, env: &Env) -> Vec<Error> {
        let given = GivenNames::read(env, |name| self.is_given(name));
        let (mut mistakes, parts) = (given.mistakes, given.parts);
        self.not_needed = given.notes;
        let commits = self.typed.get_mut("commits");
        let text = commits.as_ref().map(|input| input.text.expose().to_owned());
        self.warnings.extend(set_commits::unused_parts(text.as_deref(), &parts));
        match (set_commits::from_parts(text.as_deref(), &parts), commits) {
            (Ok(Some(text)), Some(input)) => input.text = Secret::from(text),
            (Ok(_), _) => {}
            (Err(mistake), _) => {
                self.typed.remove("commits");
                mistakes.push(mistake);
            }
        }
        mistakes
    }

    /// The folder that relative paths start from, which holds before any input is read.
    pub fn working_directory(flags: &CommandLineFlags, env: &Env) -> Result<Option<RawInput>> {
        Self::alone("working-directory", flags, env)
    }

    /// One input by itself, which is in no file.
    pub(super) fn alone(
        name: &str,
        flags: &CommandLineFlags,
        env: &Env,
    ) -> Result<Option<RawInput>> {
        let input = InputSpec::find(name).expect("the table has this input");
        let hosts = MacroHosts::of_run(flags.values.get("ci"), env);
        let mut inputs = Self { hosts, ..Self::default() };
        inputs.lookup(input, flags, env, &|_| Err(std::io::ErrorKind::Unsupported.into()))
    }

    /// What holds for one entry of a manifest: what it says, over what was typed under names that
    /// `shares` lets through.
    #[must_use]
    pub fn for_entry(&self, entry: EntryInputs, shares: impl Fn(&str) -> bool) -> Self {
        let shared = |inputs: &BTreeMap<&'static str, RawInput>| {
            let mut inputs = inputs.clone();
            inputs.retain(|name, _| shares(name));
            inputs
        };
        let mut typed = shared(&self.typed);
        if entry.unset_token.is_some() {
            TOKENS.iter().for_each(|name| drop(typed.remove(name)));
        }
        typed.extend(entry.texts);
        let warnings = unquote_tokens(&mut typed);
        let mut defaults = shared(&self.defaults);
        // What was built is a fact of the job, as its commit is.
        let built = self.defaults.get_key_value("release").filter(|_| entry.release);
        defaults.extend(built.map(|(name, version)| (*name, version.clone())));
        Self {
            unreadable: self.unreadable.clone(),
            warnings,
            typed,
            defaults,
            is_at_terminal: self.is_at_terminal,
            sets: Vec::new(),
            block: entry.state,
            asks_release: entry.release,
            implies_release: false,
            not_needed: Vec::new(),
            called: CalledRelease::NotCalled,
            frame: None,
            hosts: self.hosts,
            undefined: Vec::new(),
            files: BTreeMap::new(),
            unset_token: entry.unset_token,
            has_blank_token: self.has_blank_token,
        }
    }

    /// Takes the defaults that sentry-cli keeps in files, where inputs of theirs are not given.
    pub fn with_sentry_cli_defaults(
        mut self,
        env: &Env,
        read: ReadFile<'_>,
        mistakes: &mut Vec<Error>,
    ) -> Self {
        let mut defaults = Vec::new();
        if ["url", "org", "projects"].iter().any(|name| !self.typed.contains_key(name)) {
            defaults.extend(files::read(env, read, mistakes));
        }
        if !self.typed.contains_key("release") {
            let version = variables::version(env, read);
            defaults.extend(version.map(|(text, origin)| ("release", text, origin)));
        }
        for (name, text, file) in defaults {
            let default = RawInput { text: Secret::from(text), origin: InputOrigin::File(file) };
            self.defaults.entry(name).or_insert(default);
        }
        self
    }

    /// The version that a service or a build file names, and what names it.
    pub(super) fn detected_version(&self) -> Option<(String, &'static str)> {
        let default = self.defaults.get("release")?;
        let InputOrigin::File(origin) = default.origin else { return None };
        Some((default.text.expose().trim().to_owned(), origin))
    }

    /// What a file names for the input called `name`.
    pub(super) fn file_default(&self, name: &str) -> Option<&RawInput> {
        self.defaults.get(name)
    }

    /// Whether anything is asked about an integration, before the inputs are read.
    pub(super) fn asks_integration(&self) -> bool {
        let mode = self.get("mode").and_then(|mode| Mode::parse(mode.text.expose()));
        self.get("provider").is_some() || mode.is_some_and(Mode::is_of_installed)
    }

    /// Whether the text came from a flag, or from a variable of our own and not a shared one.
    pub fn is_explicit(&self, name: &str) -> bool {
        self.get(name).is_some_and(|input| match input.origin {
            InputOrigin::Flag(_) | InputOrigin::Manifest(_) => true,
            InputOrigin::Variable(name) => name.starts_with("FINISHLINE_"),
            InputOrigin::File(_) => false,
        })
    }

    /// The same without the fields of `state`.
    #[must_use]
    pub fn without_state(mut self) -> Self {
        self.typed.remove("state");
        self.sets.clear();
        self.block = None;
        self
    }

    /// Whether anything was given for the input called `name`, also what cannot be read.
    pub(super) fn is_given(&self, name: &str) -> bool {
        self.get(name).is_some() || self.unreadable.contains(&name)
    }

    /// Whether the embedded backend was chosen, so that nothing goes to a server.
    pub(super) fn is_embedded(&self) -> bool {
        self.get("backend").is_some_and(|input| input.text.expose() == "embedded")
    }

    /// The file whose text is the input's, where a flag named one: standard input is read once.
    pub fn file_of(&self, name: &str) -> Option<&str> {
        self.files.get(name).map(String::as_str).filter(|file| *file != "-")
    }

    /// What was given for the input called `name`.
    pub fn get(&self, name: &str) -> Option<&RawInput> {
        self.typed.get(name)
    }

    /// The flag, else the first variable that has a value.
    fn lookup(
        &mut self,
        input: &InputSpec,
        flags: &CommandLineFlags,
        env: &Env,
        read: ReadFile<'_>,
    ) -> Result<Option<RawInput>> {
        if let Some(value) = flags.values.get(input.name) {
            let origin = InputOrigin::Flag(input.long());
            if value.trim().is_empty() {
                return Err(origin.empty());
            }
            let text = match input.flag {
                FlagKind::File(_) => {
                    self.files.insert(input.name, value.clone());
                    read_named(value, origin, read)?
                }
                FlagKind::Value(_) | FlagKind::Switch => value.clone(),
            };
            return self.accept(input, &text, origin);
        }
        for variable in input.variables.iter().copied().chain(fallback(input.name)) {
            if env.is_not_utf8(variable) {
                let message = format!("{variable} is not valid UTF-8");
                let hint = format!("set {variable} to UTF-8 text, or unset it");
                return Err(Error::new(ErrorCode::Usage, message).with_hint(hint));
            }
            let value = env.get(variable).unwrap_or_default();
            let accepted = self.accept(input, value, InputOrigin::Variable(variable))?;
            if accepted.is_some() {
                return Ok(accepted);
            }
        }
        Ok(None)
    }

    /// A text as an input takes it: a block of YAML and a secret store add white space around it,
    /// and a blank is no value. A mapping stays, for its first line may be indented.
    fn accept(
        &mut self,
        input: &InputSpec,
        text: &str,
        origin: InputOrigin,
    ) -> Result<Option<RawInput>> {
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return Ok(None);
        }
        let may_lack = !macros::decides(input, origin, self.called);
        match macros::in_input(self.hosts, input, trimmed) {
            Some(found) if found.is_whole && found.is_undefined && may_lack => {
                self.undefined.push((origin, found.text.to_owned()));
                Ok(None)
            }
            Some(found) => Err(macros::refusal(input.name, origin, found)),
            None => {
                let text = if input.holds_fields() { text } else { trimmed };
                Ok(Some(RawInput { text: Secret::from(text), origin }))
            }
        }
    }
}

fn read_named(path: &str, flag: InputOrigin, read: ReadFile<'_>) -> Result<String> {
    let text = read(path).map_err(|error| {
        // What was given may be the secret itself, where a file's name was wanted.
        let message = format!("cannot read the file given in {flag}: {error}");
        let hint =
            format!("set {flag} to a text file of at most 1 MiB, or to `-` for standard input");
        Error::new(ErrorCode::Usage, message).with_hint(hint)
    })?;
    Ok(crate::text::without_line_end(&text).to_owned())
}

/// Takes off the quotes of a shell or of a `.env` file around tokens, and says of which; what has
/// nothing in them is not given.
fn unquote_tokens(typed: &mut BTreeMap<&'static str, RawInput>) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for name in TOKENS.into_iter().chain(["github-token"]) {
        let Some(input) = typed.get_mut(name) else { continue };
        let Some(token) = without_quotes(input.text.expose()).map(Secret::from) else { continue };
        if token.expose().is_empty() {
            typed.remove(name);
            continue;
        }
        input.text = token;
        let origin = input.origin;
        let message =
            format!("`{name}` ({origin}) is used without the quotes around it: remove them");
        warnings.push(Warning::new("quoted-token", message));
    }
    warnings
}

/// What stands between two quotes of one kind.
fn without_quotes(text: &str) -> Option<&str> {
    let within = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote).map(str::trim);
    within('"').or_else(|| within('\''))
}
