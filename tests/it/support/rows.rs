//! What a database holds, as a test compares it.

use rusqlite::Connection;
use rusqlite::types::ValueRef;

/// What a query gives for each row, joined by `|`.
pub(crate) fn rows(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let text = |value: ValueRef<'_>| match value {
        ValueRef::Null => "null".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
        ValueRef::Blob(bytes) => format!("{bytes:02x?}"),
        other => panic!("no column holds {other:?}"),
    };
    let read = statement.query_map([], |row| {
        let columns: Vec<_> = (0..columns).map(|at| text(row.get_ref_unwrap(at))).collect();
        Ok(columns.join("|"))
    });
    read.unwrap().map(Result::unwrap).collect()
}
