#!/usr/bin/env bash
# Finds the finishline that the action runs and hands its path on as the output `binary`.
#
# The version is the one in the action's own Cargo.toml, whatever ref the action was taken by. It
# comes from the runner's tool cache, else from the release's archive, which must have the SHA-256
# sum that lies in this folder. Where no sums of the version are here, the source is what is meant,
# as in development, and cargo builds it. VERSION and CHECKSUM override; then nothing is built.
#
# Nothing outside of the tool cache and the runner's temporary folder is changed, or the build's
# folder where cargo builds. Runs under bash 3.2 and later, as macOS has it, and Git's for Windows.
set -euo pipefail

# Ends the step with one annotation: what is wrong, and what to do.
fail() {
  local what="${1//%/%25}" next="${2//%/%25}"
  what="${what//[$'\r\n']/ }"
  # A line end is %0A to the runner.
  echo "::error title=finishline: install::$what%0A$next"
  exit 1
}

own_version() {
  sed -n '/^version = /{s/^version = "\(.*\)"$/\1/p;q;}' "$GITHUB_ACTION_PATH/Cargo.toml"
}

# A path that every program here understands; Windows writes its own with a drive and backslashes.
path_of() {
  if command -v cygpath >/dev/null; then cygpath --unix "$1"; else printf '%s\n' "$1"; fi
}

# The name under which the release has this machine's archive.
target() {
  local machine
  case "${RUNNER_ARCH:-$(uname -m)}" in
    X64 | x86_64 | amd64) machine=x86_64 ;;
    ARM64 | aarch64 | arm64) machine=aarch64 ;;
    *) return 1 ;;
  esac
  case "${RUNNER_OS:-$(uname -s)}" in
    Linux) echo "$machine-unknown-linux-musl" ;;
    macOS | Darwin) echo "$machine-apple-darwin" ;;
    Windows | MINGW* | MSYS*) echo "$machine-pc-windows-msvc" ;;
    *) return 1 ;;
  esac
}

sum_of() {
  if command -v sha256sum >/dev/null; then
    sha256sum <"$1"
  else
    shasum -a 256 <"$1"
  fi | cut -c 1-64
}

# The sum of an archive in SHA256SUMS; empty when it is not there.
listed_sum() {
  sed -n "s/^\([0-9a-f]\{64\}\) [ *]$1\$/\1/p" "$GITHUB_ACTION_PATH/action/SHA256SUMS"
}

has_sums_of() {
  grep -qF " finishline-$1-" "$GITHUB_ACTION_PATH/action/SHA256SUMS" 2>/dev/null
}

download() {
  if command -v curl >/dev/null; then
    curl --fail --silent --show-error --location --retry 3 --connect-timeout 20 --max-time 300 \
      --output "$2" "$1"
  elif command -v wget >/dev/null; then
    wget -q -T 60 -O "$2" "$1"
  else
    echo "neither curl nor wget is installed" >&2
    return 1
  fi
}

# Downloads, checks and unpacks into a folder that is then moved to its place in one step, so that
# two jobs on one machine never see half of it.
install_archive() {
  local version="$1" archive="$2" sum="$3" place="$4" folder url found
  folder="$(mktemp -d "$temp/finishline-install.XXXXXX")"
  url="${FINISHLINE_RELEASES:-$RELEASES}/v$version/$archive.tar.gz"
  download "$url" "$folder/archive.tar.gz" ||
    fail "cannot download $url" "check the network, or set FINISHLINE_RELEASES to a mirror of the releases"
  found="$(sum_of "$folder/archive.tar.gz")"
  [ "$found" = "$sum" ] ||
    fail "$archive.tar.gz does not match the released archive" "its SHA-256 is $found, expected $sum"
  # In the folder and by relative names: a drive's colon is a remote host to tar.
  (cd "$folder" && tar -xzf archive.tar.gz "$archive/finishline$suffix")
  mkdir -p "$(dirname "$place")"
  echo "$sum" >"$folder/$archive/sum"
  rm -rf "$place"
  mv "$folder/$archive" "$place" 2>/dev/null || [ -x "$place/finishline$suffix" ] ||
    fail "cannot move finishline to $place" "check the permissions of the runner's tool cache"
  rm -rf "$folder"
}

# Sets `binary` to the one of this version, from the tool cache or a fresh archive.
released() {
  local version="$1" target archive sum place cache
  target="$(target)" || fail "finishline is not released for ${RUNNER_OS:-this system} on ${RUNNER_ARCH:-this machine}" \
    "use a runner with Linux, macOS or Windows on x86_64 or aarch64"
  archive="finishline-$version-$target"
  sum="$(printf %s "$CHECKSUM" | tr 'A-F' 'a-f')"
  if [ -z "$sum" ]; then
    has_sums_of "$version" || fail "the SHA-256 sum of finishline $version is unknown" \
      "set \`checksum\` to the sum of $archive.tar.gz, or remove \`version\`"
    sum="$(listed_sum "$archive.tar.gz")"
    [ -n "$sum" ] || fail "finishline $version was not released for $target" "use another runner"
  fi
  case "$target" in *windows*) suffix=.exe ;; esac
  cache="$(path_of "${RUNNER_TOOL_CACHE:-$temp}")"
  { mkdir -p "$cache/finishline" 2>/dev/null && [ -w "$cache/finishline" ]; } || cache="$temp"
  place="$cache/finishline/$version/$target"
  if [ "$(cat "$place/sum" 2>/dev/null)" != "$sum" ] || [ ! -x "$place/finishline$suffix" ]; then
    install_archive "$version" "$archive" "$sum" "$place"
  fi
  binary="$place/finishline$suffix"
}

# Sets `binary` to one that cargo builds from the action's own source.
built() {
  command -v cargo >/dev/null || fail "this commit of the action has no release, and cargo is not installed" \
    "pin the action to a released tag, or install Rust to build it from source"
  # In its own folder and without these: the job's toolchain and flags are for its own code.
  unset RUSTUP_TOOLCHAIN RUSTFLAGS CARGO_BUILD_TARGET
  mkdir -p "${CARGO_TARGET_DIR:=$GITHUB_ACTION_PATH/target}"
  CARGO_TARGET_DIR="$(cd "$CARGO_TARGET_DIR" && pwd)"
  export CARGO_TARGET_DIR
  cd "$GITHUB_ACTION_PATH"
  # Nothing that a build prints is a command to the runner.
  local mark status=0
  mark="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
  echo "::group::Build finishline"
  echo "::stop-commands::$mark"
  cargo build --release --locked 2>&1 || status=$?
  echo "::$mark::"
  echo "::endgroup::"
  [ "$status" -eq 0 ] || exit "$status"
  case "${RUNNER_OS:-}" in Windows) suffix=.exe ;; esac
  binary="$CARGO_TARGET_DIR/release/finishline$suffix"
}

version="${VERSION:=$(own_version)}"
version="${version#v}"
case "$version" in
  "" | *[!0-9A-Za-z.+-]*) fail "\`version\` is not a valid version" "write it like $(own_version)" ;;
esac
case "${CHECKSUM:=}" in
  *[!0-9A-Fa-f]*) fail "\`checksum\` is not a SHA-256 sum" "use 64 hexadecimal digits" ;;
esac
case "${#CHECKSUM}" in
  0 | 64) ;;
  *) fail "\`checksum\` is not a SHA-256 sum" "use 64 hexadecimal digits" ;;
esac

suffix=
binary=
temp="$(path_of "${RUNNER_TEMP:-${TMPDIR:-/tmp}}")"
GITHUB_ACTION_PATH="$(path_of "$GITHUB_ACTION_PATH")"
if [ -n "$CHECKSUM" ] || [ "$version" != "$(own_version)" ] || has_sums_of "$version"; then
  released "$version"
else
  built
fi
echo "binary=$binary" >>"$GITHUB_OUTPUT"
