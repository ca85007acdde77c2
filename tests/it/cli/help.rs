//! What `--help` shows, what a shell completes, and the list of providers.

use crate::support::run::ProgramRun;
use finishline::error::{ErrorCode, ExitCode};
use finishline::inputs::table::{INPUTS, InputGroup, InputSpec};
use finishline::provider::PROVIDERS;

const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

fn said(args: &[&str]) -> String {
    ProgramRun::local().args(args).execute().expect(0).stdout
}

fn help(command: &[&str]) -> String {
    said(&[command, &["--help"]].concat())
}

/// What a help text has under a heading, on one line.
fn under<'a>(help: &'a str, heading: &str) -> &'a str {
    let (_, rest) =
        help.split_once(&format!("\n{heading}:\n")).unwrap_or_else(|| panic!("{heading}: {help}"));
    let end = rest.match_indices("\n\n").find(|(at, _)| !rest[at + 2..].starts_with(' '));
    &rest[..end.map_or(rest.len(), |(at, _)| at)]
}

fn has_flag(help: &str, input: &InputSpec) -> bool {
    let flag = format!("--{}", input.long());
    help.split([' ', '[', '=', '\n']).any(|word| word == flag)
}

#[test]
fn help_has_the_inputs_of_a_run_under_their_headings_in_order() {
    let help = help(&["run"]);
    let places = InputGroup::ALL.map(|group| help.find(&format!("\n{}:\n", group.as_str())));
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{help}");
    for input in INPUTS.iter().filter(|input| !["callback-url", "entry"].contains(&input.name)) {
        let group = under(&help, input.group.as_str());
        assert!(has_flag(group, input), "{}: {group}", input.name);
    }
}

#[test]
fn help_has_what_holds_without_an_input_and_the_variables_that_give_it() {
    let help = help(&["run"]).split_whitespace().collect::<Vec<_>>().join(" ");
    for input in INPUTS.iter().filter(|input| !["callback-url", "entry"].contains(&input.name)) {
        let variables = format!("[{}]", input.variables.join(", "));
        assert!(help.contains(&variables), "{}", input.name);
        let default = format!("[default: {}] {variables}", input.default.trim_matches('`'));
        let has_one = !["none", "{}"].contains(&input.default);
        assert_eq!(help.contains(&default), has_one, "{}", input.name);
    }
}

/// What a command does not use is not shown, though it is taken, with a warning.
#[test]
fn help_has_only_what_the_command_takes() {
    let cases: [(&[&str], &[&str], &[&str]); 7] = [
        (
            &["run"],
            &["provider", "deploy-name", "sourcemaps", "max-parallel"],
            &["callback-url", "entry"],
        ),
        (&["plan"], &["provider", "release"], &["dry-run", "callback-url"]),
        (&["check"], &["provider", "release"], &["callback-url"]),
        (
            &["resume"],
            &["callback-url", "entry", "resume-file", "org"],
            &["environment", "sourcemaps", "mode"],
        ),
        (&["import"], &["org", "url", "format"], &["provider", "release", "sourcemaps"]),
        (
            &["sourcemaps"],
            &["release", "dist", "projects"],
            &["provider", "deploy-name", "commits"],
        ),
        (&["sourcemaps", "explain"], &["release", "sourcemaps"], &["provider", "environment"]),
    ];
    for (command, shown, hidden) in cases {
        let help = help(command);
        let is_shown = |name: &&str| has_flag(&help, InputSpec::find(name).unwrap());
        assert!(shown.iter().all(is_shown), "{command:?}: {help}");
        assert!(!hidden.iter().any(is_shown), "{command:?}: {help}");
    }
}

#[test]
fn help_ends_with_examples_and_exit_codes() {
    let run = help(&["run"]);
    for exit in ExitCode::ALL {
        let line = format!("  {}  {}", exit.number(), exit.meaning());
        let is_of_plan = exit == ExitCode::ChangesPending;
        assert_eq!(run.contains(&line), !is_of_plan, "{line}: {run}");
        assert!(help(&["plan"]).contains(&line));
    }
    for command in ["run", "plan", "check", "import", "resume", "sourcemaps"] {
        let text = help(&[command]);
        assert!(under(&text, "Examples").contains(&format!("  finishline {command} ")), "{text}");
        assert!(text.contains(&format!("{REPOSITORY}/blob/main/docs/reference.md")));
    }
    assert!(under(&said(&["--help"]), "Examples").contains("finishline run"));
}

/// An example that help shows is one that the program reads.
#[test]
fn every_example_of_help_can_be_typed() {
    for command in [
        &["run"][..],
        &["plan"],
        &["check"],
        &["import"],
        &["resume"],
        &["sourcemaps"],
        &["sourcemaps", "explain"],
        &[],
    ] {
        let help = help(command);
        for line in under(&help, "Examples").lines() {
            let line = line.split(" # ").next().unwrap().split(" > ").next().unwrap();
            let words = line.split_whitespace().map(Into::into);
            assert!(finishline::cli::parse(words).is_ok(), "{line}");
        }
    }
}

#[test]
fn a_missing_argument_is_named_and_so_are_the_values_of_a_wrong_one() {
    let failed = |args: &[&str]| ProgramRun::local().args(args).execute().expect(2).stderr;
    let shells = "bash, elvish, fish, powershell, zsh";
    let missing = failed(&["completions"]);
    let words = format!("error: `finishline completions` needs one of: {shells}\n");
    assert!(missing.starts_with(&words), "{missing}");
    assert!(missing.contains("hint: for example, `finishline completions bash`"), "{missing}");
    let wrong = failed(&["completions", "tcsh"]);
    assert!(wrong.contains("`tcsh`") || wrong.contains("'tcsh'"), "{wrong}");
    assert!(
        wrong.contains("hint: set it to one of: bash, elvish, fish, powershell, zsh"),
        "{wrong}"
    );
    assert!(failed(&["migrate"]).starts_with("error: missing <FILE>"));
    assert!(failed(&["sourcemaps", "explain"]).starts_with("error: missing <URL:LINE:COLUMN>"));
}

#[cfg(unix)]
#[test]
fn a_shell_completes_the_values_of_an_input() {
    let run = ProgramRun::local();
    let script = run.file("completions.bash", said(&["completions", "bash"]));
    let ask = "source \"$1\"; COMP_WORDS=(finishline \"$2\" \"$3\" \"$4\"); COMP_CWORD=3; \
        _finishline finishline \"$4\" \"$3\"; echo \"${COMPREPLY[*]}\"";
    let complete = |command: &str, flag: &str, begun: &str| {
        let mut bash = std::process::Command::new("bash");
        let done = bash.args(["-c", ask, "bash"]).arg(&script).args([command, flag, begun]);
        String::from_utf8(done.output().unwrap().stdout).unwrap().trim().to_owned()
    };
    assert_eq!(complete("run", "--mode", ""), "ensure install reauth remove link");
    assert_eq!(complete("run", "--provider", "ops"), "opsgenie");
    assert_eq!(complete("plan", "--ci", "git"), "gitea github gitlab");
    assert_eq!(complete("resume", "--dialect", "w"), "web");
    assert_eq!(complete("run", "--log-level", "tr"), "trace");
}

#[test]
fn a_shell_completes_only_the_flags_that_the_command_uses() {
    let script = said(&["completions", "bash"]);
    let (_, rest) = script.split_once("finishline__subcmd__resume)\n").expect("the command");
    let flags = rest.lines().next().unwrap();
    assert!(flags.contains(" --callback-url ") && !flags.contains(" --deploy-name "), "{flags}");
}

/// A value that a shell does not offer is still judged with the inputs, in their words.
#[test]
fn an_unknown_value_is_the_inputs_error() {
    let ended = ProgramRun::local().args(&["run", "--ci", "gihtub"]).execute().expect(2);
    assert!(ended.stderr.contains("--ci") && ended.stderr.contains("github"), "{}", ended.stderr);
}

#[test]
fn the_providers_stand_under_what_they_take_each_with_its_page() {
    let list = said(&["providers"]);
    let groups = [
        "Set the fields in `state`, and the integration is installed:",
        "A person approves once in a browser:",
        "Only a Sentry server can install these:",
    ];
    let places: Vec<_> = groups.iter().map(|group| list.find(group).expect("the group")).collect();
    assert!(places.is_sorted());
    for provider in PROVIDERS {
        let at = list.find(&format!("\n  {} ", provider.key())).expect("the provider");
        let group = places.iter().rposition(|place| *place < at).expect("a group");
        let has_callback =
            provider.all_steps().any(|step| step.fields.iter().any(|one| one.callback().is_some()));
        let right =
            if provider.sentry_only_reason().is_some() { 2 } else { usize::from(has_callback) };
        assert_eq!(group, right, "{}", provider.key());
        let page = list[at + 1..].lines().nth(1).unwrap().trim();
        assert!(page.starts_with("https://docs.sentry.io/organization/integrations/"), "{page}");
    }
    let one = said(&["providers", "vercel"]);
    assert!(
        one.contains("\nhttps://docs.sentry.io/organization/integrations/deployment/vercel/\n")
    );
}

#[test]
fn a_failure_links_to_the_page_of_its_code() {
    let page = |code: ErrorCode| format!("{REPOSITORY}/blob/main/docs/errors.md#{}", code.slug());
    let local = ProgramRun::local().args(&["run", "--provider", "opsgenei", "--org", "acme"]);
    let local = local.execute().expect(2);
    let line = format!("\n  see: {}\n", page(ErrorCode::UnknownProvider));
    assert!(local.stderr.ends_with(&line), "{}", local.stderr);
    let asked = ProgramRun::local().args(&["providers", "opsgenei"]).execute().expect(2);
    assert!(asked.stderr.ends_with(&line), "{}", asked.stderr);
    let github = ProgramRun::github().args(&["run", "--provider", "opsgenie", "--org", "acme"]);
    let github = github.execute().expect(5);
    let page = page(ErrorCode::NoToken);
    assert!(github.stderr.contains(&format!("%0Asee: {page}\n")), "{}", github.stderr);
    assert!(github.summary().contains(&format!("[`no-token`]({page})")), "{}", github.summary());
}
