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
