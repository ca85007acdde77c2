#!/usr/bin/env bash
# Prints a `signed_params` for /extensions/jira/configure/, as Sentry makes them for Jira. Good for a day.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"
"$SENTRY" exec -c '
import json, uuid
from sentry.utils.signing import sign
metadata = {"base_url": "https://jira.example", "domain_name": "jira.example", "shared_secret": "x"}
print(sign(external_id="jira:" + uuid.uuid4().hex, metadata=json.dumps(metadata)))' 2>"$RS_BASE/log/jira.log"
