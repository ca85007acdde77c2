//! Which words of a command are sentry-cli, however it is called.

use super::shell_reader::{ShellCommand, assignment};
use super::shell_word::canonical;
use std::ops::Range;

/// A call of sentry-cli in a command.
pub(super) struct ProgramCall {
    /// The words that name the program.
    pub(super) program: Range<usize>,
    /// Variables that are given to it alone, as they are written.
    pub(super) variables: Vec<(String, String)>,
    /// Those of them that stand within the words that name it.
    pub(super) container_variables: Vec<(String, String)>,
    /// Whether it runs in a container, which has no variables but those that it is given.
    pub(super) is_contained: bool,
}

impl ProgramCall {
    /// The words that name finishline in its place.
    pub(super) fn replacement(&self) -> String {
        let variables = self.container_variables.iter();
        let variables: String = variables.map(|(name, value)| format!("{name}={value} ")).collect();
        match variables.is_empty() {
            true => "finishline sentry-cli".to_owned(),
            false => format!("env {variables}finishline sentry-cli"),
        }
    }
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
    let (mut at, mut container_variables) = (0, Vec::new());
    while WRAPPERS.contains(&command.word(at)) {
        at += 1;
        while let Some((name, value)) = command.words.get(at).and_then(|word| assignment(&word.raw))
        {
            variables.push((name.to_owned(), value.to_owned()));
            at += 1;
        }
    }
    let is_contained = matches!(command.word(at), "docker" | "podman");
    let end = match command.word(at) {
        _ if is_contained => docker_image(command, at + 1, &mut container_variables)?,
        word if is_program(word) => at + 1,
        word => {
            let (_, subcommands) = RUNNERS.iter().find(|(runner, _)| *runner == word)?;
            package_end(command, at + 1, subcommands)?
        }
    };
    let span = |index: usize| &command.words[index].span;
    variables.extend(container_variables.iter().cloned());
    let program = span(at).start..span(end - 1).end;
    Some(ProgramCall { program, variables, container_variables, is_contained })
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

/// Behind the image of `docker run`, where its folder is the working folder and every other flag is known.
fn docker_image(
    command: &ShellCommand,
    start: usize,
    variables: &mut Vec<(String, String)>,
) -> Option<usize> {
    if command.word(start) != "run" {
        return None;
    }
    let mut at = start + 1;
    while command.word(at).starts_with('-') {
        let word = command.word(at);
        let (flag, value) = match word.split_once('=').filter(|_| word.starts_with("--")) {
            Some((flag, value)) => (flag, value),
            None => (word, command.word(at + 1)),
        };
        let takes_value = !matches!(flag, "--rm" | "-i" | "-t" | "-it" | "-ti" | "--init");
        let is_known = match flag {
            "-e" | "--env" => !is_inside(value) && take_variable(value, variables),
            "-v" | "--volume" => FOLDERS.contains(&value),
            "-w" | "--workdir" => value == "/work",
            "-u" | "--user" | "--pull" | "--platform" => true,
            "--network" => value == "host",
            _ => !takes_value,
        };
        is_known.then_some(())?;
        at += 1 + usize::from(takes_value && flag == word);
    }
    command.word(at).contains("getsentry/sentry-cli").then_some(())?;
    let mut arguments = command.words.iter().skip(at + 1);
    arguments.all(|word| !is_inside(&word.raw)).then_some(())?;
    let is_named = command.word(at + 1) == "sentry-cli";
    Some(at + 1 + usize::from(is_named))
}

/// Whether a word names a place that only a container knows.
fn is_inside(raw: &str) -> bool {
    let mut parts = raw.split(|c: char| !c.is_alphanumeric() && !"/-_.".contains(c));
    parts.any(|part| {
        part == "/work" || part.starts_with("/work/") || part.ends_with(".docker.internal")
    })
}

/// What makes the working folder that of the image.
const FOLDERS: &[&str] = &[
    "$(pwd):/work",
    "`pwd`:/work",
    "$PWD:/work",
    "${PWD}:/work",
    ".:/work",
    "./:/work",
    "\"$(pwd)\":/work",
    "\"$PWD\":/work",
    "$(pwd)\":/work",
    "$PWD\":/work",
];

/// Takes `NAME=VALUE` of a container; a name alone is that of the shell. Whether it is one of them.
fn take_variable(text: &str, variables: &mut Vec<(String, String)>) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match assignment(text) {
        Some((name, value)) => {
            variables.push((name.to_owned(), canonical(value)));
            true
        }
        None => !text.is_empty() && text.chars().all(is_name),
    }
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
        let line =
            "docker run --rm -e \"SENTRY_ORG=$O\" -e SENTRY_PROJECT getsentry/sentry-cli info";
        let call = find(&read(line)[0]).unwrap();
        assert_eq!(call.replacement(), "env SENTRY_ORG=\"$O\" finishline sentry-cli");
        for line in [
            "echo sentry-cli",
            "npm install @sentry/cli",
            "docker pull getsentry/sentry-cli",
            "npx tsc",
            "docker run -v \"$PWD/dist:/work\" getsentry/sentry-cli info",
            "docker run --env-file x getsentry/sentry-cli info",
            "docker run -v \"$CI_PROJECT_DIR:/work\" getsentry/sentry-cli info",
            "docker run -v \"$PWD:/work\" getsentry/sentry-cli sourcemaps upload /work/dist",
            "docker run -v .:/work getsentry/sentry-cli files 1 upload --strip-prefix=\"/work\"",
            "docker run --network sentry getsentry/sentry-cli --url http://web:9000 info",
            "docker run -e SENTRY_URL=http://host.docker.internal:9000 getsentry/sentry-cli info",
        ] {
            assert!(find(read(line).last().unwrap()).is_none(), "{line}");
        }
    }
}
