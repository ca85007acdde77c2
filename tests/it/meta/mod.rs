//! The project held to its own rules: structure, names, docs.

mod architecture;
mod source;
