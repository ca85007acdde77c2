//! Unmistakable secrets, and every trace of one: plain, encoded, or in pieces of eight.

use crate::support::run::{ProgramRun, RunResult};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use rusqlite::types::ValueRef;
use sha2::{Digest, Sha256};
use std::collections::HashSet;

/// So many characters of a secret are a trace of it.
const PIECE: usize = 8;

/// The columns in which Sentry itself keeps secrets.
const ALLOWED: [&str; 4] = [
    "integration.metadata",
    "organization_integration.config",
    "identity.data",
    "pipeline_state.data",
];

/// What begins a line that tells a host which text to hide.
const MASKS: [&str; 2] = ["::add-mask::", "##vso[task.setsecret"];

/// A secret for this place and for no other: nothing else looks like a part of it.
pub(crate) fn secret(place: &str) -> String {
    let letters = b"BCDFGHJKLMNPQRSTVWXZbcdfghjkmnpq";
    let letter = |byte: &u8| char::from(letters[usize::from(byte % 32)]);
    Sha256::digest(place).iter().map(letter).collect()
}

/// Every piece by which a secret, or an encoding of it, is known.
fn pieces(secret: &str) -> Vec<Vec<u8>> {
    let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut texts = vec![secret.to_owned(), encoded];
    // What stands before it decides how its bits fall; what the neighbours' bits touch is left out.
    for before in 0..3 {
        let bytes = [&b"\0\0"[..before], secret.as_bytes()].concat();
        let whole = bytes.len() / 3 * 4;
        for text in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            texts.push(text[if before == 0 { 0 } else { 4 }..whole].to_owned());
        }
    }
    // As many digits of a random mark would now and then be those of a secret.
    let hex = windows(&hex, 2 * PIECE);
    texts.iter().flat_map(|text| windows(text, PIECE)).chain(hex).collect()
}

fn windows(text: &str, length: usize) -> Vec<Vec<u8>> {
    text.as_bytes().windows(length).map(<[u8]>::to_vec).collect()
}

/// The lines of this text in which a trace of a secret is.
pub(crate) fn traces(text: &str, secrets: &[String]) -> Vec<String> {
    let pieces: HashSet<_> = secrets.iter().flat_map(|secret| pieces(secret)).collect();
    let lines = text.lines().filter(|line| !MASKS.iter().any(|mask| line.starts_with(mask)));
    let known = |line: &&str| {
        let mut lengths = [PIECE, 2 * PIECE].into_iter();
        lengths.any(|length| line.as_bytes().windows(length).any(|part| pieces.contains(part)))
    };
    lines.filter(known).map(str::to_owned).collect()
}

/// Everything that a run has left behind: streams, files, and the columns of its database in which
/// no secret belongs.
fn left_behind(run: &ProgramRun, ended: &RunResult) -> String {
    let mut all = ended.everything();
    if run.database().exists() {
        columns(run).into_iter().for_each(|text| all.push_str(&format!("\n{text}")));
    }
    all
}

/// Every value of every column in which no secret belongs, a line each.
fn columns(run: &ProgramRun) -> Vec<String> {
    let connection = run.connection();
    let mut values = Vec::new();
    for table in run.rows("SELECT name FROM sqlite_schema WHERE type = 'table'") {
        let mut statement = connection.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let names: Vec<_> = statement.column_names().map(str::to_owned).collect();
        let mut rows = statement.query(()).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for (at, name) in names.iter().enumerate() {
                let column = format!("{table}.{name}");
                if let ValueRef::Text(text) | ValueRef::Blob(text) = row.get_ref_unwrap(at)
                    && !ALLOWED.contains(&column.as_str())
                {
                    values.push(format!("{column}: {}", String::from_utf8_lossy(text)));
                }
            }
        }
    }
    values
}

/// Panics when a run has left a trace of a secret.
#[track_caller]
pub(crate) fn assert_none(run: &ProgramRun, ended: &RunResult, secrets: &[String], what: &str) {
    let found = traces(&left_behind(run, ended), secrets);
    assert!(found.is_empty(), "{what}: {found:#?}");
}

#[test]
fn every_spelling_of_a_secret_is_a_trace() {
    let secret = secret("a place");
    let secrets = [secret.clone()];
    let basic = |before: &str| STANDARD_NO_PAD.encode(format!("{before}:{secret}"));
    for text in [
        secret.clone(),
        secret[9..17].to_owned(),
        basic(""),
        basic("a"),
        basic("ab"),
        basic("Authorization: abc"),
        secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
    ] {
        assert_eq!(traces(&format!("x\n<{text}>\ny"), &secrets), [format!("<{text}>")]);
    }
    assert_eq!(traces(&format!("::add-mask::{secret}\n{}", &secret[..7]), &secrets), [""; 0]);
}
