//! The process: environment and arguments in, exit code out.

use finishline::env::Env;
use std::process::ExitCode;

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn main() -> ExitCode {
    finishline::os::signals::catch();
    let env = Env::from_os(std::env::vars_os());
    match finishline::run(std::env::args_os(), &env) {
        Ok(exit) => ExitCode::from(exit),
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "nothing is left that could tell the host")]
fn complain(error: &anyhow::Error) {
    eprintln!("finishline: {error:#}");
}
