//! The copy of a source map that is uploaded: the names and the texts of its sources as the inputs ask
//! for them, and all else as it is.

use super::edits::TextEdits;
use super::file_url::under_root;
use super::map_text::range_in;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What is done to the sources of a map.
#[derive(Clone, Copy, Debug, Default)]
pub struct SourceRules<'a> {
    /// Folders that are cut off the names, the first that fits.
    pub strip_prefixes: &'a [String],
    /// Whether the folder that all absolute names share is cut off.
    pub strip_common_prefix: bool,
    /// Whether the texts go.
    pub strip_sources: bool,
}

/// The fields of a map by ECMA-426, its proposals, and what Sentry and browsers read besides.
const FIELDS: [&str; 14] = [
    "version",
    "file",
    "sourceRoot",
    "sources",
    "sourcesContent",
    "names",
    "mappings",
    "sections",
    "ignoreList",
    "x_google_ignoreList",
    "debugId",
    "debug_id",
    "rangeMappings",
    "scopes",
];

/// Finds the text of a source that the map does not hold.
pub type SourceReader<'a> = &'a dyn Fn(&str) -> Option<String>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SourceFields<'a> {
    #[serde(borrow)]
    sections: Option<Vec<NestedMap<'a>>>,
    #[serde(borrow)]
    sources: Option<&'a RawValue>,
    #[serde(borrow)]
    sources_content: Option<&'a RawValue>,
    #[serde(borrow)]
    source_root: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct NestedMap<'a> {
    #[serde(borrow)]
    map: Option<&'a RawValue>,
}

/// A copy of the map, and the names of the sources whose text is nowhere.
pub struct UploadedMap {
    /// The copy; none where it is the map itself.
    pub text: Option<String>,
    /// Those names.
    pub without_text: Vec<String>,
}

impl UploadedMap {
    /// Makes the copy of a map that was read before.
    pub fn new(map: &str, rules: SourceRules<'_>, read: SourceReader<'_>) -> Self {
        let mut copy = MapCopy { map, rules, read, edits: TextEdits::default(), lacks: Vec::new() };
        let json = &map[map.find('{').unwrap_or(0)..];
        copy.visit(json);
        let text = (!copy.edits.is_empty()).then(|| copy.edits.apply(map));
        Self { text, without_text: copy.lacks }
    }
}

struct MapCopy<'a> {
    map: &'a str,
    rules: SourceRules<'a>,
    read: SourceReader<'a>,
    edits: TextEdits,
    lacks: Vec<String>,
}

impl MapCopy<'_> {
    fn visit(&mut self, json: &str) {
        let Ok(fields) = serde_json::from_str::<SourceFields<'_>>(json) else { return };
        if self.rules.strip_sources {
            self.empty_others(json);
        }
        for nested in fields.sections.iter().flatten().filter_map(|nested| nested.map) {
            self.visit(nested.get());
        }
        let Some(sources) = fields.sources else { return };
        let root = fields.source_root.and_then(|root| serde_json::from_str(root.get()).ok());
        let full = full_names(sources, root);
        self.complete_texts(sources, fields.sources_content, &full);
        self.cut_names(sources, fields.source_root, full);
    }

    /// Takes the values of all fields that are those of a tool alone, which may hold the code once more.
    fn empty_others(&mut self, json: &str) {
        let fields = serde_json::from_str::<BTreeMap<String, &RawValue>>(json).unwrap_or_default();
        let others = fields.iter().filter(|(name, _)| !FIELDS.contains(&name.as_str()));
        for (_, value) in others.filter(|(_, value)| value.get().starts_with(['"', '[', '{'])) {
            self.edits.replace(range_in(self.map, value.get()), "null");
        }
    }

    /// Adds the texts that are missing, or takes all of them out.
    fn complete_texts(&mut self, sources: &RawValue, texts: Option<&RawValue>, full: &[String]) {
        let known: Vec<Option<&RawValue>> =
            texts.and_then(|texts| serde_json::from_str(texts.get()).ok()).unwrap_or_default();
        if self.rules.strip_sources {
            if let Some(texts) = texts.filter(|texts| !matches!(texts.get(), "null" | "[]")) {
                self.edits.replace(range_in(self.map, texts.get()), "[]");
            }
            return;
        }
        let is_lacking = |at: &usize| known.get(*at).is_none_or(Option::is_none);
        let lacking: Vec<_> = (0..full.len()).filter(is_lacking).collect();
        let mut found = BTreeMap::new();
        for at in lacking {
            match (self.read)(&full[at]) {
                Some(text) => drop(found.insert(at, Value::from(text).to_string())),
                None => self.lacks.push(full[at].clone()),
            }
        }
        if found.is_empty() {
            return;
        }
        let text_of = |at: usize| {
            let own = known.get(at).copied().flatten().map(|text| text.get().to_owned());
            own.or_else(|| found.get(&at).cloned()).unwrap_or_else(|| "null".to_owned())
        };
        let list: Vec<_> = (0..full.len()).map(text_of).collect();
        let list = format!("[{}]", list.join(","));
        match texts {
            Some(texts) => self.edits.replace(range_in(self.map, texts.get()), list),
            None => {
                let end = range_in(self.map, sources.get()).end;
                self.edits.insert(end, format!(",\"sourcesContent\":{list}"));
            }
        }
    }

    /// Cuts folders off the names; the root is a part of them then.
    fn cut_names(&mut self, sources: &RawValue, root: Option<&RawValue>, full: Vec<String>) {
        let common = self.rules.strip_common_prefix.then(|| common_folder(&full)).flatten();
        let prefixes =
            self.rules.strip_prefixes.iter().map(String::as_str).chain(common.as_deref());
        let prefixes: Vec<_> = prefixes.collect();
        let cut: Vec<_> = full.iter().map(|name| without_prefix(name, &prefixes)).collect();
        if cut.iter().zip(&full).all(|(cut, name)| cut == name) {
            return;
        }
        self.edits.replace(range_in(self.map, sources.get()), Value::from(cut).to_string());
        if let Some(root) = root {
            self.edits.replace(range_in(self.map, root.get()), "\"\"");
        }
    }
}

/// The names of the sources with what stands before all of them.
fn full_names(sources: &RawValue, root: Option<String>) -> Vec<String> {
    let names: Vec<Option<String>> = serde_json::from_str(sources.get()).unwrap_or_default();
    let full = |name: Option<String>| under_root(root.as_deref(), &name.unwrap_or_default());
    names.into_iter().map(full).collect()
}

fn without_prefix<'a>(name: &'a str, prefixes: &[&str]) -> &'a str {
    let cut = |prefix: &&str| {
        let rest = name.strip_prefix(prefix.trim_end_matches(['/', '\\']))?;
        rest.strip_prefix(['/', '\\']).filter(|rest| !rest.is_empty())
    };
    prefixes.iter().find_map(cut).unwrap_or(name)
}

/// The longest folder that all absolute names share; none where there are not two of them.
fn common_folder(names: &[String]) -> Option<String> {
    let absolute: Vec<_> = names.iter().filter(|name| is_absolute(name)).collect();
    let (first, others) = absolute.split_first().filter(|(_, others)| !others.is_empty())?;
    let mut end = first.rfind(['/', '\\'])?;
    while !others
        .iter()
        .all(|name| name.get(..=end).is_some_and(|start| Some(start) == first.get(..=end)))
    {
        end = first[..end].rfind(['/', '\\'])?;
    }
    Some(first[..end].to_owned()).filter(|folder| !folder.is_empty())
}

fn is_absolute(name: &str) -> bool {
    let is_drive = name.as_bytes().get(1) == Some(&b':')
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && matches!(name.as_bytes().get(2), Some(b'/' | b'\\'));
    name.starts_with('/') || is_drive
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(map: &str, rules: SourceRules<'_>) -> (String, Vec<String>) {
        let read = |name: &str| (name == "src/b.ts").then(|| "b()\n".to_owned());
        let copy = UploadedMap::new(map, rules, &read);
        (copy.text.unwrap_or_else(|| map.to_owned()), copy.without_text)
    }

    #[test]
    fn texts_that_are_missing_are_added_and_the_others_named() {
        let map = r#"{"sources":["a.ts","src/b.ts",null],"sourcesContent":["a()"],"x":1}"#;
        let (text, lacks) = copy(map, SourceRules::default());
        let wanted =
            r#"{"sources":["a.ts","src/b.ts",null],"sourcesContent":["a()","b()\n",null],"x":1}"#;
        assert_eq!((text.as_str(), lacks), (wanted, vec![String::new()]));
        let (text, _) = copy(r#"{"sourceRoot":"src","sources":["b.ts"]}"#, SourceRules::default());
        assert_eq!(text, r#"{"sourceRoot":"src","sources":["b.ts"],"sourcesContent":["b()\n"]}"#);
    }

    #[test]
    fn nothing_changes_where_nothing_is_asked_for() {
        let map = r#"{ "sources" : ["a"] , "sourcesContent" : ["a\u0020"] }"#;
        assert!(UploadedMap::new(map, SourceRules::default(), &|_| None).text.is_none());
    }

    #[test]
    fn names_lose_their_prefix_and_the_texts_go() {
        let prefixes = ["/home/ci".to_owned()];
        let rules = SourceRules {
            strip_prefixes: &prefixes,
            strip_sources: true,
            ..SourceRules::default()
        };
        let map = r#"{"sections":[{"map":{"sourceRoot":"/home","sources":["ci/a.ts","x/b.ts"],"sourcesContent":["a","b"],"x_sourcesContent":["a"],"x_lines":2}}],"x_code":"a","version":3}"#;
        let wanted = r#"{"sections":[{"map":{"sourceRoot":"","sources":["a.ts","/home/x/b.ts"],"sourcesContent":[],"x_sourcesContent":null,"x_lines":2}}],"x_code":null,"version":3}"#;
        assert_eq!(copy(map, rules).0, wanted);
    }

    #[test]
    fn the_folder_that_absolute_names_share_goes() {
        let rules = SourceRules { strip_common_prefix: true, ..SourceRules::default() };
        for (names, wanted) in [
            (
                r#"["/w/app/src/a.ts","/w/app/lib/b.ts","webpack://x/c"]"#,
                r#"["src/a.ts","lib/b.ts","webpack://x/c"]"#,
            ),
            (r#"["C:\\w\\a.ts","C:\\w\\b.ts"]"#, r#"["a.ts","b.ts"]"#),
            (r#"["/w/a.ts"]"#, r#"["/w/a.ts"]"#),
            (r#"["/a.ts","/b.ts"]"#, r#"["/a.ts","/b.ts"]"#),
            (r#"["/é/a.ts","/è/b.ts"]"#, r#"["/é/a.ts","/è/b.ts"]"#),
        ] {
            let (text, _) = copy(&format!(r#"{{"sources":{names}}}"#), rules);
            assert_eq!(text, format!(r#"{{"sources":{wanted}}}"#));
        }
    }
}
