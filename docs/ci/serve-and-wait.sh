#!/usr/bin/env bash
# Any CI, without containers: the mock on this machine beside a command: bash serve-and-wait.sh make test
# Before it, once: pip install mockfoundry-VERSION-py3-none-any.whl, or pip install . in a clone.
set -euo pipefail
export MOCKFOUNDRY_PORT="${MOCKFOUNDRY_PORT:-8080}"
export MOCKFOUNDRY_URL="http://127.0.0.1:$MOCKFOUNDRY_PORT"
mockfoundry serve &
mock=$!
trap 'kill "$mock" 2>/dev/null && wait "$mock" || true' EXIT
# A server that ended, as where the port is taken, is not waited for; nor is another one on its port asked.
until mockfoundry health >/dev/null 2>&1; do
  kill -0 "$mock" 2>/dev/null || { echo "the mock did not start" >&2; exit 1; }
  sleep 0.1
done
kill -0 "$mock"
"$@"
