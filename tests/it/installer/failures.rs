//! Every failure of the installer is one annotation with cause and remedy, and leaves nothing behind.

use super::action_checkout::{ARCHIVE, ActionCheckout, VERSION, packed, plant, sum, tarred};
use crate::support::http_server::{HttpServer, Response};
use std::fs;
use std::path::PathBuf;

/// The annotation, once it is clear that nothing else is left of the run.
fn error_of(checkout: &ActionCheckout) -> String {
    let result = checkout.install();
    assert_eq!(checkout.left_behind(), Vec::<PathBuf>::new());
    assert_eq!(result.log.lines().count(), 1, "{}", result.log);
    result.error()
}

fn with_server(
    answer: impl Fn() -> Response + Send + Sync + 'static,
) -> (ActionCheckout, HttpServer) {
    let mut checkout = ActionCheckout::with_mirror();
    let mirror = HttpServer::new(move |_| answer());
    checkout.set("FINISHLINE_RELEASES", &mirror.url());
    (checkout, mirror)
}

#[test]
fn a_program_that_is_missing_is_named() {
    for (missing, named) in [
        (&["tar"][..], "tar"),
        (&["gzip"], "gzip"),
        (&["sha256sum"], "sha256sum or shasum"),
        (&["curl", "wget"], "curl or wget"),
    ] {
        let mut checkout = ActionCheckout::with_mirror();
        checkout.without(missing);
        let error = error_of(&checkout);
        assert!(error.starts_with(&format!("{named} is not installed")), "{error}");
        assert!(error.contains("\ninstall it on the runner"), "{error}");
    }
}

#[test]
fn wget_does_where_there_is_no_curl() {
    let mut checkout = ActionCheckout::with_mirror();
    let server = ActionCheckout::serve(&checkout.archive, "a/b", |_| Response::html(404, ""));
    checkout.set("FINISHLINE_RELEASES", &format!("{}/a/b/releases/download", server.url()));
    checkout.without(&["curl"]);
    if !checkout.path("programs/wget").exists() {
        return;
    }
    fs::write(checkout.path("home/.wgetrc"), "output_document = /dev/null\n").unwrap();
    checkout.installed();
    fs::remove_dir_all(checkout.path("tools/finishline")).unwrap();
    fs::remove_file(checkout.path("home/.wgetrc")).unwrap();
    let nowhere = server.url().replace("http://", "http://ci:s3cr3t-pass@");
    checkout.set("FINISHLINE_RELEASES", &nowhere);
    let error = error_of(&checkout);
    assert!(error.contains("404") && !error.contains("s3cr3t-pass"), "{error}");
}

#[test]
fn a_limit_of_requests_is_told_apart_from_a_broken_network() {
    let (checkout, _mirror) =
        with_server(|| Response::html(429, "slow").with("Retry-After", "7200"));
    let error = error_of(&checkout);
    assert!(error.contains("429") && error.contains("run the job again later"), "{error}");
}

#[test]
fn what_refuses_is_quoted_and_the_remedy_fits() {
    for (status, remedy) in [
        (401, "without a login"),
        (403, "limits or refuses"),
        (404, "is released there"),
        (407, "proxy"),
    ] {
        let (checkout, mirror) = with_server(move || Response::html(status, "no"));
        let error = error_of(&checkout);
        assert!(error.starts_with(&format!("cannot download {}", mirror.url())), "{error}");
        assert!(error.contains(&status.to_string()) && error.contains(remedy), "{error}");
        assert!(error.contains("`download-url` or FINISHLINE_RELEASES"), "{error}");
    }
}

#[test]
fn a_proxy_that_cannot_be_reached_is_named_without_its_password() {
    let (mut checkout, _mirror) = with_server(|| Response::html(200, ""));
    checkout.set("FINISHLINE_RELEASES", "http://releases.invalid");
    checkout.set("http_proxy", "http://me:s3cr3t-pass@127.0.0.1:1");
    let error = error_of(&checkout);
    assert!(error.contains("127.0.0.1 port 1") && error.contains("proxy"), "{error}");
    assert!(!error.contains("s3cr3t-pass"), "{error}");
}

#[test]
fn an_archive_that_is_not_the_released_one_is_not_unpacked() {
    let (checkout, _mirror) = with_server(|| Response::new(200, "application/gzip", "\u{1f}x"));
    let error = error_of(&checkout);
    assert!(
        error.contains(&format!(
            "{ARCHIVE}.tar.gz does not match the released archive\nits SHA-256 is "
        )),
        "{error}"
    );
    assert!(error.contains("do not use that archive"), "{error}");
}

#[test]
fn an_archive_without_the_program_says_so() {
    let mut checkout = ActionCheckout::with_mirror();
    plant(&checkout.path("other/else/README"), "");
    let archive = tarred(&checkout.path("other"), "else");
    fs::write(checkout.path(&format!("mirror/v{VERSION}/{ARCHIVE}.tar.gz")), &archive).unwrap();
    checkout.set("CHECKSUM", &sum(&archive));
    let error = error_of(&checkout);
    assert!(
        error.starts_with(&format!("{ARCHIVE}.tar.gz has no program {ARCHIVE}/finishline\n")),
        "{error}"
    );
}

#[test]
fn places_that_cannot_be_used_are_all_named() {
    let mut checkout = ActionCheckout::with_mirror();
    fs::write(checkout.path("file"), "").unwrap();
    for (name, place) in
        [("RUNNER_TOOL_CACHE", "file"), ("RUNNER_TEMP", "gone"), ("TMPDIR", "no-tmp")]
    {
        checkout.set(name, &checkout.path(place).display().to_string());
    }
    let error = error_of(&checkout);
    for (place, why) in [
        ("file/finishline", "Not a directory"),
        ("gone", "No such file"),
        ("no-tmp", "No such file"),
    ] {
        let place = checkout.path(place).display().to_string();
        let line = error.lines().find(|line| line.starts_with(&format!("{place}: ")));
        assert!(line.is_some_and(|line| line.contains(why)), "{place}: {error}");
    }
    assert!(error.ends_with("\nfree space in one of them, and let programs run there"), "{error}");
}

#[test]
fn outputs_that_cannot_be_written_are_an_error() {
    let mut checkout = ActionCheckout::with_mirror();
    let output = checkout.path("gone/output").display().to_string();
    checkout.set("GITHUB_OUTPUT", &output);
    let error = checkout.install().error();
    assert!(
        error.starts_with(&format!("the step's outputs cannot be written to {output}\n")),
        "{error}"
    );
}

#[test]
fn a_program_that_does_not_run_here_is_not_handed_on() {
    let mut checkout = ActionCheckout::with_mirror();
    let archive = packed(&checkout.path("other"), "#!/bin/sh\nkill -SEGV $$\n");
    fs::write(checkout.path(&format!("mirror/v{VERSION}/{ARCHIVE}.tar.gz")), &archive).unwrap();
    checkout.set("CHECKSUM", &sum(&archive));
    let error = error_of(&checkout);
    assert!(error.contains("the program cannot be run there: "), "{error}");
}

#[test]
fn what_nobody_foresaw_is_an_annotation_too() {
    let mut checkout = ActionCheckout::with_mirror();
    checkout.unset("GITHUB_ACTION_PATH");
    let result = checkout.install();
    let line = "::error title=finishline: install::the installer stopped with exit code 1";
    assert!(result.log.contains(line), "{}", result.log);
}
