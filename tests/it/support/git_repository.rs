//! Repositories that the real git makes, for what reads them.

use crate::support::engine::block_on;
use finishline::git::{Checkout, CommitHistory, CommitRange, GitError};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use tempfile::TempDir;

/// When the first commit of a test is made; each later one a minute after.
pub(crate) const START: u64 = 1_700_000_000;

/// A folder with repositories in it.
pub(crate) struct RepositoryFolder {
    folder: TempDir,
}

impl RepositoryFolder {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A repository with `main` checked out and nothing in it.
    pub(crate) fn repository(&self, name: &str) -> GitRepository {
        let at = self.path(name);
        git(
            self.folder.path(),
            &["init", "--quiet", "--initial-branch=main", at.to_str().unwrap()],
        );
        GitRepository { at }
    }

    /// A clone of a repository through git's own transport, which is what makes it shallow.
    pub(crate) fn clone(
        &self,
        from: &GitRepository,
        name: &str,
        options: &[&str],
    ) -> GitRepository {
        let (at, url) = (self.path(name), format!("file://{}", from.at.display()));
        let command = [&["clone", "--quiet"], options, &[&url, at.to_str().unwrap()]].concat();
        git(self.folder.path(), &command);
        GitRepository { at }
    }
}

/// Where git is. With a path and no name, no copy of this process is made to look for it in another `PATH`,
/// which takes longer than all that git then does.
fn git_program() -> &'static Path {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let mut programs = std::env::split_paths(&folders).map(|folder| folder.join("git"));
        programs.find(|program| program.is_file()).unwrap_or_else(|| "git".into())
    });
    &PROGRAM
}

/// Runs git without any configuration but the repository's; what it prints.
pub(crate) fn git(folder: &Path, arguments: &[&str]) -> String {
    git_at(folder, arguments, START, &[])
}

pub(crate) fn git_at(folder: &Path, arguments: &[&str], time: u64, input: &[u8]) -> String {
    let date = format!("{time} +0000");
    let mut command = Command::new(git_program());
    command.current_dir(folder).args(arguments).env_clear();
    command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    for (name, value) in [
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        // No sample hooks in each repository.
        ("GIT_TEMPLATE_DIR", ""),
        ("GIT_CONFIG_SYSTEM", "/dev/null"),
        ("GIT_AUTHOR_NAME", "Ada"),
        ("GIT_AUTHOR_EMAIL", "ada@acme.example"),
        ("GIT_AUTHOR_DATE", "1600000000 +0200"),
        ("GIT_COMMITTER_NAME", "Bob"),
        ("GIT_COMMITTER_EMAIL", "bob@acme.example"),
        ("GIT_COMMITTER_DATE", &date),
    ] {
        command.env(name, value);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let done = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim_end().to_owned()
}

/// The commits of a range.
pub(crate) fn read(
    checkout: &Checkout,
    range: &CommitRange<'_>,
) -> Result<CommitHistory, GitError> {
    block_on(checkout.history(range))
}

pub(crate) struct GitRepository {
    pub(crate) at: PathBuf,
}

impl GitRepository {
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(&self.at, arguments)
    }

    /// Writes files and commits everything there is, this many minutes after the start; its sha.
    pub(crate) fn commit(&self, minute: u64, message: &str, files: &[(&str, &str)]) -> String {
        for (path, text) in files {
            let path = self.at.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        self.git(&["add", "--all"]);
        let command = ["commit", "--quiet", "--allow-empty", "-m", message];
        git_at(&self.at, &command, START + minute * 60, &[]);
        self.sha("HEAD")
    }

    pub(crate) fn sha(&self, name: &str) -> String {
        self.git(&["rev-parse", name])
    }

    /// Three commits, `a`, `b` and `c`, that add a file each; their shas.
    pub(crate) fn three_commits(&self) -> [String; 3] {
        let made = ["a", "b", "c"].iter().zip(0..);
        let shas: Vec<_> =
            made.map(|(name, minute)| self.commit(minute, name, &[(name, name)])).collect();
        shas.try_into().unwrap()
    }

    pub(crate) fn checkout(&self) -> Checkout {
        Checkout::find(&self.at).unwrap().unwrap()
    }

    pub(crate) fn history(&self, previous: Option<&str>, head: &str) -> CommitHistory {
        read(&self.checkout(), &CommitRange { head, previous, most: 100, paths: &[] }).unwrap()
    }

    /// The messages of a range, which may have no note.
    pub(crate) fn messages(&self, previous: Option<&str>, head: &str) -> Vec<String> {
        let history = self.history(previous, head);
        assert_eq!(history.warnings, []);
        messages(&history)
    }

    pub(crate) fn error(&self, previous: Option<&str>, head: &str) -> GitError {
        read(&self.checkout(), &CommitRange { head, previous, most: 100, paths: &[] }).unwrap_err()
    }
}

pub(crate) fn messages(history: &CommitHistory) -> Vec<String> {
    history.commits.iter().map(|commit| commit.message.clone().unwrap_or_default()).collect()
}

/// A history of this many commits with branches and merges, always the same one. Each commit
/// changes a few of a few files; `skew` is how many minutes a clock may be late.
pub(crate) fn random_history(repository: &GitRepository, count: usize, skew: u64) {
    let mut seed = 0x9e37_79b9_u64;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(seed >> 33).unwrap() % below
    };
    let (mut stream, mut tips) = (String::new(), vec![0_usize]);
    for mark in 1..=count {
        let late = random(usize::try_from(skew).unwrap() + 1);
        let time = START + (mark * 60) as u64 - (late * 60) as u64;
        let at = random(tips.len());
        let parent = tips[at];
        let merged = (mark > 3 && random(4) == 0).then(|| tips[random(tips.len())]);
        writeln!(stream, "commit refs/heads/main\nmark :{mark}").unwrap();
        writeln!(stream, "author A <a@acme.example> {time} +0000").unwrap();
        writeln!(stream, "committer C <c@acme.example> {time} +0000\ndata 1\nm").unwrap();
        if parent > 0 {
            writeln!(stream, "from :{parent}").unwrap();
        }
        match merged.filter(|merged| *merged != parent && *merged > 0) {
            Some(merged) => writeln!(stream, "merge :{merged}").unwrap(),
            None => (0..=random(3)).for_each(|_| touch(&mut stream, &mut random)),
        }
        stream.push('\n');
        match random(5) {
            0 => tips.push(mark),
            _ => tips[at] = mark,
        }
    }
    // All that is loose ends in the last commit.
    let loose: String = tips.iter().map(|tip| format!("merge :{tip}\n")).collect();
    let time = START + 60 * count as u64 + 60;
    write!(
        stream,
        "commit refs/heads/main\ncommitter C <c@acme.example> {time} +0000\ndata 3\nend\n\
         from :{count}\n{loose}\n"
    )
    .unwrap();
    git_at(&repository.at, &["fast-import", "--quiet"], START, stream.as_bytes());
}

/// Adds, changes or deletes a file; a file may become a folder, a link or a program.
fn touch(stream: &mut String, random: &mut impl FnMut(usize) -> usize) {
    let path = ["a", "a/x", "a/y/z", "b-c", "b/c", "b.c", "services/api/m", "services/web/m"];
    let path = path[random(path.len())];
    let mode = ["100644", "100644", "100755", "120000"][random(4)];
    match random(4) {
        0 => writeln!(stream, "D {path}").unwrap(),
        _ => writeln!(stream, "M {mode} inline {path}\ndata 1\n{}", random(10)).unwrap(),
    }
}
