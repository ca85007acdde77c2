//! A glob over paths as git has it, matched in one pass whatever the glob and the path are.

use bstr::ByteSlice;
use gix_glob::wildmatch;
use gix_glob::wildmatch::Mode;

/// One part of a glob.
#[derive(Clone)]
enum GlobPart {
    Byte(u8),
    /// `?` and `[…]`: which bytes are one, never a slash.
    OneOf(Box<[bool; 256]>),
    /// `*`: any bytes but slashes.
    InFolder,
    /// `**/`: any folders, or none.
    Folders,
    /// `**` at the end: everything.
    Rest,
}

/// A glob in which `*` stays within one folder and `**` does not.
#[derive(Clone)]
pub(crate) struct PathGlob(Vec<GlobPart>);

impl PathGlob {
    /// Reads a glob; none for a text that is no glob, or a malformed one, which matches nothing.
    #[cfg(feature = "git")]
    pub(crate) fn new(text: &str) -> Option<Self> {
        text.contains(['*', '?', '[', '\\']).then(|| Self::parse(text.as_bytes()))?
    }

    fn parse(glob: &[u8]) -> Option<Self> {
        let (mut parts, mut at) = (Vec::new(), 0);
        while let Some(byte) = glob.get(at) {
            let (part, length) = match byte {
                b'*' => stars(glob, at),
                b'?' => (GlobPart::OneOf(one_of(b"?")), 1),
                b'[' => {
                    let length = class_length(&glob[at..])?;
                    (GlobPart::OneOf(one_of(&glob[at..at + length])), length)
                }
                b'\\' => (GlobPart::Byte(*glob.get(at + 1)?), 2),
                other => (GlobPart::Byte(*other), 1),
            };
            parts.push(part);
            at += length;
        }
        Some(Self(parts))
    }

    /// Reads a glob, or a path that matches itself; none for a malformed one.
    pub(crate) fn literal_or_glob(text: &str) -> Option<Self> {
        Self::parse(text.as_bytes())
    }

    /// Whether it matches a path, and not only a folder above it.
    pub(crate) fn matches(&self, path: &[u8]) -> bool {
        let mut places = GlobPlaces::new(self.0.len());
        self.enter(&mut places, 0);
        for byte in path {
            places = self.step(&places, *byte);
        }
        places.outer[self.0.len()]
    }

    /// Whether it matches a file, or a folder above it: all places of the glob are followed at once.
    #[cfg(feature = "git")]
    pub(crate) fn matches_at_or_above(&self, file: &[u8]) -> bool {
        let mut places = GlobPlaces::new(self.0.len());
        self.enter(&mut places, 0);
        for byte in file {
            if *byte == b'/' && places.outer[self.0.len()] {
                return true;
            }
            places = self.step(&places, *byte);
        }
        places.outer[self.0.len()]
    }

    /// The places after one more byte.
    fn step(&self, places: &GlobPlaces, byte: u8) -> GlobPlaces {
        let mut next = GlobPlaces::new(self.0.len());
        for (at, part) in self.0.iter().enumerate() {
            let is_here = places.outer[at];
            let is_one = match part {
                GlobPart::Byte(one) => is_here && *one == byte,
                GlobPart::OneOf(set) => is_here && set[usize::from(byte)],
                GlobPart::Folders => {
                    next.inner[at] = is_here || places.inner[at];
                    next.inner[at] && byte == b'/'
                }
                GlobPart::InFolder | GlobPart::Rest => {
                    let stays = matches!(part, GlobPart::Rest) || byte != b'/';
                    if is_here && stays {
                        self.enter(&mut next, at);
                    }
                    false
                }
            };
            if is_one {
                self.enter(&mut next, at + 1);
            }
        }
        next
    }

    /// Comes to a place, and to those behind what may be nothing.
    fn enter(&self, places: &mut GlobPlaces, mut at: usize) {
        while !places.outer[at] {
            places.outer[at] = true;
            match self.0.get(at) {
                Some(GlobPart::InFolder | GlobPart::Folders | GlobPart::Rest) => at += 1,
                _ => return,
            }
        }
    }
}

/// Where in a glob a path has led to.
struct GlobPlaces {
    /// Before this part; behind the last one is a match.
    outer: Vec<bool>,
    /// Within the folders of this part.
    inner: Vec<bool>,
}

impl GlobPlaces {
    fn new(parts: usize) -> Self {
        Self { outer: vec![false; parts + 1], inner: vec![false; parts] }
    }
}

/// What the stars at a place mean, and how many bytes that is.
fn stars(glob: &[u8], at: usize) -> (GlobPart, usize) {
    let count = glob[at..].iter().take_while(|byte| **byte == b'*').count();
    let begins_folder = at == 0 || glob[at - 1] == b'/';
    match glob.get(at + count) {
        Some(b'/') if count > 1 && begins_folder => (GlobPart::Folders, count + 1),
        None if count > 1 && begins_folder => (GlobPart::Rest, count),
        _ => (GlobPart::InFolder, count),
    }
}

/// The bytes that a part for one byte matches.
fn one_of(part: &[u8]) -> Box<[bool; 256]> {
    let matches = |byte| {
        let byte = [u8::try_from(byte).expect("an index of 256")];
        let mode = Mode::NO_MATCH_SLASH_LITERAL;
        wildmatch(part.as_bstr(), byte.as_bstr(), mode)
    };
    Box::new(std::array::from_fn(matches))
}

/// How long a `[…]` is; none where it has no end.
fn class_length(glob: &[u8]) -> Option<usize> {
    let mut at = if matches!(glob.get(1)?, b'!' | b'^') { 2 } else { 1 };
    let first = at;
    loop {
        match glob.get(at)? {
            b']' if at > first => return Some(at + 1),
            b'\\' => at += 2,
            b'[' if glob.get(at + 1) == Some(&b':') => match glob[at + 2..].find(":]") {
                Some(length) => at += length + 4,
                None => at += 1,
            },
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What git's own way says, one folder after the other.
    fn is_below(glob: &str, file: &str) -> bool {
        let ends = file.match_indices('/').map(|(at, _)| at).chain([file.len()]);
        let (glob, mode) = (glob.as_bytes().as_bstr(), Mode::NO_MATCH_SLASH_LITERAL);
        let mut above = ends.map(|end| file.as_bytes()[..end].as_bstr());
        above.any(|path| wildmatch(glob, path, mode))
    }

    #[test]
    fn it_means_what_it_means_to_git() {
        let parts = [
            "a",
            "b",
            "/",
            "*",
            "**",
            "**/",
            "/**",
            "?",
            "[ab]",
            "[!a]",
            "[[:alpha:]]",
            "[]b]",
            "\\*",
            "é",
        ];
        let names = ["a", "b", "ab", "/", "/", "é", "*", "]"];
        let mut seed = 7_u64;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(seed >> 33).unwrap() % below
        };
        for _ in 0..4_000 {
            let glob: String = (0..=random(6)).map(|_| parts[random(parts.len())]).collect();
            let file: String = (0..=random(6)).map(|_| names[random(names.len())]).collect();
            let matches =
                PathGlob::new(&glob).is_some_and(|glob| glob.matches_at_or_above(file.as_bytes()));
            let is_glob = glob.contains(['*', '?', '[', '\\']);
            assert_eq!(matches, is_glob && is_below(&glob, &file), "{glob:?} {file:?}");
        }
    }

    #[test]
    fn no_glob_takes_more_than_one_pass() {
        let (folders, stars) = ("a/".repeat(2_000), "a*".repeat(500));
        for glob in ["**/".repeat(30) + "b", "**/a/".repeat(30) + "b", stars + "b"] {
            let glob = PathGlob::new(&glob).unwrap();
            assert!(!glob.matches_at_or_above(folders.as_bytes()));
        }
    }
}
