#!/usr/bin/env bash
# Changes the core and the client by one small mistake at a time, and shows which of them no test sees.
#
#   tests/mutants.sh [SHARD/OF] [AREA...]     all of them, or every OF-th beginning with SHARD (from 0)
#
# It needs cargo-mutants (`cargo install cargo-mutants --locked`), works in this very checkout, which
# must be committed, and puts each file back. What it finds stays below target/mutants, an area each:
# `missed.txt` is what wants a test, or is code that no behaviour needs. A whole run takes days on two cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# An area, its files, and the tests of tests/it that matter for it, besides all those beside the code.
areas='
model        src/model                  embedded:: sentry::addresses sentry::tokens output::redirect
text         src/text                   cli::check cli::inputs manifest:: output:: release::odd_commits
job          src/job                    release::which_commit output::hosts output::job cli::unexpanded_macros
inputs       src/inputs                 cli:: release::inputs release::input_forms release::repository_forms
release      src/release                release::requests release::commits release::git release::two release::previous
integration  src/integration            integration::callbacks integration::resume integration::refusals
provider     src/provider               integration::
outcome      src/outcome                output:: cli::run cli::modes release::requests
output       src/output                 output:: cli::run secrets::injection
manifest     src/manifest               manifest:: cli::import
secret       src/secret.rs              output:: cli::run secrets::leaks
sentry       src/backend/sentry         sentry::
http         src/http                   sentry::network sentry::outages sentry::intermediaries sentry::faults sentry::trust
'

[ -z "$(git status --porcelain --untracked-files=no)" ] || { echo "commit first" >&2; exit 2; }
shard=()
case "${1:-}" in
*/*) shard=(--shard "$1" --sharding round-robin); shift ;;
esac
wanted=" $* "
export CARGO_PROFILE_DEV_DEBUG=0 CARGO_TERM_QUIET=true

# Runs cargo-mutants on one area: a caught mistake is 0, a missed one 2, a timeout 3.
mutate() {
  local path="$1" area="$2"
  shift 2
  nice -n 19 cargo mutants --in-place --no-times --baseline skip --timeout 300 \
    "${shard[@]}" --file "$path" --output "target/mutants/$area" "$@" || [ $? -le 3 ]
}

while read -r area path filters; do
  [ -n "$area" ] && [[ $wanted == "  " || $wanted == *" $area "* ]] || continue
  [ -d "$path" ] && path="$path/**"
  mkdir -p "target/mutants/$area"
  # The tests beside the code are cheap; what they miss meets the program's own.
  mutate "$path" "$area" -- --lib
  read -ra filters <<<"$filters"
  mutate "$path" "$area" --iterate -- --test it -- "${filters[@]}"
done <<<"$areas"
