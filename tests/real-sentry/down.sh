#!/usr/bin/env bash
# Stops what up.sh started. `down.sh --wipe` also forgets the databases; the next up.sh seeds anew.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

running=()
for name in web worker gitlab snuba redis; do
  if alive "$name"; then
    kill "$(cat "$RS_BASE/run/$name.pid")"
    running+=("$name")
  fi
done
for name in "${running[@]}"; do
  for _ in {1..300}; do
    alive "$name" || continue 2
    sleep 0.1
  done
  echo "$name does not end (process $(cat "$RS_BASE/run/$name.pid"))" >&2
  exit 1
done
if [ -e "$RS_BASE/pg/postmaster.pid" ]; then
  (cd "$RS_BASE" && postgres_tool pg_ctl -D "$RS_BASE/pg" -m fast -w stop >/dev/null)
fi
if [ "${1:-}" = --wipe ]; then rm -rf "$RS_BASE"/{pg,run,files}; fi
