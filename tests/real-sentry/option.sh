#!/usr/bin/env bash
# option.sh NAME VALUE: sets an option of the running Sentry, as an operator would.
set -euo pipefail
# shellcheck source=tests/real-sentry/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$RS_BASE"
"$SENTRY" exec -c "from sentry import options; options.set('$1', $2)"
