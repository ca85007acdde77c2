//! The files in which sentry-cli keeps its defaults: `.sentryclirc` and `sentry.properties`.
//!
//! They name address, organization and project when nothing else does. What else is in them, a
//! token above all, is not read.

use super::types::ReadFile;
use crate::env::Env;

/// How many folders above the working folder are looked into.
const UPWARDS: usize = 32;

/// The keys of the files' defaults, with the inputs that they are for.
const KEYS: [(&str, &str); 3] = [("url", "url"), ("org", "org"), ("project", "projects")];

/// What the files say: the input's name, the text, and the file.
pub(super) fn read(env: &Env, read: ReadFile<'_>) -> Vec<(&'static str, String, &'static str)> {
    let properties = match env.get("SENTRY_PROPERTIES") {
        Some(path) => read(path).ok(),
        None => find_upwards("sentry.properties", read),
    };
    let of_home = |home: &str| read(&format!("{home}/.sentryclirc")).ok();
    let home = env.get("HOME").or_else(|| env.get("USERPROFILE")).and_then(of_home);
    let sections = [find_upwards(".sentryclirc", read), home];
    let sections = sections.into_iter().flatten().flat_map(|text| section(&text));
    let sections = sections.map(|(name, value)| (name, value, ".sentryclirc"));
    let properties = properties.iter().flat_map(|text| lines(text, "defaults."));
    let properties = properties.map(|(name, value)| (name, value, "sentry.properties"));
    sections.chain(properties).collect()
}

/// The nearest file of this name, from the working folder upwards.
fn find_upwards(name: &str, read: ReadFile<'_>) -> Option<String> {
    (0..UPWARDS).find_map(|above| read(&format!("{}{name}", "../".repeat(above))).ok())
}

/// The section `[defaults]` of an INI file.
fn section(text: &str) -> Vec<(&'static str, String)> {
    let is_head = |line: &&str| line.trim_start().starts_with('[');
    let after = text.lines().skip_while(|line| line.trim() != "[defaults]").skip(1);
    let lines_of: Vec<_> = after.take_while(|line| !is_head(line)).collect();
    lines(&lines_of.join("\n"), "")
}

/// The lines `key=value` that are for an input.
fn lines(text: &str, prefix: &str) -> Vec<(&'static str, String)> {
    let named = |line: &str| {
        let (key, value) = line.split_once(['=', ':'])?;
        let key = key.trim().strip_prefix(prefix)?;
        let (_, input) = KEYS.iter().find(|(known, _)| *known == key)?;
        let value = value.trim();
        (!value.is_empty()).then(|| (*input, value.to_owned()))
    };
    text.lines().filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Error, ErrorKind};

    fn defaults(files: &[(&str, &str)], env: &[(&str, &str)]) -> Vec<(&'static str, String)> {
        let env: Env = env.iter().copied().collect();
        let text = |path: &str| {
            let file = files.iter().find(|(known, _)| *known == path);
            file.map(|(_, text)| (*text).to_owned()).ok_or_else(|| Error::from(ErrorKind::NotFound))
        };
        read(&env, &text).into_iter().map(|(name, value, _)| (name, value)).collect()
    }

    #[test]
    fn the_nearest_file_goes_before_the_one_at_home() {
        let files = [
            (
                "../.sentryclirc",
                "[auth]\ntoken=s3cr3t\norg=x\n\n[defaults]\nurl = https://a.example/\n",
            ),
            ("../../.sentryclirc", "[defaults]\nurl = https://b.example/\n"),
            (
                "/home/ada/.sentryclirc",
                "[defaults]\norg=acme\nurl=https://c.example/\n[http]\nproject=no\n",
            ),
        ];
        let defaults = defaults(&files, &[("HOME", "/home/ada")]);
        let expected =
            [("url", "https://a.example/"), ("org", "acme"), ("url", "https://c.example/")];
        assert_eq!(defaults, expected.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn properties_are_read_where_they_are_named() {
        let files =
            [("x.properties", "# no\ndefaults.org=acme\ndefaults.project = web\nauth.token=t\n")];
        let defaults = defaults(&files, &[("SENTRY_PROPERTIES", "x.properties")]);
        assert_eq!(defaults, [("org", "acme".to_owned()), ("projects", "web".to_owned())]);
    }
}
