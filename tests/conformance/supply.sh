#!/usr/bin/env bash
# The dependencies: bans, licences and sources by cargo-deny, and by cargo-machete that each is used.
# What is known against a version changes without a change of ours: that is for a scheduled job.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# shellcheck source=tests/conformance/lib/tools.sh
source tests/conformance/lib/tools.sh

tools_cargo cargo-deny 0.20.2
tools_cargo cargo-machete 0.9.2

for manifest in Cargo.toml tests/fuzz/Cargo.toml; do
  "$TOOLS/cargo/cargo-deny/bin/cargo-deny" --manifest-path "$manifest" --config deny.toml \
    --all-features --locked check --allow license-exception-not-encountered bans licenses sources
done
"$TOOLS/cargo/cargo-machete/bin/cargo-machete" --with-metadata .
