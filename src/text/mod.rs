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
pub(crate) mod surrogates;
pub(crate) mod url;
pub(crate) mod variable;
pub(crate) mod words;
pub mod yaml;
pub(crate) mod yaml_writer;

pub use neutral::one_line;
pub use quote::quote;
pub(crate) use url::segment;

/// A text without the one line end that editors put at the end of a file.
pub(crate) fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

/// Bytes as hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
