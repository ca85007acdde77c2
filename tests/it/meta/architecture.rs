//! Whether every path in `src` points to an earlier layer, and no folder has a circle inside.

use super::source::{Module, modules};
use std::collections::{BTreeMap, BTreeSet};

/// A module names only modules of earlier lines; two on one line never name each other.
const LAYERS: [&str; 14] = [
    "env secret text",
    "error",
    "job model",
    "inputs",
    "provider",
    "integration",
    "manifest release sentry_cli sourcemap",
    "migration outcome",
    "os",
    "build_folder database git http",
    "backend cli github output",
    "command server",
    "lib",
    "main",
];

/// How many files may stand loose at the root of `src`.
const MAX_ROOT_FILES: usize = 6;
const MAX_LINES: usize = 400;

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|line| line.split(' ').any(|name| name == module))
}

/// The paths of one module that do not point to an earlier layer.
fn wrong_arrows(module: &Module) -> Vec<String> {
    let top = module.top();
    let Some(own) = layer(top) else { return vec![format!("{}: it has no layer", module.file)] };
    let is_wrong = |head: &str| head != top && layer(head).is_none_or(|layer| layer >= own);
    let heads = module.named.iter().map(|path| path[0].as_str());
    let wrong: BTreeSet<_> = heads.filter(|head| is_wrong(head)).collect();
    wrong.into_iter().map(|head| format!("{} names {head}", module.file)).collect()
}

/// For each folder, which of its direct children names which other. A folder's own `mod.rs` is
/// where its children meet, and is none of them.
fn arrows(modules: &[Module]) -> BTreeMap<Vec<String>, BTreeSet<(String, String)>> {
    let mut arrows: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for module in modules {
        for path in &module.named {
            let shared = module.path.iter().zip(path).take_while(|(a, b)| a == b).count();
            if let (Some(from), Some(to)) = (module.path.get(shared), path.get(shared)) {
                let folder: Vec<String> = path[..shared].to_vec();
                let is_child = |name: &String| {
                    let child: Vec<_> = folder.iter().chain([name]).cloned().collect();
                    modules.iter().any(|module| module.path.starts_with(&child))
                };
                if is_child(from) && is_child(to) {
                    arrows.entry(folder).or_default().insert((from.clone(), to.clone()));
                }
            }
        }
    }
    arrows
}

/// The children of one folder that lead back to themselves.
fn circle(arrows: &BTreeSet<(String, String)>) -> BTreeSet<&str> {
    let names: BTreeSet<_> = arrows.iter().map(|(from, _)| from.as_str()).collect();
    let leads_back = |start: &str| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![start]);
        while let Some(from) = next.pop() {
            for (_, to) in arrows.iter().filter(|(name, _)| name == from) {
                if to == start {
                    return true;
                }
                if seen.insert(to.as_str()) {
                    next.push(to);
                }
            }
        }
        false
    };
    names.into_iter().filter(|name| leads_back(name)).collect()
}

fn circles(modules: &[Module]) -> Vec<String> {
    let arrows = arrows(modules);
    let found = arrows.iter().map(|(folder, arrows)| (folder, arrows, circle(arrows)));
    let found = found.filter(|(_, _, circle)| !circle.is_empty());
    let text =
        |(folder, arrows, circle): (&Vec<String>, &BTreeSet<(String, String)>, BTreeSet<&str>)| {
            let inside = |(from, to): &&(String, String)| {
                circle.contains(from.as_str()) && circle.contains(to.as_str())
            };
            let arrows: Vec<_> =
                arrows.iter().filter(inside).map(|(from, to)| format!("{from} → {to}")).collect();
            format!("{}/: {}", folder.join("/"), arrows.join(", "))
        };
    found.map(text).collect()
}

#[test]
fn every_path_points_to_an_earlier_layer() {
    let wrong: Vec<_> = modules().iter().flat_map(wrong_arrows).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_folder_has_a_circle_inside() {
    let circles = circles(&modules());
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn the_root_has_few_files_and_none_is_too_long_to_be_read() {
    let modules = modules();
    let root = modules.iter().filter(|module| !module.file.contains('/')).count();
    assert!(root <= MAX_ROOT_FILES, "{root} files at the root of src");
    for module in modules {
        let lines = module.text.lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines", module.file);
    }
}

#[test]
fn contributors_read_of_the_same_layers() {
    let lines = LAYERS.map(|line| format!("    {}\n", line.replace(' ', " · "))).concat();
    assert!(include_str!("../../../CONTRIBUTING.md").contains(&lines), "{lines}");
}

#[test]
fn a_path_that_points_to_a_later_layer_is_found() {
    for (file, text, found) in [
        ("integration/task.rs", "use crate::model::X;\nuse crate::provider::{self, Y};\n", 0),
        ("integration/task.rs", "use crate::output::WriteOp;\n", 1),
        ("integration/task.rs", "fn a() {\n    crate::outcome::b()\n}\n", 1),
        ("error.rs", "use crate::{\n    output::{log, a},\n    text,\n    command,\n};\n", 2),
        ("error.rs", "use super::output;\n", 1),
        ("error.rs", "mod tests {\n    use super::output;\n    use super::super::output;\n}\n", 1),
        ("output/log.rs", "use super::github;\nuse super::super::command;\n", 1),
        (
            "output/mod.rs",
            "use super::command;\n/// [`crate::command`]\nmod tests {\n    use super::log;\n}\n",
            1,
        ),
        ("model/state.rs", "use crate::unheard::Of;\n", 1),
        ("unheard.rs", "", 1),
    ] {
        let found_arrows = wrong_arrows(&Module::parse(file, text));
        assert_eq!(found_arrows.len(), found, "{file}: {text}\n{found_arrows:?}");
    }
}

#[test]
fn a_circle_of_two_files_or_of_more_is_found() {
    let parse = |files: &[(&str, &str)]| -> Vec<Module> {
        files.iter().map(|(file, text)| Module::parse(file, text)).collect()
    };
    let pair = parse(&[
        ("git/files.rs", "use super::history::X;\n"),
        ("git/history.rs", "fn a() {\n    crate::git::files::b()\n}\n"),
        ("git/mod.rs", "mod files;\nmod history;\nuse files::Y;\n"),
    ]);
    assert_eq!(circles(&pair), ["git/: files → history, history → files"]);
    let three = parse(&[
        ("a/b/one.rs", "use super::super::c::X;\n"),
        ("a/c.rs", "use super::d;\n"),
        ("a/d.rs", "use crate::a::b::one::Y;\n"),
        ("a/e.rs", "use super::c;\n"),
    ]);
    assert_eq!(circles(&three), ["a/: b → c, c → d, d → b"]);
    let none =
        parse(&[("git/files.rs", "use super::X;\n"), ("git/history.rs", "use super::files;")]);
    assert_eq!(circles(&none), [""; 0]);
}
