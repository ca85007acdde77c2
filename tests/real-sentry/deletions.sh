#!/usr/bin/env bash
# deletions.sh: starts what is scheduled for deletion, as Sentry's scheduler does every fifteen minutes; the
# worker carries it out.
set -euo pipefail
# shellcheck source=tests/real-sentry/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$RS_BASE"
"$SENTRY" exec -c 'from sentry.tasks.deletion.scheduled import run_scheduled_deletions; run_scheduled_deletions()'
