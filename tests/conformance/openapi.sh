#!/usr/bin/env bash
# `serve` behind Prism, which holds every answer against Sentry's published OpenAPI document:
#
#   tests/conformance/openapi.sh openapi-derefed.json
#
# The document is Sentry's and not kept here; it is published in getsentry/sentry-api-schema.
# Needs cargo and node; installs Prism below target/conformance.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if [ $# -eq 0 ]; then
  echo "skipped: name the document, openapi-derefed.json of github.com/getsentry/sentry-api-schema"
  exit 0
fi
document="$(realpath "$1")"
work="$PWD/target/conformance/prism"
mkdir -p "$work"
npm install --prefix "$work" --no-save --no-audit --no-fund --loglevel=error \
  @stoplight/prism-cli@5.14.2
cargo build --quiet
# shellcheck source=tests/conformance/lib/serving.sh
source tests/conformance/lib/serving.sh
serve_start --org acme --project web --project api
serve_link acme/web

# Prism takes a port that it is given, so one that was free just now.
port="$(node -e 'const server = require("net").createServer();
  server.listen(0, "127.0.0.1", () => { console.log(server.address().port); server.close(); });')"
"$work/node_modules/.bin/prism" proxy "$document" "$SERVE_URL" --errors --port "$port" \
  >"$SERVE_FOLDER/prism" 2>&1 &
prism=$!
trap 'kill "$prism" 2>/dev/null || true; serve_stop' EXIT
until grep --quiet 'Prism is listening' "$SERVE_FOLDER/prism"; do
  kill -0 "$prism" || { tail -20 "$SERVE_FOLDER/prism" >&2; exit 1; }
  sleep 0.2
done

token="$(serve_token user)"
organization="api/0/organizations/acme/"

# One request through Prism: method, path below the server, the status that is wanted, a body.
hold() {
  local method="$1" path="$2" wanted="$3" body="${4:-}" status violations
  local arguments=(--silent --show-error --globoff --request "$method" --max-time 60
    --header "Authorization: Bearer $token" --output "$SERVE_FOLDER/body"
    --dump-header "$SERVE_FOLDER/head" --write-out '%{http_code}')
  [ -z "$body" ] || arguments+=(--header 'Content-Type: application/json' --data "$body")
  status="$(curl "${arguments[@]}" "http://127.0.0.1:$port/$path")"
  violations="$(grep -i '^sl-violations:' "$SERVE_FOLDER/head" || true)"
  if [ "$status" = "$wanted" ] && [ -z "$violations" ]; then
    serve_passed "$method $path ($status)"
  else
    serve_failed "$method $path ($status, wanted $wanted)"
    printf '    %s\n' "$violations" "$(head -c 600 "$SERVE_FOLDER/body")"
  fi
}

hold GET api/0/organizations/ 200
hold GET "api/0/organizations/?per_page=1&query=ac" 200
hold GET "$organization" 200
hold GET "${organization}projects/" 200
hold GET "${organization}config/integrations/" 200
hold GET "${organization}config/integrations/?providerKey=gitlab" 200
hold GET "${organization}config/integrations/?providerKey=zzz" 404
hold GET "${organization}integrations/" 200
hold GET "${organization}integrations/?providerKey=example&includeConfig=false" 200
hold GET "${organization}integrations/1/" 200
hold GET "${organization}repos/" 200
hold GET "${organization}repos/?query=web" 200
hold GET "${organization}releases/" 200

hold POST "${organization}releases/" 201 '{"version":"web@1.0.0","projects":["web"]}'
hold POST "${organization}releases/" 208 '{"version":"web@1.0.0","projects":["web"]}'
hold POST "${organization}releases/" 400 '{"version":"latest","projects":["web"]}'
hold PUT "${organization}releases/web@1.0.0/" 200 '{"ref":"master","commits":[
  {"id":"6ba09a7c53235ee8a8fa5ee4c1ca8ca886e7fdbb","repository":"acme/web","author_name":"Ada",
   "author_email":"ada@example.test","timestamp":"2026-11-19T12:00:00Z","message":"one",
   "patch_set":[{"path":"src/a.js","type":"M"}]},
  {"id":"5ba09a7c53235ee8a8fa5ee4c1ca8ca886e7fdba","repository":"other","message":"two",
   "timestamp":"2026-11-18T12:00:00Z"}]}'
hold PUT "${organization}releases/web@1.0.0/" 200 '{"refs":[{"repository":"acme/web",
  "commit":"6ba09a7c53235ee8a8fa5ee4c1ca8ca886e7fdbb"}]}'
hold PUT "${organization}releases/web@1.0.0/" 200 '{"dateReleased":"2026-11-21T00:00:00Z"}'
hold POST "${organization}releases/web@1.0.0/deploys/" 201 \
  '{"environment":"production","name":"d1","url":"https://ci.example/d/1"}'
hold POST "${organization}releases/web@1.0.0/deploys/" 400 '{"environment":"a/b"}'
hold POST "${organization}releases/web@1.0.0/deploys/" 201 '{"environment":"staging"}'
hold GET "${organization}releases/web@1.0.0/deploys/" 200
hold GET "${organization}releases/web@1.0.0/" 200
hold GET "${organization}releases/?per_page=1" 200
hold GET "${organization}releases/nope/" 404
hold GET "${organization}releases/web@1.0.0/commits/" 200
hold GET "${organization}releases/web@1.0.0/commitfiles/" 200
hold GET "${organization}repos/1/commits/" 200
hold GET "${organization}projects/" 200
hold GET api/0/projects/acme/web/ 200
hold GET api/0/projects/acme/web/releases/ 200
hold GET "${organization}releases/" 200
hold DELETE "${organization}releases/web@1.0.0/" 204
hold DELETE "${organization}integrations/1/" 204
hold DELETE "${organization}integrations/99/" 404
hold GET api/0/organizations/nope/ 404
token=wrong
hold GET "$organization" 401

serve_end
