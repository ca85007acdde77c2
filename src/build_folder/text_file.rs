//! The bytes of a file that is a text, by its begin.

use super::inline_scripts::{inline_scripts, page_of};
use super::packed_copy::CopyFormat;
use super::wide_text::WideText;
use crate::os::linkless;
use std::io::{Read, Result};
use std::path::Path;

/// The largest file that is looked at.
pub(crate) const MAX_FILE: u64 = 128 * 1024 * 1024;
/// The bytes at the begin of a file that show whether it is a text.
const HEAD: u64 = 8 * 1024;

/// A file that may hold hashes: a text, or the packed copy of one that is not there itself.
pub(super) struct TextFile {
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
    /// The text that it is a packed copy of, and the format of that.
    unpacked: Option<(CopyFormat, Vec<u8>)>,
}

impl TextFile {
    /// Reads a file, or a script inside of one; none where it is no text, or too large.
    pub(super) fn read(file: &Path) -> Option<Self> {
        if let Some((page, number)) = page_of(file) {
            let page = Self::read(page)?;
            let bytes = inline_scripts(page.text()).into_iter().nth(number)?;
            return Some(Self { bytes, unpacked: None });
        }
        let bytes = linkless::open(file).ok()?;
        bytes
            .metadata()
            .ok()
            .filter(|metadata| metadata.is_file() && metadata.len() <= MAX_FILE)?;
        if let Some(format) = lone_copy(file) {
            let bytes = linkless::read(file, MAX_FILE).ok()?;
            let unpacked = Some((format, text_of(format.unpack(&bytes))?));
            return Some(Self { bytes, unpacked });
        }
        Some(Self { bytes: text_of(bytes)?, unpacked: None })
    }

    /// Its text.
    pub(super) fn text(&self) -> &[u8] {
        self.unpacked.as_ref().map_or(&self.bytes, |(_, text)| text)
    }

    /// The bytes of a file like this with another text.
    pub(super) fn with_text(self, text: Vec<u8>) -> Result<Vec<u8>> {
        match &self.unpacked {
            Some((_, old)) if *old == text => Ok(self.bytes),
            Some((format, _)) => Ok(format.pack(&text)?.unwrap_or(self.bytes)),
            None => Ok(text),
        }
    }
}

/// The format of what is a packed copy of a file that is not there.
pub(super) fn lone_copy(file: &Path) -> Option<CopyFormat> {
    CopyFormat::renewed(file).filter(|_| !file.with_extension("").exists())
}

/// All of what is read, where it begins like a text.
fn text_of(mut from: impl Read) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    from.by_ref().take(HEAD).read_to_end(&mut bytes).ok()?;
    if bytes.contains(&0) && WideText::of(&bytes).is_none() {
        return None;
    }
    from.take(MAX_FILE).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
