//! A plan that was saved as JSON and is carried out later, if it still holds. Pure: the text goes
//! in.

use super::changes::PLAN_SCHEMA;
use super::{Outcome, OutcomeStatus};
use crate::error::{Error, ErrorCode, Result};
use crate::text::quote;
use serde_json::Value;
use std::collections::HashMap;

/// The digests of one entry's plan, and the backend that it is of.
#[derive(Debug, PartialEq, Eq)]
struct PlanDigests {
    backend: String,
    there: String,
    wanted: String,
}

/// What was saved of each entry, by its key; of a single run by none.
pub struct SavedPlan {
    entries: HashMap<String, Option<PlanDigests>>,
}

impl SavedPlan {
    /// Reads the result of a plan, as `--format json` or `result-file` has it.
    ///
    /// # Errors
    ///
    /// `bad-plan` for anything else.
    pub fn read(text: &str) -> Result<Self> {
        let result: Value = serde_json::from_str(text)
            .map_err(|error| bad_plan(&format!("is not JSON: {error}")))?;
        if result["truncated"] == true {
            return Err(bad_plan("was too large for the output `result`, and is not in it"));
        }
        if !matches!(result["status"].as_str(), Some("planned" | "skipped" | "error")) {
            return Err(bad_plan("is not the result of `finishline plan`"));
        }
        let single = || vec![("", &result)];
        let entries = result["entries"].as_array().map(|entries| {
            entries.iter().map(|one| (one["entry"].as_str().unwrap_or_default(), one)).collect()
        });
        let all = entries.unwrap_or_else(single).into_iter();
        let read = |(key, end): (&str, &Value)| Ok((key.to_owned(), digests(&end["plan"])?));
        Ok(Self { entries: all.map(read).collect::<Result<_>>()? })
    }

    /// Checks that a run has the same entries.
    pub fn check_entries<'a>(&self, keys: impl Iterator<Item = &'a str>) -> Result {
        let keys: Vec<_> = keys.collect();
        let missing = keys.iter().find(|key| !self.entries.contains_key(**key));
        let is_single = |key: &str| key.is_empty();
        match missing {
            Some(key) if is_single(key) => Err(bad_plan("is one of a manifest, and none is given")),
            Some(_) if self.entries.contains_key("") => {
                Err(bad_plan("is one of a single run, and a manifest is given"))
            }
            Some(key) => Err(bad_plan(&format!("has no entry {}", quote(key)))),
            None if keys.len() != self.named().count() => {
                let (saved, now) = (self.named().count(), keys.len());
                Err(bad_plan(&format!("has {saved} entries, and the manifest has {now}")))
            }
            None => Ok(()),
        }
    }

    /// The keys of the entries that a manifest has.
    fn named(&self) -> impl Iterator<Item = &String> {
        self.entries.keys().filter(|key| !is_pruned(key))
    }

    /// Checks that what was to be pruned then is to be pruned now, of these entries.
    pub fn check_pruned<'a>(&self, keys: impl Iterator<Item = &'a str>) -> Result {
        let keys: Vec<_> = keys.collect();
        let mut gone: Vec<_> = self.entries.keys().filter(|key| is_pruned(key)).collect();
        gone.retain(|key| !keys.contains(&key.as_str()));
        gone.sort();
        match gone.first() {
            None => Ok(()),
            Some(key) => Err(changed(key, "it is not to be pruned any more")),
        }
    }

    /// Checks that what is planned now is what was planned then.
    ///
    /// # Errors
    ///
    /// `plan-changed`, with the side that is another one; the failure of a plan that could not be
    /// made now.
    pub fn check(&self, key: &str, now: &Outcome) -> Result {
        if let Some(failure) = &now.failure {
            return Err(failure.clone());
        }
        let then = self.entries.get(key).and_then(Option::as_ref);
        if let (Some(then), Some(now)) = (then, now.plan.as_deref())
            && then.backend != now.backend
        {
            let (then, now) = (quote(&then.backend), quote(&now.backend));
            let made = format!("it was made for {then}, and this run is for {now}");
            let hint = "run `finishline plan` with the same backend, and review that plan";
            return Err(changed(key, &made).with_hint(hint));
        }
        let what = match (then, now.plan.as_deref()) {
            (None, None) if now.status == OutcomeStatus::Skipped => return Ok(()),
            (None, None) => "nothing in it can be compared",
            (None, Some(_)) => "the saved plan has nothing about it",
            (Some(_), None) => "there is nothing to plan now",
            (Some(then), Some(now)) => match (then.there == now.there, then.wanted == now.wanted) {
                (true, true) => return Ok(()),
                (false, true) => "what is there has changed since",
                (true, false) => "what is wanted has changed since",
                (false, false) => "what is there and what is wanted have changed since",
            },
        };
        Err(changed(key, what))
    }
}

fn is_pruned(key: &str) -> bool {
    key.starts_with("prune[")
}

fn changed(key: &str, what: &str) -> Error {
    let of = if key.is_empty() { String::new() } else { format!(" of {key}") };
    Error::new(ErrorCode::PlanChanged, format!("the plan{of} no longer holds: {what}"))
}

/// The digests in a plan, where there is one.
fn digests(plan: &Value) -> Result<Option<PlanDigests>> {
    if plan.is_null() {
        return Ok(None);
    }
    if plan["schema"] != PLAN_SCHEMA {
        return Err(bad_plan("has a `schema` that this version does not read"));
    }
    let version = plan["version"].as_str().unwrap_or_default();
    if version != env!("CARGO_PKG_VERSION") {
        return Err(bad_plan(&format!("was made by finishline {}", quote(version))));
    }
    let text = |name: &str| plan[name].as_str().map(str::to_owned);
    match (text("backend"), text("there"), text("wanted")) {
        (Some(backend), Some(there), Some(wanted)) => {
            Ok(Some(PlanDigests { backend, there, wanted }))
        }
        (None, ..) => Err(bad_plan("does not say of which `backend` it is")),
        _ => Err(bad_plan("lacks the digests `there` and `wanted`")),
    }
}

fn bad_plan(what: &str) -> Error {
    Error::new(ErrorCode::BadPlan, format!("the file in `plan` {what}"))
}
