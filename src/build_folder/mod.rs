//! The files of a build on disk: which are scripts and source maps, and which others hold their hashes.

mod base64_form;
mod entity_tag;
mod fixed_hashes;
mod given_paths;
mod hash_index;
mod hash_word;
mod hash_words;
mod inline_scripts;
mod native_bundle;
pub(crate) mod neighbours;
mod outside_link;
mod packed_copy;
mod refresh;
mod server_table;
pub(crate) mod stray_maps;
mod text_file;
mod walk;
mod wide_text;

pub(crate) use hash_index::{ChangedHashes, HashIndex, HeldHashes};
pub(crate) use native_bundle::{BareBundle, NativeBytes, map_beside};
pub(crate) use outside_link::only_links;
pub(crate) use refresh::{FileFailure, FreshHashes, refresh};
pub(crate) use text_file::MAX_FILE;
pub(crate) use walk::{BuildFile, BuildFolder, is_script_or_map, key};
