//! The preflight: for each server and token once, whether what is asked for can be done; only reads.

use super::RunContext;
use super::commits::CommitSources;
use super::manifest::PreparedManifest;
use super::release::PreparedRelease;
use super::server_access::{pipeline_token, release_token};
use crate::backend::embedded;
use crate::backend::sentry::{CheckVerdict, CheckedTask, PreflightClient, TokenOwner};
use crate::database::path;
use crate::error::{Error, ErrorCode, Result, Warning};
use crate::inputs::Inputs;
use crate::inputs::missing;
use crate::inputs::release::CommitSource;
use crate::inputs::types::{BackendName, Mode};
use crate::integration::{IntegrationTask, RequestedLinks, links};
use crate::job::IdleEvent;
use crate::model::OrgSlug;
use crate::outcome::{EntryOutcome, Outcome, OutcomeStatus};
use crate::secret::Secret;
use crate::text::quote;
use std::collections::{BTreeSet, HashSet};
use tokio::time::Instant;
use url::Url;

/// The warning about what could not be looked at.
const NOT_CHECKED: &str = "not-checked";

/// What is looked at in an organization, in the order of the table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum CheckKind {
    Integrations,
    Removal,
    Links,
    CodeMappings,
    Provider(String),
    Role,
    Releases,
    Project(String),
    Repository(String),
    Branch(String),
}

/// What a token must be allowed for each of these, first what asks most of its kind.
const SCOPES: [(CheckKind, CheckedTask, &str); 5] = [
    (CheckKind::Integrations, CheckedTask::Pipeline, "scope for integrations"),
    (CheckKind::Removal, CheckedTask::Removal, "scope for removals"),
    (CheckKind::Links, CheckedTask::Links, "scope for links"),
    (CheckKind::CodeMappings, CheckedTask::CodeMappings, "scope for code mappings"),
    (CheckKind::Releases, CheckedTask::Release, "scope for releases"),
];

/// One server and token, with what is checked there.
struct ServerChecks<'a> {
    url: Url,
    token: Secret,
    inputs: &'a Inputs,
    checks: BTreeSet<(String, CheckKind)>,
}

/// One line of the table.
pub(super) type CheckResult = (String, Result<CheckVerdict>);

impl RunContext<'_> {
    /// Looks at everything that the inputs, or the entries of the manifest, ask for.
    pub(crate) async fn preflight(&self, base: &Inputs, deadline: Instant) -> Result<Outcome> {
        let ready = base
            .manifest
            .as_deref()
            .map(|file| self.prepare_entries(base, file, deadline))
            .transpose()?;
        let all: Vec<_> = match &ready {
            Some(manifest) => manifest.entries.iter().map(|entry| &entry.inputs).collect(),
            None => vec![base],
        };
        if ready.is_some() {
            self.mask(all.iter().copied());
        }
        let (mut servers, mut rows) = (Vec::new(), Vec::new());
        for inputs in all.iter().copied() {
            let idle = self.job.nothing_built.as_ref().filter(|_| inputs.release.requested);
            rows.extend(idle.map(|idle| self.skipped_release(inputs, idle)));
            rows.extend(self.check_checkout(inputs, deadline).filter(|_| idle.is_none()));
            match inputs.backend(self.job) {
                Ok(BackendName::Sentry) => self.collect_checks(inputs, deadline, &mut servers)?,
                Ok(BackendName::Embedded) => rows.push(self.check_embedded(inputs).await),
                Err(failure) => rows.push(("token".to_owned(), Err(failure))),
            }
            self.check_inputs(inputs, deadline, &mut rows);
        }
        for server in &servers {
            server.run(self, deadline, &mut rows).await;
        }
        for inputs in &all {
            self.check_health(inputs, base.manifest.is_some(), deadline, &mut rows).await;
        }
        // A name may be of others, and the key of an entry is shown as it is.
        let shown = |(name, result): CheckResult| (self.sinks.shown_words(&name), result);
        let rows = rows.into_iter().map(shown).collect();
        let mut outcome = to_outcome(without_repeated(rows));
        outcome.warnings.extend(ready.into_iter().flat_map(PreparedManifest::into_warnings));
        Ok(outcome)
    }

    /// What needs no server: the fields of `state`, and the form of the version.
    fn check_inputs(&self, inputs: &Inputs, deadline: Instant, rows: &mut Vec<CheckResult>) {
        let org = inputs.org.as_ref().map(|org| format!("{org}: ")).unwrap_or_default();
        let backend = inputs.backend(self.job).unwrap_or(BackendName::Sentry);
        let is_installed = backend == BackendName::Sentry && inputs.mode != Mode::Link;
        if let Some(key) = inputs.provider.as_ref().filter(|_| is_installed) {
            let result =
                IntegrationTask::new(inputs, backend).map(|task| match task.provider.name() {
                    "" => CheckVerdict::NotChecked("this provider's fields are unknown".to_owned()),
                    _ => CheckVerdict::Passed("has the fields that it needs".to_owned()),
                });
            rows.push((format!("{org}state of {key}"), result));
        }
        if inputs.release.requested && self.job.nothing_built.is_none() {
            let result = PreparedRelease::new(self, inputs, backend, deadline).map(|release| {
                let task = release.task;
                CheckVerdict::Passed(format!("{} ({})", task.version, task.origin.words()))
            });
            rows.push((format!("{org}release version"), result));
        }
    }

    /// The line for the release of a run that this event leaves nothing to do.
    fn skipped_release(&self, inputs: &Inputs, idle: &IdleEvent) -> CheckResult {
        let org = inputs.org.as_ref().map(|org| format!("{org}: ")).unwrap_or_default();
        let why = format!("a run at this event makes no release, because {}", idle.words);
        (format!("{org}release version"), Ok(CheckVerdict::NotChecked(why)))
    }

    /// Adds what these inputs ask for to the checks of their server and token.
    fn collect_checks<'a>(
        &self,
        inputs: &'a Inputs,
        deadline: Instant,
        servers: &mut Vec<ServerChecks<'a>>,
    ) -> Result {
        let repositories = self.fetched_repositories(inputs, deadline).into_iter();
        let repositories = repositories.map(CheckKind::Repository);
        let projects = inputs.release.projects.iter().cloned().map(CheckKind::Project);
        let released = std::iter::once(CheckKind::Releases).chain(projects).chain(repositories);
        let provider = inputs.provider.iter().cloned().map(CheckKind::Provider);
        let has_provider = inputs.provider.is_some();
        let mapped = inputs.code_mappings.iter().flat_map(|mapping| {
            let branch = mapping.default_branch.iter().cloned().map(CheckKind::Branch);
            std::iter::once(CheckKind::Project(mapping.project.clone())).chain(branch)
        });
        if inputs.mode == Mode::Link {
            let (token, kinds) = link_checks(inputs)?;
            let checks = kinds.into_iter().flatten().chain(mapped);
            add(servers, inputs, inputs.page_url(), token, checks);
        } else if has_provider || !inputs.release.requested {
            let is_removal = inputs.mode == Mode::Remove;
            let task = if is_removal { CheckKind::Removal } else { CheckKind::Integrations };
            let integrations = [task, CheckKind::Role].into_iter().filter(|_| has_provider);
            let provider = provider.filter(|_| !is_removal);
            let mapped = mapped.filter(|_| has_provider && !is_removal);
            let checks = integrations.chain(provider).chain(mapped);
            add(servers, inputs, inputs.page_url(), pipeline_token(inputs)?, checks);
        }
        if inputs.release.requested {
            add(servers, inputs, inputs.release_url(), release_token(inputs)?, released);
        }
        Ok(())
    }

    /// The repositories whose commits Sentry is to fetch.
    fn fetched_repositories(&self, inputs: &Inputs, deadline: Instant) -> Vec<String> {
        let release = &inputs.release;
        let of_checkout =
            || CommitSources::new(inputs, self.job, self.env, deadline).checkout_info().repository;
        match &release.commits {
            _ if !release.requested => Vec::new(),
            CommitSource::Refs(refs) => refs.iter().map(|one| one.repository.clone()).collect(),
            CommitSource::Auto if release.paths.is_empty() => {
                self.job.repository.clone().or_else(of_checkout).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// A line for a checkout that a release needs and that cannot be read.
    fn check_checkout(&self, inputs: &Inputs, deadline: Instant) -> Option<CheckResult> {
        let sources = CommitSources::new(inputs, self.job, self.env, deadline);
        let fetches = matches!(inputs.backend(self.job), Ok(BackendName::Sentry));
        let problem = sources.problem(fetches).filter(|_| inputs.release.requested)?;
        Some(("checkout".to_owned(), Err(problem)))
    }

    async fn check_embedded(&self, inputs: &Inputs) -> CheckResult {
        let check = async {
            let path = path::resolve_path(inputs.database.as_deref(), self.env)?;
            if inputs.provider.is_some() {
                let task = IntegrationTask::new(inputs, BackendName::Embedded)?;
                embedded::list_read_only(&path, &task).await?;
            }
            let note = if path.exists() { "exists" } else { "would be created" };
            Ok(CheckVerdict::Passed(format!("{}: {note}; not sent to a Sentry", path.display())))
        };
        let name = inputs.provider.as_ref().map(|key| format!(", for {key}")).unwrap_or_default();
        (format!("embedded backend{name}"), check.await)
    }
}

/// The token that links are set with, and what it must be allowed.
fn link_checks(inputs: &Inputs) -> Result<(Secret, [Option<CheckKind>; 2])> {
    let links = RequestedLinks::from_inputs(inputs);
    if !links.needs_user() {
        return Ok((release_token(inputs)?, [Some(CheckKind::CodeMappings), None]));
    }
    let sets = !links.repositories.is_empty() || !links.code_mappings.is_empty();
    let kinds =
        [links.has_absent().then_some(CheckKind::Removal), sets.then_some(CheckKind::Links)];
    Ok((pipeline_token(inputs)?, kinds))
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

    /// What asks most of the kind of the token.
    fn most_demanding(&self) -> CheckedTask {
        let tasks = SCOPES.iter().find(|(kind, ..)| self.includes(kind));
        tasks.map_or(CheckedTask::Release, |(_, task, _)| *task)
    }

    /// Adds the lines of this server and token. Nothing is sent with a token that will not do.
    async fn run(&self, run: &RunContext<'_>, deadline: Instant, rows: &mut Vec<CheckResult>) {
        let host = self.url.host_str().unwrap_or_default();
        let server = (self.url.clone(), self.token.clone());
        let options = run.connect_options(self.inputs, server, deadline);
        let preflight = match PreflightClient::new(options) {
            Ok(preflight) => preflight,
            Err(failure) => return rows.push((format!("host {host}"), Err(failure))),
        };
        rows.push((
            format!("token for {host}"),
            preflight.token(self.most_demanding()).map(CheckVerdict::Passed),
        ));
        let owner = preflight.whoami().await;
        let account =
            owner.as_ref().map(describe_account).map(CheckVerdict::Passed).map_err(Clone::clone);
        rows.push((format!("host {host}"), account));
        let Ok(owner) = owner else { return };
        for (_, task, name) in SCOPES.iter().filter(|(kind, ..)| self.includes(kind)) {
            let scope = preflight.scope(&owner, *task).map(CheckVerdict::Passed);
            rows.push(((*name).to_owned(), scope));
        }
        // Of code mappings there is nothing but the scope that their token is sure to read.
        let is_read = |(_, kind): &&(String, CheckKind)| *kind != CheckKind::CodeMappings;
        for (org, kind) in self.checks.iter().filter(is_read) {
            rows.push(run_check(&preflight, org, kind).await);
        }
    }
}

/// The line of one thing in an organization.
async fn run_check(preflight: &PreflightClient, slug: &str, kind: &CheckKind) -> CheckResult {
    let name = match kind {
        CheckKind::Integrations
        | CheckKind::Removal
        | CheckKind::Links
        | CheckKind::CodeMappings => format!("{slug}: integrations"),
        CheckKind::Provider(key) => format!("{slug}: provider {key}"),
        CheckKind::Role => format!("{slug}: role"),
        CheckKind::Releases => format!("{slug}: releases"),
        CheckKind::Project(project) => format!("{slug}: project {project}"),
        CheckKind::Repository(repository) => format!("{slug}: repository {repository}"),
        CheckKind::Branch(branch) => format!("{slug}: branch {branch}"),
    };
    let Some(org) = OrgSlug::parse(slug) else {
        return (name, Err(missing::org()));
    };
    let result = match kind {
        CheckKind::Role => return (name, preflight.role(&org).await),
        CheckKind::Project(project) => return (name, preflight.project(&org, project).await),
        CheckKind::Integrations
        | CheckKind::Removal
        | CheckKind::Links
        | CheckKind::CodeMappings => preflight.organization(&org, true).await,
        CheckKind::Provider(key) => preflight.provider(&org, key).await,
        CheckKind::Releases => preflight.organization(&org, false).await,
        CheckKind::Repository(repository) => preflight.repository(&org, repository).await,
        CheckKind::Branch(branch) => check_branch(branch),
    };
    (name, result.map(CheckVerdict::Passed))
}

/// Sentry's rule for the branch of a code mapping; it has no list of branches to look into.
fn check_branch(branch: &str) -> Result<String> {
    if links::is_branch_name(branch) {
        return Ok("the name is valid".to_owned());
    }
    let message =
        format!("`defaultBranch` {} is not a branch name that Sentry takes", quote(branch));
    let hint = "use letters, digits, `_`, `.`, `/` and `-`, without `/` at the start or end";
    Err(Error::new(ErrorCode::BadField, message).with_hint(hint))
}

fn describe_account(owner: &TokenOwner) -> String {
    let user = owner.user.as_deref().unwrap_or("none");
    format!("token accepted; user: {user}; scopes: {}", owner.scopes.join(", "))
}

/// The lines, each of those that say the same once.
fn without_repeated(rows: Vec<CheckResult>) -> Vec<CheckResult> {
    let mut said = HashSet::new();
    let is_first = |(name, result): &CheckResult| match result {
        Ok(verdict) => said.insert((name.clone(), verdict.clone())),
        Err(_) => true,
    };
    rows.into_iter().filter(is_first).collect()
}

/// The lines as the end of the run: the exit is that of the first failure. What was not checked
/// neither passed nor failed.
fn to_outcome(rows: Vec<CheckResult>) -> Outcome {
    let count = |is: fn(&CheckResult) -> bool| rows.iter().filter(|row| is(row)).count();
    let good = count(|row| matches!(row.1, Ok(CheckVerdict::Passed(_))));
    let not_checked = count(|row| matches!(row.1, Ok(CheckVerdict::NotChecked(_))));
    let mut headline = format!("{good} of {} checks passed", rows.len());
    if not_checked > 0 {
        headline.push_str(&format!(", {not_checked} not checked"));
    }
    let first = rows.iter().find_map(|(_, result)| result.clone().err());
    let outcome = Outcome::of_entries(rows.into_iter().map(to_entry).collect());
    let warning = || Warning::new(NOT_CHECKED, format!("{not_checked} not checked"));
    let warnings = (not_checked > 0).then(warning).into_iter().collect();
    let exit_override = first.map(|failure| failure.code.exit());
    Outcome { headline, warnings, exit_override, ..outcome }
}

fn to_entry((name, result): CheckResult) -> EntryOutcome {
    let (sign, outcome) = match result {
        Ok(CheckVerdict::Passed(words)) => ("✓", Outcome::new(OutcomeStatus::Complete, words)),
        Ok(CheckVerdict::NotChecked(why)) => {
            let warning = Warning::new(NOT_CHECKED, format!("not checked: {why}"));
            let outcome = Outcome::new(OutcomeStatus::Skipped, warning.message.clone());
            ("?", outcome.with_warning(Some(warning)))
        }
        Err(failure) => {
            let next_steps = vec![failure.hint.clone()];
            ("✗", Outcome { next_steps, ..Outcome::failed(failure) })
        }
    };
    EntryOutcome { key: name.clone(), title: format!("{sign} {name}"), outcome }
}
