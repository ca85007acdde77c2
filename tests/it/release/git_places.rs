//! Checkouts as jobs find them: shallow, detached, of another user, in a subfolder, damaged. What
//! is asked for arrives, or the reason why not.

use crate::support::git_repository::{
    GitRepository, RepositoryFolder, START, git, git_at, messages, read,
};
use finishline::git::{Checkout, CommitRange, GitError, HistoryWarning};
use finishline::release::ChangeKind;
use std::path::Path;

fn find(folder: &Path) -> Option<Checkout> {
    Checkout::find(folder).unwrap()
}

#[test]
fn a_folder_that_is_no_checkout_has_none() {
    let folder = RepositoryFolder::new();
    std::fs::write(folder.path("file"), "").unwrap();
    std::fs::create_dir_all(folder.path("empty/.git")).unwrap();
    for name in [".", "not/there", "file", "empty"] {
        assert!(find(&folder.path(name)).is_none(), "{name}");
    }
}

#[test]
fn a_checkout_is_found_from_a_folder_in_it_and_from_a_linked_worktree() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    let [a, b, c] = repository.three_commits();
    std::fs::create_dir_all(repository.at.join("x/y")).unwrap();
    let worktree = folder.path("w");
    repository.git(&["worktree", "add", "--quiet", worktree.to_str().unwrap(), &b]);
    repository.git(&["remote", "add", "origin", "git@github.com:acme/widget.git"]);
    for (at, head) in [(repository.at.join("x/y"), &c), (worktree, &b)] {
        let checkout = find(&at).unwrap();
        assert_eq!(&checkout.head().unwrap(), head);
        let origin = checkout.remote("origin");
        assert_eq!(origin.as_deref(), Some("git@github.com:acme/widget.git"));
        let range = CommitRange { head, previous: Some(&a), most: 9, paths: &[] };
        assert_eq!(read(&checkout, &range).unwrap().warnings, []);
    }
}

#[test]
fn the_head_is_told_of_a_branch_a_detached_head_packed_refs_and_a_bare_repository() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    let [_, b, c] = repository.three_commits();
    assert_eq!(repository.checkout().head().unwrap(), c);
    repository.git(&["pack-refs", "--all"]);
    repository.git(&["gc", "--quiet"]);
    assert_eq!(repository.checkout().head().unwrap(), c);
    let bare = folder.clone(&repository, "bare", &["--bare"]);
    assert_eq!(bare.checkout().head().unwrap(), c);
    assert_eq!(bare.messages(None, &c), ["c", "b", "a"]);
    repository.git(&["checkout", "--quiet", "--detach", &b]);
    assert_eq!(repository.checkout().head().unwrap(), b);
    repository.git(&["tag", "-m", "annotated", "v1"]);
    let tagged = folder.clone(&repository, "tagged", &["--branch=v1"]);
    assert_eq!(tagged.checkout().head().unwrap(), b);
}

#[test]
fn a_repository_without_a_commit_says_so() {
    let folder = RepositoryFolder::new();
    let checkout = folder.repository("r").checkout();
    assert_eq!(checkout.head(), Err(GitError::Unborn));
    assert_eq!(checkout.remote("origin"), None);
}

#[test]
fn a_clone_of_one_commit_says_that_it_is_shallow_and_blames_nobody_for_every_file() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    let [_, b, c] = repository.three_commits();
    let clone = folder.clone(&repository, "c", &["--depth=1"]);
    let history = clone.history(None, &c);
    assert_eq!(messages(&history), ["c"]);
    assert_eq!(history.commits[0].changes, []);
    assert_eq!(history.warnings, [HistoryWarning::Shallow { oldest: c.clone() }]);
    let words = history.warnings[0].to_string();
    assert!(words.contains("`fetch-depth: 0`") && words.contains("`GIT_DEPTH: 0`"), "{words}");

    let history = clone.history(Some(&b), &c);
    assert_eq!(messages(&history), ["c"]);
    let note = HistoryWarning::NoPrevious { previous: b.clone(), is_shallow: true, most: 100 };
    assert_eq!(history.warnings, [note]);
    assert!(history.warnings[0].to_string().contains("fetch-depth: 0"), "{}", history.warnings[0]);

    let error = clone.error(None, &b);
    assert_eq!(error, GitError::NoHead { sha: b, is_shallow: true });
    assert!(error.to_string().contains("shallow") && error.hint().contains("fetch-depth: 0"));
}

#[test]
fn a_shallow_clone_that_reaches_the_previous_commit_is_as_good_as_a_whole_one() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    let [_, b, c] = repository.three_commits();
    let clone = folder.clone(&repository, "c", &["--depth=2"]);
    assert_eq!(clone.messages(Some(&b), &c), ["c"]);
    let history = clone.history(None, &c);
    assert_eq!(messages(&history), ["c", "b"]);
    assert_eq!(history.commits[0].changes[0].kind, ChangeKind::Added);
    assert_eq!(history.warnings, [HistoryWarning::Shallow { oldest: b }]);
}

#[test]
fn the_end_of_a_shallow_clone_hides_nothing_that_the_clone_has() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    let [a, b, c] = repository.three_commits();
    // A branch from `a`, merged: the clone ends at `b`, and has `a` by the other way.
    repository.git(&["checkout", "--quiet", "-b", "side", &a]);
    let side = repository.commit(3, "side", &[("s", "s")]);
    repository.git(&["checkout", "--quiet", "main"]);
    git_at(&repository.at, &["merge", "--quiet", "-m", "merge", "side"], START + 300, &[]);
    let head = repository.sha("HEAD");
    std::fs::write(repository.at.join(".git/shallow"), format!("{b}\n")).unwrap();
    let history = repository.history(None, &head);
    assert_eq!(messages(&history), ["merge", "side", "c", "b", "a"]);
    assert_eq!(history.warnings, [HistoryWarning::Shallow { oldest: b }]);
    assert_eq!(messages(&repository.history(Some(&side), &c)), ["c", "b"]);
}

#[test]
fn a_previous_commit_that_rewritten_history_left_behind_is_said() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    let [_, b, c] = repository.three_commits();
    let gone = "1234567890123456789012345678901234567890";
    let history = repository.history(Some(gone), &c);
    assert_eq!(messages(&history), ["c", "b", "a"]);
    let note =
        HistoryWarning::NoPrevious { previous: gone.to_owned(), is_shallow: false, most: 100 };
    assert_eq!(history.warnings, [note]);
    assert!(history.warnings[0].to_string().contains("rewritten"), "{}", history.warnings[0]);

    repository.git(&["checkout", "--quiet", "-b", "other", &b]);
    let other = repository.commit(5, "other", &[("o", "o")]);
    let history = repository.history(Some(&c), &other);
    assert_eq!(messages(&history), ["other"]);
    let note = HistoryWarning::NoAncestor { previous: c.clone(), head: other };
    assert_eq!(history.warnings, [note]);
    assert!(repository.history(Some(&c), &b).warnings[0].to_string().contains("rollback"));
}

#[test]
fn without_a_previous_commit_the_last_ones_are_taken() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    let [_, _, c] = repository.three_commits();
    let range = CommitRange { head: &c, previous: None, most: 2, paths: &[] };
    let history = read(&repository.checkout(), &range).unwrap();
    assert_eq!((messages(&history), history.warnings), (vec!["c".into(), "b".into()], vec![]));
}

#[test]
fn a_commit_is_named_by_the_beginning_of_its_sha_and_by_nothing_else() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    let [a, _, c] = repository.three_commits();
    repository.git(&["tag", "-m", "annotated", "v1"]);
    let tag = repository.sha("v1");
    for head in [&c[..7], &c[..13], &c.to_uppercase(), &tag, &tag[..9]] {
        assert_eq!(repository.messages(Some(&a[..8]), head), ["c", "b"], "{head}");
    }
    let names = ["HEAD", "HEAD~1", "main", "v1", "", "-n", &c[..6], "@{u}", ":/c", "main..side"];
    let hostile = ["--output=x", "\u{1b}[31m", "aaaaaaaa\n", "ａａａａａａａ", &"a".repeat(65)];
    for text in names.into_iter().chain(hostile) {
        for error in [repository.error(None, text), repository.error(Some(text), &c)] {
            assert!(matches!(error, GitError::NoSha { .. }), "{text}: {error}");
            assert!(!error.to_string().contains(['\n', '\u{1b}']), "{error}");
        }
    }
    for absent in ["abcdef0", &"a".repeat(40), &"a".repeat(41), &"b".repeat(64), &"0".repeat(40)] {
        let sha = absent.to_owned();
        assert_eq!(repository.error(None, absent), GitError::NoHead { sha, is_shallow: false });
    }
    let blob = repository.sha("HEAD:a");
    assert!(matches!(repository.error(None, &blob), GitError::NoHead { .. }));
}

#[test]
fn an_abbreviation_of_several_commits_is_said_and_other_objects_do_not_count() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    let [_, _, c] = repository.three_commits();
    // Ends in one hex digit more or less: enough objects share seven of them by design.
    let objects = repository.at.join(".git/objects").join(&c[..2]);
    let twin = format!("{}{}", &c[2..39], if c.ends_with('0') { '1' } else { '0' });
    std::fs::copy(objects.join(&c[2..]), objects.join(&twin)).unwrap();
    let error = repository.error(None, &c[..7]);
    assert_eq!(error, GitError::Ambiguous { sha: c[..7].to_owned() });
    assert_eq!(error.hint(), "use the commit's full SHA");
    let blob = repository.sha("HEAD:a");
    let blob = repository.at.join(".git/objects").join(&blob[..2]).join(&blob[2..]);
    std::fs::remove_file(objects.join(&twin)).unwrap();
    std::fs::copy(blob, objects.join(&twin)).unwrap();
    assert_eq!(repository.messages(None, &c[..7]), ["c", "b", "a"]);
}

/// Whether tests run as root, which may give files away.
fn is_root(at: &Path) -> bool {
    #[cfg(unix)]
    return std::os::unix::fs::MetadataExt::uid(&at.metadata().unwrap()) == 0;
    #[cfg(not(unix))]
    return at.as_os_str().is_empty();
}

#[test]
fn a_checkout_of_another_user_is_read_and_only_its_address_is_taken_from_its_configuration() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    let [a, _, c] = repository.three_commits();
    repository.git(&["remote", "add", "origin", "https://u:t0ken@git.example/acme/widget"]);
    repository.git(&["config", "core.worktree", "/nowhere"]);
    repository.git(&["config", "include.path", "/dev/zero"]);
    let read = || {
        let checkout = repository.checkout();
        assert_eq!(checkout.head().unwrap(), c);
        assert_eq!(checkout.remote("origin").as_deref(), Some("https://git.example/acme/widget"));
        assert_eq!(checkout.remote("upstream"), None);
        assert_eq!(repository.messages(Some(&a), &c), ["c", "b"]);
    };
    read();
    // Who is not root cannot give a checkout away.
    if is_root(&repository.at) {
        let at = repository.at.to_str().unwrap();
        let given = std::process::Command::new("chown").args(["-R", "65534:65534", at]).status();
        assert!(given.unwrap().success());
        read();
    }
}

#[test]
fn a_repository_of_another_format_says_so() {
    let folder = RepositoryFolder::new();
    let at = folder.path("sha256");
    git(&folder.path("."), &["init", "--quiet", "--object-format=sha256", at.to_str().unwrap()]);
    let sha256 = GitRepository { at };
    sha256.commit(0, "a", &[("a", "a")]);
    let error = Checkout::find(&sha256.at).err().unwrap();
    assert_eq!(error, GitError::Sha256);

    let at = folder.path("reftable");
    git(&folder.path("."), &["init", "--quiet", "--ref-format=reftable", at.to_str().unwrap()]);
    let reftable = GitRepository { at };
    let sha = reftable.commit(0, "a", &[("a", "a")]);
    assert_eq!(reftable.checkout().head(), Err(GitError::Reftable));
    assert_eq!(reftable.messages(None, &sha), ["a"]);
}

#[test]
fn a_damaged_repository_is_an_error_and_no_panic() {
    let folder = RepositoryFolder::new();
    let damages: [&dyn Fn(&Path); 6] = [
        &|git| std::fs::write(git.join("HEAD"), "nonsense").unwrap(),
        &|git| std::fs::write(git.join("HEAD"), [0xff; 90_000]).unwrap(),
        &|git| std::fs::write(git.join("config"), "[core\nnonsense").unwrap(),
        &|git| std::fs::write(git.join("shallow"), "nonsense\n").unwrap(),
        &|git| std::fs::remove_dir_all(git.join("objects")).unwrap(),
        &|git| std::fs::remove_dir_all(git.join("refs")).unwrap(),
    ];
    for (nth, damage) in damages.iter().enumerate() {
        let repository = folder.repository(&nth.to_string());
        let [.., c] = repository.three_commits();
        damage(&repository.at.join(".git"));
        let range = CommitRange { head: &c, previous: None, most: 9, paths: &[] };
        let fine = |checkout: Option<Checkout>| -> Result<bool, GitError> {
            let Some(checkout) = checkout else { return Ok(false) };
            let (head, history) = (checkout.head(), read(&checkout, &range));
            Ok(head? == c && history?.warnings.is_empty())
        };
        match Checkout::find(&repository.at).and_then(fine) {
            Ok(is_fine) => assert!(!is_fine, "{nth}"),
            Err(error) => assert!(error.to_string().len() < 600, "{nth}: {error}"),
        }
    }
}

#[test]
fn a_commit_that_is_lost_or_garbled_is_an_error() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    let [a, b, c] = repository.three_commits();
    let object = |sha: &str| repository.at.join(".git/objects").join(&sha[..2]).join(&sha[2..]);
    std::fs::remove_file(object(&b)).unwrap();
    let error = repository.error(None, &c);
    assert!(matches!(&error, GitError::Unreadable { cause } if cause.contains(&b)), "{error}");
    assert!(error.hint().contains("git fsck"));
    std::fs::remove_file(object(&a)).unwrap();
    std::fs::write(object(&b), "garbled").unwrap();
    assert!(matches!(repository.error(None, &c), GitError::Unreadable { .. }));
}

#[test]
fn a_clone_without_trees_tells_its_commits_and_that_their_files_are_not_there() {
    let folder = RepositoryFolder::new();
    let repository = folder.repository("r");
    let [a, b, c] = repository.three_commits();
    repository.git(&["config", "uploadpack.allowFilter", "true"]);
    let clone = folder.clone(&repository, "c", &["--filter=tree:0", "--bare"]);
    let history = clone.history(Some(&a), &c);
    assert_eq!(messages(&history), ["c", "b"]);
    assert_eq!(history.warnings, [HistoryWarning::NoTrees { commits: 2 }]);
    let paths = ["b".to_owned()];
    let range = CommitRange { head: &c, previous: Some(&a), most: 9, paths: &paths };
    let history = read(&clone.checkout(), &range).unwrap();
    assert_eq!(
        (history.commits, history.warnings),
        (vec![], vec![HistoryWarning::NoTrees { commits: 2 }])
    );

    let clone = folder.clone(&repository, "d", &["--filter=blob:none", "--bare"]);
    let history = clone.history(Some(&b), &c);
    assert_eq!(history.warnings, []);
    assert_eq!(history.commits[0].changes.len(), 1);
}
