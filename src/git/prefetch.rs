//! The files of the commits of a long history, read by threads of their own while the walk goes on.

use super::files::{self, ChangedFiles, TreePair};
use super::paths::PathFilter;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};

/// How many commits the walk may be ahead of their files.
pub(super) const MAX_IN_FLIGHT: usize = 512;

/// So many commits in a row are for one thread: neighbours are packed as what differs of each other,
/// and a thread is woken seldom.
const BATCH_SIZE: usize = 64;

/// More threads would each unpack what the others have unpacked.
const MOST_THREADS: usize = 4;

/// The threads, which end when this is dropped.
pub(super) struct FilePrefetcher {
    threads: Vec<PrefetchThread>,
    /// The row that is not full yet.
    row: Vec<TreePair>,
    /// The lengths of the rows that were handed out and not taken back.
    out: VecDeque<usize>,
    handed_out: usize,
    /// What is left of the row that was taken back last.
    read: VecDeque<Option<gix::Result<ChangedFiles>>>,
}

struct PrefetchThread {
    asks: Sender<Vec<TreePair>>,
    answers: Receiver<Vec<gix::Result<ChangedFiles>>>,
}

impl FilePrefetcher {
    pub(super) fn start(repository: &gix::Repository, paths: &PathFilter) -> Self {
        let count = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
        let threads = (0..count).map(|_| PrefetchThread::start(repository, paths)).collect();
        let (row, out, read) = (Vec::new(), VecDeque::new(), VecDeque::new());
        Self { threads, row, out, handed_out: 0, read }
    }

    /// Asks for the files of one more commit.
    pub(super) fn request(&mut self, trees: TreePair) {
        self.row.push(trees);
        if self.row.len() == BATCH_SIZE {
            self.dispatch();
        }
    }

    /// What was asked for longest ago; `None` where its thread has ended, so that whoever asked has
    /// to read for itself.
    pub(super) fn next(&mut self) -> Option<gix::Result<ChangedFiles>> {
        if self.read.is_empty() {
            self.collect();
        }
        self.read.pop_front().flatten()
    }

    fn dispatch(&mut self) {
        let row = std::mem::take(&mut self.row);
        self.out.push_back(row.len());
        self.thread(self.handed_out).asks.send(row).ok();
        self.handed_out += 1;
    }

    fn collect(&mut self) {
        if self.out.is_empty() {
            self.dispatch();
        }
        let place = self.handed_out - self.out.len();
        let length = self.out.pop_front().unwrap_or_default();
        self.read = match self.thread(place).answers.recv() {
            Ok(read) => read.into_iter().map(Some).collect(),
            Err(_) => (0..length).map(|_| None).collect(),
        };
    }

    fn thread(&self, row: usize) -> &PrefetchThread {
        &self.threads[row % self.threads.len()]
    }
}

impl PrefetchThread {
    fn start(repository: &gix::Repository, paths: &PathFilter) -> Self {
        let (asks, asked) = channel::<Vec<TreePair>>();
        let (told, answers) = channel();
        // Packs are mapped once; what is kept of their objects is each thread's own.
        let (shared, paths) = (repository.clone().into_sync(), paths.clone());
        std::thread::spawn(move || {
            let repository = super::with_caches(shared.to_thread_local());
            for row in asked {
                let read = row.into_iter().map(|trees| files::read(&repository, trees, &paths));
                if told.send(read.collect()).is_err() {
                    break;
                }
            }
        });
        Self { asks, answers }
    }
}
