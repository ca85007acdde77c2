//! The release job of a run: on the embedded backend or at a Sentry, with one deadline.

use super::RunContext;
use super::commits::CommitSources;
use super::server_access::base_url;
use super::sourcemaps::{ExaminedSourcemaps, FoundSourcemaps, bundle_target};
use crate::backend::embedded::EmbeddedReleases;
use crate::backend::sentry::SentryReleases;
use crate::database::path;
use crate::error::{Error, ErrorCode, Result, Warning};
use crate::inputs::Inputs;
use crate::inputs::types::BackendName;
use crate::manifest::{ComparedDeploy, ComparedRelease};
use crate::model::site::Site;
use crate::os::activity;
use crate::os::clock::unix_ms;
use crate::outcome::release::ReleaseReport;
use crate::outcome::{CANCELLED, Outcome};
use crate::output;
use crate::release::driver::{ReleaseProgress, drive, planned_earlier_deploy};
use crate::release::{
    CommitPlan, CommitReader, Deploy, HistorySource, ReleaseBackend, ReleaseTask,
};
use std::path::Path;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// A release job that is ready to go.
pub(crate) struct PreparedRelease<'a> {
    inputs: &'a Inputs,
    sources: CommitSources<'a>,
    /// What is asked for.
    pub(crate) task: ReleaseTask,
    sourcemaps: Option<FoundSourcemaps<'a>>,
    deadline: Instant,
}

impl<'a> PreparedRelease<'a> {
    /// Decides everything that can be decided without a backend.
    pub(crate) fn new<'r: 'a>(
        run: &RunContext<'r>,
        inputs: &'a Inputs,
        backend: BackendName,
        deadline: Instant,
    ) -> Result<Self> {
        let mut sources = CommitSources::new(inputs, run.job, run.env, deadline);
        let fetches = backend == BackendName::Sentry;
        let task = ReleaseTask::new(inputs, run.job, &sources.checkout_info(), fetches)
            .and_then(|task| task.check_deploy_times(unix_ms()).map(|()| task));
        let (task, sourcemaps) = match (task, FoundSourcemaps::find(&inputs.sourcemaps)) {
            (Ok(task), Ok(sourcemaps)) => (task, sourcemaps),
            (task, sourcemaps) => {
                let mistakes = task.err().into_iter().chain(sourcemaps.err()).collect();
                return Err(Error::combine(mistakes).expect("one of the two is a mistake"));
            }
        };
        sources.repository.clone_from(&task.repository);
        Ok(Self { inputs, sources, task, sourcemaps, deadline })
    }

    /// What of it another entry of a manifest may not have as well.
    pub(crate) fn compared(&self) -> ComparedRelease {
        let task = &self.task;
        let deploy = task.deploy.as_ref().map(|deploy| ComparedDeploy {
            version: task.version.to_string(),
            environment: deploy.environment.clone(),
            projects: task.projects.iter().cloned().collect(),
            name: deploy.name.clone(),
            page: deploy.url.clone(),
        });
        let build_files = self.sourcemaps.as_ref().map(FoundSourcemaps::files);
        let part_of = task.is_part.then(|| (task.org.to_string(), task.version.to_string()));
        ComparedRelease { deploy, build_files: build_files.unwrap_or_default(), part_of }
    }

    /// The texts that outputs will show, which a mask must not hit.
    pub(crate) fn visible_texts(&self, backend: &Result<BackendName>) -> Vec<String> {
        let task = &self.task;
        let site = Site::new(match backend {
            Ok(BackendName::Embedded) => base_url(self.inputs).to_owned(),
            _ => self.inputs.page_url().into(),
        });
        let words = [task.version.to_string(), task.org.to_string()];
        let page = ReleaseReport { task, site: &site }.url().map(|page| page.to_string());
        let environment = task.deploy.as_ref().map(|deploy| deploy.environment.clone());
        words.into_iter().chain(page).chain(environment).collect()
    }

    /// Makes the release and its deploy; a failure is an outcome too.
    pub(crate) async fn execute(self, run: &RunContext<'_>, backend: BackendName) -> Outcome {
        let (version, org) = (self.task.version.as_str(), self.task.org.as_str());
        let deploy = self.task.deploy.as_ref().map(|deploy| deploy.environment.as_str());
        tracing::info!(version, org, deploy, from = self.task.origin.words(), "releasing");
        self.task.notes.iter().for_each(|note| tracing::info!("{note}"));
        self.carry_out(run, backend).await.unwrap_or_else(Outcome::failed)
    }

    /// The source maps as far as this machine goes, then the backend.
    async fn carry_out(mut self, run: &RunContext<'_>, backend: BackendName) -> Result<Outcome> {
        if self.inputs.dry_run {
            self.preview_commits().await?;
        }
        let mut maps = match self.sourcemaps.take() {
            Some(found) => {
                let (org, version) = (&self.task.org, Some(&self.task.version));
                Some(found.examine(bundle_target(self.inputs, org, version)).await?)
            }
            None => None,
        };
        // What a plan does not compare is a part of it, too; only the same version reads it again.
        let wanted = format!(
            "{:?} {:?}{}",
            self.inputs.release,
            self.inputs.sourcemaps,
            self.task.looked_up(&self.inputs.release)
        );
        let is_dry = self.inputs.dry_run;
        let allows_empty = self.inputs.sourcemaps.allow_empty;
        match &mut maps {
            Some(maps) if is_dry => maps.plan(run, self.inputs, self.deadline).await,
            Some(maps) => maps.write().await?,
            None => {}
        }
        let outcome = match backend {
            BackendName::Embedded => self.on_embedded(run, maps.as_mut()).await?,
            BackendName::Sentry => self.on_sentry(run, maps.as_mut()).await?,
        };
        if let Some(maps) = maps.as_mut().filter(|_| !is_dry) {
            maps.note_left_maps();
        }
        let outcome = match maps.map(|maps| maps.progress) {
            Some(progress) if is_dry => progress.beside_plan(outcome, allows_empty),
            Some(progress) => progress.beside(outcome),
            None => outcome,
        };
        let plan = outcome.plan.map(|plan| Box::new(plan.with_wanted(&wanted)));
        Ok(Outcome { plan, ..outcome })
    }

    /// Says of commits that the checkout does not give what a run would say.
    async fn preview_commits(&mut self) -> Result {
        let CommitPlan::Upload(source @ HistorySource::Checkout) = self.task.commits else {
            return Ok(());
        };
        let head = self.task.head.as_deref().unwrap_or_default();
        match self.sources.read(source, head, self.task.known_previous()).await {
            Err(failure) if self.task.needs_commits => return Err(failure),
            Err(failure) => {
                let message = format!(
                    "the release would be sent without commits: {failure} ({})",
                    failure.hint
                );
                self.task.warnings.push(Warning::new("no-commits", message));
            }
            Ok(_) => {}
        }
        Ok(())
    }

    async fn on_embedded(
        self,
        run: &RunContext<'_>,
        maps: Option<&mut ExaminedSourcemaps<'_>>,
    ) -> Result<Outcome> {
        let path = path::resolve_path(self.inputs.database.as_deref(), run.env)?;
        let site = Site::new(base_url(self.inputs));
        let task = &self.task;
        if self.inputs.dry_run {
            return self.plan_embedded(&path, &site).await;
        }
        let mut backend = EmbeddedReleases::open(&path, &task.org, &task.version).await?;
        let mut outcome = self.run(run, &mut backend, maps, &site).await;
        outcome.details.append(&mut backend.created);
        Ok(outcome)
    }

    /// The same in a file that is only read, and may not be there.
    async fn plan_embedded(&self, path: &Path, site: &Site) -> Result<Outcome> {
        let task = &self.task;
        let (mut standing, mut earlier) = (None, None);
        let backend = EmbeddedReleases::open_to_read(path, &task.org, &task.version).await?;
        if let Some(mut backend) = backend {
            standing = backend.existing().await?;
            earlier = planned_earlier_deploy(&mut backend, task, standing.as_ref()).await?;
        }
        let note = if path.exists() { "" } else { " (would be created)" };
        let backend = format!("backend: embedded, {}{note}", path.display());
        let lines = task.planned_lines(&self.inputs.release.paths, earlier.is_some());
        let report = ReleaseReport { task, site };
        Ok(report.planned(standing.as_ref(), earlier, [lines, vec![backend]].concat()))
    }

    async fn on_sentry(
        self,
        run: &RunContext<'_>,
        maps: Option<&mut ExaminedSourcemaps<'_>>,
    ) -> Result<Outcome> {
        let options = run.release_server(self.inputs, self.deadline)?;
        let mark = output::random_delimiter()
            .map_err(|error| Error::new(ErrorCode::Internal, error.to_string()))?;
        let (org, version) = (self.task.org.clone(), self.task.version.clone());
        let mut backend = SentryReleases::new(options, org, version, &mark)?;
        let site = Site::new(self.inputs.page_url());
        if self.inputs.dry_run {
            return self.plan(&mut backend, &site).await;
        }
        Ok(self.run(run, &mut backend, maps, &site).await)
    }

    /// Reads only: what is there, and the requests as far as what is there does not decide them.
    async fn plan(&self, backend: &mut SentryReleases, site: &Site) -> Result<Outcome> {
        let (task, now) = (&self.task, unix_ms());
        let standing = backend.existing(&task.projects).await?;
        if standing.is_none() {
            backend.check_projects(&task.projects).await?;
        }
        let earlier = planned_earlier_deploy(backend, task, standing.as_ref()).await?;
        let mut change = task.change(now);
        change.refs = task.refs();
        let mut requests = vec![backend.first_request(&task.projects, &change)];
        if let CommitPlan::Upload(source) = task.commits {
            requests.push(format!("with the commits from {}", source.describe()));
        }
        let deploy = task.deploy.as_ref().filter(|_| earlier.is_none());
        requests.extend(deploy.map(|deploy| {
            let finished = task.finished_at.unwrap_or(now);
            let deploy = Deploy { finished, ..deploy.clone() };
            format!("then {}", backend.deploy_request(&task.projects, &deploy))
        }));
        Ok(ReleaseReport { task, site }.planned(standing.as_ref(), earlier, requests))
    }

    /// The job within the deadline. What was done when it passes, or at a failure, is reported.
    async fn run(
        mut self,
        run: &RunContext<'_>,
        backend: &mut impl ReleaseBackend,
        mut maps: Option<&mut ExaminedSourcemaps<'_>>,
        site: &Site,
    ) -> Outcome {
        let mut done = ReleaseProgress::default();
        let (inputs, deadline) = (self.inputs, self.deadline);
        let work = async {
            let beside = async {
                match &mut maps {
                    Some(maps) => maps.send(run, inputs, deadline).await,
                    None => Ok(()),
                }
            };
            let (sources, task) = (&mut self.sources, &self.task);
            drive(backend, sources, task, unix_ms(), beside, &mut done).await?;
            if let Some(maps) = &mut maps {
                maps.delete_maps()?;
            }
            let commits = wait_for_commits(backend, &mut done, deadline);
            match self.task.wait_for_commits {
                true => timeout_at(self.deadline, commits)
                    .await
                    .unwrap_or_else(|_| Err(commits_not_fetched())),
                false => Ok(()),
            }
        };
        let result = run.cancellation.within(deadline, work).await;
        let report = ReleaseReport { task: &self.task, site };
        match result {
            Ok(Ok(())) => report.complete(&done),
            Ok(Err(failure)) => report.failed(&done, failure),
            Err(end) => {
                let message = match end {
                    ErrorCode::Cancelled => CANCELLED,
                    _ => "the deadline passed before the release was complete",
                };
                report.failed(&done, Error::new(end, message))
            }
        }
    }
}

/// Waits until the backend has the commits; the deadline ends it.
async fn wait_for_commits(
    backend: &mut impl ReleaseBackend,
    done: &mut ReleaseProgress,
    deadline: Instant,
) -> Result {
    let words = || "waiting for Sentry to fetch the commits".to_owned();
    let _shown = activity::begin(words).until(deadline.into_std());
    let mut wait = Duration::from_millis(250);
    while done.commit_count.is_none_or(|count| count == 0) && !done.commits.is_empty() {
        tracing::info!("waiting for the backend to fetch the commits");
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(5));
        let standing = backend.read().await?;
        done.commit_count = standing.map(|standing| standing.commit_count);
    }
    if let Some(count) = done.commit_count {
        tracing::info!(count, "the backend has the commits");
    }
    Ok(())
}

fn commits_not_fetched() -> Error {
    let message = "the backend did not fetch the release's commits before the deadline";
    Error::new(ErrorCode::Deadline, message)
        .with_hint("check that an integration is linked to the repository, and raise `timeout`")
}
