//! The embedded backend: its file, its engine, and many processes on it.

mod database;
pub(crate) mod finish;
mod kept_here;
mod migrations;
mod pipeline;
mod processes;
mod races;
mod rights;
mod schema_order;
mod simultaneous_deploys;
mod source_maps;
