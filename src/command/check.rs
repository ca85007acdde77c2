//! The preflight: for each server and token once, whether what is asked for can be done; only reads.

use super::{RunContext, release, sentry};
use crate::backend::embedded;
use crate::backend::sentry::{ConnectOptions, PreflightClient, TokenOwner};
use crate::database::path;
use crate::error::Result;
use crate::inputs::Inputs;
use crate::inputs::types::BackendName;
use crate::integration::task::IntegrationTask;
use crate::model::OrgSlug;
use crate::outcome::{EntryOutcome, Outcome, OutcomeStatus};
use crate::secret::Secret;
use std::collections::BTreeSet;
use tokio::time::Instant;
use url::Url;

/// What is looked at in an organization, in the order of the table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum CheckKind {
    Integrations,
    Provider(String),
    Releases,
    Project(String),
    Repository(String),
}

/// One server and token, with what is wanted there.
struct ServerChecks<'a> {
    url: Url,
    token: Secret,
    inputs: &'a Inputs,
    wanted: BTreeSet<(String, CheckKind)>,
}

/// One line of the table.
type CheckResult = (String, Result<String>);

impl RunContext<'_> {
    /// Looks at everything that the inputs, or the entries of the manifest, ask for.
    pub(crate) async fn preflight(&self, base: &Inputs, deadline: Instant) -> Result<Outcome> {
        let ready = base
            .manifest
            .as_deref()
            .map(|file| self.prepare_entries(file, deadline))
            .transpose()?;
        let all = match &ready {
            Some(entries) => entries.iter().map(|entry| &entry.inputs).collect(),
            None => vec![base],
        };
        let (mut visits, mut rows) = (Vec::new(), Vec::new());
        for inputs in all {
            match inputs.backend(self.job) {
                Ok(BackendName::Sentry) => self.collect_checks(inputs, &mut visits)?,
                Ok(BackendName::Embedded) => rows.push(self.check_embedded(inputs).await),
                Err(failure) => rows.push(("token".to_owned(), Err(failure))),
            }
        }
        for visit in &visits {
            visit.run(self, deadline, &mut rows).await;
        }
        rows.dedup_by(|a, b| a.0 == b.0 && a.1.is_ok() && b.1.is_ok());
        Ok(to_outcome(rows))
    }

    /// Adds what these inputs want to the visit of their server and token.
    fn collect_checks<'a>(
        &self,
        inputs: &'a Inputs,
        visits: &mut Vec<ServerChecks<'a>>,
    ) -> Result<()> {
        let repository = self.job.repository.iter().cloned().map(CheckKind::Repository);
        let projects = inputs.release.projects.iter().cloned().map(CheckKind::Project);
        let released = std::iter::once(CheckKind::Releases).chain(projects).chain(repository);
        let provider = inputs.provider.iter().cloned().map(CheckKind::Provider);
        let asks = inputs.provider.is_some();
        if asks || !inputs.release.requested {
            let things = std::iter::once(CheckKind::Integrations).filter(|_| asks).chain(provider);
            add(visits, inputs, inputs.page_url(), sentry::token(inputs)?, things);
        }
        if inputs.release.requested {
            add(visits, inputs, inputs.release_url(), release::token(inputs)?, released);
        }
        Ok(())
    }

    async fn check_embedded(&self, inputs: &Inputs) -> CheckResult {
        let look = async {
            let path = path::resolve_path(inputs.database.as_deref(), self.env)?;
            if inputs.provider.is_some() {
                let task = IntegrationTask::new(inputs, BackendName::Embedded)?;
                embedded::list_read_only(&path, &task.org, task.provider).await?;
            }
            let note = if path.exists() { "it is there" } else { "it would be made" };
            Ok(format!("{}: {note}", path.display()))
        };
        let name = inputs.provider.as_ref().map(|key| format!(", for {key}")).unwrap_or_default();
        (format!("embedded backend{name}"), look.await)
    }
}

fn add<'a>(
    visits: &mut Vec<ServerChecks<'a>>,
    inputs: &'a Inputs,
    url: Url,
    token: Secret,
    things: impl Iterator<Item = CheckKind>,
) {
    let org = inputs.org.as_ref().map(OrgSlug::to_string).unwrap_or_default();
    let wanted = things.map(|thing| (org.clone(), thing));
    match visits.iter_mut().find(|visit| visit.url == url && visit.token == token) {
        Some(visit) => visit.wanted.extend(wanted),
        None => visits.push(ServerChecks { url, token, inputs, wanted: wanted.collect() }),
    }
}

impl ServerChecks<'_> {
    /// Whether this is wanted of any organization.
    fn includes(&self, thing: &CheckKind) -> bool {
        self.wanted.iter().any(|(_, wanted)| wanted == thing)
    }

    /// Adds the lines of this server and token. Nothing is asked with a token that will not do.
    async fn run(&self, run: &RunContext<'_>, deadline: Instant, rows: &mut Vec<CheckResult>) {
        let (url, token) = (self.url.clone(), self.token.clone());
        let connection = run.connection(self.inputs, &url);
        let host = url.host_str().unwrap_or_default().to_owned();
        let preflight =
            match PreflightClient::new(ConnectOptions { url, token, deadline, connection }) {
                Ok(preflight) => preflight,
                Err(failure) => return rows.push((format!("host {host}"), Err(failure))),
            };
        rows.push((
            format!("token for {host}"),
            preflight.token(self.includes(&CheckKind::Integrations)),
        ));
        let who = preflight.whoami().await;
        rows.push((
            format!("host {host}"),
            who.as_ref().map(describe_account).map_err(Clone::clone),
        ));
        let Ok(who) = who else { return };
        for (thing, walks) in [(CheckKind::Integrations, true), (CheckKind::Releases, false)] {
            if self.includes(&thing) {
                let name = if walks { "scope for integrations" } else { "scope for releases" };
                rows.push((name.to_owned(), preflight.scope(&who, walks)));
            }
        }
        for (org, thing) in &self.wanted {
            rows.push(run_check(&preflight, &who, org, thing).await);
        }
    }
}

/// The line of one thing in an organization.
async fn run_check(
    preflight: &PreflightClient,
    who: &TokenOwner,
    slug: &str,
    thing: &CheckKind,
) -> CheckResult {
    let name = match thing {
        CheckKind::Integrations => format!("{slug}: integrations"),
        CheckKind::Provider(key) => format!("{slug}: provider {key}"),
        CheckKind::Releases => format!("{slug}: releases"),
        CheckKind::Project(project) => format!("{slug}: project {project}"),
        CheckKind::Repository(repository) => format!("{slug}: repository {repository}"),
    };
    let Some(org) = OrgSlug::parse(slug) else {
        return (name, Err(IntegrationTask::missing_org()));
    };
    let said = match thing {
        CheckKind::Integrations => preflight.organization(&org, true).await,
        CheckKind::Provider(key) => preflight.provider(&org, key).await,
        CheckKind::Releases => preflight.organization(&org, false).await,
        CheckKind::Project(project) => preflight.project(who, &org, project).await,
        CheckKind::Repository(repository) => preflight.repository(&org, repository).await,
    };
    (name, said)
}

fn describe_account(who: &TokenOwner) -> String {
    let user = who.user.as_deref().unwrap_or("no user");
    format!("it knows the token, as {user}; scopes: {}", who.scopes.join(", "))
}

/// The lines as the end of the run: the exit is that of the first failure.
fn to_outcome(rows: Vec<CheckResult>) -> Outcome {
    let bad = rows.iter().filter(|(_, said)| said.is_err()).count();
    let good = rows.len() - bad;
    let first = rows.iter().find_map(|(_, said)| said.clone().err());
    let entry = |(name, said): CheckResult| {
        let (sign, outcome) = match said {
            Ok(words) => ("✓", Outcome::new(OutcomeStatus::Complete, words)),
            Err(failure) => {
                let next = vec![failure.hint.clone()];
                ("✗", Outcome { next_steps: next, ..Outcome::failed(failure) })
            }
        };
        EntryOutcome { key: name.clone(), title: format!("{sign} {name}"), outcome }
    };
    let headline = format!("{good} of {} checks are good", good + bad);
    let outcome = Outcome::of_entries(rows.into_iter().map(entry).collect());
    Outcome { headline, exit_override: first.map(|failure| failure.code.exit()), ..outcome }
}
