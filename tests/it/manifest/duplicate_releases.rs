//! Two entries that would record one deploy twice are a mistake with both places.

use crate::support::run::ProgramRun;

fn planned(entries: &str) -> ProgramRun {
    let run = ProgramRun::github();
    run.file(
        "finishline.yml",
        format!("version: 1\ndefaults: {{org: acme, commits: none}}\nreleases:\n{entries}"),
    );
    let database = run.database();
    run.var("FINISHLINE_BACKEND", "embedded")
        .var("FINISHLINE_DATABASE", database)
        .var("FINISHLINE_MANIFEST", "finishline.yml")
        .var("GITHUB_SHA", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
}

const ONE: &str = "  - {projects: [web, api], release: v1, environment: production}\n";

#[test]
fn one_deploy_in_two_entries_is_an_error_with_both_places() {
    for again in [
        ONE,
        "  - {projects: [api, web], release: v1, environment: production, finalize: false}\n",
        "  - {projects: [web, api], release: '1', release-prefix: v, environment: production}\n",
    ] {
        let run = planned(&format!("{ONE}{again}"));
        let ended = run.execute().expect(2);
        assert_eq!(ended.output("error-code"), "bad-manifest", "{again}: {}", ended.stderr);
        assert!(ended.stderr.contains("finishline.yml line 5 column 5: "), "{}", ended.stderr);
        let words =
            "the same deploy of release `v1` to `production` as `releases[0]` at line 4 column 5";
        assert!(ended.stderr.contains(words), "{again}: {}", ended.stderr);
        assert!(!run.database().exists());
    }
    // Nobody names the version, and it is one all the same.
    let pushed = "  - {projects: web, environment: production}\n";
    let named = "  - {projects: web, release: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, environment: production}\n";
    let ended = planned(&format!("{pushed}{named}")).execute().expect(2);
    assert_eq!(ended.output("error-code"), "bad-manifest", "{}", ended.stderr);
}

#[test]
fn deploys_that_differ_are_none() {
    let others = "  - {projects: [web], release: v1, environment: production}
  - {projects: [web, api], release: v2, environment: production}
  - {projects: [web, api], release: v1, environment: staging}
  - {projects: [web, api], release: v1, environment: production, deploy-name: second}
  - {projects: [web, api], release: v1, environment: production, org: beta}
  - {projects: [web, api], release: v1, environment: production, deploy: false}
  - {projects: [web, api], release: v1}
  - {projects: [web, api], release: v1}
";
    let run = planned(&format!("{ONE}{others}"));
    run.execute().expect(0);
    assert_eq!(run.rows("SELECT count(*) FROM deploy"), ["6"]);
}
