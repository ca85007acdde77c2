//! Repositories and code mappings at a Sentry of 2023: GitLab's by path, those of no third party,
//! and mappings one by one.

use crate::support::fake_sentry::{FakeSentry, assert_completes};
use crate::support::http_server::Response;
use crate::support::run::{ProgramRun, RunResult};
use crate::support::sentry_23::{Rows, sentry_23};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const STATE: &str =
    "{url: 'https://gitlab.example.com', clientId: app, clientSecret: gitl4b-secret, group: acme}";
const MAPPINGS: &str = "[{project: web, repository: acme/web, sourceRoot: src},
    {project: web, repository: acme/web, stackRoot: app/, sourceRoot: lib/, defaultBranch: develop}]";

fn gitlab() -> (FakeSentry, Arc<Mutex<Rows>>) {
    sentry_23("gitlab", "gitlab.example.com:acme")
}

fn linking(sentry: &FakeSentry, repositories: &str) -> ProgramRun {
    sentry.step("gitlab", STATE).var("FINISHLINE_REPOSITORIES", repositories)
}

fn mapping(sentry: &FakeSentry, mappings: &str) -> ProgramRun {
    sentry.step("gitlab", STATE).var("FINISHLINE_CODE_MAPPINGS", mappings)
}

fn texts(rows: &[Value], names: &[&str]) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let line =
        |row: &Value| names.iter().map(|name| text(&row[*name])).collect::<Vec<_>>().join(" | ");
    rows.iter().map(line).collect()
}

fn linked(rows: &Mutex<Rows>) -> Vec<String> {
    texts(&rows.lock().unwrap().repositories, &["name", "externalSlug"])
}

fn mapped(rows: &Mutex<Rows>) -> Vec<String> {
    let names = ["projectSlug", "repoName", "stackRoot", "sourceRoot", "defaultBranch"];
    texts(&rows.lock().unwrap().mappings, &names)
}

fn warnings(ended: &RunResult) -> String {
    ended.output("warnings").replace("secrets-not-compared", "").trim_matches(',').to_owned()
}

#[test]
fn a_gitlab_repository_is_found_by_the_last_part_of_its_path_and_linked_by_its_number() {
    let (sentry, rows) = gitlab();
    // One is the only hit, one is among several, one lies in a subgroup.
    let run = linking(&sentry, "acme/api-server, Acme/web, acme/tools/cli-shell");
    let ended = assert_completes(&run, "complete true 1");
    assert_eq!(warnings(&ended), "");
    let names = ["Acme Inc / The API | 12", "Acme Inc / Web | 7", "Acme Inc / Tools / Prompt | 18"];
    assert_eq!(linked(&rows), names);
    assert_eq!(sentry.peer.count("POST repos/"), 3);
    assert_completes(&run, "complete false 1");
    run.args(&["plan", "--exit-code"]).execute().expect(0);
}

#[test]
fn another_repository_than_the_one_of_the_path_is_not_left_linked() {
    let (sentry, rows) = gitlab();
    // `shell` finds `cli-shell` alone, and `acme/hooks` is the name of `acme/webhooks`.
    for (name, words) in [
        ("acme/shell", "cannot link `acme/shell`: HTTP 400: Error Communicating with GitLab"),
        ("acme/hooks", "cannot link `acme/hooks`: HTTP 400: Error Communicating with GitLab"),
    ] {
        let ended = assert_completes(&linking(&sentry, name), "complete false 1");
        assert_eq!(warnings(&ended), "repository-not-linked");
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
        assert_eq!(linked(&rows), [""; 0]);
    }
}

#[test]
fn code_mappings_are_made_changed_and_found_one_by_one() {
    let (sentry, rows) = gitlab();
    let run = mapping(&sentry, MAPPINGS).var("FINISHLINE_REPOSITORIES", "acme/web");
    let plan =
        |run: &ProgramRun, exit| run.clone().args(&["plan", "--exit-code"]).execute().expect(exit);
    plan(&run, 8);
    assert_eq!(warnings(&assert_completes(&run, "complete true 1")), "");
    let set =
        ["web | Acme Inc / Web |  | src | main", "web | Acme Inc / Web | app/ | lib/ | develop"];
    assert_eq!(mapped(&rows), set);
    assert_completes(&run, "complete false 1");
    plan(&run, 0);
    // Without `repositories` the name is known all the same.
    plan(&mapping(&sentry, MAPPINGS), 0);
    // The branch that a mapping has stays where none is given.
    let moved = MAPPINGS.replace("lib/, defaultBranch: develop", "moved/");
    assert_eq!(warnings(&assert_completes(&mapping(&sentry, &moved), "complete true 1")), "");
    assert_eq!(mapped(&rows)[1], "web | Acme Inc / Web | app/ | moved/ | develop");
    assert_eq!(mapped(&rows).len(), 2);
    assert_eq!(sentry.peer.count("POST code-mappings/"), 2);
}

#[test]
fn a_mapping_that_the_older_endpoint_cannot_take_is_a_warning_that_says_why() {
    let (sentry, _) = gitlab();
    assert_completes(&linking(&sentry, "acme/web"), "complete true 1");
    for (mappings, words) in [
        ("[{project: nope, repository: acme/web}]", "project `nope` does not exist"),
        (
            "[{project: web, repository: acme/nope}]",
            "`acme/nope` is not linked: add it to `repositories`",
        ),
    ] {
        let ended = assert_completes(&mapping(&sentry, mappings), "complete false 1");
        assert_eq!(warnings(&ended), "code-mapping-not-set");
        assert!(ended.stderr.contains(words), "{}", ended.stderr);
    }
    let refused = FakeSentry::with(|world, request| match request.line().as_str() {
        "POST code-mappings/bulk/" => Response::detail(405, "Method \"POST\" not allowed."),
        "GET repos/" => {
            Response::json(200, &serde_json::json!([{ "id": "3", "name": "acme/web" }]))
        }
        "GET projects/" => Response::json(200, &serde_json::json!([{ "slug": "web", "id": "4" }])),
        "POST code-mappings/" => {
            Response::json(400, &serde_json::json!({ "nonFieldErrors": ["already exists"] }))
        }
        _ => world.answer(request),
    });
    let refused = refused.with_integration("gitlab", "gitlab.example.com:acme");
    let ended = assert_completes(&mapping(&refused, MAPPINGS), "complete false 1");
    assert!(ended.stderr.contains("already exists"), "{}", ended.stderr);
}

#[test]
fn the_endpoint_for_many_gets_the_name_that_sentry_has() {
    let sentry = FakeSentry::with(|world, request| match request.line().as_str() {
        "GET repos/" => {
            let row = serde_json::json!({
                "id": "3", "name": "Acme Inc / Web", "url": "https://gitlab.example.com/acme/web"
            });
            Response::json(200, &serde_json::json!([row]))
        }
        _ => world.answer(request),
    });
    let sentry = sentry.with_integration("gitlab", "gitlab.example.com:acme");
    assert_completes(
        &mapping(&sentry, "[{project: web, repository: acme/web}]"),
        "complete true 1",
    );
    let requests = sentry.peer.requests();
    let bulk = requests.iter().find(|one| one.line() == "POST code-mappings/bulk/").unwrap();
    assert_eq!(bulk.json()["repository"], "Acme Inc / Web");
}

#[test]
fn a_repository_of_no_third_party_is_linked_by_its_id_and_made_where_it_is_not_there() {
    let (sentry, rows) = sentry_23("custom_scm", "our-git");
    sentry.data().integrations[0]["domainName"] = "https://git.example.com/our-git".into();
    rows.lock().unwrap().manual.push(("77".to_owned(), "acme/known".to_owned()));
    let state = "{name: our-git, url: 'https://git.example.com/'}";
    let run =
        sentry.step("custom_scm", state).var("FINISHLINE_REPOSITORIES", "acme/known, acme/new");
    assert_eq!(warnings(&assert_completes(&run, "complete true 1")), "");
    let rows = rows.lock().unwrap();
    assert_eq!(texts(&rows.repositories, &["id", "name"]), ["77 | acme/known", "81 | acme/new"]);
    assert_eq!(rows.releases, [""; 0], "the release that made it is gone");
    drop(rows);
    assert_completes(&run, "complete false 1");
}

#[test]
fn a_repository_that_another_integration_has_is_not_made_again() {
    let sentry = FakeSentry::with(move |world, request| {
        match (request.line().as_str(), request.parameter("query").is_empty()) {
            ("GET repos/", false) => {
                let row =
                    serde_json::json!({ "id": "3", "name": "acme/web", "integrationId": "2" });
                Response::json(200, &serde_json::json!([row]))
            }
            ("GET integrations/1/repos/", _) => {
                Response::json(200, &serde_json::json!({ "repos": [] }))
            }
            _ => world.answer(request),
        }
    });
    let sentry = sentry.with_integration("custom_scm", "our-git");
    sentry.data().integrations[0]["domainName"] = "https://git.example.com/our-git".into();
    let state = "{name: our-git, url: 'https://git.example.com/'}";
    let run = sentry.step("custom_scm", state).var("FINISHLINE_REPOSITORIES", "acme/web");
    let ended = assert_completes(&run, "complete false 1");
    assert!(ended.stderr.contains("another integration has the repository"), "{}", ended.stderr);
    assert_eq!(sentry.peer.count("POST releases/"), 0);
}

/// There is one for each place, and later servers give it over.
#[test]
fn a_mapping_of_another_integration_is_replaced_unless_code_owners_use_it() {
    for has_owners in [false, true] {
        let (sentry, rows) = gitlab();
        let other = json!({
            "id": "90", "projectSlug": "web", "repoName": "other/web", "integrationId": "2",
            "stackRoot": "app/", "sourceRoot": "o/", "defaultBranch": "main", "hasOwners": has_owners,
        });
        rows.lock().unwrap().mappings.push(other);
        let run = mapping(&sentry, MAPPINGS).var("FINISHLINE_REPOSITORIES", "acme/web");
        let ended = assert_completes(&run, "complete true 1");
        let own = "web | Acme Inc / Web | app/ | lib/ | develop".to_owned();
        assert_eq!(mapped(&rows).contains(&own), !has_owners, "{:?}", mapped(&rows));
        assert_eq!(mapped(&rows).len(), 2);
        let why = "another integration has it, and keeps it: HTTP 409: Cannot delete Code Mapping";
        assert_eq!(ended.stderr.contains(why), has_owners, "{}", ended.stderr);
        let told = if has_owners { "code-mapping-not-set" } else { "" };
        assert_eq!(warnings(&ended), told);
        assert_completes(&run, "complete false 1");
    }
}

#[test]
fn a_repository_that_is_to_be_gone_and_is_named_by_its_other_name_stays() {
    let (sentry, rows) = gitlab();
    let run = mapping(&sentry, "[{project: web, repository: acme/web, stackRoot: s/}]");
    assert_completes(&run.var("FINISHLINE_REPOSITORIES", "acme/web"), "complete true 1");
    let absent = |run: ProgramRun| run.var("FINISHLINE_REPOSITORIES_ABSENT", "acme/web");
    let mapped = "[{project: web, repository: 'Acme Inc / Web', stackRoot: t/}]";
    let own = [mapping(&sentry, mapped), linking(&sentry, "Acme Inc / Web")].map(absent);
    let alone =
        own.clone().map(|run| run.without("FINISHLINE_STATE").var("FINISHLINE_MODE", "link"));
    for run in own.into_iter().chain(alone) {
        for command in ["plan", "run"] {
            let ended = run.clone().args(&[command]).execute().expect(2);
            let words = "`acme/web` is to be removed, and is named as `Acme Inc / Web` as well";
            assert!(ended.stderr.contains(words), "{command}: {}", ended.stderr);
            assert_eq!((linked(&rows).len(), rows.lock().unwrap().mappings.len()), (1, 1));
        }
    }
}

/// It would be deleted with the commits that it has.
#[test]
fn another_repository_that_was_there_before_stays() {
    for created in [None, Some("2020-01-02T03:04:05.678Z")] {
        let (sentry, rows) = gitlab();
        rows.lock().unwrap().created = created;
        if created.is_none() {
            let listed = json!({ "id": "315", "name": "Acme Inc / Hooks", "integrationId": "1" });
            rows.lock().unwrap().repositories.push(listed);
        }
        let ended = assert_completes(&linking(&sentry, "acme/hooks"), "complete false 1");
        assert!(ended.stderr.contains("cannot link `acme/hooks`"), "{}", ended.stderr);
        let deleted = sentry.peer.lines().into_iter().filter(|line| line.starts_with("DELETE"));
        assert_eq!(deleted.collect::<Vec<_>>(), [""; 0], "{created:?}");
    }
}
