//! The SQLite file: opened with care, migrated by number, written in immediate transactions.
//!
//! Many processes may use one file. A busy file is waited for with the runtime running, so the
//! deadline and signals are heard meanwhile. What the tables mean is the embedded engine's business.

pub mod artifact_bundles;
pub mod audit_log;
pub mod bundle_files;
pub mod code_mappings;
pub(crate) mod columns;
pub mod commits;
pub mod deploys;
pub mod integrations;
pub(crate) mod migrations;
pub mod organizations;
pub(crate) mod path;
pub mod releases;
mod removal;
pub mod repositories;
pub(crate) mod rights;
#[cfg(test)]
pub(crate) mod trace;
pub mod upload_chunks;

use crate::error::{Error, ErrorCode};
use crate::os::awaited::AwaitedResource;
use crate::os::{activity, files};
use crate::text::quote;
use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Params, Row, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use artifact_bundles::{BundleOrder, BundleRemoval, StoredBundle};
pub use audit_log::{AuditEntry, LinkedAccount, OrganizationCounts};
pub use bundle_files::ReleaseScript;
pub use code_mappings::{NewCodeMapping, StoredCodeMapping, UpsertResult};
pub use commits::{Author, CommitFile, StoredCommit};
pub use integrations::InstalledIntegration;
pub use organizations::{Actor, Organization, PageQuery, Principal, Project};
pub(crate) use organizations::{ensure_org, may_install};
pub use releases::{NewRelease, ReleaseFilter, StoredRelease};
pub use removal::DeletionMark;
pub use repositories::{NewRepository, RepositoryFilter, StoredRepository};

/// How long SQLite itself waits for a busy file before the runtime gets its turn.
const BUSY: Duration = Duration::from_millis(50);
/// How long the runtime waits before it asks again.
const PAUSE: Duration = Duration::from_millis(10);

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// A folder on the way cannot be made, or the file cannot be opened.
    #[error("cannot open the database {file}: {cause}", file = quote(&path.to_string_lossy()))]
    Open {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        cause: std::io::Error,
    },
    /// Another program's database.
    #[error("the database {file} belongs to another program", file = quote(&path.to_string_lossy()))]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A database of a later version of this program.
    #[error(
        "the database {file} has schema version {found}, but this version of finishline supports \
         only up to {known}",
        file = quote(&path.to_string_lossy())
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The latest schema that this version knows.
        known: i64,
    },
    /// What SQLite says.
    #[error("cannot use the database: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

impl From<DatabaseError> for Error {
    fn from(error: DatabaseError) -> Self {
        let failure = Self::new(ErrorCode::Database, error.to_string());
        let hint = match error {
            DatabaseError::Newer { .. } => {
                "use the newer version of finishline that created the file"
            }
            DatabaseError::Foreign { .. } => "set `database` to a file of its own",
            DatabaseError::Open { .. } | DatabaseError::Sqlite(_) => return failure,
        };
        failure.with_hint(hint)
    }
}

/// An open database of the latest schema.
pub struct Database {
    connection: Connection,
}

impl Database {
    /// Opens the file, makes it (0600) when it is not there, and brings it to the latest schema.
    /// One that is none of ours is left as it was.
    pub async fn open(path: &Path) -> Result<Self, DatabaseError> {
        check_files(path)?;
        make_file(path).map_err(|cause| DatabaseError::Open { path: path.to_owned(), cause })?;
        let mut connection = retry_while_busy(|| connect(path)).await?;
        let version = version(&mut connection, path).await?;
        if version < migrations::LATEST {
            retry_while_busy(|| migrations::migrate(&mut connection, path)).await?;
        }
        Ok(Self { connection })
    }

    /// Opens the file only to read; `None` when it is not there. One of an older schema is read as
    /// it will be once it is brought up to date.
    pub async fn open_to_read(path: &Path) -> Result<Option<Self>, DatabaseError> {
        if !path.exists() {
            return Ok(None);
        }
        check_files(path)?;
        // A reader that may not write would leave the side files behind that it has to make.
        let mut connection = retry_while_busy(|| connect(path)).await?;
        connection.pragma_update(None, "query_only", true)?;
        if version(&mut connection, path).await? == migrations::LATEST {
            return Ok(Some(Self { connection }));
        }
        retry_while_busy(move || upgraded_copy(&connection, path)).await.map(Some)
    }

    /// Has SQLite refuse, or take, whatever would change the file.
    pub(crate) fn set_read_only(&mut self, is_read_only: bool) -> Result<(), DatabaseError> {
        Ok(self.connection.pragma_update(None, "query_only", is_read_only)?)
    }

    /// Reads without a lock that others would wait for.
    pub(crate) async fn read<T>(
        &mut self,
        work: impl FnMut(&Connection) -> rusqlite::Result<T>,
    ) -> crate::error::Result<T> {
        Ok(self.try_read(work).await.map_err(DatabaseError::from)?)
    }

    /// All rows of a query.
    pub(crate) async fn rows<T>(
        &mut self,
        sql: &str,
        values: impl Params + Clone,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> crate::error::Result<Vec<T>> {
        self.read(|connection| connection.prepare(sql)?.query_map(values.clone(), &read)?.collect())
            .await
    }

    /// The first row of a query.
    pub(crate) async fn row<T>(
        &mut self,
        sql: &str,
        values: impl Params + Clone,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> crate::error::Result<Option<T>> {
        self.read(|connection| connection.query_row(sql, values.clone(), &read).optional()).await
    }

    /// Writes in one immediate transaction: all of it, or, on any error, nothing.
    pub(crate) async fn write<T>(
        &mut self,
        work: impl FnMut(&Connection) -> rusqlite::Result<T>,
    ) -> crate::error::Result<T> {
        Ok(self.try_write(work).await.map_err(DatabaseError::from)?)
    }

    /// [`Self::read`] with an error of the caller's own. Takes the store for itself, so that the
    /// work of `serve` may move between tasks: SQLite's connection is not shared.
    pub async fn try_read<T, E: IsBusy>(
        &mut self,
        mut work: impl FnMut(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let connection = &mut self.connection;
        retry_while_busy(move || work(connection)).await
    }

    /// [`Self::write`] with an error of the caller's own.
    ///
    /// The work may be done again from the start when the file was busy. Within a transaction that
    /// [`Self::begin`] began it is a part of it, which is taken back alone on an error.
    pub async fn try_write<T, E: IsBusy + From<rusqlite::Error>>(
        &mut self,
        mut work: impl FnMut(&Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        retry_while_busy(|| {
            if !self.connection.is_autocommit() {
                let part = self.connection.savepoint()?;
                let result = work(&part)?;
                part.commit()?;
                return Ok(result);
            }
            let behavior = TransactionBehavior::Immediate;
            let transaction = self.connection.transaction_with_behavior(behavior)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })
        .await
    }

    /// Begins the one immediate transaction of all that is read and written until [`Self::end`].
    /// A connection that is dropped before writes nothing.
    pub(crate) async fn begin(&mut self) -> crate::error::Result {
        let connection = &mut self.connection;
        let begun = retry_while_busy(move || connection.execute_batch("BEGIN IMMEDIATE")).await;
        Ok(begun.map_err(DatabaseError::from)?)
    }

    /// Ends what [`Self::begin`] began: keeps all that was written, or nothing of it.
    pub(crate) fn end(&mut self, end: TransactionEnd) -> crate::error::Result {
        let committed = match end {
            TransactionEnd::Commit => self.connection.execute_batch("COMMIT"),
            TransactionEnd::RollBack => Ok(()),
        };
        // SQLite itself has taken some back, as on a full disk.
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK").map_err(DatabaseError::from)?;
        }
        Ok(committed.map_err(DatabaseError::from)?)
    }

    /// Ends what [`Self::begin`] began by what came of it: an error keeps nothing.
    pub(crate) fn end_with<T>(
        &mut self,
        result: crate::error::Result<T>,
    ) -> crate::error::Result<T> {
        let end = if result.is_ok() { TransactionEnd::Commit } else { TransactionEnd::RollBack };
        let ended = self.end(end);
        result.and_then(|value| ended.map(|()| value))
    }
}

/// What becomes of what a transaction wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionEnd {
    /// It is kept.
    Commit,
    /// It is taken back.
    RollBack,
}

/// An error that may only mean that another process has the file.
pub trait IsBusy {
    /// Whether asking again later can help.
    fn is_busy(&self) -> bool;
}

impl IsBusy for rusqlite::Error {
    fn is_busy(&self) -> bool {
        let busy = [rusqlite::ErrorCode::DatabaseBusy, rusqlite::ErrorCode::DatabaseLocked];
        self.sqlite_error_code().is_some_and(|code| busy.contains(&code))
    }
}

impl IsBusy for DatabaseError {
    fn is_busy(&self) -> bool {
        matches!(self, Self::Sqlite(error) if error.is_busy())
    }
}

/// Does the work until the file is not busy. Ends when the caller's deadline does.
async fn retry_while_busy<T, E: IsBusy>(mut work: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    let mut shown = None;
    loop {
        let awaited = AwaitedResource::Database.enter();
        let result = work();
        drop(awaited);
        match result {
            Err(error) if error.is_busy() => {
                tracing::debug!("the database is busy; retrying");
                let words = || "waiting for another process that uses the database".to_owned();
                shown.get_or_insert_with(|| activity::begin(words));
                tokio::time::sleep(PAUSE).await;
            }
            result => return result,
        }
    }
}

/// A copy in memory, brought to the latest schema, of a file that must not be changed.
fn upgraded_copy(file: &Connection, path: &Path) -> Result<Database, DatabaseError> {
    let mut connection = Connection::open_in_memory()?;
    Backup::new(file, &mut connection)?.run_to_completion(1024, PAUSE, None)?;
    migrations::migrate(&mut connection, path)?;
    Ok(Database { connection })
}

async fn version(connection: &mut Connection, path: &Path) -> Result<i64, DatabaseError> {
    retry_while_busy(move || migrations::version(connection, path)).await
}

fn connect(path: &Path) -> Result<Connection, DatabaseError> {
    // SQLite would take `:memory:` and `file:...` for orders, and forget what it was given.
    let file = std::path::absolute(path)
        .map_err(|cause| DatabaseError::Open { path: path.to_owned(), cause })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    #[cfg(test)]
    let connection = trace::traced(connection);
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    // What a row held of a secret must not stay behind in the file's free space.
    connection.pragma_update(None, "secure_delete", true)?;
    Ok(connection)
}

/// Looks whether SQLite can open the file and those beside it without waiting for ever.
fn check_files(path: &Path) -> Result<(), DatabaseError> {
    for suffix in path::FILES {
        let path = path::beside(path, suffix);
        if let Some(fault) = files::unfitness(&path, u64::MAX) {
            let cause =
                std::io::Error::new(std::io::ErrorKind::InvalidInput, format!("it {fault}"));
            return Err(DatabaseError::Open { path, cause });
        }
    }
    Ok(())
}

/// Makes the file for its owner alone before SQLite opens it; its side files take its rights.
fn make_file(path: &Path) -> std::io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
