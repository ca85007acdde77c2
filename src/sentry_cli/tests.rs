//! Calls as people write them.

use super::{SentryCliCall, StepInputs, parse};
use crate::error::{Error, ErrorCode};

fn call(line: &str) -> SentryCliCall {
    let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
    parse(&words).unwrap_or_else(|error| panic!("{line}: {error}")).unwrap()
}

fn refusal(line: &str) -> Error {
    let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
    parse(&words).unwrap_err()
}

/// The inputs of one step that does what the calls do, as `name=value`.
fn step(lines: &[&str]) -> Vec<String> {
    let mut step = StepInputs::default();
    for line in lines {
        step.add(&call(line)).unwrap_or_else(|conflict| panic!("{line}: {conflict:?}"));
    }
    step.values().into_iter().map(|(name, value)| format!("{name}={value}")).collect()
}

/// Calls, and the inputs of ours that they mean.
const CALLS: &[(&str, &str)] = &[
    ("releases new 1.0", "release=1.0 commits=none finalize=false"),
    ("releases new -p web -p api 1.0 --finalize", "release=1.0 projects=web,api commits=none"),
    (
        "releases -o acme -p web new 1.0",
        "org=acme release=1.0 projects=web commits=none finalize=false",
    ),
    (
        "--url https://s.example releases new 1.0",
        "url=https://s.example release=1.0 commits=none finalize=false",
    ),
    ("releases set-commits 1.0 --auto --ignore-missing", "release=1.0 finalize=false"),
    ("releases set-commits --auto 1.0", "release=1.0 finalize=false"),
    (
        "releases set-commits 1.0 --local --initial-depth 5",
        "release=1.0 commits=local previous-commit=lookup finalize=false",
    ),
    (
        "releases set-commits 1.0 -c a/b@1..2 --commit c/d@3",
        "release=1.0 commits=a/b@1..2,c/d@3 finalize=false",
    ),
    ("releases set-commits 1.0 --commit a/b", "release=1.0 commits=a/b@HEAD finalize=false"),
    ("releases finalize 1.0", "release=1.0 commits=none"),
    ("releases deploys 1.0 new -e dev", "release=1.0 environment=dev commits=none finalize=false"),
    (
        "deploys new --env=dev --release=1.0 -n x -u https://p.example --started 5",
        "release=1.0 environment=dev commits=none finalize=false deploy-name=x deploy-url=https://p.example started-at=5",
    ),
    (
        "sourcemaps upload ./a ./b -r 1.0 -d 7 -u ~/ --validate",
        "release=1.0 sourcemaps=./a,./b inject=false dist=7 url-prefix=~/ allow-unmapped=true",
    ),
    (
        "sourcemaps inject ./a -i x --ignore y",
        "sourcemaps=./a sourcemaps-ignore=x,y allow-unmapped=true",
    ),
    (
        "releases files 1.0 upload-sourcemaps ./d --rewrite --url-prefix ~/j",
        "release=1.0 sourcemaps=./d inject=false url-prefix=~/j allow-unmapped=true",
    ),
];

#[test]
fn each_call_has_its_inputs() {
    for (line, expected) in CALLS {
        assert_eq!(step(&[line]).join(" "), *expected, "{line}");
    }
}

#[test]
fn the_calls_of_a_job_are_one_step() {
    let lines = [
        "releases new -p web 1.0",
        "releases set-commits 1.0 --auto",
        "sourcemaps inject ./d",
        "sourcemaps upload -r 1.0 ./d",
        "releases finalize 1.0",
        "releases deploys 1.0 new -e prod",
    ];
    let inputs = "release=1.0 projects=web environment=prod sourcemaps=./d allow-unmapped=true";
    assert_eq!(step(&lines).join(" "), inputs);
    let mut other = StepInputs::default();
    other.add(&call("releases new 1.0")).unwrap();
    assert_eq!(other.add(&call("releases finalize 2.0")).unwrap_err().0, "release");
}

#[test]
fn what_is_not_here_is_refused_by_name_with_what_to_use() {
    for (line, name, hint) in [
        ("releases files 1.0 delete --all", "`releases files delete`", "sourcemaps upload"),
        ("releases files 1.0 upload a b", "`releases files upload`", "sourcemaps upload"),
        ("monitors run x", "`monitors`", "sentry-cli"),
        ("debug-files upload x", "`debug-files`", "sentry-cli"),
        ("send-event -m x", "`send-event`", "sentry-cli"),
        ("login", "`login`", "SENTRY_AUTH_TOKEN"),
        ("sourcemaps upload --bundle a --bundle-sourcemap b", "`--bundle`", "DIR"),
        ("sourcemaps upload --note a b", "`--note`", "note"),
        ("--api-key k releases info v1", "`--api-key`", "SENTRY_AUTH_TOKEN"),
        ("releases set-commits 1.0 --clear", "`--clear`", "releases delete"),
    ] {
        let failure = refusal(line);
        assert_eq!(failure.code, ErrorCode::Unsupported, "{line}: {failure}");
        assert!(failure.message.contains(name), "{line}: {failure}");
        assert!(failure.hint.contains(hint), "{line}: {}", failure.hint);
    }
}

#[test]
fn a_mistake_names_what_is_missing() {
    for (line, what) in [
        ("releases new", "VERSION"),
        ("releases files upload-sourcemaps ./dist", "VERSION"),
        ("releases deploys 1.0 new", "--env"),
        ("sourcemaps upload -r 1.0", "PATHS"),
        ("releases new 1.0 --nope", "--nope"),
        ("releases deploys 1.0 new -r 2.0 -e prod", "another by `--release`"),
        ("releases files 1.0 upload-sourcemaps d -r 2.0", "another by `--release`"),
    ] {
        let failure = refusal(line);
        assert_eq!(failure.code, ErrorCode::Usage, "{line}: {failure}");
        assert!(failure.message.contains(what), "{line}: {failure}");
    }
}

#[test]
fn a_flag_without_use_is_warned_about() {
    for line in [
        "sourcemaps inject ./d --ext ts",
        "sourcemaps upload ./d --no-sourcemap-reference",
        "releases set-commits 1.0 --local --initial-depth 5",
    ] {
        assert_eq!(call(line).warnings.len(), 1, "{line}");
    }
}

/// As Sentry's own documents call it for React Native.
#[test]
fn a_reference_to_debug_ids_takes_no_value() {
    let call = call("sourcemaps upload --debug-id-reference ./d ./e");
    assert_eq!(call.inputs["sourcemaps"], "./d,./e");
}

#[test]
fn a_word_that_may_be_a_secret_is_not_shown() {
    for line in
        ["releases new v1 s3cr3t-T0KEN", "s3cr3t-T0KEN releases new v1", "releases s3cr3t-T0KEN"]
    {
        let failure = refusal(line);
        assert!(!format!("{failure} {}", failure.hint).contains("s3cr3t"), "{line}: {failure}");
    }
}

#[test]
fn what_a_script_left_empty_is_refused() {
    for words in [
        &["releases", "new", ""][..],
        &["releases", "deploys", "v1", "new", "-e", ""],
        &["releases", "new", "v1", "-p", ""],
        &["releases", "-o", " ", "new", "v1"],
        &["sourcemaps", "upload", ""],
    ] {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        let failure = parse(&words).unwrap_err();
        assert_eq!(failure.code, ErrorCode::Usage, "{words:?}");
        assert!(failure.message.contains("empty"), "{words:?}: {failure}");
    }
}
