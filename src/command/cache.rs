//! What the entries of one run read only once, and the connections that they share.

use super::managed_log::ManagedLog;
use crate::backend::sentry::SentryBackend;
use crate::error::Result;
use crate::http::ServerConnection;
use crate::manifest::{InventoryIndex, OrganizationInventory};
use crate::model::ListedIntegration;
use crate::model::site::Site;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use tokio::sync::OnceCell;
use url::Url;

/// Something that is read once for each key.
type Once<T> = RefCell<HashMap<String, Rc<OnceCell<T>>>>;

/// What the entries share. A pipeline's session is not among it.
#[derive(Default)]
pub(crate) struct RunCache {
    connections: RefCell<HashMap<String, ServerConnection>>,
    listings: Once<Rc<[ListedIntegration]>>,
    sites: Once<Site>,
    inventories: Once<Result<Rc<InventoryIndex>>>,
    /// What the entries of a manifest with `prune: true` have found and made.
    pub(super) managed: Rc<ManagedLog>,
}

impl RunCache {
    /// The connections to this server; what makes them is the same for all of a run.
    pub(crate) fn connection(
        &self,
        url: &Url,
        new: impl FnOnce() -> ServerConnection,
    ) -> ServerConnection {
        let mut connections = self.connections.borrow_mut();
        connections.entry(url.origin().ascii_serialization()).or_insert_with(new).clone()
    }

    /// What the organization had of the provider when the run first listed it: every entry needs
    /// its own integration only, which no other one makes.
    pub(crate) async fn integrations(
        &self,
        sentry: &SentryBackend<'_>,
    ) -> Result<Rc<[ListedIntegration]>> {
        let cell = cell(&self.listings, sentry.key());
        let list = async || Ok(Rc::from(sentry.list().await?));
        cell.get_or_try_init(list).await.cloned()
    }

    /// All that an organization has, as far as it can be listed: a failure is kept, too.
    pub(crate) async fn inventory(
        &self,
        organization: &str,
        list: impl AsyncFnOnce() -> Result<OrganizationInventory>,
    ) -> Result<Rc<InventoryIndex>> {
        let cell = cell(&self.inventories, organization.to_owned());
        let read = async || list().await.map(|inventory| Rc::new(inventory.into()));
        cell.get_or_init(read).await.clone()
    }

    /// The same where an entry has asked for it.
    pub(crate) fn known_inventory(&self, organization: &str) -> Option<Result<Rc<InventoryIndex>>> {
        self.inventories.borrow().get(organization)?.get().cloned()
    }

    /// Where the organization's pages are.
    pub(crate) async fn site(&self, sentry: &SentryBackend<'_>) -> Site {
        let cell = cell(&self.sites, sentry.organization_key());
        cell.get_or_init(async || sentry.site().await).await.clone()
    }
}

fn cell<T>(all: &Once<T>, key: String) -> Rc<OnceCell<T>> {
    Rc::clone(all.borrow_mut().entry(key).or_default())
}
