#!/usr/bin/env bash
# Renders docs/summary.png: the job summaries of three steps, as GitHub shows Markdown. Run it when
# they change. Needs cargo and node; as root it installs a Chromium and a font with emoji.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=tests/conformance/lib/tools.sh
source tests/conformance/lib/tools.sh
tools_node picture marked@18.2.1 github-markdown-css@5.9.0

if [ ! -x /usr/bin/chromium ] || ! fc-list | grep -qi emoji; then
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends chromium fonts-liberation fonts-noto-color-emoji
fi
cargo build --quiet --locked
program="$PWD/target/debug/finishline"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT

# The summary of one step with these inputs.
step() {
  local summary
  summary="$(mktemp "$folder/XXXXXX.md")"
  (cd "$folder" && env -i GITHUB_ACTIONS=true GITHUB_OUTPUT="$folder/output" \
    GITHUB_STEP_SUMMARY="$summary" FINISHLINE_BACKEND=embedded FINISHLINE_DATABASE=demo.db \
    FINISHLINE_URL=https://sentry.example.com FINISHLINE_ORG=acme "$@" "$program" run) >/dev/null 2>&1 || true
  cat "$summary"
}

{
  step FINISHLINE_PROVIDER=opsgenie KEY=0123-4567 FINISHLINE_STATE='
    {baseUrl: "https://api.opsgenie.com/", provider: acme-ops, apiKey: "${KEY}"}'
  step FINISHLINE_PROVIDER=gitlab KEY=0123-4567 FINISHLINE_STATE='
    {url: "https://gitlab.example.com", clientId: 6f1c, clientSecret: "${KEY}"}'
  step FINISHLINE_PROVIDER=opsgenie FINISHLINE_STATE='
    {baseUrl: "https://api.opsgenie.com/", apiKey: "${OPSGENIE_KEY}"}'
} >"$folder/summaries.md"

node --input-type=module - "$folder" "$TOOLS/npm/picture/node_modules" <<'END'
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, modules] = process.argv.slice(2);
const { marked } = await import(pathToFileURL(path.join(modules, 'marked/lib/marked.esm.js')).href);
const style = fs.readFileSync(path.join(modules, 'github-markdown-css/github-markdown-light.css'), 'utf8');
const parts = fs.readFileSync(path.join(folder, 'summaries.md'), 'utf8').split(/(?=^### )/m);
const boxes = parts.map((part) => `<div class="markdown-body">${marked.parse(part)}</div>`).join('');
const own = `body { margin: 0; padding: 16px; background: #f6f8fa; width: 748px; }
  .markdown-body { padding: 18px 24px 4px; border: 1px solid #d1d9e0; border-radius: 6px; font-size: 14px; }
  .markdown-body + .markdown-body { margin-top: 14px; }`;
fs.writeFileSync(path.join(folder, 'summaries.html'), `<!doctype html><meta charset="utf-8"><style>${style}${own}</style>${boxes}`);
END

chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --force-device-scale-factor=1.5 \
  --window-size=780,678 --screenshot="$PWD/docs/summary.png" "file://$folder/summaries.html" 2>/dev/null
echo docs/summary.png
