//! The project held to its own rules: structure, names, docs.

mod architecture;
mod dependencies;
mod doc_links;
mod docs;
mod examples;
mod fuzz_corpus;
mod prose;
mod released_targets;
mod source;
mod type_names;
