//! What an organization has and the manifest does not: a plan tells it, and asks no entry for it.

use crate::manifest::plan_changes::{LINKS, Scene, manifest};
use crate::support::http_server::{Request, Response};
use crate::support::proxy::{PROXY_TOKEN, ProxyAction, ServeProxy};
use crate::support::run::ProgramRun;
use serde_json::Value;

/// The same with more integrations, repositories and mappings.
fn more() -> String {
    let more = "  - provider: example
    state: {name: stray}
    repositories: [acme/Stray, acme/other]
    code-mappings: [{project: api, repository: acme/other, stackRoot: x/, sourceRoot: y/}]
";
    let links = LINKS
        .replace("[acme/web]", "[acme/web, acme/old]")
        .replace("}]", "}, {project: web, repository: acme/old, stackRoot: old/, sourceRoot: o/}]");
    manifest("KEY", &links).replace("releases:", &format!("{more}releases:"))
}

fn unmanaged(plan: &Value) -> Vec<String> {
    let line = |one: &Value| {
        let id = &one["integration"];
        let line =
            format!("{} {} {} {id} {}", one["org"], one["kind"], one["provider"], one["name"]);
        let status = one["status"].as_str().map(|status| format!(" {status}")).unwrap_or_default();
        format!("{line}{status}").replace('"', "")
    };
    plan["unmanaged"].as_array().unwrap().iter().map(line).collect()
}

#[test]
fn what_no_entry_names_is_told_and_is_no_difference() {
    for scene in Scene::both() {
        scene.with(&more()).execute().expect(0);
        let known = manifest("KEY", LINKS).replace("acme/web]", "ACME/Web]");
        scene.execute(
            "UPDATE organization_integration SET status = 'disabled' WHERE integration_id = 3",
        );
        let plan = scene.plan(&known, "json", 0).json();
        assert_eq!(
            unmanaged(&plan),
            [
                "acme repository example 2 acme/old",
                "acme code-mapping example 2 `old/` of web to `o/` of acme/old",
                "acme integration example 3 stray disabled",
                "acme repository example 3 acme/Stray",
                "acme repository example 3 acme/other",
                "acme code-mapping example 3 `x/` of api to `y/` of acme/other",
            ]
        );
        let text = scene.plan(&known, "text", 0).stdout;
        let lines = "unmanaged, for no entry names it:\n  acme: repository acme/old, of example integration 2\n";
        assert!(text.contains(lines), "{text}");
        assert!(text.contains("  acme: example integration 3 (stray), disabled\n"), "{text}");
        let markdown = scene.plan(&known, "markdown", 0).stdout;
        assert!(
            markdown.contains("| acme | example integration 3 (stray), disabled |"),
            "{markdown}"
        );
        let all = scene.plan(&more(), "json", 8).json();
        assert_eq!(unmanaged(&all), [""; 0]);
        // A run looks for nothing that is not its own.
        let ended = scene.with(&known).args(&["run", "--format", "json"]).execute().expect(0);
        assert!(ended.json().get("unmanaged").is_none(), "{}", ended.stdout);
    }
}

#[test]
fn one_listing_of_each_kind_is_enough_for_all_entries() {
    let [_, scene] = Scene::both();
    let relay = scene.relay.as_ref().unwrap();
    let entry = |at: usize| {
        format!(
            "  - {{provider: example, state: {{name: e{at}}}, repositories: [acme/r{at}], code-mappings: [{{project: web, repository: acme/r{at}, stackRoot: s{at}/}}]}}\n"
        )
    };
    let manifest = |count| {
        let entries: String = (0..count).map(entry).collect();
        format!("version: 1\ndefaults: {{org: acme}}\nintegrations:\n{entries}")
    };
    scene.with(&manifest(6)).execute().expect(0);
    let mut requests = Vec::new();
    for count in [2, 6] {
        let since = relay.peer.lines().len();
        let plan = scene.plan(&manifest(count), "json", 0).json();
        assert_eq!(plan["unmanaged"].as_array().unwrap().len(), (6 - count) * 3);
        requests.push(relay.requests_since(since));
    }
    assert_eq!(requests[0].len(), requests[1].len(), "{requests:?}");
    for listing in ["GET repos/", "GET code-mappings/"] {
        assert_eq!(requests[1].iter().filter(|line| *line == listing).count(), 1, "{requests:?}");
    }
}

#[test]
fn what_cannot_be_listed_is_said_and_the_plan_holds() {
    let closed = |request: &Request| match request.line().as_str() {
        "GET code-mappings/" if request.parameter("integrationId").is_empty() => {
            ProxyAction::Intercept(Response::detail(403, "You do not have permission"))
        }
        _ => ProxyAction::Forward,
    };
    let relay = ServeProxy::with(closed);
    let run = ProgramRun::github()
        .var("FINISHLINE_URL", relay.peer.url())
        .var("FINISHLINE_AUTH_TOKEN", PROXY_TOKEN)
        .var("FINISHLINE_MANIFEST", "m.yml")
        .var("KEY", "k3y-that-is-secret");
    run.file("m.yml", manifest("KEY", LINKS));
    run.execute().expect(0);
    let ended = run.clone().args(&["plan", "--exit-code", "--format=json"]).execute().expect(0);
    assert_eq!(ended.json()["unmanaged"], serde_json::json!([]));
    assert!(ended.output("warnings").contains("unmanaged-not-listed"), "{}", ended.stderr);
    assert!(ended.stderr.contains("what acme has besides the manifest is not listed"));
    assert!(ended.stderr.contains("You do not have permission"), "{}", ended.stderr);
}

#[test]
fn an_integration_that_a_failed_entry_may_mean_is_nobodys_stray() {
    let [scene, _] = Scene::both();
    scene.with(&more()).execute().expect(0);
    // Which of them is meant, its fields do not tell.
    let failing = "  - provider: example
    integration-id: 99
    state: {name: gone}
";
    let known = manifest("KEY", LINKS).replace("releases:", &format!("{failing}releases:"));
    let ended = scene.with(&known).args(&["plan", "--format=json"]).execute();
    let lines = unmanaged(&ended.json());
    assert!(lines.iter().all(|line| !line.contains("example 3")), "{lines:?}");
    assert!(ended.stderr.contains("example: which of them an entry means is not known"));
}
