//! Where the runner has `gh`, GitHub is asked who built the archive, before anything of it runs.

use super::action_checkout::{ARCHIVE, ActionCheckout, InstallerResult, VERSION, plant};
use std::fs;
use std::path::PathBuf;

const VERIFIED: &str = "echo '[{\"verificationResult\":{\"statement\":{}}}]'";

/// A runner with a `gh` that keeps what it was asked, and then answers so.
fn with_gh(repository: &str, answer: &str) -> ActionCheckout {
    let mut checkout = ActionCheckout::new(repository);
    let mirror = checkout.path("mirror");
    fs::create_dir_all(mirror.join(format!("v{VERSION}"))).unwrap();
    fs::write(mirror.join(format!("v{VERSION}/{ARCHIVE}.tar.gz")), &checkout.archive).unwrap();
    checkout.set("FINISHLINE_RELEASES", &format!("file://{}", mirror.display()));
    let asked = checkout.path("asked").display().to_string();
    let script = format!(
        "#!/bin/sh\necho \"$GH_TOKEN $GH_HOST $*\" >>'{asked}'\ntest -s \"$3\" || exit 9\n{answer}\n"
    );
    plant(&checkout.path("gh/gh"), &script);
    let path = format!("{}:{}", checkout.path("gh").display(), env!("PATH"));
    checkout.set("PATH", &path);
    checkout.set("GH_TOKEN", "any-token");
    checkout
}

fn github(answer: &str) -> ActionCheckout {
    with_gh("https://github.com/acme/finishline", answer)
}

fn asked(checkout: &ActionCheckout) -> String {
    fs::read_to_string(checkout.path("asked")).unwrap_or_default()
}

fn warned(result: &InstallerResult) -> bool {
    result.log.contains("::warning title=finishline: install::the provenance of")
}

#[test]
fn the_release_workflow_of_the_actions_repository_must_have_built_it() {
    let checkout = github(VERIFIED);
    let result = checkout.install();
    assert_eq!(result.exit, 0, "{}", result.log);
    assert!(result.log.contains("is verified: built by the release workflow of acme/finishline"));
    let asked = asked(&checkout);
    assert!(asked.starts_with("any-token github.com attestation verify "), "{asked}");
    for words in [
        "--repo acme/finishline",
        "--deny-self-hosted-runners",
        "--signer-workflow acme/finishline/.github/workflows/release.yml",
    ] {
        assert!(asked.contains(words), "{asked}");
    }
}

#[test]
fn an_archive_that_another_built_is_not_run() {
    for refusal in [
        "echo '✗ No attestations found with predicate type: https://slsa.dev/provenance/v1' >&2",
        "echo 'HTTP 404: Not Found (https://api.github.com/repos/acme/finishline/attestations/x)' >&2; exit 1",
        "echo 'Error: verifying with issuer \"sigstore.dev\"' >&2; exit 1",
        "echo 'expected SourceRepositoryURI to be https://github.com/acme/finishline, got x' >&2; exit 1",
        "exit 0",
    ] {
        let checkout = github(refusal);
        let result = checkout.install();
        let error = result.error();
        assert!(error.contains("the provenance of finishline-7.8.9-"), "{error}");
        assert!(error.contains("\ndo not use that archive, and find out who built it"), "{error}");
        assert_eq!(checkout.left_behind(), Vec::<PathBuf>::new());
    }
}

#[test]
fn what_gh_cannot_find_out_is_a_warning_with_its_words() {
    for (answer, words) in [
        ("echo 'unknown command \"attestation\" for \"gh\"' >&2; exit 1", "unknown command"),
        ("echo 'error connecting to api.github.com' >&2; exit 1", "error connecting to api"),
        ("echo 'HTTP 403: rate limit 100% used' >&2; exit 1", "rate limit 100%25 used"),
        ("exit 4", "exit code 4"),
    ] {
        let checkout = github(answer);
        let result = checkout.install();
        assert_eq!(result.exit, 0, "{}", result.log);
        assert!(warned(&result) && result.log.contains(words), "{}", result.log);
    }
}

#[test]
fn without_a_token_it_is_said_and_elsewhere_nobody_is_asked() {
    let mut checkout = github(VERIFIED);
    checkout.unset("GH_TOKEN");
    let result = checkout.install();
    assert!(result.exit == 0 && result.log.contains("there is no token of github.com for gh"));
    assert_eq!(asked(&checkout), "");
    let checkout = with_gh("https://git.example/acme/finishline", "exit 1");
    checkout.installed();
    assert_eq!(asked(&checkout), "");
}

#[test]
fn the_token_is_for_gh_alone() {
    let mut checkout = github(VERIFIED);
    let told = checkout.path("told").display().to_string();
    let real = ["/usr/bin/curl", "/bin/curl"].into_iter().find(|path| fs::exists(path).unwrap());
    let Some(real) = real else { return };
    let curl = format!("#!/bin/sh\necho \"<$GH_TOKEN>\" >>'{told}'\nexec {real} \"$@\"\n");
    plant(&checkout.path("gh/curl"), &curl);
    checkout.set("GH_DEBUG", "api");
    checkout.installed();
    assert_eq!(fs::read_to_string(told).unwrap(), "<>\n");
}
