//! Texts: YAML, dates, addresses, quoting, case, suggestions. Pure.

pub mod case;
pub mod date;
pub(crate) mod glob;
pub(crate) mod html;
pub mod neutral;
pub mod page;
mod pieces;
pub mod quote;
pub mod scrubber;
pub(crate) mod shell;
mod spelling;
pub mod suggest;
pub(crate) mod url;
pub(crate) mod variable;
pub(crate) mod words;
pub mod yaml;
pub(crate) mod yaml_writer;

pub use neutral::one_line;
pub use quote::quote;
pub(crate) use url::segment;

/// Bytes as hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
