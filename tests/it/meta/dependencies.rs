//! What the manifests say about the dependencies.

const MANIFESTS: [&str; 2] =
    [include_str!("../../../Cargo.toml"), include_str!("../../fuzz/Cargo.toml")];

/// The dependencies of a manifest, each with the line above it.
fn dependencies(manifest: &str) -> Vec<(&str, &str)> {
    let (mut found, mut is_inside, mut above) = (Vec::new(), false, "");
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_inside = line.ends_with("dependencies]");
        } else if is_inside && !line.is_empty() && !line.starts_with('#') {
            found.push((line, above));
        }
        above = line;
    }
    found
}

#[test]
fn every_dependency_has_its_reason_beside_it() {
    for manifest in MANIFESTS {
        let dependencies = dependencies(manifest);
        assert!(dependencies.len() > 5);
        for (line, above) in dependencies {
            let reason = above.strip_prefix("# ").unwrap_or_default();
            assert!(reason.len() > 10 && reason.ends_with('.'), "{line}");
        }
    }
}

/// The names of what the program is built of, as a lock file has them.
fn locked(lock: &str) -> Vec<&str> {
    let mut packages = lock.split("[[package]]\n");
    let own = packages.find(|package| package.starts_with("name = \"finishline\"\n")).unwrap();
    let names = own.lines().filter_map(|line| line.trim().strip_prefix('"'));
    names.filter_map(|name| name.split(['"', ' ']).next()).collect()
}

#[test]
fn the_lock_file_of_the_fuzz_targets_names_all_that_the_program_is_built_of() {
    let fuzzed = locked(include_str!("../../fuzz/Cargo.lock"));
    let of_tests = ["rcgen", "vt100"];
    let ours = locked(include_str!("../../../Cargo.lock"));
    for name in ours.into_iter().filter(|name| !of_tests.contains(name)) {
        assert!(fuzzed.contains(&name), "tests/fuzz/Cargo.lock lacks {name}");
    }
}

#[test]
fn the_fuzz_targets_run_what_the_program_is_built_of() {
    let versions = |lock: &'static str| {
        let packages = lock.split("[[package]]\n").skip(1);
        packages.map(|package| package.lines().take(2).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let (ours, fuzzed) = (
        versions(include_str!("../../../Cargo.lock")),
        versions(include_str!("../../fuzz/Cargo.lock")),
    );
    let named = |name: &str| ours.iter().filter(|ours| ours[0] == name).count();
    for package in fuzzed.iter().filter(|package| named(package[0]) > 0) {
        assert!(ours.contains(package), "{package:?} is not what Cargo.lock has");
    }
}
