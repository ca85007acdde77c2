//! Entity tags that a server was built with, each with the size of its file: Nitro has a table of them in its
//! code, and sends as many bytes of a file as stand there.

use super::base64_form::Base64Form;
use super::hash_word::{HashWord, WordForm, with_size};
use memchr::memmem;
use std::ops::Range;

/// The characters of a SHA-1 in base64 without its padding.
const WIDTH: usize = 27;
/// The most hexadecimal digits of a size.
const MAX_DIGITS: usize = 12;
/// How far from a tag the size is looked for.
const WINDOW: usize = 512;

/// The tag whose `-` is at this place, as in `"7b-6z+1l2GY7RQl2W/eeL/IklkOXOQ"`, and the size beside it.
pub(super) fn entity_words(bytes: &[u8], dash: usize) -> Vec<HashWord> {
    tag(bytes, dash).map_or_else(Vec::new, |(tag, size)| {
        let beside = size_beside(bytes, &tag.place, size);
        let digest = tag.digest.clone();
        let beside =
            beside.map(|place| HashWord { place, digest, form: WordForm::Size, wide: None });
        std::iter::once(tag).chain(beside).collect()
    })
}

fn tag(bytes: &[u8], dash: usize) -> Option<(HashWord, u64)> {
    let end = dash + 1 + WIDTH;
    let hash = bytes.get(dash + 1..end)?;
    if !matches!(bytes.get(end), Some(b'"' | b'\\')) {
        return None;
    }
    let is_digit = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let digits = bytes[..dash].iter().rev().take(MAX_DIGITS).take_while(is_digit).count();
    let start = dash - digits;
    if start == 0 || bytes[start - 1] != b'"' {
        return None;
    }
    let size = u64::from_str_radix(std::str::from_utf8(&bytes[start..dash]).ok()?, 16).ok()?;
    let (hash, form) = Base64Form::read(hash)?;
    let digest = with_size(hash, size);
    let is_standard = form.is_url_safe != Some(true);
    let word = HashWord { place: start..end, digest, form: WordForm::EntityTag, wide: None };
    is_standard.then_some((word, size))
}

/// Where the size of a tag stands as a number of the same object.
fn size_beside(bytes: &[u8], tag: &Range<usize>, size: u64) -> Option<Range<usize>> {
    let before = &bytes[tag.start.saturating_sub(WINDOW)..tag.start];
    let start = tag.start - before.iter().rev().take_while(|byte| **byte != b'{').count();
    let behind = &bytes[tag.end..bytes.len().min(tag.end + WINDOW)];
    let end = tag.end + behind.iter().take_while(|byte| **byte != b'}').count();
    let names = memmem::find_iter(&bytes[start..end], b"size");
    names.filter_map(|at| number(bytes, start + at, end)).find(|place| {
        let text = std::str::from_utf8(&bytes[place.clone()]).unwrap_or_default();
        // Minifiers write `1e3`.
        text.parse().is_ok_and(|number: f64| number.to_string() == size.to_string())
    })
}

/// The number that a name at a place of an object is of.
fn number(bytes: &[u8], name: usize, end: usize) -> Option<Range<usize>> {
    let is_apart =
        |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'{' | b',' | b'"' | b'\'');
    bytes[..name].last().filter(|byte| is_apart(byte))?;
    let skip = |at: usize, is_skipped: fn(&u8) -> bool| {
        at + bytes[at..end].iter().take_while(|byte| is_skipped(byte)).count()
    };
    let colon = skip(name + 4, |byte| matches!(byte, b'"' | b'\'' | b' '));
    (bytes.get(colon) == Some(&b':')).then_some(())?;
    let start = skip(colon + 1, u8::is_ascii_whitespace);
    let number = start..skip(start, |byte| byte.is_ascii_alphanumeric() || *byte == b'.');
    (!number.is_empty()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "7b-6z+1l2GY7RQl2W/eeL/IklkOXOQ";

    fn rewritten(text: &str) -> String {
        let words: Vec<_> =
            text.match_indices('-').flat_map(|(at, _)| entity_words(text.as_bytes(), at)).collect();
        let mut new = text.to_owned();
        let mut by_place: Vec<_> = words.iter().collect();
        by_place.sort_by_key(|word| std::cmp::Reverse(word.place.start));
        for word in by_place {
            let written = word.rewritten(&with_size(vec![0; 20], 465));
            new.replace_range(word.place.clone(), &String::from_utf8_lossy(&written));
        }
        new
    }

    #[test]
    fn a_tag_and_the_size_beside_it_are_written_anew() {
        let new = format!("1d1-{}", "A".repeat(27));
        for form in [
            "{\n    \"etag\": \"\\\"TAG\\\"\",\n    \"mtime\": \"2026\",\n    \"size\": 123,\n    \"path\": \"x\"\n  }",
            "{type:\"a\",etag:'\"TAG\"',mtime:\"2026\",size:123,path:\"x\"}",
            "{size:123,etag:'\"TAG\"'}",
            "{etag:'\"TAG\"',size:1.23e2}",
        ] {
            let number = if form.contains("1.23e2") { "1.23e2" } else { "123" };
            let expected = form.replace("TAG", &new).replacen(number, "465", 1);
            assert_eq!(rewritten(&form.replace("TAG", TAG)), expected);
        }
    }

    #[test]
    fn what_only_looks_like_a_tag_or_a_size_stays() {
        for form in [
            "TAG",
            "'TAG'",
            "\"xTAG\"",
            "\"-6z+1l2GY7RQl2W/eeL/IklkOXOQ\"",
            "\"7b-6z+1l2GY7RQl2W/eeL/IklkOXO\"",
            "\"7b-6z+1l2GY7RQl2W/eeL/IklkOXOQQ\"",
        ] {
            let text = form.replace("TAG", TAG);
            assert_eq!(rewritten(&text), text);
        }
        for size in ["size:124", "resize:123", "size123", "sizes:123", "}{size:123"] {
            let text = format!("{{etag:'\"{TAG}\"',{size}}}");
            assert!(rewritten(&text).contains(size), "{size}");
        }
    }
}
