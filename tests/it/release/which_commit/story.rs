//! A small repository, and what a job may have made of it when it comes to this step.

use super::super::commits::{commit, head};
use crate::support::git_repository::git;
use std::path::Path;

/// Where the repository of the job is below the root of a test.
const WORK: &str = "work";

/// The commits of the story by their part in it.
pub(super) struct StoryCommits {
    pub(super) old: String,
    pub(super) base: String,
    pub(super) pushed: String,
    pub(super) merge: String,
}

impl StoryCommits {
    /// Makes them in a checkout of `acme/web`: `main` and `feature` from `old`, whose tag is `v1`,
    /// and the merge that GitHub tries for the pull request.
    pub(super) fn new(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        git(folder, &["init", "--quiet", "--initial-branch=main", "."]);
        git(folder, &["remote", "add", "origin", "https://github.com/acme/web"]);
        let old = commit(folder, "services/web/old", "old");
        git(folder, &["tag", "-a", "-m", "one", "v1"]);
        git(folder, &["checkout", "--quiet", "-b", "feature"]);
        let pushed = commit(folder, "pushed", "pushed");
        git(folder, &["tag", "-a", "-m", "two", "v2"]);
        git(folder, &["checkout", "--quiet", "main"]);
        let base = commit(folder, "base", "base");
        git(folder, &["checkout", "--quiet", "--detach"]);
        let message = format!("Merge {pushed} into {base}");
        git(folder, &["merge", "--quiet", "--no-ff", "-m", &message, "feature"]);
        git(folder, &["update-ref", "refs/pull/7/merge", "HEAD"]);
        Self { old, base, pushed, merge: head(folder) }
    }
}

/// Where the step runs in a shape, and what it sets for it.
pub(super) struct StepPlace {
    pub(super) folder: String,
    pub(super) variables: Vec<(&'static str, String)>,
}

impl StepPlace {
    fn new(folder: &str) -> Self {
        Self { folder: folder.to_owned(), variables: Vec::new() }
    }

    fn var(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }
}

/// A folder with a story in it, brought into shapes.
pub(super) struct StoryFolder<'a> {
    pub(super) root: &'a Path,
}

impl StoryFolder<'_> {
    fn git(&self, arguments: &[&str]) -> String {
        git(&self.root.join(WORK), arguments)
    }

    fn at(&self, name: &str) -> StepPlace {
        self.git(&["checkout", "--quiet", "--detach", name]);
        StepPlace::new(WORK)
    }

    fn path(&self, name: &str) -> String {
        self.root.join(name).to_str().unwrap().to_owned()
    }

    /// A checkout of another repository.
    fn shop(&self, at: &str) -> StepPlace {
        let folder = self.root.join(at);
        std::fs::create_dir_all(&folder).unwrap();
        git(&folder, &["init", "--quiet", "--initial-branch=main", "."]);
        git(&folder, &["remote", "add", "origin", "git@github.com:acme/shop.git"]);
        commit(&folder, "shop", "shop");
        StepPlace::new(at)
    }

    /// A clone of one commit, which knows no other one; with the remote as it is named and where
    /// it leads.
    fn shallow(&self, what: &str, remote: &str, url: &str) -> StepPlace {
        let folder = self.root.join("clone");
        std::fs::create_dir_all(&folder).unwrap();
        let origin = format!("file://{}", self.path(WORK));
        git(&folder, &["init", "--quiet", "."]);
        git(&folder, &["fetch", "--quiet", "--depth", "1", &origin, what]);
        git(&folder, &["checkout", "--quiet", "--detach", "FETCH_HEAD"]);
        if !url.is_empty() {
            git(&folder, &["remote", "add", remote, url]);
        }
        StepPlace::new("clone")
    }

    /// What is checked out of the job's own repository.
    pub(super) fn state(&self, shape: &str) -> StepPlace {
        let https = "https://github.com/acme/web";
        match shape {
            "the pushed commit" => self.at("feature"),
            "the branch itself" => {
                self.git(&["checkout", "--quiet", "feature"]);
                StepPlace::new(WORK)
            }
            "a tag of the pushed commit" => self.at("v2"),
            "an older tag" => self.at("v1"),
            "the merge that the host made" => self.at("refs/pull/7/merge"),
            "a merge that the job made" => {
                self.at("main");
                self.git(&["merge", "--quiet", "--no-ff", "-m", "deploy", "feature"]);
                StepPlace::new(WORK)
            }
            "the tip of the base branch" => self.at("main"),
            "a commit that the job made" => {
                self.at("feature");
                commit(&self.root.join(WORK), "version", "chore(release): 2.0.0");
                StepPlace::new(WORK)
            }
            "another branch" => {
                self.at("v1");
                self.git(&["checkout", "--quiet", "-b", "other"]);
                commit(&self.root.join(WORK), "other", "other");
                StepPlace::new(WORK)
            }
            "shallow at the pushed commit" => self.shallow("feature", "origin", https),
            "shallow at the host's merge" => self.shallow("refs/pull/7/merge", "origin", https),
            "shallow at an older tag" => self.shallow("v1", "origin", https),
            _ => unreachable!("{shape} is no shape of the table"),
        }
    }

    /// Where its remote leads.
    pub(super) fn remote(&self, shape: &str) -> StepPlace {
        let at = |url: &str| self.shallow("v1", "origin", url);
        match shape {
            "ssh" => at("git@github.com:acme/web.git"),
            "ssh with a port" => at("ssh://git@ssh.github.com:443/acme/web.git"),
            "https with credentials" => {
                at("https://gitlab-ci-token:s3cr3t@gitlab.example/acme/web.git")
            }
            "another case" => at("https://GitHub.com/Acme/Web.git"),
            "a server below a path" => at("https://acme.example/gitlab/acme/web.git"),
            "remote of another name" => {
                self.shallow("v1", "upstream", "https://github.com/acme/web")
            }
            "no remote, but the event's commit" => {
                self.git(&["remote", "remove", "origin"]);
                self.at("v1")
            }
            "no remote, and no commit of the job's" => self.shallow("v1", "", ""),
            "a mirror's name at the pushed commit" => {
                self.shallow("feature", "origin", "http://cache.example/mirrors/web-1")
            }
            "the fork at its head" => {
                self.shallow("feature", "origin", "https://github.com/stranger/web")
            }
            "another repository" => self.shop("shop"),
            _ => unreachable!("{shape} is no shape of the table"),
        }
    }

    /// Where the step runs, seen from the repository.
    pub(super) fn place(&self, shape: &str) -> StepPlace {
        let old = || self.at("v1");
        match shape {
            "no checkout" => self.empty(),
            "a repository without commits" => {
                git(self.root, &["init", "--quiet", "unborn"]);
                StepPlace::new("unborn")
            }
            "a subfolder" => StepPlace { folder: "work/services/web".to_owned(), ..old() },
            "beside another repository" => {
                self.shop("work/tools");
                old()
            }
            "in another repository's folder" => {
                self.at("feature");
                self.shop("work/tools")
            }
            "in a submodule" => self.submodule(),
            "a linked worktree" => self.worktree(WORK),
            "a sparse checkout" => {
                self.git(&["sparse-checkout", "set", "services"]);
                old()
            }
            "packed" => {
                self.git(&["gc", "--quiet"]);
                old()
            }
            "a git folder elsewhere" => {
                self.git(&["init", "--quiet", "--separate-git-dir", "../elsewhere"]);
                old()
            }
            "objects in another clone" => self.shared(),
            "a worktree of a bare repository" => self.worktree(&self.mirror().folder),
            "a mirror" => self.mirror(),
            _ => self.variables(shape),
        }
    }

    fn worktree(&self, of: &str) -> StepPlace {
        let add = ["worktree", "add", "--quiet", "--detach", "../linked", "v1"];
        git(&self.root.join(of), &add);
        StepPlace::new("linked")
    }

    fn mirror(&self) -> StepPlace {
        git(self.root, &["clone", "--quiet", "--mirror", WORK, "mirror.git"]);
        StepPlace::new("mirror.git")
    }

    fn empty(&self) -> StepPlace {
        std::fs::create_dir_all(self.root.join("empty")).unwrap();
        StepPlace::new("empty")
    }

    fn submodule(&self) -> StepPlace {
        self.shop("shop");
        let shop = self.path("shop");
        self.at("feature");
        let allow = ["-c", "protocol.file.allow=always"];
        let add = ["submodule", "--quiet", "add", &shop, "libs/shop"];
        self.git(&[allow.as_slice(), add.as_slice()].concat());
        let place = "work/libs/shop";
        let url = ["remote", "set-url", "origin", "https://github.com/acme/shop"];
        git(&self.root.join(place), &url);
        StepPlace::new(place)
    }

    fn shared(&self) -> StepPlace {
        git(self.root, &["clone", "--quiet", "--shared", "--branch", "v1", WORK, "shared"]);
        let url = ["remote", "set-url", "origin", "https://github.com/acme/web"];
        git(&self.root.join("shared"), &url);
        StepPlace::new("shared")
    }

    /// What git's own variables and the host's say.
    fn variables(&self, shape: &str) -> StepPlace {
        let mut place = self.at("v1");
        let (work, empty) = (self.path(WORK), "work/services");
        match shape {
            "GIT_DIR" => self.empty().var("GIT_DIR", "../work/.git"),
            "GIT_DIR and GIT_WORK_TREE" => {
                self.empty().var("GIT_DIR", format!("{work}/.git")).var("GIT_WORK_TREE", work)
            }
            "GIT_DIR beats the folder" => {
                self.shop("shop");
                place.folder = "shop".to_owned();
                place.var("GIT_DIR", format!("{work}/.git"))
            }
            "GIT_CEILING_DIRECTORIES" => {
                place.folder = empty.to_owned();
                place.var("GIT_CEILING_DIRECTORIES", format!("relative:{work}"))
            }
            "GIT_CEILING_DIRECTORIES at the folder itself" => {
                place.folder = empty.to_owned();
                place.var("GIT_CEILING_DIRECTORIES", format!("{work}/services"))
            }
            "GIT_OBJECT_DIRECTORY" => {
                let objects = self.root.join(WORK).join(".git/objects");
                std::fs::rename(&objects, self.root.join("objects")).unwrap();
                std::fs::create_dir(objects).unwrap();
                place.var("GIT_OBJECT_DIRECTORY", "../objects")
            }
            "a repository above the job's workspace" => {
                place.folder = empty.to_owned();
                let workspace = format!("{work}/services");
                place.var("GITHUB_WORKSPACE", workspace.clone()).var("CI_PROJECT_DIR", workspace)
            }
            _ => unreachable!("{shape} is no shape of the table"),
        }
    }
}
