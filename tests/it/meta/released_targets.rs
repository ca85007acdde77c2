//! What the release workflow builds is what the action, the component and the wheel ask for.

#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo runs the tests"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn workflow() -> serde_yaml::Value {
    serde_yaml::from_str(&text(".github/workflows/release.yml")).unwrap()
}

/// The targets of the workflow's matrix.
fn built() -> BTreeSet<String> {
    let workflow = workflow();
    let include = &workflow["jobs"]["build"]["strategy"]["matrix"]["include"];
    let targets = include.as_sequence().unwrap().iter().map(|one| one["target"].as_str().unwrap());
    targets.map(str::to_owned).collect()
}

/// What the installer wants on a runner of this kind; nothing where it has no release at all.
fn asked_by_action(folder: &Path, system: &str, machine: &str) -> Option<String> {
    let done = Command::new("bash")
        .arg(folder.join("action/install.sh"))
        .env("GITHUB_ACTION_PATH", folder)
        .env("RUNNER_OS", system)
        .env("RUNNER_ARCH", machine)
        .env_remove("VERSION")
        .env_remove("CHECKSUM")
        .output()
        .unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    let (_, target) = said.split_once("finishline 1.2.3 was not released for ")?;
    Some(target.split("%0A").next().unwrap().trim().to_owned())
}

/// What the component's script wants on a machine whose `uname` says this.
fn asked_by_component(folder: &Path, system: &str, machine: &str) -> Option<String> {
    let component = text("templates/finishline.yml");
    let (_, body) = component.split_once("\n---\n").unwrap();
    let jobs: serde_yaml::Mapping = serde_yaml::from_str(body).unwrap();
    let script = jobs.values().next().unwrap()["script"][0].as_str().unwrap().to_owned();
    let tool = folder.join("uname");
    fs::write(&tool, format!("#!/bin/sh\n[ \"$1\" = -s ] && echo {system} || echo {machine}\n"))
        .unwrap();
    fs::set_permissions(&tool, PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.display(), std::env!("PATH"));
    let done = Command::new("sh")
        .args(["-c", &script])
        .env("PATH", path)
        .env("FINISHLINE_INPUT_VERSION", "=1.2.3")
        .output()
        .unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    let (_, archive) = said.split_once("`checksums` has no sum of finishline-1.2.3-")?;
    Some(archive.split_once(".tar.gz")?.0.to_owned())
}

fn combined(
    systems: &[&str],
    machines: &[&str],
    asked: impl Fn(&str, &str) -> Option<String>,
) -> BTreeSet<String> {
    let pairs = systems.iter().flat_map(|system| machines.iter().map(move |one| (*system, *one)));
    pairs.filter_map(|(system, machine)| asked(system, machine)).collect()
}

#[test]
fn every_archive_that_the_action_asks_for_is_built_and_the_other_way_round() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("action")).unwrap();
    fs::write(folder.path().join("action/install.sh"), text("action/install.sh")).unwrap();
    fs::write(folder.path().join("Cargo.toml"), "version = \"1.2.3\"\n").unwrap();
    let sums = format!("{}  finishline-1.2.3-none.tar.gz\n", "0".repeat(64));
    fs::write(folder.path().join("action/SHA256SUMS"), sums).unwrap();
    let systems = ["Linux", "macOS", "Windows", "Darwin", "FreeBSD", "MINGW64_NT"];
    let machines = ["X64", "X86", "ARM", "ARM64", "armv6l", "armv7l", "aarch64", "riscv64"];
    let asked = combined(&systems, &machines, |system, machine| {
        asked_by_action(folder.path(), system, machine)
    });
    assert_eq!(asked, built());
}

#[test]
fn every_archive_that_the_component_asks_for_is_built() {
    let folder = tempfile::tempdir().unwrap();
    let systems = ["Linux", "Darwin", "FreeBSD", "MINGW64_NT"];
    let machines = ["x86_64", "i686", "aarch64", "arm64", "armv6l", "armv7l", "riscv64"];
    let asked = combined(&systems, &machines, |system, machine| {
        asked_by_component(folder.path(), system, machine)
    });
    // Its jobs run in a POSIX shell, which no Windows runner of GitLab has.
    let built = built().into_iter().filter(|target| !target.contains("windows")).collect();
    assert_eq!(asked, built);
}

/// The targets that a script of `packaging` knows.
fn packed(script: &str) -> BTreeSet<String> {
    let script = text(script);
    let (_, platforms) = script.split_once("PLATFORMS = {\n").unwrap();
    let (platforms, _) = platforms.split_once("\n}").unwrap();
    platforms.lines().map(|line| line.split('"').nth(1).unwrap().to_owned()).collect()
}

#[test]
fn there_is_a_wheel_and_a_package_for_npm_of_every_archive_and_an_image_of_linux() {
    assert_eq!(packed("packaging/wheel.py"), built());
    assert_eq!(packed("packaging/npm.py"), built());
    let linux = built().into_iter().filter(|target| target.contains("-linux-")).collect();
    assert_eq!(packed("packaging/image.py"), linux);
}

/// The steps of a job: what each uses or runs.
fn steps(job: &str) -> Vec<String> {
    let workflow = workflow();
    let steps = workflow["jobs"][job]["steps"].as_sequence().unwrap().clone();
    let said = |step: &serde_yaml::Value| {
        let what = step.get("uses").or_else(|| step.get("run")).unwrap();
        what.as_str().unwrap().to_owned()
    };
    steps.iter().map(said).collect()
}

fn position(steps: &[String], part: &str) -> usize {
    let found = steps.iter().position(|step| step.contains(part));
    found.unwrap_or_else(|| panic!("no step has `{part}`: {steps:?}"))
}

/// An immutable release is closed the moment it is published: all its files are on the draft, and every
/// one of them attested, before that.
#[test]
fn a_release_is_whole_and_attested_before_it_is_published() {
    let build = steps("build");
    let attest = position(&build, "actions/attest-build-provenance@");
    assert!(position(&build, "packaging/archive.py") < attest);
    assert!(attest < position(&build, "actions/upload-artifact@"));
    let draft = steps("draft");
    let sums = position(&draft, "SHA256SUMS");
    let attest = position(&draft, "actions/attest-build-provenance@");
    let made = position(&draft, "gh release create");
    assert!(sums < attest && attest < made, "{draft:?}");
    assert!(draft[made].contains("--draft"));
    let publish = steps("publish").concat();
    assert_eq!(publish.matches("--draft=false").count(), 1);
    assert!(publish.contains("gh attestation verify"), "{publish}");
    let all = text(".github/workflows/release.yml");
    for late in ["gh release upload", "--clobber", "gh release delete", "delete-asset"] {
        assert!(!all.contains(late), "{late}");
    }
}
