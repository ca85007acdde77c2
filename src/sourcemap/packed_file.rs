//! A file as an archive holds it. A large one is packed by parts that nothing but their own bytes decide:
//! where a part did not change, its packed bytes did not either, and parts can be packed side by side.

use std::cell::RefCell;
use std::io;

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

pub(super) const STORED: u16 = 0;
pub(super) const DEFLATED: u16 = 8;

/// A part has at least so many bytes, and nothing smaller than two of them is parted.
const LEAST_PART: usize = 256 * 1024;
/// A part has at most so many bytes.
const MOST_PART: usize = 2 * LEAST_PART;
/// A part ends where so many bits of a hash of the bytes before are zero: about 64 KiB behind its least.
const END_BITS: u32 = 16;

/// A number for each byte, drawn by the generator SplitMix64.
const GEAR: [u64; 256] = {
    let (mut numbers, mut at, mut state) = ([0; 256], 0, 0_u64);
    while at < numbers.len() {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        numbers[at] = mixed ^ (mixed >> 31);
        at += 1;
    }
    numbers
};

/// The contents of an entry, ready to be written.
pub struct PackedFile {
    pub(super) method: u16,
    pub(super) crc: u32,
    pub(super) plain_size: u32,
    pub(super) bytes: Vec<u8>,
    /// The bytes at which its parts end.
    pub(super) part_ends: Vec<usize>,
}

/// Some bytes of a file that are packed by themselves.
#[derive(Clone, Copy)]
pub struct FilePart<'a> {
    bytes: &'a [u8],
    is_last: bool,
}

/// A part that was packed.
pub struct PackedPart {
    crc: Crc,
    bytes: Vec<u8>,
}

impl PackedFile {
    /// Deflates `contents`, but for what would grow by it.
    pub fn pack(contents: &[u8], level: u32) -> io::Result<Self> {
        let parts = FilePart::of(contents);
        let packed: io::Result<Vec<_>> = parts.iter().map(|part| part.pack(level)).collect();
        Self::join(contents, packed?)
    }

    /// The file whose parts these are, all of them.
    pub fn join(contents: &[u8], parts: Vec<PackedPart>) -> io::Result<Self> {
        let plain_size = u32::try_from(contents.len()).map_err(io::Error::other)?;
        let packed_size: usize = parts.iter().map(|part| part.bytes.len()).sum();
        let is_smaller = packed_size < contents.len();
        let (mut crc, mut bytes, mut part_ends) = (Crc::new(), Vec::new(), Vec::new());
        for part in parts {
            crc.combine(&part.crc);
            // Most files have one part, which is not copied.
            match bytes.is_empty() {
                true => bytes = part.bytes,
                false => bytes.extend(part.bytes),
            }
            part_ends.push(if is_smaller { bytes.len() } else { crc.amount() as usize });
        }
        Ok(Self {
            method: if is_smaller { DEFLATED } else { STORED },
            crc: crc.sum(),
            plain_size,
            bytes: if is_smaller { bytes } else { contents.to_vec() },
            part_ends,
        })
    }

    /// The bytes in the archive.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl<'a> FilePart<'a> {
    /// The parts of a file. An empty one has one, too.
    pub fn of(contents: &'a [u8]) -> Vec<Self> {
        let (mut parts, mut rest) = (Vec::new(), contents);
        while rest.len() > MOST_PART {
            let (bytes, behind) = rest.split_at(part_end(rest));
            parts.push(Self { bytes, is_last: false });
            rest = behind;
        }
        parts.push(Self { bytes: rest, is_last: true });
        parts
    }

    /// Deflates it.
    pub fn pack(&self, level: u32) -> io::Result<PackedPart> {
        let mut crc = Crc::new();
        crc.update(self.bytes);
        // Behind a full flush nothing refers to what was before.
        let flush = if self.is_last { FlushCompress::Finish } else { FlushCompress::Full };
        Ok(PackedPart { crc, bytes: deflate(self.bytes, level, flush)? })
    }
}

/// Where the part that these bytes begin with ends. The last 64 bytes before decide, so that it is found
/// again when something was inserted farther in front.
fn part_end(bytes: &[u8]) -> usize {
    let mut hash = 0_u64;
    for (at, byte) in bytes[..MOST_PART].iter().enumerate().skip(LEAST_PART - 64) {
        hash = (hash << 1).wrapping_add(GEAR[usize::from(*byte)]);
        if at >= LEAST_PART && hash.leading_zeros() >= END_BITS {
            return at + 1;
        }
    }
    MOST_PART
}

thread_local! {
    /// What deflates on this thread, and at which level: a new one is half a megabyte to be cleared.
    static DEFLATER: RefCell<Option<(u32, Compress)>> = const { RefCell::new(None) };
}

fn deflate(contents: &[u8], level: u32, flush: FlushCompress) -> io::Result<Vec<u8>> {
    DEFLATER.with_borrow_mut(|kept| {
        let fresh = || (level, Compress::new(Compression::new(level), false));
        let (_, deflater) = match kept {
            Some(kept) if kept.0 == level => kept,
            _ => kept.insert(fresh()),
        };
        deflater.reset();
        let mut bytes = Vec::with_capacity(contents.len() + contents.len() / 8 + 64);
        let mut read = 0;
        loop {
            let status = deflater.compress_vec(&contents[read..], &mut bytes, flush)?;
            read = usize::try_from(deflater.total_in()).map_err(io::Error::other)?;
            let is_flushed = read == contents.len() && bytes.len() < bytes.capacity();
            match flush {
                FlushCompress::Finish if status == Status::StreamEnd => break,
                FlushCompress::Full if is_flushed => break,
                _ => bytes.reserve(contents.len() / 8 + 64),
            }
        }
        bytes.shrink_to_fit();
        Ok(bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::DeflateDecoder;
    use std::io::Read;

    /// A text that packs as scripts do.
    fn text(words: u32) -> Vec<u8> {
        let word = |at: u32| format!("name{}(x);", at.wrapping_mul(0x9e37_79b9) >> 12);
        (0..words).map(word).collect::<String>().into_bytes()
    }

    fn unpacked(file: &PackedFile) -> Vec<u8> {
        let mut plain = Vec::new();
        DeflateDecoder::new(file.bytes()).read_to_end(&mut plain).expect("it was deflated");
        plain
    }

    #[test]
    fn a_file_of_many_parts_is_one_stream() {
        for contents in [Vec::new(), text(9), text(120_000), vec![b'a'; 3 * MOST_PART]] {
            let file = PackedFile::pack(&contents, 2).expect("it fits");
            let mut crc = Crc::new();
            crc.update(&contents);
            assert_eq!((file.crc, file.plain_size as usize), (crc.sum(), contents.len()));
            match file.method {
                STORED => assert_eq!(file.bytes(), contents),
                _ => assert!(unpacked(&file) == contents),
            }
            assert_eq!(file.part_ends.last(), Some(&file.bytes().len()));
            let is_parted = file.part_ends.len() > 1;
            assert_eq!(is_parted, contents.len() > MOST_PART, "{:?}", file.part_ends);
        }
    }

    #[test]
    fn what_was_inserted_changes_the_part_that_it_is_in_alone() {
        let before = text(300_000);
        let at = before.len() / 2;
        let after = [&before[..at], b"inserted();", &before[at..]].concat();
        let parts = |contents: &[u8]| -> Vec<Vec<u8>> {
            let file = PackedFile::pack(contents, 2).expect("it fits");
            let starts = std::iter::once(0).chain(file.part_ends.iter().copied());
            let part = |(start, end): (usize, &usize)| file.bytes[start..*end].to_vec();
            starts.zip(&file.part_ends).map(part).collect()
        };
        let (known, new) = (parts(&before), parts(&after));
        assert!(new.len() > 6, "{}", new.len());
        assert_eq!(new.iter().filter(|part| !known.contains(part)).count(), 1);
    }
}
