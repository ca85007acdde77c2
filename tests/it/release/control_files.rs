//! Files of a repository that are pipes, devices or larger than anything that is read: each is refused
//! by its name before it is opened.

#![cfg(target_os = "linux")]

use crate::support::git_repository::{GitRepository, RepositoryFolder, START, git_at};
use finishline::env::Env;
use finishline::git::{Checkout, GitEnvironment, GitError};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How a file is made that is none.
const FORMS: [&str; 3] = ["mkfifo $0", "ln -s /dev/zero $0", "truncate -s 10G $0"];

/// The files that are read whole, and those that are mapped.
const PARSED: [&str; 10] = [
    "",
    "HEAD",
    "commondir",
    "config",
    "config.worktree",
    "gitdir",
    "packed-refs",
    "refs/heads/main",
    "refs/replace/1234567890123456789012345678901234567890",
    "shallow",
];
const MAPPED: [&str; 3] = ["objects/12/3456789", "objects/pack/a.idx", "objects/pack/a.pack"];

fn make(path: &Path, form: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let made = Command::new("sh").args(["-c", form]).arg(path).status();
    assert!(made.unwrap().success());
}

/// What opening a repository and reading its head says, in a thread that is left behind when it hangs.
fn opened(folder: PathBuf, environment: GitEnvironment) -> Result<String, GitError> {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let found = Checkout::find_in(&folder, &environment);
        let head = found.and_then(|found| found.map_or(Ok(String::new()), |found| found.head()));
        drop(sender.send(head));
    });
    receiver.recv_timeout(Duration::from_secs(30)).expect("it ends")
}

#[track_caller]
fn assert_refused(refused: Result<String, GitError>, file: &Path) {
    let Err(error @ GitError::BadFile { .. }) = refused else { panic!("{file:?}: {refused:?}") };
    let words = error.to_string();
    assert!(words.contains(&format!("{}`", file.display())), "{file:?}: {words}");
    assert!(words.contains("is not a regular file") || words.contains("is larger than"), "{words}");
}

/// Puts each kind of file in the place of another, and has the repository opened.
fn plant(repository: &GitRepository, folder: &Path, name: &str, forms: &[&str]) {
    let (file, aside) = (folder.join(name), repository.at.join("aside"));
    for form in forms {
        let was_there = std::fs::rename(&file, &aside).is_ok();
        make(&file, form);
        let refused = opened(repository.at.clone(), GitEnvironment::default());
        assert_refused(refused, Path::new(&format!("/{name}")));
        std::fs::remove_file(&file).unwrap();
        if was_there {
            std::fs::rename(&aside, &file).unwrap();
        }
    }
}

#[test]
fn a_file_of_a_repository_that_is_none_is_refused_by_its_name() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("a");
    let head = repository.commit(0, "a", &[("a", "a")]);
    let git = repository.at.join(".git");
    plant(&repository, &repository.at, ".git", &FORMS);
    for name in &PARSED[1..] {
        plant(&repository, &git, name, &FORMS);
    }
    for name in MAPPED {
        plant(&repository, &git, name, &FORMS[..2]);
    }
    plant(&repository, &git, "objects/info/alternates", &FORMS);
    // A working folder is looked at as a repository, too.
    plant(&repository, &repository.at, "HEAD", &FORMS);
    assert_eq!(opened(repository.at.clone(), GitEnvironment::default()), Ok(head));
}

#[test]
fn what_a_repository_leads_to_is_looked_at_too() {
    let folder = RepositoryFolder::new();
    let (repository, other) = (folder.repository("a"), folder.repository("b"));
    let head = repository.commit(0, "a", &[("a", "a")]);
    // The objects of another repository, and a linked worktree.
    let objects = other.at.join(".git/objects");
    let alternates = repository.at.join(".git/objects/info/alternates");
    std::fs::write(&alternates, format!("{}\n", objects.display())).unwrap();
    repository.git(&["worktree", "add", "--quiet", "../tree"]);
    let tree = GitRepository { at: folder.path("tree") };
    plant(&repository, &objects, "pack/b.pack", &FORMS[..2]);
    plant(&tree, &repository.at.join(".git/worktrees/tree"), "HEAD", &FORMS);
    plant(&tree, &repository.at.join(".git"), "config", &FORMS);
    assert_eq!(opened(tree.at.clone(), GitEnvironment::default()), Ok(head.clone()));
    // What git's variables name.
    let variable = |name: &str, value: &Path| {
        let variables = [(name.into(), value.as_os_str().to_owned())];
        GitEnvironment::new(&Env::from_os(variables), None)
    };
    let pipe = objects.join("pack/c.idx");
    make(&pipe, FORMS[0]);
    let named = variable("GIT_DIR", &other.at.join(".git"));
    assert_refused(opened(tree.at.clone(), named), &pipe);
    std::fs::remove_file(&alternates).unwrap();
    let named = variable("GIT_OBJECT_DIRECTORY", &objects);
    assert_refused(opened(repository.at.clone(), named), &pipe);
    assert_eq!(opened(repository.at, GitEnvironment::default()), Ok(head));
}

#[test]
fn an_object_that_fills_the_memory_is_refused_before_it_is_read() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("a");
    let parent = repository.commit(0, "a", &[("a", "a")]);
    let tree = repository.sha("HEAD^{tree}");
    let person = format!("Ada <ada@acme.example> {START} +0000");
    let header = format!("tree {tree}\nparent {parent}\nauthor {person}\ncommitter {person}\n\n");
    let commit = [header.as_bytes(), &vec![b'm'; 17 * 1024 * 1024]].concat();
    let command = ["hash-object", "-t", "commit", "-w", "--stdin"];
    let large = git_at(&repository.at, &command, START, &commit);
    repository.git(&["update-ref", "refs/heads/main", &large]);
    for packed in [false, true] {
        if packed {
            repository.git(&["repack", "-a", "-d", "--quiet"]);
        }
        let error = repository.error(Some(&parent), &large);
        assert!(matches!(error, GitError::TooLarge { .. }), "{packed}: {error}");
        assert!(error.to_string().contains("16 MiB"), "{error}");
        // What is known without it is known all the same.
        let checkout = repository.checkout();
        assert_eq!(checkout.head().as_deref(), Ok(large.as_str()));
        assert_eq!(checkout.head_subject(), "");
        assert_eq!(repository.messages(None, &parent), ["a"]);
    }
}
