//! The parts of a release's version, as Sentry's own parser names them.

use serde_json::{Value, json};

/// `versionInfo`: package, the parts of a semantic version, a short description, a build hash.
pub(crate) fn info(version: &str) -> Value {
    let version = version.trim();
    let (package, raw) = match version.split_once('@') {
        Some((package, raw)) if !package.is_empty() && !raw.is_empty() => (Some(package), raw),
        _ => (None, version),
    };
    let parts = package.filter(|_| !is_hash(raw)).and_then(|_| VersionParts::read(raw));
    let build = parts.as_ref().and_then(|parts| parts.build);
    let build_hash = [Some(raw), build].into_iter().flatten().find(|text| is_hash(text));
    let description = match (&parts, is_hash(raw)) {
        (Some(parts), _) => parts.description(raw),
        (None, true) => raw[..12].to_owned(),
        (None, false) => version.to_owned(),
    };
    let shown = parts.map_or_else(|| json!({ "raw": raw }), |parts| parts.shown(raw));
    json!({
        "package": package,
        "version": shown,
        "description": description,
        "buildHash": build_hash,
    })
}

/// A version of up to four numbers, with what may follow them.
struct VersionParts<'a> {
    numbers: Vec<u64>,
    pre: Option<&'a str>,
    build: Option<&'a str>,
}

impl<'a> VersionParts<'a> {
    fn read(raw: &'a str) -> Option<Self> {
        let (rest, build) = match raw.split_once('+') {
            Some((rest, build)) => (rest, Some(build)),
            None => (raw, None),
        };
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (digits, pre) = rest.split_at(end);
        let pre = pre.strip_prefix('-').unwrap_or(pre);
        let numbers: Vec<u64> = digits.split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
        let is_word =
            |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
        let fits = numbers.len() <= 4 && is_word(pre) && build.is_none_or(is_word);
        fits.then(|| Self { numbers, pre: Some(pre).filter(|pre| !pre.is_empty()), build })
    }

    fn number(&self, index: usize) -> u64 {
        self.numbers.get(index).copied().unwrap_or(0)
    }

    fn shown(&self, raw: &str) -> Value {
        json!({
            "raw": raw,
            "major": self.number(0),
            "minor": self.number(1),
            "patch": self.number(2),
            "pre": self.pre,
            "buildCode": self.build,
            "components": self.numbers.len(),
        })
    }

    fn description(&self, raw: &str) -> String {
        let Some(build) = self.build else { return raw.to_owned() };
        let before = raw.split('+').next().unwrap_or(raw);
        format!("{before} ({})", if is_hash(build) { &build[..12] } else { build })
    }
}

fn is_hash(text: &str) -> bool {
    matches!(text.len(), 12 | 16 | 20 | 32 | 40 | 64) && text.bytes().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_taken_apart_as_by_a_server_of_23_7_1() {
        let text = include_str!("../../../tests/fixtures/serve/versions.json");
        let cases: crate::model::Object = serde_json::from_str(text).unwrap();
        for (version, expected) in &cases {
            assert_eq!(info(version), *expected, "{version}");
        }
    }
}
