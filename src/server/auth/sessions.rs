//! Who a browser is: a link that signs in once, and the sessions that came of it or of a token.
//!
//! Sessions live as long as the process and are found by a digest. The cookie is `HttpOnly` and
//! `SameSite=Lax`: a vendor that sends the browser back must find the person signed in.

use super::scopes::Scopes;
use crate::database::{Database, Principal};
use crate::os::random::random_hex;
use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use sha2::{Digest, Sha256};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq;

/// How long a session lasts.
const SESSION_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);
/// How many sessions are kept; one more ends the oldest.
const MAX_SESSIONS: usize = 64;
/// What a token must be good for, any one of them, to sign its user in and to set something up.
pub(crate) const INSTALLS: Scopes = &["org:write", "org:admin", "org:integrations"];

/// A browser that is signed in.
#[derive(Clone)]
pub(crate) struct BrowserSession {
    /// As whom.
    pub(crate) principal: Principal,
    /// The digest of the stored token that it came of and that it ends with.
    pub(super) token: Option<String>,
    /// What its forms carry, so that no other site's form is taken for one of them.
    pub(crate) form_key: String,
}

struct SessionRecord {
    digest: [u8; 32],
    session: BrowserSession,
    since: Instant,
}

/// Everybody who is signed in, and the link that signs in once.
pub(crate) struct Sessions {
    cookie: String,
    link: Mutex<Option<[u8; 32]>>,
    sessions: Mutex<Vec<SessionRecord>>,
}

impl Sessions {
    /// Nobody yet. Cookies know no ports, so the name of this one does: two servers on one machine
    /// do not sign each other's people out.
    pub(crate) fn new(port: u16) -> Self {
        let cookie = format!("finishline-{port}");
        Self { cookie, link: Mutex::default(), sessions: Mutex::default() }
    }

    /// A fresh key for the link that signs in once.
    pub(crate) fn create_login_link(&self) -> String {
        let key = random_hex();
        *lock(&self.link) = Some(digest(&key));
        key
    }

    /// Whether this is the link's key, which stays good.
    pub(crate) fn is_login_link(&self, key: &str) -> bool {
        let digest = digest(key);
        lock(&self.link).is_some_and(|link| bool::from(link[..].ct_eq(&digest[..])))
    }

    /// Whether this is the link's key, which is used up by it.
    pub(crate) fn redeem_login_link(&self, key: &str) -> bool {
        let digest = digest(key);
        let mut link = lock(&self.link);
        link.take_if(|link| bool::from(link[..].ct_eq(&digest[..]))).is_some()
    }

    /// Starts a session, of this stored token if of any; the `Set-Cookie` that hands it out.
    pub(crate) fn start(&self, principal: Principal, token: Option<String>) -> String {
        let key = random_hex();
        let session = BrowserSession { principal, token, form_key: random_hex() };
        let mut sessions = lock(&self.sessions);
        sessions.retain(|session| session.since.elapsed() < SESSION_LIFETIME);
        if sessions.len() == MAX_SESSIONS {
            sessions.remove(0);
        }
        sessions.push(SessionRecord { digest: digest(&key), session, since: Instant::now() });
        self.set_cookie(&key, "")
    }

    /// Ends the session that the cookie names; the `Set-Cookie` that takes it back.
    pub(crate) fn end(&self, headers: &HeaderMap) -> String {
        if let Some(key) = cookie(headers, &self.cookie) {
            let digest = digest(&key);
            lock(&self.sessions).retain(|session| session.digest != digest);
        }
        self.set_cookie("", "; Max-Age=0")
    }

    /// The session that the cookie names, as long as its token is there.
    pub(crate) async fn find(
        &self,
        database: &mut Database,
        headers: &HeaderMap,
    ) -> Option<BrowserSession> {
        let session = self.find_started(headers)?;
        let Some(token) = &session.token else { return Some(session) };
        let principal = database.digest_principal(token).await.ok().flatten()?;
        Some(BrowserSession { principal, ..session })
    }

    fn find_started(&self, headers: &HeaderMap) -> Option<BrowserSession> {
        let digest = digest(&cookie(headers, &self.cookie)?);
        let sessions = lock(&self.sessions);
        let is_it = |record: &&SessionRecord| {
            bool::from(record.digest[..].ct_eq(&digest[..]))
                && record.since.elapsed() < SESSION_LIFETIME
        };
        sessions.iter().find(is_it).map(|record| record.session.clone())
    }

    /// How many sessions there are, and whether the link is still good.
    #[cfg(test)]
    pub(crate) fn census(&self) -> (usize, bool) {
        (lock(&self.sessions).len(), lock(&self.link).is_some())
    }

    fn set_cookie(&self, value: &str, more: &str) -> String {
        format!("{}={value}; HttpOnly; Path=/; SameSite=Lax{more}", self.cookie)
    }
}

impl BrowserSession {
    /// Whether a form came from one of the pages that this browser was shown.
    pub(crate) fn owns_form(&self, form_key: &str) -> bool {
        bool::from(self.form_key.as_bytes().ct_eq(form_key.as_bytes()))
    }
}

/// Whether a token may sign a browser in: it is a user's, and good for setting things up.
pub(crate) fn may_sign_in(principal: &Principal) -> bool {
    let installs = |scope: &String| INSTALLS.contains(&scope.as_str());
    principal.user.is_some() && principal.scopes.iter().any(installs)
}

/// The value of a cookie.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    let mut pairs = cookies.flat_map(|cookie| cookie.split(';'));
    pairs.find_map(|pair| Some(pair.trim().strip_prefix(name)?.strip_prefix('=')?.to_owned()))
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn somebody() -> Principal {
        Principal { user: Some(1), organization: None, scopes: vec!["org:admin".to_owned()] }
    }

    /// The headers of a browser that was handed this cookie.
    fn browser(set_cookie: &str) -> HeaderMap {
        let pair = set_cookie.split(';').next().unwrap();
        [(COOKIE, HeaderValue::from_str(&format!("a=b; {pair}")).unwrap())].into_iter().collect()
    }

    #[test]
    fn the_link_signs_in_once() {
        let sessions = Sessions::new(9797);
        assert!(!sessions.redeem_login_link(""), "no link is handed out yet");
        let key = sessions.create_login_link();
        assert!(!sessions.redeem_login_link("another"));
        assert!(sessions.redeem_login_link(&key));
        assert!(!sessions.redeem_login_link(&key));
    }

    #[test]
    fn a_session_is_found_by_its_cookie_until_it_ends() {
        let sessions = Sessions::new(9797);
        let browser = browser(&sessions.start(somebody(), None));
        let session = sessions.find_started(&browser).unwrap();
        assert!(session.owns_form(&session.form_key) && !session.owns_form(""));
        assert!(sessions.find_started(&HeaderMap::new()).is_none());
        sessions.end(&browser);
        assert!(sessions.find_started(&browser).is_none());
    }

    #[test]
    fn too_many_sessions_end_the_oldest() {
        let sessions = Sessions::new(9797);
        let first = browser(&sessions.start(somebody(), None));
        let second = browser(&sessions.start(somebody(), None));
        for _ in 2..=MAX_SESSIONS {
            sessions.start(somebody(), None);
        }
        assert!(
            sessions.find_started(&first).is_none() && sessions.find_started(&second).is_some()
        );
    }

    #[test]
    fn a_token_that_installs_nothing_signs_nobody_in() {
        let reads = Principal { scopes: vec!["org:read".to_owned()], ..somebody() };
        let of_org = Principal { user: None, organization: Some(1), ..somebody() };
        assert!(may_sign_in(&somebody()) && !may_sign_in(&reads) && !may_sign_in(&of_org));
    }
}
