//! The release that is asked for, with everything decided that can be before the backend is asked.

use super::backend::{Deploy, HistorySource, ReleaseState, ReleaseUpdate};
use super::code_version::{CheckoutInfo, CodeVersion};
use super::other_repository::{self, CommitConflict};
use super::revision;
use super::version::{self, ReleaseVersion, VersionSource};
use crate::error::{Error, ErrorCode, Result, Warning};
use crate::inputs::Inputs;
use crate::inputs::release::{
    CommitSource, ENVIRONMENT_RULE, PreviousCommit, Ref, ReleaseInputs, is_environment,
};
use crate::inputs::types::CalledRelease;
use crate::inputs::{missing, usage};
use crate::job::Job;
use crate::model::OrgSlug;
use crate::text::quote;

/// Where the commits come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitPlan {
    /// There are none.
    None,
    /// The backend fetches those of these heads.
    Refs(Vec<Ref>),
    /// The same with the head that the job tells; where the backend does not know its repository,
    /// the checkout has them.
    FromJob(Ref),
    /// They are read here and sent in full.
    Upload(HistorySource),
}

/// The release that is asked for.
#[derive(Debug)]
pub struct ReleaseTask {
    /// The organization.
    pub org: OrgSlug,
    /// The slugs of its projects.
    pub projects: Vec<String>,
    /// Whether the release must be there; it keeps its projects.
    pub must_exist: bool,
    /// Its version.
    pub version: ReleaseVersion,
    /// Where the version came from.
    pub origin: VersionSource,
    /// The commit that it is made of.
    pub head: Option<String>,
    /// Why that is not the event's commit, where it is not, and what a version of a commit leaves out.
    pub notes: Vec<String>,
    /// The repository of that commit.
    pub repository: Option<String>,
    /// A page about it.
    pub url: Option<String>,
    /// Whether that page was named, and goes before the one that the release has.
    pub has_own_page: bool,
    /// When it came out, where that was said.
    pub released_at: Option<i64>,
    /// When its deploy was through, where that was said.
    pub finished_at: Option<i64>,
    /// Whether it is out.
    pub finalize: bool,
    /// Where its commits come from.
    pub commits: CommitPlan,
    /// The commit of the release before, as far as the inputs tell it.
    pub previous: PreviousCommit,
    /// Whether its commits are only those that touch some paths: other jobs send the rest.
    pub is_part: bool,
    /// The commit that the job's change starts from, which is next best.
    pub base: Option<String>,
    /// Its deploy. `finished` is set when it is noted.
    pub deploy: Option<Deploy>,
    /// Whether the same deploy of an earlier attempt counts: off CI each run is a new one, and without a
    /// page nothing tells an attempt of this run from another run.
    pub attempts: bool,
    /// Whether the host's repositories may have names that tell nothing of their path.
    pub by_display_name: bool,
    /// Whether commits that cannot be read are a failure, as in a call of sentry-cli that sets them.
    pub needs_commits: bool,
    /// Whether a repository that the backend does not know is a failure, as in a call of sentry-cli.
    pub needs_repositories: bool,
    /// Whether to ask if the backend can fetch the commits of the heads that it took. A release and its
    /// deploy alone are two requests, and stay so.
    pub checks_heads: bool,
    /// Whether to wait until the backend has the commits.
    pub wait_for_commits: bool,
    /// What the reader should know of these decisions.
    pub warnings: Vec<Warning>,
}

impl ReleaseTask {
    /// Takes the task from the inputs, the job and the checkout. `fetches` says whether the
    /// backend fetches the commits of a head by itself.
    pub fn new(inputs: &Inputs, job: &Job, checkout: &CheckoutInfo, fetches: bool) -> Result<Self> {
        let release = &inputs.release;
        let (source, previous) = revision::resolve(release, job, checkout)?;
        let code = CodeVersion::new(job, checkout);
        let (org, (version, origin), deploy) = checked(inputs, job, checkout, &code)?;
        let (commits, mut warnings) = commits(&source, !release.paths.is_empty(), &code, fetches);
        // A call of sentry-cli says all that it sets: it may stand in another repository's job.
        let is_called = release.called != CalledRelease::NotCalled;
        let tells_head = !is_called || !matches!(commits, CommitPlan::None);
        let run_page = job.run_url_without_attempt.clone().filter(|_| !is_called);
        let page = release.page.as_ref().map(ToString::to_string);
        let has_deploy_page = deploy.as_ref().is_some_and(|deploy| deploy.url.is_some());
        let unknown = unknown_remote(checkout, job, &commits);
        let doubts = [unused_time(release), unknown, uncertain_head(&code, job), code.warning];
        warnings.extend(doubts.into_iter().flatten());
        Ok(Self {
            org,
            projects: release.projects.clone(),
            must_exist: release.called == CalledRelease::Existing,
            version,
            origin,
            head: named_commit(&source).or(code.head).filter(|_| tells_head),
            notes: code.note.into_iter().chain(tag_note(job, origin)).collect(),
            repository: code.repository,
            url: page.or(run_page),
            has_own_page: release.page.is_some(),
            released_at: release.released_at,
            finished_at: release.finished_at,
            finalize: release.finalize,
            previous,
            is_part: !release.paths.is_empty(),
            base: job.base_sha.clone().filter(|_| !code.is_elsewhere),
            needs_commits: is_called && matches!(commits, CommitPlan::Upload(_)),
            commits,
            checks_heads: deploy.is_none() || is_long(inputs),
            deploy,
            attempts: job.host.is_ci() && has_deploy_page,
            by_display_name: !job.host.is_github_like(),
            needs_repositories: is_called && matches!(source, CommitSource::Refs(_)),
            wait_for_commits: release.wait_for_commits,
            warnings,
        })
    }

    /// Refuses a deploy that ends before it starts, or that has not ended or begun yet: with a later one
    /// there, none would be the last.
    ///
    /// # Errors
    ///
    /// Which time is wrong; `now` is in milliseconds since 1970.
    pub fn check_deploy_times(&self, now: i64) -> Result {
        let started = self.deploy.as_ref().and_then(|deploy| deploy.started);
        let finished = self.finished_at.filter(|_| self.deploy.is_some());
        let message = match (started, finished) {
            (Some(started), Some(finished)) if finished < started => {
                "the deploy ends before it starts: `finished-at` is earlier than `started-at`"
            }
            (_, Some(finished)) if finished > now + CLOCK_SKEW => {
                "the deploy has not ended yet: `finished-at` is in the future"
            }
            (Some(started), _) if started > now + CLOCK_SKEW => {
                "the deploy has not begun yet: `started-at` is in the future"
            }
            _ => return Ok(()),
        };
        let hint =
            "check the time, its zone (without one it is UTC), and the clock that it comes from";
        Err(Error::new(ErrorCode::Usage, message).with_hint(hint))
    }

    /// The release that must be there is not.
    pub(crate) fn not_there(&self) -> Error {
        missing_release(&self.version, &self.org)
    }

    /// What is said of the release first, without its commits.
    pub fn change(&self, now: i64) -> ReleaseUpdate {
        ReleaseUpdate {
            r#ref: self.head.clone(),
            url: self.url.clone(),
            date_released: self.finalize.then(|| self.released_at.unwrap_or(now)),
            ..ReleaseUpdate::default()
        }
    }

    /// Whether the page goes into the release as it is. What was said goes before what is there, what was
    /// only found does not.
    pub(crate) fn sets_page(&self, standing: &ReleaseState) -> bool {
        let is_other = self.has_own_page && standing.url != self.url;
        self.url.is_some() && (standing.url.is_none() || is_other)
    }

    /// The same of the time at which it came out.
    pub(crate) fn sets_date(&self, standing: &ReleaseState) -> bool {
        let said = self.released_at;
        let is_other = said.is_some() && standing.date_released != said;
        self.finalize && (standing.date_released.is_none() || is_other)
    }

    /// What to say of another repository's commits in the release as it is. `ours` are the heads by
    /// the backend's names of their repositories; none where these are not known.
    pub(crate) fn conflict(
        &self,
        existing: &ReleaseState,
        ours: &[Ref],
        conflict: CommitConflict,
    ) -> Option<Warning> {
        if !ours.is_empty() {
            return other_repository::warn(existing, ours, conflict);
        }
        // A display name such as `Acme / Web` may be that of our repository.
        let is_display_name = |name: &String| name.contains(" / ");
        if existing.last_repository.as_ref().is_some_and(is_display_name) {
            return None;
        }
        let ours = match &self.commits {
            CommitPlan::None => Vec::new(),
            CommitPlan::Refs(refs) => refs.clone(),
            CommitPlan::FromJob(_) | CommitPlan::Upload(_) => {
                self.head_of(self.repository.as_deref()).into_iter().collect()
            }
        };
        other_repository::warn(existing, &ours, conflict)
    }

    /// The task's head in the repository of this name.
    pub(crate) fn head_of(&self, repository: Option<&str>) -> Option<Ref> {
        let (repository, commit) = (repository?.to_owned(), self.head.clone()?);
        Some(Ref { repository, commit, previous: None })
    }

    /// The same of a plan.
    pub(crate) fn planned_conflict(&self, existing: &ReleaseState) -> Option<Warning> {
        let keeps = self.previous == PreviousCommit::LookUp
            && matches!(self.commits, CommitPlan::Upload(_));
        let conflict = if keeps { CommitConflict::Keeps } else { CommitConflict::Replaces };
        self.conflict(existing, &[], conflict)
    }

    /// The commit of the release before, as far as it is known without asking the backend.
    pub fn known_previous(&self) -> Option<&str> {
        match &self.previous {
            PreviousCommit::Sha(sha) => Some(sha),
            PreviousCommit::LookUp => None,
            PreviousCommit::Unspecified => self.base.as_deref(),
        }
    }

    /// The heads whose commits the backend fetches, each with the commit before it that is named.
    pub fn refs(&self) -> Vec<Ref> {
        let named = match &self.previous {
            PreviousCommit::Sha(sha) => Some(sha.clone()),
            PreviousCommit::Unspecified | PreviousCommit::LookUp => None,
        };
        let since =
            |one: &Ref| Ref { previous: one.previous.clone().or(named.clone()), ..one.clone() };
        match &self.commits {
            CommitPlan::Refs(refs) => refs.iter().map(since).collect(),
            CommitPlan::FromJob(code) => vec![since(code)],
            CommitPlan::None | CommitPlan::Upload(_) => Vec::new(),
        }
    }
}

/// A release that must be there is not.
pub(crate) fn missing_release(version: &ReleaseVersion, org: &OrgSlug) -> Error {
    let message = format!("the release {} does not exist in {org}", quote(version.as_str()));
    Error::new(ErrorCode::Refused, message).with_hint("make it with `releases new`")
}

/// Whether a run takes more than the requests of a release and its deploy anyway.
fn is_long(inputs: &Inputs) -> bool {
    inputs.release.wait_for_commits || inputs.sourcemaps.is_requested()
}

/// What must be known, with all mistakes in it at once.
fn checked(
    inputs: &Inputs,
    job: &Job,
    checkout: &CheckoutInfo,
    code: &CodeVersion,
) -> Result<(OrgSlug, (ReleaseVersion, VersionSource), Option<Deploy>)> {
    let release = &inputs.release;
    let named = release.version.as_deref();
    let detected = release.detected_version.as_ref();
    let is_named = named.is_some() || detected.is_some();
    let version = version::choose(named, detected, &release.prefix, job, code)
        .map_err(|error| checkout.explain(error, is_named, job))
        .and_then(|version| known(version, code));
    let has_projects = !release.projects.is_empty() || release.called == CalledRelease::Existing;
    match (&inputs.org, version, deploy(inputs, job)) {
        (Some(org), Ok(version), Ok(deploy)) if has_projects => Ok((org.clone(), version, deploy)),
        (org, version, deploy) => {
            let no_org = org.is_none().then(missing::org);
            let mistakes =
                [no_org, (!has_projects).then(missing::projects), version.err(), deploy.err()];
            let mistakes = mistakes.into_iter().flatten().collect();
            Err(Error::combine(mistakes).expect("one of the four is a mistake"))
        }
    }
}

/// The version that was chosen, unless it says what was built and only an unreadable checkout knows
/// that.
fn known<T>(chosen: (T, VersionSource), code: &CodeVersion) -> Result<(T, VersionSource)> {
    match &code.unreadable {
        Some(error) if chosen.1 == VersionSource::Pushed => Err(error.clone()),
        _ => Ok(chosen),
    }
}

/// A clock may be wrong by this much, in milliseconds.
const CLOCK_SKEW: i64 = 600_000;

/// The commit that the inputs name.
fn named_commit(commits: &CommitSource) -> Option<String> {
    let CommitSource::Refs(refs) = commits else { return None };
    refs.first().map(|first| first.commit.clone())
}

/// The deploy that is asked for; without an environment there is none, unless one is demanded.
fn deploy(inputs: &Inputs, job: &Job) -> Result<Option<Deploy>> {
    let release = &inputs.release;
    let host_environment = job.environment.as_ref().filter(|_| release.deploy == Some(true));
    let environment = match (release.deploy, release.environment.as_ref().or(host_environment)) {
        (Some(false), _) | (None, None) => return Ok(None),
        (_, Some(environment)) if !is_environment(environment) => {
            let message = format!(
                "the CI host's environment {} is not a valid Sentry environment",
                quote(environment)
            );
            let hint = format!("set `environment` to {ENVIRONMENT_RULE}");
            return Err(Error::new(ErrorCode::Usage, message).with_hint(hint));
        }
        (_, Some(environment)) => environment.clone(),
        (Some(true), None) => {
            let message = "`deploy: true` needs an `environment`, but the CI host provides none";
            return Err(Error::new(ErrorCode::Usage, message).with_hint("set `environment`"));
        }
    };
    let page = release.deploy_url.as_ref().map(ToString::to_string);
    Ok(Some(Deploy {
        environment,
        name: release.deploy_name.clone(),
        url: page.or_else(|| job.run_url_without_attempt.clone()),
        started: release.started_at,
        finished: 0,
    }))
}

/// How to name a release after the tag of the job, where it is named after its commit.
fn tag_note(job: &Job, origin: VersionSource) -> Option<String> {
    let tag = job.tag.as_ref().filter(|_| origin == VersionSource::Pushed)?;
    Some(format!(
        "the release is named after the commit, as programs that report errors do; set `release` to \
         name it after the tag {}",
        quote(tag)
    ))
}

/// A time of a release that does not come out.
fn unused_time(release: &ReleaseInputs) -> Option<Warning> {
    let is_unused = release.released_at.is_some() && !release.finalize;
    is_unused.then(|| usage::warning("released-at", "a release that is not finalized"))
}

/// A remote that is not there, where it would have named the repository.
fn unknown_remote(checkout: &CheckoutInfo, job: &Job, commits: &CommitPlan) -> Option<Warning> {
    let names_repository = job.repository.is_none() && !matches!(commits, CommitPlan::None);
    checkout.no_remote.clone().filter(|_| names_repository)
}

/// A commit that may not be the one that a person pushed.
fn uncertain_head(code: &CodeVersion, job: &Job) -> Option<Warning> {
    let doubted = job.sha.is_some() && !job.head_sha_known && code.head == job.sha;
    let message =
        "the CI host does not provide the pushed commit, so the checked-out commit is used";
    doubted.then(|| Warning::new("head-not-known", message))
}

/// Decides where the commits come from; each fallback says why.
fn commits(
    source: &CommitSource,
    filtered: bool,
    code: &CodeVersion,
    fetches: bool,
) -> (CommitPlan, Vec<Warning>) {
    let warn = |message: &str| vec![Warning::new("commits-elsewhere", message)];
    match (source, &code.repository, &code.head) {
        (CommitSource::None, ..) => (CommitPlan::None, Vec::new()),
        (CommitSource::Refs(refs), ..) => (CommitPlan::Refs(refs.clone()), Vec::new()),
        (CommitSource::GitHub, ..) if filtered => (
            CommitPlan::Upload(HistorySource::Checkout),
            warn(
                "GitHub's API does not return the files of each commit, so `paths` is applied to the checkout",
            ),
        ),
        (CommitSource::GitHub, ..) => (CommitPlan::Upload(HistorySource::GitHub), Vec::new()),
        (CommitSource::Auto, Some(repository), Some(head)) if fetches && !filtered => {
            let (repository, commit) = (repository.clone(), head.clone());
            (CommitPlan::FromJob(Ref { repository, commit, previous: None }), Vec::new())
        }
        (CommitSource::Auto | CommitSource::Local, ..) => {
            (CommitPlan::Upload(HistorySource::Checkout), Vec::new())
        }
    }
}
