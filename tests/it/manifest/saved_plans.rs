//! A plan that was saved is carried out as it was, or not at all.

use crate::manifest::plan_changes::{LINKS, Scene, manifest};
use crate::support::build_folder::write_script;
use crate::support::run::ProgramRun;

/// Saves the plan of this manifest.
fn save(scene: &Scene, manifest: &str) {
    let saved = scene.with(manifest).args(&["plan", "--format", "json"]).execute().expect(0);
    for secret in ["k3y-that-is-secret", "0ther-secret"] {
        assert!(!saved.stdout.contains(secret), "{}", saved.stdout);
    }
    scene.run.file("plan.json", &saved.stdout);
}

fn apply(scene: &Scene, manifest: &str) -> ProgramRun {
    scene.with(manifest).args(&["run", "--plan", "plan.json", "--format", "json"])
}

#[test]
fn a_saved_plan_is_carried_out_while_it_holds() {
    for scene in Scene::both() {
        let wanted = manifest("KEY", LINKS);
        save(&scene, &wanted);
        let ended = apply(&scene, &wanted).execute().expect(0);
        assert_eq!(ended.json()["changed"], true);
        scene.plan(&wanted, "text", 0);
        // It was the plan of an empty organization.
        let ended = apply(&scene, &wanted).execute().expect(4);
        assert_eq!(ended.json()["error"]["code"], "plan-changed");
        // Where nothing was to be done, nothing is.
        save(&scene, &wanted);
        assert_eq!(apply(&scene, &wanted).execute().expect(0).json()["changed"], false);
    }
}

#[test]
fn what_has_changed_since_is_named_and_nothing_is_done() {
    for scene in Scene::both() {
        let wanted = manifest("KEY", LINKS);
        scene.with(&wanted).execute().expect(0);
        let more = wanted.replace("[acme/web]", "[acme/web, acme/new]");
        save(&scene, &more);
        scene.execute("UPDATE code_mapping SET source_root = 'elsewhere/'");
        let ended = apply(&scene, &more).execute().expect(4);
        let message = ended.json()["error"]["message"].to_string();
        assert!(message.contains("example for acme: the plan of integrations[1] no longer holds: what is there has changed since"), "{message}");
        assert!(!message.contains("integrations[0]"), "{message}");
        scene.execute("UPDATE code_mapping SET source_root = 'src/'");
        let other = more.replace("acme/new", "acme/another");
        let message =
            apply(&scene, &other).execute().expect(4).json()["error"]["message"].to_string();
        assert!(message.contains("what is wanted has changed since"), "{message}");
        let key = wanted.replace("${KEY}", "${OTHER}");
        save(&scene, &wanted);
        let message =
            apply(&scene, &key).execute().expect(4).json()["error"]["message"].to_string();
        assert!(message.contains("integrations[0] no longer holds"), "{message}");
        // Nothing was done in all of these.
        scene.plan(&wanted, "text", 0);
        save(&scene, &more);
        assert_eq!(apply(&scene, &more).execute().expect(0).json()["changed"], true);
    }
}

#[test]
fn a_release_that_has_come_since_is_a_change() {
    let [scene, _] = Scene::both();
    let release = |more: &str| {
        format!(
            "version: 1\ndefaults: {{org: acme}}\nreleases:\n  - {{projects: [web{more}], release: v1, commits: none}}\n"
        )
    };
    save(&scene, &release(""));
    scene.with(&release(", api")).execute().expect(0);
    let ended = apply(&scene, &release("")).execute().expect(4);
    assert_eq!(ended.json()["error"]["code"], "plan-changed");
}

#[test]
fn what_is_no_plan_of_this_run_is_refused_before_anything_is_asked() {
    let [scene, _] = Scene::both();
    let wanted = manifest("KEY", LINKS);
    save(&scene, &wanted);
    let good = scene.run.text("plan.json");
    let single = r#"{"status": "planned", "plan": null}"#;
    for (text, words) in [
        ("", "is not JSON"),
        ("[]", "is not the result of `finishline plan`"),
        (r#"{"truncated": true, "status": "planned"}"#, "too large"),
        (r#"{"status": "complete"}"#, "is not the result of `finishline plan`"),
        (single, "is one of a single run"),
        (&good.replace("\"schema\":1,\"version\"", "\"schema\":2,\"version\""), "`schema`"),
        (&good.replace(env!("CARGO_PKG_VERSION"), "0.0.0"), "was made by finishline `0.0.0`"),
        (&good.replace("\"there\":\"", "\"their\":\""), "lacks the digests"),
        (&good.replace("integrations[1]", "integrations[7]"), "has no entry `integrations[1]`"),
    ] {
        scene.run.file("plan.json", text);
        let ended = apply(&scene, &wanted).execute().expect(2);
        let error = &ended.json()["error"];
        assert_eq!(error["code"], "bad-plan", "{text}");
        assert!(error["message"].to_string().contains(words), "{words}: {error}");
        assert!(!scene.run.database().exists());
    }
    let fewer = wanted.split("releases:").next().unwrap().to_owned();
    scene.run.file("plan.json", &good);
    let error = apply(&scene, &fewer).execute().expect(2).json()["error"]["message"].to_string();
    assert!(error.contains("has 3 entries, and the manifest has 2"), "{error}");
    let missing = scene.with(&wanted).args(&["run", "--plan", "nowhere.json"]).execute().expect(2);
    assert!(missing.stderr.contains("cannot read the plan `nowhere.json`"), "{}", missing.stderr);
    let same = ["run", "--plan", "plan.json", "--result-file", "plan.json"];
    scene.with(&wanted).args(&same).execute().expect(2);
    assert_eq!(scene.run.text("plan.json"), good);
}

#[test]
fn a_single_run_carries_out_its_plan_too() {
    let run = ProgramRun::local().opsgenie();
    let saved = run.clone().args(&["plan", "--result-file", "plan.json"]).execute().expect(0);
    assert!(!run.text("plan.json").contains("s3cr3t-key"), "{}", saved.stdout);
    let applied = run.clone().args(&["run", "--plan", "plan.json"]);
    applied.execute().expect(0);
    let ended = applied.execute().expect(4);
    assert!(ended.stderr.contains("the plan no longer holds"), "{}", ended.stderr);
    let other = run.args(&["check", "--plan", "plan.json"]).execute().expect(2);
    assert!(other.stderr.contains("`plan` is for `finishline run`"), "{}", other.stderr);
}

/// What a plan shows and what it does not show of its inputs: none may be another.
#[test]
fn a_release_of_other_inputs_or_files_is_another_plan() {
    let [scene, _] = Scene::both();
    let release = |more: &str| {
        format!(
            "version: 1\ndefaults: {{org: acme}}\nreleases:\n  - {{projects: [web], release: v1, \
             commits: none, environment: prod, sourcemaps: dist{more}}}\n"
        )
    };
    write_script(&scene.run, "dist/app.js");
    save(&scene, &release(""));
    for more in [
        ", deploy-url: 'https://deploys.example/2'",
        ", dist: two",
        ", sourcemaps-strip-sources: true",
        ", delete-sourcemaps: true",
        ", url-prefix: '~/x'",
        ", finished-at: '1790000000'",
    ] {
        let ended = apply(&scene, &release(more)).execute().expect(4);
        assert_eq!(ended.json()["error"]["code"], "plan-changed", "{more}");
    }
    let script = scene.run.text("dist/app.js");
    scene.run.file("dist/app.js", script.replace("//#", "console.log(2)\n//#"));
    let ended = apply(&scene, &release("")).execute().expect(4);
    assert_eq!(ended.json()["error"]["code"], "plan-changed");
    scene.run.file("dist/app.js", script);
    // What is renewed beside the scripts is a part of the plan.
    let refreshing = release(", inject-refresh: true");
    save(&scene, &refreshing);
    scene.run.file("dist/app.js.br", "brotli");
    let ended = apply(&scene, &refreshing).execute().expect(4);
    assert_eq!(ended.json()["error"]["code"], "plan-changed");
    save(&scene, &refreshing);
    apply(&scene, &refreshing).execute().expect(0);
    let copy = std::fs::read(scene.run.path("dist/app.js.br")).unwrap();
    assert_ne!(copy, b"brotli");
}

/// The mode and the address after the install are a part of what was reviewed.
#[test]
fn a_plan_holds_for_its_mode_and_its_next_address_alone() {
    let run = ProgramRun::github().embedded("example", "{name: demo}");
    run.execute().expect(0);
    let other_mode = run.clone().var("FINISHLINE_MODE", "install");
    let other_next = run.clone().var("FINISHLINE_NEXT", "/after");
    for (saved, other) in [(&run, &other_mode), (&other_mode, &run), (&run, &other_next)] {
        let plan = saved.clone().args(&["plan", "--format", "json"]).execute().expect(0);
        run.file("plan.json", plan.stdout);
        let apply = |run: &ProgramRun| run.clone().args(&["run", "--plan", "plan.json"]);
        let ended = apply(other).execute().expect(4);
        assert_eq!(ended.output("error-code"), "plan-changed", "{}", ended.stderr);
        apply(saved).execute().expect(0);
    }
}
