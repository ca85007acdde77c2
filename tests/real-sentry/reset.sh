#!/usr/bin/env bash
# Back to the seeded state, with the same tokens and ids; the server stays up.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
restore_database
# Sessions and caches. The worker's queue is in database 1 and stays: it keeps its bindings there.
redis-cli -p "$RS_REDIS_PORT" -n 0 flushdb >/dev/null
