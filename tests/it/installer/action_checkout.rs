//! A checkout of the action of a version that never was, and the machine that its installer runs on.

use crate::support::http_server::{HttpServer, Request, Response};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

pub(crate) const VERSION: &str = "7.8.9";
pub(crate) const ARCHIVE: &str = "finishline-7.8.9-aarch64-unknown-linux-musl";
/// What the released program is: the installer cannot tell it from a compiled one.
pub(crate) const PROGRAM: &str = "#!/bin/sh\necho finishline 7.8.9\n";

/// The action's own folder, a runner's folders, and the environment of the step.
pub(crate) struct ActionCheckout {
    folder: TempDir,
    pub(crate) archive: Vec<u8>,
    variables: BTreeMap<String, String>,
}

/// How the installer ended.
pub(crate) struct InstallerResult {
    pub(crate) exit: i32,
    /// Everything that it printed.
    pub(crate) log: String,
    /// The program that it found; empty when there is none.
    pub(crate) binary: String,
}

impl InstallerResult {
    /// Its only annotation, with the lines as a reader sees them.
    pub(crate) fn error(&self) -> String {
        assert_ne!(self.exit, 0, "it is no failure: {}", self.log);
        let prefix = "::error title=finishline: install::";
        let errors: Vec<_> =
            self.log.lines().filter_map(|line| line.strip_prefix(prefix)).collect();
        assert_eq!(errors.len(), 1, "{}", self.log);
        errors[0].replace("%0A", "\n").replace("%25", "%")
    }
}

impl ActionCheckout {
    /// One whose releases are at this address, in the words of the action's manifest.
    pub(crate) fn new(repository: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        for name in ["action/action", "temp", "tools", "home", "tmp"] {
            fs::create_dir_all(at.join(name)).unwrap();
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("action/install.sh");
        fs::copy(script, at.join("action/action/install.sh")).unwrap();
        let manifest = format!("version = \"{VERSION}\"\nrepository = \"{repository}\"\n");
        fs::write(at.join("action/Cargo.toml"), manifest).unwrap();
        let archive = packed(at, PROGRAM);
        let variables = BTreeMap::from([("PATH".to_owned(), std::env!("PATH").to_owned())]);
        let mut checkout = Self { folder, archive, variables };
        for (name, folder) in [
            ("GITHUB_ACTION_PATH", "action"),
            ("RUNNER_TEMP", "temp"),
            ("RUNNER_TOOL_CACHE", "tools"),
            ("HOME", "home"),
            ("TMPDIR", "tmp"),
            ("GITHUB_OUTPUT", "output"),
        ] {
            let path = checkout.path(folder).display().to_string();
            checkout.set(name, &path);
        }
        checkout.pin(&checkout.archive);
        checkout.set("RUNNER_OS", "Linux");
        checkout.set("RUNNER_ARCH", "ARM64");
        checkout
    }

    /// One with a mirror in a folder.
    pub(crate) fn with_mirror() -> Self {
        let mut checkout = Self::new("https://unused.invalid/acme/finishline");
        let mirror = checkout.path("mirror");
        fs::create_dir_all(mirror.join(format!("v{VERSION}"))).unwrap();
        fs::write(mirror.join(format!("v{VERSION}/{ARCHIVE}.tar.gz")), &checkout.archive).unwrap();
        checkout.set("FINISHLINE_RELEASES", &format!("file://{}", mirror.display()));
        checkout
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes this archive the released one.
    pub(crate) fn pin(&self, archive: &[u8]) {
        let sums = format!("{}  {ARCHIVE}.tar.gz\n", sum(archive));
        fs::write(self.path("action/action/SHA256SUMS"), sums).unwrap();
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.variables.remove(name);
    }

    /// Leaves one program out of those that the machine has.
    pub(crate) fn without(&mut self, missing: &[&str]) {
        let folder = self.path("programs");
        fs::create_dir_all(&folder).unwrap();
        for program in [
            "bash",
            "sh",
            "sed",
            "tr",
            "cut",
            "head",
            "tail",
            "grep",
            "mktemp",
            "mkdir",
            "mv",
            "rm",
            "rmdir",
            "dirname",
            "chmod",
            "uname",
            "cat",
            "sha256sum",
            "tar",
            "gzip",
            "curl",
            "wget",
        ] {
            let found = std::env!("PATH").split(':').map(|folder| Path::new(folder).join(program));
            if let Some(found) = { found }.find(|path| path.exists() && !missing.contains(&program))
            {
                std::os::unix::fs::symlink(found, folder.join(program)).unwrap();
            }
        }
        self.set("PATH", &folder.display().to_string());
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new("bash");
        command.arg(self.path("action/action/install.sh")).env_clear().envs(&self.variables);
        command.current_dir(self.path("home"));
        command
    }

    pub(crate) fn install(&self) -> InstallerResult {
        drop(fs::remove_file(self.path("output")));
        self.result(&self.command().output().unwrap())
    }

    fn result(&self, done: &Output) -> InstallerResult {
        let log = [&done.stdout[..], &done.stderr[..]].concat();
        let output = fs::read_to_string(self.path("output")).unwrap_or_default();
        let binary = output.strip_prefix("binary=").unwrap_or_default().trim_end().to_owned();
        let log = String::from_utf8(log).unwrap();
        InstallerResult { exit: done.status.code().unwrap_or(-1), log, binary }
    }

    /// Installs, and looks whether it is the released program that would be run.
    pub(crate) fn installed(&self) -> PathBuf {
        let result = self.install();
        assert_eq!(result.exit, 0, "{}", result.log);
        assert_eq!(fs::read_to_string(&result.binary).unwrap(), PROGRAM);
        PathBuf::from(result.binary)
    }

    /// Every file and folder that the runner did not have before the first run.
    pub(crate) fn left_behind(&self) -> Vec<PathBuf> {
        let folders = ["temp", "tools", "home", "tmp"].map(|name| self.path(name));
        folders.iter().flat_map(|folder| below(folder)).collect()
    }

    /// A server that has the releases of some repository, and answers others as `otherwise` says.
    pub(crate) fn serve(
        archive: &[u8],
        repository: &str,
        otherwise: impl Fn(&Request) -> Response + Send + Sync + 'static,
    ) -> HttpServer {
        let path = format!("/{repository}/releases/download/v{VERSION}/{ARCHIVE}.tar.gz");
        let archive = archive.to_vec();
        HttpServer::new(move |request| match request.path() == path {
            true => Response::new(200, "application/octet-stream", archive.clone()),
            false => otherwise(request),
        })
    }
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| [vec![path.clone()], below(&path)].concat()).collect()
}

/// The archive of a release with this program.
pub(crate) fn packed(at: &Path, program: &str) -> Vec<u8> {
    plant(&at.join("release").join(ARCHIVE).join("finishline"), program);
    tarred(&at.join("release"), ARCHIVE)
}

/// What is in a folder, as a compressed archive.
pub(crate) fn tarred(at: &Path, folder: &str) -> Vec<u8> {
    let mut tar = Command::new("tar");
    tar.args(["-czf", "-", folder]).current_dir(at).output().unwrap().stdout
}

/// A program in a place where the installer did not put it.
pub(crate) fn plant(path: &Path, program: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, program).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

pub(crate) fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
