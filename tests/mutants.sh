#!/usr/bin/env bash
# Changes the core and the client by one small mistake at a time, and shows which of them no test sees.
#
#   tests/mutants.sh [SHARD/OF] [AREA...]     all of them, or every OF-th beginning with SHARD (from 0)
#
# It needs cargo-mutants (`cargo install cargo-mutants --locked`) and works in this very checkout, which
# must be committed; each file is put back. What it finds stays below target/mutants, an area each: a
# line of `missed.txt` wants a test, or is of code that no behaviour needs. The whole takes days on two
# cores; a shard has mistakes of every area.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# An area, its files, and the tests of tests/it that matter for it, besides those beside the code.
areas='
model        src/model           embedded:: sentry::addresses sentry::tokens output::redirect
text         src/text            cli::check cli::inputs manifest:: output:: release::odd_commits
job          src/job             release::which_commit output::hosts output::job cli::unexpanded_macros
inputs       src/inputs          cli:: release::inputs release::input_forms release::repository_forms
release      src/release         release::
integration  src/integration     integration:: sentry::links
provider     src/provider        integration::
outcome      src/outcome         output:: cli::run cli::modes release::requests
output       src/output          output:: cli::run secrets::injection
manifest     src/manifest        manifest:: cli::import
secret       src/secret.rs       output:: cli::run secrets::leaks
sentry       src/backend/sentry  sentry:: cli::check release::requests
http         src/http            sentry::
'

[ -z "$(git status --porcelain --untracked-files=no)" ] || { echo "commit first" >&2; exit 2; }
shard=()
case "${1:-}" in
*/*)
  shard=(--shard "$1" --sharding round-robin)
  shift
  ;;
esac
wanted=" $* "
export CARGO_PROFILE_DEV_DEBUG=0 CARGO_TERM_QUIET=true

# Runs cargo-mutants on one area; that mistakes are missed (2) or run into the time limit (3) is a result.
mutate() {
  local path="$1" area="$2"
  shift 2
  nice -n 19 cargo mutants --in-place --baseline skip --timeout 300 "${shard[@]}" \
    --file "$path" --output "target/mutants/$area" "$@" || [ $? -le 3 ]
}

while read -r area path filters <&3; do
  [ -n "$area" ] && [[ $wanted == "  " || $wanted == *" $area "* ]] || continue
  [ ! -d "$path" ] || path="$path/**"
  mkdir -p "target/mutants/$area"
  # The tests beside the code cost little; what they miss meets the whole program.
  mutate "$path" "$area" -C=--lib
  read -ra filters <<<"$filters"
  mutate "$path" "$area" --iterate -C=--test=it -- -- "${filters[@]}"
done 3<<<"$areas"
