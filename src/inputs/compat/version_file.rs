//! The version in a file: one that `release: file:PATH` names, or Gradle's as sentry-cli finds it.

use super::files::{UPWARDS, is_unfit};
use crate::inputs::types::ReadFile;
use crate::text::quote;

/// What stands before the path of a file in `release`.
const FILE: &str = "file:";

/// The path of a file that holds the version, if the text names one.
pub fn path(text: &str) -> Option<&str> {
    text.strip_prefix(FILE).map(str::trim)
}

/// The version in a file; the error is a clause for a person.
pub fn read(path: &str, read: ReadFile<'_>) -> Result<String, String> {
    let text = read(path).map_err(|error| format!("cannot read {}: {error}", quote(path)))?;
    let text = text.trim_start_matches('\u{feff}');
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path).to_ascii_lowercase();
    let (found, place) = match name.rsplit('.').next() {
        Some("json") => (of_json(text), "a text `version`"),
        Some("toml") => (
            of_toml(text),
            "a text `version` in [package], [project], [tool.poetry] or [workspace.package]",
        ),
        Some("xml") => (of_pom(text), "a `<version>` of the project or its parent without `${…}`"),
        _ => (of_plain(text), "one line with the version"),
    };
    let found = found.filter(|found| !is_unresolved(found));
    found.ok_or_else(|| format!("{} does not hold {place}", quote(path)))
}

/// Whether a tool has yet to put something in: a build's property, an entity, a template's word.
fn is_unresolved(version: &str) -> bool {
    version.contains(['&', '<', '>'])
        || ["${", "$(", "{{", "@{"].iter().any(|mark| version.contains(mark))
}

fn of_json(text: &str) -> Option<String> {
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    non_blank(json["version"].as_str()?)
}

fn of_plain(text: &str) -> Option<String> {
    // A line of a program or a setting has blanks or quotes.
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '=');
    non_blank(text).filter(|text| !text.contains(is_odd))
}

fn non_blank(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The tables of a TOML file that may have the version, the best first.
const TABLES: [&str; 4] = ["package", "project", "tool.poetry", "workspace.package"];

fn of_toml(text: &str) -> Option<String> {
    TABLES.iter().find_map(|table| toml_text(text, table, "version"))
}

/// The one-line text of a key in a table of a TOML file.
fn toml_text(text: &str, table: &str, key: &str) -> Option<String> {
    let mut is_inside = false;
    for line in text.lines().map(str::trim) {
        if let Some(head) = line.strip_prefix('[') {
            is_inside = head.split(']').next().is_some_and(|head| head.trim() == table);
        } else if is_inside && let Some((name, value)) = line.split_once('=') {
            let value = value.trim();
            let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''));
            if let (true, Some(quote)) = (name.trim() == key, quote) {
                return non_blank(value[1..].split(quote).next()?);
            }
        }
    }
    None
}

/// The version of a `pom.xml`: the project's own, else its parent's, and never one of what it depends
/// on.
fn of_pom(text: &str) -> Option<String> {
    let (mut path, mut found, mut rest) = (Vec::new(), [None, None], text);
    while let Some((before, tag)) = rest.split_once('<') {
        let place = match path.as_slice() {
            ["project", "version"] => Some(0),
            ["project", "parent", "version"] => Some(1),
            _ => None,
        };
        if let Some(place) = place {
            found[place] = found[place].take().or_else(|| non_blank(before));
        }
        let end = if tag.starts_with("!--") { "-->" } else { ">" };
        let (inside, after) = tag.split_once(end)?;
        match inside.chars().next()? {
            '!' | '?' => {}
            '/' => drop(path.pop()),
            _ if inside.ends_with('/') => {}
            _ => path.push(inside.split_whitespace().next()?),
        }
        rest = after;
    }
    found.into_iter().flatten().next()
}

/// Gradle's `applicationId@versionName`, from the nearest folder with `build.gradle` and
/// `app/build.gradle`.
pub fn gradle(read: ReadFile<'_>) -> Option<String> {
    (0..UPWARDS).find_map(|above| {
        let folder = "../".repeat(above);
        let read = |name: &str| {
            let path = format!("{folder}{name}");
            let said = |error: &std::io::Error| {
                if is_unfit(error) {
                    tracing::warn!(path, %error, "cannot read the version");
                }
            };
            read(&path).inspect_err(said).ok()
        };
        read("build.gradle")?;
        let text = read("app/build.gradle")?;
        let (id, version) =
            (gradle_text(&text, "applicationId")?, gradle_text(&text, "versionName")?);
        Some(format!("{id}@{version}"))
    })
}

/// The text in quotes that follows a word and blanks.
fn gradle_text<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.match_indices(word).find_map(|(at, _)| {
        let rest = &text[at + word.len()..];
        let value = rest.trim_start();
        let is_apart = value.len() < rest.len();
        let value = value.strip_prefix(['"', '\'']).filter(|_| is_apart)?;
        value.find(['"', '\'']).map(|end| &value[..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Error, ErrorKind};

    fn version_of(name: &str, text: &'static str) -> Result<String, String> {
        read(name, &|path| {
            if path == name { Ok(text.to_owned()) } else { Err(Error::from(ErrorKind::NotFound)) }
        })
    }

    #[test]
    fn each_kind_of_file_has_its_own_place_for_the_version() {
        for (name, text, version) in [
            (
                "a/package.json",
                "{\"version\":\"1.2.3\",\"dependencies\":{\"version\":\"9\"}}",
                "1.2.3",
            ),
            (
                "pyproject.toml",
                "[build-system]\nversion = \"9\"\n[project]\nname = 'x'\nversion = '2.0' # now\n",
                "2.0",
            ),
            ("pyproject.toml", "[tool.poetry]\nversion=\"3.1\"\n", "3.1"),
            (
                "Cargo.toml",
                "[package]\nversion = \"0.4.0\"\n[dependencies]\na = { version = \"9\" }\n",
                "0.4.0",
            ),
            (
                "Cargo.toml",
                "[package]\nversion.workspace = true\n[workspace.package]\nversion = \"5.0\"\n",
                "5.0",
            ),
            (
                "pom.xml",
                "<?xml version=\"1.0\"?>\n<!-- <version>8</version> --><project xmlns=\"x\"><parent><version>9</version></parent>\n<dependencies><dependency><version>7</version></dependency></dependencies><version> 1.4-SNAPSHOT </version></project>",
                "1.4-SNAPSHOT",
            ),
            ("pom.xml", "<project><parent><version>9</version></parent></project>", "9"),
            ("VERSION", "\u{feff}1.5.0\r\n", "1.5.0"),
        ] {
            assert_eq!(version_of(name, text).as_deref(), Ok(version), "{name}: {text}");
        }
    }

    #[test]
    fn a_file_without_a_version_is_refused_with_what_it_lacks() {
        for (name, text) in [
            ("package.json", "{\"version\": 2}"),
            ("package.json", "{"),
            ("Cargo.toml", "[dependencies.a]\nversion = \"1\"\n"),
            ("pom.xml", "<project><version>${revision}</version></project>"),
            ("pom.xml", "<project><version>1"),
            ("pom.xml", "<project><version>&v;</version></project>"),
            ("package.json", "{\"version\": \"${npm_version}\"}"),
            ("Cargo.toml", "[package]\nversion = \"{{version}}\"\n"),
            ("VERSION", "${VERSION}\n"),
            ("VERSION", "$(git describe)\n"),
            ("version.gradle", "version = \"1.0\"\n"),
            ("version.properties", "version=1.0\n"),
            ("VERSION", "a\nb\n"),
            ("VERSION", "\n"),
        ] {
            let wrong = version_of(name, text).unwrap_err();
            assert!(wrong.contains(name) && wrong.contains("does not hold"), "{wrong}");
        }
        assert!(read("gone", &|_| Err(ErrorKind::NotFound.into())).unwrap_err().contains("`gone`"));
    }

    #[test]
    fn gradles_version_is_that_of_the_nearest_app() {
        let files = [
            ("../build.gradle", ""),
            (
                "../app/build.gradle",
                "applicationIdSuffix '.x'\n applicationId \"ch.acme\"\nversionName '1.2'\n",
            ),
        ];
        let read = |path: &str| {
            let found = files.iter().find(|(name, _)| *name == path);
            found.map(|(_, text)| (*text).to_owned()).ok_or(Error::from(ErrorKind::NotFound))
        };
        assert_eq!(gradle(&read).as_deref(), Some("ch.acme@1.2"));
        assert_eq!(gradle(&|_| Err(ErrorKind::NotFound.into())), None);
    }
}
