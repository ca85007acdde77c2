//! What a release would record, in words for a plan.

use super::backend::Deploy;
use super::task::{CommitPlan, ReleaseTask};
use crate::inputs::release::{CommitSource, PreviousCommit, Ref, ReleaseInputs};
use crate::text::date;

impl ReleaseTask {
    /// What a run would record, a line each. Only commits that touch `paths` are taken, and a deploy is
    /// recorded unless an earlier attempt has.
    pub(crate) fn planned_lines(&self, paths: &[String], is_deployed: bool) -> Vec<String> {
        let projects = format!("projects: {}", self.projects.join(", "));
        let waits = self
            .wait_for_commits
            .then(|| "then waits until the backend has the commits".to_owned());
        let deploy = self.deploy.as_ref().filter(|_| !is_deployed);
        let deploy = deploy.map(|deploy| self.deploy_line(deploy));
        let lines = [projects, self.commits_line(paths)].into_iter();
        lines.chain(self.named_facts()).chain(deploy).chain(waits).collect()
    }

    /// What was said of the release, beside what it is made of.
    fn named_facts(&self) -> impl Iterator<Item = String> {
        let released = self.released_at.filter(|_| self.finalize);
        let released = released.map(|time| format!("finalized: {}", date::iso(time)));
        let page = self.url.as_ref().filter(|_| self.has_own_page);
        released.into_iter().chain(page.map(|page| format!("page: {page}")))
    }

    fn deploy_line(&self, deploy: &Deploy) -> String {
        let name = deploy.name.iter().map(|name| format!(", named {name}"));
        let started = deploy.started.iter().map(|time| format!(", started {}", date::iso(*time)));
        let finished =
            self.finished_at.iter().map(|time| format!(", finished {}", date::iso(*time)));
        let page = deploy.url.iter().map(|url| format!(", page {url}"));
        let more: String = name.chain(started).chain(finished).chain(page).collect();
        format!("deploy: {}{more}", deploy.environment)
    }

    /// The commits that names of the inputs stand for, none where all are hashes.
    pub(crate) fn looked_up(&self, named: &ReleaseInputs) -> String {
        let heads = match (&self.commits, &named.commits) {
            (CommitPlan::Refs(found), CommitSource::Refs(named)) if found != named => Some(found),
            _ => None,
        };
        let previous = Some(&self.previous).filter(|previous| **previous != named.previous);
        match (heads, previous) {
            (None, None) => String::new(),
            looked_up => format!(" {looked_up:?}"),
        }
    }

    fn commits_line(&self, paths: &[String]) -> String {
        let head = |one: &Ref| format!("{}@{}", one.repository, one.commit);
        let commits = match &self.commits {
            CommitPlan::None => return "commits: none".to_owned(),
            CommitPlan::Refs(refs) => refs.iter().map(head).collect::<Vec<_>>().join(", "),
            CommitPlan::FromJob(one) => head(one),
            CommitPlan::Upload(source) => {
                let repository = self.repository.as_deref().unwrap_or("no known repository");
                format!("of {repository}, from {}", source.describe())
            }
        };
        let since = match &self.previous {
            PreviousCommit::Unspecified => String::new(),
            PreviousCommit::LookUp => ", since the release before".to_owned(),
            PreviousCommit::Sha(sha) => format!(", since {sha}"),
        };
        let touching = match paths {
            [] => String::new(),
            paths => format!(", that touch {}", paths.join(", ")),
        };
        format!("commits: {commits}{since}{touching}")
    }
}
