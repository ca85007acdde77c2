//! From a parsed manifest to the inputs of each entry.

use super::ManifestEntry;
use super::key_sources::KeySources;
use super::keys::{ABSENT, INTEGRATION, RELEASE, TOP_LEVEL_KEYS, defaults, is_shared, kind};
use crate::error::{Error, ErrorCode};
use crate::inputs::compat::aliases;
use crate::inputs::macros;
use crate::inputs::raw::{EntryInputs, InputOrigin, RawInput, RawInputs, StateBlock, TOKENS};
use crate::inputs::table::{InputSpec, KeyKind};
use crate::secret::Secret;
use crate::text::quote;
use crate::text::suggest::closest;
use crate::text::variable::VariableReference;
use crate::text::yaml::{LineColumn, YamlDocument};
use serde_yaml::{Mapping, Value};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The texts of some keys.
type Texts = BTreeMap<&'static str, RawInput>;

/// Reads a document's entries and collects every mistake.
pub(super) struct ManifestReader<'a> {
    document: Rc<YamlDocument>,
    base: &'a RawInputs,
    variable: &'a dyn Fn(&str) -> Option<String>,
    pub(super) mistakes: Vec<Error>,
    /// The keys of `defaults:`.
    pub(super) default_keys: Vec<&'static str>,
    /// What holds for all entries, where `prune` is on.
    pub(super) pruned: Option<RawInputs>,
    /// Where the values of the keys come from.
    pub(super) key_sources: KeySources,
}

impl<'a> ManifestReader<'a> {
    pub(super) fn new(
        document: Rc<YamlDocument>,
        base: &'a RawInputs,
        variable: &'a dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let (mistakes, default_keys) = (Vec::new(), Vec::new());
        let (pruned, key_sources) = (None, KeySources::default());
        Self { document, base, variable, mistakes, default_keys, pruned, key_sources }
    }

    /// The entries in the order of the file: the integrations, then the releases.
    pub(super) fn entries(&mut self) -> Vec<ManifestEntry> {
        let document = Rc::clone(&self.document);
        let Some(top) = self.mapping(&document.value, &[], "the manifest") else {
            return Vec::new();
        };
        self.unknown_keys(top, &[], &TOP_LEVEL_KEYS, "the manifest");
        self.version(top.get("version"));
        let defaults = self.defaults(top);
        self.default_keys = defaults.keys().copied().collect();
        self.prune(top.get("prune"), &defaults);
        let mut entries = self.list(top, "integrations", INTEGRATION, &defaults);
        entries.extend(self.list(top, "releases", RELEASE, &defaults));
        self.refuse_pruned_installs(&entries);
        if entries.is_empty() && self.mistakes.is_empty() && self.pruned.is_none() {
            self.wrong(&[], "the manifest has no integration and no release");
        }
        entries
    }

    fn version(&mut self, version: Option<&Value>) {
        match version {
            Some(Value::Number(number)) if number.as_u64() == Some(1) => {}
            None => self.wrong(&[], "`version: 1` is missing"),
            Some(_) => self.wrong(&["version".to_owned()], "`version` must be 1"),
        }
    }

    fn prune(&mut self, value: Option<&Value>, defaults: &Texts) {
        match value {
            None | Some(Value::Bool(false)) => {}
            Some(Value::Bool(true)) => {
                let (texts, state, release) = (defaults.clone(), None, false);
                let inputs = EntryInputs { texts, state, release, unset_token: None };
                self.pruned = Some(self.base.for_entry(inputs, is_shared));
            }
            Some(_) => self.wrong(&["prune".to_owned()], "`prune` must be `true` or `false`"),
        }
    }

    /// Of what `mode: install` makes on each run, the manifest would name the newest only.
    fn refuse_pruned_installs(&mut self, entries: &[ManifestEntry]) {
        for entry in entries.iter().filter(|_| self.pruned.is_some()) {
            let mode = entry.given.get("mode");
            let Some(mode) = mode.filter(|mode| mode.text.expose() == "install") else { continue };
            let InputOrigin::Manifest(place) = mode.origin else { continue };
            let message = "`mode: install` cannot be used with `prune: true`, which would remove what the run before installed";
            let failure = Error::new(ErrorCode::BadManifest, message);
            let failure = failure.with_hint("set `mode: ensure`, or take out `prune`");
            self.mistakes.push(Error { place: Some(place), ..failure });
        }
    }

    fn defaults(&mut self, top: &Mapping) -> Texts {
        let path = ["defaults".to_owned()];
        let value = top.get("defaults").filter(|value| !value.is_null());
        let mapping = value.and_then(|value| self.mapping(value, &path, "`defaults`"));
        let texts = mapping.map(|mapping| self.texts(mapping, &path, &defaults(), "`defaults`"));
        texts.unwrap_or_default()
    }

    fn list(
        &mut self,
        top: &Mapping,
        name: &'static str,
        keys: &[&'static str],
        defaults: &Texts,
    ) -> Vec<ManifestEntry> {
        let items = match top.get(name) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Sequence(items)) => items,
            Some(_) => {
                self.wrong(&[name.to_owned()], &format!("`{name}` must be a list of mappings"));
                return Vec::new();
            }
        };
        let entry = |(index, item)| self.entry(name, index, item, keys, defaults);
        items.iter().enumerate().filter_map(entry).collect()
    }

    fn entry(
        &mut self,
        list: &'static str,
        index: usize,
        item: &Value,
        keys: &[&'static str],
        defaults: &Texts,
    ) -> Option<ManifestEntry> {
        let path = [list.to_owned(), index.to_string()];
        let what = format!("an entry of `{list}`");
        let mistakes_before = self.mistakes.len();
        let mapping = self.mapping(item, &path, &what)?;
        let mut texts = defaults.clone();
        texts.retain(|name, _| keys.contains(name));
        let of_entry = self.texts(mapping, &path, keys, &what);
        let own: Vec<_> = of_entry.keys().copied().collect();
        let mapping_places = self.mapping_places(&path, &own);
        texts.extend(of_entry);
        let is_absent = self.absent_state(mapping, &path, &mut texts);
        let has_fields = mapping.contains_key("state") && !is_absent;
        let state = has_fields.then(|| StateBlock {
            document: Rc::clone(&self.document),
            path: [&path[..], &["state".to_owned()]].concat(),
        });
        let release = list == "releases";
        let word = |name: &str| texts.get(name).map(|input: &RawInput| input.text.expose());
        let is_link = word("mode") == Some("link") && word("integration-id").is_some();
        if !release && !texts.contains_key("provider") && !is_link {
            self.wrong(&path, "`provider` is missing: the provider key");
        }
        let unset_token = self.unset_token(&path, &mut texts);
        let inputs = EntryInputs { texts, state, release, unset_token };
        Some(ManifestEntry {
            key: format!("{list}[{index}]"),
            place: self.place(&path)?,
            mapping_places,
            own,
            given: self.base.for_entry(inputs, is_shared),
            has_errors: self.mistakes.len() > mistakes_before,
        })
    }

    /// Whether the entry says `state: absent`, which is `mode: remove` of the integration that it names
    /// by its id.
    fn absent_state(&mut self, mapping: &Mapping, path: &[String], texts: &mut Texts) -> bool {
        if mapping.get("state").and_then(Value::as_str) != Some(ABSENT) {
            return false;
        }
        let path = [path, &["state".to_owned()]].concat();
        let mode = mapping.get("mode").and_then(Value::as_str).unwrap_or("remove");
        if mode != "remove" {
            self.wrong(&path, &format!("`state: absent` contradicts `mode: {mode}`"));
        }
        if !mapping.contains_key("integration-id") {
            self.wrong(
                &path,
                "`state: absent` does not identify an integration: add `integration-id`, or write \
                 `mode: remove` with the fields of `state` that identify it",
            );
        }
        let place = self.place(&path).unwrap_or(LineColumn { line: 1, column: 1 });
        let (text, origin) = (Secret::from("remove"), InputOrigin::Manifest(place));
        texts.insert("mode", RawInput { text, origin });
        true
    }

    /// Where each of the entry's code mappings begins, which `defaults:` may have.
    fn mapping_places(&self, entry: &[String], own: &[&str]) -> Vec<LineColumn> {
        const NAME: &str = "code-mappings";
        let defaults = ["defaults".to_owned()];
        let parent = if own.contains(&NAME) { entry } else { &defaults };
        let spelled = std::iter::once(NAME).chain(aliases(NAME));
        let item = |name: &str, at: usize| {
            self.place(&[parent, &[name.to_owned(), at.to_string()]].concat())
        };
        spelled.flat_map(|name| (0..).map_while(move |at| item(name, at))).collect()
    }

    /// The variable of the entry's token, when it is not set: the entry has none then. Beside
    /// another token it is a mistake.
    fn unset_token(&mut self, path: &[String], texts: &mut Texts) -> Option<String> {
        let unset = |name: &&str| {
            let text = texts.get(*name)?.text.expose();
            Some(VariableReference::parse(text)?.name.to_owned())
        };
        let variable = TOKENS.iter().find_map(unset)?;
        texts.retain(|name, input| {
            !TOKENS.contains(name) || VariableReference::parse(input.text.expose()).is_none()
        });
        if TOKENS.iter().any(|name| texts.contains_key(name)) {
            let variable = quote(&variable);
            self.wrong(path, &format!("the token's variable {variable} is not set or empty"));
        }
        Some(variable)
    }

    /// The texts of a mapping's keys; `what` is the mapping, for messages.
    fn texts(
        &mut self,
        mapping: &Mapping,
        path: &[String],
        keys: &[&'static str],
        what: &str,
    ) -> Texts {
        self.unknown_keys(mapping, path, keys, what);
        let mut texts = Texts::new();
        for &name in keys {
            let mut given = std::iter::once(name).chain(aliases(name));
            let Some(key) = given.find(|key| mapping.contains_key(key)) else { continue };
            let path = [path, &[key.to_owned()]].concat();
            if let Some(other) = given.find(|key| mapping.contains_key(key)) {
                self.wrong(&path, &format!("`{key}` and `{other}` are the same key"));
            }
            let value = &mapping[key];
            self.key_sources.note(name, value);
            // Of an unset token the reference stays, so that the entry can say which it lacks.
            let unset = value.as_str().filter(|text| TOKENS.contains(&name) && self.is_unset(text));
            let text = unset
                .map_or_else(|| self.text(value, kind(name)), |text| Ok(Some(text.to_owned())));
            match text {
                Ok(Some(text)) => {
                    if unset.is_none() {
                        self.refuse_macro(name, &text, &path);
                    }
                    let place = self.place(&path).map(InputOrigin::Manifest);
                    let origin = place.unwrap_or(InputOrigin::File("the manifest"));
                    texts.insert(name, RawInput { text: Secret::from(text), origin });
                }
                Ok(None) => {}
                Err(takes) => self.wrong(&path, &format!("`{key}` {takes}")),
            }
        }
        texts
    }

    /// A file's text is not expanded by a CI system, so what looks so is a mistake.
    fn refuse_macro(&mut self, name: &str, text: &str, path: &[String]) {
        let input = InputSpec::find(name);
        let found = input.and_then(|input| macros::in_input(self.base.hosts, input, text));
        if let Some(found) = found {
            let shown = quote(found.text);
            self.wrong(path, &format!("`{name}` contains the unexpanded variable {shown}"));
        }
    }

    /// The text that an input takes; what is wrong with it stands after the key's name.
    fn text(&self, value: &Value, kind: KeyKind) -> Result<Option<String>, String> {
        match (value, kind) {
            (_, KeyKind::State) => Ok(None),
            (Value::Null, _) => Err("has no value: give it one, or delete the key".to_owned()),
            (Value::String(text), KeyKind::Secret) if !text.starts_with("${") => {
                Err("is a secret and must not be in the file itself: write `${NAME}`".to_owned())
            }
            (Value::String(text), _) => self.resolved(text).map(Some),
            (Value::Bool(value), KeyKind::Boolean) => Ok(Some(value.to_string())),
            (Value::Number(number), KeyKind::Number) => Ok(Some(number.to_string())),
            (Value::Sequence(items), KeyKind::List) => self.list_text(items).map(Some),
            (Value::Sequence(_), KeyKind::Mappings) => {
                let text = serde_yaml::to_string(&self.resolved_all(value)?);
                text.map(Some).map_err(|_| "must be a list".to_owned())
            }
            (Value::Bool(_) | Value::Number(_), KeyKind::Text | KeyKind::Word(_)) => {
                Err("is not a string: quote it".to_owned())
            }
            _ => Err(format!("must be {}", takes(kind))),
        }
    }

    fn list_text(&self, items: &[Value]) -> Result<String, String> {
        let item = |item: &Value| match item {
            Value::String(text) => match self.resolved(text)? {
                text if text.contains(['\n', ',']) => {
                    Err("has an item that contains a comma".to_owned())
                }
                text => Ok(text),
            },
            _ => Err("must be a list of strings: quote each item".to_owned()),
        };
        items.iter().map(item).collect::<Result<Vec<_>, _>>().map(|items| items.join("\n"))
    }

    /// The value with each text in it resolved.
    fn resolved_all(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => self.resolved(text)?.into(),
            Value::Sequence(items) => {
                let items: Result<_, _> =
                    items.iter().map(|item| self.resolved_all(item)).collect();
                Value::Sequence(items?)
            }
            Value::Mapping(mapping) => {
                let resolve = |(key, value): (&Value, &Value)| {
                    Ok::<_, String>((key.clone(), self.resolved_all(value)?))
                };
                Value::Mapping(mapping.iter().map(resolve).collect::<Result<_, _>>()?)
            }
            other => other.clone(),
        })
    }

    /// Whether the text is a variable that is not set.
    fn is_unset(&self, text: &str) -> bool {
        let variable = VariableReference::parse(text);
        variable.is_some_and(|variable| (self.variable)(variable.name).is_none())
    }

    /// A text that is wholly `${NAME}` or `${NAME:?message}` stands for the variable.
    fn resolved(&self, text: &str) -> Result<String, String> {
        match VariableReference::parse(text) {
            Some(variable) => (self.variable)(variable.name).ok_or_else(|| {
                let (name, reason) = (quote(variable.name), variable.reason());
                format!("uses the variable {name}, which is not set or empty{reason}")
            }),
            None if text.contains("${") => {
                Err("has a variable inside a longer text: write `${NAME}` as the whole value"
                    .to_owned())
            }
            None => Ok(text.to_owned()),
        }
    }

    fn mapping<'b>(
        &mut self,
        value: &'b Value,
        path: &[String],
        what: &str,
    ) -> Option<&'b Mapping> {
        let mapping = value.as_mapping();
        if mapping.is_none() {
            self.wrong(path, &format!("{what} is not a mapping"));
        }
        mapping
    }

    /// Every key that is not known.
    fn unknown_keys(&mut self, mapping: &Mapping, path: &[String], names: &[&str], what: &str) {
        let keys = mapping.keys().filter_map(Value::as_str);
        let is_alias = |key: &str| names.iter().any(|name| aliases(name).any(|alias| alias == key));
        for key in keys.filter(|key| !names.contains(key) && !is_alias(key)) {
            let message = format!("unknown key {} in {what}", quote(key));
            let hint = match closest(key, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("expected one of {}", names.join(", ")),
            };
            let place = self.place(&[path, &[key.to_owned()]].concat());
            let failure = Error::new(ErrorCode::BadManifest, message).with_hint(hint);
            self.mistakes.push(Error { place, ..failure });
        }
    }

    fn wrong(&mut self, path: &[String], message: &str) {
        let place = self.place(path).or(Some(LineColumn { line: 1, column: 1 }));
        let failure = Error::new(ErrorCode::BadManifest, message);
        self.mistakes.push(Error { place, ..failure });
    }

    fn place(&self, path: &[String]) -> Option<LineColumn> {
        self.document.position(path).map(|position| position.place)
    }
}

fn takes(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Text | KeyKind::Word(_) => "a string",
        KeyKind::Number => "a whole number",
        KeyKind::Boolean => "`true` or `false`",
        KeyKind::List => "a list of strings",
        KeyKind::Mappings => "a list of mappings",
        KeyKind::State => "a mapping",
        KeyKind::Secret => "the name of a variable, written as `${NAME}`",
    }
}
