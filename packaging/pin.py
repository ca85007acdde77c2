#!/usr/bin/env python3
"""Pins the action and the component to the archives of a release, by their SHA-256 sums.

    pin.py SHA256SUMS

Run in the commit after the one that was built; that commit is tagged.
"""

import json
import re
import sys
from pathlib import Path

from project import ROOT, field


def sums(text, version):
    """The lines of this version's archives, in the order of their names."""
    archive = re.compile(rf"[0-9a-f]{{64}}  finishline-{re.escape(version)}-[a-z0-9_-]+\.tar\.gz")
    return sorted(filter(archive.fullmatch, text.splitlines()), key=lambda line: line[66:])


def with_default(text, name, value):
    """The component with another default of one of its inputs."""
    entry = re.compile(rf"(^    {name}:\n      default: ).*$", re.MULTILINE)
    changed, count = entry.subn(lambda found: found.group(1) + json.dumps(value), text)
    if count != 1:
        raise SystemExit(f"the component has no input {name}")
    return changed


def main(path):
    version = field("version")
    lines = sums(Path(path).read_text(encoding="utf-8"), version)
    if not lines:
        raise SystemExit(f"{path} has no archive of {version}")
    (ROOT / "action/SHA256SUMS").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    component = ROOT / "templates/finishline.yml"
    text = with_default(component.read_text(encoding="utf-8"), "finishline-version", version)
    # Its jobs run in a POSIX shell, on Linux and macOS.
    unix = "\n".join(line for line in lines if "-windows-" not in line)
    component.write_text(with_default(text, "checksums", unix), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
