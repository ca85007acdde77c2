//! The preflight: for each server and token once, whether what is asked for can be done; only reads.

use super::{RunContext, release, sentry};
use crate::backend::embedded;
use crate::backend::sentry::{ConnectOptions, PreflightClient, TokenOwner};
use crate::database::path;
use crate::error::Result;
use crate::inputs::Inputs;
use crate::inputs::missing;
use crate::inputs::types::BackendName;
use crate::integration::IntegrationTask;
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

/// One server and token, with what is checked there.
struct ServerChecks<'a> {
    url: Url,
    token: Secret,
    inputs: &'a Inputs,
    checks: BTreeSet<(String, CheckKind)>,
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
        let (mut servers, mut rows) = (Vec::new(), Vec::new());
        for inputs in all {
            match inputs.backend(self.job) {
                Ok(BackendName::Sentry) => self.collect_checks(inputs, &mut servers)?,
                Ok(BackendName::Embedded) => rows.push(self.check_embedded(inputs).await),
                Err(failure) => rows.push(("token".to_owned(), Err(failure))),
            }
        }
        for server in &servers {
            server.run(self, deadline, &mut rows).await;
        }
        rows.dedup_by(|a, b| a.0 == b.0 && a.1.is_ok() && b.1.is_ok());
        Ok(to_outcome(rows))
    }

    /// Adds what these inputs ask for to the checks of their server and token.
    fn collect_checks<'a>(
        &self,
        inputs: &'a Inputs,
        servers: &mut Vec<ServerChecks<'a>>,
    ) -> Result {
        let repository = self.job.repository.iter().cloned().map(CheckKind::Repository);
        let projects = inputs.release.projects.iter().cloned().map(CheckKind::Project);
        let released = std::iter::once(CheckKind::Releases).chain(projects).chain(repository);
        let provider = inputs.provider.iter().cloned().map(CheckKind::Provider);
        let has_provider = inputs.provider.is_some();
        if has_provider || !inputs.release.requested {
            let integrations = std::iter::once(CheckKind::Integrations).filter(|_| has_provider);
            let checks = integrations.chain(provider);
            add(servers, inputs, inputs.page_url(), sentry::token(inputs)?, checks);
        }
        if inputs.release.requested {
            add(servers, inputs, inputs.release_url(), release::token(inputs)?, released);
        }
        Ok(())
    }

    async fn check_embedded(&self, inputs: &Inputs) -> CheckResult {
        let check = async {
            let path = path::resolve_path(inputs.database.as_deref(), self.env)?;
            if inputs.provider.is_some() {
                let task = IntegrationTask::new(inputs, BackendName::Embedded)?;
                embedded::list_read_only(&path, &task.org, task.provider).await?;
            }
            let note = if path.exists() { "exists" } else { "would be created" };
            Ok(format!("{}: {note}", path.display()))
        };
        let name = inputs.provider.as_ref().map(|key| format!(", for {key}")).unwrap_or_default();
        (format!("embedded backend{name}"), check.await)
    }
}

fn add<'a>(
    servers: &mut Vec<ServerChecks<'a>>,
    inputs: &'a Inputs,
    url: Url,
    token: Secret,
    checks: impl Iterator<Item = CheckKind>,
) {
    let org = inputs.org.as_ref().map(OrgSlug::to_string).unwrap_or_default();
    let checks = checks.map(|check| (org.clone(), check));
    match servers.iter_mut().find(|server| server.url == url && server.token == token) {
        Some(server) => server.checks.extend(checks),
        None => servers.push(ServerChecks { url, token, inputs, checks: checks.collect() }),
    }
}

impl ServerChecks<'_> {
    /// Whether this is checked in any organization.
    fn includes(&self, kind: &CheckKind) -> bool {
        self.checks.iter().any(|(_, check)| check == kind)
    }

    /// Adds the lines of this server and token. Nothing is sent with a token that will not do.
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
        let owner = preflight.whoami().await;
        let account = owner.as_ref().map(describe_account).map_err(Clone::clone);
        rows.push((format!("host {host}"), account));
        let Ok(owner) = owner else { return };
        for (kind, for_pipeline, name) in [
            (CheckKind::Integrations, true, "scope for integrations"),
            (CheckKind::Releases, false, "scope for releases"),
        ] {
            if self.includes(&kind) {
                rows.push((name.to_owned(), preflight.scope(&owner, for_pipeline)));
            }
        }
        for (org, kind) in &self.checks {
            rows.push(run_check(&preflight, &owner, org, kind).await);
        }
    }
}

/// The line of one thing in an organization.
async fn run_check(
    preflight: &PreflightClient,
    owner: &TokenOwner,
    slug: &str,
    kind: &CheckKind,
) -> CheckResult {
    let name = match kind {
        CheckKind::Integrations => format!("{slug}: integrations"),
        CheckKind::Provider(key) => format!("{slug}: provider {key}"),
        CheckKind::Releases => format!("{slug}: releases"),
        CheckKind::Project(project) => format!("{slug}: project {project}"),
        CheckKind::Repository(repository) => format!("{slug}: repository {repository}"),
    };
    let Some(org) = OrgSlug::parse(slug) else {
        return (name, Err(missing::org()));
    };
    let result = match kind {
        CheckKind::Integrations => preflight.organization(&org, true).await,
        CheckKind::Provider(key) => preflight.provider(&org, key).await,
        CheckKind::Releases => preflight.organization(&org, false).await,
        CheckKind::Project(project) => preflight.project(owner, &org, project).await,
        CheckKind::Repository(repository) => preflight.repository(&org, repository).await,
    };
    (name, result)
}

fn describe_account(owner: &TokenOwner) -> String {
    let user = owner.user.as_deref().unwrap_or("none");
    format!("token accepted; user: {user}; scopes: {}", owner.scopes.join(", "))
}

/// The lines as the end of the run: the exit is that of the first failure.
fn to_outcome(rows: Vec<CheckResult>) -> Outcome {
    let good = rows.iter().filter(|(_, result)| result.is_ok()).count();
    let headline = format!("{good} of {} checks passed", rows.len());
    let first = rows.iter().find_map(|(_, result)| result.clone().err());
    let entry = |(name, result): CheckResult| {
        let (sign, outcome) = match result {
            Ok(words) => ("✓", Outcome::new(OutcomeStatus::Complete, words)),
            Err(failure) => {
                let next_steps = vec![failure.hint.clone()];
                ("✗", Outcome { next_steps, ..Outcome::failed(failure) })
            }
        };
        EntryOutcome { key: name.clone(), title: format!("{sign} {name}"), outcome }
    };
    let outcome = Outcome::of_entries(rows.into_iter().map(entry).collect());
    Outcome { headline, exit_override: first.map(|failure| failure.code.exit()), ..outcome }
}
