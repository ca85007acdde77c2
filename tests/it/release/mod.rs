//! Releases: what asks for one, which commits it gets, and what is sent.

mod checkouts;
mod commits;
mod contradictions;
mod git;
mod git_places;
mod github;
mod github_faults;
mod input_forms;
mod inputs;
pub(crate) mod requests;
