//! What the host of a workflow decides: its events, and the system that a job runs on.

use super::yaml_tree::{YamlNode, YamlValue};

/// Events at which the checked-out commit is that of the job.
const HEAD_EVENTS: &[&str] =
    &["push", "schedule", "workflow_dispatch", "repository_dispatch", "release", "create"];

/// Events at which a step may rightly do nothing, as nothing was built.
const IDLE_EVENTS: &[&str] = &["delete", "deployment_status", "workflow_run"];

/// The events of a workflow, each with its `types:`.
fn events(document: &YamlNode) -> Vec<(&str, Vec<&str>)> {
    let Some(on) = document.get("on") else { return Vec::new() };
    let listed = on.text().into_iter().chain(on.list().iter().filter_map(YamlNode::text));
    let keyed = on.map().iter().filter_map(|(key, value)| {
        let types = value.get("types");
        let listed = types.map_or(&[][..], YamlNode::list).iter().filter_map(YamlNode::text);
        let types = types.and_then(YamlNode::text).into_iter().chain(listed).collect();
        Some((key.text()?, types))
    });
    listed.map(|name| (name, Vec::new())).chain(keyed).collect()
}

/// Whether the version that a step takes by default is that of the checked-out commit at every event.
pub(super) fn releases_head(document: &YamlNode) -> bool {
    let events = events(document);
    !events.is_empty() && events.iter().all(|(name, _)| HEAD_EVENTS.contains(name))
}

/// Whether a workflow has a ref at every event: a deployment may be of a commit.
pub(super) fn has_ref(document: &YamlNode) -> bool {
    let events = events(document);
    let is_without =
        |name: &str| name.starts_with("deployment") || matches!(name, "delete" | "workflow_call");
    !events.is_empty() && !events.iter().any(|(name, _)| is_without(name))
}

/// Where the events are named, if not in this document alone.
fn other_events(document: &YamlNode) -> Option<&'static str> {
    let is_of_caller = |(name, _): &(&str, Vec<&str>)| *name == "workflow_call";
    if document.get("runs").is_some() || events(document).iter().any(is_of_caller) {
        return Some("the event is the caller's");
    }
    document.get("on").is_some_and(is_alias).then_some("an alias names the events")
}

/// What is to be said where a step may do nothing at an event at which a call did something.
pub(super) fn idle_words(document: &YamlNode) -> Option<String> {
    let idle = idle_event(document);
    let named =
        idle.map(|event| format!("at the event `{event}` a step of finishline may do nothing"));
    let other = other_events(document);
    let other = other
        .map(|where_named| format!("{where_named}, and at some a step of finishline does nothing"));
    named.or(other)
}

/// An event at which a step may do nothing where a call did something.
fn idle_event(document: &YamlNode) -> Option<&str> {
    let is_idle = |(name, types): &(&str, Vec<&str>)| match *name {
        "release" => {
            let is_made = |kind: &&str| ["published", "released", "prereleased"].contains(kind);
            types.is_empty() || !types.iter().all(is_made)
        }
        name if name.starts_with("pull_request") => types.contains(&"closed"),
        name => IDLE_EVENTS.contains(&name),
    };
    events(document).into_iter().find(is_idle).map(|(name, _)| name)
}

/// Whether an alias or a merged map stands in what a workflow, a job or a step says of its scripts.
pub(super) fn has_alias(node: &YamlNode) -> bool {
    let said = ["env", "defaults", "runs-on", "shell"].into_iter().filter_map(|key| node.get(key));
    node.get("<<").is_some() || said.into_iter().any(is_alias)
}

fn is_alias(node: &YamlNode) -> bool {
    match &node.value {
        YamlValue::Other => true,
        YamlValue::Scalar(..) => false,
        YamlValue::List(items) => items.iter().any(is_alias),
        YamlValue::Map(entries) => {
            entries.iter().any(|(key, value)| key.text() == Some("<<") || is_alias(value))
        }
    }
}

/// Whether a job runs on Windows, or may do so.
pub(super) fn may_be_windows(job: &YamlNode) -> bool {
    let Some(runner) = job.get("runs-on") else { return false };
    let labels = runner.get("labels").into_iter().chain(runner.get("group"));
    labels.chain([runner]).any(|node| {
        let texts = node.text().into_iter().chain(node.list().iter().filter_map(YamlNode::text));
        texts.into_iter().any(|text| names_windows(text, job))
    })
}

fn names_windows(label: &str, job: &YamlNode) -> bool {
    let Some(expression) = label.split_once("${{").map(|(_, rest)| rest) else {
        return is_windows(label);
    };
    let (expression, behind) = expression.split_once("}}").unwrap_or((expression, ""));
    let key = expression.trim().strip_prefix("matrix.");
    let is_whole = label.trim_start().starts_with("${{") && behind.trim().is_empty();
    match key.filter(|_| is_whole).and_then(|key| matrix_values(job, key)) {
        Some(values) => values.iter().any(|value| value.contains("${{") || is_windows(value)),
        None => true,
    }
}

fn is_windows(label: &str) -> bool {
    label.to_lowercase().replace("darwin", "").contains("win")
}

/// The values of a key of a job's matrix, if the file tells all.
fn matrix_values<'a>(job: &'a YamlNode, key: &str) -> Option<Vec<&'a str>> {
    let matrix = job.get("strategy")?.get("matrix")?;
    let included = matrix.get("include").map_or(&[][..], YamlNode::list).iter();
    let included = included.filter_map(|item| item.get(key));
    let own = matrix.get(key).map_or(&[][..], YamlNode::list).iter();
    let is_told = |node: &str| matrix.get(node).is_none_or(|value| value.text().is_none());
    let values: Option<Vec<_>> = own.chain(included).map(YamlNode::text).collect();
    values.filter(|values| !values.is_empty() && is_told("include") && is_told(key))
}
