//! Many entries in one file.

mod entries;
mod parallel;
mod unused_keys;
