#!/usr/bin/env bash
# The action's installer on file systems that are full, read-only, or let no program run, and with eight
# first installs at a time, and on a machine with bash and busybox alone. Needs bash, curl and Python, and
# for the file systems a kernel that lets this user mount in a namespace of its own; a case that cannot be
# run here is named as skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# shellcheck source=tests/conformance/lib/tools.sh
source tests/conformance/lib/tools.sh
version=7.8.9
archive="finishline-$version-x86_64-unknown-linux-musl"

# The judge runs once more inside a namespace of its own, which takes its mounts with it.
if [ -z "${INSTALLER_MOUNTS:-}" ]; then
  export INSTALLER_MOUNTS=none
  for flags in --mount "--mount --map-root-user"; do
    # shellcheck disable=SC2086
    if unshare $flags sh -c 'mount -t tmpfs tmpfs /mnt' 2>/dev/null; then
      INSTALLER_MOUNTS=private exec unshare $flags "$0"
    fi
  done
fi

work="$(mktemp -d)"
server=
cleanup() {
  [ -z "$server" ] || kill "$server" || true
  # shellcheck disable=SC2046
  umount $(mount | sed -n "s#^.* on \($work/[^ ]*\) .*#\1#p") 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

mkdir -p "$work/release/$archive" "$work/mirror/v$version" "$work/action/action"
cp action/install.sh "$work/action/action"
printf 'version = "%s"\nrepository = "https://unused.invalid/x"\n' "$version" >"$work/action/Cargo.toml"

# Makes the release: a program of so many bytes that is no use when its end is missing, and hardly
# shrinks when it is packed.
release() {
  {
    printf '#!/bin/sh\n: <<END\n'
    head -c "$1" /dev/urandom | base64
    printf 'END\necho finishline %s\n' "$version"
  } >"$work/release/$archive/finishline"
  chmod 755 "$work/release/$archive/finishline"
  tar -czf "$work/mirror/v$version/$archive.tar.gz" -C "$work/release" "$archive"
  (cd "$work/mirror/v$version" && sha256sum "$archive.tar.gz") >"$work/action/action/SHA256SUMS"
}

# Empty folders of a runner, below the work folder.
fresh() {
  round="$work/round"
  cleanup_mounts
  rm -rf "$round"
  mkdir -p "$round/tools" "$round/temp" "$round/tmp"
}

cleanup_mounts() {
  local at
  for at in "$round/tools" "$round/temp" "$round/tmp"; do
    if mountpoint -q "$at"; then umount "$at"; fi
  done
}

# Installs with what is left of the environment and more variables, and writes the path to the output of this number.
install() {
  env -i PATH="$PATH" HOME="$round" RUNNER_OS=Linux RUNNER_ARCH=X64 RUNNER_TEMP="$round/temp" TMPDIR="$round/tmp" \
    RUNNER_TOOL_CACHE="$round/tools" GITHUB_ACTION_PATH="$work/action" GITHUB_OUTPUT="$round/output-$1" \
    FINISHLINE_RELEASES="file://$work/mirror" "${@:2}" bash "$work/action/action/install.sh" >"$round/log-$1" 2>&1
}

# Whether the program of this number is the released one, whole, and below a folder.
is_in() {
  local binary
  binary="$(sed -n 's/^binary=//p' "$round/output-$1" 2>/dev/null)"
  case "$binary" in "$2"/*) cmp -s "$binary" "$work/release/$archive/finishline" && "$binary" >/dev/null ;; *) return 1 ;; esac
}

passed=0
failed=0
result() {
  if [ "$1" -eq 0 ]; then
    passed=$((passed + 1))
    echo "ok      $2"
  else
    failed=$((failed + 1))
    echo "FAILED  $2"
    cat "$round"/log-* | tail -n 20 | sed 's/^/        /'
  fi
}

# A name and a function; each begins with a runner's empty folders.
check() {
  local status=0
  round="$work/round"
  fresh
  "$2" || status=1
  result "$status" "$1"
}

# The same where it needs a mount.
check_mounted() {
  if [ "$INSTALLER_MOUNTS" = private ]; then check "$@"; else echo "skipped $1: the kernel refuses to mount here"; fi
}

mounted() {
  mount -t tmpfs -o "$2" tmpfs "$round/$1"
}

nothing_in() {
  [ -z "$(find "$@" -mindepth 1)" ]
}

full_for_the_archive() {
  mounted tools size=1m
  install 1 && is_in 1 "$round/temp" && nothing_in "$round/tools"
}

full_for_the_program() {
  mounted tools size=3m
  install 1 && is_in 1 "$round/temp" && nothing_in "$round/tools"
}

full_but_for_the_temporary_folder() {
  mounted tools size=3m
  mounted temp size=1m
  install 1 && is_in 1 "$round/tmp" && nothing_in "$round/tools" "$round/temp"
}

noexec() {
  mounted tools noexec
  install 1 && is_in 1 "$round/temp" && nothing_in "$round/tools"
}

noexec_after_it_was_filled() {
  mounted tools exec
  install 1 && is_in 1 "$round/tools" && mount -o remount,noexec "$round/tools" && install 2 && is_in 2 "$round/temp"
}

read_only() {
  mounted tools ro
  install 1 && is_in 1 "$round/temp"
}

nowhere() {
  local error place
  mounted tools noexec
  mounted temp size=1m
  mounted tmp ro
  if install 1; then return 1; fi
  error="$(cat "$round/log-1")"
  [ "$(grep -c '^::error title=finishline: install::' "$round/log-1")" = 1 ] && [ "$(wc -l <"$round/log-1")" = 1 ] || return 1
  for place in "%0A$round/tools/finishline: the program cannot be run there: Permission denied%0A" \
    "%0A$round/temp: " "No space left on device%0A" "%0A$round/tmp: " "Read-only file system%0A"; do
    case "$error" in *"$place"*) ;; *) echo "no $place" >>"$round/log-1"; return 1 ;; esac
  done
  nothing_in "$round/tools" "$round/temp" "$round/tmp"
}

# Every program but bash is busybox; its wget takes no file.
on_busybox() {
  local program
  mkdir "$round/bin"
  for program in $(busybox --list); do ln -s "$(command -v busybox)" "$round/bin/$program"; done
  ln -sf "$(command -v bash)" "$round/bin/bash"
  python3 -u -m http.server 0 --bind 127.0.0.1 --directory "$work/mirror" >"$round/server" 2>&1 &
  server=$!
  until grep -q ' port ' "$round/server"; do sleep 0.1; done
  set -- "PATH=$round/bin" "FINISHLINE_RELEASES=http://127.0.0.1:$(sed -n 's/.* port \([0-9]*\) .*/\1/p' "$round/server")"
  install 1 "$@" && is_in 1 "$round/tools" && install 2 "$@" && is_in 2 "$round/tools" || return 1
  [ "$(grep -c 'GET /' "$round/server")" = 1 ] || return 1
  rm -rf "$round/tools/finishline"
  ! install 3 "$@" FINISHLINE_RELEASES=http://ci:s3cr3t@127.0.0.1:1 && grep -q 'Connection refused%0Acheck' "$round/log-3" &&
    ! grep -q s3cr3t "$round/log-3" && nothing_in "$round/tools"
}

# Eight first installs at a time, again and again on an empty cache.
at_once() {
  local number pids wrong=0 count
  for ((count = 0; count < 25; count++)); do
    rm -rf "$round/tools/finishline" "$round"/output-*
    pids=()
    for number in 1 2 3 4 5 6 7 8; do
      install "$number" &
      pids+=($!)
    done
    for number in 1 2 3 4 5 6 7 8; do
      wait "${pids[number - 1]}" && is_in "$number" "$round/tools" || wrong=$((wrong + 1))
    done
  done
  [ "$(find "$round/tools/finishline" -name '.finishline.*' | wc -l)" = 0 ] || wrong=$((wrong + 1))
  echo "        $wrong of 200 failed"
  [ "$wrong" -eq 0 ]
}

at_once_across_two() {
  mounted tools size=64m
  at_once
}

release 2000000
check_mounted "a tool cache without space for the archive" full_for_the_archive
check_mounted "a tool cache without space for the program" full_for_the_program
check_mounted "a temporary folder without space too" full_but_for_the_temporary_folder
check_mounted "a tool cache where no program runs" noexec
check_mounted "a tool cache where no program runs any more" noexec_after_it_was_filled
check_mounted "a tool cache that is read-only" read_only
check_mounted "no place at all: the reason of each, and nothing left" nowhere
release 200000
if command -v busybox >/dev/null || (tools_debian busybox busybox) 2>/dev/null; then
  check "a machine with bash and busybox alone" on_busybox
else
  echo "skipped a machine with bash and busybox alone: busybox is not installed"
fi
for again in first second; do
  check "8 first installs at a time on one file system, the $again 25 rounds" at_once
  check_mounted "8 first installs at a time across two file systems, the $again 25 rounds" at_once_across_two
done
fresh
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
