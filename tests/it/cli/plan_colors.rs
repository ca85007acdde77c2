//! A plan has colors on a terminal that takes them, and nowhere else.

#![cfg(unix)]

use crate::support::pseudo_terminal;
use crate::support::run::ProgramRun;
use std::io::Read;
use std::process::{Command, Stdio};

/// What a plan writes on a terminal with these variables.
fn plan_at_a_terminal(run: &ProgramRun, variables: &[(&str, &str)]) -> String {
    let (mut screen, terminal) = pseudo_terminal::open();
    let mut command = Command::new(env!("CARGO_BIN_EXE_finishline"));
    command.arg("plan").env_clear().current_dir(run.path("")).envs(variables.iter().copied());
    let names = [
        "HOME",
        "FINISHLINE_BACKEND",
        "FINISHLINE_DATABASE",
        "FINISHLINE_PROVIDER",
        "FINISHLINE_ORG",
        "FINISHLINE_STATE",
    ];
    for name in names {
        command.env(name, run.variable(name).unwrap());
    }
    command.stdin(Stdio::null()).stderr(Stdio::null()).stdout(terminal);
    assert!(command.status().unwrap().success());
    drop(command);
    let mut text = Vec::new();
    // It ends with an error once nobody holds the other side.
    drop(screen.read_to_end(&mut text));
    String::from_utf8(text).unwrap()
}

#[test]
fn a_plan_has_colors_on_a_terminal_unless_somebody_asks_for_none() {
    let run = ProgramRun::local().opsgenie();
    let added = "\u{1b}[32m  + install the Opsgenie integration\u{1b}[0m";
    let text = plan_at_a_terminal(&run, &[("TERM", "xterm")]);
    assert!(text.contains(added), "{text:?}");
    for none in [
        vec![("TERM", "xterm"), ("NO_COLOR", "1")],
        vec![("TERM", "dumb")],
        vec![],
        vec![("TERM", "xterm"), ("CI", "true")],
    ] {
        let text = plan_at_a_terminal(&run, &none);
        assert!(text.contains("  + install the Opsgenie integration"), "{text:?}");
        assert!(!text.contains('\u{1b}'), "{none:?}: {text:?}");
    }
    let hostile = run.var(
        "FINISHLINE_STATE",
        "{baseUrl: 'https://api.opsgenie.com/', provider: \"a\\e[31m\", apiKey: k3y}",
    );
    let text = plan_at_a_terminal(&hostile, &[("TERM", "xterm"), ("NO_COLOR", "1")]);
    assert!(!text.contains('\u{1b}'), "{text:?}");
}
