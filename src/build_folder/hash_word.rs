//! A word of a file that may be a hash, and how it is written.

use super::base64_form::Base64Form;
use super::wide_text::WideText;
use std::ops::Range;

/// How a hash is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WordForm {
    /// In hexadecimal digits.
    LowerHex,
    /// In those with capitals.
    UpperHex,
    /// In base64.
    Base64(Base64Form),
    /// As an entity tag: the size in hexadecimal digits, `-`, and a SHA-1 in base64.
    EntityTag,
    /// As nothing but the size that belongs to such a tag.
    Size,
}

/// A word that may be a hash.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HashWord {
    /// Where it stands.
    pub(super) place: Range<usize>,
    /// The bytes that it stands for.
    pub(super) digest: Vec<u8>,
    /// How they are written.
    pub(super) form: WordForm,
    /// How its characters are written, where each takes two bytes.
    pub(super) wide: Option<WideText>,
}

impl HashWord {
    /// Another hash as this one is written.
    pub(super) fn rewritten(&self, digest: &[u8]) -> Vec<u8> {
        let text = match self.form {
            WordForm::LowerHex => crate::text::hex(digest),
            WordForm::UpperHex => crate::text::hex(digest).to_ascii_uppercase(),
            WordForm::Base64(form) => form.write(digest),
            WordForm::EntityTag => {
                let (hash, size) = sized(digest);
                format!("{size:x}-{}", Base64Form::default().write(hash))
            }
            WordForm::Size => sized(digest).1.to_string(),
        };
        match self.wide {
            Some(wide) => wide.write(&text),
            None => text.into_bytes(),
        }
    }

    /// What tells which of the two alphabets of base64 a file has.
    pub(super) fn is_url_safe(&self) -> Option<bool> {
        let WordForm::Base64(form) = self.form else { return None };
        form.is_url_safe
    }

    /// Whether a server goes by it, and sends no more of a file than it says.
    pub(super) fn is_of_server(&self) -> bool {
        matches!(self.form, WordForm::EntityTag | WordForm::Size)
    }
}

/// The bytes of a SHA-1.
const HASH: usize = 20;
/// Those of a SHA-1 with the size of its file behind it.
pub(super) const SIZED_HASH: usize = HASH + size_of::<u64>();

/// A SHA-1 with the size of its file, which are known as one hash.
pub(super) fn with_size(mut hash: Vec<u8>, size: u64) -> Vec<u8> {
    hash.extend(size.to_be_bytes());
    hash
}

fn sized(digest: &[u8]) -> (&[u8], u64) {
    let (hash, size) = digest.split_at(digest.len().min(HASH));
    (hash, size.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)))
}
