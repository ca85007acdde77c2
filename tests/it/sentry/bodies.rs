//! Answers that are not what was asked for: too large, packed, broken off, of another shape, or
//! with links and words that are hostile. Each ends as an error of the backend, never as a bug.

use crate::support::fake_sentry::{
    FakeSentry, GET_INTEGRATIONS, GET_ORGANIZATION, OPSGENIE, POST_PIPELINE, TOKEN,
    assert_completes, assert_fails, integration, leaks, step,
};
use crate::support::http_server::{HttpServer, Response};
use serde_json::{Value, json};

/// A Sentry that has the account already and answers one request in another way.
fn answering_with_body(line: &'static str, body: impl Into<Vec<u8>>) -> FakeSentry {
    let body = body.into();
    FakeSentry::with(move |world, request| match request.line() == line {
        true => Response::html(200, body.clone()),
        false => world.answer(request),
    })
}

#[test]
fn a_page_of_html_is_no_listing_and_is_not_asked_for_again() {
    let sentry = answering_with_body(GET_INTEGRATIONS, "<!doctype html><title>Sign in</title>");
    let ended = assert_fails(&sentry.opsgenie(), 6, "backend-error");
    assert_eq!(sentry.peer.lines(), [GET_INTEGRATIONS]);
    let answer = "HTTP 200, text/html, titled \"Sign in\"";
    let message = format!("unexpected response from {}/: not a list: {answer}", sentry.peer.url());
    assert_eq!(ended.output("error-message"), message);
}

#[test]
fn a_body_without_an_end_is_not_read_to_its_end() {
    let sentry = FakeSentry::with(|_, _| Response::html(200, vec![b' '; 64 * 1024]).endless());
    assert_fails(&sentry.opsgenie(), 6, "backend-error");
    assert_eq!(sentry.peer.lines(), [GET_INTEGRATIONS]);
}

/// Each page is within the bound of one, and says that there is another.
#[cfg(unix)]
#[test]
fn listings_are_read_until_they_are_more_than_a_run_may_keep() {
    let page = format!("[\"{}\"]", "x".repeat(7 * 1024 * 1024));
    let next = "<http://x/>; rel=\"next\"; results=\"true\"; cursor=\"NTH:0:0\"";
    let sentry = FakeSentry::with(move |_, request| {
        Response::html(200, page.clone())
            .with("Content-Type", "application/json")
            .with("Link", &next.replace("NTH", &request.nth.to_string()))
    });
    // Ten times as much would not fit into what a process may have here.
    let run = sentry.opsgenie().limited("ulimit -v 1000000");
    let ended = assert_fails(&run, 6, "backend-error");
    assert_eq!(sentry.peer.requests().len(), 5);
    assert!(ended.output("error-message").contains("larger than 32 MiB"), "{}", ended.stderr);
}

/// A listing that was not read to its end is no proof that something is not there.
#[test]
fn a_listing_that_cannot_be_gone_on_with_is_an_error() {
    let next = "<http://x/?cursor=1:0:0>; rel=\"next\"; results=\"true\"";
    for (link, words, pages) in [
        (format!("{next}; cursor=\"0:1:0 x\""), "a list with a usable cursor", 1),
        (next.to_owned(), "a list with a usable cursor", 1),
        (format!("{next}; cursor=\"1:0:0\""), "leads back to a page that was read", 2),
        (format!("{next}; cursor=\"ODD:0:0\""), "leads back to a page that was read", 3),
        (format!("{next}; cursor=\"NTH:0:0\""), "has more than 1000 pages", 1000),
    ] {
        let sentry = FakeSentry::with(move |_, request| {
            let link = link.replace("NTH", &request.nth.to_string());
            let link = link.replace("ODD", &(request.nth % 2).to_string());
            Response::html(200, "[]").with("Content-Type", "application/json").with("Link", &link)
        });
        let ended = assert_fails(&sentry.opsgenie(), 6, "backend-error");
        assert!(ended.output("error-message").contains(words), "{}", ended.stderr);
        assert_eq!(sentry.peer.requests().len(), pages, "{words}");
    }
}

#[test]
fn packed_and_broken_json_are_errors_of_the_backend() {
    let packed = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x8b, 0x8e, 5, 0, 0x29, 0xbb, 0x4c, 13, 2];
    let gzip =
        FakeSentry::with(move |_, _| Response::html(200, packed).with("Content-Encoding", "gzip"));
    assert_fails(&gzip.opsgenie(), 6, "backend-error");
    assert_eq!(gzip.peer.requests()[0].header("accept-encoding"), "");
    assert_fails(
        &answering_with_body(GET_INTEGRATIONS, "[{\"id\": \"1\", ").opsgenie(),
        6,
        "backend-error",
    );
}

const MAPPINGS: &str = "[{project: web, repository: acme/web, stackRoot: a/, sourceRoot: b/}]";

/// No shape of any answer is a bug: the exit is a documented one, and never the one of a panic.
#[test]
fn no_shape_of_an_answer_is_a_bug() {
    let lines = [
        GET_INTEGRATIONS,
        GET_ORGANIZATION,
        POST_PIPELINE,
        "GET repos/",
        "POST repos/",
        "POST code-mappings/bulk/",
    ];
    let lines = lines.into_iter().chain(["GET integrations/1/repos/"]);
    let shapes = ["", "null", "true", "5", "\"text\"", "[]", "[1, null, [], \"a\"]", "{}"];
    for line in lines {
        for shape in shapes {
            let ended = answering_with_body(line, shape)
                .opsgenie()
                .var("FINISHLINE_REPOSITORIES", "acme/web")
                .var("FINISHLINE_CODE_MAPPINGS", MAPPINGS)
                .execute();
            let (exit, said) = (ended.exit, ended.output("status"));
            let is_known =
                matches!((exit, said.as_str()), (Some(0), "complete") | (Some(6), "error"));
            assert!(is_known, "{line} {shape}: {exit:?} {said} {}", ended.stderr);
            assert_eq!(leaks(&ended, TOKEN), [""; 0]);
        }
    }
}

#[test]
fn no_shape_of_a_step_is_a_bug() {
    let steps = [
        json!({"step": 5, "data": {}}),
        json!({"step": "", "data": {}}),
        json!({"step": "installation_config", "data": [1]}),
        json!({"status": "advance"}),
        json!({"status": "advance", "step": null}),
        json!({"status": "complete"}),
        json!({"status": "complete", "data": [{"id": "1"}]}),
        json!({"status": "complete", "data": {"id": {}}}),
        json!({"status": "complete", "data": {"id": "99999999999999999999"}}),
        json!({"status": "stay", "data": 5}),
        json!({"status": "else"}),
        json!({"status": ["error"]}),
    ];
    for shape in steps {
        for nth in [0, 1] {
            let shape = shape.clone();
            let sentry = FakeSentry::with(move |world, request| {
                match request.line() == POST_PIPELINE && request.nth == nth {
                    true => Response::json(200, &shape),
                    false => world.answer(request),
                }
            });
            let ended = sentry.opsgenie().execute();
            assert!(matches!(ended.exit, Some(0 | 4 | 6)), "{:?} {}", ended.exit, ended.stderr);
        }
    }
}

#[test]
fn ids_may_be_numbers() {
    let sentry = FakeSentry::with(|world, request| {
        match request.line() == POST_PIPELINE && request.nth == 1 {
            true => Response::json(200, &json!({"status": "complete", "data": {"id": 7}})),
            false => world.answer(request),
        }
    });
    assert_completes(&sentry.opsgenie(), "complete true 7");
    let mut item = integration(9, "opsgenie", "acme-ops");
    item["id"] = 9.into();
    let listed = answering_with_body(GET_INTEGRATIONS, json!([item]).to_string());
    assert_completes(&listed.opsgenie(), "complete false 9");
}

/// A `Link` header as Sentry has it, whose next page is at another server.
fn next(url: &str, cursor: &str) -> String {
    let link = |relation: &str, results: bool| {
        format!(
            "<{url}/api/0/x/?&cursor={cursor}>; rel=\"{relation}\"; results=\"{results}\"; cursor=\"{cursor}\""
        )
    };
    format!("{}, {}", link("previous", false), link("next", true))
}

#[test]
fn a_listing_is_read_page_by_page_at_the_server_itself() {
    let other = HttpServer::new(|_| Response::json(200, &json!([])));
    let link = next(&other.url(), "100:1:0");
    let sentry = FakeSentry::with(move |world, request| {
        match (request.line() == GET_INTEGRATIONS, request.parameter("cursor").as_str()) {
            (true, "") => Response::json(200, &json!([])).with("Link", &link),
            _ => world.answer(request),
        }
    });
    assert_completes(
        &sentry.with_integration("opsgenie", "acme-ops").opsgenie(),
        "complete false 1",
    );
    assert_eq!(other.lines(), [""; 0]);
}

#[test]
fn a_hostile_cursor_is_not_taken() {
    for cursor in ["1:0:0&org=other", "a b", "../../x", "", "%0a"] {
        let link = next("https://sentry.example.com", cursor);
        let sentry =
            FakeSentry::with(move |world, request| match request.line() == GET_INTEGRATIONS {
                true => Response::json(200, &json!([])).with("Link", &link),
                false => world.answer(request),
            });
        assert_fails(&sentry.opsgenie(), 6, "backend-error");
        assert_eq!(sentry.peer.lines(), [GET_INTEGRATIONS]);
    }
}

#[test]
fn integrations_of_other_providers_are_not_taken_for_ours() {
    let items = [integration(4, "pagerduty", "acme-ops"), integration(5, "other", "acme-ops")];
    assert_completes(
        &answering_with_body(GET_INTEGRATIONS, json!(items).to_string()).opsgenie(),
        "complete true 1",
    );
}

/// A server may quote what it was sent.
#[test]
fn a_secret_that_the_server_quotes_is_shown_nowhere() {
    let quoting = |status: u16| {
        move |sent: &str| {
            let said = format!("Authorization {TOKEN} may not send {sent}");
            Response::json(status, &json!({"status": "error", "data": {"detail": said}}))
        }
    };
    for (status, line, nth) in [
        (401, GET_INTEGRATIONS, 0),
        (503, GET_INTEGRATIONS, 0),
        (400, POST_PIPELINE, 0),
        (503, POST_PIPELINE, 1),
    ] {
        let quote = quoting(status);
        let sentry = FakeSentry::with(move |world, request| {
            match request.line() == line && request.nth >= nth {
                true => quote(&request.body),
                false => world.answer(request),
            }
        });
        let ended = sentry.opsgenie().var("FINISHLINE_TIMEOUT", "1").execute();
        assert_eq!(leaks(&ended, TOKEN), [""; 0]);
        assert_eq!(leaks(&ended, crate::support::run::SECRET), [""; 0]);
        assert!(ended.output("error-message").contains("may not send"), "{}", ended.stderr);
    }
}

#[test]
fn a_field_error_that_quotes_a_secret_does_not_show_it() {
    let said: Value = json!({"apiKey": ["\"s3cr3t-key\" is not a valid key."]});
    let sentry = FakeSentry::with(move |world, request| match request.nth == 1 {
        true => Response::json(400, &said),
        false => world.answer(request),
    });
    let ended = assert_fails(&sentry.opsgenie(), 2, "bad-field");
    assert_eq!(leaks(&ended, crate::support::run::SECRET), [""; 0]);
    assert!(ended.output("error-message").contains("`apiKey`: "), "{}", ended.stderr);
}

/// Texts of the server reach the outputs and the log as one line that no host obeys.
#[test]
fn words_of_the_server_command_nothing() {
    let hostile = "no\n::set-output name=status::complete\r\n##[add-path]/x\u{1b}[2J\u{7}";
    let sentry = FakeSentry::with(move |_, _| Response::detail(403, hostile));
    let ended = assert_fails(&step(&sentry.peer.url(), "opsgenie", OPSGENIE), 5, "missing-scope");
    assert_eq!(ended.output("error-message").lines().count(), 1);
    let names: Vec<_> = ended.commands().into_iter().map(|command| command.name).collect();
    assert_eq!(names, ["add-mask", "add-mask", "group", "endgroup", "error"]);
    assert!(!ended.stderr.contains('\u{1b}') && !ended.stderr.contains('\u{7}'));
}
