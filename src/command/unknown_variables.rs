//! A variable of ours that is spelt otherwise than any input's would be passed over without a word.

use crate::env::Env;
use crate::error::{UNUSED_INPUT, Warning};
use crate::inputs::compat::OTHER_NAMES;
use crate::inputs::compat::names::OtherName;
use crate::inputs::raw::RawInputs;
use crate::inputs::table::INPUTS;
use crate::text::neutral::one_line;
use crate::text::quote;
use crate::text::suggest::closest;

const PREFIX: &str = "FINISHLINE_";
/// What earlier jobs hand on.
const OUTPUTS: &str = "FINISHLINE_OUT_";
/// What the action and the component install the program by.
const INSTALLER_VARIABLES: [&str; 4] = ["RELEASES", "VERSION", "CHECKSUM", "CHECKSUMS"];

/// The warnings about variables that have our prefix and are none of ours.
pub(crate) fn warnings(env: &Env) -> impl Iterator<Item = Warning> {
    let warning = |(name, near): (&str, Option<String>)| {
        let rest = near.map_or("it is not used".to_owned(), |near| format!("did you mean {near}?"));
        Warning::new(UNUSED_INPUT, format!("unknown variable {}: {rest}", one_line(name)))
    };
    unknown(env).into_iter().map(warning)
}

/// The warnings about inputs that count as not given, since the CI host knows no such variable.
pub(crate) fn undefined(inputs: &RawInputs) -> impl Iterator<Item = Warning> {
    inputs.undefined.iter().map(|(origin, text)| {
        let text = quote(text);
        let message = format!("{origin} is not set: {text} names no variable of this CI job");
        Warning::new("undefined-variable", message)
    })
}

/// Each variable with our prefix that is none of ours, with the name that it is near to.
fn unknown(env: &Env) -> Vec<(&str, Option<String>)> {
    let known = INPUTS.iter().flat_map(|input| input.variables);
    let known: Vec<_> = known.filter_map(|name| name.strip_prefix(PREFIX)).collect();
    let others: Vec<_> = OTHER_NAMES.iter().filter_map(OtherName::variable).collect();
    let is_other = |name: &str| others.iter().any(|other| other == name);
    let suggestion = |name| {
        let rest = str::strip_prefix(name, PREFIX).filter(|_| !name.starts_with(OUTPUTS))?;
        if known.contains(&rest) || is_other(name) || INSTALLER_VARIABLES.contains(&rest) {
            return None;
        }
        let near = closest(rest, known.iter().copied());
        Some((name, near.map(|near| format!("{PREFIX}{near}"))))
    };
    env.names().filter_map(suggestion).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_has_our_prefix_and_is_no_input_is_unknown() {
        let env = |name: &str| [(name.to_owned(), "x")].into_iter().collect::<Env>();
        let near = |name| unknown(&env(name)).pop().map(|(_, near)| near.unwrap_or_default());
        assert_eq!(near("FINISHLINE_PROVIDR").as_deref(), Some("FINISHLINE_PROVIDER"));
        assert_eq!(near("FINISHLINE_MAX_PARALEL").as_deref(), Some("FINISHLINE_MAX_PARALLEL"));
        assert_eq!(near("FINISHLINE_QQ").as_deref(), Some(""));
        for fine in
            ["FINISHLINE_PROVIDER", "FINISHLINE_OUT_STATUS", "FINISHLINE_RELEASES", "PROVIDR"]
        {
            assert_eq!(near(fine), None, "{fine}");
        }
    }
}
