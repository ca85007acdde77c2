//! A ZIP archive as a stream: entries stored or deflated, always with the same bytes for the same
//! contents (APPNOTE 6.3.10).

use std::io::{self, Write};

use super::packed_file::PackedFile;

/// 1980-01-01, the first day that a ZIP archive knows; a day of today would change the bytes.
const DATE: u16 = 0x21;
const VERSION: u16 = 20;
const VERSION_64: u16 = 45;
const UTF_8: u16 = 1 << 11;

/// Writes an archive behind `written` bytes of something else.
pub struct ArchiveWriter<W> {
    target: W,
    written: u64,
    directory: Vec<u8>,
    entries: u64,
}

impl<W: Write> ArchiveWriter<W> {
    /// An archive behind so many bytes of `target`, which its offsets count.
    pub fn new(target: W, written: u64) -> Self {
        Self { target, written, directory: Vec::new(), entries: 0 }
    }

    /// The bytes up to here.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Writes an entry; the bytes of the archive at which its parts end.
    pub fn add(&mut self, name: &str, file: &PackedFile) -> io::Result<Vec<u64>> {
        let header = file_header(name, file)?;
        let offset = u32::try_from(self.written).map_err(io::Error::other)?;
        self.directory.extend(directory_header(&header, offset));
        self.directory.extend(name.as_bytes());
        self.entries += 1;
        self.write(b"PK\x03\x04")?;
        self.write(&header)?;
        self.write(name.as_bytes())?;
        let start = self.written;
        self.write(file.bytes())?;
        Ok(file.part_ends.iter().map(|end| start + *end as u64).collect())
    }

    /// Writes the directory, and gives the target back.
    pub fn finish(mut self) -> io::Result<W> {
        let (start, directory) = (self.written, std::mem::take(&mut self.directory));
        self.write(&directory)?;
        let size = directory.len() as u64;
        let is_long = self.entries >= u64::from(u16::MAX) || self.written >= u64::from(u32::MAX);
        if is_long {
            let end_64 = long_end(self.entries, size, start, self.written);
            self.write(&end_64)?;
        }
        let end = end_of_archive(self.entries, size, start);
        self.write(&end)?;
        Ok(self.target)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        self.target.write_all(bytes)
    }
}

/// The bytes that stand in place of an archive's last two when it has a comment of less than 256 bytes.
/// It changes the archive's hash and nothing of what is in it.
pub fn end_with_comment(comment: &str) -> Vec<u8> {
    let comment = &comment.as_bytes()[..comment.len().min(255)];
    [&[comment.len() as u8, 0], comment].concat()
}

/// How many bytes of an archive without a comment [`end_with_comment`] stands in place of.
pub const COMMENT_LENGTH_SIZE: u64 = 2;

/// A local header without its signature, as far as the lengths of name and extra field.
fn file_header(name: &str, file: &PackedFile) -> io::Result<Vec<u8>> {
    let length = u16::try_from(name.len()).map_err(io::Error::other)?;
    let packed_size = u32::try_from(file.bytes.len()).map_err(io::Error::other)?;
    let flags = if name.is_ascii() { 0 } else { UTF_8 };
    let mut header = Vec::with_capacity(26);
    for number in [VERSION, flags, file.method, 0, DATE] {
        header.extend(number.to_le_bytes());
    }
    for number in [file.crc, packed_size, file.plain_size] {
        header.extend(number.to_le_bytes());
    }
    header.extend(length.to_le_bytes());
    header.extend([0, 0]);
    Ok(header)
}

/// The entry of the directory that says the same, without its name.
fn directory_header(file_header: &[u8], offset: u32) -> Vec<u8> {
    let mut header = b"PK\x01\x02".to_vec();
    header.extend(VERSION.to_le_bytes());
    header.extend(file_header);
    // No comment, the first disk, no attributes.
    header.extend([0; 10]);
    header.extend(offset.to_le_bytes());
    header
}

fn end_of_archive(entries: u64, size: u64, start: u64) -> Vec<u8> {
    let entries = u16::try_from(entries).unwrap_or(u16::MAX).to_le_bytes();
    let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
    end.extend(entries);
    end.extend(entries);
    for number in [size, start] {
        end.extend(u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
    }
    end.extend([0, 0]);
    end
}

/// The end of an archive with more entries than sixteen bits count, and where it stands.
fn long_end(entries: u64, size: u64, start: u64, at: u64) -> Vec<u8> {
    let mut end = b"PK\x06\x06".to_vec();
    end.extend(44u64.to_le_bytes());
    end.extend(VERSION_64.to_le_bytes());
    end.extend(VERSION_64.to_le_bytes());
    end.extend([0; 8]);
    for number in [entries, entries, size, start] {
        end.extend(number.to_le_bytes());
    }
    end.extend(b"PK\x06\x07\0\0\0\0");
    end.extend(at.to_le_bytes());
    end.extend(1u32.to_le_bytes());
    end
}
