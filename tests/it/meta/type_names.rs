//! Whether the types of `src` are named for a stranger: few by a single word, and no two alike.

use super::source::{Module, modules};
use std::collections::BTreeMap;

/// How many of a hundred names may be a single word.
const MAX_SINGLE_WORD_PERCENT: usize = 35;

/// One word each, though there is a capital inside.
const PROPER_NAMES: [&str; 4] = ["GitHub", "GitLab", "OAuth", "PagerDuty"];

/// What counts as one type, though its file declares it more than once: file, name, and why.
const EXEMPTIONS: [(&str, &str, &str); 1] = [(
    "os/signals.rs",
    "StopSignals",
    "only one of them is compiled: one is for Unix, the other for every other system",
)];

/// A `struct`, an `enum` or a `trait`, as its file declares it.
#[derive(Debug)]
struct TypeDeclaration {
    file: String,
    visibility: String,
    name: String,
}

impl TypeDeclaration {
    /// The declaration that a line begins with; an alias is none.
    fn parse(file: &str, line: &str) -> Option<Self> {
        let line = line.trim_start();
        let keyword = ["struct ", "enum ", "trait "].into_iter().find_map(|keyword| {
            let start = line.find(keyword)?;
            let before = line[..start].trim_end();
            let is_visibility =
                before.is_empty() || before.starts_with("pub") && !before.contains(' ');
            is_visibility.then_some((start, keyword.len()))
        });
        let (start, length) = keyword?;
        let visibility = line[..start].trim_end().to_owned();
        let name = line[start + length..].chars().take_while(|c| c.is_alphanumeric()).collect();
        Some(Self { file: file.to_owned(), visibility, name })
    }

    fn folder(&self) -> &str {
        self.file.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Whether only its own folder can name it: `super` of a file is its folder, and `super` of a
    /// `mod.rs` is the folder above.
    fn is_private_to_its_folder(&self) -> bool {
        match self.visibility.as_str() {
            "" => true,
            "pub(super)" => !self.folder().is_empty() && !self.file.ends_with("/mod.rs"),
            _ => false,
        }
    }
}

/// The declarations of these modules, the unit tests aside; of an exempted name only the first.
fn type_declarations(modules: &[Module]) -> Vec<TypeDeclaration> {
    let mut declarations: Vec<TypeDeclaration> = Vec::new();
    for module in modules {
        let code = module.text.lines().take_while(|line| *line != "mod tests {");
        let code = code.filter(|line| !line.trim_start().starts_with("//"));
        for declaration in code.filter_map(|line| TypeDeclaration::parse(&module.file, line)) {
            let is_same = |other: &TypeDeclaration| {
                (&other.file, &other.name) == (&declaration.file, &declaration.name)
            };
            let is_exempt = EXEMPTIONS
                .iter()
                .any(|(file, name, _)| (*file, *name) == (&declaration.file, &declaration.name));
            if !is_exempt || !declarations.iter().any(is_same) {
                declarations.push(declaration);
            }
        }
    }
    declarations
}

/// How many words a name has: a word begins with a capital, and an acronym is one word.
fn word_count(name: &str) -> usize {
    let mut name = name.to_owned();
    for proper in PROPER_NAMES {
        let (initial, rest) = proper.split_at(1);
        name = name.replace(proper, &format!("{initial}{}", rest.to_lowercase()));
    }
    let chars: Vec<_> = name.chars().collect();
    let is_upper = |index: usize| chars.get(index).is_some_and(char::is_ascii_uppercase);
    let is_lower = |index: usize| chars.get(index).is_some_and(char::is_ascii_lowercase);
    let begins = |index: &usize| {
        is_upper(*index) && (*index == 0 || !is_upper(*index - 1) || is_lower(*index + 1))
    };
    (0..chars.len()).filter(begins).count()
}

/// The share of names that are a single word, in words, where it is too large.
fn too_many_single_words(declarations: &[TypeDeclaration]) -> Option<String> {
    let names = declarations.iter().map(|declaration| declaration.name.as_str());
    let single: Vec<_> = names.filter(|name| word_count(name) == 1).collect();
    let (count, total) = (single.len(), declarations.len());
    (count * 100 > total * MAX_SINGLE_WORD_PERCENT).then(|| {
        let share = count * 100 / total;
        format!("{count} of {total} names ({share} %) are a single word: {}", single.join(", "))
    })
}

/// The names that stand twice, each with its files. What is private to one folder may have a
/// namesake that is private to another, and a `no_….rs` has the types of the module that it stands in for.
fn repeated_names(declarations: &[TypeDeclaration]) -> Vec<String> {
    let mut by_name: BTreeMap<&str, Vec<&TypeDeclaration>> = BTreeMap::new();
    let is_own = |file: &str| !file.rsplit('/').next().is_some_and(|name| name.starts_with("no_"));
    for declaration in declarations.iter().filter(|declaration| is_own(&declaration.file)) {
        by_name.entry(&declaration.name).or_default().push(declaration);
    }
    by_name.retain(|_, namesakes| {
        let mut folders: Vec<_> = namesakes.iter().map(|namesake| namesake.folder()).collect();
        folders.sort_unstable();
        folders.dedup();
        let is_private = namesakes.iter().all(|namesake| namesake.is_private_to_its_folder());
        namesakes.len() > 1 && !(is_private && folders.len() == namesakes.len())
    });
    let files = |namesakes: Vec<&TypeDeclaration>| -> Vec<String> {
        namesakes.iter().map(|namesake| namesake.file.clone()).collect()
    };
    by_name
        .into_iter()
        .map(|(name, namesakes)| format!("{name}: {}", files(namesakes).join(", ")))
        .collect()
}

#[test]
fn few_types_are_named_by_a_single_word() {
    let declarations = type_declarations(&modules());
    assert!(declarations.len() > 200, "{declarations:?}");
    assert_eq!(too_many_single_words(&declarations), None);
}

#[test]
fn no_two_types_have_one_name() {
    let repeated = repeated_names(&type_declarations(&modules()));
    assert!(repeated.is_empty(), "{}", repeated.join("\n"));
}

#[test]
fn every_exemption_is_needed() {
    for (file, name, _) in EXEMPTIONS {
        let module = modules().into_iter().find(|module| module.file == file).unwrap();
        let found = module.text.lines().filter_map(|line| TypeDeclaration::parse(file, line));
        assert!(found.filter(|declaration| declaration.name == name).count() > 1, "{name}");
    }
}

#[test]
fn words_are_counted_by_their_capitals() {
    for (name, words) in [
        ("Job", 1),
        ("JobEnv", 2),
        ("GitHub", 1),
        ("GitHubClient", 2),
        ("OAuth2", 1),
        ("HTTPRequest", 2),
        ("HTTP", 1),
        ("PipelineStartURL", 3),
    ] {
        assert_eq!(word_count(name), words, "{name}");
    }
}

/// What is declared in these files.
fn declared(files: &[(&str, &str)]) -> Vec<TypeDeclaration> {
    let modules: Vec<_> = files.iter().map(|(file, text)| Module::parse(file, text)).collect();
    type_declarations(&modules)
}

#[test]
fn too_many_single_words_are_found() {
    let two_words = "pub struct RawInputs;\nenum RetryPolicy {}\n";
    assert_eq!(too_many_single_words(&declared(&[("a.rs", two_words)])), None);
    let text =
        format!("{two_words}pub(crate) trait Reader {{\n    struct Kept<'a>(&'a str);\n}}\n");
    let found = too_many_single_words(&declared(&[("a.rs", &text)]));
    assert_eq!(found.unwrap(), "2 of 4 names (50 %) are a single word: Reader, Kept");
    let aside = "// struct Said;\ntype Told = u8;\npub const A: &str = \"struct B\";\n\
                 #[cfg(test)]\nmod tests {\n    struct Kept;\n}\n";
    assert!(declared(&[("a.rs", aside)]).is_empty());
}

#[test]
fn a_name_that_stands_twice_is_found() {
    for (files, found) in [
        ([("a/b.rs", "pub struct X;\n"), ("c/d.rs", "pub enum X {}\n")], 1),
        ([("a/b.rs", "pub(crate) struct X;\n"), ("c/d.rs", "trait X {}\n")], 1),
        ([("a/b.rs", "struct X;\n"), ("c/d.rs", "struct X;\n")], 0),
        ([("a/b.rs", "struct X;\n"), ("a/d.rs", "struct X;\n")], 1),
        ([("a/b.rs", "pub(super) struct X;\n"), ("c/d.rs", "struct X;\n")], 0),
        ([("a/b/mod.rs", "pub(super) struct X;\n"), ("c/d.rs", "struct X;\n")], 1),
        ([("a.rs", "pub(super) struct X;\n"), ("c/d.rs", "struct X;\n")], 1),
        ([("a/b.rs", "pub struct X;\n"), ("c/d.rs", "pub struct Y;\n")], 0),
        ([("os/signals.rs", "struct StopSignals;\nstruct StopSignals;\n"), ("a.rs", "")], 0),
        ([("os/signals.rs", "struct X;\nstruct X;\n"), ("a.rs", "")], 1),
        ([("os/signals.rs", "struct StopSignals;\n"), ("a.rs", "pub struct StopSignals;\n")], 1),
    ] {
        let repeated = repeated_names(&declared(&files));
        assert_eq!(repeated.len(), found, "{files:?}: {repeated:?}");
    }
}
