//! The pieces by which a secret is known in a text, and an index of them.

use super::neutral::is_invisible;
use super::spelling::SpelledChar;
use std::collections::HashSet;
use std::ops::Range;

/// So many characters of a secret are a trace of it.
pub(super) const PIECE: usize = 8;
/// A secret, or a line of one, with fewer characters is found everywhere and nowhere.
pub(super) const SHORTEST: usize = 4;
/// So many bits are eight digits of base64.
const BASE64_BITS: u32 = 48;

/// A piece of a text: so many characters, eight digits of base64, or sixteen of hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum TextPiece {
    Plain(u8, u64),
    Base64(u64),
    Hex(u64),
}

/// Each piece of a text, with the characters that it is made of.
pub(super) fn pieces(
    text: &[SpelledChar],
    shorts: &HashSet<TextPiece>,
    mut piece: impl FnMut(TextPiece, Range<usize>),
) {
    let (mut plain, mut base64, mut hex) = (0_u64, (0, 0_u64), (0, 0_u64));
    for (at, one) in text.iter().enumerate() {
        let end = at + 1;
        plain = plain << 8 | u64::from(folded(one.char));
        if end >= PIECE {
            piece(TextPiece::Plain(8, plain), end - PIECE..end);
        }
        for length in (SHORTEST..PIECE).filter(|length| !shorts.is_empty() && end >= *length) {
            let short = TextPiece::Plain(u8::try_from(length).unwrap_or(0), last(plain, length));
            if shorts.contains(&short) {
                piece(short, end - length..end);
            }
        }
        base64 = shifted(base64, 6, base64_digit(one.char));
        if base64.0 >= PIECE {
            piece(TextPiece::Base64(base64.1 & ((1 << BASE64_BITS) - 1)), end - PIECE..end);
        }
        hex = shifted(hex, 4, one.char.to_digit(16).map(u64::from));
        if hex.0 >= 2 * PIECE {
            piece(TextPiece::Hex(hex.1), end - 2 * PIECE..end);
        }
    }
}

/// How many digits stand in a row, and the value of the last of them.
fn shifted((count, value): (usize, u64), bits: u32, digit: Option<u64>) -> (usize, u64) {
    digit.map_or((0, 0), |digit| (count + 1, value << bits | digit))
}

/// The last characters of eight.
fn last(plain: u64, length: usize) -> u64 {
    plain & (u64::MAX >> (8 * (PIECE - length)))
}

fn base64_digit(c: char) -> Option<u64> {
    Some(match c {
        'A'..='Z' => u64::from(c) - 65,
        'a'..='z' => u64::from(c) - 71,
        '0'..='9' => u64::from(c) + 4,
        '+' | '-' => 62,
        '/' | '_' => 63,
        _ => return None,
    })
}

/// A character in a byte: in any case, and a blank in any of its forms. Those outside of ASCII share
/// a few; eight in a row do not meet by chance.
pub(super) fn folded(c: char) -> u8 {
    let lower = c.to_uppercase().next().and_then(|c| c.to_lowercase().next()).unwrap_or(c);
    match lower {
        '+' => b' ',
        c if c.is_whitespace() || c.is_control() => b' ',
        c => u8::try_from(c)
            .ok()
            .filter(u8::is_ascii)
            .unwrap_or_else(|| 0x80 | u8::try_from(u32::from(c) * 31 % 127).unwrap_or_default()),
    }
}

/// Finds what the index has of a part of a secret.
pub(super) fn find_in_part(part: &str, index: &PieceIndex, found: &mut HashSet<TextPiece>) {
    let mut plain = 0_u64;
    let chars = part.chars().filter(|c| !is_invisible(*c));
    for (at, c) in chars.enumerate() {
        plain = plain << 8 | u64::from(folded(c));
        if at + 1 >= PIECE {
            index.look_up(TextPiece::Plain(8, plain), found);
        }
    }
    let mut bytes = 0_u128;
    for (at, byte) in part.bytes().enumerate() {
        bytes = bytes << 8 | u128::from(byte);
        let low = u64::try_from(bytes & u128::from(u64::MAX)).unwrap_or_default();
        let base64 = |shift: u32| TextPiece::Base64(low >> shift & ((1 << BASE64_BITS) - 1));
        if at >= 5 {
            index.look_up(base64(0), found);
        }
        if at >= 6 {
            [2, 4, 6].iter().for_each(|shift| index.look_up(base64(*shift), found));
        }
        if at >= 7 {
            index.look_up(TextPiece::Hex(low), found);
        }
        if at >= 8 {
            let odd = u64::try_from(bytes >> 4 & u128::from(u64::MAX)).unwrap_or_default();
            index.look_up(TextPiece::Hex(odd), found);
        }
    }
}

/// The pieces of the texts, behind a filter of bits that lets few others through.
#[derive(Default)]
pub(super) struct PieceIndex {
    pieces: HashSet<TextPiece>,
    filter: Vec<u64>,
}

impl PieceIndex {
    pub(super) fn insert(&mut self, piece: TextPiece) {
        self.pieces.insert(piece);
    }

    pub(super) fn build_filter(&mut self) {
        self.filter = vec![0; (self.pieces.len() / 4).next_power_of_two()];
        for piece in &self.pieces {
            let (word, bit) = place(*piece, self.filter.len());
            self.filter[word] |= bit;
        }
    }

    fn look_up(&self, piece: TextPiece, found: &mut HashSet<TextPiece>) {
        let (word, bit) = place(piece, self.filter.len());
        if self.filter[word] & bit != 0 && self.pieces.contains(&piece) {
            found.insert(piece);
        }
    }
}

/// Where a piece stands in a filter of so many words.
fn place(piece: TextPiece, words: usize) -> (usize, u64) {
    let value = match piece {
        TextPiece::Plain(_, value) => value,
        TextPiece::Base64(value) => value ^ 0x5555_5555_5555_5555,
        TextPiece::Hex(value) => !value,
    };
    let mixed = value.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let word = usize::try_from(mixed >> 32).unwrap_or_default() & (words - 1);
    (word, 1 << (mixed >> 26 & 63))
}
