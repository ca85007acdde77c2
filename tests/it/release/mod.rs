//! Releases: what asks for one, which commits it gets, and what is sent.

mod checkouts;
mod commits;
mod file_address;
mod git;
mod git_places;
mod github;
mod github_faults;
mod input_forms;
mod inputs;
mod repository_forms;
pub(crate) mod requests;
