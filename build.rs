//! Links what the tests start: without addresses that the loader has to correct, a start of an unoptimized
//! build takes half as long, and they start thousands.

#![expect(clippy::disallowed_methods, reason = "cargo tells a build script so what it builds")]

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    let is_gnu = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    // A release keeps its addresses at random.
    if is_gnu && is("PROFILE", "debug") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
