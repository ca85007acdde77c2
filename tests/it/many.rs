//! Many entries under way at once: what disturbs them costs nothing that a second run does not mend.

use crate::common::Run;
use crate::relay::{Fate, RELAY_TOKEN, Relay};
use crate::serve_peer::Serve;
use std::collections::BTreeSet;
use std::time::Duration;

/// Integrations and releases of four organizations on the embedded backend.
fn thirty() -> Run {
    let integration = |n: usize| {
        let state = "baseUrl: 'https://api.opsgenie.com/', apiKey: '${KEY}'";
        format!(
            "  - {{provider: opsgenie, org: org-{}, state: {{{state}, provider: ops-{n}}}}}\n",
            n % 4
        )
    };
    let release = |n: usize| {
        format!("  - {{org: org-{}, projects: web, release: v{n}, commits: none}}\n", n % 4)
    };
    let integrations: String = (0..20).map(integration).collect();
    let releases: String = (0..10).map(release).collect();
    let run = Run::local();
    run.file(
        "finishline.yml",
        format!("version: 1\nintegrations:\n{integrations}releases:\n{releases}"),
    );
    let database = run.database();
    run.var("FINISHLINE_BACKEND", "embedded")
        .var("FINISHLINE_DATABASE", database)
        .var("FINISHLINE_MANIFEST", "finishline.yml")
        .var("KEY", "s3cr3t-key")
}

/// What is there, without ids and times.
fn there(run: &Run) -> Vec<String> {
    let links = "SELECT organization.slug, integration.external_id, integration.status, link.status
         FROM organization_integration AS link
         JOIN integration ON integration.id = link.integration_id
         JOIN organization ON organization.id = link.organization_id ORDER BY 1, 2";
    let releases = "SELECT organization.slug, release.version, release.date_released IS NULL
         FROM release JOIN organization ON organization.id = release.organization_id ORDER BY 1, 2";
    [run.rows(links), run.rows(releases)].concat()
}

#[test]
fn fifty_kills_and_a_second_run_end_like_an_undisturbed_run() {
    let undisturbed = thirty();
    undisturbed.go().expect(0);
    let right = there(&undisturbed);
    assert_eq!(right.len(), 30);
    let run = thirty();
    for kill in 0..50 {
        let started = run.start();
        // Moments from the first instant to the last one of a run.
        std::thread::sleep(Duration::from_millis(kill * 37 % 151));
        drop(started);
    }
    run.go().expect(0);
    assert_eq!(there(&run), right);
    assert_eq!(run.go().expect(0).stdout.matches("nothing to do").count(), 30);
}

/// Sixty integrations of six organizations at a Sentry, in the order of the organizations.
fn sixty(relay: &Relay) -> Run {
    let state = "baseUrl: 'https://api.opsgenie.com/', apiKey: '${KEY}'";
    let entry = |n: usize| {
        let org = n / 10;
        format!(
            "  - {{provider: opsgenie, org: org-{org}, state: {{{state}, provider: ops-{n}}}}}\n"
        )
    };
    let entries: String = (0..60).map(entry).collect();
    let run = Run::local();
    run.file("finishline.yml", format!("version: 1\nintegrations:\n{entries}"));
    run.var("FINISHLINE_MANIFEST", "finishline.yml")
        .var("FINISHLINE_URL", relay.peer.url())
        .var("FINISHLINE_AUTH_TOKEN", RELAY_TOKEN)
        .var("KEY", "s3cr3t-key")
}

fn six_organizations() -> Relay {
    let orgs: Vec<_> = (0..6).map(|n| format!("org-{n}")).collect();
    let arguments: Vec<_> = orgs.iter().flat_map(|org| ["--org", org]).collect();
    let folder = tempfile::tempdir().unwrap();
    Relay::before(Serve::over(folder, &arguments, Some(RELAY_TOKEN)), |_| Fate::Pass)
}

/// How many requests of this method there were, and to how many different paths.
fn counts(lines: &[String], method: &str) -> (usize, usize) {
    let of: Vec<_> = lines.iter().filter(|line| line.starts_with(method)).collect();
    (of.len(), of.iter().collect::<BTreeSet<_>>().len())
}

#[test]
fn sixty_entries_ask_each_thing_once_over_as_many_connections_as_are_under_way() {
    let relay = six_organizations();
    let run = sixty(&relay);
    run.go().expect(0);
    // The listing and the organization, six times; a pipeline's start and its one answer, sixty.
    let lines = relay.passed(0);
    assert_eq!((counts(&lines, "GET"), counts(&lines, "POST")), ((12, 12), (120, 6)));
    assert!(relay.peer.connections() <= 8, "{} connections", relay.peer.connections());
    for org in 0..6 {
        let path = format!("/api/0/organizations/org-{org}/integrations/");
        assert_eq!(relay.serve.get(&path).expect(200).as_array().unwrap().len(), 10);
    }
    let since = lines.len();
    run.go().expect(0);
    let lines = relay.passed(since);
    assert_eq!((lines.len(), counts(&lines, "GET")), (12, (12, 12)));
}

#[test]
fn entries_share_connections_and_never_a_session() {
    let relay = six_organizations();
    sixty(&relay).go().expect(0);
    let posts = relay.peer.requests().into_iter().filter(|request| request.method == "POST");
    let (starts, answers): (Vec<_>, Vec<_>) =
        posts.partition(|request| request.json()["action"] == "initialize");
    assert!(starts.iter().all(|request| request.header("cookie").is_empty()));
    let sessions: BTreeSet<_> = answers.iter().map(|request| request.header("cookie")).collect();
    assert_eq!((starts.len(), answers.len(), sessions.len()), (60, 60, 60));
}
