//! Texts in UTF-16, by the mark of byte order that they begin with: each character that may be one of a hash
//! takes two bytes.

/// In which order the two bytes of a character stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WideText {
    LowFirst,
    HighFirst,
}

/// A byte that is none of a hash.
const OTHER: u8 = 0x80;

impl WideText {
    /// That of a file; none where it is no such text.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xff, 0xfe, ..] => Some(Self::LowFirst),
            [0xfe, 0xff, ..] => Some(Self::HighFirst),
            _ => None,
        }
    }

    /// The text with a byte for each two.
    pub(super) fn narrowed(self, bytes: &[u8]) -> Vec<u8> {
        let narrow = |pair: &[u8]| match (self, pair) {
            (Self::LowFirst, [byte, 0]) | (Self::HighFirst, [0, byte]) => *byte,
            _ => OTHER,
        };
        bytes.chunks_exact(2).map(narrow).collect()
    }

    /// The text itself.
    pub(super) fn decoded(self, bytes: &[u8]) -> String {
        let character = |pair: &[u8]| match self {
            Self::LowFirst => u16::from_le_bytes([pair[0], pair[1]]),
            Self::HighFirst => u16::from_be_bytes([pair[0], pair[1]]),
        };
        let characters: Vec<_> = bytes.chunks_exact(2).map(character).collect();
        String::from_utf16_lossy(&characters)
    }

    /// The characters of a hash in this order.
    pub(super) fn write(self, text: &str) -> Vec<u8> {
        let pair = |byte: u8| match self {
            Self::LowFirst => [byte, 0],
            Self::HighFirst => [0, byte],
        };
        text.bytes().flat_map(pair).collect()
    }
}
