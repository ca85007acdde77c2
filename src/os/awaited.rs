//! What the one thread of a run is in the middle of, for whoever has to end the run while a call of
//! the system, or of a library, does not return.

use super::activity::{self, ActivityGuard};
use std::sync::atomic::{AtomicU8, Ordering};

/// What may keep the thread of a run for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum AwaitedResource {
    /// The checkout, or another repository that git's variables name.
    GitRepository = 1,
    /// The embedded backend's file.
    Database,
    /// The certificates that the system trusts.
    SystemCertificates,
    /// The lock of the resume file.
    ResumeFileLock,
}

/// What the thread is in the middle of; 0 is nothing of these.
static CURRENT: AtomicU8 = AtomicU8::new(0);

/// As long as it lives, the run is in the middle of it.
pub(crate) struct AwaitedGuard {
    before: u8,
    _shown: ActivityGuard,
}

impl AwaitedResource {
    const ALL: [Self; 4] =
        [Self::GitRepository, Self::Database, Self::SystemCertificates, Self::ResumeFileLock];

    /// From now on, until the result is dropped, the run is in the middle of this.
    pub(crate) fn enter(self) -> AwaitedGuard {
        let shown = activity::begin_detail(|| self.words().to_owned());
        AwaitedGuard { before: CURRENT.swap(self as u8, Ordering::Relaxed), _shown: shown }
    }

    fn words(self) -> &'static str {
        match self {
            Self::GitRepository => "reading the git repository",
            Self::Database => "using the database",
            Self::SystemCertificates => "reading the system's certificates",
            Self::ResumeFileLock => "waiting for the lock of `resume-file`",
        }
    }

    /// What the run is in the middle of.
    pub(crate) fn current() -> Option<Self> {
        let current = CURRENT.load(Ordering::Relaxed);
        Self::ALL.into_iter().find(|one| *one as u8 == current)
    }
}

impl Drop for AwaitedGuard {
    fn drop(&mut self) {
        CURRENT.store(self.before, Ordering::Relaxed);
    }
}
