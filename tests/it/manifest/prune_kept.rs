//! `prune: true` keeps a repository that something else in the manifest still needs, under whichever name,
//! and keeps it recorded until nothing does.

use super::prune_ids::{runs, with};
use crate::support::rows::rows;
use crate::support::run::ProgramRun;
use crate::support::sentry_23::sentry_23;
use crate::support::serve::ServeProcess;

const RECORD: &str = "finishline.yml.managed.json";
const NAMES: &str = "SELECT name FROM repository WHERE status = 'active'
    AND integration_id IS NOT NULL ORDER BY name";

fn names(run: &ProgramRun, serve: &ServeProcess) -> Vec<String> {
    match run.database().exists() {
        true => run.rows(NAMES),
        false => rows(&serve.database(), NAMES),
    }
}

#[test]
fn a_repository_that_a_mapping_or_a_commit_names_stays_recorded_and_goes_after_it() {
    let serve = ServeProcess::start();
    let one = |links: &str| format!("  - {{provider: example, state: {{name: one}}, {links}}}\n");
    let mapping = "code-mappings: [{project: web, repository: acme/a, stackRoot: s/}]";
    let own = one(&format!("repositories: [acme/b], {mapping}"));
    let less = one("repositories: [acme/b]");
    let other = format!("{less}  - {{mode: link, provider: example, {mapping}}}\n");
    let commit = "a".repeat(40);
    let release = format!(
        "{less}releases:\n  - {{projects: [web], release: v1, commits: 'acme/a@{commit}'}}\n"
    );
    for run in runs(&serve) {
        for needing in [&own, &other, &release] {
            with(&run, &one("repositories: [acme/a, acme/b]")).execute().expect(0);
            let needed = with(&run, needing);
            let planned = needed.clone().args(&["plan"]).execute().expect(0);
            assert!(!planned.stdout.contains("(prune)"), "{}", planned.stdout);
            needed.execute().expect(0);
            assert_eq!(names(&run, &serve), ["acme/a", "acme/b"], "{needing}");
            assert!(run.text(RECORD).contains("acme/a"), "{needing}: {}", run.text(RECORD));
            with(&run, &less).execute().expect(0);
            assert_eq!(names(&run, &serve), ["acme/b"], "{needing}");
        }
    }
}

/// Sentry calls it by its display name, and so does what is imported.
#[test]
fn a_repository_is_kept_that_is_named_by_its_other_name_now() {
    let (sentry, _) = sentry_23("gitlab", "gitlab.example.com:acme");
    let run = sentry.step("gitlab", "").without("FINISHLINE_PROVIDER");
    let run = run.without("FINISHLINE_STATE").var("SECRET", "gitl4b-secret");
    let entry = |links: &str| {
        format!(
            "  - provider: gitlab
    state: {{url: 'https://gitlab.example.com', clientId: app, clientSecret: '${{SECRET}}', group: acme}}
    {links}\n"
        )
    };
    let mapping = "code-mappings: [{project: web, repository: 'Acme Inc / Web', stackRoot: s/}]";
    let path = "repositories: [acme/web]";
    with(&run, &entry(&format!("{path}\n    {mapping}"))).execute().expect(0);
    for links in [mapping, "repositories: ['Acme Inc / Web']", path] {
        let kept = with(&run, &entry(links));
        let planned = kept.clone().args(&["plan"]).execute().expect(0);
        let shown = planned.stdout;
        assert!(!shown.contains("remove repository"), "{links}: {shown}");
        kept.execute().expect(0);
        let deleted =
            sentry.peer.lines().into_iter().filter(|line| line.starts_with("DELETE repos"));
        assert_eq!(deleted.collect::<Vec<_>>(), [""; 0], "{links}");
        let record = run.text(RECORD);
        assert!(record.contains("cme"), "{links}: {record}");
    }
}
