//! The options of `serve`.

use crate::cli::{DEFAULT_LISTEN, ServeArgs};
use crate::database::path;
use crate::env::Env;
use crate::error::{Error, ErrorCode, Result};
use crate::inputs::state::FieldInput;
use crate::inputs::{self, GITHUB_API_URL, LogLevel, OutputFormat};
use crate::job::MacroHosts;
use crate::model::OrgSlug;
use crate::os::files;
use crate::secret::Secret;
use crate::text::quote;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The variable that names the user token.
const TOKEN: &str = "SENTRY_AUTH_TOKEN";
/// The variable that names the apps of one's own at third parties.
const APPS: &str = "FINISHLINE_APPS";
/// The flag and the variable of the certificates.
const CA_FILE: [&str; 2] = ["--ca-file", "FINISHLINE_CA_FILE"];
/// The flag, the variable and the words of what is logged, and of how.
const LOG_LEVEL: [&str; 3] =
    ["--log-level", "FINISHLINE_LOG_LEVEL", "`off`, `error`, `warn`, `info`, `debug` or `trace`"];
const LOG_FORMAT: [&str; 3] = ["--log-format", "FINISHLINE_LOG_FORMAT", "`text` or `json`"];

/// What `serve` is going to do.
pub(crate) struct ServeOptions {
    pub(crate) listen: SocketAddr,
    pub(super) database: PathBuf,
    pub(super) orgs: Vec<OrgSlug>,
    pub(super) projects: Vec<OrgSlug>,
    pub(super) token: Option<Secret>,
    pub(super) apps: FieldInput,
    pub(super) github_api_url: Option<String>,
    /// What third parties are trusted by besides the system's certificates, as PEM.
    pub(super) certificates: Option<String>,
    pub(super) log_level: LogLevel,
    pub(super) log_format: OutputFormat,
}

impl ServeOptions {
    /// Reads what was typed, and the environment.
    pub(crate) fn read(typed: &ServeArgs, env: &Env) -> Result<Self> {
        let listen = typed.listen.parse().map_err(|_| {
            let message = format!(
                "invalid --listen {}: expected an address with a port",
                quote(&typed.listen)
            );
            Error::new(ErrorCode::Usage, message)
                .with_hint(format!("write it like {DEFAULT_LISTEN}"))
        })?;
        let (orgs, projects) = (slugs("org", &typed.orgs)?, slugs("project", &typed.projects)?);
        if orgs.is_empty() && !projects.is_empty() {
            let message = "--project needs an --org in which to create the project";
            return Err(Error::new(ErrorCode::Usage, message).with_hint("add --org SLUG"));
        }
        let trimmed = |name| env.get(name).map(str::trim).filter(|value| !value.is_empty());
        let named = typed.database.as_deref().or_else(|| trimmed("FINISHLINE_DATABASE"));
        let apps = env.get(APPS).unwrap_or_default();
        let hosts = MacroHosts::of_run(None, env);
        let (apps, mistakes) = FieldInput::read_apps(apps, APPS, (env, hosts), &files::read_text);
        if let Some(mistakes) = Error::combine(mistakes) {
            return Err(mistakes);
        }
        Ok(Self {
            listen,
            database: path::resolve_path(named, env)?,
            orgs,
            projects,
            token: trimmed(TOKEN).map(Secret::from),
            apps,
            certificates: certificates(typed.ca_file.as_deref(), env)?,
            github_api_url: env.get(GITHUB_API_URL).map(str::to_owned),
            log_level: word(LOG_LEVEL, typed.log_level.as_deref(), env, LogLevel::parse)?
                .unwrap_or(LogLevel::Info),
            log_format: word(LOG_FORMAT, typed.log_format.as_deref(), env, OutputFormat::parse)?
                .unwrap_or(OutputFormat::Text),
        })
    }
}

/// The certificates in the file that was named.
fn certificates(typed: Option<&str>, env: &Env) -> Result<Option<String>> {
    let given = |text: &str| Some(text.trim().to_owned()).filter(|file| !file.is_empty());
    let named = typed.and_then(given).map(|file| (CA_FILE[0], file));
    let named = named.or_else(|| Some((CA_FILE[1], given(env.get(CA_FILE[1])?)?)));
    let Some((origin, file)) = named else { return Ok(None) };
    let shown = quote(&file);
    let message = match files::read_text(&file).map(inputs::certificates) {
        Ok(Ok(certificates)) => return Ok(Some(certificates)),
        Ok(Err(takes)) => format!("{shown}, given in {origin}, is not {takes}"),
        Err(error) => format!("cannot read {shown}, given in {origin}: {error}"),
    };
    Err(Error::new(ErrorCode::Usage, message).with_hint(format!("change {origin}")))
}

/// One of a few words, typed or in its variable.
fn word<T>(
    [flag, variable, words]: [&str; 3],
    typed: Option<&str>,
    env: &Env,
    parse: fn(&str) -> Option<T>,
) -> Result<Option<T>> {
    let named = typed.map(|text| (flag, text)).or_else(|| Some((variable, env.get(variable)?)));
    let Some((origin, text)) = named else { return Ok(None) };
    parse(text).map(Some).ok_or_else(|| {
        let message = format!("invalid {origin} {}: expected {words}", quote(text));
        Error::new(ErrorCode::Usage, message).with_hint(format!("set {origin} to one of these"))
    })
}

pub(crate) fn slugs(flag: &str, texts: &[String]) -> Result<Vec<OrgSlug>> {
    let slug = |text: &String| {
        OrgSlug::parse(text).ok_or_else(|| {
            let message = format!("invalid --{flag} {}: expected a slug", quote(text));
            Error::new(ErrorCode::Usage, message)
                .with_hint("a slug has 1 to 50 letters, digits, `-` and `_`")
        })
    };
    texts.iter().map(slug).collect()
}
