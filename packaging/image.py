#!/usr/bin/env python3
"""Lays out the folder that the container image is built from, for one target after the other.

    image.py TARGET ARCHIVE FOLDER

The program is taken out of the release's archive of that target, byte for byte. Then
`docker buildx build --platform linux/amd64,… FOLDER` makes the image.
"""

import shutil
import sys
from pathlib import Path

from project import ROOT, program
from wheel import unpacked

# The processor as TARGETARCH names it.
PLATFORMS = {
    "x86_64-unknown-linux-musl": "amd64",
    "aarch64-unknown-linux-musl": "arm64",
    "armv7-unknown-linux-musleabihf": "arm",
}


def main(target, archive, folder):
    context = Path(folder)
    root = context / PLATFORMS[target]
    (root / "tmp").mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    path = root / program(target)
    path.write_bytes(unpacked(target, archive))
    path.chmod(0o755)
    shutil.copyfile(ROOT / "packaging/Containerfile", context / "Dockerfile")


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in PLATFORMS:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
