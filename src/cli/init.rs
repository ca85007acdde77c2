//! `finishline init` on the command line.

use clap::{Arg, ArgMatches, Command};

/// What was typed after `init`.
#[derive(Debug, Default)]
pub struct InitArgs {
    /// `--ci`.
    pub ci: Option<String>,
    /// `--org`.
    pub org: Option<String>,
    /// `--projects`.
    pub projects: Option<String>,
    /// `--environment`.
    pub environment: Option<String>,
    /// `--sourcemaps`.
    pub sourcemaps: Option<String>,
    /// `--url`.
    pub url: Option<String>,
    /// `--output`.
    pub output: Option<String>,
}

/// The command as help shows it.
pub(super) fn command() -> Command {
    let arg = |name, word, help| Arg::new(name).long(name).value_name(word).help(help);
    Command::new("init")
        .about("Writes a first CI file: release, deploy and source maps; asks at a terminal")
        .arg(arg("ci", "HOST", "the CI host").value_parser(["github", "gitlab"]))
        .arg(arg("org", "SLUG", "the organization slug"))
        .arg(arg("projects", "LIST", "the project slugs, separated by commas"))
        .arg(arg("environment", "NAME", "the environment to deploy to [default: production]"))
        .arg(arg("sourcemaps", "FOLDER", "the folder of the build with source maps, if any"))
        .arg(arg("url", "URL", "the URL of a self-hosted Sentry"))
        .arg(arg("output", "FILE", "the file to create, or `-` to print it"))
        .after_help(concat!(
            "Examples:\n",
            "  finishline init\n",
            "  finishline init --ci github --org acme --projects web --sourcemaps dist\n",
            "  finishline init --ci gitlab --org acme --projects web --output -",
        ))
}

/// What was typed.
pub(super) fn read(matches: &ArgMatches) -> InitArgs {
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    InitArgs {
        ci: text("ci"),
        org: text("org"),
        projects: text("projects"),
        environment: text("environment"),
        sourcemaps: text("sourcemaps"),
        url: text("url"),
        output: text("output"),
    }
}
