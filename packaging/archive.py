#!/usr/bin/env python3
"""Writes the release's archive of one target: the program with its completions and manual pages, and
what it is made of.

    archive.py TARGET BINARY FOLDER

The same files make the same bytes with the same Python. The binary must run here, as it prints what
goes beside it; the bill of materials needs cargo. Prints the archive's path.
"""

import re
import subprocess
import sys
from pathlib import Path

from packed import packed
from project import ROOT, field, program
from sbom import bill

SHELLS = {
    "bash": "finishline.bash",
    "elvish": "finishline.elv",
    "fish": "finishline.fish",
    "powershell": "_finishline.ps1",
    "zsh": "_finishline",
}
DOCUMENTS = ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "README.md"]
# The first day that every archiver can write.
EPOCH = 315532800


def said(binary, *arguments):
    return subprocess.run([binary, *arguments], check=True, stdout=subprocess.PIPE).stdout


def manual(binary):
    """The page of the program and those that it names."""
    first = said(binary, "man")
    names = re.findall(rb"^finishline\\-([a-z]+)\(1\)$", first, re.MULTILINE)
    pages = {f"finishline-{name}": said(binary, "man", name) for name in map(bytes.decode, names) if name != "help"}
    return {"finishline": first, **pages}


def contents(target, binary):
    """Every file with its name and mode."""
    yield program(target), Path(binary).read_bytes(), 0o755
    yield "finishline.cdx.json", bill(target).encode(), 0o644
    for name in DOCUMENTS:
        yield name, (ROOT / name).read_bytes(), 0o644
    for shell, name in SHELLS.items():
        yield f"completions/{name}", said(binary, "completions", shell), 0o644
    for name, page in manual(binary).items():
        yield f"man/{name}.1", page, 0o644


def main(target, binary, folder):
    name = f"finishline-{field('version')}-{target}"
    path = Path(folder) / f"{name}.tar.gz"
    path.write_bytes(packed(name, contents(target, binary), EPOCH))
    print(path)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
