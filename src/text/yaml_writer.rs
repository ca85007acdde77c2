//! Writes YAML that arrives as it is: no host, stream or terminal finds anything in it to obey or to
//! leave out, and reading it gives back what was written.

use super::neutral::{is_break, is_invisible};
use super::one_line;
use serde_json::Value;
use std::collections::BTreeMap;

/// What is written beside fields, by the text that is such a field's value.
pub(crate) type YamlComments = BTreeMap<String, YamlComment>;

/// What is written beside a field.
pub(crate) struct YamlComment {
    /// The words, in one line.
    pub(crate) text: String,
    /// Whether the field itself stands in the comment, too.
    pub(crate) is_around: bool,
}

/// The document of this value, with comments beside its fields.
pub(crate) fn write(value: &Value, comments: &YamlComments) -> String {
    lines(value, comments).iter().map(|line| format!("{line}\n")).collect()
}

/// A value as lines, which are indented where they stand in another one.
fn lines(value: &Value, comments: &YamlComments) -> Vec<String> {
    match value {
        Value::Array(items) if !items.is_empty() => items
            .iter()
            .flat_map(|item| {
                let mark = |(at, line)| format!("{}{line}", if at == 0 { "- " } else { "  " });
                lines(item, comments).into_iter().enumerate().map(mark).collect::<Vec<_>>()
            })
            .collect(),
        Value::Object(fields) if !fields.is_empty() => {
            let of_field = |(key, value): (&String, _)| field_lines(&string(key), value, comments);
            fields.iter().flat_map(of_field).collect()
        }
        Value::String(text) => vec![string(text)],
        // A scalar of JSON, or an empty collection, is the same in YAML.
        other => vec![other.to_string()],
    }
}

fn field_lines(key: &str, value: &Value, comments: &YamlComments) -> Vec<String> {
    let indent = match value {
        Value::Object(fields) if !fields.is_empty() => "  ",
        Value::Array(items) if !items.is_empty() => "",
        scalar => {
            let line = format!("{key}: {}", lines(scalar, comments).concat());
            let comment = scalar.as_str().and_then(|text| comments.get(text));
            return vec![comment.map_or(line.clone(), |comment| comment.beside(&line))];
        }
    };
    let below = lines(value, comments).into_iter().map(|line| format!("{indent}{line}"));
    std::iter::once(format!("{key}:")).chain(below).collect()
}

impl YamlComment {
    fn beside(&self, line: &str) -> String {
        let mark = if self.is_around { "# " } else { "" };
        format!("{mark}{line} # {}", self.text)
    }
}

/// A text: as people write it, or in double quotes with escapes.
fn string(text: &str) -> String {
    if text.chars().all(is_shown) && one_line(text) == text {
        let plain = serde_yaml::to_string(text).expect("a text is YAML");
        let plain = plain.trim_end_matches('\n');
        return if is_other_than_text(plain) { format!("'{plain}'") } else { plain.to_owned() };
    }
    let escaped: String = text.chars().map(escape).collect();
    format!("\"{escaped}\"")
}

/// Whether some reader, of YAML 1.1 or 1.2, takes a plain text for something else: nothing, a truth value,
/// a number of any base or size, a date, a merge key or a default (yaml.org/type).
pub(crate) fn is_other_than_text(plain: &str) -> bool {
    const WORDS: [&str; 13] =
        ["", "~", "null", "true", "false", "y", "n", "yes", "no", "on", "off", "<<", "="];
    let is = |words: &[&str], text: &str| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    let is_number_like =
        plain.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    let is_of_numbers = |c: char| c.is_ascii_hexdigit() || "+-_:.oOxXtTzZ ".contains(c);
    let is_number =
        plain.contains(|c: char| c.is_ascii_digit()) && plain.chars().all(is_of_numbers);
    let is_no_number = is(&[".inf", ".nan"], plain.trim_start_matches(['+', '-']));
    is(&WORDS, plain) || is_number_like && (is_number || is_no_number)
}

/// Whether everybody who reads a text sees this character and takes it for no other, and YAML has it.
fn is_shown(c: char) -> bool {
    let is_kept = c == ' ' || c.is_ascii_graphic() || !(c.is_ascii() || c.is_whitespace());
    is_kept && !is_break(c) && !is_invisible(c) && !matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// A character between double quotes. No command of any host is left without its colons and hashes.
fn escape(c: char) -> String {
    if is_shown(c) && !matches!(c, '#' | ':' | '"' | '\\') {
        return c.to_string();
    }
    match u32::from(c) {
        code @ ..=0xff => format!("\\x{code:02X}"),
        code @ ..=0xffff => format!("\\u{code:04X}"),
        code => format!("\\U{code:08X}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::yaml;
    use serde_json::json;

    /// Commands, marks, indicators and quotes are put together of these.
    const PIECES: [&str; 38] = [
        ":",
        "#",
        "[",
        "vso[",
        "-",
        "'",
        "\"",
        "\\",
        " ",
        "\u{200d}",
        "$(",
        "::",
        "##",
        "section_end:",
        "travis_fold:",
        "--- ",
        "+++",
        "?",
        "%",
        "${",
        "@",
        "`",
        "*",
        "&",
        "!",
        "|",
        "{",
        ",",
        "\t",
        "\n",
        "\r",
        "\0",
        "\u{85}",
        "\u{2028}",
        "\u{202e}",
        "\u{feff}",
        "\u{ffff}",
        "é😀",
    ];

    fn texts() -> Vec<String> {
        let longer = |texts: Vec<String>, pieces: &[&str]| -> Vec<String> {
            let with = |text: &String| pieces.iter().map(|one| format!("{text}{one}")).collect();
            texts.iter().flat_map::<Vec<_>, _>(with).collect()
        };
        let words = ["", "null", "~", "true", "no", "1.10", "0x1f", "1e3", "2001-01-01", "=", "<<"];
        let all = (0..=0xffff).chain(0x1_f000..0x1_f100).chain(0xe_0000..0xe_0100);
        let others = all.filter_map(char::from_u32).filter(|c| !c.is_alphanumeric());
        let singles = others.filter(|c| !('\u{e100}'..'\u{f8ff}').contains(c));
        let singles = singles.map(|c| format!("a{c}b"));
        let pairs = longer(longer(vec![String::new()], &PIECES), &PIECES);
        let texts = [longer(pairs.clone(), &PIECES[..3]), pairs].concat();
        let words = words.map(str::to_owned).into_iter().chain(["many words ".repeat(200)]);
        texts.into_iter().chain(words).chain(singles).collect()
    }

    #[test]
    fn every_text_is_read_back_and_on_its_way_nothing_is_altered() {
        for some in texts().chunks(500) {
            let entry = |text: &String| json!({ "a": text, "b": [[text], {}], "c": [] });
            let value = json!({ "all": some.iter().map(entry).collect::<Vec<_>>() });
            let document = write(&value, &YamlComments::new());
            for line in document.lines() {
                assert_eq!(one_line(line), line);
                assert!(line.chars().all(is_shown), "{line}");
            }
            let read = yaml::read(&document).map(|document| document.value);
            let read = serde_json::to_value(read.unwrap()).unwrap();
            assert!(read == value, "{document}");
        }
    }

    #[test]
    fn what_older_readers_take_for_something_else_is_quoted() {
        for text in
            ["yes", "No", "on", "y", "2001-01-01", "1:30", "<<", "=", "2001-01-01T10:00:00Z"]
                .into_iter()
                .chain(["007", "0o17", "0x_1f", "1e400", "1_000.5", "+1", "1e3456789"])
        {
            assert_eq!(string(text), format!("'{text}'"));
        }
        for text in ["yesterday", "v1.2", "1.2.3-rc", "a:b", "--x"] {
            assert_eq!(string(text), text);
        }
    }

    #[test]
    fn what_is_ordinary_is_written_as_people_write_it() {
        let value = json!({
            "version": 1,
            "list": [{ "a": "https://[::1]:80/ é", "b": ["1.10", "x y"] }, "##[x]\u{200d}\u{1f3f4}"],
        });
        let document = "version: 1\nlist:\n- a: https://[::1]:80/ é\n  b:\n  - '1.10'\n  - x y\n\
                        - \"\\x23\\x23[x]\\u200D🏴\"\n";
        assert_eq!(write(&value, &YamlComments::new()), document);
    }
}
