//! From a given line to paths: where it may hold several, the disk tells.

use crate::text::glob::PathGlob;
use std::path::Path;

/// The paths of a line: the line itself where there is such a file or folder, else its parts between
/// commas, and theirs between blanks. Quotation marks around a part are not a part of it.
pub(super) fn split(line: &str) -> Vec<String> {
    if Path::new(line).exists() {
        return vec![line.to_owned()];
    }
    let parts = outside_braces(line, |c| c == ',');
    if let [only] = parts.as_slice() {
        let parts = outside_braces(only, char::is_whitespace);
        return parts.iter().map(|part| unquoted(part)).collect();
    }
    parts.iter().flat_map(|part| split(part)).collect()
}

fn unquoted(text: &str) -> String {
    let inner = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text).to_owned()
}

/// The parts of a text between separators that stand in no braces and no quotation marks.
fn outside_braces(text: &str, is_separator: fn(char) -> bool) -> Vec<String> {
    let (mut parts, mut depth, mut quote) = (vec![String::new()], 0_usize, None);
    for character in text.chars() {
        match (character, quote) {
            ('{', None) => depth += 1,
            ('}', None) => depth = depth.saturating_sub(1),
            ('"' | '\'', None) => quote = Some(character),
            (_, Some(open)) if open == character => quote = None,
            _ => {}
        }
        match depth == 0 && quote.is_none() && is_separator(character) {
            true => parts.push(String::new()),
            false => parts.last_mut().expect("there is one").push(character),
        }
    }
    let parts = parts.into_iter().map(|part| part.trim().to_owned());
    parts.filter(|part| !part.is_empty()).collect()
}

/// The globs that a text with `{a,b}` stands for, of at most 64.
pub(super) fn without_braces(glob: &str) -> Vec<String> {
    let mut open = vec![glob.to_owned()];
    let mut done = Vec::new();
    while let Some(text) = open.pop() {
        let inner = text.find('{').and_then(|start| {
            let end = start + text[start..].find('}')?;
            let start = text[..end].rfind('{').unwrap_or(start);
            text[start + 1..end].contains(',').then_some((start, end))
        });
        match inner {
            Some((start, end)) if open.len() + done.len() < 64 => {
                let choices = text[start + 1..end].split(',').rev();
                open.extend(
                    choices.map(|one| format!("{}{one}{}", &text[..start], &text[end + 1..])),
                );
            }
            _ => done.push(text),
        }
    }
    done
}

/// The folder that a glob begins with, and the rest; none where it is no glob.
pub(super) fn glob_root(path: &str) -> Option<(&str, &str)> {
    let wild = path.find(['*', '?', '[', '{'])?;
    match path[..wild].rfind('/') {
        Some(0) => Some(("/", &path[1..])),
        Some(slash) => Some((&path[..slash], &path[slash + 1..])),
        None => Some((".", path)),
    }
}

/// Whether a glob matches a path, or a folder that it is in: a shell would give that folder whole.
pub(super) fn is_within(below: &str, globs: &[PathGlob]) -> bool {
    let ends = below.match_indices('/').map(|(at, _)| at).chain([below.len()]);
    let mut paths = ends.map(|end| &below.as_bytes()[..end]);
    paths.any(|path| globs.iter().any(|glob| glob.matches(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_and_blanks_part_what_is_no_path() {
        assert_eq!(split("src, tests"), ["src", "tests"]);
        assert_eq!(split("src tests"), ["src", "tests"]);
        assert_eq!(split("a/**/*.{js,map}, b"), ["a/**/*.{js,map}", "b"]);
        assert_eq!(split("'my app/dist' other"), ["my app/dist", "other"]);
        assert_eq!(split("\"my, app\""), ["\"my, app\""].map(|_| "my, app"));
    }

    #[test]
    fn braces_are_choices() {
        assert_eq!(without_braces("a.{js,map}"), ["a.js", "a.map"]);
        assert_eq!(without_braces("{a,b}/{c,d}"), ["a/c", "a/d", "b/c", "b/d"]);
        assert_eq!(without_braces("a{b"), ["a{b"]);
        assert!(without_braces(&"{a,b}".repeat(40)).len() <= 128);
    }

    #[test]
    fn a_glob_begins_at_its_fixed_folder() {
        assert_eq!(glob_root("dist/**/*.js"), Some(("dist", "**/*.js")));
        assert_eq!(glob_root("*.js"), Some((".", "*.js")));
        assert_eq!(glob_root("/srv/*/x"), Some(("/srv", "*/x")));
        assert_eq!(glob_root("dist"), None);
    }
}
