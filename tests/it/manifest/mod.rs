//! Many entries in one file.

mod absent;
mod check_health;
mod duplicates;
mod entries;
mod parallel;
mod per_entry_variables;
mod plan_changes;
mod plan_page;
mod plan_unmanaged;
mod prune;
mod saved_plans;
mod unused_keys;
