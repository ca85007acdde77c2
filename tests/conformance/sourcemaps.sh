#!/usr/bin/env bash
# Source maps that the program injects and uploads, judged without it: by the maker's tree, by the golden
# vectors, and by trees of the npm registry's bundlers, which run in Node and in Debian's Chromium or the
# browser that `CHROMIUM` names.
#   sourcemaps.sh [PROGRAM]
# Needs node and Python, and cargo where no program is named; as root it installs the browser.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/conformance/lib/tools.sh
source tests/conformance/lib/tools.sh

export CHROMIUM="${CHROMIUM:-/usr/bin/chromium}"
tools_debian "$CHROMIUM" chromium fonts-dejavu-core
tools_node pages playwright-core@1.65.1 axe-core@4.11.0
tools_node sourcemaps @jridgewell/trace-mapping@0.3.31
tools_node bundlers webpack@5.113.0 @rspack/core@2.3.4 vite@8.4.0 rollup@4.68.8 esbuild@0.28.2 typescript@7.0.2 \
  parcel@2.16.4 @swc/core@1.16.22 @swc/cli@0.8.1 terser@5.51.4 esbuild-loader@4.5.0 css-loader@7.1.5 \
  mini-css-extract-plugin@2.10.2
export PAGES_MODULES="$TOOLS/npm/pages/node_modules"
export SOURCEMAPS_MODULES="$TOOLS/npm/sourcemaps/node_modules"
export BUNDLERS_MODULES="$TOOLS/npm/bundlers/node_modules"

program="${1:-}"
if [ -z "$program" ]; then
  cargo build --quiet --locked
  program="${CARGO_TARGET_DIR:-$PWD/target}/debug/finishline"
fi
judges=tests/conformance/sourcemaps
work="$TOOLS/sourcemaps"
failed=0

echo "the maker's tree"
rm -rf "$work"
python3 "$judges/make_tree.py" "$work/made/tree" --files 200
node "$judges/judge.mjs" --tree "$work/made/tree" --program "$program" --self-test || failed=1
echo "the golden vectors"
node "$judges/vectors.mjs" "$program" "$work/vectors" || failed=1
echo "trees of real bundlers"
node "$judges/bundlers.mjs" "$program" "$work/bundlers" || failed=1
exit "$failed"
