//! The statement by which a script tells the SDK its id while it loads.

use super::debug_id::{DebugId, ID_LENGTH};
use super::prologue::{ScriptPrologue, TokenGap};
use memchr::memmem;

/// What the SDK reads: an object with stacks as keys and ids as values.
const REGISTRY: &str = "_sentryDebugIds";

/// The most bytes of the key that an id is registered under.
const REACH: usize = 160;

/// One statement for any script: it needs no module, no strict mode and no syntax of after 1999, has
/// no effect but its entry, and cannot throw. Each name of the global object is asked by itself, since a
/// script may declare it farther down, and throws for whoever asks before.
pub fn statement(id: &DebugId) -> String {
    let named = |name: &str| format!("f(function(){{return {name}}})");
    let global = ["globalThis", "window", "global", "self"].map(named).join("||");
    format!(
        "(function(i){{function f(w){{try{{w=w();return w.Error&&w}}catch(e){{}}}}try{{\
         var g={global},s=(new g.Error).stack;\
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
    last_registration(script).map(|(_, id)| id)
}

/// Where a script last puts an id into the registry, and which. Code that only reads the registry, or names
/// it, such as the SDK's own, puts none into it, whatever stands behind.
pub(super) fn last_registration(script: &str) -> Option<(usize, DebugId)> {
    // Most scripts hold none, which the search from the front finds out sooner.
    memmem::find(script.as_bytes(), REGISTRY.as_bytes())?;
    memmem::rfind_iter(script.as_bytes(), REGISTRY)
        .find_map(|at| Some((at, assigned_id(&script[at + REGISTRY.len()..])?)))
}

/// The id that an assignment behind the registry's name puts into it: `[stack] = "…"`, also of a registry
/// that is made first, as in `(g._sentryDebugIds = g._sentryDebugIds || {})[stack] = "…"`.
fn assigned_id(text: &str) -> Option<DebugId> {
    let member = ["\"]", "']", "`]"].iter().find_map(|end| text.strip_prefix(end));
    let rest = skip(member.unwrap_or(text));
    let made =
        ["||=", "??=", "||", "??", "="].iter().find_map(|operator| rest.strip_prefix(operator));
    let rest = match made {
        Some(made) => {
            let object = skip(skip(made).strip_prefix('{')?).strip_prefix('}')?;
            skip(skip(object).strip_prefix(')')?.trim_start_matches(')'))
        }
        None => rest,
    };
    let value = skip(behind_key(rest)?).strip_prefix('=').map(skip)?;
    quoted_id(value).or_else(|| argument_id(value))
}

/// What stands behind a key in brackets.
fn behind_key(text: &str) -> Option<&str> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate().take(REACH) {
        match byte {
            b'[' => depth += 1,
            b']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return (at > 0).then(|| &text[at + 1..]);
        }
    }
    None
}

/// The id that is given for the name that a text begins with, where a function ends behind it and is called:
/// `i}}catch(e){}})("…")`.
fn argument_id(text: &str) -> Option<DebugId> {
    let is_name = |character: char| character.is_alphanumeric() || matches!(character, '_' | '$');
    let mut rest = text.trim_start_matches(is_name);
    if rest.len() == text.len() {
        return None;
    }
    loop {
        rest = skip(rest);
        let after = match rest.strip_prefix("catch") {
            Some(handler) => behind_handler(skip(handler))?,
            None => rest.strip_prefix([';', '}', ')'])?,
        };
        rest = after;
        if let Some(id) = skip(rest).strip_prefix('(').and_then(|given| quoted_id(skip(given))) {
            return Some(id);
        }
    }
}

/// What stands behind `(e){}` or `{}`.
fn behind_handler(text: &str) -> Option<&str> {
    let body = match text.strip_prefix('(') {
        Some(named) => skip(named.split_once(')')?.1),
        None => text,
    };
    skip(body.strip_prefix('{')?).strip_prefix('}')
}

/// The id that a text begins with, in quotation marks of any kind.
fn quoted_id(text: &str) -> Option<DebugId> {
    let mark = text.chars().next().filter(|mark| matches!(mark, '"' | '\'' | '`'))?;
    let id = text.get(1..=ID_LENGTH)?;
    text[1 + ID_LENGTH..].starts_with(mark).then(|| DebugId::parse(id)).flatten()
}

fn skip(text: &str) -> &str {
    TokenGap::skip(text).rest
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
    fn an_assignment_is_found_in_any_form() {
        for script in [
            format!("e._sentryDebugIds [ n ] = '{ID}'"),
            format!("e[\"_sentryDebugIds\"][n]=`{ID}`"),
            format!("_sentryDebugIds[(new Error).stack.split(a[0])[1]]=/* id */\"{ID}\""),
            format!("(e._sentryDebugIds=e._sentryDebugIds||{{}})[n]=\"{ID}\""),
            format!("(e._sentryDebugIds ??= {{ }})[n]=\"{ID}\""),
            format!("(e._sentryDebugIds||(e._sentryDebugIds={{}}))[n]=\"{ID}\""),
            format!("s&&((g._sentryDebugIds=g._sentryDebugIds||{{}})[s]=i)}}catch{{}}}}(\"{ID}\")"),
            format!("g._sentryDebugIds[s] = i;\n  }} catch (e) {{ }}\n}})(\n'{ID}')"),
        ] {
            assert_eq!(registered_id(&script), DebugId::parse(ID), "{script}");
        }
    }

    #[test]
    fn what_only_names_the_registry_registers_nothing() {
        for script in [
            "var ids=g._sentryDebugIds;if(ids)f(ids)".to_owned(),
            "_sentryDebugIds".to_owned(),
            "_sentryDebugIds[".to_owned(),
            format!("_sentryDebugIds[n]={ID}"),
            format!("var t=g._sentryDebugIds;if(!t)return{{}};return t}}var ns=\"{ID}\""),
            format!("var t=g._sentryDebugIds||{{}};var ns=\"{ID}\""),
            format!("f(\"_sentryDebugIds\",\"{ID}\")"),
            format!("/* _sentryDebugIds */ var ns='{ID}'"),
            format!("t={{_sentryDebugIds:{{'x':'{ID}'}}}}"),
            format!("_sentryDebugIds\nvar ns='{ID}'"),
            format!("g._sentryDebugIds[n]==\"{ID}\""),
            format!("g._sentryDebugIds[n]===\"{ID}\"||f()"),
            format!("x=g._sentryDebugIds[n]||\"{ID}\""),
            format!("g._sentryDebugIds[n]=t;f(\"{ID}\")"),
            format!("delete g._sentryDebugIds[\"{ID}\"]"),
        ] {
            assert_eq!(registered_id(&script), None, "{script}");
        }
    }
}
