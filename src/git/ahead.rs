//! The files of the commits of a long history, read in a thread of its own while the walk goes on.

use super::files::{self, Files};
use super::paths::Paths;
use gix::ObjectId;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};

/// How many commits the walk may be ahead of their files.
pub(super) const MOST: usize = 256;

/// A commit's tree, after that of its first parent.
pub(super) type Trees = (Option<ObjectId>, ObjectId);

/// The thread, which ends when this is dropped.
pub(super) struct Ahead {
    asks: SyncSender<Trees>,
    answers: Receiver<gix::Result<Files>>,
}

impl Ahead {
    pub(super) fn start(repository: &gix::Repository, paths: &Paths) -> Self {
        let (asks, asked) = sync_channel::<Trees>(MOST);
        let (told, answers) = channel();
        let (folder, paths) = (repository.path().to_owned(), paths.clone());
        std::thread::spawn(move || {
            // A repository is not shared between threads, so this one has its own.
            let opened = gix::open_opts(folder, gix::open::Options::isolated());
            let Ok(repository) = opened.map(super::with_caches) else { return };
            for trees in asked {
                if told.send(files::read(&repository, trees, &paths)).is_err() {
                    break;
                }
            }
        });
        Self { asks, answers }
    }

    /// Asks for the files of one more commit.
    pub(super) fn ask(&self, trees: Trees) {
        // Where the thread has ended, there is no answer, and whoever asked reads for itself.
        self.asks.send(trees).ok();
    }

    /// What was asked for longest ago; `None` where the thread has ended.
    pub(super) fn answer(&self) -> Option<gix::Result<Files>> {
        self.answers.recv().ok()
    }
}
