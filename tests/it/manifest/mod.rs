//! Many entries in one file.

mod check_health;
mod duplicates;
mod entries;
mod parallel;
mod plan_changes;
mod plan_page;
mod plan_unmanaged;
mod saved_plans;
mod unused_keys;
