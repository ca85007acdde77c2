//! Faults at every request, a killed process, and how many requests a run takes.

#[cfg(unix)]
mod cancelled_run;
mod every_request;
#[cfg(target_os = "linux")]
mod killed_process;
mod removal_faults;
mod request_count;
#[cfg(target_os = "linux")]
mod stuck_run;
