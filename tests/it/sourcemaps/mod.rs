//! Source maps: what is made of scripts and maps, and how it reaches whoever keeps them.

mod bundles;
mod upload;
mod upload_faults;
mod upload_places;
