#!/bin/sh
# What a job deploys must have its debug id.
set -eu
grep -q 'debugId=' "$1/app.js"
echo "deployed $1 with debug ids"
