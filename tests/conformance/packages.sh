#!/usr/bin/env bash
# Builds the release's archive, the Python wheel and the packages for npm of this machine, installs each
# into an empty prefix, and runs the main job from there with an empty environment. Runs the container
# image, looks at the bill of materials and at what is pinned to a release. Needs cargo, Python, node, and
# root for the image.
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

# Runs an installed program in a folder of its own with nothing in the environment but these variables, and
# reads what it did: the first run installs, the second one finds nothing to do.
main_job() {
  local program="$1" folder said
  folder="$(mktemp -d)"
  said="$(cd "$folder" && env -i "${@:2}" OPSGENIE_KEY=0123-4567 "$program" run --backend embedded \
    --database demo.db --provider opsgenie --org acme --set baseUrl=https://api.opsgenie.com/ \
    --set provider=acme-ops --set apiKey=env:OPSGENIE_KEY 2>&1)"
  grep -q "^Opsgenie is installed for acme$" <<<"$said" || { echo "$said" >&2; return 1; }
  said="$(cd "$folder" && env -i "${@:2}" OPSGENIE_KEY=0123-4567 "$program" run --backend embedded \
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
[ "$size" -le 14000000 ] || { echo "the binary has grown by a jump" >&2; exit 1; }

heading "archive, wheel and packages for npm"
rm -rf "$packages"
mkdir -p "$packages/again" "$packages/bin"
cp "$binary" "$packages/bin/finishline"
archive="$(python3 packaging/archive.py "$target" "$binary" "$packages")"
python3 packaging/archive.py "$target" "$binary" "$packages/again" >/dev/null
cmp "$archive" "$packages/again/$(basename "$archive")"
wheel="$(python3 packaging/wheel.py "$target" "$archive" "$packages")"
npm_package="$(python3 packaging/npm.py "$target" "$archive" "$packages")"
npm_launcher="$(python3 packaging/npm.py launcher "$packages")"
python3 packaging/npm.py "$target" "$archive" "$packages/again" >/dev/null
cmp "$npm_package" "$packages/again/$(basename "$npm_package")"
rm -rf "$packages/again"
(cd "$packages" && sha256sum -- *.tar.gz *.tgz *.whl >SHA256SUMS && sha256sum --check --quiet SHA256SUMS)
echo "ok      the same files make the same archive and the same package"

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

heading "from the packages for npm"
# Installs packages into an empty folder, from nowhere but these files.
npm_install() {
  mkdir -p "$prefix/$1"
  (cd "$prefix/$1" && npm install --offline --no-audit --no-fund --loglevel=error "${@:2}" >/dev/null)
}
npm_install npm "$npm_package" "$npm_launcher"
launcher="$prefix/npm/node_modules/.bin/finishline"
[ "$(cd "$prefix/npm" && npx --offline finishline --version)" = "$("$binary" --version)" ]
cmp "$prefix"/npm/node_modules/finishline-linux-*/bin/finishline "$binary"
main_job "$launcher" PATH="$PATH"
# Exit codes and signals are the program's own.
status=0
"$launcher" run --no-such-flag 2>/dev/null || status=$?
[ "$status" -eq 2 ] || { echo "exit code $status" >&2; exit 1; }
# Starts a program that stays under the launcher, and sends one of the two a signal; the launcher's status.
signalled() {
  local whom="$1" signal="$2" at="$prefix/signalled" pid status=0
  rm -rf "$at" && mkdir "$at"
  SENTRY_AUTH_TOKEN=any-text "$launcher" serve --listen 127.0.0.1:0 --database "$at/serve.db" --org acme \
    >"$at/said" 2>/dev/null &
  pid=$!
  for _ in $(seq 400); do [ -s "$at/said" ] && break; sleep 0.05; done
  [ "$whom" = launcher ] || kill "-$signal" "$(pgrep -P "$pid")"
  [ "$whom" = program ] || kill "-$signal" "$pid"
  wait "$pid" || status=$?
  if pgrep -f "$at/serve.db" >&2; then echo "it still runs" >&2; return 1; fi
  echo "$status"
}
[ "$(signalled launcher TERM)" -eq 0 ]
[ "$(signalled program KILL)" -eq 137 ]
# Without the package of its platform, and on a platform that has none, it says so.
npm_install lonely "$npm_launcher"
said="$("$prefix/lonely/node_modules/.bin/finishline" --version 2>&1)" && exit 1
grep -q "the package finishline-linux-[a-z0-9]* is not installed" <<<"$said" || { echo "$said" >&2; exit 1; }
said="$(node -e 'Object.defineProperty(process, "platform", { value: "sunos" }); require(process.argv[1])' \
  "$prefix/npm/node_modules/finishline/bin/finishline.js" 2>&1)" && exit 1
grep -q "there is no package of it for sunos on " <<<"$said" || { echo "$said" >&2; exit 1; }
# npm takes no package of another platform.
mkdir "$prefix/other"
python3 packaging/archive.py aarch64-apple-darwin "$binary" "$prefix/other" >/dev/null
other="$(python3 packaging/npm.py aarch64-apple-darwin "$prefix"/other/*.tar.gz "$prefix/other")"
said="$(npm_install foreign "$other" 2>&1)" && exit 1
grep -q EBADPLATFORM <<<"$said" || { echo "$said" >&2; exit 1; }
# Nothing is run when they are installed.
for package in "$npm_package" "$npm_launcher"; do
  if tar -xzOf "$package" package/package.json | grep -q '"scripts"'; then exit 1; fi
done
echo "ok      exit codes, signals, and platforms without a package"

heading "the container image"
tests/conformance/image.sh "$target" "$archive"

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
echo "$zeros  finishline-linux-x64-$version.tgz" >>"$prefix/SHA256SUMS"
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
