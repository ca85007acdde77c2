//! What the hosts other than GitHub and GitLab are handed, read back as each of them reads it.

#![cfg(unix)]

use crate::support::run::{ProgramRun, RunResult, SECRET};
use crate::support::runner_parser;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

const SETTINGS: &str = "http://127.0.0.1:9797/settings/acme/integrations/opsgenie/1/";

/// A key that no provider has; the message that quotes it is an output.
const HOSTILE: &str = "'$(touch pwned)`touch pwned`$HOME ##vso[task.complete]x";

fn hostile(run: ProgramRun) -> ProgramRun {
    run.var("FINISHLINE_PROVIDER", HOSTILE)
}

/// What a shell has in a variable once it has sourced a file.
fn sourced(file: &Path, variable: &str) -> String {
    let script = format!(". \"$1\" && printf %s \"${variable}\"");
    let arguments = ["-c", &script, "sh", file.to_str().unwrap()];
    let done = Command::new("sh").args(arguments).env_clear().output().unwrap();
    assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
    String::from_utf8(done.stdout).unwrap()
}

/// The commands of Azure's agent on a stream: event, properties, data.
fn azure_commands(stream: &str) -> Vec<(String, String)> {
    let command = |line: &str| {
        let (head, data) = line.split_once("##vso[")?.1.split_once(']')?;
        Some((head.to_owned(), data.replace("%0A", "\n").replace("%AZP25", "%")))
    };
    stream.lines().filter_map(command).collect()
}

fn azure_output(ended: &RunResult, name: &str) -> String {
    let head = format!("task.setvariable variable={name};isOutput=true");
    let commands = azure_commands(&ended.stdout);
    let found = commands.iter().find(|(other, _)| *other == head);
    found.unwrap_or_else(|| panic!("{name} is set in {commands:?}")).1.clone()
}

#[test]
fn azure_is_told_the_outputs_after_the_masks() {
    let run = ProgramRun::local().var("TF_BUILD", "True").opsgenie();
    let run = run.clone().var("AGENT_TEMPDIRECTORY", run.path(""));
    let ended = run.execute().expect(0);
    assert_eq!(azure_output(&ended, "status"), "complete");
    assert_eq!(azure_output(&ended, "redirect_url"), SETTINGS);
    assert!(ended.stdout.starts_with(&format!("##vso[task.setsecret]{SECRET}\n")));
    assert!(!ended.stdout.contains("variable=result;"), "{}", ended.stdout);
    let commands = azure_commands(&ended.stdout);
    let (_, summary) = commands.iter().find(|(head, _)| head == "task.uploadsummary").unwrap();
    assert!(std::fs::read_to_string(summary).unwrap().contains("Opsgenie is installed for acme"));
    assert!(azure_commands(&ended.stderr).is_empty());
}

#[test]
fn azure_shows_a_failure_and_obeys_nothing_in_it() {
    let ended = hostile(ProgramRun::local().var("TF_BUILD", "True").opsgenie()).execute().expect(2);
    let commands = azure_commands(&ended.stdout);
    let (head, data) = &commands[0];
    assert_eq!(head, "task.logissue type=error;code=usage");
    assert!(data.contains("# #vso[task.complete]"), "{data}");
    assert!(commands[1..].iter().all(|(head, _)| head.starts_with("task.setvariable variable=")));
    assert!(azure_output(&ended, "error_message").contains("$ (touch pwned)"));
    assert!(azure_commands(&ended.stderr).is_empty());
}

#[test]
fn azure_takes_no_json_on_standard_output() {
    let run =
        ProgramRun::local().var("TF_BUILD", "True").opsgenie().args(&["run", "--format", "json"]);
    let ended = run.execute().expect(2);
    assert_eq!(azure_output(&ended, "error_code"), "usage");
    assert!(ended.stdout.contains("set `result-file` instead"), "{}", ended.stdout);
    assert!(!run.database().exists());
}

#[test]
fn circleci_sources_the_outputs_and_runs_nothing() {
    let run = ProgramRun::local().var("CIRCLECI", "true").opsgenie();
    let file = run.file("bash-env", "export OTHER=kept");
    let run = run.var("BASH_ENV", &file);
    run.execute().expect(0);
    assert_eq!(sourced(&file, "FINISHLINE_OUT_REDIRECT_URL"), SETTINGS);
    hostile(run.clone()).execute().expect(2);
    let message = sourced(&file, "FINISHLINE_OUT_ERROR_MESSAGE");
    assert!(message.contains("'$(touch pwned)`touch pwned`$HOME"), "{message}");
    assert_eq!(sourced(&file, "FINISHLINE_OUT_REDIRECT_URL"), "");
    assert_eq!(sourced(&file, "OTHER"), "kept");
    assert!(!run.path("pwned").exists());
}

#[test]
fn woodpecker_finds_a_file_in_the_workspace_that_is_replaced() {
    let run = ProgramRun::local().var("CI", "woodpecker").opsgenie();
    let run = run.clone().var("CI_WORKSPACE", run.path(""));
    for changed in ["true", "false"] {
        run.execute().expect(0);
        assert_eq!(sourced(&run.path("finishline.env"), "FINISHLINE_OUT_CHANGED"), changed);
        assert_eq!(run.text("finishline.env").matches("OUT_STATUS=").count(), 1);
    }
}

#[test]
fn jenkins_finds_a_file_for_its_withenv() {
    let run = ProgramRun::local().var("JENKINS_URL", "https://ci.example/").opsgenie();
    let run = run.clone().var("WORKSPACE", run.path(""));
    hostile(run.clone()).execute().expect(2);
    let variables = runner_parser::inherited(&run.text("finishline.env"));
    let message = &variables["FINISHLINE_OUT_ERROR_MESSAGE"];
    assert!(message.contains("'$(touch pwned)`touch pwned`$HOME"), "{message}");
}

#[test]
fn bitbucket_has_one_line_for_each_output_at_the_end_of_its_file() {
    let run = ProgramRun::local().var("BITBUCKET_BUILD_NUMBER", "7").opsgenie();
    let file = run.file("variables", "OTHER=kept\n");
    run.clone().var("BITBUCKET_PIPELINES_VARIABLES_PATH", &file).execute().expect(0);
    let text = run.text("variables");
    let variables: BTreeMap<_, _> =
        text.lines().map(|line| line.split_once('=').unwrap()).collect();
    assert_eq!(variables["OTHER"], "kept");
    assert_eq!(variables["FINISHLINE_OUT_REDIRECT_URL"], SETTINGS);
    assert_eq!(variables["FINISHLINE_OUT_ERROR_CODE"], "");
}

#[test]
fn a_host_that_names_no_file_for_the_outputs_is_warned_of() {
    for (host, variable) in
        [("CIRCLECI", "BASH_ENV"), ("BITBUCKET_BUILD_NUMBER", "BITBUCKET_PIPELINES_VARIABLES_PATH")]
    {
        let run = ProgramRun::local().var(host, "true").var(variable, "").opsgenie();
        let told = |ended: &RunResult| ended.stderr.contains(&format!("{variable} is not set"));
        assert!(told(&run.execute().expect(0)), "{host}");
        let file = run.path("out.env");
        assert!(!told(&run.var("FINISHLINE_DOTENV", file).execute().expect(0)), "{host}");
    }
}

/// Buildkite, with an agent that keeps what it is called with and then runs `script`.
fn buildkite(script: &str) -> ProgramRun {
    let run = ProgramRun::local().var("BUILDKITE", "true").opsgenie();
    let log = run.path("calls");
    let agent = format!(
        "#!/bin/sh\nexec >>{}\nprintf '<%s>' \"$@\"\nprintf ' '\ncat\nprintf '\\n'\n{script}\n",
        log.display()
    );
    let agent = run.file("buildkite-agent", agent);
    std::fs::set_permissions(&agent, PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", run.path("").display());
    run.var("PATH", path)
}

#[test]
fn buildkites_agent_is_given_each_output_and_the_summary() {
    let run = buildkite("");
    run.execute().expect(0);
    let calls = run.text("calls");
    assert!(calls.starts_with("<meta-data><set><finishline-status><complete> \n"), "{calls}");
    let url = format!("<meta-data><set><finishline-redirect-url><{SETTINGS}> \n");
    assert!(calls.contains(&url), "{calls}");
    assert!(!calls.contains("finishline-error-code"), "the agent takes no empty value: {calls}");
    let annotation = "<annotate><--style><success><--context><finishline-opsgenie> ###";
    assert!(calls.contains(annotation), "{calls}");
    assert!(calls.contains("Opsgenie is installed for acme"), "{calls}");
    assert!(!calls.contains(SECRET), "{calls}");
}

#[test]
fn a_build_without_buildkites_agent_goes_on_and_is_warned() {
    let run = buildkite("");
    std::fs::remove_file(run.path("buildkite-agent")).unwrap();
    let words = "warning: buildkite-agent is not on PATH, so later steps receive no outputs";
    let ended = run.execute().expect(0);
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    // A summary is no output, and a file of outputs is one.
    let ended = run.clone().var("FINISHLINE_SUMMARY", run.path("summary.md")).execute().expect(0);
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    for input in ["FINISHLINE_DOTENV", "FINISHLINE_RESULT_FILE"] {
        let ended = run.clone().var(input, run.path("outputs")).execute().expect(0);
        assert!(!ended.stderr.contains("buildkite-agent"), "{}", ended.stderr);
    }
}

#[test]
fn an_unknown_ci_system_is_said_to_read_no_outputs() {
    let run = ProgramRun::local().var("CI", "true").opsgenie();
    let words = "notice: this CI system is not known, so later steps receive no outputs";
    let told = |run: &ProgramRun| run.execute().expect(0).stderr.contains(words);
    assert!(told(&run));
    assert!(!told(&run.clone().var("FINISHLINE_DOTENV", run.path("out.env"))));
    assert!(!told(&run.clone().without("CI")));
}

#[test]
fn an_agent_that_fails_is_an_error_and_every_output_is_tried() {
    let run = buildkite("exit 1");
    let ended = run.execute().expect(7);
    let words = "cannot write outputs to `buildkite-agent`: exit status: 1";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    assert!(run.text("calls").contains("<annotate>"));
}
