//! The ids and counts of an end, which a server has given: what is like a secret in them is not shown.

use super::{IntegrationOutcome, Outcome, ReleaseOutcome};
use crate::error::Warning;

impl Outcome {
    /// Each id and count as a text, for what takes secrets out of it; empty where there is none.
    pub(crate) fn foreign_ids(&self) -> Vec<String> {
        let integration = self.subject.as_ref().and_then(|subject| subject.integration.as_ref());
        let release = self.release.as_ref();
        let own = [
            integration.map(|(id, _)| id.to_string()),
            release.and_then(|release| release.deploy_id.as_ref()).map(ToString::to_string),
            release.and_then(|release| release.commit_count).map(|count| count.to_string()),
        ];
        let of_entries = self.entries.iter().flat_map(|entry| entry.outcome.foreign_ids());
        own.into_iter().map(Option::unwrap_or_default).chain(of_entries).collect()
    }

    /// Leaves out, with a warning, what is other in these texts than in [`Self::foreign_ids`].
    pub(crate) fn withhold_ids(&mut self, shown: &[String]) {
        let ids = self.foreign_ids();
        self.withhold(&mut ids.iter().zip(shown).map(|(id, shown)| id != shown));
    }

    fn withhold(&mut self, is_secret: &mut impl Iterator<Item = bool>) {
        let mut is_secret_next = || is_secret.next().unwrap_or_default();
        let hidden = [is_secret_next(), is_secret_next(), is_secret_next()];
        match &mut self.subject {
            Some(IntegrationOutcome { integration, .. }) if hidden[0] => *integration = None,
            _ => {}
        }
        if let Some(ReleaseOutcome { deploy_id, commit_count, .. }) = &mut self.release {
            *deploy_id = deploy_id.take().filter(|_| !hidden[1]);
            *commit_count = commit_count.filter(|_| !hidden[2]);
        }
        let names = ["integration-id", "deploy-id", "commit-count"];
        let withheld = names.into_iter().zip(hidden).filter_map(|(name, is)| is.then_some(name));
        let warning = |name| {
            let message =
                format!("`{name}` is left out: the server's value has a part of a secret");
            Warning::new("secret-in-id", message)
        };
        self.warnings.extend(withheld.map(warning));
        self.entries.iter_mut().for_each(|entry| entry.outcome.withhold(is_secret));
    }
}
