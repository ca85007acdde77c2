#!/usr/bin/env bash
# Feeds every target of tests/fuzz with what libFuzzer makes of its corpus.
#
#   tests/fuzz.sh SECONDS [TARGET...]     so long for each target; all of them unless some are named
#
# Stable Rust and a C++ compiler are enough: coverage is what LLVM's own pass counts. What libFuzzer
# finds new stays below target/fuzz, and so does an input that breaks a target, whose path is said.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds="${1:?usage: tests/fuzz.sh SECONDS [TARGET...]}"
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
  local target="$1" log="target/fuzz/$1.log"
  mkdir -p "target/fuzz/corpus/$target" target/fuzz/found
  if FUZZ_TARGET="$target" "target/fuzz/$host/release/finishline-fuzz" \
    -max_len=4096 -timeout=2 -rss_limit_mb=512 -len_control=20 -max_total_time="$seconds" \
    -artifact_prefix="target/fuzz/found/$target-" \
    "target/fuzz/corpus/$target" "tests/fuzz/corpus/$target" >"$log" 2>&1; then
    echo "$target: $(tail -n 1 "$log")"
  else
    echo "$target: broken"
    tail -n 60 "$log"
    return 1
  fi
}

# One target on each core.
export -f fuzz_target
export host seconds
printf '%s\n' "$@" | xargs -P "$(nproc)" -I '{}' bash -euo pipefail -c 'fuzz_target {}'
