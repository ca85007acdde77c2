//! Who may write in the build folder while the program runs cannot lead it out of that folder.

use crate::support::build_folder::{snapshot, sourcemaps, write, write_script};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Puts a link in the place of a folder and the folder back, each at one stroke, until it is told to stop.
fn swap(folder: &Path, link: &Path, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        renameat_with(CWD, folder, CWD, link, RenameFlags::EXCHANGE).unwrap();
        std::thread::sleep(std::time::Duration::from_micros(50));
    }
}

#[test]
fn a_folder_that_is_swapped_for_a_link_leads_nowhere() {
    for _ in 0..12 {
        let run = sourcemaps().var("FINISHLINE_DELETE_SOURCEMAPS", "true");
        for number in 0..30 {
            // What is there in both is read without a doubt in either.
            write_script(&run, &format!("dist/sub/a{number}.js"));
            write_script(&run, &format!("victim/a{number}.js"));
        }
        write_script(&run, "dist/b.js");
        write(&run, "aside/none", "");
        let (folder, link) = (run.path("dist/sub"), run.path("aside/link"));
        symlink(run.path("victim"), &link).unwrap();
        let before = snapshot(&run.path("victim"));
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| swap(&folder, &link, &stop));
            let ended = run.execute();
            stop.store(true, Ordering::Relaxed);
            assert!(ended.exit.is_some_and(|exit| exit < 8), "{}", ended.stderr);
        });
        assert_eq!(snapshot(&run.path("victim")), before);
    }
}
