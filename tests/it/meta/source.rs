//! The program's own source as the tests of its structure see it: modules, and what they name.

use std::path::{Path, PathBuf};

/// One file of `src`.
pub(crate) struct Module {
    /// The file below `src`, with `/` in every place.
    pub(crate) file: String,
    /// Its path from the root of the crate; of `lib.rs` and `main.rs`, their own name.
    pub(crate) path: Vec<String>,
    /// Its text.
    pub(crate) text: String,
    /// The paths that it names, each from the root of the crate.
    pub(crate) named: Vec<Vec<String>>,
}

impl Module {
    /// Reads the text of a file.
    pub(crate) fn parse(file: &str, text: &str) -> Self {
        let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
        let path: Vec<_> = path.split('/').map(str::to_owned).collect();
        let named = named(text, &path);
        Self { file: file.to_owned(), path, text: text.to_owned(), named }
    }

    /// The top-level module that it is part of.
    pub(crate) fn top(&self) -> &str {
        &self.path[0]
    }
}

/// Every file of `src`.
pub(crate) fn modules() -> Vec<Module> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let found = rust_files(&src);
    assert!(found.len() > 40, "{found:?}");
    let parse = |path: &PathBuf| {
        let file = path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
        Module::parse(&file, &std::fs::read_to_string(path).unwrap())
    };
    found.iter().map(parse).collect()
}

/// The Rust files below a folder.
pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let inside = |path: PathBuf| if path.is_dir() { rust_files(&path) } else { vec![path] };
    let mut files: Vec<_> = entries.flat_map(inside).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "rs"));
    files.sort();
    files
}

/// The paths of a text that begin with `crate` or `super`, from the root of the crate.
fn named(text: &str, module: &[String]) -> Vec<Vec<String>> {
    let (mut named, mut offset, mut inner) = (Vec::new(), 0, 0);
    let is_root = matches!(module, [name] if name == "lib" || name == "main");
    let depth = if is_root { 0 } else { module.len() };
    for line in text.split_inclusive('\n') {
        // By rustfmt, only the braces of an inline module and of items stand in the first column.
        if line.contains("mod ") && line.trim_end().ends_with(" {") && !line.starts_with([' ', '/'])
        {
            inner = 1;
        } else if line.starts_with('}') {
            inner = 0;
        }
        let starts = line.match_indices("crate::").chain(line.match_indices("super::"));
        for (at, start) in starts.filter(|_| !line.trim_start().starts_with("//")) {
            let rest = &text[offset + at..];
            let above = rest.split("::").take_while(|part| *part == "super").count();
            if line[..at].ends_with("super::") || above > depth + inner {
                continue;
            }
            let base = if start == "crate::" { 0 } else { depth + inner - above };
            let tail = rest.trim_start_matches("super::").trim_start_matches("crate::");
            let base = &module[..base.min(depth)];
            named.extend(paths(tail).into_iter().map(|path| [base, &path].concat()));
        }
        offset += line.len();
    }
    named.retain(|path| !path.is_empty());
    named
}

/// A path, or each path of a group.
fn paths(tail: &str) -> Vec<Vec<String>> {
    let tail = tail.trim_start();
    if let Some(group) = tail.strip_prefix('{') {
        return members(group).into_iter().flat_map(paths).collect();
    }
    let name: String = tail.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    if name.is_empty() || name == "self" {
        return vec![Vec::new()];
    }
    let rest = tail[name.len()..].strip_prefix("::").map_or(vec![Vec::new()], paths);
    rest.into_iter().map(|rest| [vec![name.clone()], rest].concat()).collect()
}

/// The members of a group whose opening brace is behind us.
fn members(group: &str) -> Vec<&str> {
    let (mut members, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                members.push(&group[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                members.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    members.retain(|member| !member.trim().is_empty());
    members
}
