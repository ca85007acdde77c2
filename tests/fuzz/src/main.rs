//! One target of `targets.rs`, the one that `FUZZ_TARGET` names, under libFuzzer.

#![no_main]

#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../../it/support/runner_parser.rs"]
mod runner_parser;
mod targets;

use std::sync::LazyLock;

/// Where the targets find the parser, here as in the tests.
mod support {
    pub(crate) use crate::runner_parser;
}

static TARGET: LazyLock<targets::Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET names a target");
    let found = targets::TARGETS.iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("there is no target {name}")).1
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| TARGET(data));
