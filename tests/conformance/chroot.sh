#!/usr/bin/env bash
# Runs the released program where nothing else is: a folder with busybox alone as the root, without
# certificates, /etc, /proc and /dev. It finishes an integration and makes a release, over TLS whose
# authority only `ca-file` names.
#
#   chroot.sh PROGRAM
#
# Needs root, openssl and node, and fetches Debian's static busybox.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
program="$(realpath "$1")"
# shellcheck source=tests/conformance/lib/tools.sh
source tests/conformance/lib/tools.sh

folder="$(mktemp -d)"
processes=()
trap 'kill "${processes[@]}" 2>/dev/null || true; rm -rf "$folder"' EXIT
bare="$folder/bare"
enter="$(command -v chroot)"
mkdir -p "$bare/bin" "$folder/tls"
cp "$(tools_busybox)" "$bare/bin/busybox"
cp "$program" "$bare/finishline"

# An authority that nobody knows, and what it says of this host.
tls() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=authority" \
    -keyout "$folder/tls/ca.key" -out "$bare/ca.pem" 2>/dev/null
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=server" \
    -keyout "$folder/tls/server.key" -out "$folder/tls/server.csr" 2>/dev/null
  openssl x509 -req -in "$folder/tls/server.csr" -CA "$bare/ca.pem" -CAkey "$folder/tls/ca.key" -days 2 \
    -set_serial 1 -extfile <(echo "subjectAltName=IP:127.0.0.1") -out "$folder/tls/server.pem" 2>/dev/null
}

# Starts a program in the background, and waits until the file that it prints to is not empty.
start() {
  local said="$1"
  shift
  "$@" >"$said" 2>"$said.log" &
  processes+=("$!")
  for _ in $(seq 200); do
    [ ! -s "$said" ] || return 0
    sleep 0.05
  done
  cat "$said.log" >&2
  return 1
}

# Runs the program as the only one in the bare root; its exit code, and `said` is all that it printed.
bare() {
  local status=0
  said="$(env -i "${@:2}" "$enter" "$bare" /finishline run --ci local "${arguments[@]}" 2>&1)" || status=$?
  [ "$status" -eq "$1" ] || { printf 'exit code %s, expected %s\n%s\n' "$status" "$1" "$said" >&2; return 1; }
}

has() {
  grep -qF -- "$1" <<<"$said" || { printf 'it does not say: %s\n%s\n' "$1" "$said" >&2; return 1; }
}

[ "$(env -i "$enter" "$bare" /bin/busybox ls /)" = $'bin\nfinishline' ]
tls
start "$folder/serve" env SENTRY_AUTH_TOKEN=any-text "$program" serve --listen 127.0.0.1:0 \
  --database "$folder/serve.db" --org acme --project web
plain="$(sed -n 's/^listening on http:\/\/127.0.0.1://p' "$folder/serve")"
start "$folder/port" node -e '
  const fs = require("fs"), net = require("net"), tls = require("tls");
  const [folder, port] = process.argv.slice(1);
  const read = (name) => fs.readFileSync(`${folder}/${name}`);
  const server = tls.createServer({ key: read("server.key"), cert: read("server.pem") }, (peer) => {
    const there = net.connect(port, "127.0.0.1");
    for (const one of [peer, there]) one.on("error", () => { peer.destroy(); there.destroy(); });
    peer.pipe(there).pipe(peer);
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));' "$folder/tls" "$plain"
url="https://127.0.0.1:$(cat "$folder/port")"

arguments=(--backend embedded --database /demo.db --provider opsgenie --org acme
  --set baseUrl=https://api.opsgenie.com/ --set provider=acme-ops --set apiKey=env:OPSGENIE_KEY)
bare 0 OPSGENIE_KEY=0123-4567
has "Opsgenie is installed for acme"
[ -s "$bare/demo.db" ]
echo "ok      an integration is finished"

arguments=(--url "$url" --org acme --projects web --release web@1 --environment production --commits none)
bare 6 SENTRY_AUTH_TOKEN=any-text
has "certificate"
echo "ok      an authority that nobody named is not believed"

arguments+=(--ca-file /ca.pem)
bare 0 SENTRY_AUTH_TOKEN=any-text
has "web@1"
curl --silent --fail --header "Authorization: Bearer any-text" \
  "http://127.0.0.1:$plain/api/0/organizations/acme/releases/web@1/deploys/" | grep -q '"environment":"production"'
echo "ok      a release is made and deployed over TLS by \`ca-file\`"
