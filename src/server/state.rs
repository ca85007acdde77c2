//! What every request shares, and what `serve` makes ready before it answers: the file, the
//! organizations and projects, and the tokens.

use super::auth::OwnToken;
use super::auth::scopes::EVERY_SCOPE;
use super::auth::sessions::Sessions;
use super::options::ServeOptions;
use super::tokens::write_tokens_file;
use crate::database::path;
use crate::database::{Database, Principal};
use crate::error::{Error, ErrorCode, Result};
use crate::inputs::state::FieldInput;
use crate::model::{Fields, Refusal};
use crate::provider::Provider;
use crate::provider::auth::app;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use url::{Host, Url};

/// How many connections to the file are kept for the next requests.
const MAX_IDLE: usize = 8;

/// What every request shares.
pub(crate) struct ServerState {
    base: String,
    database: PathBuf,
    idle: Mutex<Vec<Database>>,
    own: Option<OwnToken>,
    /// The local user, as whom a browser on this machine reads.
    local: Principal,
    address: SocketAddr,
    pub(crate) sessions: Sessions,
    apps: FieldInput,
    github_api_url: Option<String>,
}

impl ServerState {
    /// Makes the file and all in it ready; with the server, what a person should read.
    pub(crate) async fn prepare(
        options: ServeOptions,
        address: SocketAddr,
    ) -> Result<(Self, Vec<String>)> {
        let base = format!("http://{address}");
        let mut database = Database::open(&options.database).await?;
        let local = Principal {
            user: Some(database.local_user().await?),
            organization: None,
            scopes: EVERY_SCOPE.iter().map(|scope| (*scope).to_owned()).collect(),
        };
        let mut orgs = Vec::new();
        for org in &options.orgs {
            orgs.push((org, database.ensure_organization(org, &options.projects).await?));
        }
        let own = options.token.as_ref().map(|token| OwnToken::new(token, local.clone()));
        let rights = path::wide_rights(&options.database);
        let mut notes: Vec<_> =
            rights.map(|rights| format!("warning: {rights}")).into_iter().collect();
        if own.is_none() {
            let path = write_tokens_file(&mut database, &options, &base, &local, &orgs).await?;
            notes.push(format!("the access tokens are in {path}"));
        }
        let idle = Mutex::new(vec![database]);
        let sessions = Sessions::new(address.port());
        if address.ip().is_loopback() {
            let key = sessions.create_login_link();
            notes.push(format!(
                "sign in with a browser (the link works once): {base}/auth/login/?key={key}"
            ));
        }
        let ServeOptions { database, apps, github_api_url, .. } = options;
        let state =
            Self { base, database, idle, own, local, address, sessions, apps, github_api_url };
        Ok((state, notes))
    }

    /// The app with which a provider's pipeline is started.
    pub(crate) fn app(&self, provider: &dyn Provider) -> Result<Fields> {
        if let Some(reason) = provider.sentry_only_reason() {
            let message = format!("only a Sentry server can install {}: {reason}", provider.name());
            return Err(Refusal::new(ErrorCode::NeedsSentry, message).into());
        }
        let app = app::parse_app(provider, &self.apps, self.github_api_url.as_deref());
        app.map_err(|mistakes| Error::combine(mistakes).expect("an error is a mistake at least"))
    }

    /// Where the server is, without a slash at the end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The user that the server belongs to.
    pub(crate) fn local(&self) -> &Principal {
        &self.local
    }

    /// As whom a browser reads that is not signed in: as the local user, where only this machine
    /// reaches the server and by a name of this machine, for another name may be a stranger's that
    /// points here.
    pub(crate) fn loopback_principal(&self, host: &str) -> Option<Principal> {
        let host = Url::parse(&format!("http://{host}")).ok()?;
        let is_here = match host.host()? {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
        };
        (is_here && self.address.ip().is_loopback()).then(|| self.local.clone())
    }

    /// A database connection for one request: an idle one, else another connection to the file.
    pub(crate) async fn database(self: &Arc<Self>) -> Result<DatabaseLease> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let database = match idle {
            Some(database) => database,
            None => Database::open(&self.database).await?,
        };
        Ok(DatabaseLease { database: Some(database), server: Arc::clone(self) })
    }

    /// The token that the environment names.
    pub(crate) fn own_token(&self) -> Option<&OwnToken> {
        self.own.as_ref()
    }
}

/// A database connection that goes back to the others when the request is over, whatever its end.
pub(crate) struct DatabaseLease {
    database: Option<Database>,
    server: Arc<ServerState>,
}

impl Deref for DatabaseLease {
    type Target = Database;

    fn deref(&self) -> &Database {
        self.database.as_ref().expect("only drop takes it")
    }
}

impl DerefMut for DatabaseLease {
    fn deref_mut(&mut self) -> &mut Database {
        self.database.as_mut().expect("only drop takes it")
    }
}

impl Drop for DatabaseLease {
    fn drop(&mut self) {
        // What a panic left behind is not handed on.
        if let Some(database) = self.database.take().filter(|_| !std::thread::panicking()) {
            let mut idle = self.server.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < MAX_IDLE {
                idle.push(database);
            }
        }
    }
}
