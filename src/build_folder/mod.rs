//! The files of a build on disk: which are scripts and source maps, and which others hold their hashes.

mod given_paths;
pub(crate) mod neighbours;
mod walk;

pub(crate) use walk::{BuildFile, BuildFolder, binary_kind, is_script_or_map};
