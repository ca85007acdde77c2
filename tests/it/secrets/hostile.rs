//! Hostile and broken text in every input: it panics nowhere, leaks nothing, and commands nobody.

use crate::support::run::{ProgramRun, RunResult};
use crate::support::runner_parser::WorkflowCommand;
use finishline::error::ErrorCode;
use finishline::inputs::table::INPUTS;
use finishline::output::table::OUTPUTS;
use finishline::text::neutral::is_invisible;
use finishline::text::one_line;
use std::collections::BTreeSet;

/// Each would do harm on a stream or in a file that took it as it is.
pub(crate) const HOSTILE: [&str; 3] = [
    "a\n::error::pwned\r::warning::pwned\r\n\t::notice::pwned\u{b}::error::pwned\n##[error]pwned \
     a ##[warning]pwned %0A::error::pwned%0D%25%3A\u{2028}::error::pwned\u{85}::error::pwned",
    "::add-mask::a\n::stop-commands::pwned\n::set-output name=status::pwned\nEOF\nghadelimiter_x\n\
     finishline_0\npwned=1\nstatus=pwned\nstatus<<EOF\npwned\nEOF\nx]: ::warning title=a::pwned",
    "\u{feff}::error::pwned $PWNED ${HOME} $$ `id` $(id) \"'\\ | <img src=x> [a](https://b) \
     \u{1b}[31mpwned\u{9b}31m\u{7f}\u{8}\u{1b}[0Ksection_start:1:pwned\r\u{1b}[0Kpwned \
     \u{202e}p\u{200b}wned ##teamcity[p] #\u{200b}#vso[p]",
];

/// The variable of every input, and one that a field of the state stands for.
fn variables() -> impl Iterator<Item = &'static str> {
    INPUTS.iter().map(|input| input.variables[0]).chain(["NAME"])
}

/// Every variable with every text.
fn hostile() -> impl Iterator<Item = (&'static str, &'static str)> {
    variables().flat_map(|variable| HOSTILE.map(|text| (variable, text)))
}

fn example(run: ProgramRun) -> ProgramRun {
    run.embedded("example", "name: ${NAME}").var("NAME", "demo").var("RUNNER_DEBUG", "1")
}

/// The inputs that are secrets as a whole, and so are masked.
const SECRETS: [&str; 3] =
    ["FINISHLINE_AUTH_TOKEN", "FINISHLINE_PIPELINE_TOKEN", "FINISHLINE_CALLBACK_URL"];

/// What the commands of a run may say.
pub(crate) struct AllowedCommands<'a> {
    /// Whether a group has this title.
    pub(crate) is_group: fn(&str) -> bool,
    /// Whether an error or a warning has this slug.
    pub(crate) is_slug: fn(&str) -> bool,
    /// The only text that is masked.
    pub(crate) secret: &'a str,
}

impl AllowedCommands<'_> {
    fn allows(&self, command: &WorkflowCommand) -> bool {
        match command.name.as_str() {
            _ if command.syntax != 2 => false,
            "group" => (self.is_group)(&command.data) && command.properties.is_empty(),
            "endgroup" => command.data.is_empty() && command.properties.is_empty(),
            "add-mask" => {
                let mut lines = self.secret.split(['\r', '\n']).map(str::trim);
                lines.any(|line| line == command.data) && command.properties.is_empty()
            }
            "error" | "warning" => match command.properties.as_slice() {
                [(key, title)] => {
                    key == "title" && title.strip_prefix("finishline: ").is_some_and(self.is_slug)
                }
                _ => false,
            },
            _ => false,
        }
    }
}

/// Whether a finish of `example` may end or warn with it.
fn is_known(slug: &str) -> bool {
    let slugs = ErrorCode::ALL.iter().map(|code| code.slug());
    slugs
        .chain(["tolerated", "mask-hits-output", "outputs-dropped", "unused-input"])
        .any(|known| known == slug)
}

#[track_caller]
fn assert_harmless(ended: &RunResult, secret: &str) {
    let is_group = |title: &str| title == "finishline: example for acme";
    assert_gives(ended, &AllowedCommands { is_group, is_slug: is_known, secret });
}

/// Nothing but these commands is given, and no terminal is controlled.
#[track_caller]
pub(crate) fn assert_gives(ended: &RunResult, allowed: &AllowedCommands<'_>) {
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(matches!(ended.exit, Some(0 | 2..=7)), "{:?}: {said}", ended.exit);
    let commands = ended.commands();
    assert!(commands.iter().all(|command| allowed.allows(command)), "{commands:?}");
    let count = |name: &str| commands.iter().filter(|command| command.name == name).count();
    assert!(count("error") <= 1 && count("group") == count("endgroup"), "{commands:?}");
    // A mask is no mask unless it is the secret as it stands.
    let shown = said.split('\n').filter(|line| !line.starts_with("::add-mask::"));
    let is_free = |c: char| (!c.is_control() || c == '\t') && !is_invisible(c);
    assert!(shown.flat_map(str::chars).all(is_free), "{said:?}");
}

/// The outputs are those that we name, and say what the result says.
#[track_caller]
pub(crate) fn assert_outputs(ended: &RunResult) {
    let outputs = ended.outputs();
    let names: BTreeSet<_> = outputs.keys().map(String::as_str).collect();
    assert_eq!(names, OUTPUTS.iter().map(|output| output.name).collect());
    let result: serde_json::Value = serde_json::from_str(&outputs["result"]).unwrap();
    let told = |pointer: &str| result.pointer(pointer).and_then(|value| value.as_str());
    assert_eq!(told("/status"), Some(&*outputs["status"]));
    assert_eq!(told("/redirect_url").unwrap_or_default(), outputs["redirect-url"]);
    // A backslash would be obeyed by `echo`; the rest is neutral in the result, too.
    let line = |text: &str| text.replace('\\', "∖");
    let message: String =
        line(told("/error/message").unwrap_or_default()).chars().take(499).collect();
    assert!(outputs["error-message"].starts_with(&message), "{outputs:?}");
    assert!(!outputs["error-message"].contains(char::is_control));
}

#[test]
fn no_input_commands_the_runner_or_sets_an_output() {
    for (input, text) in hostile() {
        let run = example(ProgramRun::github()).var(input, text);
        let secret = if SECRETS.contains(&input) { text } else { "" };
        for mode in ["run", "plan", "resume"] {
            let ended = run.clone().args(&[mode]).execute();
            assert_harmless(&ended, secret);
            assert_outputs(&ended);
        }
    }
}

#[test]
fn no_argument_commands_the_runner() {
    for text in HOSTILE {
        let set = format!("{text}=1");
        let flag = format!("--{text}");
        for args in [&["run", "--set", &set][..], &["run", &flag], &["run", text], &[text]] {
            let ended = example(ProgramRun::github()).args(args).execute();
            assert_harmless(&ended, "");
            assert_outputs(&ended);
        }
        let ended = example(ProgramRun::github()).args(&["providers", text]).execute().expect(2);
        assert_harmless(&ended, "");
    }
}

#[test]
fn no_input_controls_a_terminal() {
    for (input, text) in hostile() {
        for format in ["text", "json"] {
            let run = example(ProgramRun::local()).var(input, text);
            let ended = run.args(&["run", "--format", format, "--log-format", format]).execute();
            assert_harmless(&ended, "");
        }
    }
}

#[test]
fn no_input_controls_gitlabs_log_or_sets_a_variable() {
    for (input, text) in hostile() {
        let mut ended = example(ProgramRun::gitlab()).var(input, text).execute();
        let section =
            |kind: &str| ended.stderr.matches(&format!("\u{1b}[0Ksection_{kind}:")).count();
        assert!(section("start") <= 1 && section("start") == section("end"), "{}", ended.stderr);
        let allowed = |line: &&str| !line.starts_with("\u{1b}[0Ksection_");
        ended.stderr = ended.stderr.lines().filter(allowed).collect::<Vec<_>>().join("\n");
        assert_harmless(&ended, "");
        if input != "FINISHLINE_DOTENV" {
            let names = ended.outputs().into_keys();
            assert!(names.into_iter().all(|name| name.starts_with("FINISHLINE_OUT_")));
        }
    }
}

#[test]
fn what_is_stored_and_handed_on_is_what_was_given() {
    for text in HOSTILE {
        let run = example(ProgramRun::github()).var("NAME", text).var("FINISHLINE_NEXT", text);
        let ended = run.execute().expect(0);
        assert_eq!(
            run.rows("SELECT external_id || '|' || name FROM integration"),
            [format!("{text}|{text}")]
        );
        let settings = "http://127.0.0.1:9797/settings/acme/integrations/example/1/";
        assert_eq!(ended.output("redirect-url"), format!("{settings}?next={}", quote_plus(text)));
        let result: serde_json::Value = serde_json::from_str(&ended.output("result")).unwrap();
        assert_eq!(result["integration"]["name"], one_line(text));
        let summary = ended.summary();
        assert!(!summary.contains("<img") && !summary.contains("[a](https://b)"), "{summary}");
    }
}

/// Python's `quote_plus`, the encoding of `urlencode`.
fn quote_plus(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        b'_' | b'.' | b'-' | b'~' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[test]
fn a_path_is_a_path_whatever_sqlite_would_make_of_it() {
    for path in [":memory:", "file:x?mode=memory", "file::memory:?cache=shared", "file:x#y"] {
        let run = example(ProgramRun::github()).var("FINISHLINE_DATABASE", path);
        assert_eq!(run.execute().expect(0).output("changed"), "true", "{path}");
        assert_eq!(run.execute().expect(0).output("changed"), "false", "{path}");
        assert!(run.path(path).metadata().unwrap().len() > 0, "{path}");
    }
}
