//! A variable of ours that is spelt otherwise than any input's would be passed over without a word.

use crate::env::Env;
use crate::inputs::raw::RawInputs;
use crate::inputs::table::INPUTS;
use crate::text::quote;
use crate::text::suggest::closest;

const PREFIX: &str = "FINISHLINE_";
/// What earlier jobs hand on.
const OUTPUTS: &str = "FINISHLINE_OUT_";
/// What the action and the component install the program by.
const INSTALLER_VARIABLES: [&str; 4] = ["RELEASES", "VERSION", "CHECKSUM", "CHECKSUMS"];

/// Says which variables are near an input's and none.
pub(crate) fn warn(env: &Env) {
    for (name, near) in suspicious(env) {
        tracing::warn!("unknown variable {name}: did you mean {near}?");
    }
}

/// Says which inputs count as not given, since the CI host knows no such variable.
pub(crate) fn warn_of_undefined(inputs: &RawInputs) {
    for (origin, text) in &inputs.undefined {
        tracing::warn!("{origin} is not set: {} names no variable of this CI job", quote(text));
    }
}

/// Each variable that is near an input's and none, with that one's name.
fn suspicious(env: &Env) -> Vec<(&str, String)> {
    let known = INPUTS.iter().flat_map(|input| input.variables);
    let known: Vec<_> = known.filter_map(|name| name.strip_prefix(PREFIX)).collect();
    let suggestion = |name| {
        let rest = str::strip_prefix(name, PREFIX).filter(|_| !name.starts_with(OUTPUTS))?;
        if known.contains(&rest) || INSTALLER_VARIABLES.contains(&rest) {
            return None;
        }
        let near = closest(rest, known.iter().copied())?;
        Some((name, format!("{PREFIX}{near}")))
    };
    env.names().filter_map(suggestion).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_an_input_is_called_misspelt() {
        let env = |name: &str| [(name.to_owned(), "x")].into_iter().collect::<Env>();
        let near = |name| suspicious(&env(name)).pop().map(|(_, near)| near);
        assert_eq!(near("FINISHLINE_PROVIDR").as_deref(), Some("FINISHLINE_PROVIDER"));
        assert_eq!(near("FINISHLINE_MAX_PARALEL").as_deref(), Some("FINISHLINE_MAX_PARALLEL"));
        for fine in
            ["FINISHLINE_PROVIDER", "FINISHLINE_OUT_STATUS", "FINISHLINE_RELEASES", "PROVIDR"]
        {
            assert_eq!(near(fine), None, "{fine}");
        }
    }
}
