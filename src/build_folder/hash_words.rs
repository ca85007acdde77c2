//! The words of a file that have the shape of a hash: of subresource integrity and of policies in base64,
//! of the lists of service workers and of sums in hexadecimal.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use std::ops::Range;

/// The bytes of a hash by MD5, SHA-1, SHA-256, SHA-384 and SHA-512.
pub(super) const SIZES: [usize; 5] = [16, 20, 32, 48, 64];
/// No hash is written in fewer characters, by which most of a file is passed over.
const LEAST: usize = 32;

/// How a hash is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WordForm {
    LowerHex,
    UpperHex,
    Base64,
    /// With each of `/`, `+` and `=` written in one of the forms of [`ESCAPES`].
    Escaped([Option<&'static str>; 3]),
}

/// The characters of base64 that JSON, templates and URLs write in other ways.
const ESCAPED: [u8; 3] = [b'/', b'+', b'='];
/// How, in the same order.
const ESCAPES: [&[&str]; 3] = [
    &["\\/", "&#x2F;", "&#x2f;", "&#47;", "\\u002F", "\\u002f", "\\x2F", "\\x2f", "%2F", "%2f"],
    &["&#43;", "&#x2B;", "&#x2b;", "&plus;", "\\u002B", "\\u002b", "\\x2B", "\\x2b", "%2B", "%2b"],
    &[
        "&#61;", "&#x3D;", "&#x3d;", "&equals;", "\\u003D", "\\u003d", "\\x3D", "\\x3d", "%3D",
        "%3d",
    ],
];
/// The names of algorithms before a hash, and how many characters it has in base64.
const NAMED: [(&[u8], usize); 5] =
    [(b"sha256-", 44), (b"sha384-", 64), (b"sha512-", 88), (b"sha1-", 28), (b"md5-", 24)];

/// What these begin with, each of which is one pass over a file.
const NAME_BEGINS: [&[u8]; 2] = [b"sha", b"md5-"];

/// A word that may be a hash.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HashWord {
    /// Where it stands.
    pub(super) place: Range<usize>,
    /// The bytes that it stands for.
    pub(super) digest: Vec<u8>,
    form: WordForm,
}

impl HashWord {
    /// Another hash as this one is written.
    pub(super) fn rewritten(&self, digest: &[u8]) -> String {
        match self.form {
            WordForm::LowerHex => crate::text::hex(digest),
            WordForm::UpperHex => crate::text::hex(digest).to_ascii_uppercase(),
            WordForm::Base64 => STANDARD.encode(digest),
            WordForm::Escaped(escapes) => {
                let written = |byte: u8| {
                    let at = ESCAPED.iter().position(|one| *one == byte);
                    let escape = at.and_then(|at| escapes[at]);
                    escape.map_or_else(|| char::from(byte).to_string(), str::to_owned)
                };
                STANDARD.encode(digest).bytes().map(written).collect()
            }
        }
    }
}

/// The words of a file, in their order.
pub(super) fn hash_words(bytes: &[u8]) -> Vec<HashWord> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(probe) = bytes.get(at + LEAST - 1) {
        if !is_part(*probe) {
            at += LEAST;
            continue;
        }
        let middle = at + LEAST - 1;
        let before = bytes[at..middle].iter().rev().take_while(|byte| is_part(**byte)).count();
        let behind = bytes[middle..].iter().take_while(|byte| is_part(**byte)).count();
        words.extend(word_in(bytes, middle - before..middle + behind));
        at = middle + behind + 1;
    }
    let count = words.len();
    for begin in NAME_BEGINS {
        words.extend(memmem::find_iter(bytes, begin).filter_map(|at| named_word(bytes, at)));
    }
    if words.len() > count {
        words.sort_by_key(|word| word.place.start);
        words.dedup_by(|next, earlier| next.place.start < earlier.place.end);
    }
    words
}

/// Which bytes may be one of a hash. `=` stands before a value without quotation marks, too.
const PARTS: [bool; 256] = {
    let (mut parts, mut byte) = ([false; 256], 0);
    while byte < 128 {
        parts[byte] =
            (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'+' | b'/' | b'=');
        byte += 1;
    }
    parts
};

fn is_part(byte: u8) -> bool {
    PARTS[usize::from(byte)]
}

/// The hash in an unbroken run of such bytes.
fn word_in(bytes: &[u8], run: Range<usize>) -> Option<HashWord> {
    let text = &bytes[run.clone()];
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let value = text.len() - padding;
    let start = text[..value].iter().rposition(|byte| *byte == b'=').map_or(0, |at| at + 1);
    // In a string, `\n` and the like stand before a line of a list.
    let is_escape = start == 0 && run.start > 0 && bytes[run.start - 1] == b'\\';
    let start = start + usize::from(is_escape && matches!(text[0], b'n' | b'r' | b't'));
    let hex = run.start + start..run.start + value;
    let word = hex_word(&bytes[hex.clone()], &hex)
        .filter(|_| !is_integrity(&bytes[..hex.start]) || hex.len() != 64)
        .or_else(|| base64_word(&bytes[hex.start..run.end], hex.start..run.end))?;
    let is_named = is_integrity(&bytes[..word.place.start]);
    (is_named || stands_alone(bytes, &word.place)).then_some(word)
}

fn hex_word(text: &[u8], place: &Range<usize>) -> Option<HashWord> {
    let is_size = SIZES.iter().any(|size| size * 2 == text.len());
    if !is_size || !text.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let value =
        |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let digits: Vec<_> = text.iter().filter_map(value).collect();
    let digest = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    let form = match text.iter().any(u8::is_ascii_uppercase) {
        true => WordForm::UpperHex,
        false => WordForm::LowerHex,
    };
    Some(HashWord { place: place.clone(), digest, form })
}

fn base64_word(text: &[u8], place: Range<usize>) -> Option<HashWord> {
    // Of 32, 48 and 64 bytes; what is shorter is no hash of today.
    let digest = matches!(text.len(), 44 | 64 | 88).then(|| STANDARD.decode(text).ok())??;
    let is_size = SIZES.contains(&digest.len());
    is_size.then_some(HashWord { place, digest, form: WordForm::Base64 })
}

/// Whether the name of an algorithm stands before, as in `sha384-`, in any letter case.
fn is_integrity(before: &[u8]) -> bool {
    let ends_with = |name: &[u8]| {
        let start = before.len().checked_sub(name.len());
        start.is_some_and(|start| before[start..].eq_ignore_ascii_case(name))
    };
    NAMED.iter().any(|(name, _)| ends_with(name))
}

/// Whether a word is none of the parts of a name: `app-HASH.js` is what a file is called.
fn stands_alone(bytes: &[u8], place: &Range<usize>) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    // A line of a list in a string begins behind `\n`.
    let is_line = place.start > 1 && bytes[place.start - 2] == b'\\';
    let before = place.start.checked_sub(1).map(|at| bytes[at]).filter(|_| !is_line);
    let (next, after) = (bytes.get(place.end).copied(), bytes.get(place.end + 1).copied());
    let is_extended = next == Some(b'.') && after.is_some_and(is_letter);
    !before.is_some_and(|byte| is_letter(byte) || matches!(byte, b'.' | b'/'))
        && !next.is_some_and(|byte| is_letter(byte) || byte == b'/')
        && !is_extended
}

/// The hash in base64 behind the name of an algorithm that begins at a byte, where characters of it are
/// escaped or it is too short to be looked for without a name.
fn named_word(bytes: &[u8], at: usize) -> Option<HashWord> {
    let (name, size) = NAMED.into_iter().find(|(name, _)| bytes[at..].starts_with(name))?;
    let start = at + name.len();
    let (mut word, mut end) = (Vec::with_capacity(size), start);
    let mut escapes = [None; 3];
    while word.len() < size {
        let rest = &bytes[end..];
        let escape = (0..ESCAPED.len()).find_map(|at| {
            let written = ESCAPES[at].iter().find(|one| rest.starts_with(one.as_bytes()))?;
            Some((at, *written))
        });
        match (escape, rest.first()) {
            (Some((at, written)), _) => {
                escapes[at] = Some(written);
                word.push(ESCAPED[at]);
                end += written.len();
            }
            (None, Some(byte)) if is_part(*byte) => {
                word.push(*byte);
                end += 1;
            }
            (None, _) => return None,
        }
    }
    let digest = STANDARD.decode(&word).ok()?;
    let is_new = escapes.iter().any(Option::is_some) || size < LEAST;
    let form = WordForm::Escaped(escapes);
    is_new.then_some(HashWord { place: start..end, digest, form })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MD5: &str = "0cc175b9c0f1b6a831c399e269772661";

    fn found(text: &str) -> Vec<&str> {
        hash_words(text.as_bytes()).into_iter().map(|word| &text[word.place]).collect()
    }

    #[test]
    fn a_hash_is_found_wherever_it_stands_by_itself() {
        let sha384 = STANDARD.encode([0xfb; 48]);
        let sha512 = STANDARD.encode([7; 64]);
        for text in [
            format!("integrity=sha384-{sha384} src=/a.js"),
            format!("{{1:\"sha384-{sha384}\"}}"),
            format!("x'sha384-{sha384}'"),
            format!("SHA384-{sha384}"),
        ] {
            assert_eq!(found(&text), [&sha384], "{text}");
        }
        assert_eq!(found(&format!("\"sha512\":\"{sha512}\"")), [&sha512]);
        for text in [
            format!("{MD5}  a.js\n"),
            format!("/a.js?v={MD5}"),
            format!("{{\"revision\":\"{MD5}\"}}"),
            format!("{}ETag \"{MD5}\"", "x".repeat(77)),
            format!("md5-{MD5}"),
            format!("\"\\n{MD5}  a.js\\n\""),
            format!("{MD5}."),
        ] {
            assert_eq!(found(&text), [MD5], "{text}");
        }
        assert_eq!(found(&format!("{MD5} {MD5},{MD5}")), [MD5; 3]);
    }

    #[test]
    fn a_name_is_no_hash() {
        for text in [
            format!("/js/app-{MD5}.js"),
            format!("/js/{MD5}.js"),
            format!("/{MD5}/a.js"),
            format!("app.{MD5}.js"),
            format!("x{MD5}"),
            format!("{MD5}0"),
            "a".repeat(1000),
            String::new(),
        ] {
            assert_eq!(found(&text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_hash_is_written_as_the_one_before_it() {
        let hash: Vec<u8> = (0..32).map(|at| if at % 2 == 0 { 0xfb } else { 0xff }).collect();
        let words = |text: &str| {
            let all = hash_words(text.as_bytes());
            all.into_iter().map(|word| word.rewritten(&hash)).collect::<Vec<_>>()
        };
        let base64 = STANDARD.encode(&hash);
        assert!(base64.contains('+') && base64.contains('/'), "{base64}");
        for escapes in ESCAPES.concat() {
            let at = ESCAPES.iter().position(|all| all.contains(&escapes)).unwrap_or_default();
            let escaped = base64.replace(char::from(ESCAPED[at]), escapes);
            assert_eq!(words(&format!("\"sha256-{escaped}\"")), [escaped]);
        }
        let short = STANDARD.encode([0xfb; 16]);
        assert_eq!(found(&format!("md5-{short}")), [short.as_str()]);
        assert_eq!(words(&format!("\"sha256-{base64}\"")), [base64]);
        assert_eq!(words(&MD5.to_uppercase()), [crate::text::hex(&hash).to_uppercase()]);
        assert_eq!(words(MD5), [crate::text::hex(&hash)]);
    }
}
