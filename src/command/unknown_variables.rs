//! A variable of ours that is spelt otherwise than any input's would be passed over without a word.

use crate::env::Env;
use crate::inputs::table::INPUTS;
use crate::text::suggest::closest;

const PREFIX: &str = "FINISHLINE_";
/// What earlier jobs hand on.
const OUTPUTS: &str = "FINISHLINE_OUT_";
/// What the action and the component install the program by.
const INSTALLER_VARIABLES: [&str; 4] = ["RELEASES", "VERSION", "CHECKSUM", "CHECKSUMS"];

/// Says which variables are near an input's and none.
pub(crate) fn warn(env: &Env) {
    for (name, near) in suspicious(env) {
        tracing::warn!("{name} is the variable of no input: did you mean {near}?");
    }
}

/// Each variable that is near an input's and none, with that one's name.
fn suspicious(env: &Env) -> Vec<(&str, String)> {
    let ours = INPUTS.iter().flat_map(|input| input.variables);
    let ours: Vec<_> = ours.filter_map(|name| name.strip_prefix(PREFIX)).collect();
    let given = env.names().filter(|name| !name.starts_with(OUTPUTS));
    let given = given.filter_map(|name| Some((name, name.strip_prefix(PREFIX)?)));
    let strange =
        given.filter(|(_, rest)| !ours.contains(rest) && !INSTALLER_VARIABLES.contains(rest));
    let found =
        strange.filter_map(|(name, rest)| Some((name, closest(rest, ours.iter().copied())?)));
    found.map(|(name, near)| (name, format!("{PREFIX}{near}"))).collect()
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
