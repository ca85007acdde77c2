#!/usr/bin/env bash
# Whether check-jsonschema takes the schema of the manifest, and by it the good manifests and not the
# bad ones; and whether the program is of the same mind:
#
#   manifest.sh PROGRAM
set -euo pipefail
program="$(realpath "$1")"
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/conformance/lib/tools.sh
source tests/conformance/lib/tools.sh
check="$TOOLS/python/bin/check-jsonschema"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT

"$program" schema >"$folder/schema.json"
"$check" --check-metaschema "$folder/schema.json"

# What the program says: 0 when it takes the manifest, 2 when it does not.
verdict() {
  env -i HOME="$folder" TOKEN=the-token KEY=0123-4567 "$program" plan --backend embedded \
    --database "$folder/none.db" --manifest "$1" >"$folder/said" 2>&1
}

for manifest in tests/conformance/manifests/good/*.yml; do
  "$check" --schemafile "$folder/schema.json" "$manifest" >/dev/null
  verdict "$manifest" || { cat "$folder/said" >&2; echo "$manifest is refused" >&2; exit 1; }
done
for manifest in tests/conformance/manifests/bad/*.yml; do
  if "$check" --schemafile "$folder/schema.json" "$manifest" >/dev/null 2>&1; then
    echo "the schema takes $manifest" >&2
    exit 1
  fi
  status=0
  verdict "$manifest" || status=$?
  [ "$status" = 2 ] || { cat "$folder/said" >&2; echo "the program takes $manifest" >&2; exit 1; }
done

# What `import` writes is a good manifest, too.
on_embedded() {
  env -i HOME="$folder" KEY=0123-4567 "$program" "$@" --backend embedded --org acme \
    --database "$folder/some.db"
}
on_embedded run --provider opsgenie --set baseUrl=https://api.opsgenie.com/ --set provider=ops \
  --set apiKey=env:KEY >"$folder/said" 2>&1
on_embedded run --provider example --set name=1.10 --repositories acme/web >"$folder/said" 2>&1
on_embedded import >"$folder/imported.yml" 2>"$folder/said"
"$check" --schemafile "$folder/schema.json" "$folder/imported.yml" >/dev/null
echo "manifests: the schema and the program agree"
