//! Which commits a release gets, or why it gets none: the real program in real checkouts.

use super::requests::add_repository;
use crate::support::git_repository::{git, git_at};
use crate::support::http_server::{HttpServer, Request, Response};
use crate::support::proxy::{PROXY_TOKEN, ProxyAction, ServeProxy};
use crate::support::run::{ProgramRun, RunResult};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A laptop with a checkout of `acme/web` in its working folder, of this many commits.
pub(crate) fn checkout(commits: usize) -> ProgramRun {
    let run = ProgramRun::local();
    let folder = run.path("");
    git(&folder, &["init", "--quiet", "--initial-branch=main", "."]);
    git(&folder, &["remote", "add", "origin", "git@github.com:acme/web.git"]);
    for number in 1..=commits {
        commit(&folder, &format!("file{number}"), &format!("commit {number}"));
    }
    on_file(run)
}

/// An empty checkout of `acme/web` in the folder `work` of a run.
pub(crate) fn work_folder(run: &ProgramRun) -> PathBuf {
    let folder = run.path("work");
    std::fs::create_dir(&folder).unwrap();
    git(&folder, &["init", "--quiet", "--initial-branch=main", "."]);
    git(&folder, &["remote", "add", "origin", "https://github.com/acme/web"]);
    folder
}

/// The run on an embedded backend whose file is no part of the checkout.
pub(crate) fn on_file(run: ProgramRun) -> ProgramRun {
    let database = run.database();
    run.var("FINISHLINE_DATABASE", database)
        .var("FINISHLINE_ORG", "acme")
        .var("FINISHLINE_PROJECTS", "web")
        .var("FINISHLINE_RELEASE", "web@1.0.0")
}

pub(crate) fn commit(folder: &Path, file: &str, message: &str) -> String {
    let path = folder.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, message).unwrap();
    git(folder, &["add", file]);
    git(folder, &["commit", "--quiet", "-m", message]);
    head(folder)
}

pub(crate) fn head(folder: &Path) -> String {
    git(folder, &["rev-parse", "HEAD"])
}

/// What the release has, newest first.
pub(crate) fn messages(run: &ProgramRun) -> Vec<String> {
    let sql = "SELECT trim(message, char(10)) FROM release_commit
               JOIN source_commit ON source_commit.id = commit_id ORDER BY release_id, place";
    run.rows(sql)
}

pub(crate) fn warnings(ended: &RunResult) -> Vec<String> {
    let warnings = ended.json()["warnings"].as_array().unwrap().clone();
    warnings.iter().map(|one| one["slug"].as_str().unwrap().to_owned()).collect()
}

pub(crate) fn as_json(run: &ProgramRun) -> ProgramRun {
    run.clone().var("FINISHLINE_FORMAT", "json")
}

#[test]
fn a_laptop_sends_the_commits_of_the_checkout_with_files_and_authors() {
    let run = checkout(3);
    let ended = as_json(&run).execute().expect(0);
    assert_eq!(ended.json()["release"]["commit_count"], 3);
    assert_eq!(messages(&run), ["commit 3", "commit 2", "commit 1"]);
    let files = "SELECT filename || type FROM commit_file ORDER BY filename";
    assert_eq!(run.rows(files), ["file1A", "file2A", "file3A"]);
    assert_eq!(run.rows("SELECT email || name FROM commit_author"), ["ada@acme.exampleAda"]);
    assert_eq!(run.rows("SELECT name FROM repository"), ["acme/web"]);
    assert_eq!(run.rows("SELECT ref FROM release"), [head(&run.path(""))]);
}

#[test]
fn no_repository_is_ever_called_origin() {
    let run = checkout(1);
    git(&run.path(""), &["remote", "set-url", "origin", "/somewhere/else"]);
    run.execute().expect(0);
    assert_eq!(run.rows("SELECT count(*) FROM repository WHERE name LIKE '%origin%'"), ["0"]);
    assert_eq!(messages(&run), ["commit 1"]);
}

#[test]
fn ssh_and_https_remotes_are_the_same_repository() {
    for remote in [
        "git@github.com:acme/web.git",
        "ssh://git@github.com:22/acme/web",
        "https://ada:s3cr3t@github.com/acme/web.git",
        "https://github.com/acme/web/",
    ] {
        let run = checkout(1);
        git(&run.path(""), &["remote", "set-url", "origin", remote]);
        let ended = run.execute().expect(0);
        assert_eq!(run.rows("SELECT name FROM repository"), ["acme/web"], "{remote}");
        assert!(!ended.everything().contains("s3cr3t"));
    }
}

#[test]
fn the_remote_is_the_one_that_is_named() {
    let run = checkout(1);
    git(&run.path(""), &["remote", "add", "upstream", "https://github.com/acme/upstream"]);
    run.clone().var("SENTRY_VCS_REMOTE", "upstream").execute().expect(0);
    assert_eq!(run.rows("SELECT name FROM repository"), ["acme/upstream"]);
}

#[test]
fn a_remote_that_is_not_there_is_named_with_those_that_are() {
    let run = checkout(1);
    git(&run.path(""), &["remote", "add", "upstream", "https://github.com/acme/upstream"]);
    let ended = as_json(&run).var("SENTRY_VCS_REMOTE", "upstraem").execute().expect(0);
    assert_eq!(warnings(&ended), ["remote-unknown"]);
    let words =
        "no remote `upstraem`, so `remote` names no repository; it has `origin`, `upstream`";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    let hosted = as_json(&run).var("SENTRY_VCS_REMOTE", "upstraem");
    let hosted = hosted.var("FINISHLINE_COMMITS", "none").execute().expect(0);
    assert_eq!(warnings(&hosted), [""; 0]);
}

#[test]
fn the_range_begins_after_the_previous_commit() {
    let run = checkout(3);
    let first = git(&run.path(""), &["rev-parse", "HEAD~2"]);
    run.clone().var("FINISHLINE_PREVIOUS_COMMIT", &first).execute().expect(0);
    assert_eq!(messages(&run), ["commit 3", "commit 2"]);
}

#[test]
fn a_previous_sha_that_is_not_found_is_named_and_the_last_commits_are_sent() {
    let run = checkout(2).var("FINISHLINE_PREVIOUS_COMMIT", "b".repeat(40));
    let ended = as_json(&run).execute().expect(0);
    assert_eq!(warnings(&ended), ["previous-not-found"]);
    assert!(ended.stderr.contains(&"b".repeat(40)), "{}", ended.stderr);
    assert_eq!(messages(&run), ["commit 2", "commit 1"]);
}

#[test]
fn a_wrong_range_is_told_from_a_right_one() {
    let run = checkout(2);
    let folder = run.path("");
    git(&folder, &["switch", "--quiet", "-c", "side", "HEAD~1"]);
    let side = commit(&folder, "side", "on the side");
    git(&folder, &["switch", "--quiet", "main"]);
    let ended = as_json(&run).var("FINISHLINE_PREVIOUS_COMMIT", &side).execute().expect(0);
    assert_eq!(warnings(&ended), ["previous-not-an-ancestor"]);
    assert_eq!(messages(&run), ["commit 2"]);
}

#[test]
fn no_commits_come_with_a_message() {
    let run = checkout(2);
    let same = head(&run.path(""));
    let ended = as_json(&run).var("FINISHLINE_PREVIOUS_COMMIT", same).execute().expect(0);
    assert_eq!(warnings(&ended), ["no-commits"]);
    assert!(ended.stderr.contains("none were made since"), "{}", ended.stderr);
}

#[test]
fn a_second_run_says_that_it_was_there() {
    let run = checkout(2);
    run.execute().expect(0);
    let again = run.execute().expect(0);
    assert!(again.stdout.contains("exists for acme, nothing to do"), "{}", again.stdout);
    assert_eq!(messages(&run).len(), 2);
}

#[test]
fn without_a_known_previous_commit_the_last_twenty_are_sent_and_that_is_said() {
    let run = checkout(22);
    let ended = as_json(&run).execute().expect(0);
    assert_eq!(warnings(&ended), ["no-previous"]);
    assert_eq!(messages(&run).len(), 20);
}

#[test]
fn the_commit_of_the_release_before_can_be_looked_up() {
    let run = checkout(2).var("FINISHLINE_PREVIOUS_COMMIT", "lookup");
    run.execute().expect(0);
    commit(&run.path(""), "more", "commit 3");
    let ended = run.clone().var("FINISHLINE_RELEASE", "web@2.0.0").execute().expect(0);
    assert!(ended.stdout.contains("1 commit from the checkout"), "{}", ended.stdout);
    assert_eq!(messages(&run), ["commit 2", "commit 1", "commit 3"]);
}

#[test]
fn a_release_of_one_service_has_the_commits_of_its_paths_only() {
    let run = checkout(0);
    let folder = run.path("");
    for (file, message) in
        [("api/a.rs", "api"), ("web/a.ts", "web"), ("web/src/b.ts", "deep"), ("README", "docs")]
    {
        commit(&folder, file, message);
    }
    run.clone().var("FINISHLINE_PATHS", "web").execute().expect(0);
    assert_eq!(messages(&run), ["deep", "web"]);
    let other = checkout(0);
    commit(&other.path(""), "api/a.rs", "api");
    commit(&other.path(""), "web/a.ts", "web");
    other.clone().var("FINISHLINE_PATHS", "**/*.rs\nlib").execute().expect(0);
    assert_eq!(messages(&other), ["api"]);
}

#[test]
fn paths_that_nothing_touches_are_said() {
    let run = checkout(2);
    let ended = as_json(&run).var("FINISHLINE_PATHS", "nothere").execute().expect(0);
    assert_eq!(warnings(&ended), ["no-commits"]);
    assert!(
        ended.stderr.contains("none of the commits examined touch `paths`"),
        "{}",
        ended.stderr
    );
}

#[test]
fn other_commits_of_a_release_that_is_there_are_a_change() {
    let run = checkout(3);
    run.clone().var("FINISHLINE_COMMITS", "none").execute().expect(0);
    let changed = |run: &ProgramRun| as_json(run).execute().expect(0).json()["changed"].clone();
    assert_eq!([changed(&run), changed(&run)], [json!(true), json!(false)]);
    let first = git(&run.path(""), &["rev-parse", "HEAD~2"]);
    let shorter = run.clone().var("FINISHLINE_PREVIOUS_COMMIT", first);
    assert_eq!([changed(&shorter), changed(&shorter)], [json!(true), json!(false)]);
    assert_eq!(messages(&run), ["commit 3", "commit 2"]);
}

/// A repository that only commits named has nobody to fetch from.
#[test]
fn commits_that_are_sent_make_no_repository_at_a_sentry() {
    let relay = ServeProxy::new();
    let run = checkout(2).without("FINISHLINE_DATABASE").var("SENTRY_URL", relay.peer.url());
    let run = run.var("SENTRY_AUTH_TOKEN", PROXY_TOKEN);
    run.clone().var("FINISHLINE_COMMITS", "local").execute().expect(0);
    git(&run.path(""), &["commit", "--quiet", "--allow-empty", "--message", "commit 3"]);
    let next = as_json(&run).var("FINISHLINE_RELEASE", "web@2.0.0").execute().expect(0);
    assert_eq!(warnings(&next), ["repository-unknown"]);
    assert_eq!(relay.get("releases/web@2.0.0/")["commitCount"], 1);
    add_repository(&relay, "acme/web", None);
    run.clone().var("FINISHLINE_RELEASE", "web@3.0.0").var("FINISHLINE_COMMITS", "local").execute();
    let last = &relay.get("releases/web@3.0.0/")["lastCommit"];
    assert_eq!(last["repository"]["name"], "acme/web");
}

/// A job of `acme/web` on GitLab that asks for a release.
pub(crate) fn gitlab_job(relay: &ServeProxy) -> ProgramRun {
    ProgramRun::gitlab()
        .var("CI_PROJECT_PATH", "acme/web")
        .var("CI_COMMIT_SHA", "a".repeat(40))
        .var("SENTRY_URL", relay.peer.url())
        .var("SENTRY_AUTH_TOKEN", PROXY_TOKEN)
        .var("FINISHLINE_ORG", "acme")
        .var("FINISHLINE_PROJECTS", "web")
        .var("FINISHLINE_RELEASE", "v1")
}

/// A GitHub whose `acme/web` has this many commits, a hundred on a page.
fn github(commits: usize) -> HttpServer {
    HttpServer::new(move |request: &Request| {
        assert_eq!(request.path(), "/repos/acme/web/compare/bbbbbbb...aaaaaaa");
        let page: usize = request.parameter("page").parse().unwrap_or(1);
        let per: usize = request.parameter("per_page").parse().unwrap_or(30);
        let numbers = ((page - 1) * per + 1)..=(page * per).min(commits);
        let commits_of: Vec<_> = numbers.map(commit_of_github).collect();
        Response::json(200, &json!({ "total_commits": commits, "commits": commits_of }))
    })
}

fn commit_of_github(number: usize) -> Value {
    let date = format!("2026-11-25T{:02}:{:02}:00Z", number / 60, number % 60);
    let person = json!({ "name": "Ada", "email": "ada@acme.example", "date": date });
    json!({
        "sha": format!("{number:040x}"),
        "commit": { "message": format!("commit {number}"), "author": person, "committer": person },
    })
}

#[test]
fn six_hundred_and_fifty_commits_come_from_github_without_a_checkout() {
    let github = github(650);
    let relay = ServeProxy::new();
    let run = ProgramRun::github()
        .var("GITHUB_EVENT_NAME", "push")
        .var("GITHUB_REPOSITORY", "acme/web")
        .var("GITHUB_API_URL", github.url())
        .var("GITHUB_SHA", "aaaaaaa")
        .var("GITHUB_TOKEN", "gh-s3cr3t")
        .var("SENTRY_URL", relay.peer.url())
        .var("SENTRY_AUTH_TOKEN", PROXY_TOKEN)
        .var("SENTRY_ORG", "acme")
        .var("SENTRY_PROJECT", "web")
        .var("FINISHLINE_RELEASE", "web@1.0.0")
        .var("FINISHLINE_COMMITS", "github")
        .var("FINISHLINE_PREVIOUS_COMMIT", "bbbbbbb");
    let ended = run.execute().expect(0);
    assert_eq!(ended.joined(["commit-count", "warnings"]), "650 ");
    assert_eq!(relay.get("releases/web@1.0.0/")["commitCount"], 650);
    assert_eq!(relay.get("releases/web@1.0.0/")["lastCommit"]["message"], "commit 650");
    assert_eq!(github.requests().len(), 7);
    assert_eq!(github.requests()[0].header("authorization"), "Bearer gh-s3cr3t");
    assert_eq!(relay.peer.count("POST releases/"), 1);
}

/// GitLab's repositories are called by their display names in Sentry.
#[test]
fn a_display_name_is_found_by_its_address() {
    for (name, part) in [("Acme Corp / Web", "web"), ("Acme / Storefront", "")] {
        let relay = ServeProxy::new();
        add_repository(&relay, name, Some("https://gitlab.com/acme/web"));
        let run = gitlab_job(&relay);
        assert_eq!(run.execute().expect(0).joined(["status", "warnings"]), "complete ");
        let asked = relay.peer.requests();
        let last = asked.iter().rfind(|one| one.method == "GET").unwrap();
        assert_eq!(last.parameter("query"), part);
        let sent = asked.last().unwrap().json();
        assert_eq!(sent["refs"][0]["repository"], name);
    }
}

#[test]
fn several_repositories_are_named_with_their_ranges() {
    let relay = ServeProxy::new();
    add_repository(&relay, "acme/web", None);
    add_repository(&relay, "acme/api", None);
    let run = super::requests::released(&relay);
    let run = run.var("FINISHLINE_COMMITS", "acme/web@bbbbbbb..aaaaaaa\nacme/api@ccccccc");
    run.execute().expect(0);
    let sent = relay.peer.requests()[0].json();
    let web = json!({ "repository": "acme/web", "commit": "aaaaaaa", "previousCommit": "bbbbbbb" });
    assert_eq!(sent["refs"], json!([web, { "repository": "acme/api", "commit": "ccccccc" }]));
}

/// A history of this many commits, made by `git fast-import`; one of each oddity among them.
fn long_history(folder: &Path, commits: usize) {
    let mut stream = String::new();
    for number in 1..=commits {
        let author = match number {
            100 => format!("Ada <{}@acme.example>", "a".repeat(90)),
            _ => "Ada <ada@acme.example>".to_owned(),
        };
        let message = match number {
            200 => "m".repeat(200_000),
            _ => format!("commit {number}"),
        };
        let path = match number {
            300 => ["d".repeat(99), "e".repeat(99), "f".repeat(100)].join("/"),
            _ => format!("file{}", number % 50),
        };
        let time = 1_700_000_000 + number;
        stream.push_str(&format!(
            "commit refs/heads/main\nauthor {author} {time} +0000\n\
             committer Ada <ada@acme.example> {time} +0000\ndata {}\n{message}\n\
             M 100644 inline {path}\ndata {}\n{number}\n",
            message.len(),
            number.to_string().len(),
        ));
    }
    git_at(folder, &["fast-import", "--quiet"], 1_700_000_000, stream.as_bytes());
}

#[test]
fn twenty_thousand_commits_arrive_but_for_the_bad_author() {
    let relay = ServeProxy::with(|request| match request.body.len() > 4_000_000 {
        true => ProxyAction::Intercept(Response::html(413, "too large")),
        false => ProxyAction::Forward,
    });
    let run = ProgramRun::local();
    let folder = run.path("");
    git(&folder, &["init", "--quiet", "--initial-branch=main", "."]);
    long_history(&folder, 20_000);
    let first = git(&folder, &["rev-list", "--max-parents=0", "main"]);
    let ended = run
        .var("SENTRY_URL", relay.peer.url())
        .var("SENTRY_AUTH_TOKEN", PROXY_TOKEN)
        .var("FINISHLINE_ORG", "acme")
        .var("FINISHLINE_PROJECTS", "web")
        .var("FINISHLINE_COMMITS", "local")
        .var("FINISHLINE_RELEASE", "v1")
        .var("FINISHLINE_PREVIOUS_COMMIT", &first)
        .var("FINISHLINE_FORMAT", "json")
        .var("FINISHLINE_TIMEOUT", "300s");
    git(&folder, &["reset", "--quiet", "--hard", "main"]);
    let ended = ended.execute().expect(0);
    assert_eq!(warnings(&ended), ["author-left-out", "message-cut"]);
    assert_eq!(ended.json()["release"]["commit_count"], 19_999);
    let database = relay.serve.database();
    let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM release_commit"), 19_999);
    assert_eq!(count("SELECT max(length(message)) FROM source_commit"), 16_384);
    assert_eq!(count("SELECT max(length(filename)) FROM commit_file"), 300);
    assert_eq!(count("SELECT count(*) FROM source_commit WHERE message IS NULL"), 0);
}
