//! How a script tells its id to the SDK as it stands.

use super::debug_id::DebugId;
use super::prologue::{ScriptPrologue, TokenGap};
use super::snippet::{self, own_line};

/// How a script tells its id to the SDK.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum IdRegistration {
    /// By a line of ours.
    OwnLine(DebugId),
    /// By a statement of somebody else that runs while the script loads, and that the map knows of.
    Foreign(DebugId),
    /// By a statement that may run, or not: in a function, or behind one.
    Unsure(DebugId),
    None,
}

/// What a statement in front of a script begins with where it is a function that is called at once.
const CALLED_AT_ONCE: [&str; 8] = [
    "!function(",
    "(function(",
    "+function(",
    "-function(",
    "~function(",
    "void function(",
    "(()=>",
    "!(()=>",
];

/// What code has where a place behind it may be in a function, a block or a comment.
const UNCERTAIN_SIGNS: [&str; 6] = ["function", "=>", "){", ") {", "//", "/*"];

impl IdRegistration {
    /// How this script does.
    pub(super) fn read(script: &str, prologue: &ScriptPrologue<'_>) -> Self {
        let Some((at, id)) = snippet::last_registration(script) else { return Self::None };
        let code = &script[prologue.insert_at..];
        let at = at.checked_sub(prologue.insert_at);
        match code.starts_with(&own_line(prologue, &id)) {
            true => Self::OwnLine(id),
            false if at.is_some_and(|at| runs_for_certain(code, at, prologue)) => Self::Foreign(id),
            false => Self::Unsure(id),
        }
    }

    /// The id that the SDK hears for certain.
    pub(super) fn certain(&self) -> Option<&DebugId> {
        match self {
            Self::OwnLine(id) | Self::Foreign(id) => Some(id),
            Self::Unsure(_) | Self::None => None,
        }
    }

    /// The id that the SDK may hear. A line in front has to tell the same.
    pub(super) fn any(&self) -> Option<&DebugId> {
        match self {
            Self::OwnLine(id) | Self::Foreign(id) | Self::Unsure(id) => Some(id),
            Self::None => None,
        }
    }
}

/// Whether nothing in front of a place in a script's code keeps it from being run: no comment and no string that it
/// would be in, no function that others would have to call, and no block but one that is called at once.
fn runs_for_certain(code: &str, at: usize, prologue: &ScriptPrologue<'_>) -> bool {
    let statements = behind_directives(code, prologue);
    let Some(before) = code.get(code.len() - statements.len()..at) else { return false };
    let called = CALLED_AT_ONCE.iter().find_map(|head| before.strip_prefix(head));
    let body = called.map_or(before, |body| body.split_once('{').map_or(body, |(_, body)| body));
    let is_open = |quote: char| body.matches(quote).count() % 2 == 1;
    let is_inside = ['"', '\'', '`'].into_iter().any(is_open);
    !is_inside && !UNCERTAIN_SIGNS.iter().any(|sign| body.contains(sign))
}

/// The code from its first statement on that does something.
fn behind_directives<'a>(code: &'a str, prologue: &ScriptPrologue<'_>) -> &'a str {
    let mut rest = TokenGap::skip(code).rest;
    let mut directives = prologue.directives.iter();
    loop {
        let next = match rest.strip_prefix(';') {
            Some(next) => next,
            None => match directives.next().and_then(|directive| rest.strip_prefix(directive)) {
                Some(next) => next,
                None => return rest,
            },
        };
        rest = TokenGap::skip(next).rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "8f3e2d1c-0b9a-4786-95a4-b3c2d1e0f908";

    fn read(script: &str) -> IdRegistration {
        IdRegistration::read(script, &ScriptPrologue::read(script))
    }

    #[test]
    fn only_what_stands_behind_no_function_is_certain() {
        let id = DebugId::parse(ID).expect("a UUID");
        let find = "e=\"undefined\"!=typeof window?window:self,n=(new e.Error).stack";
        let set =
            format!("n&&(e._sentryDebugIds=e._sentryDebugIds||{{}},e._sentryDebugIds[n]=\"{ID}\")");
        let plugin = format!(";{{try{{let {find};{set}}}catch(e){{}}}};");
        let cli = format!("!function(){{try{{var {find};{set}}}catch(e){{}}}}();");
        for script in [
            format!("{plugin}f()"),
            format!("{cli}\nf()"),
            format!("#!/bin/node\n/*! license */\"use strict\";\n\"use client\"\n{plugin}f()"),
            format!("(()=>{{try{{const {find};{set}}}catch{{}}}})();f()"),
        ] {
            assert_eq!(read(&script), IdRegistration::Foreign(id.clone()), "{script}");
        }
        for script in [
            format!("var lib=function(){{{cli}}};f()"),
            format!("var lib=()=>{{{plugin}}};f()"),
            format!("function lib(){{{plugin}}}f()"),
            format!("var lib={{start(){{{plugin}}}}};f()"),
            format!("f();{cli}"),
            format!("if(g){{{plugin}}}"),
            format!("#!/bin/node {plugin}\nf()"),
            format!("/*! {plugin} */\n\"use strict\";f()"),
            format!("// {plugin}\nf()"),
            format!("// {plugin}"),
            format!("/* {plugin}"),
            format!("\"use strict\";// {plugin}\nf()"),
            format!("f() // {plugin}"),
            format!("f(/* {plugin} */)"),
            format!("f('{plugin}')"),
            format!("f(`{plugin}`)"),
        ] {
            assert_eq!(read(&script), IdRegistration::Unsure(id.clone()), "{script}");
        }
        let own = format!("{}\nvar lib=()=>{{{plugin}}}", snippet::statement(&id));
        assert_eq!(read(&own), IdRegistration::OwnLine(id));
    }
}
