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
    last_comment(script, MAPPING_URL)
}

/// The debug id that a script names, and where it stands.
pub fn debug_id(script: &str) -> Option<(usize, DebugId)> {
    let comment = last_comment(script, DEBUG_ID)?;
    let id = comment.value.get(..ID_LENGTH).filter(|id| id.len() == comment.value.len())?;
    Some((comment.at, DebugId::parse(id)?))
}

/// The script without the comments that name a map. Lines before other code stay.
pub fn without_mapping_url(script: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(script);
    while let Some(comment) = mapping_url(&text) {
        let (at, end) = (comment.at, comment.at + comment.value.len());
        // What may stand between is `//# ` or `/*# `, and behind it ` */`.
        let start = text[..at].rfind(['#', '@']).unwrap_or(at).saturating_sub(2);
        let rest = text[end..].trim_start_matches([' ', '\t']);
        let rest = if text[start..].starts_with("/*") { rest.strip_prefix("*/") } else { None }
            .unwrap_or(rest);
        let begins_line = text[..start].is_empty() || text[..start].ends_with(is_line_end);
        let width = if begins_line { line_end_width_at(rest) } else { 0 };
        text = Cow::Owned(format!("{}{}", &text[..start], &rest[width..]));
    }
    text
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
    memmem::find(script.as_bytes(), name.as_bytes())?;
    for at in memmem::rfind_iter(script.as_bytes(), name) {
        let value_at = at + name.len();
        let line = &script[value_at..];
        let line = &line[..line.find(is_line_end).unwrap_or(line.len())];
        if !TokenGap::skip(&script[value_at + line.len()..]).rest.is_empty() {
            return None;
        }
        let behind = &script[value_at..];
        if let Some(value) = comment_value(&script[..at], line, behind) {
            // V8 passes over blanks before the value.
            let blanks = line.len() - line.trim_start().len();
            return Some(MagicComment { at: value_at + blanks, value });
        }
    }
    None
}

/// The value of a comment whose opening stands at the end of `before`, out of the rest of its line;
/// `behind` is that line with all that follows.
fn comment_value<'a>(before: &str, line: &'a str, behind: &str) -> Option<&'a str> {
    let before = before.trim_end_matches([' ', '\t']);
    let opening = before.strip_suffix(['#', '@'])?;
    let is_block = opening.ends_with("/*");
    let line = match (is_block, line.split_once("*/")) {
        // Code behind it, or the end of a string that it stands in.
        (true, Some((value, _))) => {
            let rest = &behind[value.len() + 2..];
            TokenGap::skip(rest).rest.is_empty().then_some(value)?
        }
        (false, None) => line,
        // A comment that is not closed, or one within a longer one.
        (true, None) | (false, Some(_)) => return None,
    };
    let value = line.trim();
    // Engines take nothing with a blank or a quotation mark: this is how a string is told apart.
    let is_value = !value.is_empty()
        && !value.contains(|character: char| {
            character.is_whitespace() || matches!(character, '"' | '\'' | '`')
        });
    ((is_block || opening.ends_with("//")) && is_value).then_some(value)
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
