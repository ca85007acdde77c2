//! The files in which sentry-cli finds its defaults: `.env`, `.sentryclirc` and `sentry.properties`.
//!
//! They name address, organization and project when nothing else does. What else is in them, a
//! token above all, is not read.

use crate::env::Env;
use crate::error::{Error, ErrorCode};
use crate::inputs::types::ReadFile;
use crate::text::quote;
use std::cell::RefCell;
use std::io::{self, ErrorKind, Result};

/// How many folders above the working folder are looked into.
pub(super) const UPWARDS: usize = 32;

/// The keys of the files' defaults, with the inputs that they are for.
const KEYS: [(&str, &str); 3] = [("url", "url"), ("org", "org"), ("project", "projects")];

/// The variables that do the same in a `.env`.
const VARIABLES: [(&str, &str); 3] =
    [("SENTRY_URL", "url"), ("SENTRY_ORG", "org"), ("SENTRY_PROJECT", "projects")];

/// What the files say: the input's name, the text, and the file. As sentry-cli has it, a `.env` goes before the
/// others, and next the file that `SENTRY_PROPERTIES` names. One that is no file is a mistake: a repository
/// could hold up the run with it, or hide what it says.
pub fn read(
    env: &Env,
    read: ReadFile<'_>,
    mistakes: &mut Vec<Error>,
) -> Vec<(&'static str, String, &'static str)> {
    let unfit = RefCell::new(Vec::new());
    let read = &|path: &str| {
        let text = read(path);
        let error = text.as_ref().err().filter(|error| !is_environment(path, error));
        unfit.borrow_mut().extend(error.and_then(|error| mistake(path, error)));
        text
    };
    let named = env.get("SENTRY_PROPERTIES").and_then(|path| {
        let failed = |error: &_| tracing::warn!(path, %error, "cannot read SENTRY_PROPERTIES");
        read(path).inspect_err(failed).ok()
    });
    let is_named = env.get("SENTRY_PROPERTIES").is_some();
    let properties = (!is_named).then(|| find_upwards("sentry.properties", read)).flatten();
    let of_home = |home: &str| found(read(&format!("{home}/.sentryclirc")));
    let home = env.get("HOME").or_else(|| env.get("USERPROFILE")).and_then(of_home).flatten();
    let files = [
        (dotenv(env, read), ".env", FileSyntax::Dotenv),
        (named, "sentry.properties", FileSyntax::Properties),
        (find_upwards(".sentryclirc", read), ".sentryclirc", FileSyntax::Ini),
        (home, ".sentryclirc", FileSyntax::Ini),
        (properties, "sentry.properties", FileSyntax::Properties),
    ];
    let defaults = files.into_iter().filter_map(|(text, file, syntax)| Some((text?, file, syntax)));
    let of_file = |(text, file, syntax): (String, &'static str, FileSyntax)| {
        syntax.defaults(&text).into_iter().map(move |(name, value)| (name, value, file))
    };
    let values = defaults.flat_map(of_file).collect();
    mistakes.extend(unfit.take());
    values
}

/// The nearest `.env`, or the one that is named; none where the environment says so.
fn dotenv(env: &Env, read: ReadFile<'_>) -> Option<String> {
    match env.get("SENTRY_DOTENV_PATH") {
        _ if env.get("SENTRY_LOAD_DOTENV") == Some("0") => None,
        Some(path) => {
            let failed = |error: &_| tracing::warn!(path, %error, "cannot read SENTRY_DOTENV_PATH");
            read(path).inspect_err(failed).ok()
        }
        None => find_upwards(".env", read),
    }
}

/// Whether it is a folder that Python's programs are installed in, which many call `.env`.
fn is_environment(path: &str, error: &io::Error) -> bool {
    path.ends_with(".env") && error.kind() == ErrorKind::IsADirectory
}

/// The text of a file that is there, as far as it can be read.
fn found(text: Result<String>) -> Option<Option<String>> {
    match text {
        Ok(text) => Some(Some(text)),
        Err(error) if error.kind() == ErrorKind::IsADirectory => None,
        Err(error) => is_unfit(&error).then_some(None),
    }
}

/// Whether what is there is no file that is read.
pub(super) fn is_unfit(error: &io::Error) -> bool {
    let kinds = [ErrorKind::InvalidInput, ErrorKind::FileTooLarge, ErrorKind::IsADirectory];
    kinds.contains(&error.kind())
}

fn mistake(path: &str, error: &io::Error) -> Option<Error> {
    let message = || format!("cannot read {}: {error}", quote(path));
    let hint = "replace it by a file of text, or remove it";
    is_unfit(error).then(|| Error::new(ErrorCode::Usage, message()).with_hint(hint))
}

/// The nearest file of this name, from the working folder upwards.
fn find_upwards(name: &str, read: ReadFile<'_>) -> Option<String> {
    (0..UPWARDS).find_map(|above| found(read(&format!("{}{name}", "../".repeat(above))))).flatten()
}

/// How a file is written, as sentry-cli reads it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FileSyntax {
    /// Lines of `NAME=value`, with quotes and escapes, as a shell has them.
    Dotenv,
    /// Sections of `key=value`, with quotes and escapes.
    Ini,
    /// Java's `defaults.key=value`, with escapes, and lines that a backslash continues.
    Properties,
}

impl FileSyntax {
    /// What is said for an input, in the file's order.
    fn defaults(self, text: &str) -> Vec<(&'static str, String)> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        match self {
            Self::Dotenv => text.lines().filter_map(dotenv_default).collect(),
            Self::Ini => section(text).filter_map(|line| self.default(line, "")).collect(),
            Self::Properties => {
                let lines = logical_lines(text);
                lines.iter().filter_map(|line| self.default(line, "defaults.")).collect()
            }
        }
    }

    /// The line `key=value`, if its key is for an input.
    fn default(self, line: &str, prefix: &str) -> Option<(&'static str, String)> {
        let (key, value) = self.key_and_value(line.trim())?;
        let key = key.trim_end().strip_prefix(prefix)?;
        let (_, input) = KEYS.iter().find(|(known, _)| *known == key)?;
        let value = self.value(value.trim()).trim().to_owned();
        (!value.is_empty()).then_some((*input, value))
    }

    /// Properties are separated by a blank as well, which may surround the sign.
    fn key_and_value(self, line: &str) -> Option<(&str, &str)> {
        if self == Self::Ini {
            return line.split_once(['=', ':']);
        }
        let (key, value) = line.split_once(|c: char| c.is_whitespace() || c == '=' || c == ':')?;
        let separator = &line[key.len()..line.len() - value.len()];
        let value = value.trim_start();
        let rest = value.strip_prefix(['=', ':']).filter(|_| separator.trim().is_empty());
        Some((key, rest.unwrap_or(value)))
    }

    /// A value without its quotes, where the syntax has any, and without its escapes.
    fn value(self, text: &str) -> String {
        let is_quote = |c: &char| self == Self::Ini && matches!(c, '"' | '\'');
        let mut quote = text.chars().next().filter(is_quote);
        let mut chars = text.chars().skip(usize::from(quote.is_some()));
        let mut value = String::new();
        while let Some(next) = chars.next() {
            match next {
                '\\' => value.extend(escaped(&mut chars)),
                _ if Some(next) == quote => quote = None,
                _ => value.push(next),
            }
        }
        value
    }
}

/// A line of a `.env`, if its variable is for an input: a value in quotes, or one that ends at a blank.
fn dotenv_default(line: &str) -> Option<(&'static str, String)> {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").map_or(line, str::trim_start);
    let (name, value) = line.split_once('=')?;
    let (_, input) = VARIABLES.iter().find(|(known, _)| *known == name.trim_end())?;
    let value = value.trim_start();
    let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''));
    let value = match quote {
        Some(quote) => value[1..].split(quote).next()?,
        None => value.split(char::is_whitespace).next()?,
    };
    (!value.is_empty()).then(|| (*input, value.to_owned()))
}

/// What follows a backslash.
fn escaped(chars: &mut impl Iterator<Item = char>) -> Option<char> {
    Some(match chars.next()? {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' | 'x' => {
            let digits: String = chars.take(4).collect();
            char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
        }
        other => other,
    })
}

/// The lines of the section `[defaults]` of an INI file.
fn section(text: &str) -> impl Iterator<Item = &str> {
    let head = |line: &str| {
        let name = line.trim().strip_prefix('[')?.split(']').next()?;
        Some(name.trim() == "defaults")
    };
    let after = text.lines().skip_while(move |line| head(line) != Some(true)).skip(1);
    after.take_while(move |line| head(line).is_none())
}

/// The lines of a properties file, each with those that a backslash at the end joins to it.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for line in text.lines() {
        let last = lines.last_mut().expect("there is one at first, and one is added at a time");
        let line = line.trim_start();
        let backslashes = line.len() - line.trim_end_matches('\\').len();
        let is_comment = last.is_empty() && line.starts_with(['#', '!']);
        match backslashes % 2 == 1 && !is_comment {
            true => last.push_str(&line[..line.len() - 1]),
            false => {
                last.push_str(if is_comment { "" } else { line });
                lines.push(String::new());
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Error;

    fn defaults(files: &[(&str, &str)], env: &[(&str, &str)]) -> Vec<(&'static str, String)> {
        let env: Env = env.iter().copied().collect();
        let text = |path: &str| {
            let file = files.iter().find(|(known, _)| *known == path);
            file.map(|(_, text)| (*text).to_owned()).ok_or_else(|| Error::from(ErrorKind::NotFound))
        };
        read(&env, &text, &mut Vec::new())
            .into_iter()
            .map(|(name, value, _)| (name, value))
            .collect()
    }

    #[test]
    fn a_dotenv_goes_first_and_its_variables_are_read_as_a_shell_has_them() {
        let text = "# SENTRY_ORG=no\nSENTRY_AUTH_TOKEN=t\nexport SENTRY_URL = \"https://s.example\" # ours\n\
                    SENTRY_ORG=acme # a\nSENTRY_PROJECT='web app'\nSENTRY_ORG=\nMY_SENTRY_URL=x\n";
        let said = [("url", "https://s.example"), ("org", "acme"), ("projects", "web app")];
        let said = said.map(|(name, value)| (name, value.to_owned()));
        let files = [("../.env", text), (".sentryclirc", "[defaults]\nurl=https://rc.example\n")];
        assert_eq!(defaults(&files, &[])[..3], said);
        assert_eq!(defaults(&files, &[])[3].1, "https://rc.example");
        assert_eq!(defaults(&files[..1], &[("SENTRY_LOAD_DOTENV", "0")]), []);
        let named = [("SENTRY_DOTENV_PATH", "ci/sentry.env")];
        assert_eq!(defaults(&[(".env", "SENTRY_ORG=no"), ("ci/sentry.env", text)], &named), said);
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

    #[track_caller]
    fn assert_names_url(file: &'static str, text: &'static str) {
        let defaults = defaults(&[(file, text)], &[]);
        assert_eq!(defaults, [("url", "https://a.example/x".to_owned())], "{text}");
    }

    #[test]
    fn an_ini_file_is_read_with_its_mark_quotes_blanks_and_escapes() {
        for text in [
            "\u{feff}[defaults]\nurl=https://a.example/x\n",
            "[ defaults ]\r\nurl = \"https://a.example/x\"\r\n",
            "[defaults]\n# url=https://no.example\n;url=https://no.example\nurl: 'https://a.example/x'\n",
            "[defaults]\nurl=https\\://a.example/x\n[ other ]\nurl=https://no.example\n",
        ] {
            assert_names_url(".sentryclirc", text);
        }
    }

    #[test]
    fn properties_are_read_with_their_separators_escapes_and_continued_lines() {
        for text in [
            "\u{feff}defaults.url=https\\://a.example/x\n",
            "defaults.url https://a.example/x\n",
            "  defaults.url : https\\:\\\n   //a.example/x\n",
            "! defaults.url=https://no.example \\\ndefaults.url=https\\u003a//a.example/x\n",
        ] {
            assert_names_url("sentry.properties", text);
        }
        let quoted = "defaults.org=\"acme\"\n";
        let defaults = defaults(&[("sentry.properties", quoted)], &[]);
        assert_eq!(defaults, [("org", "\"acme\"".to_owned())], "Java's files have no quotes");
    }

    #[test]
    fn the_properties_that_the_environment_names_go_before_the_other_files() {
        let files = [
            (".sentryclirc", "[defaults]\norg=b\n"),
            ("x.properties", "defaults.org=a\n"),
            ("sentry.properties", "defaults.org=c\n"),
        ];
        let orgs = |env: &[(&str, &str)]| {
            let all = defaults(&files, env);
            all.into_iter().map(|(_, value)| value).collect::<Vec<_>>()
        };
        assert_eq!(orgs(&[("SENTRY_PROPERTIES", "x.properties")]), ["a", "b"]);
        assert_eq!(orgs(&[]), ["b", "c"]);
    }
}
