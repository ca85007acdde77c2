//! Many entries in one file.

mod duplicates;
mod entries;
mod parallel;
mod unused_keys;
