//! Who walks the pipeline: today our own engine over SQLite.

pub mod embedded;
