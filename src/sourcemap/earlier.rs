//! What a script was before it got its debug id: what is beside it may still be about that.

use super::debug_id::DebugId;
use super::injection::own_line;
use super::prologue::{ScriptPrologue, is_line_end, line_end_width};
use super::trailer;

/// The texts that an injected script may have had; none where it was not injected by us.
///
/// The comment takes a line of its own, so it cannot be told whether there was a line end before.
pub(crate) fn earlier_texts(script: &str) -> Vec<String> {
    let comment = trailer::debug_id(script).map(|(_, id)| (format!("//# debugId={id}"), id));
    let body = comment.and_then(|(comment, id)| {
        Some((script.trim_end_matches(['\r', '\n']).strip_suffix(&comment)?, id))
    });
    let Some((body, id)) = body else { return Vec::new() };
    let text = without_own_line(body, &id);
    let shorter = text.strip_suffix('\n').map(|text| text.strip_suffix('\r').unwrap_or(text));
    shorter.map(str::to_owned).into_iter().chain([text.clone()]).collect()
}

fn without_own_line(script: &str, id: &DebugId) -> String {
    let prologue = ScriptPrologue::read(script);
    let (before, rest) = script.split_at(prologue.insert_at);
    match rest.strip_prefix(&own_line(&prologue, id)) {
        Some(rest) if rest.starts_with(is_line_end) => {
            format!("{before}{}", &rest[line_end_width(rest)..])
        }
        _ => script.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sourcemap::injection::inject_alone;

    #[test]
    fn a_script_is_found_again_as_it_was() {
        for script in [
            "f()\n",
            "f()",
            "f()\r\n",
            "\"use strict\";\nf()\n//# sourceMappingURL=a.js.map\n",
            "\u{feff}\"use client\"\nf()",
            "#!/usr/bin/env node\nf()\n",
        ] {
            let injected = inject_alone(script).text.expect("it has no id");
            let earlier = earlier_texts(&injected);
            assert!(earlier.iter().any(|text| text == script), "{script:?}: {earlier:?}");
            assert_eq!(earlier_texts(script), Vec::<String>::new());
        }
    }
}
