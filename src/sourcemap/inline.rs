//! Source maps inside a script, as `data:` URLs (RFC 2397).

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use memchr::memmem;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};
use std::borrow::Cow;
use std::ops::Range;

/// Some tools leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a `data:` URL does not leave as it is, and the star of `*/`, which ends a comment.
const PLAIN: &AsciiSet = &CONTROLS
    .add(b'*')
    .add(b' ')
    .add(b'"')
    .add(b'\'')
    .add(b'`')
    .add(b'%')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'{')
    .add(b'}')
    .add(b'|');

/// What comments and texts name a map by.
const MAPPING_URL: &str = "sourceMappingURL=";

/// Where a script holds maps, as `data:` URLs behind the name of a map: in comments between code, as in a file
/// that was put together of others, and in texts, as in code for `eval`.
pub fn held_maps(script: &str) -> Vec<Range<usize>> {
    let found = memmem::find_iter(script.as_bytes(), MAPPING_URL);
    found.filter_map(|at| held_map(script, at + MAPPING_URL.len())).collect()
}

fn held_map(script: &str, behind_name: usize) -> Option<Range<usize>> {
    let rest = &script[behind_name..];
    let start = behind_name + rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let is_end =
        |character: char| character.is_whitespace() || matches!(character, '"' | '\'' | '`' | '\\');
    let word = script[start..].split(is_end).next().unwrap_or_default();
    let length = word.find("*/").unwrap_or(word.len());
    let inline = InlineMap::read(&script[start..start + length])?.ok()?;
    let has_key = |key: &str| memmem::find(inline.map.as_bytes(), key.as_bytes()).is_some();
    (has_key("\"mappings\"") || has_key("\"sections\"")).then_some(start..start + length)
}

/// A script without the maps that it holds; every line stays where it is.
pub fn without_held_maps(script: &str) -> Cow<'_, str> {
    let (mut text, mut done) = (String::new(), 0);
    for map in held_maps(script) {
        text.push_str(&script[done..map.start]);
        done = map.end;
    }
    match done {
        0 => Cow::Borrowed(script),
        _ => Cow::Owned(text + &script[done..]),
    }
}

/// A `data:` URL taken apart.
#[derive(Debug, PartialEq, Eq)]
pub struct InlineMap<'a> {
    /// All before the comma, which names the media type, its charset and the encoding.
    head: &'a str,
    /// The map.
    pub map: String,
}

impl<'a> InlineMap<'a> {
    /// The map in `url`; nothing where `url` is no `data:` URL, an error where its contents are no
    /// text in UTF-8.
    pub fn read(url: &'a str) -> Option<Result<Self, &'static str>> {
        is_data_url(url).then(|| Self::decode(url))
    }

    fn decode(url: &'a str) -> Result<Self, &'static str> {
        let (head, payload) = url.split_once(',').ok_or("it has no comma")?;
        let bytes = match is_base64(head) {
            true => {
                let payload: Vec<u8> = percent_decode_str(payload).collect();
                BASE64.decode(payload).map_err(|_| "it is no base64")?
            }
            false => percent_decode_str(payload).collect(),
        };
        let map = String::from_utf8(bytes).map_err(|_| "it is not in UTF-8")?;
        Ok(Self { head, map })
    }

    /// The URL with another map, in the encoding that it had.
    pub fn with_map(&self, map: &str) -> String {
        let payload = match is_base64(self.head) {
            true => BASE64.encode(map),
            false => utf8_percent_encode(map, PLAIN).to_string(),
        };
        format!("{},{payload}", self.head)
    }
}

/// Whether `url` holds its contents itself.
pub fn is_data_url(url: &str) -> bool {
    url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}

fn is_base64(head: &str) -> bool {
    head.rsplit(';').next().is_some_and(|last| last.trim().eq_ignore_ascii_case("base64"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_of_every_spelling_are_read_and_written_in_their_own() {
        for (url, is_kept) in [
            ("data:application/json;base64,eyJhIjoiw6kifQ==", true),
            ("data:application/json;charset=utf-8;base64,eyJhIjoiw6kifQ==", true),
            ("DATA:application/json;charset=UTF-8;BASE64,eyJhIjoiw6kifQ==", true),
            ("data:application/json,%7B%22a%22:%22%C3%A9%22%7D", true),
            ("data:application/json;charset=utf-8,%7B%22a%22%3A%22%C3%A9%22%7D", false),
            ("data:;base64,eyJhIjoiw6kifQ%3D%3D", false),
            ("data:application/json,%7B%22b%22:%22/%2A%20%2A/%22,%22a%22:%22%C3%A9%22%7D", true),
        ] {
            let read = InlineMap::read(url).expect("a data: URL").expect("a map");
            assert!(read.map.ends_with("\"a\":\"é\"}"), "{url}");
            assert_eq!(read.with_map(&read.map) == url, is_kept, "{url}");
            let again = read.with_map(&read.map);
            assert_eq!(InlineMap::read(&again).expect("a data: URL").expect("a map").map, read.map);
        }
    }

    #[test]
    fn maps_between_code_and_in_texts_are_found_and_taken_out() {
        let map = "data:application/json;base64,eyJtYXBwaW5ncyI6IiJ9";
        let plain = "data:application/json,%7B%22mappings%22:%22%22%7D";
        for (script, without) in [
            (format!("a\n//# sourceMappingURL={map}\nb"), "a\n//# sourceMappingURL=\nb"),
            (
                format!("a\r\n//@ sourceMappingURL= {plain}\r\nb"),
                "a\r\n//@ sourceMappingURL= \r\nb",
            ),
            (format!("/*# sourceMappingURL={map}*/b"), "/*# sourceMappingURL=*/b"),
            (
                format!("eval('f()//# sourceMappingURL={map}\\n')"),
                "eval('f()//# sourceMappingURL=\\n')",
            ),
            (
                format!("`sourceMappingURL={map}`+\"sourceMappingURL={map}\""),
                "`sourceMappingURL=`+\"sourceMappingURL=\"",
            ),
        ] {
            assert_eq!(without_held_maps(&script), without, "{script:?}");
        }
        let commented = "data:application/json,%7B%22a%22:%22/*%2A/%22,%22mappings%22:%22%22%7D";
        for script in [
            format!("//# sourceMappingURL={commented}\nb"),
            format!("/*# sourceMappingURL={commented}*/"),
        ] {
            assert_eq!(without_held_maps(&script), script.replace(commented, ""));
        }
        for script in [
            "",
            "//# sourceMappingURL=a.js.map\nb",
            "\"/*# sourceMappingURL=data:application/json;base64,\".concat(btoa(a), \" */\")",
            "//# sourceMappingURL=data:application/json;base64,eyJhIjoxfQ==\nb",
            "//# sourceMappingURL=data:application/json;base64,?\nb",
        ] {
            assert!(held_maps(script).is_empty(), "{script}");
        }
    }

    #[test]
    fn what_is_no_map_says_why() {
        assert_eq!(InlineMap::read("app.js.map"), None);
        assert_eq!(InlineMap::read("é"), None);
        for url in ["data:application/json;base64", "data:;base64,?", "data:,%FF"] {
            assert!(matches!(InlineMap::read(url), Some(Err(_))), "{url}");
        }
    }
}
