//! `mode: remove`, and repositories and code mappings that are to be gone: on the embedded backend, over
//! `serve`, and at a Sentry that is not as one thinks.

use crate::support::fake_sentry::{FakeSentry, TOKEN, assert_completes, assert_fails, leaks};
use crate::support::http_server::{Request, Response};
use crate::support::run::{ProgramRun, RunResult, STATE};
use crate::support::serve::ServeProcess;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

const MAPPINGS: &str = "[{project: web, repository: acme/web, stackRoot: app/, sourceRoot: src/},
                         {project: api, repository: acme/web, stackRoot: '', sourceRoot: api/}]";

/// A source host with a repository and two code mappings.
fn linked(run: ProgramRun) -> ProgramRun {
    run.var("FINISHLINE_REPOSITORIES", "acme/web, acme/api")
        .var("FINISHLINE_CODE_MAPPINGS", MAPPINGS)
}

fn unlinked(run: ProgramRun) -> ProgramRun {
    run.without("FINISHLINE_REPOSITORIES").without("FINISHLINE_CODE_MAPPINGS")
}

fn removal(run: &ProgramRun) -> ProgramRun {
    unlinked(run.clone()).var("FINISHLINE_MODE", "remove")
}

/// Asks a `serve` for an integration, with the token of its local user.
fn at(serve: &ServeProcess, provider: &str, state: &str) -> ProgramRun {
    serve
        .github_run()
        .var("SENTRY_ORG", "acme")
        .var("FINISHLINE_PROVIDER", provider)
        .var("FINISHLINE_STATE", state)
}

#[track_caller]
fn assert_ends(run: &ProgramRun, expected: &str, words: &str) -> RunResult {
    let ended = run.execute().expect(0);
    let told = ended.joined(["status", "changed", "integration-id", "redirect-url"]);
    assert_eq!(told, expected, "{}", ended.stdout);
    assert!(ended.stdout.contains(words), "{}", ended.stdout);
    ended
}

const THERE: &str = "SELECT status FROM organization_integration
    UNION ALL SELECT 'mapping ' || stack_root FROM code_mapping
    UNION ALL SELECT name || ' ' || status || ' ' || coalesce(integration_id, 'unlinked')
        FROM repository ORDER BY 1";

#[test]
fn an_integration_goes_with_its_mappings_and_leaves_its_repositories() {
    let run = linked(ProgramRun::github().embedded("example", "{name: demo}"));
    run.execute().expect(0);
    let plan = removal(&run).args(&["plan", "--exit-code"]);
    let planned = plan.execute().expect(8);
    for words in [
        "Example would be removed from acme",
        "remove integration 1 (demo)",
        "delete the code mapping `app/` of web to `src/` of acme/web",
        "unlink repository acme/api",
    ] {
        assert!(planned.stdout.contains(words), "{words}: {}", planned.stdout);
    }
    assert_eq!(planned.joined(["status", "changed"]), "planned false");
    assert_ends(&removal(&run), "complete true 1 ", "Example is removed from acme");
    assert_eq!(run.rows(THERE), ["acme/api active unlinked", "acme/web active unlinked"]);
    let audit = "SELECT event, target_object FROM audit_log_entry ORDER BY id";
    assert_eq!(run.rows(audit), ["integration.add|1", "integration.remove|1"]);
    assert_ends(&removal(&run), "complete false  ", "is not installed for acme, nothing to do");
    let planned = plan.execute().expect(0);
    assert_eq!(planned.joined(["status", "changed"]), "planned false");
    assert_eq!(run.rows("SELECT count(*) FROM audit_log_entry"), ["2"]);
    // It comes back under its own id, with what it had.
    assert_eq!(run.execute().expect(0).joined(["changed", "integration-id"]), "true 1");
    assert_eq!(run.rows("SELECT count(*) FROM code_mapping"), ["2"]);
    assert_eq!(run.rows("SELECT count(*) FROM repository WHERE integration_id = 1"), ["2"]);
}

#[test]
fn no_key_of_a_removed_integration_stays_and_another_region_may_come() {
    let run = ProgramRun::github().opsgenie();
    run.execute().expect(0);
    // What identifies it is enough: no key is asked for.
    let removal = removal(&run).var("FINISHLINE_STATE", "{provider: acme-ops}");
    assert_ends(&removal, "complete true 1 ", "Opsgenie is removed from acme");
    let bytes = std::fs::read(run.database()).unwrap();
    assert!(!bytes.windows(10).any(|part| part == b"s3cr3t-key"));
    assert_eq!(run.rows("SELECT id, metadata FROM integration"), ["1|{}"]);
    let moved = run.clone().var("FINISHLINE_STATE", STATE.replace("api.ops", "api.eu.ops"));
    let ended = moved.execute().expect(0);
    assert_eq!(ended.joined(["changed", "integration-id", "warnings"]), "true 1 ");
    let domain = run.rows("SELECT metadata ->> 'domain_name' FROM integration");
    assert_eq!(domain, ["acme-ops.app.eu.opsgenie.com"]);
}

#[test]
fn another_organization_keeps_what_it_shares() {
    let run = ProgramRun::github().embedded("example", "{name: demo}");
    run.execute().expect(0);
    let other = run.clone().var("FINISHLINE_ORG", "beta");
    other.execute().expect(0);
    assert_ends(&removal(&run), "complete true 1 ", "is removed from acme");
    let rest = "SELECT slug, link.status FROM organization_integration AS link
                JOIN organization ON organization.id = link.organization_id";
    assert_eq!(run.rows(rest), ["beta|active"]);
    assert_eq!(other.execute().expect(0).output("changed"), "false");
}

#[test]
fn at_a_server_it_waits_for_its_deletion_and_a_finish_brings_it_back() {
    let serve = ServeProcess::start();
    let run = linked(at(&serve, "example", "{name: demo}"));
    run.execute().expect(0);
    let planned = removal(&run).args(&["plan"]).execute().expect(0);
    for words in ["remove integration 1 (demo)", "unlink repository acme/api", "`api/` of acme/web"]
    {
        assert!(planned.stdout.contains(words), "{words}: {}", planned.stdout);
    }
    let status = || {
        let listed = serve.get("/api/0/organizations/acme/integrations/").expect(200);
        listed[0]["organizationIntegrationStatus"].clone()
    };
    assert_eq!(status(), "active");
    assert_ends(&removal(&run), "complete true 1 ", "Example is removed from acme");
    assert_eq!(status(), "pending_deletion");
    let again = assert_ends(&removal(&run), "complete false 1 ", "is being removed from acme");
    assert!(again.stdout.contains("has the status pending_deletion"), "{}", again.stdout);
    assert_eq!(run.execute().expect(0).joined(["changed", "integration-id"]), "true 1");
    assert_eq!(status(), "active");
    assert_ends(&removal(&run).var("FINISHLINE_INTEGRATION_ID", "1"), "complete true 1 ", "");
}

#[test]
fn which_one_is_meant_is_never_guessed() {
    let run = ProgramRun::github().embedded("example", "{name: demo}");
    run.execute().expect(0);
    run.clone().var("FINISHLINE_STATE", "{name: other}").execute().expect(0);
    let none = removal(&run).without("FINISHLINE_STATE");
    let ended = none.execute().expect(2);
    assert_eq!(ended.output("error-code"), "ambiguous");
    let words = "`state` does not identify the example integration to remove; existing: 1 (demo), 2 (other)";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    assert!(ended.stderr.contains("set `integration-id`"), "{}", ended.stderr);
    let named = none.var("FINISHLINE_INTEGRATION_ID", "2");
    let contradiction = named.clone().var("FINISHLINE_STATE", "{name: demo}");
    let ended = contradiction.execute().expect(4);
    assert_eq!(ended.output("error-code"), "integration-mismatch");
    assert_ends(&named, "complete true 2 ", "removed integration 2 (other)");
    assert_ends(&named, "complete false  ", "nothing to do");
    assert_eq!(run.rows("SELECT count(*) FROM organization_integration"), ["1"]);
    // What is a mistake in an install is one here.
    let typo = removal(&run).var("FINISHLINE_STATE", "{nmae: demo}");
    assert_eq!(typo.execute().expect(2).output("error-code"), "bad-field");
}

#[test]
fn nothing_comes_into_being_where_nothing_is() {
    let run = ProgramRun::github().embedded("example", "{name: demo}");
    let ended = assert_ends(&removal(&run), "complete false  ", "is not installed for acme");
    assert!(!run.database().exists(), "{}", ended.stdout);
}

#[test]
fn what_a_removal_does_not_use_is_said() {
    let run = ProgramRun::github().embedded("example", "{name: demo}");
    let run = linked(run.var("FINISHLINE_MODE", "remove")).var("FINISHLINE_NEXT", "/done");
    let ended = run.execute().expect(0);
    for input in ["repositories", "code-mappings", "next"] {
        let words = format!("`{input}` is not used by the removal of an integration");
        assert!(ended.stderr.contains(&words), "{input}: {}", ended.stderr);
    }
}

#[test]
fn repositories_and_code_mappings_go_and_only_those() {
    let serve = ServeProcess::start();
    for run in [
        linked(ProgramRun::github().embedded("example", "{name: demo}")),
        linked(at(&serve, "example", "{name: demo}")),
    ] {
        run.execute().expect(0);
        let gone = unlinked(run.clone())
            .var("FINISHLINE_REPOSITORIES_ABSENT", "Acme/API, acme/never")
            .var(
                "FINISHLINE_CODE_MAPPINGS_ABSENT",
                "[{project: api}, {project: web, stackRoot: lib/}]",
            );
        let planned = gone.clone().args(&["plan", "--exit-code"]).execute().expect(8);
        let headline = "Example is installed; its links would be changed for acme";
        assert!(planned.stdout.contains(headline), "{}", planned.stdout);
        assert!(
            planned.stdout.contains("delete the code mapping of `` of api"),
            "{}",
            planned.stdout
        );
        assert!(planned.stdout.contains("remove repository Acme/API"), "{}", planned.stdout);
        assert!(!planned.stdout.contains("never"), "{}", planned.stdout);
        let ended = gone.execute().expect(0);
        assert_eq!(ended.joined(["changed", "warnings"]), "true ");
        assert!(ended.stdout.contains("removed repository acme/api"), "{}", ended.stdout);
        let connection = if run.database().exists() { run.connection() } else { serve.database() };
        let active = "SELECT name FROM repository WHERE status = 'active'
                      UNION ALL SELECT stack_root FROM code_mapping";
        assert_eq!(crate::support::rows::rows(&connection, active), ["acme/web", "app/"]);
        assert_eq!(gone.execute().expect(0).output("changed"), "false");
        // They come back.
        assert_eq!(run.execute().expect(0).output("changed"), "true");
        assert_eq!(crate::support::rows::rows(&connection, active).len(), 4);
        assert_eq!(run.execute().expect(0).output("changed"), "false");
    }
}

#[test]
fn what_is_to_be_there_and_gone_is_a_mistake() {
    let run = linked(ProgramRun::github().embedded("example", "{name: demo}"));
    for (variable, value, words) in [
        ("REPOSITORIES_ABSENT", "ACME/web", "repository `ACME/web` is in both `repositories` and"),
        ("CODE_MAPPINGS_ABSENT", "[{project: api}]", "is in both `code-mappings` and"),
        (
            "CODE_MAPPINGS_ABSENT",
            "[{project: api, repository: a/b}]",
            "a YAML list of `{project, stackRoot}`",
        ),
    ] {
        let ended = run.clone().var(&format!("FINISHLINE_{variable}"), value).execute().expect(2);
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
    assert!(!run.database().exists());
}

/// A Sentry with one integration, whose answer to each DELETE is `answer`'s, and who deletes.
fn deleting(answer: impl Fn(usize) -> Response + Send + Sync + 'static) -> FakeSentry {
    let count = AtomicUsize::new(0);
    let sentry = FakeSentry::with(move |world, request: &Request| {
        if request.method != "DELETE" {
            return world.answer(request);
        }
        let number = count.fetch_add(1, Ordering::SeqCst);
        let there = world.integrations.len();
        world.integrations.clear();
        if there == 0 && number > 0 { Response::detail(404, "Not found.") } else { answer(number) }
    });
    sentry.with_integration("opsgenie", "acme-ops")
}

#[test]
fn a_lost_answer_is_looked_up_and_not_blamed() {
    let cases: [fn(usize) -> Response; 5] = [
        |_| Response::close(),
        |_| Response::html(502, "<h1>bad gateway</h1>"),
        |_| Response::html(200, "<title>Sign in</title>"),
        |_| Response::json(200, &json!({"hello": []})),
        |_| Response::detail(404, "Not found."),
    ];
    for answer in cases {
        let sentry = deleting(answer);
        assert_completes(&removal(&sentry.opsgenie()), "complete true 1");
        assert_completes(&removal(&sentry.opsgenie()), "complete false ");
    }
}

/// A Sentry that answers each DELETE so, and deletes nothing.
fn keeping(status: u16, body: Value) -> FakeSentry {
    let sentry = FakeSentry::with(move |world, request: &Request| match request.method.as_str() {
        "DELETE" if status == 204 => Response::html(204, ""),
        "DELETE" => Response::json(status, &body),
        _ => world.answer(request),
    });
    sentry.with_integration("opsgenie", "acme-ops")
}

#[test]
fn a_refusal_names_the_scopes_and_the_words_of_the_other_side() {
    let detail = json!({"detail": "You do not have permission to perform this action."});
    let sentry = keeping(403, detail);
    let ended = assert_fails(&removal(&sentry.opsgenie()), 5, "missing-scope");
    let words = "the token cannot remove an integration or what it links for acme (You do not have";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    let hint = "use a token with one of the scopes org:admin or org:integrations; its owner must have \
                the role owner, manager or admin in acme";
    assert!(ended.stderr.contains(hint), "{}", ended.stderr);
    assert_eq!(sentry.peer.count("DELETE integrations/1/"), 1);
    let sentry = keeping(409, json!({"detail": "somebody owns it"}));
    let ended = assert_fails(&removal(&sentry.opsgenie()), 6, "backend-error");
    assert!(ended.stderr.contains("HTTP 409 (somebody owns it)"), "{}", ended.stderr);
    let run = removal(&sentry.opsgenie()).var("SENTRY_AUTH_TOKEN", org_token());
    let ended = assert_fails(&run, 5, "org-token");
    let words = "an organization token (org:ci), but a removal needs a user's access token";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    assert!(ended.stderr.contains("org:admin or org:integrations"), "{}", ended.stderr);
}

fn org_token() -> String {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
    let claims = json!({"iat": 1, "url": "", "region_url": "", "org": "acme"}).to_string();
    format!("sntrys_{}_{}", STANDARD.encode(claims), STANDARD_NO_PAD.encode([7; 32]))
}

/// As the Sentry of 2023 does with what is disabled.
#[test]
fn a_deletion_that_is_accepted_without_effect_is_no_success() {
    let sentry = keeping(204, Value::Null);
    sentry.data().integrations[0]["organizationIntegrationStatus"] = "disabled".into();
    let ended = assert_fails(&removal(&sentry.opsgenie()), 4, "refused");
    let words =
        "accepted the deletion of integration 1 (acme-ops), which is not active, but has not";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
}

#[test]
fn what_is_going_already_is_left_alone() {
    for status in ["pending_deletion", "deletion_in_progress"] {
        let sentry = keeping(500, Value::Null);
        sentry.data().integrations[0]["organizationIntegrationStatus"] = status.into();
        let ended = assert_completes(&removal(&sentry.opsgenie()), "complete false 1");
        assert!(ended.stdout.contains(&format!("has the status {status}")), "{}", ended.stdout);
        assert!(sentry.peer.requests().iter().all(|request| request.method == "GET"));
    }
}

/// As the Sentry of 2023, which deletes it all the same.
#[test]
fn an_install_that_stays_marked_for_deletion_is_no_success() {
    let sentry = FakeSentry::with(|world, request: &Request| {
        let reply = world.answer(request);
        for one in &mut world.integrations {
            one["organizationIntegrationStatus"] = "pending_deletion".into();
        }
        reply
    });
    let sentry = sentry.with_integration("opsgenie", "acme-ops");
    sentry.data().integrations[0]["organizationIntegrationStatus"] = "pending_deletion".into();
    let ended = assert_fails(&sentry.opsgenie(), 4, "refused");
    let words = "the install is complete, but Sentry still lists integration 1 as being deleted";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    // A newer one brings it back.
    let sentry = FakeSentry::new().with_integration("opsgenie", "acme-ops");
    sentry.data().integrations[0]["organizationIntegrationStatus"] = "pending_deletion".into();
    assert_completes(&sentry.opsgenie(), "complete true 1");
}

/// The answer of a code mapping that has owners is a bare text.
#[test]
fn a_mapping_that_is_in_use_is_refused_in_sentrys_words() {
    let why = "Cannot delete Code Mapping. Must delete Code Owner that uses this mapping first.";
    let sentry = keeping(409, why.into());
    sentry.data().mappings.push("web app/ src/".to_owned());
    let run = sentry
        .opsgenie()
        .var("FINISHLINE_CODE_MAPPINGS_ABSENT", "[{project: web, stackRoot: app/}]");
    let ended = run.execute().expect(4);
    let warnings = ended.output("warnings");
    assert!(warnings.contains("code-mapping-not-deleted"), "{warnings}");
    assert!(ended.stderr.contains(why), "{}", ended.stderr);
    assert_eq!(leaks(&ended, TOKEN), [""; 0]);
}

#[test]
fn a_check_looks_whether_the_token_may_remove() {
    let serve = ServeProcess::start();
    let run = removal(&at(&serve, "example", "{name: demo}")).args(&["check"]);
    let token = serve.token("owner", "org:write");
    let ended = run.clone().var("SENTRY_AUTH_TOKEN", token).execute().expect(5);
    assert!(ended.everything().contains("org:admin or org:integrations"), "{}", ended.everything());
    let token = serve.token("owner", "org:integrations");
    run.var("SENTRY_AUTH_TOKEN", token).execute().expect(0);
}

#[test]
fn a_removal_without_a_provider_never_becomes_a_release() {
    let run = ProgramRun::local()
        .var("FINISHLINE_BACKEND", "embedded")
        .var("FINISHLINE_ORG", "acme")
        .var("FINISHLINE_PROJECTS", "web")
        .var("FINISHLINE_MODE", "remove")
        .var("FINISHLINE_INTEGRATION_ID", "9");
    let ended = run.execute().expect(2);
    assert!(ended.stderr.contains("`provider`"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("version"), "no release is looked for: {}", ended.stderr);
}
