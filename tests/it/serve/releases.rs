//! Releases, commits, refs and deploys over `serve`, as a server of 23.7.1 answers them.

use crate::support::serve::{ServeProcess, TOKEN};
use serde_json::{Value, json};

const RELEASES: &str = "/api/0/organizations/acme/releases/";
const SHA: &str = "6ba09a7c53235ee8a8fa5ee4c1ca8ca886e7fdbb";

fn release(version: &str) -> String {
    format!("{RELEASES}{version}/")
}

fn make(serve: &ServeProcess, version: &str) -> Value {
    let body = json!({ "version": version, "projects": ["web"] });
    serve.request("POST", RELEASES, body).expect(201)
}

#[test]
fn a_release_is_made_once_and_joined_by_more_projects() {
    let serve = ServeProcess::start();
    let body = json!({ "version": "web@1.0.0", "projects": ["web"], "ref": SHA,
                       "url": "https://ci.example/1" });
    let made = serve.request("POST", RELEASES, body).expect(201);
    assert!(made["id"].is_number());
    assert_eq!(made["versionInfo"]["version"]["components"], 3);
    assert_eq!((&made["ref"], &made["url"]), (&json!(SHA), &json!("https://ci.example/1")));
    assert_eq!((&made["dateReleased"], &made["commitCount"]), (&Value::Null, &json!(0)));
    let body = json!({ "version": "web@1.0.0", "projects": ["web"], "ref": "other" });
    assert_eq!(serve.request("POST", RELEASES, body).expect(208), made, "nothing is changed");
    let body = json!({ "version": "web@1.0.0", "projects": ["api"] });
    let joined = serve.request("POST", RELEASES, body).expect(201);
    assert_eq!(joined["id"], made["id"]);
    assert_eq!(joined["projects"].as_array().unwrap().len(), 2);
    assert_eq!(serve.get(&release("web@1.0.0")).expect(200), joined);
    assert_eq!(serve.get(&release("web%401.0.0")).expect(200), joined);
}

/// Bodies that a server of 23.7.1 refuses, with its words.
fn field_errors(of: &str) -> Vec<Value> {
    let text = include_str!("../../fixtures/serve/field-errors.json");
    let all: Value = serde_json::from_str(text).unwrap();
    all[of].as_array().unwrap().clone()
}

#[test]
fn what_is_wrong_with_a_release_is_said_by_field() {
    let serve = ServeProcess::start();
    for case in field_errors("releases") {
        let error = serve.request("POST", RELEASES, case["body"].clone()).expect(400);
        assert_eq!(error, case["error"], "{}", case["body"]);
    }
    for version in [" ", ".", "..", "latest", "Latest", "a/b", "a\nb", "a\tb", "a\\b"] {
        let body = json!({ "version": version, "projects": ["web"] });
        let error = format!("Release with name {version} is not allowed");
        assert_eq!(
            serve.request("POST", RELEASES, body).expect(400),
            json!({ "version": [error] })
        );
    }
    assert_eq!(serve.get(RELEASES).expect(200), json!([]), "nothing was made");
}

#[test]
fn what_is_no_object_is_refused_as_sentry_refuses_it() {
    let serve = ServeProcess::start();
    let with = |kind: &str, body: &str| {
        let headers =
            [("Authorization", format!("Bearer {TOKEN}")), ("Content-Type", kind.to_owned())];
        serve.send("POST", RELEASES, &headers, body)
    };
    let error = json!({ "detail": "JSON parse error - Expecting value: line 1 column 1 (char 0)" });
    assert_eq!(with("application/json", "not json").expect(400), error);
    let error = json!({ "detail": "Unsupported media type \"text/plain\" in request." });
    assert_eq!(with("text/plain", "x").expect(415), error);
    for (body, kind) in [("[1]", "list"), ("\"x\"", "str"), ("7", "int")] {
        let text = format!("Invalid data. Expected a dictionary, but got {kind}.");
        let error = json!({ "non_field_errors": [text] });
        assert_eq!(with("application/json; charset=utf-8", body).expect(400), error);
    }
    let form = "application/x-www-form-urlencoded";
    assert_eq!(with(form, "version=form%401&projects=web").expect(201)["version"], "form@1");
}

#[test]
fn commits_replace_those_that_were_there_and_make_their_repositories() {
    let serve = ServeProcess::start();
    make(&serve, "web@1.0.0");
    let body = json!({ "commits": [
        { "id": "5ba09a7c", "repository": "acme/web", "message": "two",
          "timestamp": "2026-11-18T12:00:00+02:00" },
        { "id": SHA, "repository": "acme/web", "author_name": "Ada",
          "author_email": "ada@example.test", "timestamp": "2026-11-19T12:00:00Z",
          "message": "one", "patch_set": [{ "path": "src/a.js", "type": "M" }] },
    ] });
    let path = release("web@1.0.0");
    let filled = serve.request("PUT", &path, body).expect(200);
    assert_eq!((&filled["commitCount"], &filled["lastCommit"]["id"]), (&json!(2), &json!(SHA)));
    assert_eq!(filled["authors"], json!([{ "name": "Ada", "email": "ada@example.test" }]));
    let commits = serve.get(&format!("{path}commits/")).expect(200);
    assert_eq!((&commits[0]["id"], &commits[1]["id"]), (&json!(SHA), &json!("5ba09a7c")));
    assert_eq!(commits[1]["dateCreated"], "2026-11-18T10:00:00Z");
    assert_eq!(commits[1]["author"], json!({}));
    assert_eq!(commits[0]["releases"][0]["version"], "web@1.0.0");
    assert_eq!(
        commits[0]["repository"]["provider"],
        json!({ "id": "unknown", "name": "Unknown Provider" })
    );
    let files = serve.get(&format!("{path}commitfiles/")).expect(200);
    assert_eq!(
        files,
        json!([{ "id": "1", "orgId": 1, "commitMessage": "one", "type": "M",
        "author": { "name": "Ada", "email": "ada@example.test" },
        "filename": "src/a.js", "repoName": "acme/web" }])
    );
    let repos = serve.get("/api/0/organizations/acme/repos/").expect(200);
    assert_eq!(repos[0]["name"], "acme/web");
}

#[test]
fn the_last_commits_are_the_ones_that_a_release_has() {
    let serve = ServeProcess::start();
    make(&serve, "v1");
    let path = release("v1");
    let two =
        json!({ "commits": [{ "id": "a", "repository": "r" }, { "id": "b", "repository": "r" }] });
    assert_eq!(serve.request("PUT", &path, two).expect(200)["commitCount"], 2);
    let of_repo = "/api/0/organizations/acme/repos/1/commits/";
    assert_eq!(serve.get(of_repo).expect(200).as_array().unwrap().len(), 2);
    let one = json!({ "commits": [{ "id": "c9", "author_name": "Nobody New" }] });
    let filled = serve.request("PUT", &path, one).expect(200);
    assert_eq!(filled["commitCount"], 1);
    assert_eq!(
        filled["authors"],
        json!([{ "name": "Nobody New", "email": "nobodynew@localhost" }])
    );
    assert_eq!(filled["lastCommit"]["repository"]["name"], "organization-1");
    serve.get("/api/0/organizations/acme/repos/99/commits/").expect(404);
}

#[test]
fn an_unknown_repository_in_refs_is_refused_although_the_release_is_there() {
    let serve = ServeProcess::start();
    let body = json!({ "version": "v1", "projects": ["web"], "dateReleased": "2026-01-01T00:00Z",
                       "refs": [{ "repository": "acme/unknown", "commit": "abc" }] });
    let error = json!({ "refs": ["Invalid repository names: acme/unknown"] });
    assert_eq!(serve.request("POST", RELEASES, body).expect(400), error);
    assert_eq!(serve.get(&release("v1")).expect(200)["dateReleased"], "2026-01-01T00:00:00Z");
    let commits = json!({ "commits": [{ "id": "a", "repository": "acme/web" }] });
    serve.request("PUT", &release("v1"), commits).expect(200);
    let refs =
        json!({ "refs": [{ "repository": "acme/web", "commit": "b", "previousCommit": "a" }] });
    let changed = serve.request("PUT", &release("v1"), refs).expect(200);
    assert_eq!(changed["commitCount"], 1, "a ref alone brings no commit");
}

#[test]
fn finalizing_says_when_and_leaves_the_rest() {
    let serve = ServeProcess::start();
    make(&serve, "v1");
    let body = json!({ "dateReleased": "2026-11-21T00:00:00Z" });
    let finalized = serve.request("PUT", &release("v1"), body).expect(200);
    assert_eq!(finalized["dateReleased"], "2026-11-21T00:00:00Z");
    let unchanged =
        serve.request("PUT", &release("v1"), json!({ "dateReleased": null, "url": "" }));
    assert_eq!(unchanged.expect(200), finalized);
    let archived =
        serve.request("PUT", &release("v1"), json!({ "status": "archived" })).expect(200);
    assert_eq!(archived["status"], "archived");
    assert_eq!(serve.get(RELEASES).expect(200), json!([]));
    assert_eq!(serve.get(&format!("{RELEASES}?status=archived")).expect(200), json!([archived]));
    serve.request("PUT", &release("nope"), json!({})).expect(404);
}

#[test]
fn deploys_are_noted_and_the_last_one_is_the_releases() {
    let serve = ServeProcess::start();
    make(&serve, "v1");
    let path = format!("{}deploys/", release("v1"));
    let body = json!({ "environment": "production", "name": "d1", "url": "https://ci.example/d/1",
        "dateStarted": "2026-11-21T00:00:00Z", "dateFinished": "2026-11-21T00:05:00Z" });
    let first = serve.request("POST", &path, body).expect(201);
    assert_eq!(
        first,
        json!({ "id": "1", "environment": "production", "name": "d1",
        "url": "https://ci.example/d/1", "dateStarted": "2026-11-21T00:00:00Z",
        "dateFinished": "2026-11-21T00:05:00Z" })
    );
    let org_token = serve.org_token();
    let body = json!({ "environment": "production", "projects": ["web"] });
    let second = serve.request_as(&org_token, "POST", &path, body).expect(201);
    assert!(second["dateFinished"].is_string() && second["name"].is_null());
    assert_eq!(serve.get(&path).expect(200), json!([second, first]));
    let shown = serve.get(&release("v1")).expect(200);
    assert_eq!((&shown["deployCount"], &shown["lastDeploy"]["id"]), (&json!(2), &second["id"]));
    for case in field_errors("deploys") {
        let error = serve.request("POST", &path, case["body"].clone()).expect(400);
        assert_eq!(error, case["error"], "{}", case["body"]);
    }
    serve.request("POST", &format!("{}deploys/", release("nope")), json!({})).expect(404);
}

#[test]
fn a_deleted_release_is_gone_with_all_that_is_its_own() {
    let serve = ServeProcess::start();
    make(&serve, "v1");
    let commits = json!({ "commits": [{ "id": "a", "repository": "acme/web" }] });
    serve.request("PUT", &release("v1"), commits).expect(200);
    let deploy = json!({ "environment": "e" });
    serve.request("POST", &format!("{}deploys/", release("v1")), deploy).expect(201);
    assert_eq!(serve.request("DELETE", &release("v1"), Value::Null).status, 204);
    serve.request("DELETE", &release("v1"), Value::Null).expect(404);
    assert_eq!(make(&serve, "v1")["deployCount"], 0);
}

#[test]
fn the_listing_is_newest_first_and_comes_in_pages() {
    let serve = ServeProcess::start();
    for version in ["a@1", "a@2", "b@1"] {
        make(&serve, version);
    }
    let body = json!({ "dateReleased": "2020-01-01T00:00:00Z" });
    serve.request("PUT", &release("b@1"), body).expect(200);
    let versions = |path: &str| -> Vec<Value> {
        let listed = serve.get(path).expect(200);
        listed.as_array().unwrap().iter().map(|one| one["version"].clone()).collect()
    };
    assert_eq!(versions(RELEASES), ["a@2", "a@1", "b@1"]);
    assert_eq!(versions(&format!("{RELEASES}?query=A@")), ["a@2", "a@1"]);
    assert_eq!(versions("/api/0/projects/acme/api/releases/"), [] as [&str; 0]);
    let page = serve.get(&format!("{RELEASES}?per_page=2"));
    let link = page.header("link").to_owned();
    assert!(
        link.contains("?per_page=2&cursor=2:-1:1>; rel=\"previous\"; results=\"false\""),
        "{link}"
    );
    assert!(link.contains("rel=\"next\"; results=\"true\"; cursor=\"2:1:0\""), "{link}");
    let page = serve.get(&format!("{RELEASES}?per_page=2&cursor=2:1:0"));
    assert!(page.header("link").contains("rel=\"next\"; results=\"false\""));
    assert_eq!(page.expect(200)[0]["version"], "b@1");
    for (query, error) in [
        ("per_page=1000", "Invalid per_page value. Cannot exceed 100."),
        ("per_page=abc", "Invalid per_page parameter."),
        ("cursor=bad", "Invalid cursor parameter."),
        ("status=bogus", "invalid value for status"),
        ("sort=bogus", "invalid sort"),
        ("project=web", "Invalid project parameter. Values must be numbers."),
    ] {
        let answer = serve.get(&format!("{RELEASES}?{query}"));
        assert_eq!(answer.expect(400), json!({ "detail": error }));
    }
    serve.get(&format!("{RELEASES}?project=99")).expect(403);
}

#[test]
fn the_previous_release_with_commits_is_found_for_a_range() {
    let serve = ServeProcess::start();
    make(&serve, "v1");
    let previous = |version: &str| {
        serve.get(&format!("{}previous-with-commits/", release(version))).expect(200)
    };
    assert_eq!(previous("v1"), json!({}));
    let commits = json!({ "commits": [{ "id": "a", "repository": "acme/web" }] });
    serve.request("PUT", &release("v1"), commits).expect(200);
    make(&serve, "v2");
    assert_eq!(previous("v2")["version"], "v1");
    assert_eq!(previous("v1")["version"], "v1");
}

#[test]
fn a_version_with_a_slash_names_nothing() {
    let serve = ServeProcess::start();
    serve.get(&release("a%2Fb")).expect(404);
}

#[test]
fn a_member_makes_releases_and_cannot_change_what_its_role_does_not_hold() {
    let serve = ServeProcess::start();
    let member = serve.token("member", "project:releases org:read org:integrations");
    let body = json!({ "version": "v1", "projects": ["web"] });
    serve.request_as(&member, "POST", RELEASES, body.clone()).expect(201);
    let stranger = serve.token("", "project:releases");
    serve.request_as(&stranger, "POST", RELEASES, body).expect(403);
    serve.request_as("", "POST", RELEASES, json!({})).expect(401);
}

#[test]
fn a_restart_keeps_what_was_there() {
    let serve = ServeProcess::start();
    make(&serve, "v1");
    let (status, folder) = serve.stop();
    assert_eq!(status.code(), Some(0));
    let again = ServeProcess::over(folder, &[], Some("another-token"));
    let listed = again.request_as("another-token", "GET", RELEASES, Value::Null).expect(200);
    assert_eq!(listed[0]["version"], "v1");
    again.request_as(TOKEN, "GET", RELEASES, Value::Null).expect(401);
}

#[test]
fn many_clients_at_once_make_one_release_each_and_lose_none() {
    let serve = ServeProcess::start();
    std::thread::scope(|scope| {
        for client in 0..8 {
            let serve = &serve;
            scope.spawn(move || {
                for number in 0..5 {
                    let body =
                        json!({ "version": format!("{client}@{number}"), "projects": ["web"] });
                    serve.request("POST", RELEASES, body).expect(201);
                    let shared = json!({ "version": "shared", "projects": ["web"] });
                    let status = serve.request("POST", RELEASES, shared).status;
                    assert!(matches!(status, 201 | 208));
                }
            });
        }
    });
    assert_eq!(serve.get(RELEASES).expect(200).as_array().unwrap().len(), 41);
}

/// sentry-cli 2 asks so where a call names one project.
#[test]
fn a_release_is_made_read_and_deleted_below_its_project_too() {
    let serve = ServeProcess::start();
    let of =
        |project: &str, version: &str| format!("/api/0/projects/acme/{project}/releases/{version}");
    let body = json!({ "version": "v1", "projects": ["web"] });
    let made = serve.request("POST", &of("web", ""), body.clone()).expect(201);
    assert_eq!(serve.request("POST", &of("web", ""), body.clone()).expect(208), made);
    assert_eq!(serve.get(&of("web", "v1/")).expect(200), made);
    assert_eq!(serve.get(&release("v1")).expect(200), made);
    for method in ["GET", "PUT", "DELETE"] {
        serve.request(method, &of("api", "v1/"), json!({})).expect(404);
    }
    let changed = serve.request("PUT", &of("web", "v1/"), json!({ "ref": SHA })).expect(200);
    assert_eq!(changed["ref"], SHA);
    // The project of the path joins those of the body.
    let joined = serve.request("POST", &of("api", ""), body).expect(201);
    assert_eq!(joined["projects"].as_array().unwrap().len(), 2);
    serve.request("POST", &of("nope", ""), json!({ "version": "v2" })).expect(404);
    assert_eq!(serve.request("DELETE", &of("web", "v1/"), Value::Null).status, 204);
    serve.get(&release("v1")).expect(404);
}
