//! Secrets and hostile text: the first get out nowhere, the second commands nobody.

mod hostile;
mod ids;
mod injection;
mod leaks;
mod nested;
mod others_texts;
mod repeated_names;
pub(crate) mod signed;
