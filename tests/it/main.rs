//! One test binary: what the program does, seen from outside.

mod host_format;
mod job;
mod redirect;
