#!/usr/bin/env bash
# Holds the instructions that three jobs take to what is on record and 5 % more: nothing may creep in
# that a run does not use. `--record` puts the figures of today on record. Needs cargo; as root it
# installs valgrind.
#
# The count is of this toolchain and the musl program on x86_64; another machine makes a difference of
# far less, another C library one of a tenth.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/conformance/lib/tools.sh
source tests/conformance/lib/tools.sh

tools_debian valgrind valgrind
record=tests/conformance/instructions.txt
program="$(tools_release)"
case "$program" in
  */x86_64-unknown-linux-musl/*) ;;
  *) echo "skipped: the record is of x86_64-unknown-linux-musl"; exit 0 ;;
esac
folder="$(mktemp -d)"
server=""
trap '[ -z "$server" ] || kill "$server"; rm -rf "$folder"' EXIT

# Instructions of a job with nothing in the environment but what it is given before `--`.
count() {
  local variables=()
  while [ "$1" != "--" ]; do
    variables+=("$1")
    shift
  done
  shift
  (cd "$folder" && env -i PATH="$PATH" HOME="$folder" "${variables[@]}" valgrind --tool=callgrind \
    --callgrind-out-file=/dev/null "$program" "$@" 2>&1 >/dev/null) | sed -n 's/.*Collected : //p'
}

SENTRY_AUTH_TOKEN=any-text "$program" serve --listen 127.0.0.1:0 --database "$folder/serve.db" --org acme --project web \
  >"$folder/said" 2>/dev/null &
server=$!
until grep -q listening "$folder/said"; do sleep 0.05; done
url="$(sed -n 's/listening on //p' "$folder/said")"

measured="$(
  echo "version $(count -- --version)"
  echo "finish $(count OPSGENIE_KEY=0123-4567 -- run --backend embedded --database demo.db \
    --provider opsgenie --org acme --set baseUrl=https://api.opsgenie.com/ --set provider=acme-ops \
    --set apiKey=env:OPSGENIE_KEY)"
  echo "release $(count SENTRY_AUTH_TOKEN=any-text SENTRY_URL="$url" -- run --org acme \
    --projects web --release web@1 --environment production --commits none)"
)"

if [ "${1:-}" = "--record" ]; then
  echo "$measured" >"$record"
fi
while read -r job known; do
  now="$(sed -n "s/^$job //p" <<<"$measured")"
  if [ -z "$now" ] || [ $((now * 100)) -gt $((known * 105)) ]; then
    echo "not ok  $job takes ${now:-no} instructions, and $known are on record" >&2
    failed=1
  elif [ $((now * 100)) -lt $((known * 95)) ]; then
    echo "ok      $job: $now instructions, far under the $known on record: put today's on record"
  else
    echo "ok      $job: $now instructions"
  fi
done <"$record"
exit "${failed:-0}"
