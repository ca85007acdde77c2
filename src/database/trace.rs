//! The statements that this thread's connections carried out, for tests.

use rusqlite::trace::{TraceEvent, TraceEventCodes};
use rusqlite::{Connection, StatementStatus};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Each statement with the most steps that SQLite's machine took for it.
type Heard = BTreeMap<String, i32>;

thread_local! {
    static HEARD: RefCell<Heard> = const { RefCell::new(Heard::new()) };
}

pub(crate) fn traced(mut connection: Connection) -> Connection {
    let hear = |event: TraceEvent<'_>| {
        if let TraceEvent::Profile(statement, _) = event {
            let steps = statement.get_status(StatementStatus::VmStep);
            HEARD.with_borrow_mut(|heard| {
                let most = heard.entry(statement.sql().into_owned()).or_default();
                *most = steps.max(*most);
            });
        }
    };
    connection.trace_v2(TraceEventCodes::SQLITE_TRACE_PROFILE, Some(hear)).unwrap();
    connection
}

/// What was heard since the last time.
pub(crate) fn take() -> Heard {
    HEARD.take()
}
