//! What each CI host is told, and what the job is.

mod component;
mod host_format;
mod hosts;
mod job;
mod limits;
mod prefix;
mod redirect;
mod single_lines;
mod unwritable;
