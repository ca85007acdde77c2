//! What tests of the engine need: Sentry's vectors, a real file, a runtime, and the log.

use crate::support::rows::rows;
use crate::support::run::ProgramRun;
use finishline::backend::embedded::EmbeddedBackend;
use finishline::database::Database;
use rusqlite::Connection;
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// A group of the vectors about pipelines.
pub(crate) fn vectors(group: &str) -> Value {
    let text = include_str!("../../vectors/pipeline-vectors.json");
    let mut vectors: Value = serde_json::from_str(text).expect("the vectors are JSON");
    vectors[group].take()
}

/// Runs to the end what may wait.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(work)
}

/// The embedded backend over a file, which stays open to the end of the process.
pub(crate) fn embedded(path: &Path) -> EmbeddedBackend<'static> {
    let database = block_on(Database::open(path)).unwrap();
    EmbeddedBackend::new(Box::leak(Box::new(database)))
}

/// A file of the current schema with two users; the first owns the organization `acme`.
pub(crate) struct DatabaseFile {
    pub(crate) connection: Connection,
    _folder: ProgramRun,
}

impl DatabaseFile {
    pub(crate) fn new() -> Self {
        let run = ProgramRun::local();
        drop(block_on(Database::open(&run.database())).unwrap());
        let file = Self { connection: run.connection(), _folder: run };
        file.run("INSERT INTO user (name) VALUES ('one'), ('other')");
        file.run("INSERT INTO organization (slug, created_at) VALUES ('acme', 0)");
        file.run("INSERT INTO member VALUES (1, 1, 'owner')");
        file
    }

    pub(crate) fn run(&self, sql: &str) {
        self.connection.execute_batch(sql).unwrap();
    }

    pub(crate) fn rows(&self, sql: &str) -> Vec<String> {
        rows(&self.connection, sql)
    }
}

/// What is logged, as JSON.
#[derive(Clone, Default)]
pub(crate) struct CapturedLog(Arc<Mutex<Vec<u8>>>);

impl CapturedLog {
    /// Does the work with this log turned on.
    pub(crate) fn around<T>(&self, work: impl FnOnce() -> T) -> T {
        let writer = self.clone();
        let subscriber = tracing_subscriber::fmt().json().flatten_event(true);
        let subscriber = subscriber.with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, work)
    }

    /// Every event so far.
    pub(crate) fn events(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(|line| line.parse().unwrap()).collect()
    }
}

impl Write for CapturedLog {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
