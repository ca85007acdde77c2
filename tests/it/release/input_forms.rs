//! The forms in which people and hosts write the inputs of a release.

use super::requests::{add_repository, pushed, released};
use crate::support::proxy::ServeProxy;
use crate::support::run::ProgramRun;

#[test]
fn projects_are_separated_by_blanks_commas_or_lines() {
    for list in ["web api docs", "web, api,docs", "web\napi\n\tdocs\n"] {
        let run =
            ProgramRun::local().without("FINISHLINE_PROVIDER").var("FINISHLINE_RELEASE", "v1");
        let run = run.clone().var("FINISHLINE_DATABASE", run.database()).var("SENTRY_ORG", "acme");
        run.clone().var("SENTRY_PROJECT", list).execute().expect(0);
        let projects = run.rows("SELECT slug FROM project ORDER BY slug");
        assert_eq!(projects, ["api", "docs", "web"], "{list:?}");
    }
}

#[test]
fn a_ref_given_as_release_is_the_tag_or_branch_that_it_names() {
    let relay = ServeProxy::new();
    for (name, version) in [("refs/tags/v1.2.0", "v1.2.0"), ("refs/heads/main", "main")] {
        let run = pushed(&relay).var("FINISHLINE_RELEASE", name);
        assert_eq!(run.execute().expect(0).output("release"), version);
    }
    for name in ["refs/heads/feature/a", "refs/pull/7/merge", "refs/tags/"] {
        let ended = pushed(&relay).var("FINISHLINE_RELEASE", name).execute().expect(2);
        assert_eq!(ended.output("error-code"), "bad-release", "{name}");
        assert!(ended.output("error-message").contains(name), "{name}");
    }
}

#[test]
fn a_previous_commit_of_zeros_is_none() {
    // What `github.event.before` is at the first push of a branch.
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    for zeros in ["0".repeat(40), "0".repeat(64)] {
        let run = released(&relay).var("FINISHLINE_PREVIOUS_COMMIT", zeros);
        assert_eq!(run.execute().expect(0).output("status"), "complete");
    }
    let short = released(&relay).var("FINISHLINE_PREVIOUS_COMMIT", "0000000").execute().expect(2);
    assert_eq!(short.output("error-code"), "usage");
}
