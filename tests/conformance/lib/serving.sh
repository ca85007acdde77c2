# shellcheck shell=bash
# Sourced by the scripts that need a running `serve`: starts it on a free port, stops it at the
# end, and counts.

SERVE_FOLDER="$(mktemp -d)"
SERVE_PID=
passed=0
failed=0

serve_stop() {
  if [ -n "$SERVE_PID" ]; then
    kill "$SERVE_PID" 2>/dev/null || true
    wait "$SERVE_PID" 2>/dev/null || true
  fi
  rm -rf "$SERVE_FOLDER"
}
trap serve_stop EXIT

# Starts it with these arguments; SERVE_URL is where it is.
serve_start() {
  local binary="${CARGO_TARGET_DIR:-target}/debug/finishline"
  env --unset=SENTRY_AUTH_TOKEN "$binary" serve --listen 127.0.0.1:0 \
    --database "$SERVE_FOLDER/finishline.db" "$@" >"$SERVE_FOLDER/out" 2>"$SERVE_FOLDER/log" &
  SERVE_PID=$!
  until [ -s "$SERVE_FOLDER/out" ]; do
    kill -0 "$SERVE_PID" || { cat "$SERVE_FOLDER/log" >&2; exit 1; }
    sleep 0.05
  done
  SERVE_URL="$(sed 's/^listening on //' "$SERVE_FOLDER/out")"
}

# The token of the `user`, or of the `organization` acme.
serve_token() {
  node -e '
    const tokens = JSON.parse(require("fs").readFileSync(process.argv[1]));
    console.log(process.argv[2] === "user" ? tokens.user : tokens.organizations.acme);' \
    "$SERVE_FOLDER/finishline.db.tokens.json" "$1"
}

# A GET below /api/0/ as the user.
serve_get() {
  curl --silent --show-error --fail -H "Authorization: Bearer $(serve_token user)" \
    "$SERVE_URL/api/0/$1"
}

# A POST below /api/0/ as the user.
serve_post() {
  curl --silent --show-error --fail -H "Authorization: Bearer $(serve_token user)" \
    -H 'Content-Type: application/json' -b "$SERVE_FOLDER/cookies" -c "$SERVE_FOLDER/cookies" \
    --data "$2" "$SERVE_URL/api/0/$1"
}

# Installs `example`, and links a repository of this name through it.
serve_link() {
  serve_post organizations/acme/pipeline/integration_pipeline/ \
    '{"action":"initialize","provider":"example"}' >/dev/null
  local id
  id="$(serve_post organizations/acme/pipeline/integration_pipeline/ '{"name":"demo"}' |
    node -e 'console.log(JSON.parse(require("fs").readFileSync(0)).data.id)')"
  serve_post organizations/acme/repos/ \
    "{\"provider\":\"integrations:example\",\"installation\":\"$id\",\"identifier\":\"$1\"}" >/dev/null
}

serve_passed() {
  echo "ok    $1"
  passed=$((passed + 1))
}

serve_failed() {
  echo "FAIL  $1"
  failed=$((failed + 1))
}

# Says how many checks passed; the status is whether all did.
serve_end() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
}
