//! What a release is made of: which version, which commits, which deploy, and the order in which a
//! backend is told. Nothing here reads git, the network or the clock.

mod commit;
mod payload;
pub mod seam;
mod task;
mod version;
pub mod walk;

pub use commit::{ChangeKind, Commit, FileChange};
pub use task::{CheckoutInfo, CommitPlan, ReleaseTask};
pub use version::{ReleaseVersion, VersionSource};
