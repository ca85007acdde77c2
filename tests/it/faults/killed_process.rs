//! A process that ends in the middle: killed before any call that changes a file, or stopped by a
//! limit. The file is whole, and the next run completes what was begun.

use crate::support::rows::rows;
use crate::support::run::ProgramRun;
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};

/// How many runs are under way at once: they wait for the disk.
const AT_ONCE: usize = 8;

/// What the database has, without times and random values.
const STATE: &str = "
    SELECT 'integration', provider, external_id, status, metadata FROM integration
    UNION ALL SELECT 'link', status, config, '', '' FROM organization_integration
    UNION ALL SELECT 'audit', event, target_object, count(*), '' FROM audit_log_entry
        GROUP BY event, target_object
    UNION ALL SELECT 'release', version, status, ref, date_released IS NULL FROM release
    UNION ALL SELECT 'project', project_id, release_id, '', '' FROM release_project
    UNION ALL SELECT 'deploy', environment, name, url, '' FROM deploy
    UNION ALL SELECT 'repository', name, status, integration_id, '' FROM repository
    UNION ALL SELECT 'mapping', stack_root, source_root, '', '' FROM code_mapping
    ORDER BY 1, 2, 3, 4, 5";

fn state(run: &ProgramRun) -> Vec<String> {
    run.rows(STATE)
}

/// Whether the file, when it is there at all, is whole.
fn is_whole(run: &ProgramRun) -> bool {
    if !run.database().exists() {
        return true;
    }
    let connection = Connection::open(run.database()).unwrap();
    let check = |pragma: &str| rows(&connection, pragma);
    check("PRAGMA integrity_check") == ["ok"] && check("PRAGMA foreign_key_check").is_empty()
}

/// The state that a run has left; none where its tables are not there yet.
fn left(run: &ProgramRun) -> Option<Vec<String>> {
    let connection = Connection::open(run.database()).unwrap();
    connection.prepare(STATE).ok()?;
    Some(rows(&connection, STATE))
}

fn opsgenie() -> ProgramRun {
    ProgramRun::github().opsgenie()
}

/// A file that an earlier run has made.
fn installed() -> ProgramRun {
    static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let first = opsgenie();
        first.execute().expect(0);
        std::fs::read(first.database()).unwrap()
    });
    let run = opsgenie();
    run.file("finishline.db", &*FILE);
    run
}

/// A file that an earlier run has made, and a new key for what is in it.
fn renewed() -> ProgramRun {
    let run = installed();
    let state = crate::support::run::STATE.replace("s3cr3t-key", "an0ther-key");
    run.var("FINISHLINE_STATE", state)
}

/// The end of one of two integrations, with its repositories and code mappings.
fn removed() -> ProgramRun {
    static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mappings = "[{project: web, repository: acme/web, stackRoot: app/}, \
                         {project: api, repository: acme/web}]";
        let first = ProgramRun::github().embedded("example", "{name: demo}");
        let linked = first.clone().var("FINISHLINE_REPOSITORIES", "acme/web,acme/api");
        linked.var("FINISHLINE_CODE_MAPPINGS", mappings).execute().expect(0);
        std::fs::read(first.database()).unwrap()
    });
    let run = ProgramRun::github().embedded("example", "{name: demo}");
    run.file("finishline.db", &*FILE);
    run.var("FINISHLINE_MODE", "remove")
}

/// The end of six integrations, entry by entry.
fn six_removed() -> ProgramRun {
    static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let first = six(|n| {
            format!("{{provider: example, state: {{name: n{n}}}, repositories: acme/r{n}}}")
        });
        first.execute().expect(0);
        std::fs::read(first.database()).unwrap()
    });
    let run = six(|n| format!("{{provider: example, mode: remove, state: {{name: n{n}}}}}"));
    run.file("finishline.db", &*FILE);
    run
}

/// A manifest with six entries, one after the other.
fn six(entry: impl Fn(usize) -> String) -> ProgramRun {
    let entries: String = (0..6).map(|n| format!("  - {}\n", entry(n))).collect();
    let run = ProgramRun::github();
    let text = format!("version: 1\ndefaults: {{org: acme}}\nintegrations:\n{entries}");
    run.file("finishline.yml", text);
    let database = run.database();
    run.var("FINISHLINE_BACKEND", "embedded")
        .var("FINISHLINE_DATABASE", database)
        .var("FINISHLINE_MANIFEST", "finishline.yml")
        .var("FINISHLINE_MAX_PARALLEL", "1")
}

/// A release with a deploy, in a job that is run again as another attempt.
fn released() -> ProgramRun {
    let run = installed();
    run.without("FINISHLINE_PROVIDER")
        .without("FINISHLINE_STATE")
        .var("GITHUB_RUN_ID", "7")
        .var("GITHUB_RUN_ATTEMPT", "2")
        .var("GITHUB_SERVER_URL", "https://github.com")
        .var("GITHUB_REPOSITORY", "acme/web")
        .var("GITHUB_SHA", "a".repeat(40))
        .var("FINISHLINE_PROJECTS", "web,api")
        .var("FINISHLINE_RELEASE", "v1")
        .var("FINISHLINE_ENVIRONMENT", "production")
        .var("FINISHLINE_COMMITS", "none")
}

/// Kills the run before each of its calls, several runs at once. How many calls there are, and in how
/// many states the database was left: each is the end of a transaction.
fn kill_everywhere(new: fn() -> ProgramRun) -> (usize, usize) {
    let undisturbed = new();
    undisturbed.execute().expect(0);
    let (right, library) = (state(&undisturbed), undisturbed.killer());
    let (next, end) = (AtomicUsize::new(1), AtomicUsize::new(usize::MAX));
    let states = Mutex::new(BTreeSet::new());
    let work = || loop {
        let at = next.fetch_add(1, Ordering::SeqCst);
        if at > end.load(Ordering::SeqCst) {
            return;
        }
        let run = new();
        let killed =
            run.clone().var("LD_PRELOAD", &library).var("KILL_AT", at.to_string()).execute();
        assert!(is_whole(&run), "killed at {at}, the file is broken");
        states.lock().unwrap().extend(left(&run));
        run.execute().expect(0);
        assert_eq!(state(&run), right, "killed at {at}");
        if killed.exit.is_some() {
            killed.expect(0);
            end.fetch_min(at, Ordering::SeqCst);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    (end.into_inner() - 1, states.into_inner().unwrap().len())
}

#[test]
fn a_first_run_that_is_killed_anywhere_is_completed_once_by_the_next() {
    let (places, states) = kill_everywhere(opsgenie);
    assert!(places > 100);
    assert_eq!(states, 2, "nothing, or all of it");
}

#[test]
fn a_renewal_that_is_killed_anywhere_is_completed_once_by_the_next() {
    let (places, states) = kill_everywhere(renewed);
    assert!(places > 5);
    assert_eq!(states, 2, "the old key, or the new one");
}

#[test]
fn a_removal_that_is_killed_anywhere_is_completed_once_by_the_next() {
    let (places, states) = kill_everywhere(removed);
    assert!(places > 5);
    assert_eq!(states, 2, "all of it, or nothing but the repositories");
}

/// Between two of them the file has each state once, and never a half.
#[test]
fn fifty_kills_during_six_removals_leave_nothing_half() {
    let (places, states) = kill_everywhere(six_removed);
    assert!(places >= 50, "{places}");
    assert_eq!(states, 7, "from six to none");
}

#[test]
fn a_release_that_is_killed_anywhere_is_completed_once_by_the_next() {
    let (places, states) = kill_everywhere(released);
    assert!(places > 5);
    assert_eq!(states, 3, "nothing, the release, or the release and its deploy");
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error_and_leaves_nothing_half_made() {
    let undisturbed = opsgenie();
    undisturbed.execute().expect(0);
    // In blocks of 512 bytes: too little for the pages of the database, but enough for the outputs.
    for blocks in [8, 16, 32, 64, 128] {
        let run = opsgenie();
        let ended = run.clone().limited(&format!("ulimit -f {blocks}")).execute().expect(6);
        assert_eq!(ended.joined(["status", "error-code"]), "error database", "{blocks}");
        assert!(is_whole(&run), "{blocks}");
        run.execute().expect(0);
        assert_eq!(state(&run), state(&undisturbed), "{blocks}");
    }
}

#[test]
fn outputs_that_are_over_the_limit_are_an_error() {
    let run = opsgenie();
    run.execute().expect(0);
    let ended = run.clone().limited("ulimit -f 0").execute();
    assert_eq!(ended.exit, Some(7), "{}", ended.stderr);
    assert!(ended.stderr.contains("cannot write"), "{}", ended.stderr);
}

/// A later step adds to the same file.
#[test]
fn what_a_limit_cuts_off_of_the_outputs_is_taken_back() {
    let run = ProgramRun::local().opsgenie().var("CIRCLECI", "true");
    let before = format!("export PRIOR=1\n#{}\n", "#".repeat(400));
    let file = run.file("bash-env", &before);
    let limited = run.clone().var("BASH_ENV", &file).limited("ulimit -f 1");
    let ended = limited.execute();
    assert_eq!(ended.exit, Some(7), "{}", ended.stderr);
    assert_eq!(run.text("bash-env"), before);
}
