//! Saved plans of what goes, of links alone, and of what is pruned: each is carried out as it was, or
//! not at all.

use crate::manifest::plan_changes::Scene;
use serde_json::Value;

const DEMO: &str = "  - provider: example
    state: {name: demo}
    repositories: [acme/web, acme/api]
    code-mappings: [{project: web, repository: acme/web, stackRoot: app/, sourceRoot: src/, defaultBranch: main}]\n";
const OTHER: &str = "  - {provider: example, state: {name: other}}\n";
const REMOVED: &str = "  - {provider: example, mode: remove, state: {name: demo}}\n";
const LINKED: &str = "  - provider: example
    mode: link
    integration-id: 1
    repositories-absent: [acme/api]
    code-mappings:
      - {project: web, repository: acme/web, stackRoot: app/, sourceRoot: lib/}
      - {project: api, repository: acme/web, stackRoot: api/, sourceRoot: api/}\n";

fn manifest(head: &str, entries: &[&str]) -> String {
    let entries = entries.concat();
    format!("version: 1\n{head}defaults: {{org: acme}}\nintegrations:\n{entries}")
}

/// Saves the plan, which has something to do; its changes, as `entry action kind name`.
fn save(scene: &Scene, manifest: &str) -> Vec<String> {
    let saved = scene.plan(manifest, "json", 8);
    scene.run.file("plan.json", &saved.stdout);
    let plan = saved.json();
    let of_entry = |entry: &Value| {
        let key = entry["entry"].as_str().unwrap();
        let changes = entry["plan"]["changes"].as_array().unwrap();
        let line = |one: &Value| {
            let line = format!("{key} {} {} {}", one["action"], one["kind"], one["name"]);
            line.replace('"', "")
        };
        changes.iter().map(line).collect::<Vec<_>>()
    };
    plan["entries"].as_array().unwrap().iter().flat_map(of_entry).collect()
}

/// Carries the saved plan out; what stands in the way, if that is the end.
fn apply(scene: &Scene, manifest: &str, exit: i32) -> String {
    let run = scene.with(manifest).args(&["run", "--plan", "plan.json", "--format", "json"]);
    let ended = run.execute().expect(exit).json();
    assert_eq!(ended["changed"], exit == 0, "{ended:#}");
    let code = if exit == 0 { Value::Null } else { "plan-changed".into() };
    assert_eq!(ended["error"]["code"], code);
    ended["error"]["message"].as_str().unwrap_or_default().to_owned()
}

/// Something that somebody does after the plan, and takes back.
fn changed_meanwhile(scene: &Scene, manifest: &str) {
    scene.execute("UPDATE code_mapping SET source_root = 'moved/'");
    let why = apply(scene, manifest, 4);
    assert!(why.contains("what is there has changed since"), "{why}");
    scene.execute("UPDATE code_mapping SET source_root = 'src/'");
}

#[test]
fn a_saved_removal_is_carried_out_once_and_only_while_what_goes_is_the_same() {
    for scene in Scene::both() {
        scene.with(&manifest("", &[DEMO, OTHER])).execute().expect(0);
        let gone = manifest("", &[REMOVED, OTHER]);
        assert_eq!(
            save(&scene, &gone),
            [
                "integrations[0] remove integration 1 (demo)",
                "integrations[0] remove code-mapping `app/` of web",
                "integrations[0] update repository acme/api",
                "integrations[0] update repository acme/web",
            ]
        );
        let text = scene.plan(&gone, "text", 8).stdout;
        let lines = "    - remove integration 1 (demo)\n    - delete the code mapping `app/` of web to `src/` of acme/web\n    ~ unlink repository acme/api\n        integration: 1 (demo) → (none)\n";
        assert!(text.contains(lines), "{text}");
        changed_meanwhile(&scene, &gone);
        apply(&scene, &gone, 0);
        let why = apply(&scene, &gone, 4);
        assert!(why.contains("integrations[0] no longer holds"), "{why}");
    }
}

#[test]
fn a_saved_plan_of_links_alone_is_carried_out_while_it_holds() {
    for scene in Scene::both() {
        scene.with(&manifest("", &[DEMO])).execute().expect(0);
        let linked = manifest("", &[LINKED]);
        let planned = [
            "integrations[0] update code-mapping `app/` of web",
            "integrations[0] create code-mapping `api/` of api",
            "integrations[0] remove repository acme/api",
        ];
        assert_eq!(save(&scene, &linked), planned);
        changed_meanwhile(&scene, &linked);
        let other = linked.replace("lib/", "elsewhere/");
        let why = apply(&scene, &other, 4);
        assert!(why.contains("what is wanted has changed since"), "{why}");
        apply(&scene, &linked, 0);
        scene.plan(&linked, "json", 0);
    }
}

#[test]
fn a_saved_plan_prunes_what_it_named_and_nothing_else() {
    for scene in Scene::both() {
        let head = "prune: true\n";
        scene.with(&manifest(head, &[DEMO, OTHER])).execute().expect(0);
        let less = manifest(head, &[OTHER]);
        assert_eq!(save(&scene, &less)[0], "prune[0] remove integration 1 (demo)");
        changed_meanwhile(&scene, &less);
        // What the record has besides by now was in nobody's plan.
        let third = "  - {provider: example, state: {name: third}}\n";
        scene.with(&manifest(head, &[DEMO, OTHER, third])).execute().expect(0);
        let why = apply(&scene, &less, 4);
        assert!(
            why.contains("the plan of prune[1] no longer holds: the saved plan has nothing"),
            "{why}"
        );
        assert_eq!(save(&scene, &less).last().unwrap(), "prune[1] remove integration 3 (third)");
        // What is gone already need not go.
        let removed = [
            ("PROVIDER", "example"),
            ("ORG", "acme"),
            ("MODE", "remove"),
            ("STATE", "{name: third}"),
        ];
        let run = scene.run.clone().without("FINISHLINE_MANIFEST");
        let set = |run: crate::support::run::ProgramRun, (name, value): &(&str, &str)| {
            run.var(&format!("FINISHLINE_{name}"), value)
        };
        removed.iter().fold(run, set).execute().expect(0);
        let why = apply(&scene, &less, 4);
        assert!(
            why.contains("the plan of prune[1] no longer holds: it is not to be pruned"),
            "{why}"
        );
        save(&scene, &less);
        apply(&scene, &less, 0);
        let ended = scene.plan(&less, "json", 0).json();
        assert_eq!(ended["entries"].as_array().unwrap().len(), 1, "{ended:#}");
    }
}

#[test]
fn a_single_removal_carries_out_its_plan_too() {
    let run = crate::support::run::ProgramRun::github().embedded("example", "{name: demo}");
    run.execute().expect(0);
    let removal = run.var("FINISHLINE_MODE", "remove");
    removal.clone().args(&["plan", "--result-file", "plan.json"]).execute().expect(0);
    let applied = removal.args(&["run", "--plan", "plan.json"]);
    assert_eq!(applied.execute().expect(0).output("changed"), "true");
    assert_eq!(applied.execute().expect(4).output("error-code"), "plan-changed");
}
