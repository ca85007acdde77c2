#!/usr/bin/env bash
# Feeds every target of tests/fuzz with what libFuzzer makes of its corpus.
#
#   tests/fuzz.sh check [TARGET...]       the corpus and the same changed inputs each time: for a gate
#   tests/fuzz.sh SECONDS [TARGET...]     new inputs, so long for each target: for a hunt
#
# All targets are fed unless some are named. Stable Rust and a C++ compiler are enough: coverage is what
# LLVM's own pass counts. What a hunt finds new stays below target/fuzz, and so does an input that breaks
# a target, whose path is said.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage="usage: tests/fuzz.sh check|SECONDS [TARGET...]"
case "${1:?$usage}" in
  # A slow machine is stopped in the middle of the same row of inputs.
  check) limits="-seed=1 -runs=20000 -max_total_time=30" ;;
  *[!0-9]*) echo "$usage" >&2; exit 2 ;;
  *) limits="-max_total_time=$1" ;;
esac
mode="$1"
shift
for target in "$@"; do
  [ -d "tests/fuzz/corpus/$target" ] || { echo "there is no target $target in tests/fuzz/corpus" >&2; exit 2; }
done
[ $# -gt 0 ] || set -- $(find tests/fuzz/corpus -mindepth 1 -maxdepth 1 -printf '%f\n' | sort)

# What `cargo fuzz` passes, without the sanitizer, which only nightly Rust has.
flags=(-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing)
host="$(rustc -vV | sed -n 's/^host: //p')"
RUSTFLAGS="${flags[*]}" cargo build --quiet --release --locked --target "$host" \
  --manifest-path tests/fuzz/Cargo.toml --target-dir target/fuzz

# An input of more bytes finds nothing new; one that takes two seconds or half a gigabyte is a fault.
fuzz_target() {
  local target="$1" log="target/fuzz/$1.log" found="target/fuzz/corpus/$1"
  # What an earlier hunt found would make another row of inputs.
  [ "$mode" != check ] || { found="target/fuzz/checked/$1"; rm -rf "$found"; }
  mkdir -p "$found" target/fuzz/found
  # shellcheck disable=SC2086 # limits are several words
  if FUZZ_TARGET="$target" "target/fuzz/$host/release/finishline-fuzz" \
    -max_len=4096 -timeout=2 -rss_limit_mb=512 -len_control=20 $limits \
    -artifact_prefix="target/fuzz/found/$target-" \
    "$found" "tests/fuzz/corpus/$target" >"$log" 2>&1; then
    echo "$target: $(tail -n 1 "$log")"
  else
    echo "$target: broken"
    tail -n 60 "$log"
    return 1
  fi
}

# One target on each core.
export -f fuzz_target
export host limits mode
printf '%s\n' "$@" | xargs -P "$(nproc)" -I '{}' bash -euo pipefail -c 'fuzz_target {}'
