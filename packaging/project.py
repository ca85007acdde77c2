"""What packages say of the project, as Cargo.toml has it."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def field(name):
    """The text of one line `name = "…"` of the package."""
    manifest = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    found = re.search(rf'^{name} = "(.*)"', manifest, re.MULTILINE)
    if found is None:
        raise SystemExit(f"Cargo.toml has no {name}")
    return found.group(1)


def program(target):
    """The file name of the program for a target."""
    return "finishline.exe" if "windows" in target else "finishline"
