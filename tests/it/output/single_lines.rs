//! What a host reads by lines: the marks between which a value stands, and values of one line each.

use crate::release::requests::released;
use crate::support::http_server::{HttpServer, Response};
use crate::support::proxy::{PROXY_TOKEN, ServeProxy};
use crate::support::run::ProgramRun;
use std::collections::BTreeSet;

/// The marks of each block in a file of `GITHUB_OUTPUT`.
fn marks(text: &str) -> Vec<String> {
    let opened = text.lines().filter_map(|line| line.split_once("<<"));
    opened.map(|(_, mark)| mark.to_owned()).collect()
}

#[test]
fn the_mark_of_a_block_is_random_and_never_repeats() {
    let run = ProgramRun::github().opsgenie();
    let mut all = BTreeSet::new();
    for number in 0..3 {
        let ended = run.execute().expect(0);
        let marks = marks(&run.text(&format!("output-{number}")));
        assert_eq!(marks.len(), ended.outputs().len(), "each output is a block of its own");
        for mark in marks {
            let random = mark.strip_prefix("finishline_").unwrap();
            assert!(random.len() >= 32, "{mark} can be guessed");
            let digits: BTreeSet<_> = random.chars().take(32).collect();
            assert!(digits.len() > 4, "{mark} is not random");
            assert!(!ended.stderr.contains(random) && !ended.stdout.contains(random), "{mark}");
            assert!(all.insert(mark.clone()), "{mark} is there twice");
        }
    }
    // What is random differs from run to run, not only by a number.
    let random: BTreeSet<_> = all
        .iter()
        .map(|mark| mark.chars().skip(11).take(32).collect())
        .collect::<BTreeSet<String>>();
    assert!(random.len() >= 3);
}

/// Words of a server with every kind of line end in them.
const LINES: &str = "one\ntwo\rthree\r\nfour\u{b}five\u{c}six\u{85}seven\u{2028}eight\u{2029}nine";

#[test]
fn an_output_is_one_line_where_the_host_reads_lines() {
    let server = HttpServer::new(|_| Response::detail(403, LINES));
    let release = |run: ProgramRun| {
        run.var("SENTRY_URL", server.url())
            .var("SENTRY_AUTH_TOKEN", PROXY_TOKEN)
            .var("SENTRY_ORG", "acme")
            .var("SENTRY_PROJECT", "web")
            .var("FINISHLINE_RELEASE", "v1")
    };
    let bitbucket = ProgramRun::local().var("BITBUCKET_BUILD_NUMBER", "1");
    let pairs = bitbucket.file("pairs", "");
    let circleci = ProgramRun::local().var("CIRCLECI", "true");
    let exports = circleci.file("exports", "");
    for (run, file) in [
        (ProgramRun::gitlab(), "finishline.env"),
        (bitbucket.var("BITBUCKET_PIPELINES_VARIABLES_PATH", pairs), "pairs"),
        (circleci.var("BASH_ENV", exports), "exports"),
    ] {
        let run = release(run);
        run.execute().expect(5);
        let text = run.text(file);
        let ends = |c: char| c.is_control() || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}');
        let mut names = BTreeSet::new();
        for line in text.split('\n').filter(|line| !line.is_empty()) {
            let name = line.trim_start_matches("export ").split('=').next().unwrap();
            assert!(name.starts_with("FINISHLINE_OUT_"), "{file}: {line:?}");
            assert!(!line.contains(ends), "{file}: {line:?}");
            assert!(names.insert(name.to_owned()), "{file}: {name} is there twice");
        }
        let message = text.lines().find(|line| line.contains("ERROR_MESSAGE")).unwrap();
        assert!(message.contains("one") && message.contains("nine"), "{file}: {message}");
    }
}

#[test]
fn a_value_that_a_host_would_alter_is_warned_of() {
    let relay = ServeProxy::new();
    for (azure, version, is_altered) in
        [(true, "v1$(a b)", true), (true, "v1$x", false), (false, "v1$(a b)", false)]
    {
        let run = released(&relay).var("FINISHLINE_RELEASE", version);
        let run = if azure { run.without("GITHUB_ACTIONS").var("TF_BUILD", "True") } else { run };
        let ended = run.execute().expect(0);
        assert_eq!(ended.stdout.contains("code=output-altered"), is_altered, "{}", ended.stdout);
        assert_eq!(ended.stdout.contains("by a variable: release"), is_altered, "{}", ended.stdout);
        assert!(!ended.stderr.contains("output-altered"), "{}", ended.stderr);
    }
    let gitlab = ProgramRun::gitlab().embedded_release("v1\u{2028}2").execute().expect(0);
    assert!(gitlab.stderr.contains("white space around it: release"), "{}", gitlab.stderr);
}
