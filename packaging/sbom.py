#!/usr/bin/env python3
"""Prints what the program of one target is made of, as a CycloneDX bill of materials.

    sbom.py TARGET

Every crate that is compiled into the program, with its licence, its digest in Cargo.lock and what it
depends on. The same Cargo.lock makes the same bytes. Needs cargo.
"""

import json
import re
import subprocess
import sys

from project import ROOT

LOCKED = re.compile(r'name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "([0-9a-f]{64})"')


def metadata(target):
    """What cargo says of the packages and of who needs whom."""
    command = ["cargo", "metadata", "--locked", "--format-version=1", "--filter-platform", target]
    return json.loads(subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE).stdout)


def needs(node):
    """The packages that are in the program because this one is, without those of its build or tests."""
    return [one["pkg"] for one in node["deps"] if any(kind["kind"] is None for kind in one["dep_kinds"])]


def reachable(nodes, root):
    """The packages of the program, itself among them."""
    found, open_ = set(), [root]
    while open_:
        package = open_.pop()
        if package not in found:
            found.add(package)
            open_ += needs(nodes[package])
    return found


def component(package, kind, digests):
    name, version = package["name"], package["version"]
    purl = f"pkg:cargo/{name}@{version}"
    entry = {"type": kind, "bom-ref": purl, "name": name, "version": version, "purl": purl}
    if package["license"]:
        # An old way to write it is `MIT/Apache-2.0`.
        entry["licenses"] = [{"expression": re.sub(r"\s*/\s*", " OR ", package["license"])}]
    if (name, version) in digests:
        entry["hashes"] = [{"alg": "SHA-256", "content": digests[name, version]}]
    return entry


def bill(target):
    """The bill of materials, as text."""
    said = metadata(target)
    packages = {one["id"]: one for one in said["packages"]}
    nodes = {one["id"]: one for one in said["resolve"]["nodes"]}
    root = said["resolve"]["root"]
    lock = (ROOT / "Cargo.lock").read_text(encoding="utf-8")
    digests = {(name, version): digest for name, version, digest in LOCKED.findall(lock)}
    program = reachable(nodes, root)
    entries = {
        one: component(packages[one], "application" if one == root else "library", digests) for one in program
    }
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": entries[root],
            "properties": [{"name": "finishline:target", "value": target}],
        },
        "components": sorted((entries[one] for one in program - {root}), key=lambda entry: entry["bom-ref"]),
        "dependencies": sorted(
            (
                {
                    "ref": entries[one]["bom-ref"],
                    "dependsOn": sorted(entries[other]["bom-ref"] for other in needs(nodes[one])),
                }
                for one in program
            ),
            key=lambda entry: entry["ref"],
        ),
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    sys.stdout.write(bill(sys.argv[1]))
