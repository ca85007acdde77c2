//! Releases: what asks for one, which commits it gets, and what is sent.

mod attempts;
mod broken_checkouts;
mod checkouts;
mod commits;
mod contradictions;
mod control_files;
mod dropin;
mod file_address;
mod git;
mod git_places;
pub(crate) mod github;
mod github_faults;
mod github_nothing;
mod input_forms;
mod inputs;
mod known_commits;
mod matrix;
mod odd_commits;
mod previous_commit;
mod project_scope;
mod repository_forms;
pub(crate) mod requests;
mod same_version;
mod second_deploys;
mod two_repositories;
mod which_commit;
