//! What each CI host is told, and what the job is.

mod component;
mod documents;
mod drafts;
mod host_format;
mod hosts;
mod job;
mod limits;
mod own_streams;
mod pipes;
mod prefix;
#[cfg(unix)]
mod progress;
mod redirect;
mod same_file;
mod single_lines;
mod unfinished;
mod unwritable;
