//! What packages carry beside the program: completions and manual pages.

use crate::support::run::ProgramRun;
use finishline::inputs::table::{INPUTS, InputSpec};

fn page(args: &[&str]) -> String {
    let args = [&["man"], args].concat();
    ProgramRun::local().args(&args).execute().expect(0).stdout.replace("\\-", "-")
}

#[test]
fn every_command_has_a_page_and_the_first_names_them_all() {
    let first = page(&[]);
    for command in
        ["run", "plan", "resume", "providers", "check", "serve", "schema", "completions", "man"]
    {
        assert!(first.contains(&format!("finishline-{command}(1)")), "{first}");
        let title = format!(".TH finishline-{command} 1  \"finishline ");
        assert!(page(&[command]).contains(&title));
    }
}

#[test]
fn the_pages_of_the_commands_have_every_input() {
    let pages = page(&["run"]) + &page(&["resume"]);
    let lacks = |input: &&InputSpec| !pages.contains(&format!("--{}", input.long()));
    assert!(!INPUTS.iter().any(|input| lacks(&input)));
}

#[test]
fn a_command_that_is_not_there_has_no_page() {
    let ended = ProgramRun::local().args(&["man", "ru\u{1b}n"]).execute().expect(2);
    assert_eq!(
        ended.stderr,
        format!(
            "error: unknown command `ru\\u{{1b}}n`\n  hint: run `finishline --help` to list the \
             commands\n  see: {}/blob/main/docs/errors.md#usage\n",
            env!("CARGO_PKG_REPOSITORY")
        )
    );
}

#[test]
fn every_shell_has_a_script() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = ProgramRun::local().args(&["completions", shell]).execute().expect(0).stdout;
        assert!(script.contains("integration-id"), "{shell}");
    }
}

#[cfg(unix)]
#[test]
fn bash_completes_a_flag() {
    let run = ProgramRun::local();
    let script = run.clone().args(&["completions", "bash"]).execute().expect(0).stdout;
    let script = run.file("completions.bash", script);
    let ask = "source \"$1\"; COMP_WORDS=(finishline run --integ); COMP_CWORD=2; \
        _finishline finishline --integ run; echo \"${COMPREPLY[@]}\"";
    let mut bash = std::process::Command::new("bash");
    let done = bash.args(["-c", ask, "bash"]).arg(script).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stdout), "--integration-id\n");
}
