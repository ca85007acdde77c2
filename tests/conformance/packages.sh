#!/usr/bin/env bash
# Builds the release's archive and the Python wheel of this machine, installs each into an empty
# prefix, and runs the main job from there with an empty environment. Needs cargo and Python.
#
# What is built stays below target/conformance/packages, where the judge of the action takes it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# shellcheck source=tests/conformance/lib/tools.sh
source tests/conformance/lib/tools.sh
packages="$TOOLS/packages"
host="$(rustc -vV | sed -n 's/^host: //p')"
machine="${host%%-*}"
# The release is built for musl. Where that is not to be had, a static glibc is the same to a user:
# a program that needs nothing of the machine.
target="$machine-unknown-linux-musl"

heading() {
  printf -- '-- %s\n' "$*"
}

build() {
  RUSTFLAGS="-C target-feature=+crt-static" CARGO_TARGET_DIR="$TOOLS/build" \
    cargo build --release --locked --target "$host"
}

# Runs an installed program in a folder of its own with nothing in the environment, and reads what
# it did: the first run installs, the second one finds nothing to do.
main_job() {
  local program="$1" folder said
  folder="$(mktemp -d)"
  said="$(cd "$folder" && env -i OPSGENIE_KEY=0123-4567 "$program" run --backend embedded \
    --database demo.db --provider opsgenie --org acme --set baseUrl=https://api.opsgenie.com/ \
    --set provider=acme-ops --set apiKey=env:OPSGENIE_KEY 2>&1)"
  grep -q "^Opsgenie is installed for acme$" <<<"$said" || { echo "$said" >&2; return 1; }
  said="$(cd "$folder" && env -i OPSGENIE_KEY=0123-4567 "$program" run --backend embedded \
    --database demo.db --provider opsgenie --org acme --set baseUrl=https://api.opsgenie.com/ \
    --set provider=acme-ops --set apiKey=env:OPSGENIE_KEY --format json 2>/dev/null)"
  grep -q '"status":"complete","changed":false' <<<"$said" || { echo "$said" >&2; return 1; }
  rm -rf "$folder"
  echo "ok      the main job runs from $(basename "$(dirname "$(dirname "$program")")")"
}

heading "a static binary (the first build takes some minutes)"
build
binary="$TOOLS/build/$host/release/finishline"
if readelf --dynamic "$binary" 2>/dev/null | grep NEEDED; then
  echo "the binary needs libraries of the machine" >&2
  exit 1
fi
size="$(wc -c <"$binary")"
echo "ok      $size bytes"
# A static glibc is 1 MB of it. What each part weighs is measured elsewhere: this sees a jump.
[ "$size" -le 10000000 ] || { echo "the binary has grown by a jump" >&2; exit 1; }

heading "archive and wheel"
rm -rf "$packages"
mkdir -p "$packages/again" "$packages/bin"
cp "$binary" "$packages/bin/finishline"
archive="$(python3 packaging/archive.py "$target" "$binary" "$packages")"
python3 packaging/archive.py "$target" "$binary" "$packages/again" >/dev/null
cmp "$archive" "$packages/again/$(basename "$archive")"
wheel="$(python3 packaging/wheel.py "$target" "$archive" "$packages")"
rm -rf "$packages/again"
(cd "$packages" && sha256sum -- *.tar.gz *.whl >SHA256SUMS && sha256sum --check --quiet SHA256SUMS)
echo "ok      the same files make the same archive"

heading "from the archive"
prefix="$(mktemp -d)"
trap 'rm -rf "$prefix"' EXIT
mkdir -p "$prefix/archive/bin"
tar -xzf "$archive" -C "$prefix/archive/bin" --strip-components=1
main_job "$prefix/archive/bin/finishline"
for page in "$prefix"/archive/bin/man/*.1; do
  [ "$(wc -l <"$page")" -gt 10 ] || { echo "$page is no page" >&2; exit 1; }
done
bash -n "$prefix/archive/bin/completions/finishline.bash"

heading "from the wheel"
tools_venv "$prefix/wheel"
"$prefix/wheel/bin/pip" install --quiet --no-index "$wheel"
main_job "$prefix/wheel/bin/finishline"
# pip checks the record only when it is asked to.
"$prefix/wheel/bin/pip" install --quiet wheel==0.45.1
"$prefix/wheel/bin/wheel" unpack "$wheel" --dest "$prefix/unpacked" >/dev/null
cmp "$prefix/unpacked"/finishline-*/finishline-*.data/scripts/finishline "$binary"
echo "ok      the wheel carries the archive's program"
