//! What a plan would change of a release, and the deploy that it would record.

use super::changes::{ChangeAction, ChangedKind, EntryPlan, PlanComparison, PlannedPlace};
use crate::release::{Deploy, ExistingRelease, ReleaseTask};
use crate::text::date;

/// The field for when a release came out.
pub(super) const RELEASED: &str = "dateReleased";
/// Stands for the time of the run.
const NOW: &str = "now";

/// What would change of what is there. `is_deployed`: an earlier attempt has recorded the deploy.
pub(super) fn plan(
    task: &ReleaseTask,
    existing: Option<&ExistingRelease>,
    is_deployed: bool,
) -> EntryPlan {
    let mut comparison = PlanComparison::default();
    comparison.note("organization", None, Some(task.org.as_str()));
    release(task, existing, &mut comparison);
    if let Some(deploy) = &task.deploy {
        record_deploy(deploy, is_deployed, &mut comparison);
    }
    comparison.finish(PlannedPlace::default())
}

fn release(
    task: &ReleaseTask,
    existing: Option<&ExistingRelease>,
    comparison: &mut PlanComparison,
) {
    let nothing = ExistingRelease::default();
    let ExistingRelease { state, projects } = existing.unwrap_or(&nothing);
    // Each release has a project: where a server tells none, they are not known.
    let is_known = existing.is_none() || !projects.is_empty();
    let is_added = |slug: &&String| is_known && !projects.contains(slug);
    let added: Vec<_> = task.projects.iter().filter(is_added).collect();
    let head = state.r#ref.clone();
    let is_head = task.head.is_none() || head == task.head;
    let (has_page, is_out) = (!task.sets_page(state), !task.sets_date(state));
    let is_same = added.is_empty() && is_head && has_page && is_out;
    let (action, verb) = match existing {
        None => (ChangeAction::Create, "create"),
        Some(_) if is_same => (ChangeAction::Keep, "keep"),
        Some(_) => (ChangeAction::Update, "update"),
    };
    let name = task.version.as_str();
    comparison.begin(action, ChangedKind::Release, name, format!("{verb} release {name}"));
    let all = |slugs: &[&String]| {
        let slugs: Vec<_> = slugs.iter().map(|slug| slug.as_str()).collect();
        (!slugs.is_empty()).then(|| slugs.join(", "))
    };
    let there: Vec<_> = projects.iter().collect();
    let wanted = [there.as_slice(), &added].concat();
    comparison.field("projects", all(&there), all(&wanted), added.is_empty());
    comparison.field("ref", head, task.head.clone(), is_head);
    // The page of a run is another one in the run that carries the plan out.
    match task.has_own_page {
        true => comparison.field("url", state.url.clone(), task.url.clone(), has_page),
        false if !has_page => comparison.show("url", None, task.url.clone()),
        false => {}
    }
    let time = task.released_at.map_or_else(|| NOW.to_owned(), date::iso);
    let now = task.finalize.then_some(time);
    comparison.field(RELEASED, state.date_released.map(date::iso), now, is_out);
}

fn record_deploy(deploy: &Deploy, is_deployed: bool, comparison: &mut PlanComparison) {
    let name = deploy.environment.as_str();
    let action = if is_deployed { ChangeAction::Keep } else { ChangeAction::Create };
    comparison.begin(action, ChangedKind::Deploy, name, format!("deploy to {name}"));
    for (field, wanted) in
        [("name", deploy.name.clone()), ("dateStarted", deploy.started.map(date::iso))]
    {
        let there = wanted.clone().filter(|_| is_deployed);
        let is_same = there == wanted;
        comparison.field(field, there, wanted, is_same);
    }
    if deploy.url.is_some() && !is_deployed {
        comparison.show("url", None, deploy.url.clone());
    }
}
