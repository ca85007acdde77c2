//! What packages carry beside the program: completions for shells, and manual pages.

use crate::error::{Error, ErrorCode, Result};
use crate::text::quote;
use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

/// The script that teaches a shell the command line.
pub fn completions(mut command: Command, shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "finishline", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The manual page of the program, or of the command of this name, as roff.
pub fn page(mut command: Command, name: Option<&str>) -> Result<String> {
    command.build();
    let page_of = match name {
        None => Some(&command),
        Some(name) => command.find_subcommand(name),
    };
    let Some(page_of) = page_of else {
        let message = format!("unknown command {}", quote(name.unwrap_or_default()));
        return Err(Error::new(ErrorCode::Usage, message)
            .with_hint("run `finishline --help` to list the commands"));
    };
    let mut roff = Vec::new();
    let source = concat!("finishline ", env!("CARGO_PKG_VERSION"));
    let rendered = Man::new(page_of.clone()).source(source).render(&mut roff);
    rendered.map_err(|error| Error::new(ErrorCode::Internal, error.to_string()))?;
    Ok(String::from_utf8_lossy(&roff).into_owned())
}
