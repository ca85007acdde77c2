//! How much goes out in one request: what the server takes, and no more than is good for memory and for
//! a slow line.

use crate::sourcemap::backend::{BundleChunk, UploadLimits};

/// The most bytes of a chunk of ours: a request of several is then rarely half empty.
const MAX_CHUNK: u64 = 1024 * 1024;
/// The most bytes of a request of ours.
const MAX_REQUEST: u64 = 2 * 1024 * 1024;
/// The most bytes of all requests that are under way. They have to be through within the time for which a
/// server may be silent.
const MAX_AT_ONCE: u64 = 4 * MAX_REQUEST;
/// How many requests are under way at once at most, as Sentry asks for.
const AT_ONCE: usize = 8;
/// The smallest request that is tried at a server that refuses larger ones.
const MIN_REQUEST: u64 = 64 * 1024;

/// What a Sentry takes that was not asked.
pub(super) const SENTRY_LIMITS: UploadLimits = UploadLimits {
    chunk_size: MAX_CHUNK,
    chunks_per_request: 64,
    request_size: MAX_REQUEST,
    bundle_size: 2 * 1024 * 1024 * 1024,
    tells_missing_chunks: false,
};

impl UploadLimits {
    /// The limits within which we stay at a server that has these.
    pub(super) fn within_ours(self) -> Self {
        let request_size = self.request_size.clamp(1, MAX_REQUEST);
        Self {
            chunk_size: self.chunk_size.min(MAX_CHUNK).min(request_size).max(1),
            chunks_per_request: self.chunks_per_request.max(1),
            request_size,
            ..self
        }
    }

    /// Smaller ones, after a server refused these; `None` where they are small enough for anybody.
    pub(super) fn smaller(&self) -> Option<Self> {
        let request_size = (self.request_size / 4).max(MIN_REQUEST.min(self.request_size));
        let smaller = Self {
            chunk_size: self.chunk_size.min(request_size),
            chunks_per_request: (self.chunks_per_request / 4).max(1),
            request_size,
            ..self.clone()
        };
        (smaller != *self).then_some(smaller)
    }

    /// How many chunks each of the next requests has.
    pub(super) fn next_requests(&self, chunks: &[BundleChunk]) -> Vec<usize> {
        let (mut counts, mut rest, mut total) = (Vec::new(), chunks, 0);
        while !rest.is_empty() && counts.len() < AT_ONCE {
            let (count, size) = self.next_request(rest);
            total += size;
            if total > MAX_AT_ONCE && !counts.is_empty() {
                break;
            }
            counts.push(count);
            rest = &rest[count..];
        }
        counts
    }

    /// How many chunks the next request has, and how many bytes.
    fn next_request(&self, chunks: &[BundleChunk]) -> (usize, u64) {
        let (mut count, mut size) = (0, 0);
        for chunk in chunks {
            let is_full = count == self.chunks_per_request || size + chunk.size > self.request_size;
            if count > 0 && is_full {
                break;
            }
            count += 1;
            size += chunk.size;
        }
        (count, size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(sizes: &[u64]) -> Vec<BundleChunk> {
        let chunk = |size: &u64| BundleChunk { hash: String::new(), at: 0, size: *size };
        sizes.iter().map(chunk).collect()
    }

    #[test]
    fn requests_are_filled_up_to_their_limits() {
        let limits = UploadLimits { chunks_per_request: 3, request_size: 10, ..SENTRY_LIMITS };
        for (sizes, counts) in [
            (&[][..], &[][..]),
            (&[4, 6, 1], &[2, 1]),
            (&[1, 1, 1, 1], &[3, 1]),
            (&[11, 11], &[1, 1]),
            (&[9; 9], &[1; 8]),
            (&[MAX_AT_ONCE / 3; 9], &[1, 1, 1]),
            (&[MAX_AT_ONCE + 1; 2], &[1]),
        ] {
            assert_eq!(limits.next_requests(&chunks(sizes)), counts, "{sizes:?}");
        }
    }

    #[test]
    fn a_refusal_is_answered_by_less_a_few_times() {
        let mut tried = vec![SENTRY_LIMITS];
        while let Some(smaller) = tried.last().and_then(UploadLimits::smaller) {
            tried.push(smaller);
            assert!(tried.len() < 9, "{tried:?}");
        }
        let last = tried.last().unwrap();
        assert_eq!((last.chunk_size, last.chunks_per_request), (MIN_REQUEST, 1));
    }

    #[test]
    fn odd_limits_are_within_reach() {
        let odd = UploadLimits { request_size: 0, chunks_per_request: 0, ..SENTRY_LIMITS };
        let ours = odd.within_ours();
        assert_eq!((ours.chunk_size, ours.chunks_per_request, ours.request_size), (1, 1, 1));
    }
}
