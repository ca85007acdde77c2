//! The statements that this thread's connections carried out, for tests.

use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::{Connection, StatementStatus};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Each statement with the most steps that SQLite's machine took for it.
type ExecutedStatements = BTreeMap<String, i32>;

thread_local! {
    static EXECUTED: RefCell<ExecutedStatements> =
        const { RefCell::new(ExecutedStatements::new()) };
}

pub(crate) fn traced(mut connection: Connection) -> Connection {
    let record = |event: TraceEvent<'_>| {
        if let TraceEvent::Profile(statement, _) = event {
            let steps = statement.get_status(StatementStatus::VmStep);
            EXECUTED.with_borrow_mut(|executed| {
                let most = executed.entry(statement.sql().into_owned()).or_default();
                *most = steps.max(*most);
            });
        }
    };
    connection.trace_v2(TraceEventCodes::SQLITE_TRACE_PROFILE, Some(record)).unwrap();
    connection
}

/// What was executed since the last time.
pub(crate) fn take() -> ExecutedStatements {
    EXECUTED.take()
}
