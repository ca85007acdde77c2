//! Many entries under way at once: what disturbs them costs nothing that a second run does not mend.

use crate::common::Run;
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
