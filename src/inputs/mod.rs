//! The inputs, typed and checked: what the step is to do, and what it is to write.
//!
//! All mistakes are reported at once. Nothing here touches a provider's description.

pub mod compat;
mod file_address;
mod headers;
pub mod macros;
pub mod missing;
mod origin;
mod output;
mod parse;
pub mod raw;
pub mod recorded_links;
pub mod release;
pub mod sourcemaps;
pub mod state;
pub mod table;
mod token_origins;
pub mod types;
pub mod usage;

use crate::env::Env;
use crate::error::{Error, ErrorCode, Result, Warning};
use crate::job::Job;
use crate::model::OrgSlug;
use crate::model::token::{self, TokenClaims, TokenKind};
use crate::secret::Secret;
use crate::text::{quote, url::site_base};
use parse::InputReader;
use raw::{CommandLineFlags, RawInputs};
use release::ReleaseInputs;
use sourcemaps::SourcemapInputs;
use state::FieldInput;
use std::time::Duration;
use types::ReadFile;
use url::Url;

pub use headers::RequestHeader;
pub use output::{ColorChoice, LogLevel, OutputFormat, OutputOptions, ResultFormat};
pub(crate) use parse::certificates;
pub use token_origins::TokenOrigins;
pub use types::{BackendName, CodeMapping, Dialect, MappingPlace, Mode, ToleratedExit};

/// The variables that name a proxy.
const PROXY_VARIABLES: [&str; 6] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// The server of those who run none of their own.
const SAAS: &str = "https://sentry.io/";

/// The runner's variable that says where GitHub's API is.
pub const GITHUB_API_URL: &str = "GITHUB_API_URL";

/// The variables of proxies on the way to an `http` address.
const PROXIES: [&str; 4] = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/// What the step was asked to do.
#[derive(Clone)]
pub struct Inputs {
    /// The provider's key; `None` asks for no integration.
    pub provider: Option<String>,
    /// The fields of its steps.
    pub state: FieldInput,
    /// The apps of one's own at third parties, by provider.
    pub apps: FieldInput,
    /// Where the CI host says that GitHub's API is.
    pub github_api_url: Option<String>,
    /// Whether to run when nothing differs, and whether to renew.
    pub mode: Mode,
    /// The integration that is meant.
    pub integration_id: Option<i64>,
    /// What the redirect URL carries.
    pub next: Option<String>,
    /// The address that a person's browser ended at.
    pub callback_url: Option<Secret>,
    /// Where a waiting pipeline of a Sentry backend is kept.
    pub resume_file: Option<String>,
    /// The entry of a manifest whose waiting pipeline goes on.
    pub entry: Option<String>,
    /// Repositories to link once the integration is there.
    pub repositories: Vec<String>,
    /// Code mappings to set then.
    pub code_mappings: Vec<CodeMapping>,
    /// Repositories to remove then.
    pub repositories_absent: Vec<String>,
    /// Code mappings to delete then.
    pub code_mappings_absent: Vec<MappingPlace>,
    /// What a manifest prunes by these inputs.
    pub pruned: Option<recorded_links::PrunedIntegration>,
    /// What is asked about a release.
    pub release: ReleaseInputs,
    /// What is asked about source maps.
    pub sourcemaps: SourcemapInputs,
    /// The organization.
    pub org: Option<OrgSlug>,
    /// Where the backend's pages are.
    pub url: Option<Url>,
    /// Whether it was given, and not only found in a file of sentry-cli.
    pub url_is_given: bool,
    /// Whether the URL was given for this program, and not in a variable that others share.
    pub url_is_ours: bool,
    /// The token of a Sentry backend.
    pub auth_token: Option<Secret>,
    /// Where the tokens were given, or should have been.
    pub token_origins: TokenOrigins,
    /// What the reader should know of the inputs.
    pub warnings: Vec<Warning>,
    /// A user's token for the pipeline alone.
    pub pipeline_token: Option<Secret>,
    /// What each request to the backend's own origin has besides.
    pub headers: Vec<RequestHeader>,
    /// How a Sentry is spoken to.
    pub dialect: Dialect,
    /// Certificates to trust besides the system's, as PEM.
    pub certificates: Option<String>,
    /// Whether a proxy is spoken to over TLS, also on the way to an `http` address.
    pub proxy_over_tls: bool,
    /// The backend, when it was named.
    pub backend: Option<BackendName>,
    /// The embedded backend's file.
    pub database: Option<String>,
    /// The file that names many integrations and releases.
    pub manifest: Option<String>,
    /// How many of its entries may be under way at once.
    pub max_parallel: usize,
    /// Whether to decide only.
    pub dry_run: bool,
    /// The file of a saved plan that is carried out.
    pub plan: Option<String>,
    /// Whether to wait at the terminal for a person.
    pub wait_for_approval: bool,
    /// Which ends become exit 0.
    pub tolerate: Vec<ToleratedExit>,
    /// The deadline of the whole run.
    pub timeout: Duration,
}

/// The time limit of the run, which holds before any input is read; where it is a mistake, the default
/// until that is heard.
pub fn timeout(flags: &CommandLineFlags, env: &Env) -> Duration {
    let input = RawInputs::alone("timeout", flags, env).ok().flatten();
    let limit = input.and_then(|input| parse::duration(input.text.expose()).ok());
    limit.unwrap_or(parse::DEFAULT_TIMEOUT)
}

impl Inputs {
    /// Reads and checks every input but those of [`OutputOptions`]; `earlier` are the mistakes so far.
    pub fn read(
        raw: &RawInputs,
        env: &Env,
        read: ReadFile<'_>,
        earlier: Vec<Error>,
    ) -> Result<Self> {
        let (state, apps, mut reader) = fields(raw, env, read, earlier);
        let claims = raw.get("auth-token").and_then(|input| claims(input.text.expose()));
        let inputs = Self::typed(raw, env, read, &mut reader, (state, apps), claims.as_ref());
        inputs.checked(reader, claims.as_ref())
    }

    /// Every input by itself.
    fn typed(
        raw: &RawInputs,
        env: &Env,
        read: ReadFile<'_>,
        reader: &mut InputReader<'_>,
        (state, apps): (FieldInput, FieldInput),
        claims: Option<&TokenClaims>,
    ) -> Self {
        Self {
            provider: reader.value("provider", parse::provider),
            state,
            apps,
            github_api_url: env.get(GITHUB_API_URL).map(str::to_owned),
            mode: reader.value("mode", parse::mode).unwrap_or(Mode::Ensure),
            integration_id: reader.value("integration-id", parse::id),
            next: reader.value("next", parse::page),
            callback_url: raw.get("callback-url").map(|input| input.text.clone()),
            resume_file: reader.value("resume-file", parse::text),
            entry: reader.value("entry", parse::text),
            repositories: reader.value("repositories", parse::repositories).unwrap_or_default(),
            code_mappings: reader.code_mappings(),
            repositories_absent: reader.repositories_absent(),
            code_mappings_absent: reader.code_mappings_absent(),
            pruned: None,
            release: ReleaseInputs::read(raw, reader, read),
            sourcemaps: SourcemapInputs::read(reader, read),
            org: org(reader, claims),
            url: url(raw, reader, claims),
            url_is_given: raw.get("url").is_some(),
            url_is_ours: raw.is_explicit("url"),
            auth_token: reader.token("auth-token"),
            token_origins: TokenOrigins::of(raw),
            warnings: raw.warnings.clone(),
            pipeline_token: reader.token("pipeline-token"),
            headers: reader.headers(),
            dialect: reader.value("dialect", parse::dialect).unwrap_or(Dialect::Auto),
            certificates: reader.file("ca-file", read, certificates),
            proxy_over_tls: PROXIES.iter().any(|name| is_https(env.get(name))),
            backend: reader.value("backend", parse::backend),
            database: reader.value("database", parse::text),
            manifest: reader.value("manifest", parse::text),
            max_parallel: reader.value("max-parallel", parse::count).unwrap_or(8),
            dry_run: reader.value("dry-run", parse::boolean).unwrap_or(false),
            plan: reader.value("plan", parse::text),
            wait_for_approval: reader.value("wait-for-approval", parse::boolean).unwrap_or(false),
            tolerate: reader.value("tolerate", parse::tolerate).unwrap_or_default(),
            timeout: reader.value("timeout", parse::duration).unwrap_or(parse::DEFAULT_TIMEOUT),
        }
    }

    /// The inputs, unless there are mistakes, or some that deny each other.
    fn checked(self, mut reader: InputReader<'_>, claims: Option<&TokenClaims>) -> Result<Self> {
        // Only for its mistakes: it has been heeded by now, as `missing::skipped_token` says.
        reader.value("without-token", parse::without_token);
        let more = self.conflicts().into_iter().chain(self.token_mismatch(claims));
        Error::combine(reader.mistakes.into_iter().chain(more).collect()).map_or(Ok(self), Err)
    }

    fn conflicts(&self) -> Option<Error> {
        let is_conflict = self.mode == Mode::Install && self.integration_id.is_some();
        let install = is_conflict.then(|| {
            let message = "`mode: install` cannot be combined with `integration-id`";
            Error::new(ErrorCode::Usage, message).with_hint("remove `integration-id`")
        });
        install.or_else(|| self.contradiction())
    }

    /// What is to be there and to be gone.
    fn contradiction(&self) -> Option<Error> {
        let is_wanted =
            |name: &&String| self.repositories.iter().any(|one| one.eq_ignore_ascii_case(name));
        let repository = self.repositories_absent.iter().find(is_wanted).map(|name| {
            let name = quote(name);
            format!("repository {name} is in both `repositories` and `repositories-absent`")
        });
        let is_mapped =
            |place: &&MappingPlace| self.code_mappings.iter().any(|one| place.is_of(one));
        let mapping = || {
            let place = self.code_mappings_absent.iter().find(is_mapped)?;
            let (project, root) = (quote(&place.project), quote(&place.stack_root));
            Some(format!(
                "project {project} with stack root {root} is in both `code-mappings` and \
                 `code-mappings-absent`"
            ))
        };
        let is_mapped_to = |name: &&String| {
            self.code_mappings.iter().any(|one| one.repository.eq_ignore_ascii_case(name))
        };
        let mapped = || {
            let name = quote(self.repositories_absent.iter().find(is_mapped_to)?);
            Some(format!(
                "repository {name} is in `repositories-absent`, and would take along what `code-mappings` sets"
            ))
        };
        let message = repository.or_else(mapping).or_else(mapped)?;
        Some(Error::new(ErrorCode::Usage, message).with_hint("remove it from one of the two"))
    }

    /// Whether anything is asked about an integration.
    pub fn asks_integration(&self) -> bool {
        self.provider.is_some() || self.mode.is_of_installed()
    }

    /// The tokens and headers that were given, which no output shows.
    pub fn secret_texts(&self) -> impl Iterator<Item = String> {
        let tokens = self.auth_token.iter().chain(&self.pipeline_token);
        let tokens = tokens.chain(&self.release.github_token);
        let headers = self.headers.iter().flat_map(RequestHeader::secrets);
        tokens.map(|token| token.expose().to_owned()).chain(headers)
    }

    /// The server that an organization's token names, where pipelines are.
    pub fn claimed_url(&self) -> Option<Url> {
        let claims = claims(self.auth_token.as_ref()?.expose())?;
        let url = if claims.url.is_empty() { claims.region_url } else { claims.url };
        Url::parse(&url).ok()
    }

    /// Where releases are: the organization's region, when the token tells it. The address that is
    /// given goes before another spelling of the same host.
    pub fn release_url(&self) -> Url {
        let region = self.auth_token.as_ref().and_then(|token| claims(token.expose()));
        let region = region.and_then(|claims| Url::parse(&claims.region_url).ok());
        let is_given =
            |region: &Url| self.url.as_ref().is_some_and(|url| url.host_str() == region.host_str());
        region.filter(|region| !is_given(region)).unwrap_or_else(|| self.page_url())
    }

    /// Where a person finds the organization: not at a region of the SaaS.
    pub fn page_url(&self) -> Url {
        let saas = || Url::parse(SAAS).expect("the address of the SaaS is one");
        self.url.clone().or_else(|| self.claimed_url()).unwrap_or_else(saas)
    }

    /// An organization's token that belongs elsewhere.
    fn token_mismatch(&self, claims: Option<&TokenClaims>) -> Option<Error> {
        let org = self.org.as_ref().map(OrgSlug::as_str);
        let claims = claims?;
        if let Some(message) = claims.organization_mismatch(org) {
            let hint = "use a token of the organization in `org`, or correct `org`";
            return Some(Error::new(ErrorCode::TokenMismatch, message).with_hint(hint));
        }
        Some(Error::new(ErrorCode::TokenMismatch, claims.server_mismatch(self.url.as_ref()?)?))
    }

    /// Which backend the inputs mean.
    ///
    /// On a CI host the embedded backend is never chosen silently: a green job that did nothing is
    /// the worst failure.
    pub fn backend(&self, job: &Job) -> Result<BackendName> {
        let url = self.url.as_ref().filter(|_| self.url_is_given);
        match (self.backend, &self.auth_token, url) {
            (Some(BackendName::Embedded), _, _) => Ok(BackendName::Embedded),
            (_, Some(_), _) => Ok(BackendName::Sentry),
            _ if self.pipeline_token.is_some() => Ok(BackendName::Sentry),
            (None, None, None) if !job.host.is_ci() && self.token_origins.unset.is_none() => {
                Ok(BackendName::Embedded)
            }
            (_, None, _) => Err(missing::token(&self.token_origins, job, self.asks_integration())),
        }
    }
}

/// The fields of `state` and of `apps`, and what is wrong with them and with the proxies.
fn fields<'r>(
    raw: &'r RawInputs,
    env: &Env,
    read: ReadFile<'_>,
    earlier: Vec<Error>,
) -> (FieldInput, FieldInput, InputReader<'r>) {
    let (state, wrong) = FieldInput::read(raw, env, read);
    let mut mistakes = [earlier, wrong].concat();
    let (on, apps) = ((env, raw.hosts), raw.get("apps"));
    let apps = apps.map(|one| FieldInput::read_apps(one.text.expose(), one.origin, on, read));
    let (apps, more) = apps.unwrap_or_default();
    mistakes.extend(more.into_iter().chain(proxy_mistakes(env)));
    (state, apps, InputReader::new(raw, mistakes))
}

/// Every proxy variable that cannot be read.
fn proxy_mistakes(env: &Env) -> impl Iterator<Item = Error> {
    PROXY_VARIABLES.iter().filter_map(|name| proxy_mistake(name, env))
}

/// A proxy variable that would be passed over without a word, so that requests go elsewhere.
fn proxy_mistake(name: &str, env: &Env) -> Option<Error> {
    let value = env.get(name).unwrap_or_default();
    let uri = value.parse::<axum::http::Uri>().ok();
    let is_proxy = uri.is_some_and(|uri| {
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let scheme = uri.scheme_str().unwrap_or("http");
        !authority.is_empty() && authority.matches('@').count() < 2 && scheme.starts_with("http")
    });
    if is_proxy || (value.is_empty() && !env.is_not_utf8(name)) {
        return None;
    }
    let message =
        format!("invalid value {} for {name}: expected the URL of an HTTP proxy", quote(value));
    let hint = format!("change {name} to `http://HOST:PORT`, or remove it");
    Some(Error::new(ErrorCode::Usage, message).with_hint(hint))
}

fn is_https(address: Option<&str>) -> bool {
    address.is_some_and(|address| address.starts_with("https:"))
}

fn claims(token: &str) -> Option<TokenClaims> {
    match token::kind(token) {
        TokenKind::Organization(claims) => Some(claims),
        TokenKind::User | TokenKind::Integration | TokenKind::Legacy | TokenKind::Opaque => None,
    }
}

/// The organization: the one that is given, else the token's own, else that of a file.
fn org(reader: &mut InputReader<'_>, claims: Option<&TokenClaims>) -> Option<OrgSlug> {
    let typed = reader.value("org", parse::org);
    let claimed = || OrgSlug::parse(&claims?.org);
    typed.or_else(claimed).or_else(|| reader.default_value("org", parse::org))
}

/// The address that is given, else that of a file, before which the token's own goes.
fn url(raw: &RawInputs, reader: &mut InputReader<'_>, claims: Option<&TokenClaims>) -> Option<Url> {
    match raw.get("url") {
        Some(_) => reader.value("url", parse::url),
        None => file_address::url(raw, reader, claims),
    }
}

/// What to say of a `url` that is the address of a page, and was cut to its base.
pub fn page_as_url(raw: &RawInputs) -> Option<String> {
    let input = raw.get("url").or_else(|| raw.file_default("url"))?;
    let (base, origin) = (site_base(&parse::page_url(input.text.expose()).ok()?)?, input.origin);
    Some(format!("`url` ({origin}) is the address of a page: using {base}"))
}

/// Warns about a `url` that is the address of a page.
pub fn warn_of_page(raw: &RawInputs) {
    page_as_url(raw).iter().for_each(|words| tracing::warn!("{words}"));
}
