//! The texts of a commit: UTF-8, unless it names another encoding.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Decodes the texts of one commit.
pub(super) struct TextDecoder<'a> {
    /// The encoding's name as the commit has it.
    label: Option<&'a [u8]>,
    encoding: &'static Encoding,
    has_replaced: bool,
}

impl<'a> TextDecoder<'a> {
    pub(super) fn new(label: Option<&'a [u8]>) -> Self {
        let encoding = label.and_then(find).unwrap_or(UTF_8);
        Self { label, encoding, has_replaced: false }
    }

    /// The text; what cannot be decoded is replaced. `None` for nothing.
    pub(super) fn decode(&mut self, bytes: &[u8]) -> Option<String> {
        let (text, has_replaced) = self.encoding.decode_without_bom_handling(bytes);
        self.has_replaced |= has_replaced;
        Some(text.into_owned()).filter(|text| !text.is_empty())
    }

    /// The encoding's name, if a text was not in it.
    pub(super) fn wrong_encoding(self) -> Option<String> {
        let label = self.label.unwrap_or(b"UTF-8");
        self.has_replaced.then(|| String::from_utf8_lossy(label).into_owned())
    }
}

/// The encoding of this name. No commit is UTF-16, which has NULs.
fn find(label: &[u8]) -> Option<&'static Encoding> {
    let label = String::from_utf8_lossy(label).trim().to_ascii_lowercase();
    let standard = match label.as_str() {
        // Names of iconv, which git uses, that the web has not.
        "cp932" => "shift_jis",
        "cp936" => "gbk",
        "cp949" | "euckr" => "euc-kr",
        "cp950" => "big5",
        "eucjp" => "euc-jp",
        other => other,
    };
    let encoding = Encoding::for_label_no_replacement(standard.as_bytes())?;
    (encoding != UTF_16LE && encoding != UTF_16BE).then_some(encoding)
}
