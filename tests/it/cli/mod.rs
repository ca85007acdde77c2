//! The command line: its inputs, its modes, its mistakes, and a person at a terminal.

mod check;
mod check_states;
mod colors;
mod error_messages;
mod exact_import;
mod help;
pub(crate) mod import;
mod import_untold;
mod init;
mod input_usage;
mod inputs;
mod manual;
mod migrate;
mod migrated_actions;
#[cfg(unix)]
mod migrated_effects;
#[cfg(unix)]
mod migrated_order;
#[cfg(unix)]
mod migrated_programs;
mod migrated_scripts;
#[cfg(unix)]
mod migration_bench;
#[cfg(unix)]
mod migration_faults;
mod missing;
mod modes;
mod plan_colors;
mod run;
mod sentry_cli;
mod terminal;
mod unexpanded_macros;
mod unused_inputs;
mod white_space;
