//! Where the archive is sought: a mirror, where the action came from, where all releases are.

use super::action_checkout::{ARCHIVE, ActionCheckout, VERSION};
use crate::support::http_server::{HttpServer, Response};
use std::fs;

const LOGIN: &str = "<!DOCTYPE html>\n<html><title>Sign in to Octo Corp</title></html>";

fn not_found() -> HttpServer {
    HttpServer::new(|_| Response::html(404, "not here"))
}

/// The action, and the server that all its releases are on.
fn checkout() -> (ActionCheckout, HttpServer) {
    let archive = ActionCheckout::new("https://unused.invalid/x").archive;
    let releases =
        ActionCheckout::serve(&archive, "makers/finishline", |_| Response::html(404, ""));
    let mut checkout = ActionCheckout::new(&format!("{}/makers/finishline", releases.url()));
    checkout.pin(&archive);
    checkout.archive = archive;
    checkout.set("GITHUB_REPOSITORY", "shop/web");
    (checkout, releases)
}

fn archive_of(repository: &str) -> String {
    format!("GET /{repository}/releases/download/v{VERSION}/{ARCHIVE}.tar.gz")
}

#[test]
fn a_server_that_has_the_action_from_another_one_need_not_have_its_releases() {
    let (mut checkout, releases) = checkout();
    let enterprise = not_found();
    checkout.set("GITHUB_SERVER_URL", &enterprise.url());
    checkout.set("ACTION_REPOSITORY", "copies/finishline");
    checkout.installed();
    assert_eq!(enterprise.lines(), [archive_of("copies/finishline")]);
    assert_eq!(releases.lines(), [archive_of("makers/finishline")]);
}

#[test]
fn the_server_that_the_action_came_from_is_asked_first() {
    let (mut checkout, releases) = checkout();
    let enterprise =
        ActionCheckout::serve(&checkout.archive, "copies/finishline", |_| Response::html(404, ""));
    checkout.set("GITHUB_SERVER_URL", &enterprise.url());
    checkout.set("ACTION_REPOSITORY", "copies/finishline");
    checkout.installed();
    assert_eq!(releases.lines(), [""; 0]);
}

#[test]
fn a_vendored_copy_asks_where_all_releases_are_and_not_the_jobs_repository() {
    let (mut checkout, releases) = checkout();
    let enterprise = not_found();
    checkout.set("GITHUB_SERVER_URL", &enterprise.url());
    checkout.installed();
    assert_eq!(enterprise.lines(), [""; 0]);
    assert_eq!(releases.lines(), [archive_of("makers/finishline")]);
}

#[test]
fn the_action_names_its_own_repository_and_never_the_jobs() {
    let action = include_str!("../../../action.yml");
    assert!(action.contains("ACTION_REPOSITORY: ${{ github.action_repository }}\n"));
    assert!(!action.contains("github.repository"));
    assert!(action.contains("MIRROR: ${{ inputs.download-url }}\n"));
}

#[test]
fn the_checkout_of_the_action_says_where_it_came_from() {
    let (mut checkout, releases) = checkout();
    let (forge, instance) = (not_found(), not_found());
    checkout.set("GITHUB_SERVER_URL", &instance.url());
    checkout.set("ACTION_REPOSITORY", "copies/finishline");
    let with_token = forge.url().replace("http://", "http://ci:s3cr3t-pass@");
    let config = format!(
        "[core]\n\tbare = false\n[remote \"up\"]\n\turl = http://x.invalid/x\n[remote \"origin\"]\n\turl = \
         {with_token}/forge/finishline.git\n\tfetch = +refs/heads/*\n[branch \"main\"]\n\turl = http://y.invalid\n"
    );
    fs::create_dir(checkout.path("action/.git")).unwrap();
    fs::write(checkout.path("action/.git/config"), config).unwrap();
    checkout.installed();
    assert_eq!(forge.lines(), [archive_of("forge/finishline")]);
    assert_eq!(instance.lines(), [archive_of("copies/finishline")]);
    assert_eq!(releases.lines(), [archive_of("makers/finishline")]);
}

#[test]
fn an_archive_that_differs_or_a_login_page_is_no_end_while_there_is_another_source() {
    for body in [LOGIN, "x", ""] {
        let (mut checkout, releases) = checkout();
        let enterprise = HttpServer::new(move |_| Response::html(200, body));
        checkout.set("GITHUB_SERVER_URL", &enterprise.url());
        checkout.set("ACTION_REPOSITORY", "copies/finishline");
        checkout.installed();
        assert_eq!(releases.lines().len(), 1);
    }
}

#[test]
fn a_login_page_is_called_one() {
    let mut checkout = ActionCheckout::with_mirror();
    let mirror = HttpServer::new(|request| match request.path() {
        "/login" => Response::html(200, LOGIN),
        _ => Response::redirect("/login"),
    });
    checkout.set("FINISHLINE_RELEASES", &mirror.url());
    let error = checkout.install().error();
    assert!(error.contains("a login page answered"), "{error}");
    assert!(error.contains(&format!("{}/v{VERSION}/{ARCHIVE}.tar.gz", mirror.url())), "{error}");
    assert!(!error.contains("does not match"), "{error}");
    assert!(error.contains("`download-url`"), "{error}");
    assert_eq!(checkout.left_behind(), [""; 0].map(std::path::PathBuf::from));
}

#[test]
fn every_source_that_failed_is_named_with_its_reason() {
    let mut checkout = ActionCheckout::new("http://127.0.0.1:1/makers/finishline");
    let enterprise = not_found();
    checkout.set("GITHUB_SERVER_URL", &enterprise.url());
    checkout.set("ACTION_REPOSITORY", "copies/finishline");
    let error = checkout.install().error();
    let lines: Vec<_> = error.lines().collect();
    assert_eq!(lines.len(), 3, "{error}");
    assert!(lines[0].contains("/copies/finishline/") && lines[0].contains("404"), "{error}");
    assert!(lines[1].contains("127.0.0.1:1/makers/finishline/"), "{error}");
    assert!(lines[2].starts_with("check the network"), "{error}");
}

#[test]
fn a_mirror_is_the_only_source_and_its_password_is_not_printed() {
    let (mut checkout, releases) = checkout();
    let mirror = not_found();
    let with_password = mirror.url().replace("http://", "http://ci:s3cr3t-pass@");
    checkout.set("MIRROR", &format!("  {with_password}/sub/ "));
    checkout.set("FINISHLINE_RELEASES", "http://other.invalid");
    let result = checkout.install();
    assert!(result.error().contains("404"), "{}", result.log);
    assert!(!result.log.contains("s3cr3t-pass"), "{}", result.log);
    assert_eq!(mirror.lines(), [format!("GET /sub/v{VERSION}/{ARCHIVE}.tar.gz")]);
    assert!(mirror.requests()[0].header("authorization").starts_with("Basic "));
    assert_eq!(releases.lines(), [""; 0]);
}

#[test]
fn a_mirror_that_is_no_address_is_refused() {
    for mirror in
        ["mirror", "ftp://a.example", "https://a.example/?token=s3cr3t", "https://a b", "-K/etc/x"]
    {
        let mut checkout = ActionCheckout::with_mirror();
        checkout.set("MIRROR", mirror);
        let result = checkout.install();
        assert!(result.error().starts_with("`download-url` is not the address of a mirror"));
        assert!(!result.log.contains("s3cr3t"), "{}", result.log);
    }
}
