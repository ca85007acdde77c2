//! The branches of a checkout, and where it is.

use super::Checkout;
use std::path::PathBuf;

impl Checkout {
    /// The branch that the others are made from, as far as the checkout tells: that of its origin, else
    /// `main` or `master`, else the one that is checked out.
    pub fn default_branch(&self) -> Option<String> {
        let of_origin = || {
            let head = self.repository.try_find_reference("refs/remotes/origin/HEAD").ok()??;
            let target = head.target().try_name()?.as_bstr().to_string();
            target.strip_prefix("refs/remotes/origin/").map(str::to_owned)
        };
        let has = |name: &str| {
            ["heads", "remotes/origin"].iter().any(|place| {
                let found = self.repository.try_find_reference(&format!("refs/{place}/{name}"));
                matches!(found, Ok(Some(_)))
            })
        };
        let usual = || ["main", "master"].into_iter().find(|name| has(name)).map(str::to_owned);
        let checked_out = || {
            let name = self.repository.head_name().ok()??;
            Some(name.shorten().to_string())
        };
        of_origin().or_else(usual).or_else(checked_out)
    }

    /// The top folder of what is checked out.
    pub fn top_folder(&self) -> Option<PathBuf> {
        self.repository.workdir()?.canonicalize().ok()
    }
}
