//! Secrets and hostile text: the first get out nowhere, the second commands nobody.

mod hostile;
mod injection;
mod leaks;
pub(crate) mod signed;
