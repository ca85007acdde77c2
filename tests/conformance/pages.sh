#!/usr/bin/env bash
# The pages of `serve` as a person sees them, in Debian's Chromium or the browser that `CHROMIUM`
# names, with axe-core as the judge of what everybody can use. Needs cargo, node and Python; as root it
# installs the browser.
# With PAGES_PICTURES=docs/pages it also takes the documentation's pictures, when the pages change.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/conformance/lib/tools.sh
source tests/conformance/lib/tools.sh

export CHROMIUM="${CHROMIUM:-/usr/bin/chromium}"
tools_debian "$CHROMIUM" chromium fonts-dejavu-core
tools_node pages playwright-core@1.65.1 axe-core@4.11.0
cargo build --quiet --locked
PAGES_MODULES="$TOOLS/npm/pages/node_modules" PAGES_BINARY="${CARGO_TARGET_DIR:-$PWD/target}/debug/finishline" \
  node tests/conformance/pages.mjs
