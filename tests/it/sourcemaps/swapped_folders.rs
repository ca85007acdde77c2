//! Who may write in the build folder while the program runs cannot lead it out of that folder.

use crate::support::build_folder::{on_embedded, snapshot, write, write_script};
use crate::support::run::ProgramRun;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// Puts a link in the place of a folder and the folder back, until it is told to stop.
fn swap(folder: &Path, aside: &Path, target: &Path, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        fs::rename(folder, aside).unwrap();
        symlink(target, folder).unwrap();
        std::thread::yield_now();
        fs::remove_file(folder).unwrap();
        fs::rename(aside, folder).unwrap();
        std::thread::yield_now();
    }
}

#[test]
fn a_folder_that_is_swapped_for_a_link_leads_nowhere() {
    for _ in 0..20 {
        let run = on_embedded(ProgramRun::local().args(&["sourcemaps", "dist"]))
            .var("FINISHLINE_INJECT_REFRESH", "true")
            .var("FINISHLINE_DELETE_SOURCEMAPS", "true");
        for number in 0..40 {
            write_script(&run, &format!("dist/sub/a{number}.js"));
        }
        write(&run, "victim/a0.js", "f()\n//# sourceMappingURL=a0.js.map\n");
        write(&run, "victim/a0.js.map", "{}");
        write(&run, "dist/aside/sub.txt", "");
        let before = snapshot(&run.path("victim"));
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let (folder, aside) = (run.path("dist/sub"), run.path("dist/aside/sub"));
            let target = run.path("victim");
            scope.spawn({
                let stop = &stop;
                move || swap(&folder, &aside, &target, stop)
            });
            let ended = run.execute();
            stop.store(true, Ordering::Relaxed);
            assert!(ended.exit.is_some_and(|exit| exit < 8), "{}", ended.stderr);
        });
        assert_eq!(snapshot(&run.path("victim")), before);
    }
}
