//! The words of a file that have the shape of a hash: of subresource integrity and of policies in base64,
//! of the lists of service workers and of sums in hexadecimal.

use super::base64_form::{Base64Form, SIZES, escape};
use super::entity_tag::entity_words;
use super::hash_word::{HashWord, WordForm};
use super::wide_text::WideText;
use memchr::{memchr_iter, memmem};
use std::cmp::Reverse;
use std::ops::Range;

/// No hash is written in fewer characters, by which most of a file is passed over.
const LEAST: usize = 32;
/// What is longer is no hash with the name of its algorithm.
const MOST: usize = 256;

/// The names of algorithms before a hash, and how many bytes it has.
const NAMED: [(&[u8], usize); 5] =
    [(b"sha256-", 32), (b"sha384-", 48), (b"sha512-", 64), (b"sha1-", 20), (b"md5-", 16)];

/// What these begin with, each of which is one pass over a file.
const NAME_BEGINS: [&[u8]; 2] = [b"sha", b"md5-"];

/// The words of a file, in their order.
pub(super) fn hash_words(bytes: &[u8]) -> Vec<HashWord> {
    let wide = WideText::of(bytes);
    let mut words = match wide {
        Some(wide) => narrow_words(&wide.narrowed(bytes)),
        None => narrow_words(bytes),
    };
    let is_url_safe = |is: bool| words.iter().any(|word| word.is_url_safe() == Some(is));
    let (has_url_safe, has_standard) = (is_url_safe(true), is_url_safe(false));
    for word in &mut words {
        if let (WordForm::Base64(form), false) = (&mut word.form, has_standard) {
            // Who leaves out the padding mostly means the alphabet of URLs.
            form.is_url_safe = (has_url_safe || !form.is_padded).then_some(true);
        }
        if wide.is_some() {
            (word.wide, word.place) = (wide, word.place.start * 2..word.place.end * 2);
        }
    }
    words
}

/// The words of a text whose characters take a byte each, in their order.
fn narrow_words(bytes: &[u8]) -> Vec<HashWord> {
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
    words.extend(memchr_iter(b'=', bytes).filter_map(|at| padded_word(bytes, at)));
    for begin in NAME_BEGINS {
        words.extend(memmem::find_iter(bytes, begin).filter_map(|at| named_word(bytes, at)));
    }
    words.extend(memchr_iter(b'-', bytes).flat_map(|at| entity_words(bytes, at)));
    // Of two at one place the longer has an escaped end.
    if words.len() > count {
        words.sort_by_key(|word| (word.place.start, Reverse(word.place.end)));
        words.dedup_by(|next, earlier| next.place.start < earlier.place.end);
    }
    words
}

/// Which bytes may be one of a hash or of its name. `=` stands before a value without quotation marks, too.
const PARTS: [bool; 256] = {
    let (mut parts, mut byte) = ([false; 256], 0);
    while byte < 128 {
        parts[byte] = (byte as u8).is_ascii_alphanumeric()
            || matches!(byte as u8, b'+' | b'/' | b'=' | b'-' | b'_');
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
    if value.checked_sub(start).is_none_or(|length| length > MOST) {
        return None;
    }
    let name = name_width(&text[start..value]);
    let (is_named, start) = (name > 0, start + name);
    let hex = run.start + start..run.start + value;
    let word = hex_word(&bytes[hex.clone()], &hex)
        .filter(|_| !is_named || hex.len() != 64)
        .or_else(|| base64_word(&bytes[hex.start..run.end], hex.start..run.end))?;
    (is_named || stands_alone(bytes, &word.place)).then_some(word)
}

/// How much of a text is before the hash that the name of an algorithm stands before, as `sha384-` does, in
/// any letter case; nothing where there is no such name.
fn name_width(text: &[u8]) -> usize {
    let end = |name: &[u8]| {
        let mut windows = text.windows(name.len());
        Some(windows.position(|window| window.eq_ignore_ascii_case(name))? + name.len())
    };
    NAMED.iter().filter_map(|(name, _)| end(name)).min().unwrap_or_default()
}

/// The hash that a text in hexadecimal digits is.
pub(super) fn hex_word(text: &[u8], place: &Range<usize>) -> Option<HashWord> {
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
    Some(HashWord { place: place.clone(), digest, form, wide: None })
}

fn base64_word(text: &[u8], place: Range<usize>) -> Option<HashWord> {
    let (digest, form) = Base64Form::read(text)?;
    // What is shorter is no hash of today.
    let form = (digest.len() >= 32).then_some(WordForm::Base64(form))?;
    Some(HashWord { place, digest, form, wide: None })
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

/// The hash by MD5 or SHA-1 in base64 whose padding ends at this `=`: unpadded it is like any other word.
fn padded_word(bytes: &[u8], last: usize) -> Option<HashWord> {
    let end = last + 1;
    if bytes.get(end).is_some_and(|next| is_part(*next)) {
        return None;
    }
    let width = if bytes[..last].ends_with(b"=") { 24 } else { 28 };
    let start = end.checked_sub(width)?;
    let (digest, form) = Base64Form::read(&bytes[start..end])?;
    // `sha1-` has five characters.
    let is_named = name_width(&bytes[start.saturating_sub(5)..start]) > 0;
    let is_alone = || bytes[..start].last() != Some(&b'+') && stands_alone(bytes, &(start..end));
    let form = WordForm::Base64(form);
    (is_named || is_alone()).then_some(HashWord { place: start..end, digest, form, wide: None })
}

/// The hash in base64 behind the name of an algorithm that begins at a byte, where characters of it are
/// escaped or it is too short to be looked for without a name.
fn named_word(bytes: &[u8], at: usize) -> Option<HashWord> {
    let (name, size) = NAMED.into_iter().find(|(name, _)| bytes[at..].starts_with(name))?;
    let (start, most) = (at + name.len(), size.div_ceil(3) * 4);
    let (mut word, mut end) = (Vec::with_capacity(most), start);
    let mut escapes = [None; 3];
    while word.len() < most {
        let rest = &bytes[end..];
        match (escape(rest), rest.first()) {
            (Some((at, character, written)), _) => {
                escapes[at] = Some(written);
                word.push(character);
                end += written.len();
            }
            (None, Some(byte)) if is_part(*byte) => {
                word.push(*byte);
                end += 1;
            }
            (None, _) => break,
        }
    }
    let (digest, form) = Base64Form::read(&word).filter(|(digest, _)| digest.len() == size)?;
    let is_new = escapes.iter().any(Option::is_some) || most < LEAST;
    let form = WordForm::Base64(form.escaped(escapes));
    is_new.then_some(HashWord { place: start..end, digest, form, wide: None })
}

#[cfg(test)]
mod tests {
    use super::super::base64_form::ESCAPES;
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

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

    /// The words of a text, each written for another hash.
    fn rewritten(text: &[u8], hash: &[u8]) -> Vec<String> {
        let written = |word: &HashWord| String::from_utf8(word.rewritten(hash)).unwrap();
        hash_words(text).iter().map(written).collect()
    }

    #[test]
    fn a_hash_is_written_as_the_one_before_it() {
        let hash: Vec<u8> = (0..32).map(|at| if at % 2 == 0 { 0xfb } else { 0xff }).collect();
        let words = |text: &str| rewritten(text.as_bytes(), &hash);
        let base64 = STANDARD.encode(&hash);
        assert!(base64.contains('+') && base64.contains('/'), "{base64}");
        for (character, escapes) in ['/', '+', '='].into_iter().zip(ESCAPES) {
            for escape in escapes {
                let escaped = base64.replace(character, escape);
                assert_eq!(words(&format!("\"sha256-{escaped}\"")), [escaped]);
            }
        }
        let short = STANDARD.encode([0xfb; 16]);
        assert_eq!(found(&format!("md5-{short}")), [short.as_str()]);
        assert_eq!(words(&format!("\"sha256-{base64}\"")), [base64]);
        assert_eq!(words(&MD5.to_uppercase()), [crate::text::hex(&hash).to_uppercase()]);
        assert_eq!(words(MD5), [crate::text::hex(&hash)]);
    }

    #[test]
    fn base64_is_found_in_either_alphabet_with_its_padding_or_without() {
        for size in SIZES {
            let (old, new) = (vec![0xfb; size], vec![0xff; size]);
            let name = NAMED.iter().find(|(_, known)| *known == size).map(|(name, _)| *name);
            let name = String::from_utf8_lossy(name.unwrap());
            for engine in [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD] {
                let (old, new) = (engine.encode(&old), engine.encode(&new));
                for text in [
                    format!("integrity={name}{old} src=a.js"),
                    format!("script-src '{name}{old}'"),
                    format!("{{\"a.js\":\"{name}{old}\"}}"),
                ] {
                    assert_eq!(rewritten(text.as_bytes(), &new_hash(size)), [&*new], "{text}");
                }
                let bare = rewritten(format!("{{\"a.js\":\"{old}\"}}").as_bytes(), &new_hash(size));
                let is_found = size >= 32 || old.ends_with('=');
                assert_eq!(bare, vec![new; usize::from(is_found)], "{old}");
            }
        }
        let hex = "0".repeat(64);
        for text in [format!("a_{hex}"), format!("{hex}-a"), format!("a-{MD5}_")] {
            assert_eq!(found(&text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_short_hash_in_base64_is_found_by_its_padding_wherever_it_stands_by_itself() {
        for size in [16, 20] {
            let hash = STANDARD.encode(vec![0xfb; size]);
            for (before, after) in [
                ("", ""),
                ("{\"md5Hash\":\"", "\"}"),
                ("Content-MD5: ", "\r\n"),
                ("SHA=", ",next"),
                ("md5=:", ":"),
                ("MD5-", "?x"),
                ("SHA1-", "."),
                ("\"\\n", "\\n\""),
            ] {
                let text = format!("{before}{hash}{after}");
                assert_eq!(found(&text), [&*hash], "{text}");
            }
            for text in ["xH", "+H", "/H", "a-H", "H=", "Hx", "H.js"] {
                let text = text.replace('H', &hash);
                assert_eq!(found(&text), [""; 0], "{text}");
            }
        }
    }

    fn new_hash(size: usize) -> Vec<u8> {
        vec![0xff; size]
    }

    #[test]
    fn a_hash_that_fits_both_alphabets_is_written_as_the_others_of_its_file() {
        let (plain, special) = (vec![0; 32], vec![0xfb; 32]);
        let new = new_hash(32);
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            let text = format!("'{}' '{}'", engine.encode(&plain), engine.encode(&special));
            assert_eq!(rewritten(text.as_bytes(), &new), vec![engine.encode(&new); 2], "{text}");
        }
    }

    #[test]
    fn a_text_in_utf_16_has_its_hashes_where_it_has_them() {
        let text = format!("é<a integrity=\"sha256-{}\">{MD5}", STANDARD.encode([0xfb; 32]));
        for (mark, write) in [
            (0xfeff_u16.to_le_bytes(), u16::to_le_bytes as fn(u16) -> [u8; 2]),
            (0xfeff_u16.to_be_bytes(), u16::to_be_bytes),
        ] {
            let wide = |text: &str| text.encode_utf16().flat_map(write).collect::<Vec<u8>>();
            let bytes = [mark.to_vec(), wide(&text)].concat();
            let words = hash_words(&bytes);
            let found: Vec<_> = words.iter().map(|word| &bytes[word.place.clone()]).collect();
            assert_eq!(found, [&*wide(&STANDARD.encode([0xfb; 32])), &*wide(MD5)]);
            assert_eq!(words[1].rewritten(&[0; 16]), wide(&"0".repeat(32)));
        }
    }
}
