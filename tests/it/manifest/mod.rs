//! Many entries in one file.

mod absent;
mod duplicates;
mod entries;
mod parallel;
mod prune;
mod unused_keys;
