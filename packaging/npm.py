#!/usr/bin/env python3
"""Writes the packages for npm, as `npm publish` takes them: one with the program for each platform, and
`finishline`, which starts the one that npm has installed.

    npm.py TARGET ARCHIVE FOLDER    the package of one platform
    npm.py launcher FOLDER          the package that names all of them

The program is taken out of the release's archive of that target, byte for byte. No package has an install
script. Prints the package's path.
"""

import json
import sys
from pathlib import Path

from packed import packed
from project import ROOT, field, program
from wheel import unpacked

# The operating system and the processor as Node names them.
PLATFORMS = {
    "x86_64-unknown-linux-musl": ("linux", "x64"),
    "aarch64-unknown-linux-musl": ("linux", "arm64"),
    "armv7-unknown-linux-musleabihf": ("linux", "arm"),
    "x86_64-apple-darwin": ("darwin", "x64"),
    "aarch64-apple-darwin": ("darwin", "arm64"),
    "x86_64-pc-windows-msvc": ("win32", "x64"),
    "aarch64-pc-windows-msvc": ("win32", "arm64"),
}

LICENSES = ["LICENSE-APACHE", "LICENSE-MIT"]
# The day that npm itself writes into packages.
EPOCH = 499162500


def name(target):
    return "finishline-" + "-".join(PLATFORMS[target])


def manifest(package, **fields):
    """What npm reads of a package."""
    common = {
        "name": package,
        "version": field("version"),
        "description": field("description"),
        "license": "(MIT OR Apache-2.0)",
        "repository": {"type": "git", "url": f"git+{field('repository')}.git"},
    }
    return json.dumps({**common, **fields}, indent=2).encode() + b"\n"


def platform_files(target, archive):
    system, processor = PLATFORMS[target]
    text = f"# {name(target)}\n\nThe program of [finishline]({field('repository')}) for {target}. Install `finishline`.\n"
    yield "package.json", manifest(name(target), os=[system], cpu=[processor], preferUnplugged=True), 0o644
    yield f"bin/{program(target)}", unpacked(target, archive), 0o755
    yield "README.md", text.encode(), 0o644


def launcher_files():
    fields = {
        "bin": {"finishline": "bin/finishline.js"},
        "engines": {"node": ">=18"},
        "optionalDependencies": {name(target): field("version") for target in PLATFORMS},
    }
    yield "package.json", manifest("finishline", **fields), 0o644
    yield "bin/finishline.js", (ROOT / "packaging/npm/launcher.js").read_bytes(), 0o755
    yield "README.md", (ROOT / "README.md").read_bytes(), 0o644


def write(package, files, folder):
    """The package, the same bytes for the same files."""
    licenses = [(one, (ROOT / one).read_bytes(), 0o644) for one in LICENSES]
    path = Path(folder) / f"{package}-{field('version')}.tgz"
    path.write_bytes(packed("package", [*files, *licenses], EPOCH))
    print(path)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if len(arguments) == 2 and arguments[0] == "launcher":
        write("finishline", launcher_files(), arguments[1])
    elif len(arguments) == 3 and arguments[0] in PLATFORMS:
        write(name(arguments[0]), platform_files(*arguments[:2]), arguments[2])
    else:
        raise SystemExit(__doc__)
