//! Every fault at every request of an upload: it ends in time, says how, and the next run completes it.

use super::bundles::{TestBundle, asking_bundle, small_chunks};
use crate::support::chunk_sentry::{CHUNK_TOKEN, ChunkData, ChunkOptions};
use crate::support::faulty_server::{Fault, FaultyServer};
use finishline::http::TlsTrust;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How many cells are under way at once: most of them only wait.
const AT_ONCE: usize = 24;
const TIMEOUT: Duration = Duration::from_secs(6);
/// What a busy machine may take besides.
const SLACK: Duration = Duration::from_secs(20);

/// A server that is slow to put a bundle together.
fn server(cell: Option<(usize, Fault)>) -> (FaultyServer, Arc<Mutex<ChunkData>>) {
    let options = ChunkOptions { states: vec!["created", "assembling"], ..small_chunks() };
    let data = Arc::new(Mutex::new(ChunkData { options, ..ChunkData::default() }));
    let store = Arc::clone(&data);
    let forward = move |request: &_| store.lock().unwrap().answer(request);
    (FaultyServer::new(cell, false, forward), data)
}

fn bundle() -> TestBundle {
    asking_bundle().within(TIMEOUT)
}

/// What is wrong with a run that meets this fault, and with the next one.
fn wrong_with(bundle: &TestBundle, number: usize, fault: Fault) -> Option<String> {
    let (faulty, data) = server(Some((number, fault)));
    let upload = || bundle.upload(&faulty.peer.url(), TlsTrust::NoTls, CHUNK_TOKEN);
    faulty.arm();
    let disturbed = upload();
    if !faulty.has_occurred() {
        return Some("the fault did not occur".to_owned());
    }
    faulty.disarm();
    let bad = |what: &str| Some(format!("{what}: {:?}", disturbed.result));
    if disturbed.time > TIMEOUT + SLACK {
        return bad("it took too long");
    }
    let is_there = |found: bool| found && data.lock().unwrap().bundles.len() == 1;
    match &disturbed.result {
        Ok(()) if !is_there(disturbed.progress.is_complete) => return bad("green for nothing"),
        Err(failure) if !(4..=6).contains(&failure.code.exit().number()) => return bad("its code"),
        Err(failure) if failure.message.contains(CHUNK_TOKEN) => return bad("the token"),
        Ok(()) | Err(_) => {}
    }
    let next = upload();
    if next.result.is_err() || !is_there(next.progress.is_complete) {
        return Some(format!("the next run: {:?}", next.result));
    }
    (!faulty.elsewhere.requests().is_empty()).then(|| "something went elsewhere".to_owned())
}

#[test]
#[expect(clippy::print_stdout, reason = "the number of cells is part of what the test tells")]
fn whatever_goes_wrong_once_an_upload_ends_in_time_and_the_next_one_completes() {
    let bundle = bundle();
    let (undisturbed, _) = server(None);
    let done = bundle.upload(&undisturbed.peer.url(), TlsTrust::NoTls, CHUNK_TOKEN);
    assert_eq!(done.result, Ok(()));
    let requests = undisturbed.peer.lines();
    let cells: Vec<_> =
        (0..requests.len()).flat_map(|number| Fault::ALL.map(|fault| (number, fault))).collect();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((number, fault)) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(what) = wrong_with(&bundle, *number, *fault) {
                        let line = &requests[*number];
                        wrong.lock().unwrap().push(format!("{fault:?} at {line}: {what}"));
                    }
                }
            });
        }
    });
    println!("{} cells of an upload, {requests:?}", cells.len());
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
