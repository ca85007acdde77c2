//! The comments behind the last token of a script: which map it names, and which id.
//!
//! Only comments with nothing but white space and comments behind them count, as ECMA-426 has it; so
//! a text in a string or a template that looks like one is not taken for it.

use super::{
    debug_id::{DebugId, ID_LENGTH},
    prologue::{TokenGap, is_line_end, line_end_width},
};
use memchr::memmem;
use std::borrow::Cow;

const MAPPING_URL: &str = "sourceMappingURL=";
const DEBUG_ID: &str = "debugId=";

/// A comment `//# name=value`, or one of `//@` and `/*#`: where its value stands, and what it is.
#[derive(Debug, PartialEq, Eq)]
pub struct MagicComment<'a> {
    /// The byte of the script at which the value begins.
    pub at: usize,
    /// Its value.
    pub value: &'a str,
}

/// The URL of the source map that a script names.
pub fn mapping_url(script: &str) -> Option<MagicComment<'_>> {
    // Most scripts without one are told by a search from the front, which is faster.
    memmem::find(script.as_bytes(), MAPPING_URL.as_bytes())?;
    last_comment(script, MAPPING_URL)
}

/// The debug id that a script names, and where it stands.
pub fn debug_id(script: &str) -> Option<(usize, DebugId)> {
    memmem::find(script.as_bytes(), DEBUG_ID.as_bytes())?;
    let comment = last_comment(script, DEBUG_ID)?;
    let id = comment.value.get(..ID_LENGTH).filter(|id| id.len() == comment.value.len())?;
    Some((comment.at, DebugId::parse(id)?))
}

/// The script without the comments that name a map. Lines before other code stay.
pub fn without_mapping_url(script: &str) -> Cow<'_, str> {
    // Nothing but white space and comments follows the last one, so that the text before it ends with the one
    // before that.
    let (mut text, mut kept) = (script, Vec::new());
    while let Some(comment) = last_comment(text, MAPPING_URL) {
        let (at, end) = (comment.at, comment.at + comment.value.len());
        // What may stand between is `//# ` or `/*# `, and behind it ` */`.
        let start = text[..at].rfind(['#', '@']).unwrap_or(at).saturating_sub(2);
        let rest = text[end..].trim_start_matches([' ', '\t']);
        let rest = if text[start..].starts_with("/*") { rest.strip_prefix("*/") } else { None }
            .unwrap_or(rest);
        let begins_line = text[..start].is_empty() || text[..start].ends_with(is_line_end);
        let width = if begins_line { line_end_width_at(rest) } else { 0 };
        kept.push(&rest[width..]);
        text = &text[..start];
    }
    if kept.is_empty() {
        return Cow::Borrowed(script);
    }
    kept.push(text);
    Cow::Owned(kept.into_iter().rev().collect())
}

/// Whether a script without the comments that count has one that names this map all the same: code stands
/// behind it, or it is in a string.
pub fn mentions_map(script: &str, map: &str) -> bool {
    let name = format!("{MAPPING_URL}{map}");
    memmem::find(script.as_bytes(), name.as_bytes()).is_some()
}

/// The bytes of the line end that a text begins with, if it does.
fn line_end_width_at(text: &str) -> usize {
    if text.starts_with(is_line_end) { line_end_width(text) } else { 0 }
}

fn last_comment<'a>(script: &'a str, name: &str) -> Option<MagicComment<'a>> {
    let mut search = TrailerSearch::new(script);
    for at in memmem::rfind_iter(script.as_bytes(), name) {
        let value_at = at + name.len();
        let line_end = search.line_end.behind(value_at, |text| text.find(is_line_end));
        if !search.gap_behind_line.is_gap(line_end) {
            return None;
        }
        let is_block = match opening(&script[..at]) {
            Some(is_block) => is_block,
            None => continue,
        };
        let closing = search.closing.behind(value_at, |text| text.find("*/"));
        let end = match (is_block, closing < line_end) {
            // Code behind it, or the end of a string that it stands in.
            (true, true) if search.gap_behind_comment.is_gap(closing + 2) => closing,
            (false, false) => line_end,
            // A comment that is not closed, or one within a longer one.
            _ => continue,
        };
        // V8 passes over blanks before the value.
        let blanks = script[value_at..end].len() - script[value_at..end].trim_start().len();
        let at = value_at + blanks;
        // Engines take nothing with a blank or a quotation mark: this is how a string is told apart.
        let odd = search.odd.behind(at, |text| text.find(is_odd)).min(end);
        if odd > at && script[odd..end].trim_start().is_empty() {
            return Some(MagicComment { at, value: &script[at..odd] });
        }
    }
    None
}

/// Whether the comment that opens at the end of a text is one in `/*`, or one in `//`; none where none opens.
fn opening(before: &str) -> Option<bool> {
    let opening = before.trim_end_matches([' ', '\t']).strip_suffix(['#', '@'])?;
    let is_block = opening.ends_with("/*");
    (is_block || opening.ends_with("//")).then_some(is_block)
}

fn is_odd(character: char) -> bool {
    character.is_whitespace() || matches!(character, '"' | '\'' | '`')
}

/// What is known of a script while its comments are looked for from the back: so each of its bytes is looked
/// at once, however many texts look like such a comment.
struct TrailerSearch<'a> {
    gap_behind_line: TokenSearch<'a>,
    gap_behind_comment: TokenSearch<'a>,
    line_end: NearestPlace<'a>,
    closing: NearestPlace<'a>,
    odd: NearestPlace<'a>,
}

impl<'a> TrailerSearch<'a> {
    fn new(script: &'a str) -> Self {
        let nearest = || NearestPlace { script, known_from: script.len(), place: script.len() };
        let gap = || TokenSearch { script, known_from: script.len(), is_gap: true };
        Self {
            gap_behind_line: gap(),
            gap_behind_comment: gap(),
            line_end: nearest(),
            closing: nearest(),
            odd: nearest(),
        }
    }
}

/// Whether a token stands behind a place, for places that are asked for from the back.
struct TokenSearch<'a> {
    script: &'a str,
    known_from: usize,
    is_gap: bool,
}

impl TokenSearch<'_> {
    /// Whether nothing but white space and comments stands behind a byte.
    fn is_gap(&mut self, at: usize) -> bool {
        let is_empty = |text: &str| TokenGap::skip(text).rest.is_empty();
        if at < self.known_from {
            // A comment may reach over the place that is known.
            let leads_there = is_empty(&self.script[at..self.known_from]);
            self.is_gap = if leads_there { self.is_gap } else { is_empty(&self.script[at..]) };
            self.known_from = at;
        }
        self.is_gap
    }
}

/// Where something stands next, for places that are asked for from the back.
struct NearestPlace<'a> {
    script: &'a str,
    known_from: usize,
    place: usize,
}

impl NearestPlace<'_> {
    /// The next place behind this one; the end of the script where there is none.
    fn behind(&mut self, at: usize, find: impl Fn(&str) -> Option<usize>) -> usize {
        if at < self.known_from {
            let found = find(&self.script[at..self.known_from]).map(|found| at + found);
            self.place = found.unwrap_or(self.place);
            self.known_from = at;
        }
        self.place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url_of(script: &str) -> Option<&str> {
        mapping_url(script).map(|comment| comment.value)
    }

    #[test]
    fn the_comments_that_name_a_map_go_and_nothing_else() {
        for (script, without) in [
            ("f()\n//# sourceMappingURL=a.map\n//# debugId=x\n", "f()\n//# debugId=x\n"),
            ("f()\r\n//# sourceMappingURL=a.map\r\n", "f()\r\n"),
            ("f()//# sourceMappingURL=a.map\n", "f()\n"),
            ("f()\n/*# sourceMappingURL=a.map */\n", "f()\n"),
            ("f()\n//# sourceMappingURL=b\n//@ sourceMappingURL=a", "f()\n"),
            ("f('//# sourceMappingURL=b')\n", "f('//# sourceMappingURL=b')\n"),
            ("f()\n//# sourceMappingURL= a.map\n", "f()\n"),
            ("f()\n/*# sourceMappingURL=  a�.map */\n", "f()\n"),
            ("f()/*# sourceMappingURL=a.map */ // end\n", "f() // end\n"),
        ] {
            assert_eq!(without_mapping_url(script), without, "{script:?}");
        }
    }

    #[test]
    fn thousands_of_comments_go_in_one_pass() {
        let comments = "//# sourceMappingURL=a.map\n".repeat(100_000);
        let script = format!("f()\n{comments}// end\n{comments}");
        assert_eq!(without_mapping_url(&script), "f()\n// end\n");
    }

    #[test]
    fn the_comment_behind_the_last_token_names_the_map() {
        for script in [
            "f()\n//# sourceMappingURL=a.map",
            "f()//# sourceMappingURL=a.map\n",
            "f()\n//@ sourceMappingURL=a.map\r\n\r\n",
            "f()\n/*# sourceMappingURL=a.map */",
            "f()\n/*# sourceMappingURL=a.map*/\n",
            "f()\n//#  sourceMappingURL=a.map \t\n",
            "f()\n//# sourceMappingURL=a.map\n//# debugId=x\n/* end */ // all\n",
            "f()\n//# sourceMappingURL=b.map\n//# sourceMappingURL=a.map\n",
            "f('//# sourceMappingURL=b.map');\n//# sourceMappingURL=a.map\n// sourceMappingURL=\n",
        ] {
            assert_eq!(url_of(script), Some("a.map"), "{script:?}");
        }
    }

    #[test]
    fn what_only_looks_like_the_comment_names_nothing() {
        for script in [
            "",
            "sourceMappingURL=a.map",
            "f('//# sourceMappingURL=a.map')",
            "f(\"//# sourceMappingURL=a.map\")",
            "f(`\n//# sourceMappingURL=a.map\n`)",
            "//# sourceMappingURL=a.map\nf()",
            "//# sourceMappingURL=a b.map",
            "//# sourceMappingURL=",
            "// sourceMappingURL=a.map",
            "/*# sourceMappingURL=a.map",
            "return/*# sourceMappingURL=a.map */1",
            "f(\"p{}/*# sourceMappingURL=a.css.map */\")",
            "f(`p{}/*# sourceMappingURL=data:,${o} */`)\n",
            "f(/[/*# sourceMappingURL=a.map */]/)",
            "f()/*\n//# sourceMappingURL=a.map*/",
            "# sourceMappingURL=a.map",
        ] {
            assert_eq!(url_of(script), None, "{script:?}");
        }
    }

    #[test]
    fn many_texts_that_look_like_the_comment_are_looked_at_once() {
        let repeated = |text: &str, end: &str| format!("f({}){end}", text.repeat(20_000));
        for (text, end) in [
            ("\"/*# sourceMappingURL=data:,AAAA */\",", ""),
            ("'//# sourceMappingURL=x.map',", "\n"),
            ("/*# sourceMappingURL=a b */", "\n"),
            ("//# sourceMappingURL=a b\n", "\n"),
            ("/*#sourceMappingURL=", "\n"),
            ("//#sourceMappingURL=", "\"\n"),
        ] {
            assert_eq!(url_of(&repeated(text, end)), None, "{text}");
            let named = format!("{}\n//# sourceMappingURL=a.map\n", repeated(text, end));
            assert_eq!(url_of(&named), Some("a.map"), "{text}");
            let behind = format!("f()\n//# sourceMappingURL=a.map\n{}", text.repeat(20_000));
            let is_comment = text.ends_with("*/") || text.ends_with('\n');
            assert_eq!(url_of(&behind) == Some("a.map"), is_comment, "{text}");
        }
    }

    #[test]
    fn an_id_is_a_uuid_and_nothing_else() {
        let id = "0F0E0D0C-0b0a-4908-8706-050403020100";
        let found = debug_id(&format!("f()\n//# debugId={id}\n//# sourceMappingURL=a.map"));
        assert_eq!(found, Some((16, DebugId::parse(id).expect("a UUID"))));
        let (at, _) =
            debug_id(&format!("f()\n//# debugId= \t{id}")).expect("blanks are passed over");
        assert_eq!(at, 18);
        for value in ["", "0f0e", &format!("{id}0"), &id.replace(['c', 'C'], "g")] {
            assert_eq!(debug_id(&format!("//# debugId={value}")), None, "{value}");
        }
    }
}
