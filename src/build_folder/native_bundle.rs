//! What React Native's tools write: scripts with names of their own, and bytes for its engines.

use std::path::{Path, PathBuf};

/// Why a file that may be a bundle is none that can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BareBundle {
    /// Bytecode of Hermes with no map beside it.
    Bytecode,
    /// An indexed RAM bundle.
    RamBundle,
    /// A file that only may be a bundle, by its name, with no map beside it.
    Unmapped,
}

impl BareBundle {
    /// What it is.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Bytecode => "is bytecode of Hermes without a source map beside it",
            Self::RamBundle => "is an indexed RAM bundle",
            Self::Unmapped => "may be a bundle of React Native, but no source map is beside it",
        }
    }

    /// What its author can do.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Bytecode => {
                "write its composed source map beside it, under the name of the bundle and `.map`"
            }
            Self::RamBundle => "build a plain bundle, or upload it with sentry-cli",
            Self::Unmapped => {
                "build it with `--sourcemap-output`, under the name of the bundle and `.map`"
            }
        }
    }
}

/// What a file that is no text is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NativeBytes {
    /// Bytecode of Hermes.
    Bytecode,
    /// An indexed RAM bundle.
    RamBundle,
}

impl NativeBytes {
    /// What these are; none where they may be a text.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xc6, 0x1f, 0xbc, 0x03, 0xc1, 0x03, 0x19, 0x1f, ..] => Some(Self::Bytecode),
            [0xe5, 0xd1, 0x0b, 0xfb, ..] => Some(Self::RamBundle),
            _ => None,
        }
    }
}

/// Whether React Native's tools name bundles like this.
pub(super) fn is_native_bundle(name: &str) -> bool {
    name.ends_with(".jsbundle") || needs_map(name)
}

/// Whether other programs, too, name files like this, so that only a map beside one tells what it is.
pub(super) fn needs_map(name: &str) -> bool {
    [".bundle", ".hbc"].iter().any(|end| name.ends_with(end))
}

/// Where the map of a file lies that says nothing of it.
pub(crate) fn map_beside(file: &Path) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".map");
    file.with_file_name(name)
}
