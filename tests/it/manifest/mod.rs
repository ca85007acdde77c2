//! Many entries in one file.

mod absent;
mod check_health;
mod duplicates;
mod entries;
mod parallel;
mod plan_changes;
mod plan_page;
mod plan_unmanaged;
mod prune;
mod saved_plans;
mod saved_removals;
mod unused_keys;
mod whole_life;
