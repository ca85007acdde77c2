//! Source maps: found, injected, uploaded, proven.

pub(crate) mod bundles;
mod compiled_forms;
mod earlier_uploads;
mod explained_frames;
mod found_files;
mod hash_holders;
mod hostile_maps;
mod injected_files;
mod inline_policies;
#[cfg(target_os = "linux")]
mod killed_injection;
mod large_changes;
mod left_maps;
mod mixed_up_builds;
mod native_bundles;
mod server_tables;
mod stale_neighbours;
#[cfg(target_os = "linux")]
mod swapped_folders;
mod unproven_uploads;
mod upload;
mod upload_faults;
mod upload_places;
