//! What every request shares, and what `serve` makes ready before it answers: the file, the
//! organizations and projects, and the tokens.

use super::auth::OwnToken;
use super::auth::scopes::EVERY_SCOPE;
use super::auth::sessions::Sessions;
use super::http::RequestAccess;
use super::http::body_budget::BodyBudget;
use super::options::ServeOptions;
use super::set_ups::SetUpMemory;
use super::tokens::{TokenStart, prepare_tokens};
use crate::database::{Database, Principal, TransactionEnd, rights};
use crate::error::{Error, ErrorCode, Result};
use crate::inputs::state::FieldInput;
use crate::model::{Fields, Refusal};
use crate::os::paths::FileIdentity;
use crate::provider::Provider;
use crate::provider::auth::app;
use crate::server::http::{ApiError, ApiResult};
use crate::text::url::is_plain_http;
use axum::http::HeaderMap;
use axum::http::header::HOST;
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use url::{Host, Position, Url};

/// How many connections to the file are kept for the next requests.
const MAX_IDLE: usize = 8;

/// Connections to the file that wait for a request.
type IdleConnections = Arc<Mutex<Vec<Database>>>;

/// What every request shares.
pub(crate) struct ServerState {
    base: String,
    database: PathBuf,
    /// Which file that was at the start.
    file: FileIdentity,
    idle: IdleConnections,
    own: Option<OwnToken>,
    /// The local user, as whom a browser on this machine reads.
    local: Principal,
    address: SocketAddr,
    pub(crate) sessions: Sessions,
    /// The set-ups of people.
    pub(crate) set_ups: SetUpMemory,
    /// What the bodies of all connections may take together.
    pub(crate) bodies: BodyBudget,
    apps: FieldInput,
    github_api_url: Option<String>,
    /// What third parties are trusted by besides the system's certificates, as PEM.
    pub(crate) certificates: Option<String>,
}

impl ServerState {
    /// Makes the file and all in it ready; with the server, what a person should read.
    pub(crate) async fn prepare(
        options: ServeOptions,
        address: SocketAddr,
    ) -> Result<(Self, Vec<String>)> {
        let base = format!("http://{address}");
        let (mut database, mut notes) = open_file(&options.database).await?;
        let local = with_every_scope(database.local_user().await?);
        let mut orgs = Vec::new();
        for org in &options.orgs {
            orgs.push((org, database.ensure_organization(org, &options.projects).await?));
        }
        let own = options.token.as_ref().map(|token| OwnToken::new(token, local.clone()));
        let start = TokenStart { user: &local, orgs: &orgs, base: &base, makes_new: own.is_none() };
        notes.extend(prepare_tokens(&mut database, &options.database, &start).await?);
        let idle = Arc::new(Mutex::new(vec![database]));
        let sessions = Sessions::new(address.port());
        if address.ip().is_loopback() {
            let key = sessions.create_login_link();
            notes.push(format!(
                "sign in with a browser (the link works once): {base}/auth/login/?key={key}"
            ));
        }
        let ServeOptions { database, apps, github_api_url, certificates, .. } = options;
        let state = Self {
            base,
            file: FileIdentity::of(&database),
            database,
            idle,
            own,
            local,
            address,
            sessions,
            set_ups: SetUpMemory::default(),
            bodies: BodyBudget::default(),
            apps,
            github_api_url,
            certificates,
        };
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

    /// Where the server listens, without a slash at the end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The same by the name under which the client reached it, such as that of a port forward, so
    /// that every address in an answer leads back here.
    pub(crate) fn base_for(&self, headers: &HeaderMap) -> String {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let url = host.and_then(|host| Url::parse(&format!("http://{host}/")).ok());
        let named = url.filter(|url| is_plain_http(url) && url[Position::BeforePath..] == *"/");
        named.map_or_else(|| self.base.clone(), |url| url[..Position::BeforePath].to_owned())
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

    /// A database connection for one request: an idle one, else another connection to the file. It
    /// takes writes only where the request may change something.
    ///
    /// # Errors
    ///
    /// What is written to a file that has been removed or replaced is lost, so there is none then.
    pub(crate) async fn database(self: &Arc<Self>, access: RequestAccess) -> Result<DatabaseLease> {
        if !self.database.exists() || !FileIdentity::of(&self.database).is_same(&self.file) {
            let path = self.database.display();
            let message = format!("{path} was removed or replaced while `serve` was running");
            return Err(Error::new(ErrorCode::Database, message));
        }
        let mut database = match take(&self.idle) {
            Some(database) => database,
            None => Database::open(&self.database).await?,
        };
        database.set_read_only(access != RequestAccess::MayChange)?;
        Ok(DatabaseLease { database: Some(database), home: Arc::clone(&self.idle) })
    }

    /// The port that it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The token that the environment names.
    pub(crate) fn own_token(&self) -> Option<&OwnToken> {
        self.own.as_ref()
    }
}

/// Opens the file; with it, what a person should read about it.
async fn open_file(file: &Path) -> Result<(Database, Vec<String>)> {
    let rights = rights::wide_rights(file);
    let mut database = Database::open(file).await?;
    // What was marked for its deletion before the last stop has waited long enough.
    database.delete_marked(None).await?;
    let notes = rights.map(|rights| format!("warning: {rights}"));
    Ok((database, notes.into_iter().collect()))
}

/// A user who may do all that their role allows.
fn with_every_scope(user: i64) -> Principal {
    let scopes = EVERY_SCOPE.iter().map(|scope| (*scope).to_owned()).collect();
    Principal { user: Some(user), organization: None, scopes }
}

/// A database connection that goes back to the others when the request is over, whatever its end.
pub(crate) struct DatabaseLease {
    database: Option<Database>,
    home: IdleConnections,
}

impl DatabaseLease {
    /// Begins the request's one transaction: until it ends, the connection goes back to it alone.
    pub(crate) async fn begin_request(&mut self) -> Result<RequestTransaction> {
        self.begin().await?;
        let lent = IdleConnections::default();
        let home = std::mem::replace(&mut self.home, Arc::clone(&lent));
        Ok(RequestTransaction { lent, home })
    }
}

/// The transaction of a request, in which its endpoint writes everything or nothing. One that is
/// dropped, with a request that took too long, has written nothing.
pub(crate) struct RequestTransaction {
    lent: IdleConnections,
    home: IdleConnections,
}

impl RequestTransaction {
    /// Ends it once the endpoint has answered. A refusal keeps what was written before it, as
    /// Sentry does; a failure of the server's own keeps nothing.
    pub(crate) fn end(self, answer: ApiResult) -> ApiResult {
        let is_failure = answer.as_ref().is_err_and(|error| error.status().is_server_error());
        let end = if is_failure { TransactionEnd::RollBack } else { TransactionEnd::Commit };
        let database = take(&self.lent);
        let mut database = database.ok_or_else(|| ApiError::internal("no connection is left"))?;
        // After a failure the connection is closed, and with it what it began.
        database.end(end)?;
        drop(DatabaseLease { database: Some(database), home: self.home });
        answer
    }
}

fn take(idle: &IdleConnections) -> Option<Database> {
    idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
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
            let mut idle = self.home.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < MAX_IDLE {
                idle.push(database);
            }
        }
    }
}
