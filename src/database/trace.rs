//! The statements that this thread's connections carried out, for tests.

use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::{Connection, StatementStatus};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Each statement with the most steps that SQLite's machine took for it.
type ExecutedStatements = BTreeMap<String, i32>;

thread_local! {
    /// Which transactions wrote something, as the first statement of each that did.
    static WRITTEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    /// The first writing statement of the transaction that is open; empty before it.
    static OPEN: RefCell<Option<String>> = const { RefCell::new(None) };
    static EXECUTED: RefCell<ExecutedStatements> =
        const { RefCell::new(ExecutedStatements::new()) };
}

pub(crate) fn traced(mut connection: Connection) -> Connection {
    let record = |event: TraceEvent<'_>| {
        if let TraceEvent::Profile(statement, _) = event {
            let steps = statement.get_status(StatementStatus::VmStep);
            note_write(&statement.sql());
            EXECUTED.with_borrow_mut(|executed| {
                let most = executed.entry(statement.sql().into_owned()).or_default();
                *most = steps.max(*most);
            });
        }
    };
    connection.trace_v2(TraceEventCodes::SQLITE_TRACE_PROFILE, Some(record)).unwrap();
    connection
}

/// Adds a transaction that wrote something to [`WRITTEN`] at its end.
fn note_write(sql: &str) {
    let writes = ["INSERT", "UPDATE", "DELETE"].iter().any(|verb| sql.starts_with(verb));
    OPEN.with_borrow_mut(|open| match (sql.split(' ').next().unwrap_or_default(), open.as_mut()) {
        ("BEGIN", _) => *open = Some(String::new()),
        ("COMMIT", Some(first)) if !first.is_empty() => {
            WRITTEN.with_borrow_mut(|all| all.push(std::mem::take(first)));
            *open = None;
        }
        ("COMMIT" | "ROLLBACK", _) => *open = None,
        (_, Some(first)) if writes && first.is_empty() => sql.clone_into(first),
        (_, None) if writes => WRITTEN.with_borrow_mut(|all| all.push(sql.to_owned())),
        _ => {}
    });
}

/// The transactions that wrote something since the last time.
pub(crate) fn take_written() -> Vec<String> {
    WRITTEN.take()
}

/// What was executed since the last time.
pub(crate) fn take() -> ExecutedStatements {
    EXECUTED.take()
}
