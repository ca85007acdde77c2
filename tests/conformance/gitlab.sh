#!/usr/bin/env bash
# The component under gitlab-ci-local, a foreign runner: installed from the archive that packages.sh
# has built, with a second job that reads the outputs, and an exit code that is allowed.
#
# That runner reads dotenv reports more gently than GitLab does, so their bytes are checked against
# GitLab's own rules elsewhere, in tests/it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# shellcheck source=tests/conformance/lib/tools.sh
source tests/conformance/lib/tools.sh
packages="$TOOLS/packages"
tools_node gitlab gitlab-ci-local@4.65.1
# It copies the project for each job with this.
tools_debian rsync rsync

root="$PWD"
project="$(mktemp -d)"
sentry="$(mktemp -d)"
trap 'rm -rf "$project" "$sentry"' EXIT
cp -r templates packaging action Cargo.toml "$project"
python3 "$project/packaging/pin.py" "$packages/SHA256SUMS"
version="$(sed -n '/^version = /{s/^version = "\(.*\)"$/\1/p;q;}' Cargo.toml)"
mkdir -p "$project/releases/v$version"
cp "$packages"/*.tar.gz "$project/releases/v$version"
cd "$project"
git init --quiet --initial-branch=main
git config user.name Ada
git config user.email ada@example.test
git remote add origin git@gitlab.example.test:acme/web.git

# Runs a pipeline of the component, with these lines as its inputs, and of a job that reads what it
# hands on.
pipeline() {
  cat >.gitlab-ci.yml <<END
include:
  - component: \$CI_SERVER_FQDN/\$CI_PROJECT_PATH/finishline@\$CI_COMMIT_SHA
    inputs:
      releases: "file://$project/releases"
      org: acme
      backend: embedded
      database: demo.db
$(sed 's/^/      /')
stages: [deploy, after]
show:
  stage: after
  needs: [finishline]
  script:
    - echo "outputs are \$FINISHLINE_OUT_STATUS \$FINISHLINE_OUT_REDIRECT_URL"
END
  run_pipeline
}

# Runs the pipeline in .gitlab-ci.yml, with more options of the runner's, and keeps its log.
run_pipeline() {
  rm -rf finishline.env pwned ./*.db
  git add .gitlab-ci.yml templates
  git commit --quiet --allow-empty -m pipeline
  # This runner says that it is none, and places a job that has an image elsewhere. Its own exit
  # code leaves out every job with \`allow_failure\`, so the log is read instead.
  env -i PATH="$PATH" HOME="$project" "$TOOLS/npm/gitlab/node_modules/.bin/gitlab-ci-local" \
    --force-shell-executor --no-color --variable GITLAB_CI=true \
    --variable "CI_PROJECT_DIR=$project" --variable OPSGENIE_KEY=s3cr3t-key "$@" >log 2>&1 || true
}

passed=0

# Something that must hold of the last pipeline.
check() {
  local name="$1"
  shift
  "$@" || { echo "FAIL    $name" >&2; cat log >&2; exit 1; }
  passed=$((passed + 1))
  echo "ok      $name"
}

# How the component's job ended: PASS, WARN or FAIL.
ended() {
  grep -qE "^ $1  finishline" log
}

logged() {
  grep -qF -- "$1" log
}

never() {
  ! "$@"
}

pipeline <<'END'
provider: opsgenie
next: 'https://example.com/"; touch pwned; $(touch pwned) `touch pwned` $$HOME'
state: |
  baseUrl: https://api.opsgenie.com/
  provider: acme-ops
  apiKey: ${OPSGENIE_KEY}
END
settings=http://127.0.0.1:9797/settings/acme/integrations/opsgenie/1/
next=https%3A%2F%2Fexample.com%2F%22%3B+touch+pwned%3B+%24%28touch+pwned%29+%60touch+pwned%60+%24HOME
check "the component installs and runs" ended PASS
check "a later job reads the outputs" logged "> outputs are complete $settings?next=$next"
check "no input is run" never test -e pwned
check "no secret is in the log" never logged s3cr3t-key

pipeline <<'END'
provider: gitlab
state: '{url: "https://gitlab.example.test", clientId: acme, clientSecret: "${OPSGENIE_KEY}"}'
END
check "a person must act: the job warns" ended WARN
check "and the outputs arrive" \
  logged "> outputs are action_required https://gitlab.example.test/oauth/authorize?client_id=acme"

pipeline <<<"provider: nobody"
check "wrong inputs fail the job" ended FAIL
check "and the outputs arrive" logged "> outputs are error"

pipeline <<END
provider: example
state: "name: demo"
checksums: "$(printf '0%.0s' {1..64})  $(basename "$packages"/*.tar.gz)"
END
check "an archive with another sum is not run" ended FAIL
check "and says nothing" never logged "INFO finishing"

pipeline <<'END'
provider: example
state: "name: demo"
checksums: ""
END
check "an archive without a sum is not run" ended FAIL
check "and the log names it" logged "\`checksums\` has no sum of finishline-$version-"
check "before it is downloaded" never logged "cannot download"

# The component as two jobs, with what a project has for its other jobs. The values are no strings.
twice() {
  cat >.gitlab-ci.yml <<END
default:
  before_script: [exit 9]
  after_script: [exit 9]
variables:
  FINISHLINE_RELEASES: "file://$project/releases"
  FINISHLINE_DEPLOY_NAME: of the project
  FINISHLINE_ORG: nobody
$(sed 's/^/  /')
stages: [web, api, after]
include:
  - component: \$CI_SERVER_FQDN/\$CI_PROJECT_PATH/finishline@\$CI_COMMIT_SHA
    inputs:
      job: web
      stage: web
      releases: "file://$project/releases"
      org: acme
      projects: web
      release: web@\$CI_COMMIT_TAG
      environment: >
        \${CI_COMMIT_TAG}-eu
      commits: none
      finalize: false
      deploy: "true"
      backend: embedded
      database: twice.db
      output-prefix: WEB_
  - component: \$CI_SERVER_FQDN/\$CI_PROJECT_PATH/finishline@\$CI_COMMIT_SHA
    inputs:
      job: api
      stage: api
      releases: "file://$project/releases"
      org: acme
      provider: opsgenie
      state: "{baseUrl: https://api.opsgenie.com/, provider: acme-ops, apiKey: '\${OPSGENIE_KEY}'}"
      max-parallel: 4
      backend: embedded
      database: twice.db
      output-prefix: API_
show:
  stage: after
  needs: [web, api]
  before_script: []
  after_script: []
  script:
    - echo "outputs are \$WEB_STATUS \$WEB_RELEASE \$API_STATUS \$API_REDIRECT_URL"
END
  run_pipeline --variable CI_COMMIT_TAG=v1.4.0
}

twice <<<"OTHER: kept"
check "two jobs of one pipeline are told apart, and each tag is its release" \
  logged "> outputs are complete web@v1.4.0 complete ${settings%%\?*}"
check "the project's scripts are for the project's jobs" never logged "exit 9"
check "the environment is the one that GitLab has put in" logged "v1.4.0-eu"
check "what was unpacked is gone" never ls -d /tmp/finishline.?????? "$project"/finishline.??????
twice <<<"FINISHLINE_DRY_RUN: \"true\""
check "a variable of the project holds where no input is set" logged "> outputs are planned"
check "and nothing is made" never test -e twice.db

# README's example, at this commit, with these archives, on a Sentry of this machine.
cp -r "$root/tests/conformance/web-app/." .
echo dist >>.git/info/exclude
git add package.json package-lock.json build.mjs deploy.sh
SENTRY_AUTH_TOKEN=readme-token "$packages/bin/finishline" serve --listen 127.0.0.1:0 \
  --database "$sentry/sentry.db" --org acme --project web >"$sentry/said" 2>"$sentry/log" &
server=$!
trap 'kill "$server" 2>/dev/null || true; rm -rf "$project" "$sentry"' EXIT
until [ -s "$sentry/said" ]; do
  kill -0 "$server" || { cat "$sentry/log" >&2; exit 1; }
  sleep 0.05
done
url="$(sed 's/^listening on //' "$sentry/said")"
sed "s#component: .*#component: \$CI_SERVER_FQDN/\$CI_PROJECT_PATH/finishline@\$CI_COMMIT_SHA#
s#^    inputs:#&\n      releases: \"file://$project/releases\"#" \
  "$TOOLS/examples/gitlab.yml" >.gitlab-ci.yml
run_pipeline --variable "SENTRY_URL=$url" --variable SENTRY_AUTH_TOKEN=readme-token \
  --variable SENTRY_ORG=acme --variable SENTRY_PROJECT=web
check "README's example deploys scripts with debug ids" logged "> deployed dist with debug ids"
check "and its release is at Sentry" logged "> $url/organizations/acme/releases/"
echo "$passed passed"
