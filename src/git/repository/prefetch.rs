//! The files of the commits of a long history, read by threads of their own while the graph is followed.

use super::files::{self, ChangedFiles, TreePair};
use super::paths::PathFilter;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};

/// How many commits the graph may be ahead of their files.
pub(super) const MAX_IN_FLIGHT: usize = 512;

/// Commits per batch. Neighbours are delta-compressed against each other, so one thread reads them
/// together, and a thread is woken seldom.
const BATCH_SIZE: usize = 64;

/// More threads would each unpack what the others have unpacked.
const MOST_THREADS: usize = 4;

/// The threads, which end when this is dropped.
pub(super) struct FilePrefetcher {
    threads: Vec<PrefetchThread>,
    /// The batch that is not full yet.
    batch: Vec<TreePair>,
    /// The lengths of the batches that were handed out and not taken back.
    in_flight: VecDeque<usize>,
    handed_out: usize,
    /// What is left of the batch that was taken back last.
    read: VecDeque<Option<gix::Result<ChangedFiles>>>,
}

struct PrefetchThread {
    requests: Sender<Vec<TreePair>>,
    results: Receiver<Vec<gix::Result<ChangedFiles>>>,
}

impl FilePrefetcher {
    pub(super) fn start(repository: &gix::Repository, paths: &PathFilter) -> Self {
        let count = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
        let threads = (0..count).map(|_| PrefetchThread::start(repository, paths)).collect();
        let (batch, in_flight, read) = (Vec::new(), VecDeque::new(), VecDeque::new());
        Self { threads, batch, in_flight, handed_out: 0, read }
    }

    /// Asks for the files of one more commit.
    pub(super) fn request(&mut self, trees: TreePair) {
        self.batch.push(trees);
        if self.batch.len() == BATCH_SIZE {
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
        let batch = std::mem::take(&mut self.batch);
        self.in_flight.push_back(batch.len());
        self.thread(self.handed_out).requests.send(batch).ok();
        self.handed_out += 1;
    }

    fn collect(&mut self) {
        if self.in_flight.is_empty() {
            self.dispatch();
        }
        let index = self.handed_out - self.in_flight.len();
        let length = self.in_flight.pop_front().unwrap_or_default();
        self.read = match self.thread(index).results.recv() {
            Ok(read) => read.into_iter().map(Some).collect(),
            Err(_) => (0..length).map(|_| None).collect(),
        };
    }

    fn thread(&self, batch: usize) -> &PrefetchThread {
        &self.threads[batch % self.threads.len()]
    }
}

impl PrefetchThread {
    fn start(repository: &gix::Repository, paths: &PathFilter) -> Self {
        let (requests, batches) = channel::<Vec<TreePair>>();
        let (result_sender, results) = channel();
        // Packs are mapped once; what is kept of their objects is each thread's own.
        let (shared, paths) = (repository.clone().into_sync(), paths.clone());
        std::thread::spawn(move || {
            let repository = super::with_caches(shared.to_thread_local());
            for batch in batches {
                let read = batch.into_iter().map(|trees| files::read(&repository, trees, &paths));
                if result_sender.send(read.collect()).is_err() {
                    break;
                }
            }
        });
        Self { requests, results }
    }
}
