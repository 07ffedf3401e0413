#!/usr/bin/env bash
# Any CI, without containers: the mock on this machine beside a command: bash serve-and-wait.sh make test
# Before it, once: pip install mockfoundry-VERSION-py3-none-any.whl, or pip install . in a clone.
set -euo pipefail
export MOCKFOUNDRY_PORT="${MOCKFOUNDRY_PORT:-8080}"
export MOCKFOUNDRY_URL="http://127.0.0.1:$MOCKFOUNDRY_PORT"
mockfoundry serve &
mock=$!
trap 'kill "$mock"; wait "$mock"' EXIT
mockfoundry wait --timeout 30s
"$@"
