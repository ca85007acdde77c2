//! Packed copies of files, which servers send in their place: each by the end of its name.

use brotli::enc::BrotliEncoderParams;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use std::io::{Read, Result, Write};
use std::path::Path;

/// What a copy was packed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CopyFormat {
    Gzip,
    Brotli,
    /// Neither read nor written.
    Zstandard,
}

/// The highest takes fifteen times as long, for copies that are a tenth smaller.
const BROTLI_QUALITY: i32 = 9;

/// The ends of the names of copies that are packed anew.
pub(super) const RENEWED_ENDS: [&str; 2] = [".gz", ".br"];

impl CopyFormat {
    /// That of a file with this name; none where it is no packed copy.
    pub(super) fn of(file: &Path) -> Option<Self> {
        match file.extension()?.to_str()? {
            "gz" => Some(Self::Gzip),
            "br" => Some(Self::Brotli),
            "zst" => Some(Self::Zstandard),
            _ => None,
        }
    }

    /// That of a file with this name, where it is one that can be packed anew.
    pub(super) fn renewed(file: &Path) -> Option<Self> {
        Self::of(file).filter(|format| *format != Self::Zstandard)
    }

    /// Packs a text; the same text gives the same bytes. None where this program cannot.
    pub(super) fn pack(self, text: &[u8]) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Gzip => {
                let mut packer = GzEncoder::new(Vec::new(), Compression::best());
                packer.write_all(text)?;
                packer.finish().map(Some)
            }
            Self::Brotli => {
                let (mut packed, mut text) = (Vec::new(), text);
                let size_hint = text.len();
                let quality = BROTLI_QUALITY;
                let settings = BrotliEncoderParams { quality, size_hint, ..Default::default() };
                brotli::BrotliCompress(&mut text, &mut packed, &settings)?;
                Ok(Some(packed))
            }
            Self::Zstandard => Ok(None),
        }
    }

    /// Reads what was packed; a format that is not read gives nothing.
    pub(super) fn unpack<'a>(self, packed: &'a [u8]) -> Box<dyn Read + 'a> {
        match self {
            Self::Gzip => Box::new(GzDecoder::new(packed)),
            Self::Brotli => Box::new(brotli::Decompressor::new(packed, BUFFER)),
            Self::Zstandard => Box::new(std::io::empty()),
        }
    }
}

/// The bytes that are unpacked at a time.
const BUFFER: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_read_again() {
        let text = "function total(cart) { return cart.lines; }\n".repeat(100);
        for format in [CopyFormat::Gzip, CopyFormat::Brotli] {
            let packed = format.pack(text.as_bytes()).expect("memory").expect("a copy");
            assert!(packed.len() < 200, "{format:?}: {}", packed.len());
            assert_eq!(format.pack(text.as_bytes()).expect("memory"), Some(packed.clone()));
            let mut read = String::new();
            format.unpack(&packed).read_to_string(&mut read).expect("its text");
            assert_eq!(read, text);
        }
    }

    #[test]
    fn what_is_damaged_is_an_error_and_no_text() {
        for format in [CopyFormat::Gzip, CopyFormat::Brotli] {
            let mut read = Vec::new();
            assert!(format.unpack(b"nothing that was packed").read_to_end(&mut read).is_err());
        }
    }
}
