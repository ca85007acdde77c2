//! The parts of a release's version, as Sentry's own parser names them.

use serde_json::{Value, json};

/// `versionInfo`: package, the parts of a semantic version, a short description, a build hash.
pub(super) fn info(version: &str) -> Value {
    let version = version.trim_end();
    let (package, raw) = match version.split_once('@') {
        Some((package, raw)) if !package.is_empty() && !raw.is_empty() => (Some(package), raw),
        _ => (None, version),
    };
    let parts = package.and_then(|_| Parts::read(raw));
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
struct Parts<'a> {
    numbers: Vec<u64>,
    pre: Option<&'a str>,
    build: Option<&'a str>,
}

impl<'a> Parts<'a> {
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

    /// Each as a server of 23.7.1 answered it: description, build hash, and `version`.
    #[test]
    fn versions_are_taken_apart_as_sentry_does() {
        let sha = "6ba09a7c53235ee8a8fa5ee4c1ca8ca886e7fdbb";
        let with_sha = format!("1.2.3+{sha}");
        let of_sha = format!("pkg@{with_sha}");
        let bare = |raw: &str| json!({ "raw": raw });
        for (version, package, shown, description, hash) in [
            ("x1", None, bare("x1"), "x1", None),
            (sha, None, bare(sha), "6ba09a7c5323", Some(sha)),
            ("1.2.3", None, bare("1.2.3"), "1.2.3", None),
            ("pkg@abc1234", Some("pkg"), bare("abc1234"), "pkg@abc1234", None),
            ("a@b@1.0.0.4", Some("a"), bare("b@1.0.0.4"), "a@b@1.0.0.4", None),
            ("pkg@v1.2.3", Some("pkg"), bare("v1.2.3"), "pkg@v1.2.3", None),
            ("app@1.0 (42)", Some("app"), bare("1.0 (42)"), "app@1.0 (42)", None),
            ("a ", None, bare("a"), "a", None),
            (
                "pkg@1.2.3-rc.1+b5",
                Some("pkg"),
                json!({ "raw": "1.2.3-rc.1+b5", "major": 1, "minor": 2, "patch": 3,
                        "pre": "rc.1", "buildCode": "b5", "components": 3 }),
                "1.2.3-rc.1 (b5)",
                None,
            ),
            (
                "pkg@2.1",
                Some("pkg"),
                json!({ "raw": "2.1", "major": 2, "minor": 1, "patch": 0,
                        "pre": null, "buildCode": null, "components": 2 }),
                "2.1",
                None,
            ),
            (
                "pkg@1.2.3.4-alpha",
                Some("pkg"),
                json!({ "raw": "1.2.3.4-alpha", "major": 1, "minor": 2, "patch": 3,
                        "pre": "alpha", "buildCode": null, "components": 4 }),
                "1.2.3.4-alpha",
                None,
            ),
            (
                of_sha.as_str(),
                Some("pkg"),
                json!({ "raw": with_sha, "major": 1, "minor": 2, "patch": 3,
                        "pre": null, "buildCode": sha, "components": 3 }),
                "1.2.3 (6ba09a7c5323)",
                Some(sha),
            ),
        ] {
            let expected = json!({ "package": package, "version": shown,
                                   "description": description, "buildHash": hash });
            assert_eq!(info(version), expected, "{version}");
        }
    }
}
