//! Hashes in base64, in each form that browsers and build tools take: of either alphabet, with its padding
//! or without, and with escapes.

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// The bytes of a hash by MD5, SHA-1, SHA-256, SHA-384 and SHA-512.
pub(super) const SIZES: [usize; 5] = [16, 20, 32, 48, 64];

/// Takes what is padded and what is not.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const ANY_STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const ANY_URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The characters of base64 that JSON, templates and URLs write in other ways.
const ESCAPED: [u8; 3] = [b'/', b'+', b'='];
/// How, in the same order.
pub(super) const ESCAPES: [&[&str]; 3] = [
    &["\\/", "&#x2F;", "&#x2f;", "&#47;", "\\u002F", "\\u002f", "\\x2F", "\\x2f", "%2F", "%2f"],
    &["&#43;", "&#x2B;", "&#x2b;", "&plus;", "\\u002B", "\\u002b", "\\x2B", "\\x2b", "%2B", "%2b"],
    &[
        "&#61;", "&#x3D;", "&#x3d;", "&equals;", "\\u003D", "\\u003d", "\\x3D", "\\x3d", "%3D",
        "%3d",
    ],
];

/// How a hash is written in base64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Base64Form {
    /// Whether it has `-` and `_` for `+` and `/`; none where it has none of the four.
    pub(super) is_url_safe: Option<bool>,
    /// Whether it has `=` where its length asks for it.
    pub(super) is_padded: bool,
    /// What stands for each character of [`ESCAPED`].
    escapes: [Option<&'static str>; 3],
}

impl Base64Form {
    /// The bytes that these characters stand for, where they are those of a hash, and their form.
    pub(super) fn read(text: &[u8]) -> Option<(Vec<u8>, Self)> {
        let has = |characters: [u8; 2]| text.iter().any(|byte| characters.contains(byte));
        let is_url_safe = match (has(*b"+/"), has(*b"-_")) {
            (true, true) => return None,
            (false, false) => None,
            (_, is_url_safe) => Some(is_url_safe),
        };
        let digest = match is_url_safe {
            Some(true) => ANY_URL_SAFE.decode(text),
            _ => ANY_STANDARD.decode(text),
        };
        let digest = digest.ok().filter(|digest| SIZES.contains(&digest.len()))?;
        let is_padded = text.len().is_multiple_of(4);
        Some((digest, Self { is_url_safe, is_padded, escapes: [None; 3] }))
    }

    /// With characters that are written in other ways.
    pub(super) fn escaped(self, escapes: [Option<&'static str>; 3]) -> Self {
        Self { escapes, ..self }
    }

    /// Another hash in this form.
    pub(super) fn write(&self, digest: &[u8]) -> String {
        let engine = match (self.is_url_safe == Some(true), self.is_padded) {
            (true, true) => URL_SAFE,
            (true, false) => URL_SAFE_NO_PAD,
            (false, true) => STANDARD,
            (false, false) => STANDARD_NO_PAD,
        };
        let written = |byte: u8| {
            let at = ESCAPED.iter().position(|one| *one == byte);
            let escape = at.and_then(|at| self.escapes[at]);
            escape.map_or_else(|| char::from(byte).to_string(), str::to_owned)
        };
        engine.encode(digest).bytes().map(written).collect()
    }
}

/// The escape that a text begins with: the number of the character in [`ESCAPED`], that character, and how it
/// is written.
pub(super) fn escape(text: &[u8]) -> Option<(usize, u8, &'static str)> {
    (0..ESCAPED.len()).find_map(|at| {
        let written = ESCAPES[at].iter().find(|one| text.starts_with(one.as_bytes()))?;
        Some((at, ESCAPED[at], *written))
    })
}
