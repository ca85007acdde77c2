//! What a call of sentry-cli asks of a Sentry beside the release job, as tables and in words.

use super::RunContext;
use super::text_table::TextTable;
use crate::backend::embedded::EmbeddedReleases;
use crate::backend::sentry::{
    ListedRelease, ListedRepository, PreflightClient, ReleaseDirectory, SentryReleases, TokenOwner,
};
use crate::database::path;
use crate::error::{Error, ErrorCode, Result, Warning};
use crate::inputs::types::BackendName;
use crate::inputs::{Inputs, missing};
use crate::model::OrgSlug;
use crate::outcome::{Outcome, OutcomeStatus};
use crate::output;
use crate::release::{
    ExistingDeploy, ReleaseBackend, ReleaseState, ReleaseVersion, missing_release,
};
use crate::sentry_cli::{CalledOperation, ReleaseOperation, ReleaseStatus};
use crate::text::date;
use serde_json::json;
use tokio::time::Instant;

impl RunContext<'_> {
    /// Does what the call says.
    pub(crate) async fn operate(
        &self,
        inputs: &Inputs,
        operation: CalledOperation,
        deadline: Instant,
    ) -> Result<Outcome> {
        let backend = inputs.backend(self.job)?;
        if operation == CalledOperation::OnRelease(ReleaseOperation::Read) {
            return self.read_release(inputs, backend, deadline).await;
        }
        if backend == BackendName::Embedded {
            return Err(not_embedded());
        }
        let options = self.release_server(inputs, deadline)?;
        if let CalledOperation::ReadToken { needs_defaults, as_json } = operation {
            let owner = PreflightClient::new(options)?.whoami().await;
            return self.token_info(inputs, owner, needs_defaults, as_json);
        }
        let org = self.required_org(inputs)?;
        let directory = ReleaseDirectory::new(options, org.clone())?;
        match operation {
            CalledOperation::ListReleases { with_projects, delimiter } => {
                let releases = listed_releases(&directory, &inputs.release.projects).await?;
                Ok(match delimiter {
                    Some(delimiter) => self.version_list(&releases, delimiter),
                    None => self.shown_table(release_table(&releases, with_projects)),
                })
            }
            CalledOperation::OnRelease(ReleaseOperation::ListDeploys) => {
                let version = called_version(inputs)?;
                let deploys = directory.deploys(&version).await?;
                let deploys = deploys.ok_or_else(|| missing_release(&version, org))?;
                Ok(self.shown_table(deploy_table(&deploys)))
            }
            CalledOperation::OnRelease(operation) => {
                change_release(&directory, org, inputs, operation).await
            }
            _ => Ok(self.shown_table(repository_table(&directory.repositories().await?))),
        }
    }

    /// Whether the release is there.
    async fn read_release(
        &self,
        inputs: &Inputs,
        backend: BackendName,
        deadline: Instant,
    ) -> Result<Outcome> {
        let org = self.required_org(inputs)?;
        let version = called_version(inputs)?;
        let standing = match backend {
            BackendName::Embedded => {
                let path = path::resolve_path(inputs.database.as_deref(), self.env)?;
                match EmbeddedReleases::open_to_read(&path, org, &version).await? {
                    Some(mut releases) => releases.read().await?,
                    None => None,
                }
            }
            BackendName::Sentry => {
                let options = self.release_server(inputs, deadline)?;
                let mark = output::random_delimiter()
                    .map_err(|error| Error::new(ErrorCode::Internal, error.to_string()))?;
                SentryReleases::new(options, org.clone(), version.clone(), &mark)?.read().await?
            }
        };
        let state = standing.ok_or_else(|| missing_release(&version, org))?;
        Ok(Outcome::new(OutcomeStatus::Complete, release_line(&version, org, &state)))
    }
}

/// Changes a release, or says what would become of it. One of other projects than the call names is not
/// the one that it means.
async fn change_release(
    directory: &ReleaseDirectory,
    org: &OrgSlug,
    inputs: &Inputs,
    operation: ReleaseOperation,
) -> Result<Outcome> {
    let (version, projects) = (called_version(inputs)?, &inputs.release.projects);
    let is_there =
        (projects.is_empty() && !inputs.dry_run) || directory.has(&version, projects).await?;
    if !is_there && !projects.is_empty() {
        directory.check_projects(projects).await?;
        return absent(org, &version, operation, projects);
    }
    match is_there && !inputs.dry_run {
        true => operate_on_release(directory, org, &version, operation).await,
        false => planned(org, &version, operation, is_there),
    }
}

async fn operate_on_release(
    directory: &ReleaseDirectory,
    org: &OrgSlug,
    version: &ReleaseVersion,
    operation: ReleaseOperation,
) -> Result<Outcome> {
    let missing = || missing_release(version, org);
    match operation {
        ReleaseOperation::Delete => Ok(deleted(version, org, directory.delete(version).await?)),
        ReleaseOperation::SetStatus(status) => {
            match directory.set_status(version, status.as_str()).await? {
                true => Ok(status_set(version, org, status)),
                false => Err(missing()),
            }
        }
        // Reading has an end of its own.
        ReleaseOperation::Read | ReleaseOperation::ListDeploys => Err(missing()),
    }
}

/// The end of a call for a release that the named projects do not have.
fn absent(
    org: &OrgSlug,
    version: &ReleaseVersion,
    operation: ReleaseOperation,
    projects: &[String],
) -> Result<Outcome> {
    let what = format!("{org} has no release {version} of {}", projects.join(", "));
    match operation {
        ReleaseOperation::Delete => {
            Ok(Outcome::new(OutcomeStatus::Complete, format!("nothing to do: {what}")))
        }
        _ => Err(Error::new(ErrorCode::Refused, what)
            .with_hint("check the version, name a project that has it, or leave `--project` out")),
    }
}

/// What a call would do to the release; the end where that is not there.
fn planned(
    org: &OrgSlug,
    version: &ReleaseVersion,
    operation: ReleaseOperation,
    is_there: bool,
) -> Result<Outcome> {
    let what = match operation {
        ReleaseOperation::SetStatus(_) if !is_there => return Err(missing_release(version, org)),
        ReleaseOperation::SetStatus(status) => status_words(status),
        _ if !is_there => return Ok(deleted(version, org, false)),
        _ => "deleted",
    };
    let headline = format!("the release {version} of {org} would be {what}");
    Ok(Outcome { has_changes: true, ..Outcome::new(OutcomeStatus::Planned, headline) })
}

fn called_version(inputs: &Inputs) -> Result<ReleaseVersion> {
    let version = inputs.release.version.as_deref().unwrap_or_default();
    ReleaseVersion::parse(version).map_err(|reason| Error::new(ErrorCode::BadRelease, reason))
}

fn not_embedded() -> Error {
    let message = "the embedded backend has no such list";
    Error::new(ErrorCode::Unsupported, message)
        .with_hint("start `finishline serve` over its file, and set SENTRY_URL to its address")
}

fn release_line(version: &ReleaseVersion, org: &OrgSlug, state: &ReleaseState) -> String {
    let released = if state.date_released.is_some() { "finalized" } else { "not finalized" };
    format!(
        "the release {version} of {org} is {released}; commits: {}, deploys: {}",
        state.commit_count, state.deploy_count
    )
}

/// The releases of these projects, each once; of the organization where none is named.
async fn listed_releases(
    directory: &ReleaseDirectory,
    projects: &[String],
) -> Result<Vec<ListedRelease>> {
    if projects.is_empty() {
        return directory.releases(None).await;
    }
    let mut all: Vec<ListedRelease> = Vec::new();
    for slug in projects {
        for release in directory.releases(Some(slug)).await? {
            if all.iter().all(|known| known.version != release.version) {
                all.push(release);
            }
        }
    }
    Ok(all)
}

fn release_table(releases: &[ListedRelease], with_projects: bool) -> TextTable {
    let mut titles = vec!["Released", "Version"];
    titles.extend(with_projects.then_some("Projects"));
    let row = |one: &ListedRelease| {
        let released = one.date_released.map_or_else(|| "(unreleased)".to_owned(), date::iso);
        let projects = with_projects.then(|| one.projects.join(", "));
        [released, one.version.clone()].into_iter().chain(projects).collect()
    };
    TextTable::new("releases", &titles, releases.iter().map(row).collect())
}

fn deploy_table(deploys: &[ExistingDeploy]) -> TextTable {
    let row = |one: &ExistingDeploy| {
        let deploy = &one.deploy;
        let name = deploy.name.clone().unwrap_or_else(|| "-".to_owned());
        vec![deploy.environment.clone(), name, date::iso(deploy.finished)]
    };
    TextTable::new(
        "deploys",
        &["Environment", "Name", "Finished"],
        deploys.iter().map(row).collect(),
    )
}

fn repository_table(repositories: &[ListedRepository]) -> TextTable {
    let row = |one: &ListedRepository| {
        let url = one.url.clone().unwrap_or_else(|| "-".to_owned());
        vec![one.name.clone(), one.provider.clone(), url]
    };
    TextTable::new(
        "repositories",
        &["Name", "Provider", "URL"],
        repositories.iter().map(row).collect(),
    )
}

fn deleted(version: &ReleaseVersion, org: &OrgSlug, was_there: bool) -> Outcome {
    let headline = match was_there {
        true => format!("the release {version} of {org} is deleted"),
        false => format!("nothing to do: {org} has no release {version}"),
    };
    Outcome { changed: was_there, ..Outcome::new(OutcomeStatus::Complete, headline) }
}

fn status_set(version: &ReleaseVersion, org: &OrgSlug, status: ReleaseStatus) -> Outcome {
    let headline = format!("the release {version} of {org} is {}", status_words(status));
    Outcome { changed: true, ..Outcome::new(OutcomeStatus::Complete, headline) }
}

fn status_words(status: ReleaseStatus) -> &'static str {
    match status {
        ReleaseStatus::Archived => "archived",
        ReleaseStatus::Open => "restored",
    }
}

impl RunContext<'_> {
    /// A table as it is shown: without secrets, and nothing to obey in a cell.
    fn shown_table(&self, table: TextTable) -> Outcome {
        table.into_outcome(|cell| self.sinks.shown_words(cell))
    }

    /// The versions alone, for a script. One that a host would obey on its line is left out.
    fn version_list(&self, releases: &[ListedRelease], delimiter: char) -> Outcome {
        let (plain, odd): (Vec<_>, Vec<_>) = releases
            .iter()
            .map(|one| &one.version)
            .partition(|version| self.sinks.shown_words(version) == **version);
        let plain: Vec<_> = plain.into_iter().map(String::as_str).collect();
        let headline = format!("releases: {}", plain.len());
        let mut document = plain.join(&delimiter.to_string());
        document.push('\n');
        let warnings = odd.into_iter().map(|version| {
            let message =
                format!("a release is not listed, as a CI system may obey its version: {version}");
            Warning::new("not-listed", message)
        });
        let warnings = warnings.collect();
        let outcome = Outcome::new(OutcomeStatus::Complete, headline);
        Outcome { document: Some(document), warnings, ..outcome }
    }

    /// Who the token is, and what the call would be about.
    fn token_info(
        &self,
        inputs: &Inputs,
        owner: Result<TokenOwner>,
        needs_defaults: bool,
        as_json: bool,
    ) -> Result<Outcome> {
        let (org, project) = (inputs.org.as_ref(), inputs.release.projects.first());
        if as_json {
            let config = json!({ "org": org.map(OrgSlug::as_str), "project": project, "url": inputs.page_url().as_str() });
            let auth = json!({ "type": "token", "successful": owner.is_ok() });
            let shown = json!({ "config": config, "auth": auth, "have_dsn": false });
            let outcome = Outcome::new(OutcomeStatus::Complete, "the settings of the call");
            return Ok(Outcome { document: Some(format!("{shown:#}\n")), ..outcome });
        }
        let owner = owner?;
        let lacks = [org.is_none().then(missing::org), project.is_none().then(missing::projects)];
        let lacks: Vec<_> = lacks.into_iter().flatten().collect();
        if let Some(failure) = Error::combine(lacks).filter(|_| needs_defaults) {
            return Err(failure);
        }
        let lines = self.info_lines(inputs, &owner);
        let outcome = Outcome::new(OutcomeStatus::Complete, "the token is accepted");
        Ok(Outcome { document: Some(lines.join("\n") + "\n"), ..outcome })
    }

    fn info_lines(&self, inputs: &Inputs, owner: &TokenOwner) -> Vec<String> {
        let org = inputs.org.as_ref().map_or("-", OrgSlug::as_str);
        let project = inputs.release.projects.first().map_or("-", String::as_str);
        let user =
            owner.user.iter().map(|user| format!("  User: {}", self.sinks.shown_words(user)));
        let scopes =
            owner.scopes.iter().map(|scope| format!("    - {}", self.sinks.shown_words(scope)));
        let head = [
            format!("Sentry Server: {}", inputs.page_url()),
            format!("Default Organization: {org}"),
            format!("Default Project: {project}"),
            String::new(),
            "Authentication Info:".to_owned(),
            "  Method: Auth Token".to_owned(),
        ];
        head.into_iter().chain(user).chain(["  Scopes:".to_owned()]).chain(scopes).collect()
    }
}
