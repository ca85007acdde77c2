#!/usr/bin/env python3
"""Writes a Python wheel that carries the program, for `pip install finishline` and `pipx run`.

    wheel.py TARGET ARCHIVE FOLDER

The program is taken out of the release's archive of that target, byte for byte, so that one thing
is attested and checked. Prints the wheel's path.
"""

import base64
import hashlib
import sys
import tarfile
import zipfile
from pathlib import Path

from project import ROOT, field, program

# A static program runs whatever the C library is.
PLATFORMS = {
    "x86_64-unknown-linux-musl": ["manylinux_2_17_x86_64", "manylinux2014_x86_64", "musllinux_1_1_x86_64"],
    "aarch64-unknown-linux-musl": ["manylinux_2_17_aarch64", "manylinux2014_aarch64", "musllinux_1_1_aarch64"],
    "armv7-unknown-linux-musleabihf": ["manylinux_2_17_armv7l", "manylinux2014_armv7l", "musllinux_1_1_armv7l"],
    "x86_64-apple-darwin": ["macosx_10_12_x86_64"],
    "aarch64-apple-darwin": ["macosx_11_0_arm64"],
    "x86_64-pc-windows-msvc": ["win_amd64"],
    "aarch64-pc-windows-msvc": ["win_arm64"],
}


def unpacked(target, archive):
    """The program in the archive."""
    with tarfile.open(archive) as opened:
        path = f"finishline-{field('version')}-{target}/{program(target)}"
        return opened.extractfile(path).read()


def metadata(version):
    """What PyPI shows; the README is the description."""
    head = [
        "Metadata-Version: 2.1",
        "Name: finishline",
        f"Version: {version}",
        f"Summary: {field('description')}",
        f"License: {field('license')}",
        "Requires-Python: >=3.7",
        "Description-Content-Type: text/markdown; charset=UTF-8",
    ]
    return "\n".join(head) + "\n\n" + (ROOT / "README.md").read_text(encoding="utf-8")


def tags(platforms):
    lines = ["Wheel-Version: 1.0", "Generator: finishline", "Root-Is-Purelib: false"]
    return "\n".join(lines + [f"Tag: py3-none-{platform}" for platform in platforms]) + "\n"


def record(files, own):
    """Each file with its digest and size; the record itself has neither."""
    def line(name, data):
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        return f"{name},sha256={digest},{len(data)}\n"
    return "".join(line(name, data) for name, data, _ in files) + f"{own},,\n"


def main(target, archive, folder):
    version, platforms = field("version"), PLATFORMS[target]
    base = f"finishline-{version}"
    info = f"{base}.dist-info"
    licenses = [(f"{info}/licenses/{name}", (ROOT / name).read_bytes(), 0o644) for name in ("LICENSE-APACHE", "LICENSE-MIT")]
    files = [
        (f"{base}.data/scripts/{program(target)}", unpacked(target, archive), 0o755),
        (f"{info}/METADATA", metadata(version).encode(), 0o644),
        (f"{info}/WHEEL", tags(platforms).encode(), 0o644),
        *licenses,
    ]
    files.append((f"{info}/RECORD", record(files, f"{info}/RECORD").encode(), 0o644))
    path = Path(folder) / f"{base}-py3-none-{'.'.join(platforms)}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, data, mode in files:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, (0o100000 | mode) << 16
            wheel.writestr(entry, data)
    print(path)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
