#!/usr/bin/env bash
# Runs the container image without a container engine: what packaging/Containerfile says is done to the
# letter in an empty folder, which is the root of the program then. An instruction that is not understood
# here fails.
#
#   image.sh TARGET ARCHIVE
#
# Needs root and Python.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
target="$1" archive="$2"

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 packaging/image.py "$target" "$archive" "$folder/context"

# Runs the image as this user, with these variables and arguments; a volume is at the working folder.
image() {
  python3 - "$folder" "$target" "$@" <<'PYTHON'
import json, os, shutil, subprocess, sys
from pathlib import Path

sys.path.insert(0, "packaging")
from image import PLATFORMS

folder, target, user, *words = sys.argv[1:]
context, root = Path(folder, "context"), Path(folder, "root")
variables = dict(word.split("=", 1) for word in words[:words.index("--")])
arguments = words[words.index("--") + 1:]
values = {"TARGETARCH": PLATFORMS[target]}
env, work, entry, is_scratch, accepts = {}, "/", None, False, set()
shutil.rmtree(root, ignore_errors=True)
root.mkdir()
root.chmod(0o755)
for line in (context / "Dockerfile").read_text().splitlines():
    if not line.strip() or line.startswith("#"):
        continue
    instruction, rest = line.split(" ", 1)
    if instruction == "ARG":
        accepts.add(rest)
        continue
    for name in accepts:
        rest = rest.replace(f"${name}", values[name])
    if instruction == "FROM" and rest == "scratch":
        is_scratch = True
    elif instruction == "COPY":
        source, goal = rest.split(" ")
        assert source.endswith("/") and goal.endswith("/"), line
        subprocess.run(["cp", "-a", f"{context}/{source}.", f"{root}{goal}"], check=True)
    elif instruction == "ENV":
        name, value = rest.split("=", 1)
        env[name] = value
    elif instruction == "WORKDIR":
        work = rest
        Path(f"{root}{work}").mkdir(parents=True, exist_ok=True)
    elif instruction == "ENTRYPOINT":
        entry = json.loads(rest)
    else:
        raise SystemExit(f"this judge does not know: {line}")
assert is_scratch and entry
volume = Path(folder, "volume")
shutil.copytree(volume, f"{root}{work}", dirs_exist_ok=True)
for path in [Path(f"{root}{work}"), *Path(f"{root}{work}").rglob("*")]:
    os.chown(path, int(user), int(user))


def enter():
    os.chroot(root)
    os.chdir(work)
    os.setgid(int(user))
    os.setuid(int(user))


done = subprocess.run([*entry, *arguments], env={**env, **variables}, preexec_fn=enter)
shutil.copytree(f"{root}{work}", volume, dirs_exist_ok=True)
raise SystemExit(done.returncode)
PYTHON
}

# Runs the image, which has to end with this exit code; `said` is all that it printed.
runs() {
  local status=0
  said="$(image "${@:2}" 2>&1)" || status=$?
  [ "$status" -eq "$1" ] || { printf 'exit code %s, expected %s\n%s\n' "$status" "$1" "$said" >&2; return 1; }
}

has() {
  grep -qF -- "$1" <<<"$said" || { printf 'it does not say: %s\n%s\n' "$1" "$said" >&2; return 1; }
}

mkdir -p "$folder/volume/dist"
echo 'f()' >"$folder/volume/dist/a.js"
printf '//# sourceMappingURL=a.js.map\n' >>"$folder/volume/dist/a.js"
printf '{"version":3,"sources":["a.ts"],"sourcesContent":["f()"],"names":[],"mappings":"AAAA"}' \
  >"$folder/volume/dist/a.js.map"
version="$(sed -n '/^version = /{s/^version = "\(.*\)"$/\1/p;q;}' Cargo.toml)"
for user in 0 1000; do
  runs 0 "$user" -- --version
  [ "$said" = "finishline $version" ] || { echo "$said" >&2; exit 1; }
  runs 0 "$user" OPSGENIE_KEY=0123-4567 -- run --backend embedded --database demo.db \
    --provider opsgenie --org acme --set baseUrl=https://api.opsgenie.com/ --set provider="ops-$user" \
    --set apiKey=env:OPSGENIE_KEY
  has "Opsgenie is installed for acme"
  # The bundle is written where temporary files go.
  runs 0 "$user" -- sourcemaps dist --backend embedded --database demo.db --org acme --projects web
  has "source map"
  runs 2 "$user" -- run --provider nobody
  echo "ok      the image runs for user $user"
done
runs 6 0 SENTRY_AUTH_TOKEN=any -- run --url https://127.0.0.1:9 --org acme --projects web --release v1 \
  --commits none --timeout 2s
if grep -qi certificate <<<"$said"; then echo "$said" >&2; exit 1; fi
echo "ok      it needs no certificates of the image's"
