//! `finishline init`: the first CI file, from flags or from answers at a terminal.

use crate::cli::init::InitArgs;
use crate::error::{Error, ErrorCode, Result};
use crate::git::Checkout;
use crate::inputs::release::{ENVIRONMENT_RULE, is_environment};
use crate::migration::starter::{StarterHost, StarterOptions, is_plain};
use crate::model::OrgSlug;
use crate::os::interruption::write_unless_stopped;
use crate::os::{files, terminal};
use crate::output::{OutputSinks, WriteOp};
use crate::text::quote;
use std::path::Path;
use url::Url;

/// Writes the file, or prints it where it is named `-`; what is said of it.
pub(crate) fn init(args: &InitArgs) -> Result<String> {
    let checkout = Checkout::find(Path::new(".")).ok().flatten();
    let options = options(args, checkout.as_ref())?;
    let file = args.output.as_deref().unwrap_or(options.host.file());
    if let Some(failure) = checkout.filter(|_| args.output.is_none()).and_then(outside_of_top) {
        return Err(failure);
    }
    if file == "-" {
        return Ok(options.text());
    }
    let create = || files::create(file, &options.text());
    write_unless_stopped(create).map_err(|error| {
        let message = format!("cannot create {}: {error}", quote(file));
        Error::new(ErrorCode::Usage, message).with_hint(
            "no file is overwritten; set `--output` to another file, or to `-` to print it",
        )
    })?;
    Ok(format!("{file}: written\n{}", options.next_steps()))
}

/// The error for a folder of the checkout in which no host looks for its file.
fn outside_of_top(checkout: Checkout) -> Option<Error> {
    let top = checkout.top_folder()?;
    let here = Path::new(".").canonicalize().ok()?;
    (here != top).then(|| {
        let message = "this is not the top folder of the checkout, and the CI host looks for its file only there";
        let hint = format!("run `finishline init` in {}, or set `--output`", quote(&top.to_string_lossy()));
        Error::new(ErrorCode::Usage, message).with_hint(hint)
    })
}

fn options(args: &InitArgs, checkout: Option<&Checkout>) -> Result<StarterOptions> {
    let missing = [("ci", &args.ci), ("org", &args.org), ("projects", &args.projects)];
    let missing = missing.iter().filter(|(_, value)| value.is_none());
    let missing: Vec<_> = missing.map(|(name, _)| format!("`--{name}`")).collect();
    let asks = terminal::is_interactive() && !missing.is_empty();
    if !asks && !missing.is_empty() {
        let message = format!("missing {}", missing.join(", "));
        return Err(Error::new(ErrorCode::Usage, message)
            .with_hint("set them, or run `finishline init` at a terminal, where it asks"));
    }
    let answer = |given: &Option<String>, question: &str, default: &str| match given {
        Some(value) => value.clone(),
        None if asks => ask(question, default),
        None => default.to_owned(),
    };
    let host = answer(&args.ci, "CI host, `github` or `gitlab`", "github");
    let org = answer(&args.org, "organization slug", "");
    let projects = answer(&args.projects, "project slugs, separated by commas", "");
    let environment = answer(&args.environment, "environment", "production");
    let sourcemaps = answer(&args.sourcemaps, "folder with source maps, empty for none", "");
    let branch = checkout.and_then(Checkout::default_branch).filter(|branch| is_branch(branch));
    if !is_one_folder(&sourcemaps) {
        return Err(wrong("sourcemaps", "one folder of the checkout, without blanks or commas"));
    }
    Ok(StarterOptions {
        host: StarterHost::parse(&host).ok_or_else(|| wrong("ci", "`github` or `gitlab`"))?,
        org: OrgSlug::parse(&org).ok_or_else(|| wrong("org", "an organization slug"))?,
        projects: plain("projects", projects)?,
        environment: name_of_environment(environment)?,
        sourcemaps: Some(sourcemaps)
            .filter(|text| !text.is_empty())
            .map(|text| plain("sourcemaps", text))
            .transpose()?,
        url: args.url.clone().map(address).transpose()?,
        branch: branch.unwrap_or_else(|| "main".to_owned()),
    })
}

/// Whether a path stays one to `sourcemaps`, and below the folder that jobs begin in.
fn is_one_folder(path: &str) -> bool {
    let is_separator = |c: char| c == ',' || c.is_whitespace();
    !path.contains(is_separator)
        && !path.starts_with('/')
        && path.split('/').all(|part| part != "..")
}

/// Whether a branch is a pattern for nothing but itself.
fn is_branch(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
}

/// A value that can be written into the file as it is.
fn plain(name: &str, value: String) -> Result<String> {
    match is_plain(&value) {
        true => Ok(value),
        false => Err(wrong(name, "letters, digits, spaces and `_-./:,*@+`")),
    }
}

fn name_of_environment(value: String) -> Result<String> {
    match is_environment(&value) {
        true => plain("environment", value),
        false => Err(wrong("environment", ENVIRONMENT_RULE)),
    }
}

/// The address of a server, which everybody sees who sees the file.
fn address(value: String) -> Result<String> {
    let is_page = |url: &Url| {
        let is_web = matches!(url.scheme(), "http" | "https");
        is_web && url.username().is_empty() && url.password().is_none()
    };
    match Url::parse(&value).is_ok_and(|url| is_page(&url)) {
        true => plain("url", value),
        false => Err(wrong("url", "an http or https address without user name and password")),
    }
}

fn wrong(name: &str, takes: &str) -> Error {
    let message = format!("`--{name}` accepts {takes}");
    Error::new(ErrorCode::Usage, message).with_hint(format!("change `--{name}`"))
}

/// A person's answer, or the default for an empty one.
fn ask(question: &str, default: &str) -> String {
    let shown = if default.is_empty() { String::new() } else { format!(" [{default}]") };
    drop(OutputSinks::emit(vec![WriteOp::Stderr(format!("{question}{shown}: "))]));
    let line = terminal::ask_line().unwrap_or_default();
    let answer = line.trim();
    if answer.is_empty() { default.to_owned() } else { answer.to_owned() }
}
