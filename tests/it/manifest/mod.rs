//! Many entries in one file.

mod absent;
mod check_health;
mod duplicate_releases;
mod duplicates;
mod entries;
mod parallel;
mod per_entry_variables;
mod plan_changes;
mod plan_page;
mod plan_targets;
mod plan_unmanaged;
mod prune;
mod prune_ids;
mod prune_kept;
mod prune_named;
mod prune_places;
#[cfg(unix)]
mod prune_record;
mod prune_renamed;
#[cfg(unix)]
mod prune_signals;
mod saved_plans;
mod saved_removals;
mod shared_folders;
mod unused_keys;
mod whole_life;
