#!/usr/bin/env bash
# A release by sentry-cli on `serve`: made, given commits both ways, finalized, deployed, listed; and
# source maps, injected and uploaded by it, which are then found.
# Needs cargo, node and git; installs sentry-cli below target/conformance.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# shellcheck source=tests/conformance/lib/tools.sh
source tests/conformance/lib/tools.sh
tools_node sentry-cli @sentry/cli@3.8.0
cargo build --quiet
# shellcheck source=tests/conformance/lib/serving.sh
source tests/conformance/lib/serving.sh
serve_start --org acme --project web

export SENTRY_URL="$SERVE_URL" SENTRY_ORG=acme SENTRY_PROJECT=web SENTRY_LOG_LEVEL=warn
export PATH="$TOOLS/npm/sentry-cli/node_modules/.bin:$PATH"
# What the machine says of CI must not choose the commits.
unset GITHUB_REPOSITORY GITHUB_SHA CI_COMMIT_SHA
repository="$SERVE_FOLDER/repository"
git init --quiet "$repository"
cd "$repository"
git config user.name Ada
git config user.email ada@example.test
git remote add origin https://git.example.test/acme/web.git

commit() {
  echo "$1" >file
  git add file
  git commit --quiet -m "$1"
}
commit "a beginning"

# The given name of a check, then a command that must succeed.
check() {
  local name="$1"
  shift
  if "$@" >"$SERVE_FOLDER/said" 2>&1; then
    serve_passed "$name"
  else
    serve_failed "$name"
    sed 's/^/    /' "$SERVE_FOLDER/said"
  fi
}

# Whether a field of the release has this value.
release_has() {
  local version="$1" expression="$2"
  serve_get "organizations/acme/releases/$version/" | node -e '
    const release = JSON.parse(require("fs").readFileSync(0));
    if (!eval(process.argv[1])) { console.log(JSON.stringify(release)); process.exit(1); }' "$expression"
}

says() {
  local words="$1"
  shift
  local said
  said="$("$@" 2>&1)"
  echo "$said"
  [[ "$said" == *"$words"* ]]
}

for kind in user organization; do
  SENTRY_AUTH_TOKEN="$(serve_token "$kind")"
  export SENTRY_AUTH_TOKEN
  version="web@$kind"
  commit "a change for the $kind"
  check "$kind token: info" sentry-cli info
  check "$kind token: a release is made" sentry-cli releases new "$version"
  check "$kind token: and is there" release_has "$version" 'release.projects[0].slug === "web"'
  check "$kind token: commits of the local history" \
    sentry-cli releases set-commits "$version" --local
  check "$kind token: are there" release_has "$version" \
    "release.lastCommit.message.startsWith('a change for the $kind')"
  check "$kind token: commits found by themselves" \
    sentry-cli releases set-commits "$version" --auto --ignore-missing
  check "$kind token: are still there" release_has "$version" 'release.commitCount >= 1'
  check "$kind token: finalized" sentry-cli releases finalize "$version"
  check "$kind token: and it shows" release_has "$version" 'release.dateReleased !== null'
  check "$kind token: deployed" sentry-cli deploys new --release "$version" --env production
  check "$kind token: and it shows" release_has "$version" \
    'release.lastDeploy.environment === "production"'
  check "$kind token: deploys are listed" \
    says production sentry-cli deploys list --release "$version"
  check "$kind token: releases are listed" says "$version" sentry-cli releases list
done

# With a repository that is linked, --auto sends refs instead of commits.
SENTRY_AUTH_TOKEN="$(serve_token user)"
export SENTRY_AUTH_TOKEN
serve_link acme/web
check "a release for refs" sentry-cli releases new web@refs
check "refs of a linked repository" sentry-cli releases set-commits web@refs --auto
check "one release more is deleted" sentry-cli releases delete web@refs

# Two scripts with their maps, all of them named after this word, injected by sentry-cli.
scripts() {
  local folder="$SERVE_FOLDER/$1" name
  mkdir -p "$folder/js"
  for name in "$1" "js/$1-2"; do
    printf '"use strict";console.log("%s");\n//# sourceMappingURL=%s.js.map\n' \
      "$name" "${name##*/}" >"$folder/$name.js"
    printf '{"version":3,"sources":["src/%s.ts"],"sourcesContent":["x"],"names":[],"mappings":"AAAA"}' \
      "$name" >"$folder/$name.js.map"
  done
  sentry-cli sourcemaps inject "$folder"
}

# The debug ids that stand in the scripts below a folder.
ids() {
  grep -rhoE --include='*.js' '^//# debugId=[0-9a-f-]{36}' "$1" | sed 's/.*=//'
}

# Whether `serve` finds each script of a folder, and gives each back as it is on the disk.
found() {
  local folder="$SERVE_FOLDER/$1" id
  [ "$(ids "$folder" | wc -l)" -eq 2 ] || return 1
  for id in $(ids "$folder"); do
    says '"resolved_with":"debug-id"' \
      serve_get "projects/acme/web/artifact-lookup/?debug_id=$id" || return 1
    downloads "$folder" "$id" || return 1
  done
}

absent() {
  ! found "$1"
}

downloads() {
  local bundle file
  bundle="$(serve_get "projects/acme/web/files/artifact-bundles/?query=$2" |
    sed 's/.*"bundleId":"\([^"]*\)".*/\1/')"
  file="$(serve_get "projects/acme/web/artifact-bundles/$bundle/files/?query=$2" | node -e '
    const { files } = JSON.parse(require("fs").readFileSync(0));
    console.log(files.find((file) => file.fileType === 2).id);')"
  serve_get "projects/acme/web/artifact-bundles/$bundle/files/$file/" >"$SERVE_FOLDER/downloaded" &&
    cmp "$SERVE_FOLDER/downloaded" "$(grep -rl --include='*.js' "debugId=$2" "$1")"
}

for kind in user organization; do
  SENTRY_AUTH_TOKEN="$(serve_token "$kind")"
  export SENTRY_AUTH_TOKEN
  check "$kind token: scripts are injected" scripts "$kind"
  check "$kind token: and not found yet" absent "$kind"
  check "$kind token: uploaded" sentry-cli sourcemaps upload "$SERVE_FOLDER/$kind"
  check "$kind token: and found by their ids" found "$kind"
  check "$kind token: again, with nothing to send" sentry-cli sourcemaps upload "$SERVE_FOLDER/$kind"
  check "$kind token: others are injected" scripts "$kind-release"
  # shellcheck disable=SC2088  # The URL of any host, and no folder.
  check "$kind token: and uploaded for a release, waiting" sentry-cli sourcemaps upload --wait \
    --release "web@$kind" --dist 7 --url-prefix '~/static' "$SERVE_FOLDER/$kind-release"
  check "$kind token: and found by their ids" found "$kind-release"
  check "$kind token: and by their URL" says '"resolved_with":"release"' serve_get \
    "projects/acme/web/artifact-lookup/?url=~/static/$kind-release.js&release=web@$kind&dist=7"
done

serve_end
