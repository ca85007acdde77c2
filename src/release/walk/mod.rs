//! The order in which a backend is told of a release: the release with its commits, what is
//! missing of it, the deploy. The only place that knows that order.

mod commits;
mod deploy;

use super::seam::{Change, Histories, Rejection, Releases, Said, Source, Standing};
use super::task::{Commits, ReleaseTask};
use crate::failure::{Code, Failure, Warning, quote};
use crate::inputs::release::Previous;

/// What was done, as far as it came: a failure leaves here what is there all the same.
#[derive(Debug, Default)]
pub struct Done {
    /// Whether the release is there.
    pub there: bool,
    /// Whether this run made it, or added a project to it.
    pub made: bool,
    /// Whether anything of a release that was there is different now.
    pub updated: bool,
    /// Whether it came out by this run.
    pub finalized: bool,
    /// The deploy, and whether this run noted it.
    pub deploy: Option<(String, bool)>,
    /// How many commits it has, as far as that is known.
    pub commit_count: Option<u64>,
    /// Where its commits come from, for a person.
    pub commits: String,
    /// What the reader should know all the same.
    pub warnings: Vec<Warning>,
}

impl Done {
    /// Whether anything at the backend is different now.
    pub fn changed(&self) -> bool {
        self.made || self.updated || self.deploy.as_ref().is_some_and(|(_, new)| *new)
    }

    fn warn(&mut self, slug: &'static str, message: impl Into<String>) {
        self.warnings.push(Warning::new(slug, message));
    }
}

/// Walks a release from its beginning to its deploy.
///
/// # Errors
///
/// The backend's failure. What was done until then stands in `done`.
pub async fn walk(
    backend: &mut impl Releases,
    histories: &mut impl Histories,
    task: &ReleaseTask,
    now: i64,
    done: &mut Done,
) -> Result<(), Failure> {
    done.warnings.extend(task.warnings.iter().cloned());
    let mut walk = Walk { backend, histories, task, now, done };
    let standing = walk.release().await?;
    walk.deploy(&standing).await
}

struct Walk<'a, B, H> {
    backend: &'a mut B,
    histories: &'a mut H,
    task: &'a ReleaseTask,
    now: i64,
    done: &'a mut Done,
}

impl<B: Releases, H: Histories> Walk<'_, B, H> {
    /// The release with its commits, and what is missing of one that was there.
    async fn release(&mut self) -> Result<Standing, Failure> {
        let mut change = Change { refs: self.task.refs(), ..self.task.change(self.now) };
        let mut differs = false;
        let late = self.task.previous == Previous::LookUp;
        match &self.task.commits {
            Commits::None | Commits::Named(_) | Commits::Told(_) => {}
            // Only a release that is there can be asked for the one before it.
            Commits::Read(_) if late => {}
            Commits::Read(source) => {
                self.read(*source, &mut change, None).await;
                differs = self.leave_what_is_there(&mut change).await?;
                self.name_commits(&mut change).await;
            }
        }
        self.note_commits(&change);
        let mut standing = self.say(&mut change, How::Ensure).await?;
        self.done.updated |= differs;
        if let (Commits::Read(source), true) = (&self.task.commits, late) {
            standing = self.look_up(*source, standing).await?;
        }
        let standing = self.complete(standing).await?;
        let sent = (standing.commit_count > 0).then_some(standing.commit_count);
        self.done.commit_count = sent.or(self.done.commit_count);
        Ok(standing)
    }

    /// Says the release until the backend takes it: what it rejects is left out, with a warning,
    /// and commits that are too large for the request follow in parts.
    async fn say(&mut self, change: &mut Change, how: How) -> Result<Standing, Failure> {
        let mut large = Vec::new();
        // Each round leaves something out, so there are few.
        loop {
            let said = match how {
                How::Ensure => self.backend.ensure(&self.task.projects, change).await?,
                How::Change => self.backend.change(change).await?,
            };
            match said {
                Said::There { standing, made } => {
                    self.done.there = true;
                    self.done.made |= made;
                    self.done.finalized |= made && self.task.finalize;
                    let repository = change.repository.as_deref();
                    return match large.is_empty() {
                        true => Ok(standing),
                        false => self.send(large, repository).await,
                    };
                }
                Said::TooLarge if !change.commits.is_empty() => {
                    large = std::mem::take(&mut change.commits);
                }
                Said::TooLarge => return Err(too_large()),
                Said::Rejected(rejection) => self.leave_out(rejection, change).await?,
            }
        }
    }

    /// Takes what was rejected out of the change, or puts something better in its place.
    async fn leave_out(
        &mut self,
        rejection: Rejection,
        change: &mut Change,
    ) -> Result<(), Failure> {
        let Rejection { field, reason, failure } = rejection;
        match field.as_str() {
            "refs" if !change.refs.is_empty() => {
                self.rename(&reason, change).await;
                Ok(())
            }
            "url" if change.url.is_some() => {
                let url = quote(&change.url.take().unwrap_or_default());
                let message = format!("the release goes without its page {url}: {reason}");
                self.done.warn("url-left-out", message);
                Ok(())
            }
            "commits" if change.commits.iter().any(|one| !commits::is_bare(one)) => {
                let message = format!("the commits are sent without authors and files: {reason}");
                self.done.warn("commits-cut", message);
                change.commits.iter_mut().for_each(commits::strip);
                Ok(())
            }
            "commits" if !change.commits.is_empty() => {
                change.commits.clear();
                self.done.warn("no-commits", format!("the release goes without commits: {reason}"));
                Ok(())
            }
            _ => Err(failure),
        }
    }

    /// Commits that the release has already are not sent again: nothing would be different.
    /// Whether it is there with others.
    async fn leave_what_is_there(&mut self, change: &mut Change) -> Result<bool, Failure> {
        let Some(newest) = change.commits.first().map(|newest| newest.id.clone()) else {
            return Ok(false);
        };
        let Some(standing) = self.backend.read().await? else { return Ok(false) };
        let count = change.commits.len() as u64;
        let same = standing.commit_count == count && standing.last_commit == Some(newest);
        if same {
            change.commits.clear();
        }
        Ok(!same)
    }

    /// Asks for the release before, and sends the commits since.
    async fn look_up(&mut self, source: Source, standing: Standing) -> Result<Standing, Failure> {
        if standing.commit_count > 0 {
            return Ok(standing);
        }
        let previous = self.backend.previous().await?;
        let mut change = Change::default();
        self.read(source, &mut change, previous.as_deref()).await;
        self.name_commits(&mut change).await;
        if change.commits.is_empty() {
            return Ok(standing);
        }
        let standing = self.say(&mut change, How::Change).await?;
        self.done.updated = true;
        Ok(standing)
    }

    /// Sets what a release that was there lacks.
    async fn complete(&mut self, standing: Standing) -> Result<Standing, Failure> {
        let wanted = self.task.change(self.now);
        let mut change = Change {
            r#ref: wanted.r#ref.filter(|head| standing.r#ref.as_ref() != Some(head)),
            url: wanted.url.filter(|_| standing.url.is_none() && !self.warned("url-left-out")),
            date_released: wanted.date_released.filter(|_| standing.date_released.is_none()),
            ..Change::default()
        };
        if change.is_empty() {
            return Ok(standing);
        }
        let standing = self.say(&mut change, How::Change).await?;
        self.done.finalized |= change.date_released.is_some();
        self.done.updated = true;
        Ok(standing)
    }

    fn warned(&self, slug: &str) -> bool {
        self.done.warnings.iter().any(|warning| warning.slug == slug)
    }
}

/// Whether the release is made or changed.
#[derive(Clone, Copy)]
enum How {
    Ensure,
    Change,
}

fn too_large() -> Failure {
    Failure::new(Code::BackendError, "the server takes no request of this size")
        .hint("raise the body size that the server, or a proxy before it, takes")
}
