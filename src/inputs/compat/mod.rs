//! What sentry-cli and action-release call things, each with what it is here: the names of inputs, the
//! variables, the files, and how a version is found. Nothing else in the program knows them, but the
//! rows of the table of inputs, which list the variables.

pub mod files;
pub mod names;
pub mod set_commits;
pub mod variables;
pub mod version_file;

pub use names::{NameMeaning, OTHER_NAMES, aliases, fallback};
