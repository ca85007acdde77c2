# shellcheck shell=bash disable=SC2034
# Sourced by the other scripts. Everything lives under RS_BASE and listens on 127.0.0.1 only.
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
RS_PORT=${RS_PORT:-9123}
RS_BASE=$(realpath -m "${RS_BASE:-${TMPDIR:-/tmp}/finishline-real-sentry-$RS_PORT}")
RS_REDIS_PORT=$((RS_PORT + 1))
RS_SNUBA_PORT=$((RS_PORT + 2))
RS_GITLAB_PORT=$((RS_PORT + 3))
export RS_PORT RS_BASE RS_REDIS_PORT RS_SNUBA_PORT RS_GITLAB_PORT

export SENTRY_CONF=$HERE/sentry.conf.py
export no_proxy="127.0.0.1,${no_proxy:-${NO_PROXY:-}}"
SENTRY=$RS_BASE/venv/bin/sentry
URL=http://127.0.0.1:$RS_PORT

# Whether the process in run/NAME.pid lives and is ours: a pid can be taken over, the working folder tells.
alive() {
  local pid
  pid=$(cat "$RS_BASE/run/$1.pid" 2>/dev/null) && [ "$(readlink "/proc/$pid/cwd")" = "$RS_BASE" ]
}

# PostgreSQL refuses to run as root.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

# postgres_tool NAME ARGUMENT…: one of the server's own tools, of the newest version there is.
postgres_tool() {
  local tools=(/usr/lib/postgresql/*/bin) name=$1
  shift
  as_postgres "${tools[-1]}/$name" "$@"
}

sql() {
  PGOPTIONS='-c client_min_messages=warning' psql -X -qAt -v ON_ERROR_STOP=1 -h "$RS_BASE/run" -p 5432 -U postgres -d postgres "$@"
}

# Makes the database `sentry` a fresh copy of the seeded one, under a running server too.
restore_database() {
  sql -c 'drop database if exists sentry with (force)' \
    -c 'create database sentry template sentry_seeded strategy file_copy'
}
