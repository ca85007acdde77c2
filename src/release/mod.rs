//! What a release is made of: which version, which commits, which deploy, and the order in which they
//! reach a backend. Nothing here reads git, the network or the clock.

pub mod backend;
mod code_version;
mod commit;
pub mod driver;
mod limits;
mod other_repository;
mod planned;
pub(crate) mod repository_match;
mod revision;
mod task;
mod version;

pub use code_version::CheckoutInfo;
pub use commit::{ChangeKind, Commit, FileChange, MAX_TEXT_BYTES};
pub(crate) use task::missing_release;
pub use task::{CommitPlan, ReleaseTask};
pub use version::{ReleaseVersion, VersionSource};

pub use backend::{
    CommitList, CommitReader, Deploy, DeployResult, ExistingDeploy, ExistingRelease,
    FieldRejection, FoundAncestors, HistorySource, KnownRepository, OwnDeploy, ReleaseBackend,
    ReleaseState, ReleaseUpdate, UpdateResult, same_deploy,
};
