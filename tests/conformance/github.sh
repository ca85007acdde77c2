#!/usr/bin/env bash
# `github` and `github_enterprise` on the embedded backend before Prism, which holds every request
# against GitHub's own OpenAPI document and answers with its examples:
#
#   tests/conformance/github.sh
#
# Needs cargo and node; installs Prism and the document below target/conformance, 0.5 GB.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

work="$PWD/target/conformance/prism"
mkdir -p "$work"
npm install --prefix "$work" --no-save --no-audit --no-fund --loglevel=error \
  @stoplight/prism-cli@5.14.2 @octokit/openapi@23.0.2
cargo build --quiet --locked
export GITHUB_PRISM="$work/node_modules/.bin/prism"
export GITHUB_DOCUMENTS="$work/node_modules/@octokit/openapi/generated"
export GITHUB_BINARY="${CARGO_TARGET_DIR:-$PWD/target}/debug/finishline"
node tests/conformance/github.mjs
