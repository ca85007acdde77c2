#!/usr/bin/env bash
# Public steps of action-release, run with only `uses:` changed, calls of sentry-cli as they are, one step
# that stands for them, and what `migrate` makes of a file with them: Sentry gets the same.
# Needs cargo, git and Python.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

cargo build --quiet
dropin=tests/conformance/dropin
python3 "$dropin/compare.py" --self-test
python3 "$dropin/compare.py" --all --as cli --bin target/debug/finishline --pending "$dropin/pending.txt"
for kind in cli-github cli-gitlab script; do
  for mode in step migrated; do
    python3 "$dropin/compare.py" --all --kind "$kind" --as "$mode" --bin target/debug/finishline \
      --pending "$dropin/pending.txt"
  done
done
