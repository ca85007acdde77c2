//! Texts: YAML, dates, addresses, quoting, case, suggestions. Pure.

pub mod case;
pub mod date;
pub(crate) mod html;
pub mod quote;
pub mod suggest;
pub(crate) mod url;
pub(crate) mod variable;
pub(crate) mod words;
pub mod yaml;

pub use quote::{one_line, quote};
pub(crate) use url::segment;

/// Bytes as hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
