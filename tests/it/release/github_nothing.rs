//! What is said where GitHub lists no commits: what it returned, and nothing of inputs that are not set.

use crate::release::github::{BASE, HEAD, TOKEN};
use crate::support::http_server::{HttpServer, Response};
use crate::support::run::ProgramRun;
use serde_json::json;

#[test]
fn no_commits_of_github_are_not_blamed_on_paths() {
    for (total, words) in [(5, "GitHub returned none of the 5 since"), (0, "none were made since")]
    {
        let peer = HttpServer::new(move |_| {
            Response::json(200, &json!({ "total_commits": total, "commits": [] }))
        });
        let run = ProgramRun::github()
            .embedded_release("v1")
            .var("GITHUB_API_URL", peer.url())
            .var("GITHUB_EVENT_NAME", "push")
            .var("GITHUB_REPOSITORY", "acme/web")
            .var("GITHUB_SHA", HEAD)
            .var("FINISHLINE_GITHUB_TOKEN", TOKEN)
            .var("FINISHLINE_COMMITS", "github")
            .var("FINISHLINE_PREVIOUS_COMMIT", BASE);
        let ended = run.execute().expect(0);
        assert_eq!(ended.output("warnings"), "no-commits", "{}", ended.stderr);
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
        assert!(!ended.stderr.contains("paths"), "{}", ended.stderr);
    }
}
