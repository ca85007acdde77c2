#!/usr/bin/env bash
# Spelling and prose of what a user reads: cspell over the documents, the action, the component and the
# texts of inputs, outputs and errors; proselint over the documents' sentences.
# Needs node and Python; installs both below target/conformance.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# shellcheck source=tests/conformance/lib/tools.sh
source tests/conformance/lib/tools.sh
tools_node cspell cspell@9.8.0
tools_python

documents=(README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md docs/*.md bench/*.md)
texts=(action.yml templates/finishline.yml src/error.rs src/inputs/table.rs src/output/table.rs)

spelling() {
  "$TOOLS/npm/cspell/node_modules/.bin/cspell" lint --config tests/conformance/cspell.json \
    --no-progress --no-summary "$@"
}

# The sentences alone: without code, tables, links' addresses and comments.
sentences() {
  local document
  for document in "${documents[@]}"; do
    mkdir -p "$1/$(dirname "$document")"
    # shellcheck disable=SC2016
    sed -e '/^ *```/,/^ *```/d' -e '/^|/d' -e '/^<!--/d' -e 's/`[^`]*`//g' -e 's/](\([^)]*\))/]/g' \
      "$document" >"$1/$document"
  done
}

# It takes its configuration from the folder it is started in.
prose() {
  (cd "$1" && "$TOOLS/python/bin/proselint" check "${documents[@]}")
}

spelling "${documents[@]}" "${texts[@]}"
echo "ok      spelling of $((${#documents[@]} + ${#texts[@]})) files"

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cp tests/conformance/proselint.json "$folder/.proselintrc.json"
sentences "$folder"
prose "$folder"
echo "ok      prose of ${#documents[@]} documents"

# Both must see what they are for.
echo 'This releese is very unique.' >"$folder/README.md"
if spelling "$folder/README.md" >/dev/null 2>&1; then
  echo "FAIL    a misspelled word is not seen" >&2
  exit 1
fi
if prose "$folder" >/dev/null 2>&1; then
  echo "FAIL    a bad phrase is not seen" >&2
  exit 1
fi
echo "ok      a misspelled word and a bad phrase are seen"
