//! The bytes of a finished bundle, wherever they are kept, and the same bundle under another hash.

use crate::error::{Error, ErrorCode, Result};
use crate::sourcemap::archive::{COMMENT_LENGTH_SIZE, end_with_comment};

/// The bytes of a finished bundle.
pub trait ChunkBytes {
    /// So many bytes from this one on.
    fn read(&mut self, at: u64, size: u64) -> Result<Vec<u8>>;
}

impl ChunkBytes for Vec<u8> {
    fn read(&mut self, at: u64, size: u64) -> Result<Vec<u8>> {
        let bytes = usize::try_from(at).ok().zip(usize::try_from(at + size).ok());
        let bytes = bytes.and_then(|(start, end)| self.get(start..end));
        bytes.map(<[u8]>::to_vec).ok_or_else(|| changed(at))
    }
}

/// A bundle as it is sent in one attempt: a server keeps what it said of a hash for ten minutes, so that
/// a later attempt has another one, by a comment at the end of the archive.
pub(super) struct BundleReader<'a, B> {
    bytes: &'a mut B,
    /// How many of the bytes are taken as they are.
    kept: u64,
    end: Vec<u8>,
}

impl<'a, B: ChunkBytes> BundleReader<'a, B> {
    /// The bundle of so many bytes, in this attempt.
    pub(super) fn new(bytes: &'a mut B, size: u64, attempt: u32) -> Self {
        if attempt == 0 || size < COMMENT_LENGTH_SIZE {
            return Self { bytes, kept: size, end: Vec::new() };
        }
        let end = end_with_comment(&format!("finishline attempt {attempt}"));
        Self { bytes, kept: size - COMMENT_LENGTH_SIZE, end }
    }

    pub(super) fn size(&self) -> u64 {
        self.kept + self.end.len() as u64
    }

    pub(super) fn read(&mut self, at: u64, size: u64) -> Result<Vec<u8>> {
        let (start, end) = (at.min(self.kept), (at + size).min(self.kept));
        let mut bytes = if start < end { self.bytes.read(start, end - start)? } else { Vec::new() };
        let of_end = |place: u64| usize::try_from(place.saturating_sub(self.kept)).unwrap_or(0);
        bytes.extend(self.end.get(of_end(at)..of_end(at + size)).unwrap_or_default());
        if bytes.len() as u64 == size { Ok(bytes) } else { Err(changed(at)) }
    }
}

fn changed(at: u64) -> Error {
    let message = format!("the bundle of source maps was cut short at byte {at} while it was sent");
    Error::new(ErrorCode::Internal, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_attempt_differs_in_the_comment_alone() {
        let mut bytes = b"bundle\0\0".to_vec();
        let mut first = BundleReader::new(&mut bytes, 8, 0);
        assert_eq!((first.size(), first.read(0, 8).unwrap()), (8, b"bundle\0\0".to_vec()));
        assert_eq!(first.read(7, 2).unwrap_err().code, ErrorCode::Internal);
        let mut second = BundleReader::new(&mut bytes, 8, 1);
        let whole = second.read(0, second.size()).unwrap();
        assert_eq!(whole, b"bundle\x14\0finishline attempt 1");
        for at in 0..whole.len() {
            for end in at..=whole.len() {
                let part = second.read(at as u64, (end - at) as u64).unwrap();
                assert_eq!(part, whole[at..end], "{at}..{end}");
            }
        }
    }
}
