//! The words that GitLab reads: the dotenv and annotations reports, and the sections of a job log.
//!
//! Turns data into text and writes nothing. What GitLab would refuse is refused here, since a
//! report that it cannot read turns the job red after we have ended well.

use super::format_error::FormatError;
use super::table;
use serde_json::{Value, json};

/// A dotenv report must stay under 5,120 bytes, unless the server's owner says otherwise.
const DOTENV_LIMIT: usize = 5_119;

/// Room is left for what the job itself adds to the report.
const REPORT_LIMIT: usize = 5_000;

/// An annotations report may be this large, unless the server's owner says otherwise.
const ANNOTATIONS_LIMIT: usize = 81_920;

const LINKS_LIMIT: usize = 1_000;

const NAME_LIMIT: usize = 255;

/// The dotenv report of a run: prefix and name for each output but `result`, the most
/// important first, and the names that had to be dropped because the report would grow too large.
///
/// Jenkins reads the same file: its `withEnv` expands `$` and `$$` as GitLab's runner does.
pub fn dotenv_report(
    prefix: &str,
    values: &[(&'static str, String)],
) -> Result<(String, Vec<&'static str>), FormatError> {
    let (mut text, mut dropped) = (String::new(), Vec::new());
    for (name, value) in table::fitting(values) {
        match dotenv(&[(table::env_name(prefix, name), one_line(value))]) {
            Ok(line) if text.len() + line.len() <= REPORT_LIMIT => text.push_str(&line),
            Ok(_) | Err(FormatError::Size { .. }) => dropped.push(name),
            Err(error) => return Err(error),
        }
    }
    Ok((text, dropped))
}

/// The text of a dotenv report, by the rules of GitLab's `ParseDotenvArtifactService`.
///
/// `$` is doubled, because the runner expands variables in the job that inherits them. Quotes are
/// data there, so none are added. Values go through [`one_line`] first if they are not known to
/// be fit; of a repeated name GitLab takes the last.
pub fn dotenv(pairs: &[(String, String)]) -> Result<String, FormatError> {
    let mut text = String::new();
    for (name, value) in pairs {
        if !is_variable_name(name) {
            return Err(FormatError::Variable(name.clone()));
        }
        if value.trim() != value || value.contains(is_break) {
            return Err(FormatError::Value(name.clone()));
        }
        text.push_str(&format!("{name}={}\n", value.replace('$', "$$")));
        check_size(name, &text, DOTENV_LIMIT)?;
    }
    Ok(text)
}

/// Makes a value fit for [`dotenv`]: control characters and line ends become spaces, and outer
/// white space goes.
pub fn one_line(value: &str) -> String {
    value.replace(is_break, " ").trim().to_owned()
}

/// The text of an annotations report: one list of links, each a label and a URL.
///
/// Follows GitLab's `ParseAnnotationsArtifactService` and its schema for external links. Without
/// links there is no list.
pub fn annotations(list: &str, links: &[(String, String)]) -> Result<String, FormatError> {
    if list.trim().is_empty() || list.chars().count() > NAME_LIMIT {
        return Err(FormatError::List(list.to_owned()));
    }
    if links.len() > LINKS_LIMIT {
        return Err(FormatError::Links(list.to_owned()));
    }
    if links.is_empty() {
        return Ok("{}".to_owned());
    }
    let items: Vec<Value> = links.iter().map(external_link).collect();
    let text = json!({ list: items }).to_string();
    check_size(list, &text, ANNOTATIONS_LIMIT)?;
    Ok(text)
}

/// The line that opens a section of the job log, by GitLab's documented mark-up.
///
/// The header is put on one line, or it would end the section's title early.
pub fn section_start(
    name: &str,
    unix_seconds: u64,
    header: &str,
    collapsed: bool,
) -> Result<String, FormatError> {
    let name = section_name(name)?;
    let option = if collapsed { "[collapsed=true]" } else { "" };
    let header = one_line(header);
    Ok(format!("\x1b[0Ksection_start:{unix_seconds}:{name}{option}\r\x1b[0K{header}\n"))
}

/// The line that closes the section of this name.
pub fn section_end(name: &str, unix_seconds: u64) -> Result<String, FormatError> {
    let name = section_name(name)?;
    Ok(format!("\x1b[0Ksection_end:{unix_seconds}:{name}\r\x1b[0K\n"))
}

fn external_link((label, url): &(String, String)) -> Value {
    json!({ "external_link": { "label": label, "url": url } })
}

fn section_name(name: &str) -> Result<&str, FormatError> {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if name.is_empty() || !name.chars().all(is_fit) {
        return Err(FormatError::Section(name.to_owned()));
    }
    Ok(name)
}

fn is_variable_name(name: &str) -> bool {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (1..=NAME_LIMIT).contains(&name.len()) && name.chars().all(is_fit)
}

/// Whether a reader might end a line or do anything but show a character here.
fn is_break(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

fn check_size(name: &str, text: &str, limit: usize) -> Result<(), FormatError> {
    if text.len() > limit {
        return Err(FormatError::Size { name: name.to_owned(), limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> [(String, String); 1] {
        [(name.to_owned(), value.to_owned())]
    }

    #[test]
    fn a_variable_name_is_short_and_plain() {
        let longest = "K".repeat(255);
        for name in ["A", "a_1", "1KEY", &longest] {
            assert_eq!(dotenv(&pair(name, "v")), Ok(format!("{name}=v\n")));
        }
        for name in ["", "site-url", "a.b", "A=B", "A\nB", " A", "É", &format!("{longest}K")] {
            assert_eq!(dotenv(&pair(name, "v")), Err(FormatError::Variable(name.to_owned())));
        }
    }

    #[test]
    fn a_value_that_would_not_arrive_as_it_is_is_refused() {
        for value in ["a\nEVIL=1", "a\rb", " a", "a ", "a\0", "\u{1b}[0m", "a\u{85}b", "a\u{2028}b"]
        {
            assert_eq!(
                dotenv(&pair("A", value)),
                Err(FormatError::Value("A".to_owned())),
                "{value:?}"
            );
            assert!(dotenv(&pair("A", &one_line(value))).is_ok(), "{value:?}");
        }
    }

    #[test]
    fn the_last_byte_that_fits_is_written() {
        let fits = "x".repeat(DOTENV_LIMIT - "A=\n".len());
        assert_eq!(dotenv(&pair("A", &fits)).unwrap().len(), 5_119);
        let refusal = FormatError::Size { name: "A".to_owned(), limit: 5_119 };
        assert_eq!(dotenv(&pair("A", &format!("{fits}x"))), Err(refusal));
    }

    #[test]
    fn a_doubled_dollar_counts_twice() {
        assert!(dotenv(&pair("A", &"$".repeat(2_600))).is_err());
    }

    #[test]
    fn no_links_make_an_empty_object() {
        assert_eq!(annotations("Deploy", &[]), Ok("{}".to_owned()));
    }

    #[test]
    fn links_keep_their_order_and_their_words() {
        let links = [pair("a \"b\"", "https://e.example/"), pair("", "é\n")].concat();
        let first = r#"{"external_link":{"label":"a \"b\"","url":"https://e.example/"}}"#;
        let second = r#"{"external_link":{"label":"","url":"é\n"}}"#;
        assert_eq!(annotations("D", &links), Ok(format!(r#"{{"D":[{first},{second}]}}"#)));
    }

    #[test]
    fn a_list_that_gitlab_would_not_take_is_refused() {
        let too_many = vec![(String::new(), String::new()); 1_001];
        assert_eq!(annotations("D", &too_many), Err(FormatError::Links("D".to_owned())));
        for blank in ["", " "] {
            assert_eq!(annotations(blank, &[]), Err(FormatError::List(blank.to_owned())));
        }
        assert!(annotations(&"é".repeat(255), &[]).is_ok());
        assert!(annotations(&"é".repeat(256), &[]).is_err());
        assert!(annotations("D", &pair("", &"x".repeat(81_920))).is_err());
    }

    #[test]
    fn a_header_cannot_leave_its_line() {
        let line = section_start("s", 1, "a\n\x1b[0Ksection_end:1:s\rb", false).unwrap();
        assert_eq!(line, "\x1b[0Ksection_start:1:s\r\x1b[0Ka  [0Ksection_end:1:s b\n");
    }

    #[test]
    fn a_section_name_holds_no_mark_up() {
        for name in ["", "a b", "a:b", "a[collapsed=true]", "a\r", "é"] {
            let refusal = FormatError::Section(name.to_owned());
            assert_eq!(section_start(name, 1, "h", true), Err(refusal.clone()));
            assert_eq!(section_end(name, 1), Err(refusal));
        }
    }

    #[test]
    fn a_refusal_tells_the_name_and_not_the_value() {
        let words = dotenv(&pair("TOKEN", "hush\n")).unwrap_err().to_string();
        assert!(words.contains("\"TOKEN\"") && !words.contains("hush"), "{words}");
    }
}
