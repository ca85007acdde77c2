//! A run that is killed before any of its writes leaves each file old or new, and the next one
//! completes what was begun, and removes what is left of a draft.

use crate::support::build_folder::{
    identity_map, on_embedded, snapshot, source, write, write_script,
};
use crate::support::run::ProgramRun;
use std::path::{Path, PathBuf};

const ID: &str = "0f0e0d0c-0b0a-4908-8706-050403020100";

/// A plain script, two that share a map, and one of a bundler that wrote only the comment.
fn built() -> ProgramRun {
    let run = ProgramRun::local().args(&["sentry-cli", "sourcemaps", "inject", "dist"]);
    write_script(&run, "dist/a.js");
    let text = source("b");
    for script in ["dist/b1.js", "dist/b2.js"] {
        write(&run, script, format!("{text}//# sourceMappingURL=b.map\n"));
    }
    write(&run, "dist/b.map", identity_map("b.ts", &text));
    let text = source("c");
    write(&run, "dist/c.js", format!("{text}//# sourceMappingURL=c.map\n//# debugId={ID}\n"));
    let map = identity_map("c.ts", &text).replacen('{', &format!("{{\"debugId\":\"{ID}\","), 1);
    write(&run, "dist/c.map", map);
    run
}

/// The files by their names below the folder.
fn files(run: &ProgramRun) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = run.path("dist");
    let name = |path: &Path| path.strip_prefix(&folder).unwrap().to_owned();
    snapshot(&folder).into_iter().map(|(path, bytes)| (name(&path), bytes)).collect()
}

#[test]
fn each_file_is_old_or_new_and_the_next_run_completes() {
    let undisturbed = built();
    let old = files(&undisturbed);
    undisturbed.execute().expect(0);
    let new = files(&undisturbed);
    let library = undisturbed.killer();
    for at in 1.. {
        let run = built();
        let killed = run.clone().var("LD_PRELOAD", &library).var("KILL_AT", at.to_string());
        let killed = killed.execute();
        let (drafts, left): (Vec<_>, Vec<_>) =
            files(&run).into_iter().partition(|(name, _)| name.to_string_lossy().starts_with('.'));
        assert!(drafts.len() <= 3, "killed at {at}: {drafts:?}");
        for (place, (name, bytes)) in left.into_iter().enumerate() {
            // A map that has an id for another script loses it first.
            let is_between = name.ends_with("c.map") && bytes != old[place].1;
            let is_whole = bytes == old[place].1 || bytes == new[place].1 || is_between;
            assert!(is_whole, "killed at {at}: {}", name.display());
        }
        run.execute().expect(0);
        assert_eq!(files(&run), new, "killed at {at}");
        if killed.exit.is_some() {
            assert!(at > 14, "there are {at} writes, renames and removals");
            return;
        }
    }
}

#[test]
fn a_bundle_without_room_for_it_is_an_error_of_the_disk_and_changes_nothing() {
    let run = on_embedded(ProgramRun::local().args(&["sourcemaps", "dist"]));
    // What cannot be packed, so that its bundle is larger than the limit of 4 KiB.
    let text = (0..4_000_u64).map(|at| format!("{:x};", at * at * 7_919)).collect::<String>();
    write(&run, "dist/a.js", format!("{text}\n//# sourceMappingURL=a.js.map\n"));
    write(&run, "dist/a.js.map", identity_map("a.ts", &text));
    let before = snapshot(&run.path("dist"));
    let ended = run.clone().limited("ulimit -f 8").execute().expect(7);
    assert!(ended.stderr.contains("cannot write the bundle"), "{}", ended.stderr);
    assert_eq!(snapshot(&run.path("dist")), before);
}
