#!/usr/bin/env bash
# Builds the release's archive and the Python wheel of this machine, installs each into an empty
# prefix, and runs the main job from there with an empty environment. Looks at the bill of materials and
# at what is pinned to a release. Needs cargo and Python.
#
# What is built stays below target/conformance/packages, where the judge of the action takes it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# shellcheck source=tests/conformance/lib/tools.sh
source tests/conformance/lib/tools.sh
packages="$TOOLS/packages"
target="$(uname -m)-unknown-linux-musl"

heading() {
  printf -- '-- %s\n' "$*"
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
binary="$(tools_release)"
if readelf --dynamic "$binary" 2>/dev/null | grep NEEDED; then
  echo "the binary needs libraries of the machine" >&2
  exit 1
fi
size="$(wc -c <"$binary")"
echo "ok      $size bytes"
# What each part weighs is measured elsewhere: this sees a jump.
[ "$size" -le 12000000 ] || { echo "the binary has grown by a jump" >&2; exit 1; }

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

heading "the bill of materials"
tools_python
schemas="$(echo "$TOOLS"/python/lib/python3*/site-packages/cyclonedx/schema/_res)"
of_bills() {
  "$TOOLS/python/bin/check-jsonschema" --schemafile "$schemas/bom-1.6.SNAPSHOT.schema.json" "$@"
}
cp "$prefix/archive/bin/finishline.cdx.json" "$prefix/linux.json"
python3 packaging/sbom.py aarch64-apple-darwin >"$prefix/macos.json"
python3 packaging/sbom.py x86_64-pc-windows-msvc >"$prefix/windows.json"
of_bills "$prefix"/{linux,macos,windows}.json
# It names what the program depends on, each with a digest, and nothing that only tests use.
for crate in reqwest rustls rusqlite gix; do
  grep -q "\"ref\": \"pkg:cargo/$crate@" "$prefix/linux.json" || { echo "no $crate in it" >&2; exit 1; }
done
if grep -E 'cargo/(rcgen|windows-sys)@' "$prefix/linux.json"; then exit 1; fi
grep -q cargo/windows-sys@ "$prefix/windows.json"
[ "$(grep -c '"alg": "SHA-256"' "$prefix/linux.json")" -eq "$(grep -c '"type": "library"' "$prefix/linux.json")" ]
sed 's/"type": "library"/"type": "crate"/' "$prefix/linux.json" >"$prefix/broken.json"
if of_bills "$prefix/broken.json" >/dev/null; then echo "a broken bill is valid" >&2; exit 1; fi
echo "ok      $(grep -c '"type": "library"' "$prefix/linux.json") crates"

heading "what is pinned to a release"
pinned="$prefix/pinned"
mkdir -p "$pinned"
cp -r packaging templates action Cargo.toml "$pinned"
version="$(sed -n '/^version = /{s/^version = "\(.*\)"$/\1/p;q;}' Cargo.toml)"
zeros="$(printf '%064d' 0)"
targets="$(sed -n 's/^ *- {target: \([a-z0-9_-]*\),.*/\1/p' .github/workflows/release.yml)"
for one in $targets; do
  echo "$zeros  finishline-$version-$one.tar.gz"
  echo "$zeros  finishline-$version-$one.cdx.json"
done >"$prefix/SHA256SUMS"
echo "$zeros  finishline-$version-py3-none-win_amd64.whl" >>"$prefix/SHA256SUMS"
python3 "$pinned/packaging/pin.py" "$prefix/SHA256SUMS"
sums="$(sed -n '/^    checksums:$/{n;s/^      default: //p;}' "$pinned/templates/finishline.yml")"
for one in $targets; do
  grep -qx "$zeros  finishline-$version-$one.tar.gz" "$pinned/action/SHA256SUMS"
  # The component's jobs run in a POSIX shell.
  case "$one" in *windows*) expected=0 ;; *) expected=1 ;; esac
  [ "$(grep -c -- "finishline-$version-$one.tar.gz" <<<"$sums")" -eq "$expected" ] ||
    { echo "$one in the component's checksums: expected $expected" >&2; exit 1; }
done
if grep -v '\.tar\.gz$' "$pinned/action/SHA256SUMS"; then exit 1; fi
"$TOOLS/python/bin/yamllint" --strict --config-file .yamllint.yml "$pinned/templates/finishline.yml"
echo "ok      $(wc -w <<<"$targets") archives"
