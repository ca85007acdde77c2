//! The whole life of what one manifest describes, in three organizations and on both backends: made, changed
//! by others, set right, removed, pruned, and imported.

use crate::support::rows::rows;
use crate::support::run::{ProgramRun, RunResult};
use crate::support::serve::{self, ServeProcess};
use serde_json::{Value, json};
use tempfile::TempDir;

const OPSGENIE: &str = "  - provider: opsgenie
    org: acme
    state: {baseUrl: 'https://api.opsgenie.com/', provider: acme-ops, apiKey: '${KEY}'}\n";
const WEB: &str = "  - provider: example
    org: acme
    state: {name: web}
    repositories: [acme/web, acme/api]
    code-mappings:
      - {project: web, repository: acme/web, stackRoot: app/, sourceRoot: src/, defaultBranch: main}
      - {project: api, repository: acme/api, stackRoot: '', sourceRoot: api/}\n";
const PAGERDUTY: &str = "  - provider: pagerduty
    org: beta
    state: {config: '${ACCOUNT}'}\n";
const FORGE: &str = "  - provider: custom_scm
    org: beta
    state: {name: forge, url: 'https://forge.example.com'}
    repositories: [beta/site]
    code-mappings:
      - {project: web, repository: beta/site, stackRoot: lib/, sourceRoot: source/, defaultBranch: main}\n";
const SHOP: &str = "  - provider: example
    org: gamma
    state: {name: shop}
    repositories: [gamma/shop, gamma/till]\n";
const SPARE: &str = "  - provider: example
    org: gamma
    state: {name: spare}\n";

const SIX: [&str; 6] = [OPSGENIE, WEB, PAGERDUTY, FORGE, SHOP, SPARE];

/// What is not about to be deleted, whatever its backend.
const THERE: &str = "
    SELECT slug || ' ' || provider || ' ' || name
        || iif(provider = 'opsgenie', ' ' || (metadata ->> 'domain_name'), '')
    FROM organization_integration AS link
    JOIN organization AS org ON org.id = link.organization_id
    JOIN integration ON integration.id = link.integration_id WHERE link.status = 'active'
    UNION ALL
    SELECT slug || ' repository ' || repository.name || ' of ' || integration.name
    FROM repository JOIN organization AS org ON org.id = repository.organization_id
    JOIN organization_integration AS link
        ON link.organization_id = org.id AND link.integration_id = repository.integration_id
    JOIN integration ON integration.id = link.integration_id
    WHERE repository.status = 'active' AND link.status = 'active'
    UNION ALL
    SELECT org.slug || ' mapping ' || project.slug || ' ' || stack_root || ' -> ' || source_root || ' of '
        || repository.name || ' on ' || coalesce(default_branch, 'any branch') || ' of ' || integration.name
    FROM code_mapping
    JOIN organization_integration AS link ON link.id = organization_integration_id
    JOIN integration ON integration.id = link.integration_id
    JOIN organization AS org ON org.id = link.organization_id
    JOIN project ON project.id = project_id JOIN repository ON repository.id = repository_id
    WHERE link.status = 'active' ORDER BY 1";

const ALL: [&str; 14] = [
    "acme example web",
    "acme mapping api  -> api/ of acme/api on any branch of web",
    "acme mapping web app/ -> src/ of acme/web on main of web",
    "acme opsgenie acme-ops acme-ops.app.opsgenie.com",
    "acme repository acme/api of web",
    "acme repository acme/web of web",
    "beta custom_scm forge",
    "beta mapping web lib/ -> source/ of beta/site on main of forge",
    "beta pagerduty beta-pager",
    "beta repository beta/site of forge",
    "gamma example shop",
    "gamma example spare",
    "gamma repository gamma/shop of shop",
    "gamma repository gamma/till of shop",
];

/// One backend, with a server over its file by which others change what is there.
struct ManifestLife {
    run: ProgramRun,
    serve: ServeProcess,
    is_embedded: bool,
}

impl ManifestLife {
    fn both() -> [Self; 2] {
        [true, false].map(|is_embedded| {
            let state: Value = serde_json::from_str(&account("s3cr3t-of-beta")).unwrap();
            let run = ProgramRun::local()
                .var("FINISHLINE_MAX_PARALLEL", "1")
                .var("KEY", "k3y-that-is-secret")
                .var("ACCOUNT", state["config"].to_string());
            let folder = tempfile::tempdir().unwrap();
            let database = serve::database(folder.path());
            let run = match is_embedded {
                true => {
                    run.var("FINISHLINE_BACKEND", "embedded").var("FINISHLINE_DATABASE", database)
                }
                false => run.var("FINISHLINE_AUTH_TOKEN", serve::TOKEN),
            };
            let serve = Self::start(folder);
            let run = if is_embedded { run } else { run.var("FINISHLINE_URL", serve.url()) };
            Self { run, serve, is_embedded }
        })
    }

    fn start(folder: TempDir) -> ServeProcess {
        let orgs = ["--org", "acme", "--org", "beta", "--org", "gamma"];
        let projects = ["--project", "web", "--project", "api"];
        ServeProcess::over(folder, &[&orgs[..], &projects].concat(), Some(serve::TOKEN))
    }

    fn there(&self) -> Vec<String> {
        rows(&self.serve.database(), THERE)
    }

    /// Runs a command over a manifest of these entries.
    #[track_caller]
    fn command(&self, entries: &[&str], words: &[&str], exit: i32) -> RunResult {
        let text = format!("version: 1\nprune: true\nintegrations:\n{}", entries.concat());
        self.run.file("life.yml", text);
        let run = self.run.clone().var("FINISHLINE_MANIFEST", "life.yml");
        let ended = run.args(&[words, &["--format", "json"]].concat()).execute().expect(exit);
        for secret in ["k3y-that-is-secret", "s3cr3t-of-beta", "an0ther-key", serve::TOKEN] {
            assert!(!ended.everything().contains(secret), "{}", ended.everything());
        }
        ended
    }

    /// Plans these entries; what would be done, and what is unmanaged.
    #[track_caller]
    fn plan(&self, entries: &[&str], exit: i32) -> Vec<String> {
        let before = self.there();
        let ended = self.command(entries, &["plan", "--exit-code"], exit);
        assert_eq!(self.there(), before, "a plan changes nothing");
        self.run.file("plan.json", &ended.stdout);
        let plan = ended.json();
        assert_eq!(warnings(&plan), [""; 0]);
        let unmanaged = plan["unmanaged"].as_array().unwrap().iter();
        let unmanaged = unmanaged
            .map(|one| text(&format!("unmanaged {} {} {}", one["org"], one["kind"], one["name"])));
        plan["entries"].as_array().unwrap().iter().flat_map(changes).chain(unmanaged).collect()
    }

    /// Carries the plan that was made last out.
    #[track_caller]
    fn carry_out(&self, entries: &[&str], is_changed: bool) {
        let ended = self.command(entries, &["run", "--plan", "plan.json"], 0).json();
        assert_eq!(ended["changed"], is_changed);
        assert_eq!(warnings(&ended), [""; 0]);
    }

    /// A run of somebody else, with these inputs.
    #[track_caller]
    fn by_another(&self, inputs: &[(&str, &str)]) {
        let name = |name: &str| format!("FINISHLINE_{}", name.replace('-', "_").to_uppercase());
        let run =
            inputs.iter().fold(self.run.clone(), |run, (key, value)| run.var(&name(key), value));
        let ended = run.args(&["run", "--format", "json"]).execute().expect(0);
        assert_eq!(ended.json()["changed"], true, "{}", ended.stdout);
    }

    /// A request of somebody else.
    #[track_caller]
    fn request(&self, method: &str, path: &str, body: Value, status: u16) -> Value {
        self.serve.request(method, &format!("/api/0/organizations/{path}"), body).expect(status)
    }

    /// What the server has under the path where this field has this value.
    #[track_caller]
    fn find(&self, path: &str, field: &str, value: &str) -> Value {
        let all = self.request("GET", path, Value::Null, 200);
        all.as_array().unwrap().iter().find(|one| one[field] == value).unwrap().clone()
    }

    /// Changes one field of a code mapping.
    fn remap(&self, org: &str, root: &str, field: &str, value: &str) {
        let path = format!("{org}/code-mappings/");
        let mut mapping = self.find(&path, "stackRoot", root);
        mapping["repositoryId"] = mapping["repoId"].clone();
        mapping[field] = value.into();
        let path = format!("{path}{}/", mapping["id"].as_str().unwrap());
        self.request("PUT", &path, mapping, 200);
    }

    /// Six changes, none of them by the manifest.
    fn change_six_things(&self) {
        let other_key = account("an0ther-key");
        self.by_another(&[("provider", "pagerduty"), ("org", "beta"), ("state", &other_key)]);
        self.remap("acme", "app/", "defaultBranch", "release");
        self.remap("beta", "lib/", "sourceRoot", "src/");
        let till = self.find("gamma/repos/", "name", "gamma/till");
        let till = format!("gamma/repos/{}/", till["id"].as_str().unwrap());
        self.request("DELETE", &till, Value::Null, 202);
        let spare = [("provider", "example"), ("org", "gamma"), ("state", "{name: spare}")];
        self.by_another(&[&spare[..], &[("mode", "remove")]].concat());
        let mut extra = self.find("acme/code-mappings/", "stackRoot", "app/");
        extra["repositoryId"] = extra["repoId"].clone();
        extra["stackRoot"] = "by-hand/".into();
        self.request("POST", "acme/code-mappings/", extra, 201);
    }

    /// What is said of an integration that only a server still has.
    fn of_server<'a>(&self, lines: &[&'a str]) -> Vec<&'a str> {
        if self.is_embedded { Vec::new() } else { lines.to_vec() }
    }
}

/// The state of a PagerDuty account with one service.
fn account(key: &str) -> String {
    let service = json!({ "integration_key": key, "name": "Web", "id": "P1", "type": "service" });
    let account = json!({ "subdomain": "beta-pager", "name": "beta-pager" });
    json!({ "config": { "account": account, "integration_keys": [service] } }).to_string()
}

/// The warnings of a result and of its entries, but that PagerDuty's set-up adds to what is there.
fn warnings(result: &Value) -> Vec<String> {
    let entries = result["entries"].as_array().unwrap().iter();
    let all = entries.chain([result]).flat_map(|one| one["warnings"].as_array().unwrap());
    let slugs = all.map(|one| one["slug"].as_str().unwrap().to_owned());
    slugs.filter(|slug| slug != "repeated-install").collect()
}

fn text(line: &str) -> String {
    line.replace('"', "")
}

/// The changes of an entry, as `entry action kind name: field there → wanted`; `[]` for none.
fn changes(entry: &Value) -> Vec<String> {
    assert_eq!(entry["plan"]["schema"], 1, "{entry:#}");
    let place = entry["entry"].as_str().unwrap();
    let line = |change: &Value| {
        let head = format!("{place} {} {} {}", change["action"], change["kind"], change["name"]);
        let fields = change["fields"].as_array().unwrap().iter();
        let fields = fields.filter(|one| one["comparison"] != "cannot be compared");
        let field = |one: &Value| match one["shown"] == true {
            true => format!("{} {} → {}", one["field"], one["there"], one["wanted"]),
            false => format!("{} {}", one["field"], one["comparison"]),
        };
        let fields: Vec<_> = fields.map(field).collect();
        (change["action"] != "keep" || !fields.is_empty())
            .then(|| text(&format!("{head}: {}", fields.join(", "))))
    };
    entry["plan"]["changes"].as_array().unwrap().iter().filter_map(line).collect()
}

/// The plan where nothing is there.
const CREATED: [&str; 14] = [
    "integrations[0] create integration Opsgenie: baseUrl null → https://api.opsgenie.com/, provider null → acme-ops, apiKey new",
    "integrations[1] create integration Example: name null → web",
    "integrations[1] create repository acme/web: ",
    "integrations[1] create repository acme/api: ",
    "integrations[1] create code-mapping `app/` of web: repository null → acme/web, sourceRoot null → src/, branch null → main",
    "integrations[1] create code-mapping `` of api: repository null → acme/api, sourceRoot null → api/",
    "integrations[2] create integration PagerDuty: config new",
    "integrations[3] create integration Custom Source Control Management (SCM): name null → forge, url null → https://forge.example.com",
    "integrations[3] create repository beta/site: ",
    "integrations[3] create code-mapping `lib/` of web: repository null → beta/site, sourceRoot null → source/, branch null → main",
    "integrations[4] create integration Example: name null → shop",
    "integrations[4] create repository gamma/shop: ",
    "integrations[4] create repository gamma/till: ",
    "integrations[5] create integration Example: name null → spare",
];
const BY_HAND: &str = "unmanaged acme code-mapping `by-hand/` of web to `src/` of acme/web";

/// What is there but for these lines, and with those.
fn all_but(gone: &[&str], more: &[&'static str]) -> Vec<&'static str> {
    let mut there: Vec<_> = ALL.into_iter().chain(more.iter().copied()).collect();
    there.retain(|line| !gone.contains(line));
    there.sort_unstable();
    there
}

#[test]
fn what_a_manifest_describes_is_made_kept_removed_pruned_and_imported() {
    for life in ManifestLife::both() {
        assert_eq!(life.plan(&SIX, 8), CREATED);
        life.carry_out(&SIX, true);
        assert_eq!(life.there(), ALL);
        assert_eq!(life.plan(&SIX, 0), [""; 0]);
        let by_hand = "acme mapping web by-hand/ -> src/ of acme/web on release of web";
        six_changes_are_planned_and_undone(&life, by_hand);
        let [pagerduty, spare] =
            [3, 6].map(|id| format!("integration-id: {id}, state: absent}}\n"));
        let pagerduty = format!("  - {{provider: pagerduty, org: beta, {pagerduty}");
        let spare = format!("  - {{provider: example, org: gamma, {spare}");
        let gone = ["beta pagerduty beta-pager", "gamma example spare"];
        let left = all_but(&gone, &[by_hand]);
        two_are_removed(&life, &[OPSGENIE, WEB, &pagerduty, FORGE, SHOP, &spare], &left);
        let rest = [OPSGENIE, &pagerduty, FORGE, SHOP, &spare];
        one_is_pruned(&life, &rest, &left);
        import_finds_what_is_left(&life);
    }
}

fn six_changes_are_planned_and_undone(life: &ManifestLife, by_hand: &'static str) {
    life.change_six_things();
    let spare = match life.is_embedded {
        true => "integrations[5] create integration Example: name null → spare",
        false => "integrations[5] update integration 6 (spare): status pending_deletion → active",
    };
    assert_eq!(
        life.plan(&SIX, 8),
        [
            "integrations[1] update code-mapping `app/` of web: branch release → main",
            "integrations[2] update integration 3 (beta-pager): config differs",
            "integrations[3] update code-mapping `lib/` of web: sourceRoot src/ → source/",
            "integrations[4] create repository gamma/till: ",
            spare,
            BY_HAND,
        ]
    );
    life.carry_out(&SIX, true);
    assert_eq!(life.there(), all_but(&[], &[by_hand]));
    assert_eq!(life.plan(&SIX, 0), [BY_HAND]);
    life.carry_out(&SIX, false);
}

fn two_are_removed(life: &ManifestLife, entries: &[&str], left: &[&str]) {
    let removals = [
        "integrations[2] remove integration 3 (beta-pager): ",
        "integrations[5] remove integration 6 (spare): ",
        BY_HAND,
    ];
    assert_eq!(life.plan(entries, 8), removals);
    life.carry_out(entries, true);
    assert_eq!(life.there(), left);
    assert_eq!(life.plan(entries, 0), [BY_HAND]);
    life.carry_out(entries, false);
}

fn one_is_pruned(life: &ManifestLife, entries: &[&str], left: &[&str]) {
    let pruned = [
        "prune[0] remove integration 2 (web): ",
        "prune[0] remove code-mapping `app/` of web: ",
        "prune[0] remove code-mapping `` of api: ",
        "prune[0] remove code-mapping `by-hand/` of web: ",
        "prune[0] update repository acme/api: integration 2 (web) → null",
        "prune[0] update repository acme/web: integration 2 (web) → null",
    ];
    assert_eq!(life.plan(entries, 8), pruned);
    life.carry_out(entries, true);
    let rest: Vec<_> = left.iter().filter(|line| !line.ends_with(" web")).collect();
    let rest: Vec<_> = rest.into_iter().filter(|line| !line.ends_with("of web")).collect();
    assert_eq!(life.there().iter().collect::<Vec<_>>(), rest);
    let marked = life.of_server(&[
        "unmanaged acme integration web",
        "unmanaged acme repository acme/api",
        "unmanaged acme repository acme/web",
        "unmanaged acme code-mapping `app/` of web to `src/` of acme/web",
        "unmanaged acme code-mapping `` of api to `api/` of acme/api",
        BY_HAND,
    ]);
    assert_eq!(life.plan(entries, 0), marked);
    life.carry_out(entries, false);
}

fn import_finds_what_is_left(life: &ManifestLife) {
    for (org, providers) in [("acme", 1), ("beta", 1), ("gamma", 1)] {
        let run = life.run.clone().var("FINISHLINE_ORG", org).args(&["import"]);
        let text = run.execute().expect(0).stdout;
        assert_eq!(text.matches("- provider:").count(), providers, "{text}");
        life.run.file("imported.yml", &text);
        let plan = ["plan", "--exit-code", "--manifest", "imported.yml"];
        let run = life.run.clone().var("OPSGENIE_1_API_KEY", "k3y-that-is-secret").args(&plan);
        let ended = run.execute().expect(0);
        assert!(ended.stdout.starts_with("1 entry: 1 with nothing to do"), "{}", ended.stdout);
    }
    // What was imported is all that is there.
    let integrations: Vec<_> =
        life.there().into_iter().filter(|line| line.matches(' ').count() < 4).collect();
    let left = [
        "acme opsgenie acme-ops acme-ops.app.opsgenie.com",
        "beta custom_scm forge",
        "gamma example shop",
    ];
    assert_eq!(integrations, left);
}
