//! A text as it reads once its escapes are undone: those of URLs, JSON, programs and HTML.

use super::neutral::is_invisible;
use std::ops::Range;

/// A URL may be escaped again in JSON, and that in another one.
const MAX_LEVELS: usize = 4;

/// What escapes begin with.
const ESCAPES: [char; 3] = ['%', '\\', '&'];

/// Entities for what stands in secrets.
const ENTITIES: [(&str, char); 20] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("sol", '/'),
    ("bsol", '\\'),
    ("plus", '+'),
    ("equals", '='),
    ("colon", ':'),
    ("period", '.'),
    ("lowbar", '_'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("commat", '@'),
    ("excl", '!'),
    ("ast", '*'),
    ("hyphen", '-'),
];

/// Those that are read without a semicolon, too.
const UNENDED_ENTITIES: [&str; 5] = ["amp", "lt", "gt", "quot", "nbsp"];

/// A character, and where in the text it stands.
#[derive(Clone)]
pub(super) struct SpelledChar {
    pub(super) char: char,
    pub(super) at: Range<usize>,
}

/// The text as it stands, and as it reads with one level of escapes undone after the other. What
/// nobody sees is not there: it would part a word that reads as a whole.
pub(super) fn readings(text: &str) -> Vec<Vec<SpelledChar>> {
    let shown = text.char_indices().filter(|(_, char)| !is_invisible(*char));
    let plain = shown.map(|(at, char)| SpelledChar { char, at: at..at + char.len_utf8() });
    let mut readings = vec![plain.collect::<Vec<_>>()];
    let found: Vec<char> = ESCAPES.into_iter().filter(|escape| text.contains(*escape)).collect();
    read_on(&mut readings, &found);
    if found.len() > 1 {
        // One that stands there itself is undone in vain where another is undone with it.
        for escape in found {
            let mut of_one_kind = vec![readings[0].clone()];
            read_on(&mut of_one_kind, &[escape]);
            readings.extend(of_one_kind.into_iter().skip(1));
        }
    }
    readings
}

/// Undoes these escapes, level by level.
fn read_on(readings: &mut Vec<Vec<SpelledChar>>, escapes: &[char]) {
    while readings.len() <= MAX_LEVELS && !escapes.is_empty() {
        let last = &readings[readings.len() - 1];
        let next = unescaped(last, escapes);
        if next.len() == last.len() {
            break;
        }
        readings.push(next);
    }
}

/// Undoes one level of escapes.
fn unescaped(text: &[SpelledChar], escapes: &[char]) -> Vec<SpelledChar> {
    let (mut read, mut bytes, mut at) = (Vec::new(), Vec::new(), 0);
    while at < text.len() {
        let plain = (EscapedUnit::Char(text[at].char), 1);
        let is_escape = escapes.contains(&text[at].char);
        let escape = if is_escape { escape_at(&text[at..]) } else { None };
        let (unit, length) = escape.unwrap_or(plain);
        let range = text[at].at.start..text[at + length - 1].at.end;
        at += length;
        match unit {
            EscapedUnit::Byte(byte) => bytes.push((byte, range)),
            EscapedUnit::Char(char) => {
                flush(&mut bytes, &mut read);
                read.push(SpelledChar { char, at: range });
            }
        }
    }
    flush(&mut bytes, &mut read);
    read
}

enum EscapedUnit {
    Byte(u8),
    Char(char),
}

/// Bytes in a row are UTF-8.
fn flush(bytes: &mut Vec<(u8, Range<usize>)>, read: &mut Vec<SpelledChar>) {
    let text: Vec<_> = bytes.iter().map(|(byte, _)| *byte).collect();
    let mut at = 0;
    for chunk in text.utf8_chunks() {
        let bad = chunk.invalid().iter().map(|_| ('\u{fffd}', 1));
        for (char, length) in chunk.valid().chars().map(|c| (c, c.len_utf8())).chain(bad) {
            let range = bytes[at].1.start..bytes[at + length - 1].1.end;
            read.push(SpelledChar { char, at: range });
            at += length;
        }
    }
    bytes.clear();
}

/// What the escape at the beginning stands for, and how many characters it takes.
fn escape_at(text: &[SpelledChar]) -> Option<(EscapedUnit, usize)> {
    match text[0].char {
        '%' => digits(text, 1, 2, 16).map(|byte| (byte_unit(byte), 3)),
        '\\' => backslash(text),
        '&' => entity(text).map(|(char, length)| (EscapedUnit::Char(char), length)),
        _ => None,
    }
}

fn byte_unit(value: u32) -> EscapedUnit {
    u8::try_from(value).map_or(EscapedUnit::Char('\u{fffd}'), EscapedUnit::Byte)
}

/// The value of so many digits from there on.
fn digits(text: &[SpelledChar], from: usize, count: usize, radix: u32) -> Option<u32> {
    let digits = text.get(from..from + count)?;
    digits.iter().try_fold(0_u32, |value, one| {
        value.checked_mul(radix)?.checked_add(one.char.to_digit(radix)?)
    })
}

fn backslash(text: &[SpelledChar]) -> Option<(EscapedUnit, usize)> {
    let char = |code| EscapedUnit::Char(char::from_u32(code).unwrap_or('\u{fffd}'));
    Some(match text.get(1)?.char {
        'x' => (byte_unit(digits(text, 2, 2, 16)?), 4),
        'u' if text.get(2)?.char == '{' => {
            let length = text.iter().take(10).position(|one| one.char == '}')?;
            (char(digits(text, 3, length - 3, 16).filter(|_| length > 3)?), length + 1)
        }
        'u' => utf16(text)?,
        'U' => (char(digits(text, 2, 8, 16)?), 10),
        '0'..='7' if digits(text, 1, 3, 8).is_some() => (byte_unit(digits(text, 1, 3, 8)?), 4),
        'n' | 'r' | 't' | 'b' | 'f' | 'v' | 'a' | 'e' | '0' => (EscapedUnit::Char(' '), 2),
        other if other.is_ascii_punctuation() => (EscapedUnit::Char(other), 2),
        _ => return None,
    })
}

/// `\uXXXX`, or two of them for one character.
fn utf16(text: &[SpelledChar]) -> Option<(EscapedUnit, usize)> {
    let code = digits(text, 2, 4, 16)?;
    let is_escape = |from: usize| text.get(from).is_some_and(|one| one.char == '\\');
    let low = digits(text, 8, 4, 16).filter(|_| is_escape(6) && text[7].char == 'u');
    let pair = low.filter(|low| (0xd800..0xdc00).contains(&code) && (0xdc00..0xe000).contains(low));
    let (code, length) = match pair {
        Some(low) => (0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00), 12),
        None => (code, 6),
    };
    Some((EscapedUnit::Char(char::from_u32(code).unwrap_or('\u{fffd}')), length))
}

/// A character reference. As browsers read it, that of a number needs no semicolon, and some names
/// neither.
fn entity(text: &[SpelledChar]) -> Option<(char, usize)> {
    let at = |index: usize| text.get(index).map(|one| one.char);
    if at(1)? == '#' {
        let (from, radix) = if matches!(at(2)?, 'x' | 'X') { (3, 16) } else { (2, 10) };
        let digits = text.iter().skip(from).map_while(|one| one.char.to_digit(radix));
        let (count, code) = digits.fold((0, 0_u32), |(count, code), digit| {
            (count + 1, code.saturating_mul(radix).saturating_add(digit))
        });
        let end = from + count;
        let char = char::from_u32(code).filter(|_| count > 0)?;
        return Some((char, end + usize::from(at(end) == Some(';'))));
    }
    ENTITIES.iter().find_map(|(name, char)| {
        let is_name = name.chars().enumerate().all(|(index, c)| at(index + 1) == Some(c));
        let end = name.len() + 1;
        match (is_name, at(end)) {
            (true, Some(';')) => Some((*char, end + 1)),
            (true, _) if UNENDED_ENTITIES.contains(name) => Some((*char, end)),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(text: &str) -> String {
        readings(text)
            .iter()
            .min_by_key(|one| one.len())
            .unwrap()
            .iter()
            .map(|one| one.char)
            .collect()
    }

    #[test]
    fn escapes_of_every_kind_are_undone() {
        for text in [
            "a/b\"c é😀",
            "a%2Fb%22c%20%c3%a9%F0%9F%98%80",
            "a%252fb%2522c%2520%25c3%25a9😀",
            "a\\/b\\\"c é\\ud83d\\uDE00",
            "\\u0061\\u002fb\\x22c \\u{e9}\\U0001f600",
            "&#97;&sol;b&quot;c&#x20;&#XE9;😀",
            "a\\57b".replace("\\57", "\\057").replace('b', "b\\\"c é😀").as_str(),
            "a\u{200b}/b\u{ad}\"c é\u{202e}😀",
            "&#97&sol;b&quotc&#x20&#XE9&#128512",
            "&#00000000000097&#x0000002F;b&#34c é😀",
        ] {
            assert_eq!(last(text), "a/b\"c é😀", "{text}");
        }
    }

    #[test]
    fn what_is_no_escape_stays() {
        for text in ["100% of &this; \\q \\", "%", "\\u12", "&#xfffffff;", "\\u{}", "&;", "\\u{1"] {
            assert_eq!(last(text), text);
        }
    }

    #[test]
    fn each_character_is_where_it_was_written() {
        for one in readings("é%C3%A9&amp;x").remove(1) {
            assert!(["é", "%C3%A9", "&amp;", "x"].contains(&&"é%C3%A9&amp;x"[one.at]));
        }
    }
}
