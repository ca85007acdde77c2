//! Whether what docs/plan.md shows can be done: its commands are run, its jobs' inputs are there.

use crate::manifest::plan_changes::{LINKS, Scene, manifest};
use crate::support::run::ProgramRun;
use finishline::inputs::table::InputSpec;
use serde_yaml::Value;

const PAGE: &str = include_str!("../../../docs/plan.md");

/// The job between these marks.
fn job(name: &str) -> Value {
    let (_, rest) = PAGE.split_once(&format!("<!-- {name} -->\n\n```yaml\n")).unwrap();
    let (job, _) = rest.split_once(&format!("```\n\n<!-- /{name} -->")).unwrap();
    serde_yaml::from_str(job).unwrap()
}

/// Runs a command line of the page in the folder of this run.
fn shell(run: &ProgramRun, line: &str, exit: i32) -> String {
    let program = env!("CARGO_BIN_EXE_finishline");
    let line = line.replacen("./finishline ", "finishline ", 1).replacen("finishline", program, 1);
    let mut command = std::process::Command::new("/bin/sh");
    command.args(["-c", &line]).current_dir(run.path("")).env_clear();
    for name in [
        "HOME",
        "KEY",
        "FINISHLINE_BACKEND",
        "FINISHLINE_DATABASE",
        "FINISHLINE_URL",
        "FINISHLINE_AUTH_TOKEN",
    ] {
        command.envs(run.variable(name).map(|value| (name, value)));
    }
    let ended = command.output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(exit), "{line}: {said}");
    said
}

#[test]
fn the_commands_of_the_page_about_plans_do_what_it_says() {
    let [scene, _] = Scene::both();
    scene.run.file("finishline.yml", manifest("KEY", LINKS));
    let (_, rest) = PAGE.split_once("```sh\n").unwrap();
    let lines: Vec<_> = rest.split_once("```").unwrap().0.lines().collect();
    assert_eq!(lines.len(), 2);
    shell(&scene.run, lines[0], 0);
    shell(&scene.run, lines[1], 0);
    assert!(shell(&scene.run, lines[1], 4).contains("no longer holds"));
    let jobs = job("gitlab");
    for (name, file, exit) in [("drift", "drift.md", 8), ("plan", "plan.md", 0)] {
        scene.run.file("finishline.yml", manifest("KEY", LINKS).replace("src/", "lib/"));
        let script = jobs[name]["script"].as_sequence().unwrap();
        let line = script.iter().filter_map(Value::as_str).find(|line| line.contains(" plan "));
        shell(&scene.run, line.unwrap(), exit);
        assert!(scene.run.text(file).contains("| `src/` | `lib/` |"), "{}", scene.run.text(file));
    }
}

#[test]
fn the_workflow_of_the_page_gives_the_action_inputs_that_it_has_and_reads_what_the_result_has() {
    let steps = &job("github")["jobs"]["drift"]["steps"];
    let with = steps[1]["with"].as_mapping().unwrap();
    let known = |name: &Value| InputSpec::find(name.as_str().unwrap()).is_some();
    assert!(with.keys().all(known) && with["dry-run"] == true, "{with:?}");
    let condition = steps[2]["if"].as_str().unwrap();
    let path = condition.strip_prefix("fromJSON(steps.plan.outputs.result).").unwrap();
    let run = ProgramRun::github().opsgenie().var("FINISHLINE_DRY_RUN", "true");
    let result: serde_json::Value =
        serde_json::from_str(&run.execute().expect(0).output("result")).unwrap();
    assert_eq!(result[path], true);
    // So does one that is too large for an output.
    let entry = |at: usize| format!("  - {{projects: [web], release: v{at}, commits: none}}\n");
    let entries: String = (0..200).map(entry).collect();
    run.file("m.yml", format!("version: 1\ndefaults: {{org: acme}}\nreleases:\n{entries}"));
    let run = run.without("FINISHLINE_PROVIDER").without("FINISHLINE_STATE");
    let large = run.var("FINISHLINE_MANIFEST", "m.yml").execute().expect(0).output("result");
    let result: serde_json::Value = serde_json::from_str(&large).unwrap();
    assert_eq!((&result["truncated"], &result[path]), (&true.into(), &true.into()));
}
