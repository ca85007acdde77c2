#!/usr/bin/env bash
# Breaks a copy of the repository in one way after the other: each must turn its judge red, or the
# judge is none. What is run on the copy is what `.ci/run` runs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

root="$PWD"
copy="$(mktemp -d)"
trap 'rm -rf "$copy"' EXIT
git ls-files -z | xargs -0 cp --parents --target-directory="$copy"
# Of another version, so that what is compiled of the copy is not taken for the repository's own.
sed -i '/^name = "finishline"$/{n;s/version = .*/version = "0.0.0"/}' "$copy"/Cargo.{toml,lock}
broken=0

# A name, the file to break and how, as a sed script, and the judge that must object.
breaks() {
  local name="$1" file="$2" script="$3"
  shift 3
  sed -i "$script" "$copy/$file"
  if cmp -s "$file" "$copy/$file"; then
    echo "FAIL    $name: nothing was broken" >&2
    exit 1
  fi
  if ("$@") >"$copy/said" 2>&1; then
    echo "FAIL    $name: no judge objects" >&2
    exit 1
  fi
  cp "$file" "$copy/$file"
  broken=$((broken + 1))
  echo "ok      $name"
}

validate() {
  tests/conformance/validate.sh "$copy"
}

# The tests read the documents of the folder that cargo's variable names.
tests_of_docs() {
  CARGO_MANIFEST_DIR="$copy" "$it" docs
}

# Code must be compiled; what it depends on is built already. Code that does not compile is no proof.
tests_of_dotenv() {
  cd "$copy"
  export CARGO_TARGET_DIR="$root/target"
  cargo test --quiet --locked --test it --no-run || return 0
  cargo test --quiet --locked --test it -- host_format
}

it="$root/$(cargo test --locked --test it --no-run 2>&1 | sed -n 's/.*Executable.*(\(.*\))$/\1/p')"
(CARGO_MANIFEST_DIR="$copy" "$it" docs >/dev/null) || { echo "FAIL    the tests of the docs" >&2; exit 1; }

checkout='s#actions/checkout@[0-9a-f]*#actions/checkout@v5#'
breaks "an unpinned action" .github/workflows/ci.yml "$checkout" validate
breaks "a permission without its reason" .github/workflows/release.yml \
  's/contents: write # .*/contents: write/' validate
breaks "a step that needs an output of none" .github/workflows/selftest.yml \
  's/steps.finish.outputs.status/steps.finished.outputs.status/' validate
breaks "a template injection in a workflow" .github/workflows/selftest.yml \
  's#test "$STATUS" = complete#echo "${{ github.event.pull_request.title }}"#' validate
breaks "a template injection in the action" action.yml \
  's#exec "$BINARY" "$command"#exec "$BINARY" ${{ inputs.mode }}#' validate
breaks "an unknown key in the component" templates/finishline.yml 's/exit_codes/exitcodes/' validate
breaks "a step without a shell" action.yml '0,/shell: bash/s/shell: bash/name: no shell/' validate
breaks "an input missing from action.yml" action.yml '/^  next:$/,+1d' tests_of_docs
breaks "an output not mapped" action.yml \
  's/steps.run.outputs.redirect-url/steps.install.outputs.redirect-url/' tests_of_docs
breaks "an output missing from action.yml" action.yml '/^  error-code:$/,+2d' tests_of_docs
breaks "a dotenv line with a blank" src/output/gitlab.rs 's/{name}={}\\n/{name} ={}\\n/' tests_of_dotenv
echo "$broken broken on purpose, all seen"
