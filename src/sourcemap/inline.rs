//! Source maps inside a script, as `data:` URLs (RFC 2397).

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// Some tools leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a `data:` URL leaves as it is.
const PLAIN: &AsciiSet = &CONTROLS
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
        let is_data = url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
        is_data.then(|| Self::decode(url))
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
        ] {
            let read = InlineMap::read(url).expect("a data: URL").expect("a map");
            assert_eq!(read.map, "{\"a\":\"é\"}", "{url}");
            assert_eq!(read.with_map(&read.map) == url, is_kept, "{url}");
            let again = read.with_map(&read.map);
            assert_eq!(InlineMap::read(&again).expect("a data: URL").expect("a map").map, read.map);
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
