//! What lies in the tool cache, who put it there, and what the job's environment may change.

use super::action_checkout::{ActionCheckout, PROGRAM, packed, plant, sum};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A program that leaves a mark when it is run.
fn planted(checkout: &ActionCheckout) -> String {
    format!("#!/bin/sh\ntouch '{}'\n", checkout.path("ran").display())
}

fn nothing_ran(checkout: &ActionCheckout) {
    assert!(!checkout.path("ran").exists(), "what was planted ran");
}

#[test]
fn a_second_install_downloads_nothing() {
    let checkout = ActionCheckout::with_mirror();
    let first = checkout.installed();
    assert!(first.starts_with(checkout.path("tools")));
    fs::remove_dir_all(checkout.path("mirror")).unwrap();
    assert_eq!(checkout.installed(), first);
    assert_eq!(
        fs::read_dir(checkout.path("tools/finishline")).unwrap().count(),
        1,
        "no stage is left"
    );
}

#[test]
fn a_program_that_was_changed_in_the_cache_never_runs() {
    let checkout = ActionCheckout::with_mirror();
    let place = checkout.installed();
    let program = planted(&checkout);
    plant(&place, &program);
    for name in ["sum", "finishline.sum", "SHA256SUMS"] {
        fs::write(place.with_file_name(name), format!("{}\n", sum(program.as_bytes()))).unwrap();
    }
    fs::remove_dir_all(checkout.path("mirror")).unwrap();
    assert_eq!(checkout.installed(), place, "the archive beside it is enough to mend it");
    nothing_ran(&checkout);
}

#[test]
fn a_program_that_was_there_before_the_first_install_never_runs() {
    let checkout = ActionCheckout::with_mirror();
    let program = planted(&checkout);
    let archive_sum = sum(&checkout.archive);
    let below = "finishline/7.8.9/aarch64-unknown-linux-musl".to_owned();
    for root in ["tools", "temp", "tmp", "home", "home/.cache", "home/.local"] {
        for place in [below.clone(), format!("{below}/{}", &archive_sum[..16])] {
            let place = checkout.path(root).join(place);
            plant(&place.join("finishline"), &program);
            fs::write(place.join("sum"), format!("{archive_sum}\n")).unwrap();
        }
    }
    for name in ["tar", "curl", "gzip", "sha256sum", "mktemp", "cygpath"] {
        plant(&checkout.path("home").join(name), &program);
    }
    checkout.installed();
    nothing_ran(&checkout);
}

#[test]
fn an_archive_in_the_cache_that_is_another_one_is_not_unpacked() {
    let checkout = ActionCheckout::with_mirror();
    let place = checkout.installed();
    let archives =
        fs::read_dir(place.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let archive: PathBuf =
        { archives }.find(|path| path.extension() == Some("gz".as_ref())).unwrap();
    let other = packed(&checkout.path("other"), &planted(&checkout));
    fs::write(&archive, other).unwrap();
    plant(&place, &planted(&checkout));
    assert_eq!(checkout.installed(), place);
    nothing_ran(&checkout);
}

#[test]
fn a_folder_where_the_program_belongs_is_worked_around() {
    let checkout = ActionCheckout::with_mirror();
    let place = checkout.installed();
    fs::remove_file(&place).unwrap();
    fs::create_dir(&place).unwrap();
    assert_ne!(checkout.installed(), place);
}

#[test]
fn two_archives_of_one_version_have_two_places() {
    let mut checkout = ActionCheckout::with_mirror();
    let first = checkout.installed();
    let other = packed(&checkout.path("other"), "#!/bin/sh\necho other\n");
    let mirror = checkout.path("mirror/v7.8.9");
    let name = fs::read_dir(&mirror).unwrap().next().unwrap().unwrap().path();
    fs::write(name, &other).unwrap();
    checkout.set("CHECKSUM", &format!(" {}\n", sum(&other).to_uppercase()));
    let second = checkout.install();
    assert_eq!(second.exit, 0, "{}", second.log);
    assert_ne!(Path::new(&second.binary), first);
    assert_eq!(fs::read_to_string(first).unwrap(), PROGRAM);
}

#[test]
fn without_a_tool_cache_the_folder_is_private_and_cannot_be_guessed() {
    for (missing, root) in
        [(&["RUNNER_TOOL_CACHE"][..], "temp"), (&["RUNNER_TOOL_CACHE", "RUNNER_TEMP"], "tmp")]
    {
        let mut checkout = ActionCheckout::with_mirror();
        missing.iter().for_each(|name| checkout.unset(name));
        let (first, second) = (checkout.installed(), checkout.installed());
        assert_ne!(first, second);
        let folder = first.parent().unwrap();
        assert_eq!(folder.parent().unwrap(), checkout.path(root));
        assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(folder).unwrap().count(), 1, "only the program is kept");
    }
}

#[test]
fn a_tool_cache_that_is_no_folder_is_worked_around() {
    let mut checkout = ActionCheckout::with_mirror();
    fs::write(checkout.path("file"), "").unwrap();
    checkout.set("RUNNER_TOOL_CACHE", &checkout.path("file").display().to_string());
    assert!(checkout.installed().starts_with(checkout.path("temp")));
    checkout.set("RUNNER_TEMP", &checkout.path("gone").display().to_string());
    assert!(checkout.installed().starts_with(checkout.path("tmp")));
    assert!(!checkout.path("gone").exists());
}

#[test]
fn what_the_job_sets_for_bash_tar_and_curl_changes_nothing() {
    let mut checkout = ActionCheckout::with_mirror();
    let touch = format!("touch '{}'", checkout.path("ran").display());
    let hook = checkout.path("hook");
    fs::write(
        &hook,
        "sha256sum() { echo planted; }\ncurl() { echo planted; }\ntar() { echo planted; }\n",
    )
    .unwrap();
    checkout.set("BASH_ENV", &hook.display().to_string());
    checkout.set("ENV", &hook.display().to_string());
    for name in ["tar", "gzip", "curl", "sha256sum", "sed", "mktemp"] {
        checkout.set(&format!("BASH_FUNC_{name}%%"), &format!("() {{ {touch}; }}"));
    }
    checkout.set("TAR_OPTIONS", &format!("--to-command='{touch}' --strip-components=9"));
    checkout.set("GZIP", "--bogus");
    let curlrc = format!(
        "output = \"{}\"\nfail-with-body\nproxy = http://127.0.0.1:1\n",
        checkout.path("ran").display()
    );
    for folder in ["home", "curl"] {
        fs::create_dir_all(checkout.path(folder)).unwrap();
        fs::write(checkout.path(folder).join(".curlrc"), &curlrc).unwrap();
    }
    checkout.set("CURL_HOME", &checkout.path("curl").display().to_string());
    checkout.installed();
    nothing_ran(&checkout);
}

#[test]
fn a_version_is_never_the_name_of_another_folder() {
    for version in [
        "..", ".", "...", "1", "1.2", "v..", "../../x", "1.2.3/..", "-1.2.3", "1.2.3+/x", "1.2.3 x",
    ] {
        let mut checkout = ActionCheckout::with_mirror();
        plant(&checkout.path("tools/aarch64-unknown-linux-musl/finishline"), &planted(&checkout));
        checkout.set("VERSION", version);
        checkout.set("CHECKSUM", &sum(&checkout.archive));
        let error = checkout.install().error();
        assert!(
            error.starts_with("`finishline-version` is not a valid version\n"),
            "{version}: {error}"
        );
        nothing_ran(&checkout);
    }
}

#[test]
fn first_installs_at_the_same_time_do_not_break_each_other() {
    for round in 0..4 {
        let checkout = ActionCheckout::with_mirror();
        let start = |number: usize| {
            let mut command = checkout.command();
            let output = checkout.path(&format!("output-{number}"));
            command.env("GITHUB_OUTPUT", &output).stdout(std::process::Stdio::piped());
            (command.spawn().unwrap(), output)
        };
        let all: Vec<_> = (0..8).map(start).collect();
        for (process, output) in all {
            let done = process.wait_with_output().unwrap();
            let log = String::from_utf8_lossy(&done.stdout).into_owned();
            assert!(done.status.success(), "round {round}: {log}");
            let binary = fs::read_to_string(output).unwrap();
            let binary = binary.strip_prefix("binary=").unwrap().trim_end();
            assert!(
                Path::new(binary).starts_with(checkout.path("tools")),
                "round {round}: {binary}"
            );
            assert_eq!(fs::read_to_string(binary).unwrap(), PROGRAM);
        }
        assert_eq!(fs::read_dir(checkout.path("tools/finishline")).unwrap().count(), 1);
    }
}
