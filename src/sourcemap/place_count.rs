//! What the places that a map says a text has tell of whether it is that text.

use super::text_lines::TextLines;

/// Fewer places say nothing for certain.
const MIN_SAMPLES: usize = 50;
/// Of the places of a source, most may be inside a word: they come from tools that put one word for another.
pub(super) const SOURCE_TOLERANCE: usize = 75;
/// Of the places of a script, ten in a hundred may be: a bundler knows its own words.
pub(super) const SCRIPT_TOLERANCE: usize = 10;

/// So many places beyond the ends of their lines are looked for below.
const MAX_BEYOND: usize = 10_000;

/// Fewer words say nothing for certain.
const MIN_WORDS: usize = 15;
/// Of the words of a script, at least so many in a hundred stand in the source, or are named by the map: of
/// two thousand maps of public packages all have more.
pub(super) const KEPT_WORDS: usize = 50;
/// Of those of one source, which are fewer; and of a map that names none of the words that a bundler
/// made up, as far as they stand on the line.
pub(super) const FEW_KEPT_WORDS: usize = 20;
/// So many places of another text do not fit by accident.
const MIN_FITTING: usize = 20;
/// So many rarely do.
const FEW_FITTING: usize = 8;
/// Where so many are kept, no place tells against them.
const MOST_KEPT_WORDS: usize = 90;

/// Of so many places in a row, this many inside of words are worth a word: of the maps of public packages
/// one in two thousand has them.
const ROW: u32 = 20;
const DOUBTED_IN_ROW: u32 = 6;
/// So are this many words of which none is kept.
const DOUBTED_WORDS: usize = 3;

/// How many places of a text there are, are not in it, were looked at, and were inside a word; how many
/// words were compared, and were the same.
#[derive(Default)]
pub(super) struct PlaceCount {
    pub(super) all: usize,
    outside: usize,
    /// Those of them that are beyond the end of their line, and how many of these mean a word of the lines below,
    /// or do not.
    beyond: usize,
    kept_below: usize,
    other_below: usize,
    samples: usize,
    inside_words: usize,
    /// Those of the samples that are behind something on their line.
    amid: usize,
    words: usize,
    kept_words: usize,
    /// The last places that were looked at, a bit for each: whether it was inside a word.
    row: u32,
    most_in_row: u32,
}

impl PlaceCount {
    /// Counts a place, which is looked at if it is a sample.
    pub(super) fn add(&mut self, text: &TextLines<'_>, line: u32, column: u32, is_sample: bool) {
        self.all += 1;
        self.outside += usize::from(!text.has(line, column));
        if is_sample {
            let is_inside = text.is_inside_word(line, column);
            self.samples += 1;
            self.inside_words += usize::from(is_inside);
            self.amid += usize::from(!text.begins_line(line, column));
            self.row = (self.row << 1 | u32::from(is_inside)) & ((1 << ROW) - 1);
            self.most_in_row = self.most_in_row.max(self.row.count_ones());
        }
    }

    /// Whether it is worth while to look below for a place that is beyond the end of its line.
    pub(super) fn looks_below(&self) -> bool {
        self.beyond < MAX_BEYOND
    }

    /// Counts a place beyond the end of its line, and whether the word below is the one that is meant.
    pub(super) fn add_beyond(&mut self, is_kept: Option<bool>) {
        self.beyond += 1;
        self.kept_below += usize::from(is_kept == Some(true));
        self.other_below += usize::from(is_kept == Some(false));
    }

    /// The places that are not in the text. Vue counts the columns of an expression of several lines from where
    /// the first one begins.
    fn outside(&self) -> usize {
        let goes_on = self.kept_below > 0 && self.other_below * 10 <= self.kept_below;
        self.outside - if goes_on { self.beyond } else { 0 }
    }

    /// Counts a word that was compared.
    pub(super) fn add_word(&mut self, is_kept: bool) {
        self.words += 1;
        self.kept_words += usize::from(is_kept);
    }

    /// Whether fewer than so many words in a hundred are kept, as far as there are enough to tell.
    pub(super) fn has_other_words(&self, kept: usize) -> bool {
        self.words >= MIN_WORDS && self.kept_words * 100 < self.words * kept
    }

    /// Whether every place is in the text and inside no word, so that another text would have to fit by
    /// accident: what begins a line fits each.
    pub(super) fn fits(&self) -> bool {
        self.amid >= MIN_FITTING && self.outside() == 0 && self.inside_words * 100 <= self.samples
    }

    /// The same of fewer places, each of which must fit.
    fn fits_so_far(&self) -> bool {
        self.amid >= FEW_FITTING && self.outside() == 0 && self.inside_words == 0
    }

    /// A place in fifty may be outside, for bundlers count the end of a file as they like. Inside a
    /// word may be `tolerance` in a hundred, as far as there are enough to tell.
    pub(super) fn is_of_other_text(&self, tolerance: usize) -> bool {
        let is_inside =
            self.samples >= MIN_SAMPLES && self.inside_words * 100 > self.samples * tolerance;
        self.outside() * 50 > self.all || is_inside && !self.keeps_its_words()
    }

    fn keeps_its_words(&self) -> bool {
        self.words >= MIN_WORDS && !self.has_other_words(MOST_KEPT_WORDS)
    }

    /// Whether a part of it, or the little that there is, looks like another text.
    pub(super) fn is_doubtful(&self) -> bool {
        let has_none = self.words >= DOUBTED_WORDS && self.kept_words == 0;
        self.most_in_row >= DOUBTED_IN_ROW || has_none && !self.fits_so_far()
    }
}
