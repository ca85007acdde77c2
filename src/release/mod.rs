//! What a release is made of, as values: which version, which commits, which deploy. Nothing here
//! reads git, the network or the clock.

pub mod commit;

pub use commit::{Change, ChangeKind, Commit};
