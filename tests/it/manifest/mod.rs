//! Many entries in one file.

mod entries;
mod parallel;
