//! The statement by which a script tells the SDK its id while it loads.

use super::debug_id::{DebugId, ID_LENGTH};
use super::prologue::ScriptPrologue;
use memchr::memmem;

/// What the SDK reads: an object with stacks as keys and ids as values.
const REGISTRY: &str = "_sentryDebugIds";

/// The farthest that an id stands behind the registry's name in a statement of a bundler's plugin, of
/// sentry-cli or of ours.
const REACH: usize = 160;

/// One statement for any script: it needs no module, no strict mode and no syntax of after 1999, has
/// no effect but its entry, and cannot throw.
pub fn statement(id: &DebugId) -> String {
    format!(
        "(function(i){{try{{var g=typeof window!=\"undefined\"?window:typeof global!=\"undefined\"?global:\
         typeof globalThis!=\"undefined\"?globalThis:self,s=(new g.Error).stack;\
         if(s)(g.{REGISTRY}=g.{REGISTRY}||{{}})[s]=i}}catch(e){{}}}})(\"{id}\");"
    )
}

/// The directives count only in front of every statement, so the new line says them again.
pub(super) fn own_line(prologue: &ScriptPrologue<'_>, id: &DebugId) -> String {
    let mut line: String = prologue.directives.iter().flat_map(|text| [*text, ";"]).collect();
    line.push_str(&statement(id));
    line
}

/// The id that a script registers. Of several it is the last, which stands in the SDK's records.
pub fn registered_id(script: &str) -> Option<DebugId> {
    // Most scripts hold none, which the search from the front finds out sooner.
    memmem::find(script.as_bytes(), REGISTRY.as_bytes())?;
    memmem::rfind_iter(script.as_bytes(), REGISTRY)
        .find_map(|at| first_quoted_id(&script[at + REGISTRY.len()..]))
}

fn first_quoted_id(text: &str) -> Option<DebugId> {
    let bytes = text.as_bytes();
    let reach = REACH.min(bytes.len().saturating_sub(ID_LENGTH + 1));
    (0..reach).find_map(|at| {
        let (opening, closing) = (bytes[at], bytes[at + ID_LENGTH + 1]);
        let is_quoted = opening == closing && matches!(opening, b'"' | b'\'' | b'`');
        let id = || text.get(at + 1..=at + ID_LENGTH).and_then(DebugId::parse);
        is_quoted.then(id).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "8f3e2d1c-0b9a-4786-95a4-b3c2d1e0f908";

    #[test]
    fn our_own_statement_is_found_again() {
        let id = DebugId::parse(ID).expect("a UUID");
        assert_eq!(registered_id(&format!("{}\nf()", statement(&id))), Some(id));
    }

    #[test]
    fn a_plugin_is_seen_by_what_it_registers_last() {
        let other = ID.replace('8', "7");
        let script = format!("e._sentryDebugIds[n]='{other}';x();e._sentryDebugIds[n]=\"{ID}\";ü");
        assert_eq!(registered_id(&script), DebugId::parse(ID));
    }

    #[test]
    fn the_sdk_itself_registers_nothing() {
        let far = " ".repeat(200);
        for script in [
            "var ids=g._sentryDebugIds;if(ids)f(ids)".to_owned(),
            "_sentryDebugIds".to_owned(),
            format!("_sentryDebugIds{far}\"{ID}\""),
            format!("_sentryDebugIds[n]={ID}"),
        ] {
            assert_eq!(registered_id(&script), None, "{script}");
        }
    }
}
