//! How an installed integration fares, as far as its backend tells.

/// What a backend says of an integration beside what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntegrationHealth {
    /// The integration's own status, in the backend's word.
    pub status: Option<String>,
    /// That of the organization's link to it.
    pub link_status: Option<String>,
    /// When its features end, as the backend writes it.
    pub grace_period_end: Option<String>,
    /// Whether the app at the third party, or what it may do there, is older than Sentry needs.
    pub is_outdated: bool,
}

impl IntegrationHealth {
    /// The statuses other than `active`; the link's goes first, and the same is said once.
    pub fn statuses(&self) -> Vec<&str> {
        let all = [&self.link_status, &self.status].into_iter().flatten().map(String::as_str);
        let mut other: Vec<_> = all.filter(|status| *status != "active").collect();
        other.dedup();
        other
    }
}
