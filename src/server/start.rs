//! What `serve` is asked for, and what it makes ready before it answers: the file, the
//! organizations and projects, and the tokens.

use super::auth::EVERY_SCOPE;
use super::sign_in::Sessions;
use crate::backend::embedded::{EmbeddedBackend, Principal, random_hex};
use crate::cli::{DEFAULT_LISTEN, ServeArgs};
use crate::database;
use crate::env::Env;
use crate::failure::{Error, ErrorCode, Result, quote};
use crate::files;
use crate::inputs::GITHUB_API_URL;
use crate::inputs::state::FieldInput;
use crate::model::{OrgSlug, Refusal, RefusalKind};
use crate::provider::{self, Provider};
use crate::secret::Secret;
use crate::state::Fields;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use subtle::ConstantTimeEq;
use url::{Host, Url};

/// The variable that names the user token.
const TOKEN: &str = "SENTRY_AUTH_TOKEN";
/// The variable that names the apps of one's own at third parties.
const APPS: &str = "FINISHLINE_APPS";
/// How many connections to the file are kept for the next requests.
const IDLE: usize = 8;

/// What `serve` is going to do.
pub(super) struct ServeOptions {
    pub(super) listen: SocketAddr,
    database: PathBuf,
    orgs: Vec<OrgSlug>,
    projects: Vec<OrgSlug>,
    token: Option<Secret>,
    apps: FieldInput,
    github_api_url: Option<String>,
}

impl ServeOptions {
    /// Reads what was typed, and the environment.
    pub(super) fn read(typed: &ServeArgs, env: &Env) -> Result<Self> {
        let listen = typed.listen.parse().map_err(|_| {
            let message = format!("--listen {} is no address with a port", quote(&typed.listen));
            Error::new(ErrorCode::Usage, message).with_hint(format!("write it as {DEFAULT_LISTEN}"))
        })?;
        let (orgs, projects) = (slugs("org", &typed.orgs)?, slugs("project", &typed.projects)?);
        if orgs.is_empty() && !projects.is_empty() {
            let message = "--project needs an --org, which the project is made in";
            return Err(Error::new(ErrorCode::Usage, message).with_hint("add --org SLUG"));
        }
        let named = typed.database.as_deref().or_else(|| env.get("FINISHLINE_DATABASE"));
        let apps = env.get(APPS).unwrap_or_default();
        let (apps, mistakes) = FieldInput::read_apps(apps, APPS, env, &files::read);
        if let Some(mistakes) = Error::combine(mistakes) {
            return Err(mistakes);
        }
        Ok(Self {
            listen,
            database: database::resolve_path(named, env)?,
            orgs,
            projects,
            token: env.get(TOKEN).map(Secret::from),
            apps,
            github_api_url: env.get(GITHUB_API_URL).map(str::to_owned),
        })
    }
}

fn slugs(flag: &str, given: &[String]) -> Result<Vec<OrgSlug>> {
    let slug = |text: &String| {
        OrgSlug::parse(text).ok_or_else(|| {
            let message = format!("--{flag} {} is no slug", quote(text));
            Error::new(ErrorCode::Usage, message)
                .with_hint("a slug has 1 to 50 letters, digits, `-` and `_`")
        })
    };
    given.iter().map(slug).collect()
}

/// What every request shares.
pub(super) struct ServerState {
    base: String,
    database: PathBuf,
    idle: Mutex<Vec<EmbeddedBackend>>,
    /// The digest of the token that the environment names, and whose it is.
    own: Option<([u8; 32], Principal)>,
    /// The local user, as whom a browser on this machine reads.
    local: Principal,
    address: SocketAddr,
    pub(super) sign_ins: Sessions,
    apps: FieldInput,
    github_api_url: Option<String>,
}

impl ServerState {
    /// Makes the file and all in it ready; with the server, what a person should read.
    pub(super) async fn prepare(
        options: ServeOptions,
        address: SocketAddr,
    ) -> Result<(Self, Vec<String>)> {
        let base = format!("http://{address}");
        let mut engine = EmbeddedBackend::open(&options.database).await?;
        let local = engine.local_user().await?;
        let user = Principal {
            user: Some(local),
            organization: None,
            scopes: EVERY_SCOPE.iter().map(|scope| (*scope).to_owned()).collect(),
        };
        let mut orgs = Vec::new();
        for org in &options.orgs {
            orgs.push((org, engine.ensure_organization(org, &options.projects).await?));
        }
        let own = options.token.as_ref();
        let own = own.map(|token| (Sha256::digest(token.expose()).into(), user.clone()));
        let mut notes = Vec::new();
        if own.is_none() {
            let path = write_tokens_file(&mut engine, &options, &base, &user, &orgs).await?;
            notes.push(format!("the tokens are in {path}"));
        }
        let database = options.database.clone();
        let idle = Mutex::new(vec![engine]);
        let sign_ins = Sessions::new(address.port());
        if address.ip().is_loopback() {
            let key = sign_ins.create_login_link();
            notes.push(format!("sign in with a browser, once: {base}/auth/login/?key={key}"));
        }
        let ServeOptions { apps, github_api_url, .. } = options;
        let local = user;
        Ok((
            Self { base, database, idle, own, local, address, sign_ins, apps, github_api_url },
            notes,
        ))
    }

    /// The app with which a provider's pipeline is begun.
    pub(super) fn app(&self, provider: &dyn Provider) -> Result<Fields> {
        if let Some(why) = provider.sentry_only_reason() {
            let message = format!("only a Sentry can finish {}: {why}", provider.name());
            return Err(Refusal::new(RefusalKind::NeedsSentry, message).into());
        }
        let app = provider::parse_app(provider, &self.apps, self.github_api_url.as_deref());
        app.map_err(|mistakes| Error::combine(mistakes).expect("an error is a mistake at least"))
    }

    /// Where the server is, without a slash at the end.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// The user that the server belongs to.
    pub(super) fn local(&self) -> &Principal {
        &self.local
    }

    /// As whom a browser reads that is not signed in: as the local user, where only this machine
    /// reaches the server and by a name of this machine, for another name may be a stranger's that
    /// points here.
    pub(super) fn loopback_principal(&self, host: &str) -> Option<Principal> {
        let host = Url::parse(&format!("http://{host}")).ok()?;
        let is_here = match host.host()? {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
        };
        (is_here && self.address.ip().is_loopback()).then(|| self.local.clone())
    }

    /// An engine for one request: an idle one, else another connection to the file.
    pub(super) async fn engine(self: &std::sync::Arc<Self>) -> Result<EngineLease> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let engine = match idle {
            Some(engine) => engine,
            None => EmbeddedBackend::open(&self.database).await?,
        };
        Ok(EngineLease { engine: Some(engine), server: std::sync::Arc::clone(self) })
    }

    /// Whose the token is, when it is the one that the environment names.
    pub(super) fn own_bearer(&self, token: &str) -> Option<Principal> {
        let (digest, bearer) = self.own.as_ref()?;
        let same = digest[..].ct_eq(&Sha256::digest(token)[..]);
        bool::from(same).then(|| bearer.clone())
    }
}

/// An engine that goes back to the others when the request is over, whatever its end.
pub(super) struct EngineLease {
    engine: Option<EmbeddedBackend>,
    server: std::sync::Arc<ServerState>,
}

impl Deref for EngineLease {
    type Target = EmbeddedBackend;

    fn deref(&self) -> &EmbeddedBackend {
        self.engine.as_ref().expect("only drop takes it")
    }
}

impl DerefMut for EngineLease {
    fn deref_mut(&mut self) -> &mut EmbeddedBackend {
        self.engine.as_mut().expect("only drop takes it")
    }
}

impl Drop for EngineLease {
    fn drop(&mut self) {
        // What a panic left behind is not handed on.
        if let Some(engine) = self.engine.take().filter(|_| !std::thread::panicking()) {
            let mut idle = self.server.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < IDLE {
                idle.push(engine);
            }
        }
    }
}

/// Makes the tokens that are not there yet, and writes all of them to a file beside the database
/// that only its owner reads; the file's path.
async fn write_tokens_file(
    engine: &mut EmbeddedBackend,
    options: &ServeOptions,
    base: &str,
    user: &Principal,
    orgs: &[(&OrgSlug, i64)],
) -> Result<String> {
    let path = format!("{}.tokens.json", options.database.display());
    let kept: Value = files::read(&path)
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    let user_token = match kept["user"].as_str() {
        Some(token) if engine.bearer(token).await?.is_some() => token.to_owned(),
        _ => format!("sntryu_{}", random_hex()),
    };
    engine.store_token(&user_token, user).await?;
    let mut organizations = Map::new();
    for (org, id) in orgs {
        let known = kept["organizations"][org.as_str()].as_str();
        let token = match known.filter(|token| is_for_base(token, base)) {
            Some(token) if engine.bearer(token).await?.is_some() => token.to_owned(),
            _ => organization_token(base, org),
        };
        let scopes = vec!["org:ci".to_owned()];
        let bearer = Principal { user: None, organization: Some(*id), scopes };
        engine.store_token(&token, &bearer).await?;
        organizations.insert(org.to_string(), token.into());
    }
    let text = format!("{:#}\n", json!({ "user": user_token, "organizations": organizations }));
    files::replace_private(&path, &text).map_err(|error| {
        let message = format!("the tokens cannot be written to {}: {error}", quote(&path));
        Error::new(ErrorCode::Database, message)
    })?;
    Ok(path)
}

/// A token in Sentry's form: `sntrys_`, padded base64 of the facts, base64 of 32 random bytes.
fn organization_token(base: &str, org: &OrgSlug) -> String {
    let facts = json!({ "iat": seconds(), "url": base, "region_url": base, "org": org.as_str() });
    let secret = Sha256::digest(random_hex());
    let (facts, secret) = (STANDARD.encode(facts.to_string()), STANDARD_NO_PAD.encode(secret));
    format!("sntrys_{facts}_{secret}")
}

/// Whether the token's facts name this address.
fn is_for_base(token: &str, base: &str) -> bool {
    let facts = token.split('_').nth(1).and_then(|facts| STANDARD.decode(facts).ok());
    let facts: Option<Value> = facts.and_then(|facts| serde_json::from_slice(&facts).ok());
    facts.is_some_and(|facts| facts["region_url"] == base)
}

#[expect(clippy::disallowed_methods, reason = "a token says when it was made")]
fn seconds() -> f64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0.0, |time| time.as_secs_f64())
}
