//! The UUID by which a script and its source map are found again.

use crate::text::hex;
use std::fmt;

use sha1::{Digest, Sha1};

/// A debug id: a UUID in lower case, with hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DebugId(String);

/// The characters of a UUID.
pub const ID_LENGTH: usize = 36;

impl DebugId {
    /// A UUID as text, in any letter case.
    pub fn parse(text: &str) -> Option<Self> {
        let is_uuid = text.len() == ID_LENGTH
            && text.bytes().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            });
        is_uuid.then(|| Self(text.to_ascii_lowercase()))
    }

    /// A UUID as Sentry takes it from others: with hyphens or without.
    pub fn parse_any(text: &str) -> Option<Self> {
        match text.len() == 32 && text.is_ascii() {
            true => Self::parse(&hyphenated(text)),
            false => Self::parse(text),
        }
    }

    /// The id of a script and the map that belongs to it: it changes with either, and with nothing
    /// else. sentry-cli derives the same since 3.6.1.
    pub fn of_files(script: &[u8], map: Option<&[u8]>) -> Self {
        let Some(map) = map else {
            return Self::of_hash(Sha1::digest(script).as_slice());
        };
        let mut hash = Sha1::new();
        for (name, bytes) in [("js", script), ("sourcemap", map)] {
            hash.update(name);
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        }
        Self::of_hash(hash.finalize().as_slice())
    }

    /// The UUID of version 5 that the first sixteen bytes of `hash` give.
    pub fn of_hash(hash: &[u8]) -> Self {
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(hash).for_each(|(byte, of_hash)| *byte = *of_hash);
        bytes[6] = bytes[6] & 0x0f | 0x50;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self(hyphenated(&hex(&bytes)))
    }

    /// Whether it is the UUID that stands for none.
    pub fn is_nil(&self) -> bool {
        self.0.bytes().all(|byte| matches!(byte, b'0' | b'-'))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The hyphens of a UUID between its 32 digits.
fn hyphenated(digits: &str) -> String {
    [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &digits[part]).join("-")
}

impl fmt::Display for DebugId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
