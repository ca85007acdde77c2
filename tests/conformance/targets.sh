#!/usr/bin/env bash
# Checks the program for the targets of the release workflow that cannot be run here:
#
#   tests/conformance/targets.sh [TARGET...]     all of them unless some are named
#
# A target whose standard library is not to be had is named. Needs cargo.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

targets="$(sed -n 's/^ *- {target: \([a-z0-9_-]*\),.*/\1/p' .github/workflows/release.yml)"
[ -n "$targets" ] || { echo "the release workflow has no targets" >&2; exit 1; }
[ $# -eq 0 ] || targets="$*"
checked=0
# Nothing is linked: one stub stands in for the C compiler and the librarian of every target, and for
# the clang that ring asks for on Windows.
stubs="$(mktemp -d)"
trap 'rm -rf "$stubs"' EXIT
cat >"$stubs/clang" <<'STUB'
#!/bin/sh
for word; do
  case "$word" in -out:*) : >"${word#-out:}" ;; esac
done
STUB
chmod +x "$stubs/clang"
for target in $targets; do
  case "$target" in "$(uname -m)-unknown-linux-musl") continue ;; esac
  if ! rustup target add "$target" >/dev/null 2>&1; then
    echo "skipped $target: its standard library is not to be had here"
    continue
  fi
  name="${target//-/_}"
  env PATH="$stubs:$PATH" "CC_$name=clang" "AR_$name=clang" \
    cargo check --locked --quiet --target "$target"
  checked=$((checked + 1))
  echo "ok      $target"
done
[ "$checked" -gt 0 ] || { echo "no target could be checked" >&2; exit 1; }
