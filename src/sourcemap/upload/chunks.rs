//! Where a bundle is cut into chunks: behind files, so that what did not change is not sent again.

use super::reader::{BundleReader, ChunkBytes};
use crate::error::Result;
use crate::sourcemap::backend::{BundleChunk, ChunkedBundle};
use crate::sourcemap::debug_id::DebugId;
use crate::text::hex;
use sha1::{Digest, Sha1};
use std::ops::Range;

/// A bundle of up to this size is cheap to send whole.
pub(super) const SMALL_BUNDLE: u64 = 2 * 1024 * 1024;
/// The least size to which files are put together in a small bundle, which then is one request.
const SMALL_BUNDLE_CHUNK: u64 = 64 * 1024;
/// The same in a large one. A changed file costs its whole chunk: with 3,000 scripts of which 30 change,
/// this sends 2.8 % of the bytes, and 64 KiB would send 5.8 %.
const LARGE_BUNDLE_CHUNK: u64 = 16 * 1024;
/// Into about how many parts a bundle is cut at most: each takes the server some milliseconds.
const MAX_PARTS: u64 = 4096;

/// Cuts a bundle into chunks of at most this size.
pub(super) fn cut_bundle<B: ChunkBytes>(
    reader: &mut BundleReader<'_, B>,
    id: &DebugId,
    cuts: &[u64],
    max_size: u64,
) -> Result<ChunkedBundle> {
    let (mut whole, mut chunks) = (Sha1::new(), Vec::new());
    for range in chunk_ranges(cuts, reader.size(), max_size) {
        let (at, size) = (range.start, range.end - range.start);
        let bytes = reader.read(at, size)?;
        whole.update(&bytes);
        chunks.push(BundleChunk { hash: hex(&Sha1::digest(&bytes)), at, size });
    }
    Ok(ChunkedBundle { id: id.clone(), hash: hex(&whole.finalize()), chunks })
}

/// The chunks of so many bytes that may be cut at these. A large file has chunks of its own, behind which
/// the next ones begin anew: what changes before it moves none of them.
fn chunk_ranges(cuts: &[u64], size: u64, max_size: u64) -> Vec<Range<u64>> {
    let max_size = max_size.max(1);
    let least = if size <= SMALL_BUNDLE { SMALL_BUNDLE_CHUNK } else { LARGE_BUNDLE_CHUNK };
    let least = least.max(size / MAX_PARTS).min(max_size / 2);
    let (mut ranges, mut open) = (Vec::new(), 0..0);
    for piece in pieces(cuts, size) {
        if piece.end - piece.start >= least {
            close(&mut ranges, &mut open);
            ranges.extend(blocks(&piece, max_size));
            open = piece.end..piece.end;
        } else {
            open.end = piece.end;
            if open.end - open.start >= least {
                close(&mut ranges, &mut open);
            }
        }
    }
    close(&mut ranges, &mut open);
    ranges
}

/// Ends the open chunk, and opens the next one.
fn close(ranges: &mut Vec<Range<u64>>, open: &mut Range<u64>) {
    let next = open.end..open.end;
    let ended = std::mem::replace(open, next);
    if !ended.is_empty() {
        ranges.push(ended);
    }
}

/// What lies between the cuts.
fn pieces(cuts: &[u64], size: u64) -> Vec<Range<u64>> {
    let mut ends: Vec<_> = cuts.iter().copied().filter(|cut| (1..size).contains(cut)).collect();
    ends.push(size);
    ends.sort_unstable();
    ends.dedup();
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(ends.iter().copied()).map(|(start, end)| start..end).collect()
}

fn blocks(piece: &Range<u64>, max_size: u64) -> Vec<Range<u64>> {
    let (start, length) = (piece.start, piece.end - piece.start);
    let count = length.div_ceil(max_size);
    let at = |number: u64| start + (number * max_size).min(length);
    (0..count).map(|number| at(number)..at(number + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    /// Sizes of scripts with their maps as bundlers leave them: many small ones, a few large ones.
    fn sizes(count: u64) -> Vec<u64> {
        let size = |number: u64| {
            let random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
            let octave = (random >> 8).leading_zeros() - 40;
            2_000 + random % (8_000 << octave.min(7))
        };
        (1..=count).map(size).collect()
    }

    fn cut(sizes: &[u64], tail: u64, max_size: u64) -> Vec<Range<u64>> {
        let mut at = 0;
        let cuts: Vec<_> = sizes.iter().map(|size| (at += size, at).1).collect();
        chunk_ranges(&cuts, at + tail, max_size)
    }

    #[test]
    fn the_chunks_are_the_whole_bundle_and_none_is_too_large() {
        for (cuts, size, max_size) in [
            (&[][..], 0, MIB),
            (&[], 1, MIB),
            (&[], 5 * MIB + 1, MIB),
            (&[8, 9, 10], 11, 4),
            (&[8, 9, 10], 11, 1),
            (&[8, 9, 10], 11, 0),
            (&[0, 9, 9, 3, 11, 40], 11, MIB),
            (&[100_000, 100_001, 3 * MIB, 3 * MIB + 70_000], 4 * MIB, 70_000),
        ] {
            let ranges = chunk_ranges(cuts, size, max_size);
            let mut at = 0;
            for range in &ranges {
                assert!(range.start == at && !range.is_empty(), "{ranges:?}");
                assert!(range.end - range.start <= max_size.max(1), "{ranges:?}");
                at = range.end;
            }
            assert_eq!(at, size, "{ranges:?}");
        }
    }

    #[test]
    fn a_small_bundle_is_one_request() {
        let ranges = cut(&[1_000; 1_900], 100_000, MIB);
        assert!(ranges.len() <= 64, "{}", ranges.len());
    }

    #[test]
    fn a_hundredth_of_the_files_costs_little_and_there_are_not_thousands_of_chunks() {
        let before = sizes(3_000);
        let tail = 6_000 * 130;
        let total: u64 = before.iter().sum::<u64>() + tail;
        let ranges = cut(&before, tail, MIB);
        assert!(ranges.len() < 2_500, "{}", ranges.len());
        let mut after = before.clone();
        let changed: Vec<_> = (0..30).map(|number| number * 97 + 13).collect();
        changed.iter().for_each(|one| after[*one] += 77);
        // A chunk is told by its files, each by its number and whether it changed.
        let files = |sizes: &[u64], is_after: bool| -> Vec<(Vec<(usize, bool)>, u64)> {
            let (mut at, mut ends) = (0, Vec::new());
            sizes.iter().for_each(|size| ends.push((at, (at += size, at).1)));
            let inside = |range: &Range<u64>| {
                let is_in = |(start, end): &(u64, u64)| *start < range.end && range.start < *end;
                let found = ends.iter().enumerate().filter(|(_, end)| is_in(end));
                found.map(|(one, _)| (one, is_after && changed.contains(&one))).collect()
            };
            let ranges = cut(sizes, tail, MIB);
            ranges.iter().map(|range| (inside(range), range.end - range.start)).collect()
        };
        let known = files(&before, false);
        let new = files(&after, true).into_iter();
        let is_sent = |(files, _): &(Vec<(usize, bool)>, u64)| {
            files.is_empty() || !known.iter().any(|(old, _)| old == files)
        };
        let sent: u64 = new.filter(is_sent).map(|(_, size)| size).sum();
        assert!(sent * 100 <= total * 3, "{sent} of {total}");
    }
}
