//! Many entries in one file.

mod duplicates;
mod entries;
mod parallel;
mod plan_changes;
mod unused_keys;
