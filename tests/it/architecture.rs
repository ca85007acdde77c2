//! Whether every path in `src` points to an earlier layer.

use std::path::{Path, PathBuf};

/// A module names only modules of earlier lines; two on one line never name each other.
const LAYERS: [&str; 16] = [
    "yaml",
    "dates env failure secret token",
    "job model",
    "state",
    "inputs",
    "links provider",
    "callback manifest plan redirect seam",
    "release",
    "driver outcome",
    "outputs report",
    "files git http store terminal",
    "backend cli database github host manual",
    "supervise",
    "run server",
    "lib",
    "main",
];

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|line| line.split(' ').any(|name| name == module))
}

/// The top-level modules that a text names, each with the path as it stands there. `module` is
/// where the text is, from the top: `["host", "log"]`.
fn named(text: &str, module: &[&str]) -> Vec<(String, String)> {
    let (mut named, mut offset, mut inner) = (Vec::new(), 0, 0);
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
            let chained = line[..at].ends_with("super::");
            let tail = rest.trim_start_matches("super::").trim_start_matches("crate::");
            if !chained && (start == "crate::" || above == module.len() + inner) {
                let path = rest.split([';', '\n']).next().unwrap_or_default();
                named.extend(heads(tail).into_iter().map(|head| (head, path.to_owned())));
            }
        }
        offset += line.len();
    }
    named
}

/// The first name of a path, or of each path in a group.
fn heads(tail: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(group) = tail.strip_prefix('{') else { return vec![name(tail)] };
    let (mut heads, mut depth) = (vec![name(group)], 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(name(&group[at + 1..])),
            _ => {}
        }
    }
    heads.retain(|head| !head.is_empty());
    heads
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = folder.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let inside = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries
        .flat_map(inside)
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .collect()
}

/// What is wrong with the paths of one file.
fn culprits(file: &str, text: &str) -> Vec<String> {
    let module: Vec<_> = file.trim_end_matches(".rs").trim_end_matches("/mod").split('/').collect();
    let Some(own) = layer(module[0]) else { return vec![format!("{file}: it has no layer")] };
    let is_wrong = |head: &str| head != module[0] && layer(head).is_none_or(|layer| layer >= own);
    let wrong = named(text, &module).into_iter().filter(|(head, _)| is_wrong(head));
    wrong.map(|(head, path)| format!("{file}: `{path}` names {head}")).collect()
}

#[test]
fn every_path_points_to_an_earlier_layer() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let found = files(&src);
    assert!(found.len() > 40, "{found:?}");
    let check = |path: &PathBuf| {
        let file = path.strip_prefix(&src).unwrap().to_str().unwrap().replace('\\', "/");
        culprits(&file, &std::fs::read_to_string(path).unwrap())
    };
    let culprits: Vec<_> = found.iter().flat_map(check).collect();
    assert!(culprits.is_empty(), "{}", culprits.join("\n"));
}

#[test]
fn a_path_that_points_to_a_later_layer_is_found() {
    for (file, text, found) in [
        ("plan.rs", "use crate::model::X;\nuse crate::provider::{self, Y};\n", 0),
        ("plan.rs", "use crate::host::Sinks;\n", 1),
        ("plan.rs", "fn a() {\n    crate::seam::b()\n}\n", 1),
        ("plan.rs", "use crate::{\n    host::{log, a},\n    model,\n    run,\n};\n", 2),
        ("plan.rs", "use super::host;\n", 1),
        ("plan.rs", "mod tests {\n    use super::host;\n    use super::super::host;\n}\n", 1),
        ("host/log.rs", "use super::github;\nuse super::super::run;\n", 1),
        (
            "host/mod.rs",
            "use super::run;\n/// [`crate::run`]\nmod tests {\n    use super::log;\n}\n",
            1,
        ),
        ("state.rs", "use crate::unheard::Of;\n", 1),
        ("unheard.rs", "", 1),
    ] {
        assert_eq!(culprits(file, text).len(), found, "{file}: {text}");
    }
}

#[test]
fn no_file_is_too_long_to_be_read() {
    for folder in ["src", "tests"] {
        for path in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) {
            let lines = std::fs::read_to_string(&path).unwrap().lines().count();
            assert!(lines <= 400, "{} has {lines} lines", path.display());
        }
    }
}
