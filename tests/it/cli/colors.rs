//! How much is said, and in which colors.

use crate::support::run::ProgramRun;
use crate::support::serve::{ServeProcess, TOKEN};

const RED: &str = "\u{1b}[1;31merror\u{1b}[0m: ";

/// A run that makes a release in a file of its own.
fn release() -> ProgramRun {
    let run = ProgramRun::local();
    let database = run.database();
    run.var("FINISHLINE_BACKEND", "embedded")
        .var("FINISHLINE_DATABASE", database)
        .var("FINISHLINE_ORG", "acme")
        .var("FINISHLINE_PROJECTS", "web")
        .var("FINISHLINE_RELEASE", "v1")
        .var("FINISHLINE_COMMITS", "none")
}

#[test]
fn colors_are_for_whom_asks_for_them_and_never_in_a_pipe_unasked() {
    let failing = release().var("FINISHLINE_TIMEOUT", "never");
    for (choice, is_red) in [(None, false), (Some("never"), false), (Some("always"), true)] {
        let run = choice
            .into_iter()
            .fold(failing.clone(), |run, choice| run.args(&["run", "--color", choice]));
        let ended = run.execute().expect(2);
        assert_eq!(ended.stderr.contains(RED), is_red, "{choice:?}: {}", ended.stderr);
        assert_eq!(ended.everything().contains('\u{1b}'), is_red, "{choice:?}");
    }
    let ended = release().args(&["run", "--color", "red"]).execute().expect(2);
    assert!(ended.stderr.contains("`auto`, `always` or `never`"), "{}", ended.stderr);
}

#[test]
fn short_words_stand_for_levels_of_the_log() {
    let serve = ServeProcess::start();
    let run = release()
        .var("FINISHLINE_BACKEND", "sentry")
        .without("FINISHLINE_DATABASE")
        .var("SENTRY_URL", serve.url())
        .var("SENTRY_AUTH_TOKEN", TOKEN);
    for (flags, info, debug) in [
        (&["run"][..], true, false),
        (&["run", "-q"], false, false),
        (&["run", "--quiet"], false, false),
        (&["run", "-v"], true, true),
        (&["run", "-vv"], true, true),
    ] {
        let ended = run.clone().args(flags).execute().expect(0);
        assert_eq!(ended.stderr.contains("INFO"), info, "{flags:?}: {}", ended.stderr);
        assert_eq!(ended.stderr.contains("DEBUG"), debug, "{flags:?}: {}", ended.stderr);
        assert!(ended.stdout.starts_with("release v1 "), "{}", ended.stdout);
    }
    for flags in [&["run", "-q", "-v"], &["run", "-q", "--log-level=info"]] {
        release().args(flags).execute().expect(2);
    }
}
