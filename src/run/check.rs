//! The preflight: for each server and token once, whether what is asked for can be done; only reads.

use super::{Run, on_sentry, releasing};
use crate::backend::embedded;
use crate::backend::sentry::{Access, Preflight, Who};
use crate::database;
use crate::failure::Failure;
use crate::inputs::{BackendName, Inputs};
use crate::model::OrgSlug;
use crate::outcome::{EntryEnd, Outcome, Status};
use crate::plan::Task;
use crate::secret::Secret;
use std::collections::BTreeSet;
use tokio::time::Instant;
use url::Url;

/// What is looked at in an organization, in the order of the table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Integrations,
    Provider(String),
    Releases,
    Project(String),
    Repository(String),
}

/// One server and token, with what is wanted there.
struct Visit<'a> {
    url: Url,
    token: Secret,
    inputs: &'a Inputs,
    wanted: BTreeSet<(String, Thing)>,
}

/// One line of the table.
type Row = (String, Result<String, Failure>);

impl Run<'_> {
    /// Looks at everything that the inputs, or the entries of the manifest, ask for.
    pub(super) async fn preflight(
        &self,
        base: &Inputs,
        deadline: Instant,
    ) -> Result<Outcome, Failure> {
        let ready = base.manifest.as_deref().map(|file| self.ready(file, deadline)).transpose()?;
        let all = match &ready {
            Some(entries) => entries.iter().map(|entry| &entry.inputs).collect(),
            None => vec![base],
        };
        let (mut visits, mut rows) = (Vec::new(), Vec::new());
        for inputs in all {
            match inputs.backend(self.job) {
                Ok(BackendName::Sentry) => self.visits(inputs, &mut visits)?,
                Ok(BackendName::Embedded) => rows.push(self.look_embedded(inputs).await),
                Err(failure) => rows.push(("token".to_owned(), Err(failure))),
            }
        }
        for visit in &visits {
            visit.look(self, deadline, &mut rows).await;
        }
        rows.dedup_by(|a, b| a.0 == b.0 && a.1.is_ok() && b.1.is_ok());
        Ok(table(rows))
    }

    /// Adds what these inputs want to the visit of their server and token.
    fn visits<'a>(&self, inputs: &'a Inputs, visits: &mut Vec<Visit<'a>>) -> Result<(), Failure> {
        let repository = self.job.repository.iter().cloned().map(Thing::Repository);
        let projects = inputs.release.projects.iter().cloned().map(Thing::Project);
        let released = std::iter::once(Thing::Releases).chain(projects).chain(repository);
        let provider = inputs.provider.iter().cloned().map(Thing::Provider);
        let asks = inputs.provider.is_some();
        if asks || !inputs.release.asked {
            let things = std::iter::once(Thing::Integrations).filter(|_| asks).chain(provider);
            add(visits, inputs, inputs.page_url(), on_sentry::token(inputs)?, things);
        }
        if inputs.release.asked {
            add(visits, inputs, inputs.release_url(), releasing::token(inputs)?, released);
        }
        Ok(())
    }

    async fn look_embedded(&self, inputs: &Inputs) -> Row {
        let look = async {
            let path = database::path(inputs.database.as_deref(), self.env)?;
            if inputs.provider.is_some() {
                let task = Task::new(inputs, BackendName::Embedded)?;
                embedded::peek(&path, &task.org, task.provider).await?;
            }
            let note = if path.exists() { "it is there" } else { "it would be made" };
            Ok(format!("{}: {note}", path.display()))
        };
        let name = inputs.provider.as_ref().map(|key| format!(", for {key}")).unwrap_or_default();
        (format!("embedded backend{name}"), look.await)
    }
}

fn add<'a>(
    visits: &mut Vec<Visit<'a>>,
    inputs: &'a Inputs,
    url: Url,
    token: Secret,
    things: impl Iterator<Item = Thing>,
) {
    let org = inputs.org.as_ref().map(OrgSlug::to_string).unwrap_or_default();
    let wanted = things.map(|thing| (org.clone(), thing));
    match visits.iter_mut().find(|visit| visit.url == url && visit.token == token) {
        Some(visit) => visit.wanted.extend(wanted),
        None => visits.push(Visit { url, token, inputs, wanted: wanted.collect() }),
    }
}

impl Visit<'_> {
    /// Whether this is wanted of any organization.
    fn wants(&self, thing: &Thing) -> bool {
        self.wanted.iter().any(|(_, wanted)| wanted == thing)
    }

    /// Adds the lines of this server and token. Nothing is asked with a token that will not do.
    async fn look(&self, run: &Run<'_>, deadline: Instant, rows: &mut Vec<Row>) {
        let (url, token) = (self.url.clone(), self.token.clone());
        let line = run.line(self.inputs, &url);
        let host = url.host_str().unwrap_or_default().to_owned();
        let preflight = match Preflight::new(Access { url, token, deadline, line }) {
            Ok(preflight) => preflight,
            Err(failure) => return rows.push((format!("host {host}"), Err(failure))),
        };
        rows.push((format!("token for {host}"), preflight.token(self.wants(&Thing::Integrations))));
        let who = preflight.who().await;
        rows.push((format!("host {host}"), who.as_ref().map(words).map_err(Clone::clone)));
        let Ok(who) = who else { return };
        for (thing, walks) in [(Thing::Integrations, true), (Thing::Releases, false)] {
            if self.wants(&thing) {
                let name = if walks { "scope for integrations" } else { "scope for releases" };
                rows.push((name.to_owned(), preflight.scope(&who, walks)));
            }
        }
        for (org, thing) in &self.wanted {
            rows.push(look_at(&preflight, &who, org, thing).await);
        }
    }
}

/// The line of one thing in an organization.
async fn look_at(preflight: &Preflight, who: &Who, slug: &str, thing: &Thing) -> Row {
    let name = match thing {
        Thing::Integrations => format!("{slug}: integrations"),
        Thing::Provider(key) => format!("{slug}: provider {key}"),
        Thing::Releases => format!("{slug}: releases"),
        Thing::Project(project) => format!("{slug}: project {project}"),
        Thing::Repository(repository) => format!("{slug}: repository {repository}"),
    };
    let Some(org) = OrgSlug::parse(slug) else { return (name, Err(Task::no_org())) };
    let said = match thing {
        Thing::Integrations => preflight.organization(&org, true).await,
        Thing::Provider(key) => preflight.provider(&org, key).await,
        Thing::Releases => preflight.organization(&org, false).await,
        Thing::Project(project) => preflight.project(who, &org, project).await,
        Thing::Repository(repository) => preflight.repository(&org, repository).await,
    };
    (name, said)
}

fn words(who: &Who) -> String {
    let user = who.user.as_deref().unwrap_or("no user");
    format!("it knows the token, as {user}; scopes: {}", who.scopes.join(", "))
}

/// The lines as the end of the run: the exit is that of the first failure.
fn table(rows: Vec<Row>) -> Outcome {
    let bad = rows.iter().filter(|(_, said)| said.is_err()).count();
    let good = rows.len() - bad;
    let first = rows.iter().find_map(|(_, said)| said.clone().err());
    let entry = |(name, said): Row| {
        let (sign, outcome) = match said {
            Ok(words) => ("✓", Outcome::new(Status::Complete, words)),
            Err(failure) => {
                let next = vec![failure.hint.clone()];
                ("✗", Outcome { next, ..Outcome::failed(failure) })
            }
        };
        EntryEnd { key: name.clone(), title: format!("{sign} {name}"), outcome }
    };
    let headline = format!("{good} of {} checks are good", good + bad);
    let outcome = Outcome::of_many(rows.into_iter().map(entry).collect());
    Outcome { headline, ends_with: first.map(|failure| failure.code.exit()), ..outcome }
}
