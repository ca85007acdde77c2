//! The words that the GitHub Actions runner reads: commands on a stream, blocks in an output file.
//!
//! Turns data into bytes and writes nothing. The rules are those of `actions/runner`
//! (`ActionCommand`, `EnvFileKeyValuePairs`); the form is the one of the toolkit's `@actions/core`.

use super::format_error::FormatError;
use crate::text::neutral::{break_folds, break_hashes, is_invisible};
use std::collections::HashSet;

/// A line of a secret with fewer characters is never masked: it would blank out the whole log.
const SHORTEST_MASK: usize = 4;

/// Escapes the data of a command, as the runner unescapes it.
pub fn escape_data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes the value of a command's property, as the runner unescapes it.
pub fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

/// One workflow command with its line end, byte for byte as the toolkit issues it.
///
/// `name` and the properties' keys are the caller's own words and go in as they are. A property
/// with an empty value is left out, since the runner drops it anyway.
pub fn command(name: &str, properties: &[(&str, &str)], data: &str) -> String {
    // The toolkit writes the space as soon as properties are named, even if all are empty.
    let space = if properties.is_empty() { "" } else { " " };
    let properties = join_properties(properties, ",", escape_property);
    format!("::{name}{space}{properties}::{}\n", escape_data(data))
}

/// `key=value` for each property that has a value.
pub(super) fn join_properties(
    properties: &[(&str, &str)],
    separator: &str,
    escape: fn(&str) -> String,
) -> String {
    let properties = properties.iter().filter(|(_, value)| !value.is_empty());
    let pairs = properties.map(|(key, value)| format!("{key}={}", escape(value)));
    pairs.collect::<Vec<_>>().join(separator)
}

/// The block that sets one output in the file at `GITHUB_OUTPUT`, always as a heredoc.
///
/// `delimiter` must be a single line drawn at random for this block: it is all that keeps a hostile
/// value from setting other outputs. The block is to be appended in one write.
pub fn output_block(name: &str, value: &str, delimiter: &str) -> Result<String, FormatError> {
    if !is_output_name(name) {
        return Err(FormatError::Name(name.to_owned()));
    }
    if name.contains(delimiter) || value.contains(delimiter) {
        return Err(FormatError::Delimiter(name.to_owned()));
    }
    Ok(format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"))
}

/// The commands that mask one secret, one for each of its [`masked_lines`].
pub fn masks(secret: &str) -> Vec<String> {
    masked_lines(secret).into_iter().map(|line| command("add-mask", &[], line)).collect()
}

/// The lines of a secret that are masked, without repetition.
///
/// The runner masks every line of a multi-line mask by itself, whatever its length. So each line
/// is sent alone, without outer white space, and one that is too short to be told from ordinary
/// text is not sent; of a short secret nothing may remain.
pub(crate) fn masked_lines(secret: &str) -> Vec<&str> {
    let mut seen = HashSet::new();
    let lines = secret.split(['\r', '\n']).map(str::trim);
    lines.filter(|line| line.chars().count() >= SHORTEST_MASK && seen.insert(*line)).collect()
}

/// Makes the text of others harmless on a stream that the runner reads.
///
/// In the result no line begins with `::`, white space aside; `##[`, `##vso`, `##teamcity` and the
/// marks of GitLab's sections occur nowhere; control characters other than LF and TAB are shown as
/// pictures, and what nobody sees is left out. All else is unchanged, and so is a text that went
/// through before. This holds for the text as a whole: two
/// harmless pieces can make a command together.
pub fn neutralize_commands(text: &str) -> String {
    let shown: String = text.chars().filter(|c| !is_invisible(*c)).map(show).collect();
    let lines: Vec<String> = shown.split('\n').map(neutral_line).collect();
    lines.join("\n")
}

/// Makes a JSON text harmless on a stream that the runner reads, with its meaning unchanged.
///
/// `text` must be valid JSON. What could be a command, or control a terminal, can only be in its
/// strings, where an escape stands for it; the line breaks between its tokens stay.
pub fn neutralize_json(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        let is_line_break = matches!(character, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}');
        match character {
            c if is_line_break || is_invisible(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    safe.push_str(&format!("\\u{unit:04x}"));
                }
            }
            // It is a hash all the same, and nobody's command.
            '[' | 'a'..='z' | 'A'..='Z' if safe.ends_with("##") => {
                safe.pop();
                safe.push_str("\\u0023");
                safe.push(character);
            }
            _ => safe.push(character),
        }
    }
    safe
}

/// The runner drops or misreads other names; inputs of an action follow the same pattern.
fn is_output_name(name: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(is_inner)
}

fn neutral_line(line: &str) -> String {
    let line = break_folds(break_hashes(line), " :");
    let words = line.trim_start_matches(is_skipped);
    match words.strip_prefix("::") {
        Some(rest) => format!("{}: :{rest}", &line[..line.len() - words.len()]),
        None => line,
    }
}

/// What the runner skips before a command: white space, and a byte-order mark as a stream opens.
fn is_skipped(character: char) -> bool {
    character.is_whitespace() || character == '\u{feff}'
}

/// The picture of a control character; CR counts, as the runner ends a line there.
fn show(character: char) -> char {
    match character {
        '\n' | '\t' => character,
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{2028}' | '\u{2029}' => '\u{2424}',
        _ if character.is_control() => '\u{fffd}',
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::yaml_writer;

    /// Each line compared with all before it would take minutes.
    #[test]
    fn every_line_of_a_very_long_secret_is_masked_once() {
        let lines: Vec<_> = (0..150_000).map(|number| format!("line-{number}")).collect();
        let secret = [lines.join("\n"), lines.join("\r\n")].join("\n");
        assert_eq!(masked_lines(&secret), lines);
    }

    /// Every text of `length` pieces.
    fn texts(pieces: &[&str], length: usize) -> Vec<String> {
        (0..length).fold(vec![String::new()], |texts, _| {
            texts.iter().flat_map(|text| pieces.iter().map(move |p| format!("{text}{p}"))).collect()
        })
    }

    fn is_harmless(text: &str) -> bool {
        let is_free = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
        text.chars().all(is_free)
            && !text.contains("##[")
            && !text.contains("##vso")
            && text.lines().all(|line| !line.trim_start_matches(is_skipped).starts_with("::"))
    }

    #[test]
    fn no_text_keeps_a_command_and_none_changes_twice() {
        for text in texts(&[":", "#", "[", " ", "\n", "\r", "\u{feff}", "vso"], 6) {
            let once = neutralize_commands(&text);
            assert!(is_harmless(&once), "{text:?} became {once:?}");
            assert_eq!(neutralize_commands(&once), once, "{text:?}");
        }
    }

    #[test]
    fn harmless_text_is_left_alone() {
        let text = "a::b: std::fmt\n\tx ::error::y # [z] ## [é😀\u{a0}%0A]\n\n";
        assert_eq!(neutralize_commands(text), text);
    }

    #[test]
    fn a_document_is_left_alone_whatever_is_in_it() {
        for some in
            texts(&[":", "#", "[", " ", "\n", "\u{200d}", "vso", "section_end:"], 4).chunks(64)
        {
            let document = yaml_writer::write(
                &serde_json::json!({ "all": some, "each": [some] }),
                &Default::default(),
            );
            assert_eq!(neutralize_commands(&document), document);
        }
    }

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(neutralize_commands("a\r\n\u{1b}[31m\0\u{7f}\u{9b}b"), "a␍\n␛[31m␀␡\u{fffd}b");
    }

    #[test]
    fn white_space_that_the_runner_trims_hides_no_command() {
        for space in ["\t", "\u{a0}", "\u{85}", "\u{2003}", "\u{3000}", "\u{b}", "\u{feff} "] {
            assert!(is_harmless(&neutralize_commands(&format!("{space}::error::x"))), "{space:?}");
        }
    }

    #[test]
    fn neutral_json_keeps_its_meaning() {
        for text in texts(&["#", "[", "\\", "\"", "\u{9b}", "\n", "vso"], 5) {
            let value = serde_json::json!({ &text: [text] });
            let safe = neutralize_json(&serde_json::to_string_pretty(&value).unwrap());
            assert!(is_harmless(&safe), "{safe}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&safe).unwrap(), value);
        }
    }

    #[test]
    fn each_line_of_a_secret_is_masked_once_and_alone() {
        let expected = ["::add-mask::line1\n", "::add-mask::100%25\n"];
        assert_eq!(masks("line1\r\n  line1\t\n100%\n"), expected);
    }

    #[test]
    fn no_short_line_is_masked() {
        assert_eq!(masks("{\nabc\n \n  }  \nsecret"), ["::add-mask::secret\n"]);
        assert_eq!(masks("éàü"), [""; 0]);
        assert_eq!(masks("  "), [""; 0]);
    }

    #[test]
    fn a_mark_that_is_empty_is_no_mark() {
        assert_eq!(output_block("k", "v", ""), Err(FormatError::Delimiter("k".to_owned())));
    }

    #[test]
    fn a_name_that_holds_the_mark_is_refused() {
        assert_eq!(
            output_block("k-mark", "v", "mark"),
            Err(FormatError::Delimiter("k-mark".to_owned()))
        );
    }

    #[test]
    fn a_refusal_tells_the_name_and_not_the_value() {
        let refusals = [output_block("a\nb", "hush", "m"), output_block("k", "hush m", "m")];
        let words = refusals.map(|refusal| refusal.unwrap_err().to_string());
        assert!(words[0].starts_with(r#"invalid output name "a\nb""#), "{}", words[0]);
        assert_eq!(words[1], r#"output "k" contains the delimiter that ends its block"#);
    }
}
