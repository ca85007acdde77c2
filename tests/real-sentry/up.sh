#!/usr/bin/env bash
# Installs, seeds and starts a real Sentry on 127.0.0.1; prints NAME=value lines that say how to reach it.
# What is installed, seeded or running already is left as it is. README.md lists the variables.
# `up.sh packages` installs what it needs of Debian, and nothing else.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
VERSION=23.7.1

say() { printf '[%3ss] %s\n' "$SECONDS" "$*" >&2; }

die() {
  say "failed: $*"
  exit 1
}

# logged NAME COMMAND…: its output goes to log/NAME.log, the end of which explains a failure.
logged() {
  local name=$1
  shift
  "$@" >"log/$name.log" 2>&1 && return
  tail -n 15 "log/$name.log" >&2
  die "$name (all of it in $RS_BASE/log/$name.log)"
}

# In a subshell, whose end undoes the policy.
install_packages() (
  missing=()
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
  command -v redis-server >/dev/null || missing+=(redis-server)
  command -v curl >/dev/null || missing+=(curl ca-certificates)
  command -v g++ >/dev/null || missing+=(build-essential)
  pkg-config --exists xmlsec1 2>/dev/null || missing+=(libxmlsec1-dev pkg-config)
  [ ${#missing[@]} -gt 0 ] || return 0
  say "install ${missing[*]}"
  [ "$(id -u)" = 0 ] || die "this needs root, or these packages: ${missing[*]}"
  # The packages would start services of their own beside ours.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  logged apt-update apt-get update -q
  logged apt-install env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
)

# The package's pins leave most indirect dependencies open: constraints.txt closes them. They
# resolve on Python 3.8 and 3.9 only.
install_sentry() {
  [ ! -e "venv/sentry-$VERSION" ] || return 0
  local python=${RS_PYTHON:-} found
  for found in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.[89].*/bin/python; do
    [ -n "$python" ] || [ ! -x "$found" ] || python=$found
  done
  [ -n "$python" ] || die "no Python 3.8 or 3.9 among pyenv's versions: set RS_PYTHON to one"
  say "install sentry $VERSION on $("$python" --version)"
  logged venv "$python" -m venv --clear venv
  # All releases are marked as withdrawn: only an exact version is found.
  logged pip venv/bin/pip install -c "$HERE/constraints.txt" "sentry==$VERSION"
  touch "venv/sentry-$VERSION"
}

# A cluster of its own on a socket in run/. It may lose its data, so it need not wait for the disk.
start_postgres() {
  if [ ! -e pg/postgresql.conf ]; then
    if [ "$(id -u)" = 0 ]; then chown postgres pg run log; fi
    as_postgres test -w "$RS_BASE/pg" || die "user postgres cannot reach $RS_BASE: choose another RS_BASE"
    logged initdb postgres_tool initdb -D "$RS_BASE/pg" -A trust -U postgres -E UTF8 --no-locale
    cat >>pg/postgresql.conf <<CONF
listen_addresses = ''
port = 5432
unix_socket_directories = '$RS_BASE/run'
fsync = off
synchronous_commit = off
full_page_writes = off
CONF
  fi
  postgres_tool pg_ctl -D "$RS_BASE/pg" status >/dev/null && return
  say "start postgres"
  logged pg_ctl postgres_tool pg_ctl -D "$RS_BASE/pg" -l "$RS_BASE/log/postgres.log" -w start
}

listening() { (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# start NAME PORT COMMAND…: a process apart from this one, its pid in run/NAME.pid. PORT 0: it listens on none.
start() {
  local name=$1 port=$2
  shift 2
  ! alive "$name" || return 0
  ! listening "$port" || die "port $port is taken by another program: choose another RS_PORT"
  say "start $name"
  setsid "$@" >"log/$name.log" 2>&1 </dev/null &
  echo $! >"run/$name.pid"
  until [ "$port" = 0 ] || listening "$port"; do
    alive "$name" || die "$name ended at once (see $RS_BASE/log/$name.log)"
    sleep 0.1
  done
}

# `sentry_seeded` gets its name last: a database of that name is a whole one.
seed_database() {
  if [ -z "$(sql -c "select 1 from pg_database where datname = 'sentry_seeded'")" ]; then
    sql -c 'drop database if exists sentry with (force)' -c 'create database sentry'
    say "migrate"
    logged migrate "$SENTRY" upgrade --noinput
    say "seed"
    logged seed "$SENTRY" exec "$HERE/seed.py"
    sql -c 'alter database sentry rename to sentry_seeded'
  fi
  [ -n "$(sql -c "select 1 from pg_database where datname = 'sentry'")" ] || restore_database
}

mkdir -p "$RS_BASE"
[ -O "$RS_BASE" ] || die "$RS_BASE belongs to somebody else: choose another RS_BASE"
cd "$RS_BASE"
mkdir -p files log pg run
install_packages
[ "${1:-}" != packages ] || exit 0
start_postgres
start redis "$RS_REDIS_PORT" redis-server --port "$RS_REDIS_PORT" --bind 127.0.0.1 --save '' --appendonly no
install_sentry
start snuba "$RS_SNUBA_PORT" venv/bin/python "$HERE/empty_snuba.py" "$RS_SNUBA_PORT"
start gitlab "$RS_GITLAB_PORT" venv/bin/python "$HERE/fake_gitlab.py" "$RS_GITLAB_PORT"
seed_database
start worker 0 env C_FORCE_ROOT=1 "$SENTRY" run worker -c 1 --loglevel INFO
start web "$RS_PORT" "$SENTRY" run web
TOKEN=$(sed -n 's/^SENTRY_AUTH_TOKEN=//p' run/seed.env)
# The port opens before the server is ready; the first answer waits for it.
curl -sf -o /dev/null -m 120 -H "Authorization: Bearer $TOKEN" "$URL/api/0/organizations/acme/" ||
  die "the API does not answer (see $RS_BASE/log/web.log)"
say "up"
cat run/seed.env
