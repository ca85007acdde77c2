//! The schema: whole for a new file, and for an older one step by numbered step. A step that has shipped
//! is never changed.

use super::DatabaseError;
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// Marks a file as ours: `finl`.
pub(super) const APPLICATION_ID: i64 = 0x6669_6e6c;

/// What all steps make, for a file that has none: to replay them takes half as long again.
const CURRENT: &str = include_str!("schema/current.sql");

/// Each step of the schema, in order; the file's `user_version` counts those it has.
const STEPS: &[&str] = &[
    include_str!("schema/0001_pipeline.sql"),
    include_str!("schema/0002_identity.sql"),
    include_str!("schema/0003_releases.sql"),
    include_str!("schema/0004_indexes.sql"),
    include_str!("schema/0005_deploy_projects.sql"),
    include_str!("schema/0006_release_commit_order.sql"),
    include_str!("schema/0007_lookups.sql"),
    include_str!("schema/0008_generated_tokens.sql"),
    include_str!("schema/0009_source_maps.sql"),
    include_str!("schema/0010_deploy_order.sql"),
    include_str!("schema/0011_mapping_ids.sql"),
];

/// The schema that this version brings every file to.
pub(crate) const LATEST: i64 = STEPS.len() as i64;

/// The schema of the file, after checking that it is ours to use.
pub(crate) fn version(connection: &Connection, path: &Path) -> Result<i64, DatabaseError> {
    // One statement, so that no other process makes the file ours between two looks at it.
    let (application, version, tables) = connection.query_row(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
         FROM pragma_application_id, pragma_user_version",
        [],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)),
    )?;
    let is_empty = application == 0 && version == 0 && tables == 0;
    if application != APPLICATION_ID && !is_empty {
        return Err(DatabaseError::Foreign { path: path.to_owned() });
    }
    if version > LATEST {
        let path = path.to_owned();
        return Err(DatabaseError::Newer { path, found: version, known: LATEST });
    }
    Ok(version)
}

/// Takes the steps that the file lacks, all in one transaction.
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), DatabaseError> {
    if version(connection, path)? == 0 {
        // Nothing can be lost of a new file: until its side file is on the disk, which the end of
        // the first connection sees to, it counts as empty.
        connection.pragma_update(None, "synchronous", "OFF")?;
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been faster while this one waited for the lock.
    let current = version(&transaction, path)?;
    let taken = usize::try_from(current).unwrap_or(0);
    let lacking = if taken == 0 { &[CURRENT] } else { STEPS.get(taken..).unwrap_or_default() };
    lacking.iter().try_for_each(|step| transaction.execute_batch(step))?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", LATEST)?;
    transaction.commit()?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(())
}
