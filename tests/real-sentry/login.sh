#!/usr/bin/env bash
# login.sh JAR [EMAIL]: logs in as a person would, and leaves the session's cookies in JAR (curl's format).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
jar=$1
email=${2:-admin@example.test}
rm -f "$jar"
curl -sf -o /dev/null -c "$jar" "$URL/auth/login/"
csrf=$(awk '$6 == "sc" { print $7 }' "$jar")
curl -sf -o /dev/null -b "$jar" -c "$jar" -H "X-CSRFToken: $csrf" -H "Referer: $URL/" -H 'Content-Type: application/json' \
  -d "{\"username\": \"$email\", \"password\": \"realsentry-pw-1\"}" "$URL/api/0/auth/login/"
