//! What a plan shows of what is there beside what is wanted, on the embedded backend and at a Sentry.

use crate::support::proxy::{PROXY_TOKEN, ServeProxy};
use crate::support::run::{ProgramRun, RunResult};
use serde_json::{Value, json};

pub(crate) const LINKS: &str = "    repositories: [acme/web]
    code-mappings: [{project: web, repository: acme/web, stackRoot: app/, sourceRoot: src/, defaultBranch: main}]
";

/// A manifest of two integrations and a release.
pub(crate) fn manifest(key: &str, links: &str) -> String {
    format!(
        "version: 1
defaults: {{org: acme}}
integrations:
  - provider: opsgenie
    state: {{baseUrl: 'https://api.opsgenie.com/', provider: acme-ops, apiKey: '${{{key}}}'}}
  - provider: example
    state: {{name: demo}}
{links}releases:
  - {{projects: [web], release: '1.10', commits: none, finalize: false}}
"
    )
}

/// A run of this manifest on a backend of its own.
pub(crate) struct Scene {
    pub(crate) run: ProgramRun,
    pub(crate) relay: Option<ServeProxy>,
}

impl Scene {
    pub(crate) fn both() -> [Self; 2] {
        let run = || {
            let run = ProgramRun::local();
            let key = "k3y-that-is-secret";
            // Ids follow the order of the file.
            run.var("FINISHLINE_MANIFEST", "m.yml")
                .var("FINISHLINE_MAX_PARALLEL", "1")
                .var("KEY", key)
                .var("OTHER", "0ther-secret")
        };
        let relay = ServeProxy::new();
        let sentry = run()
            .var("FINISHLINE_URL", relay.peer.url())
            .var("FINISHLINE_AUTH_TOKEN", PROXY_TOKEN)
            .var("FINISHLINE_BACKEND", "sentry");
        let embedded = run();
        let database = embedded.database();
        let embedded =
            embedded.var("FINISHLINE_BACKEND", "embedded").var("FINISHLINE_DATABASE", database);
        [Self { run: embedded, relay: None }, Self { run: sentry, relay: Some(relay) }]
    }

    pub(crate) fn with(&self, manifest: &str) -> ProgramRun {
        self.run.file("m.yml", manifest);
        self.run.clone()
    }

    pub(crate) fn plan(&self, manifest: &str, format: &str, exit: i32) -> RunResult {
        let plan = ["plan", "--exit-code", "--format", format];
        let ended = self.with(manifest).args(&plan).execute().expect(exit);
        for secret in ["k3y-that-is-secret", "0ther-secret"] {
            assert!(!ended.everything().contains(secret), "{}", ended.everything());
        }
        ended
    }

    pub(crate) fn execute(&self, sql: &str) {
        match &self.relay {
            Some(relay) => relay.serve.database().execute(sql, []).unwrap(),
            None => self.run.connection().execute(sql, []).unwrap(),
        };
    }
}

/// The changes of each entry, as `action kind: field there → wanted`.
fn changes(plan: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for change in plan["entries"].as_array().unwrap().iter().flat_map(of_entry) {
        let head = format!("{} {}", change["action"], change["kind"]).replace('"', "");
        for one in change["fields"].as_array().unwrap() {
            let sides = match one["shown"] == true {
                true => format!("{} → {}", one["there"], one["wanted"]),
                false => one["comparison"].to_string(),
            };
            let field = one["field"].as_str().unwrap();
            lines.push(format!("{head}: {field} {sides}").replace('"', ""));
        }
        if change["fields"] == json!([]) {
            lines.push(head);
        }
    }
    lines
}

fn of_entry(entry: &Value) -> Vec<Value> {
    assert_eq!(entry["plan"]["schema"], 1);
    entry["plan"]["changes"].as_array().unwrap().clone()
}

#[test]
fn a_plan_of_what_is_not_there_shows_each_field_that_would_be() {
    for scene in Scene::both() {
        let plan = scene.plan(&manifest("KEY", LINKS), "json", 8).json();
        assert_eq!(
            changes(&plan),
            [
                "create integration: baseUrl null → https://api.opsgenie.com/",
                "create integration: provider null → acme-ops",
                "create integration: apiKey new",
                "create integration: name null → demo",
                "create repository",
                "create code-mapping: repository null → acme/web",
                "create code-mapping: sourceRoot null → src/",
                "create code-mapping: branch null → main",
                "create release: projects null → web",
            ]
        );
    }
}

#[test]
fn a_plan_shows_what_was_changed_behind_its_back_and_nothing_else() {
    for scene in Scene::both() {
        scene.with(&manifest("KEY", LINKS)).execute().expect(0);
        assert!(changes(&scene.plan(&manifest("KEY", LINKS), "json", 0).json()).is_empty());
        scene.execute("UPDATE code_mapping SET source_root = 'app/', default_branch = 'release'");
        scene.execute(
            "UPDATE organization_integration SET status = 'disabled' WHERE integration_id = 2",
        );
        let links = LINKS.replace("[acme/web]", "[acme/web, acme/api]");
        let manifest = manifest("OTHER", &links).replace("projects: [web]", "projects: [api, web]");
        let plan = scene.plan(&manifest, "json", 8).json();
        assert_eq!(
            changes(&plan),
            [
                "update integration: apiKey differs",
                "update integration: status disabled → active",
                "create repository",
                "update code-mapping: sourceRoot app/ → src/",
                "update code-mapping: branch release → main",
                "update release: projects web → web, api",
            ]
        );
        let text = scene.plan(&manifest, "text", 8).stdout;
        for line in [
            "    ~ update integration 1 (acme-ops)\n        apiKey: differs (secret)\n",
            "    ~ update integration 2 (demo)\n        status: disabled → active\n",
            "    + link repository acme/api\n",
            "    ~ map `app/` of web to `src/` of acme/web\n        sourceRoot: app/ → src/\n        branch: release → main\n",
            "    ~ update release 1.10\n        projects: web → web, api\n",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
        scene.with(&manifest).execute().expect(0);
        assert!(changes(&scene.plan(&manifest, "json", 0).json()).is_empty());
    }
}

#[test]
fn a_secret_that_a_sentry_does_not_list_cannot_be_compared() {
    let [_, scene] = Scene::both();
    scene.with(&manifest("KEY", LINKS)).execute().expect(0);
    let by_hand = "UPDATE organization_integration SET config =
        '{\"team_table\": [{\"team\": \"by-hand\", \"id\": \"1-x\", \"integration_key\": \"b\"}]}'
        WHERE integration_id = (SELECT id FROM integration WHERE provider = 'opsgenie')";
    scene.execute(by_hand);
    let plan = scene.plan(&manifest("KEY", LINKS), "json", 0);
    assert_eq!(changes(&plan.json()), ["keep integration: apiKey cannot be compared"]);
    let text = scene.plan(&manifest("KEY", LINKS), "text", 0).stdout;
    assert!(text.contains("nothing to do\n    cannot be compared: apiKey\n"), "{text}");
}

#[test]
fn a_mapping_of_another_integration_is_one_that_would_be_replaced() {
    let [scene, _] = Scene::both();
    scene.with(&manifest("KEY", LINKS)).execute().expect(0);
    let moved = manifest("KEY", LINKS).replace("{name: demo}", "{name: other}");
    let plan = scene.plan(&moved, "json", 8).json();
    let lines = changes(&plan);
    assert!(
        lines.contains(&"update code-mapping: integration another → this one".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn the_summary_and_the_comment_have_the_changes_as_a_table() {
    let [scene, _] = Scene::both();
    scene.with(&manifest("KEY", LINKS)).execute().expect(0);
    scene.execute("UPDATE code_mapping SET source_root = 'a|b [x](https://evil.example) `c`'");
    let markdown = scene.plan(&manifest("KEY", LINKS), "markdown", 8).stdout;
    let head = "| entry | change | field | there | wanted |\n| --- | --- | --- | --- | --- |\n";
    assert!(markdown.starts_with("### 📋 finishline: 3 entries"), "{markdown}");
    let (_, rows) = markdown.split_once(head).unwrap_or_else(|| panic!("{markdown}"));
    let rows: Vec<_> = rows.lines().take_while(|line| !line.is_empty()).collect();
    assert_eq!(rows.len(), 1, "{markdown}");
    assert!(
        rows[0].starts_with("| example for acme | ~ map `app/` of web to `src/` of `acme/web`"),
        "{}",
        rows[0]
    );
    assert!(!markdown.contains("[x](") && rows[0].contains("a\\|b"), "{}", rows[0]);
    assert!(markdown.contains("| entry | result | changed |"), "{markdown}");
    scene.run.file("m.yml", manifest("KEY", LINKS));
    scene.run.clone().args(&["plan", "--summary", "s.md"]).execute().expect(0);
    assert_eq!(scene.run.text("s.md"), markdown);
}

#[test]
fn a_comment_is_cut_where_a_host_takes_no_more_and_says_so() {
    let entry = |at: usize| {
        format!("  - {{projects: [web], release: 'v{at}', commits: none, finalize: false}}\n")
    };
    let entries: String = (0..1500).map(entry).collect();
    let manifest = format!("version: 1\ndefaults: {{org: acme}}\nreleases:\n{entries}");
    let [scene, _] = Scene::both();
    let markdown = scene.plan(&manifest, "markdown", 8).stdout;
    assert!(markdown.len() < 65_536, "{}", markdown.len());
    let last = markdown.trim_end().lines().last().unwrap();
    assert!(last.contains("more lines do not fit into a comment"), "{last}");
}

#[test]
fn one_run_has_its_plan_too() {
    let run = ProgramRun::github().opsgenie().args(&["plan"]);
    run.clone().args(&["run"]).execute().expect(0);
    let other = run.var(
        "FINISHLINE_STATE",
        "{baseUrl: 'https://api.eu.opsgenie.com/', provider: acme-ops, apiKey: an0ther-key}",
    );
    let ended = other.execute().expect(0);
    let lines = "  ~ update integration 1 (acme-ops)\n      baseUrl: https://api.opsgenie.com/ → https://api.eu.opsgenie.com/\n      apiKey: differs (secret)\n";
    assert!(ended.stdout.contains(lines), "{}", ended.stdout);
    assert!(ended.summary().contains("| change | field | there | wanted |"), "{}", ended.summary());
    let result: Value = serde_json::from_str(&ended.output("result")).unwrap();
    assert_eq!(result["plan"]["changes"][0]["fields"][1]["comparison"], "differs");
    assert!(!ended.summary().contains("an0ther-key"));
}

/// Each finish of one makes another one beside it, so a run says what it cannot do.
#[test]
fn an_address_that_no_finish_changes_is_a_difference_all_the_same() {
    let entry = |id: &str| {
        format!(
            "version: 1\ndefaults: {{org: acme}}\nintegrations:\n  - {{provider: custom_scm{id}, state: {{name: forge, url: 'https://forge.example.com'}}}}\n"
        )
    };
    for scene in Scene::both() {
        scene.with(&entry("")).execute().expect(0);
        let other = entry("").replace("forge.example", "other.example");
        scene.with(&other.replace("custom_scm,", "custom_scm, mode: install,")).execute().expect(0);
        // One of the same name elsewhere is another one.
        scene.plan(&entry(""), "json", 0);
        scene.execute("UPDATE integration SET metadata = json_set(metadata, '$.domain_name', 'https://moved.example.com') WHERE id = 1");
        let named = entry(", integration-id: 1");
        let plan = scene.plan(&named, "json", 8).json();
        let entry = &plan["entries"][0];
        let why = "cannot be carried out: forge keeps its address (https://moved.example.com)";
        assert!(entry["details"][0].as_str().unwrap().starts_with(why), "{entry:#}");
        let ended =
            scene.with(&named).args(&["run", "--format", "json"]).execute().expect(0).json();
        assert_eq!(ended["entries"][0]["warnings"][0]["slug"], "kept-as-it-is", "{ended:#}");
        assert_eq!(ended["changed"], false);
    }
}

#[test]
fn a_page_and_a_time_that_are_asked_for_by_name_are_changes() {
    let run = ProgramRun::local().embedded_release("v1").var("FINISHLINE_COMMITS", "none");
    let page = |page: &str| run.clone().var("FINISHLINE_RELEASE_URL", page);
    let first = page("https://a.example.com/");
    first.execute().expect(0);
    for (wanted, field) in [
        (page("https://b.example.com/"), "url"),
        (first.clone().var("FINISHLINE_RELEASED_AT", "2020-01-01T00:00:00Z"), "dateReleased"),
    ] {
        let plan = wanted.clone().args(&["plan", "--exit-code"]);
        let planned = plan.execute().expect(8);
        assert!(planned.stdout.contains(field), "{}", planned.stdout);
        wanted.execute().expect(0);
        assert!(plan.execute().expect(0).stdout.contains("nothing to do"));
    }
}
