//! Source maps: what becomes of a script and its map, the bundle that both are sent in, and the proof
//! that they belong together. Texts in, texts out.

pub mod archive;
pub mod archive_reader;
pub mod backend;
pub mod bundle;
pub mod bundle_reader;
pub mod debug_id;
pub(crate) mod earlier;
pub mod edits;
pub mod file_url;
pub mod frame;
pub mod group;
pub mod ignore_rules;
pub mod injection;
pub mod inline;
pub mod map_fault;
pub mod map_text;
mod mapped_place;
pub mod mappings;
mod number_literal;
pub mod packed_file;
pub mod pairing;
mod place_count;
pub mod prologue;
pub mod proof;
mod registration;
pub mod resolve;
mod sample_counter;
pub mod snippet;
mod text_lines;
pub mod trailer;
pub mod upload;
pub mod uploaded_map;
