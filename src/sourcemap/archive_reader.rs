//! A ZIP archive of somebody else, read as a hostile text: everything has a bound, no two entries share
//! a byte, and what an entry says of itself is held to its contents.

use std::collections::BTreeMap;

use flate2::{Crc, Decompress, FlushDecompress, Status};

/// The most entries of an archive.
pub const MAX_ENTRIES: usize = 30_000;
/// The most bytes of an archive's directory.
const MAX_DIRECTORY: u64 = 16 * 1024 * 1024;
/// How much of an entry is read at once, and how much comes of it.
const PIECE: usize = 64 * 1024;
const END_SIZE: u64 = 22;
const FILE_HEADER_SIZE: u64 = 30;
const DIRECTORY_HEADER_SIZE: usize = 46;

/// Where the bytes of an archive are.
pub trait ByteSource {
    /// Why they cannot be read.
    type Error;

    /// How many there are.
    fn size(&self) -> u64;

    /// Fills the buffer with those from `at` on; all of them are below the size.
    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Self::Error>;
}

impl ByteSource for &[u8] {
    type Error = std::convert::Infallible;

    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), Self::Error> {
        let rest = usize::try_from(at).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        buffer.iter_mut().zip(rest).for_each(|(target, byte)| *target = *byte);
        Ok(())
    }
}

/// Why an archive is not read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError<E> {
    /// It is not one, or breaks a bound.
    #[error("{0}")]
    Invalid(String),
    /// Its bytes cannot be read.
    #[error("cannot read the archive")]
    Source(E),
}

impl<E> ArchiveError<E> {
    /// An archive with this fault.
    pub(super) fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid(reason.into())
    }
}

type ReadResult<T, E> = Result<T, ArchiveError<E>>;

/// Where the contents of an entry are, and what it says of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveEntry {
    /// Their first byte in the file.
    pub start: u64,
    /// How many bytes they take there.
    pub packed_size: u64,
    /// How many bytes they have.
    pub size: u64,
    /// Whether they are deflated; otherwise they are stored as they are.
    pub is_deflated: bool,
    /// Their CRC-32.
    pub crc: u32,
}

/// The entries of an archive, behind a prefix that its offsets count or do not count.
pub fn read_entries<S: ByteSource>(
    source: &mut S,
    prefix: u64,
) -> ReadResult<BTreeMap<String, ArchiveEntry>, S::Error> {
    let end = find_end(source)?;
    let invalid = || ArchiveError::invalid("the directory lies outside of the archive");
    let start = end.at.checked_sub(end.size).ok_or_else(invalid)?;
    let shift = start.checked_sub(end.offset).ok_or_else(invalid)?;
    if shift != 0 && shift != prefix {
        return Err(invalid());
    }
    let directory = read(source, start, end.size)?;
    let mut listed = parse_directory(&directory, end.entries)?;
    listed.sort_by_key(|entry| entry.header_at);
    let mut entries = BTreeMap::new();
    let mut free_from = prefix;
    for ListedEntry { name, header_at, mut entry } in listed {
        let header_at = header_at + shift;
        if header_at < free_from {
            return Err(ArchiveError::invalid("entries overlap"));
        }
        entry.start = contents_start(source, header_at, start, &name)?;
        free_from = entry.start + entry.packed_size;
        if free_from > start {
            return Err(ArchiveError::invalid("an entry reaches into the directory"));
        }
        if entries.insert(name, entry).is_some() {
            return Err(ArchiveError::invalid("two entries have one name"));
        }
    }
    Ok(entries)
}

struct ArchiveEnd {
    at: u64,
    entries: usize,
    size: u64,
    offset: u64,
}

/// The record that an archive ends with, before a comment that reaches to the end of the file.
fn find_end<S: ByteSource>(source: &mut S) -> ReadResult<ArchiveEnd, S::Error> {
    let size = source.size();
    let length = size.min(END_SIZE + u64::from(u16::MAX));
    let tail = read(source, size - length, length)?;
    let is_end = |at: &usize| {
        let record = &tail[*at..];
        record.starts_with(b"PK\x05\x06")
            && usize::from(u16_at(record, 20)) == record.len() - END_SIZE as usize
    };
    let last = tail.len().checked_sub(END_SIZE as usize);
    let at = last.and_then(|last| (0..=last).rev().find(is_end));
    let at = at.ok_or_else(|| ArchiveError::invalid("it is not a ZIP archive"))?;
    let record = &tail[at..];
    let numbers: Vec<u16> = [4, 6, 8, 10].map(|at| u16_at(record, at)).to_vec();
    let (entries, offset) = (usize::from(numbers[3]), u32_at(record, 16));
    if numbers[..2] != [0, 0] || numbers[2] != numbers[3] {
        return Err(ArchiveError::invalid("it is a part of an archive"));
    }
    let directory = u64::from(u32_at(record, 12));
    if entries > MAX_ENTRIES || directory > MAX_DIRECTORY {
        return Err(ArchiveError::invalid(format!("it has more than {MAX_ENTRIES} files")));
    }
    let at = size - length + at as u64;
    Ok(ArchiveEnd { at, entries, size: directory, offset: u64::from(offset) })
}

struct ListedEntry {
    name: String,
    header_at: u64,
    entry: ArchiveEntry,
}

fn parse_directory<E>(directory: &[u8], count: usize) -> ReadResult<Vec<ListedEntry>, E> {
    let mut listed = Vec::new();
    let mut rest = directory;
    for _ in 0..count {
        let header = rest.get(..DIRECTORY_HEADER_SIZE);
        let header = header.filter(|header| header.starts_with(b"PK\x01\x02"));
        let header = header.ok_or_else(|| ArchiveError::invalid("the directory is damaged"))?;
        let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(u16_at(header, at)));
        let behind = DIRECTORY_HEADER_SIZE + name + extra + comment;
        let whole = rest.get(..behind);
        let whole = whole.ok_or_else(|| ArchiveError::invalid("the directory is damaged"))?;
        let name = &whole[DIRECTORY_HEADER_SIZE..DIRECTORY_HEADER_SIZE + name];
        listed.push(listed_entry(header, name)?);
        rest = &rest[behind..];
    }
    if rest.is_empty() {
        return Ok(listed);
    }
    Err(ArchiveError::invalid("the directory has other entries than it counts"))
}

fn listed_entry<E>(header: &[u8], name: &[u8]) -> ReadResult<ListedEntry, E> {
    let name = std::str::from_utf8(name).ok().filter(|name| is_safe(name));
    let name = name.ok_or_else(|| ArchiveError::invalid("an entry has an unsafe name"))?;
    let is_encrypted = u16_at(header, 8) & 1 == 1;
    let is_deflated = match u16_at(header, 10) {
        0 if !is_encrypted => false,
        8 if !is_encrypted => true,
        _ => return Err(ArchiveError::invalid("an entry is neither stored nor deflated")),
    };
    let [packed_size, size] = [20, 24].map(|at| u64::from(u32_at(header, at)));
    if !is_deflated && packed_size != size {
        return Err(ArchiveError::invalid("an entry has another size than it says"));
    }
    let crc = u32_at(header, 16);
    let entry = ArchiveEntry { start: 0, packed_size, size, is_deflated, crc };
    Ok(ListedEntry { name: name.to_owned(), header_at: u64::from(u32_at(header, 42)), entry })
}

/// Whether a name stays below the folder that an archive would be unpacked to, on every system.
fn is_safe(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('/')
        && !name.contains(|c: char| c == '\\' || c.is_control())
        && name.split('/').all(|part| part != "..")
}

/// The first byte of an entry's contents, behind its own header, which must name it likewise.
fn contents_start<S: ByteSource>(
    source: &mut S,
    header_at: u64,
    end: u64,
    name: &str,
) -> ReadResult<u64, S::Error> {
    let invalid = || ArchiveError::invalid("an entry's own header is damaged");
    let length = FILE_HEADER_SIZE + name.len() as u64;
    if header_at + length > end {
        return Err(invalid());
    }
    let header = read(source, header_at, length)?;
    let is_same = header.starts_with(b"PK\x03\x04")
        && usize::from(u16_at(&header, 26)) == name.len()
        && header.ends_with(name.as_bytes());
    if is_same { Ok(header_at + length + u64::from(u16_at(&header, 28))) } else { Err(invalid()) }
}

/// Reads an entry's contents piece by piece.
pub struct EntryReader {
    entry: ArchiveEntry,
    read: u64,
    written: u64,
    inflater: Decompress,
    crc: Crc,
    is_done: bool,
}

impl EntryReader {
    /// At the beginning of an entry.
    pub fn new(entry: ArchiveEntry) -> Self {
        let inflater = Decompress::new(false);
        Self { entry, read: 0, written: 0, inflater, crc: Crc::new(), is_done: false }
    }

    /// The next piece; `None` at the end of contents that are what the entry says of them.
    pub fn next_piece<S: ByteSource>(
        &mut self,
        source: &mut S,
    ) -> ReadResult<Option<Vec<u8>>, S::Error> {
        while !self.is_done {
            let left = self.entry.packed_size - self.read;
            let packed = read(source, self.entry.start + self.read, left.min(PIECE as u64))?;
            let piece = self.unpack(packed)?;
            self.crc.update(&piece);
            self.written += piece.len() as u64;
            if self.written > self.entry.size {
                return Err(ArchiveError::invalid("an entry has another size than it says"));
            }
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
        let is_right = self.written == self.entry.size
            && self.read == self.entry.packed_size
            && self.crc.sum() == self.entry.crc;
        if is_right { Ok(None) } else { Err(ArchiveError::invalid("an entry is damaged")) }
    }

    fn unpack<E>(&mut self, packed: Vec<u8>) -> ReadResult<Vec<u8>, E> {
        if !self.entry.is_deflated {
            self.read += packed.len() as u64;
            self.is_done = self.read == self.entry.packed_size;
            return Ok(packed);
        }
        let mut piece = Vec::with_capacity(PIECE);
        let before = self.inflater.total_in();
        let unpacked = self.inflater.decompress_vec(&packed, &mut piece, FlushDecompress::None);
        let damaged = || ArchiveError::invalid("an entry is damaged");
        let status = unpacked.map_err(|_| damaged())?;
        let taken = self.inflater.total_in() - before;
        self.read += taken;
        self.is_done = status == Status::StreamEnd;
        if !self.is_done && taken == 0 && piece.is_empty() {
            return Err(damaged());
        }
        Ok(piece)
    }
}

/// The whole contents of an entry that has no more bytes than this.
pub fn read_contents<S: ByteSource>(
    source: &mut S,
    entry: ArchiveEntry,
    most: u64,
) -> ReadResult<Vec<u8>, S::Error> {
    if entry.size > most {
        return Err(ArchiveError::invalid("an entry is too large"));
    }
    let (mut reader, mut contents) = (EntryReader::new(entry), Vec::new());
    while let Some(piece) = reader.next_piece(source)? {
        contents.extend(piece);
    }
    Ok(contents)
}

fn read<S: ByteSource>(source: &mut S, at: u64, length: u64) -> ReadResult<Vec<u8>, S::Error> {
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    source.read_at(at, &mut bytes).map_err(ArchiveError::Source)?;
    Ok(bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
