//! Which words of a command are sentry-cli, however it is called.

use super::shell_reader::{ShellCommand, assignment};
use std::ops::Range;

/// A call of sentry-cli in a command.
pub(super) struct ProgramCall {
    /// The words that name the program.
    pub(super) program: Range<usize>,
    /// Variables that are given to it alone, as they are written.
    pub(super) variables: Vec<(String, String)>,
}

/// Words before a program that change nothing of what it does.
const WRAPPERS: &[&str] = &["sudo", "command", "exec", "time", "env"];
/// Runners of npm's packages, with the word that may follow.
const RUNNERS: &[(&str, &[&str])] = &[
    ("npx", &[]),
    ("bunx", &[]),
    ("npm", &["exec", "x"]),
    ("yarn", &["run", "exec", "dlx"]),
    ("pnpm", &["exec", "dlx", "run"]),
    ("bun", &["x", "run"]),
    ("bundle", &["exec"]),
];

/// Finds sentry-cli at the start of a command.
pub(super) fn find(command: &ShellCommand) -> Option<ProgramCall> {
    let mut variables = command.assignments.clone();
    let mut at = 0;
    while WRAPPERS.contains(&command.word(at)) {
        at += 1;
        while let Some((name, value)) = command.words.get(at).and_then(|word| assignment(&word.raw))
        {
            variables.push((name.to_owned(), value.to_owned()));
            at += 1;
        }
    }
    let end = match command.word(at) {
        "docker" | "podman" => docker_image(command, at + 1, &mut variables)?,
        word if is_program(word) => at + 1,
        word => {
            let (_, subcommands) = RUNNERS.iter().find(|(runner, _)| *runner == word)?;
            package_end(command, at + 1, subcommands)?
        }
    };
    let span = |index: usize| &command.words[index].span;
    Some(ProgramCall { program: span(at).start..span(end - 1).end, variables })
}

/// Whether a word names the program or its package.
fn is_program(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    let is_name = matches!(name, "sentry-cli" | "sentry-cli.exe" | "sentry-cli.cmd");
    is_name
        || word == "@sentry/cli"
        || word.starts_with("@sentry/cli@")
        || word.starts_with("sentry-cli@")
}

/// Behind the package that a runner is given; its own flags have no values but `-p`.
fn package_end(command: &ShellCommand, start: usize, subcommands: &[&str]) -> Option<usize> {
    let mut at = start + usize::from(subcommands.contains(&command.word(start)));
    while command.word(at).starts_with('-') {
        let takes_value = matches!(command.word(at), "-p" | "--package");
        at += 1 + usize::from(takes_value);
    }
    is_program(command.word(at)).then_some(at + 1)
}

/// Behind the image of `docker run`, whose folder is the working folder.
fn docker_image(
    command: &ShellCommand,
    start: usize,
    variables: &mut Vec<(String, String)>,
) -> Option<usize> {
    if command.word(start) != "run" {
        return None;
    }
    let is_image = |word: &str| word.contains("getsentry/sentry-cli");
    let image = (start..command.words.len()).find(|index| is_image(command.word(*index)))?;
    for index in start + 1..image {
        let raw = &command.words[index].raw;
        let is_variable = matches!(command.word(index - 1), "-e" | "--env");
        let raw = raw.strip_prefix("--env=").or(is_variable.then_some(raw.as_str()));
        if let Some((name, value)) = raw.and_then(assignment) {
            variables.push((name.to_owned(), value.to_owned()));
        }
    }
    let is_named = command.word(image + 1) == "sentry-cli";
    Some(image + 1 + usize::from(is_named))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::shell_reader::read;

    #[test]
    fn it_is_found_however_it_is_called() {
        for (line, program) in [
            ("sentry-cli info", "sentry-cli"),
            ("./node_modules/.bin/sentry-cli info", "./node_modules/.bin/sentry-cli"),
            ("npx --yes @sentry/cli@2 info", "npx --yes @sentry/cli@2"),
            ("npx -p @sentry/cli sentry-cli info", "npx -p @sentry/cli sentry-cli"),
            ("yarn sentry-cli info", "yarn sentry-cli"),
            ("pnpm dlx @sentry/cli info", "pnpm dlx @sentry/cli"),
            ("npm exec -- @sentry/cli info", "npm exec -- @sentry/cli"),
            (
                "docker run --rm -e SENTRY_ORG=x -v \"$(pwd)\":/work getsentry/sentry-cli:2 info",
                "docker run --rm -e SENTRY_ORG=x -v \"$(pwd)\":/work getsentry/sentry-cli:2",
            ),
            ("A=b sudo sentry-cli info", "sentry-cli"),
        ] {
            let commands = read(line);
            let call = find(commands.last().unwrap()).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(&line[call.program], program, "{line}");
        }
        for line in [
            "echo sentry-cli",
            "npm install @sentry/cli",
            "docker pull getsentry/sentry-cli",
            "npx tsc",
        ] {
            assert!(find(read(line).last().unwrap()).is_none(), "{line}");
        }
    }
}
