//! A place of a script with the place of a source that a map leads it to, and what that tells of the map.

use super::map_text::MapSection;
use super::mappings::{MappedSegment, OriginalPosition};
use super::number_literal::NumberLiteral;
use super::text_lines::{TextLines, has_word};

/// A place of a script and the place that it leads to. Lines and columns count from one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenFrame {
    /// The line of the script.
    pub line: u32,
    /// The column on that line.
    pub column: u32,
    /// The source that it leads to.
    pub source: String,
    /// The line of that source.
    pub original_line: u32,
    /// What is in doubt all the same.
    pub doubt: Option<ProofDoubt>,
}

/// What a map may be wrong in, where too little of it is for a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProofDoubt {
    /// The text of this source, which few places lead to, is not the one that it was made of.
    OtherSource(String),
    /// A part of its places, or the few that it has, look like those of another script.
    OtherScript,
}

impl ProvenFrame {
    /// The same place of a script that got a line in front.
    pub(super) fn one_line_lower(self) -> Self {
        Self { line: self.line + 1, ..self }
    }
}

/// A place of the script, and what the map says of it.
pub(super) struct MappedPlace<'a> {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) section: &'a MapSection<'a>,
    pub(super) original: OriginalPosition,
}

/// Whether a word stands wherever code stands.
fn is_keyword(word: &str) -> bool {
    matches!(
        word,
        "function"
            | "return"
            | "throw"
            | "typeof"
            | "else"
            | "case"
            | "this"
            | "null"
            | "true"
            | "false"
            | "void"
            | "const"
            | "async"
            | "await"
            | "class"
            | "export"
            | "import"
            | "static"
            | "exports"
            | "require"
    )
}

/// Whether a word is another, or that with what a bundler appends to tell two apart.
fn is_of(word: &str, other: &str) -> bool {
    let end = word.strip_prefix(other).filter(|_| !other.is_empty());
    end.is_some_and(|end| {
        end.is_empty()
            || end.starts_with(['_', '$'])
            || end.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Whether a word looks like one that a tool puts for another: a helper, a shortened or a hidden name.
fn is_made_up(word: &str) -> bool {
    word.starts_with(['_', '$', 'ɵ'])
}

impl<'a> MappedPlace<'a> {
    pub(super) fn of(section: &'a MapSection<'a>, segment: MappedSegment) -> Option<Self> {
        let first_column = if segment.line == 0 { section.column } else { 0 };
        Some(Self {
            line: section.line.saturating_add(segment.line),
            column: first_column.saturating_add(segment.column),
            section,
            original: segment.original?,
        })
    }

    pub(super) fn position(&self) -> (u32, u32, OriginalPosition) {
        (self.line, self.column, self.original)
    }

    /// Whether it is inside a word and only goes on with a place before: maps of high resolution have one for
    /// each character. It says nothing of whose map it is.
    pub(super) fn goes_on(
        &self,
        script: &TextLines<'_>,
        source: Option<&TextLines<'_>>,
        earlier: Option<(u32, u32, OriginalPosition)>,
    ) -> bool {
        if !script.is_inside_word(self.line, self.column) {
            return false;
        }
        let of = &self.original;
        let follows = |(line, column, from): (u32, u32, OriginalPosition)| {
            let is_same_line = (line, from.source, from.line) == (self.line, of.source, of.line);
            let step = self.column.checked_sub(column);
            let word = script.word(line, column).encode_utf16().count();
            let is_same_word = step.is_some_and(|step| (step as usize) < word);
            // Traced through a coarser map, the rest of a word leads to where its line begins.
            let is_repeated = from.column == of.column || of.column == 0;
            let moves_on = source.is_none() && of.column.checked_sub(from.column) == step;
            is_same_line && is_same_word && (is_repeated || moves_on)
        };
        let has_its_characters = |source: &TextLines<'_>| {
            source.rest_of_word(of.line, of.column) == script.rest_of_word(self.line, self.column)
        };
        source.is_some_and(has_its_characters) || earlier.is_some_and(follows)
    }

    /// Whether a word or a string of the script is that of the source, or the one that the map says was there;
    /// none where there is neither, or one that stands everywhere or that a bundler makes up.
    pub(super) fn keeps_word(
        &self,
        script: &TextLines<'_>,
        source: &TextLines<'_>,
    ) -> Option<bool> {
        let word = script.word(self.line, self.column);
        if word.is_empty() {
            return self.keeps_string(script, source);
        }
        if word.len() < 4 || is_keyword(word) {
            return None;
        }
        if let Some(number) = self.number(script) {
            let (before, text) = source.split(self.original.line, self.original.column);
            // A constant may stand in the source, or a member of an enum.
            return number.is_of(&NumberLiteral::read(before, text)?);
        }
        let meant = source.word(self.original.line, self.original.column);
        if meant.is_empty() {
            return None;
        }
        let name = self.original.name.and_then(|name| self.section.names.get(name as usize));
        let is_on_line = || {
            self.section.names.is_empty()
                && source.line(self.original.line).contains(word)
                && !script.is_inside_word(self.line, self.column)
        };
        let is_kept =
            is_of(word, meant) || name.is_some_and(|name| is_of(word, name)) || is_on_line();
        let tells = || !is_made_up(word) && !self.is_around(script, word, meant);
        (is_kept || tells()).then_some(is_kept)
    }

    /// Whether it leads beyond the end of a line of the source.
    pub(super) fn is_beyond(&self, source: &TextLines<'_>) -> bool {
        let OriginalPosition { line, column, .. } = self.original;
        source.has(line, 0) && !source.has(line, column)
    }

    /// Whether the word that it means stands where its column leads on the lines below; none where nothing tells
    /// what is meant.
    pub(super) fn keeps_word_below(
        &self,
        script: &TextLines<'_>,
        source: &TextLines<'_>,
    ) -> Option<bool> {
        let below = source.word_below(self.original.line, self.original.column).unwrap_or_default();
        let name = self.original.name.and_then(|name| self.section.names.get(name as usize));
        let word = script.word(self.line, self.column);
        let is_kept =
            !below.is_empty() && (word == below || name.is_some_and(|name| name == below));
        let tells = is_kept || name.is_some_and(|name| !is_made_up(name));
        tells.then_some(is_kept)
    }

    /// The number of the script that begins at it.
    fn number(&self, script: &TextLines<'_>) -> Option<NumberLiteral> {
        let (before, text) = script.split(self.line, self.column);
        let number = NumberLiteral::read(before, text)?;
        (!script.is_inside_word(self.line, self.column)).then_some(number)
    }

    /// Whether a compiler wrote a statement of its own around the word that was meant, as it does for members
    /// of enums, for imports, and for what another module exports.
    fn is_around(&self, script: &TextLines<'_>, word: &str, meant: &str) -> bool {
        let statement = script.statement(self.line, self.column);
        let is_module = || {
            let behind = statement.get(word.len()..).unwrap_or_default();
            let loads = || statement.contains("import_");
            // `import(…)` becomes `Promise.resolve().then(…)`, whatever loads modules there.
            let is_import = || matches!(word, "default" | "Promise") || loads();
            behind.starts_with(".default") || matches!(meant, "import" | "export") && is_import()
        };
        !script.is_inside_word(self.line, self.column)
            && (is_module() || has_word(statement, meant))
    }

    /// A path may be another one, for bundlers find the file that it means.
    fn keeps_string(&self, script: &TextLines<'_>, source: &TextLines<'_>) -> Option<bool> {
        let text = script.string(self.line, self.column)?;
        let meant = source.string(self.original.line, self.original.column)?;
        let common = text.len().min(meant.len());
        let is_kept = common > 0 && text.as_bytes()[..common] == meant.as_bytes()[..common];
        (is_kept || common > 0 && !text.contains('/') && !meant.contains('/')).then_some(is_kept)
    }

    pub(super) fn begins_word(&self, line: &TextLines<'_>, ahead: u32) -> bool {
        let Self { section, original, .. } = self;
        let word = self.column.checked_sub(ahead).map_or("", |column| line.word(0, column));
        let name = original.name.and_then(|name| section.names.get(name as usize));
        let content =
            section.sources_content.get(original.source as usize).and_then(Option::as_deref);
        let is_led_to = || {
            let text = content.and_then(|text| text.split('\n').nth(original.line as usize));
            text.is_some_and(|text| TextLines::new(text).word(0, original.column) == word)
        };
        !word.is_empty() && (name.is_some_and(|name| name == word) || is_led_to())
    }

    pub(super) fn frame(&self) -> ProvenFrame {
        ProvenFrame {
            line: self.line.saturating_add(1),
            column: self.column.saturating_add(1),
            source: self.section.source(self.original.source),
            original_line: self.original.line.saturating_add(1),
            doubt: None,
        }
    }
}
