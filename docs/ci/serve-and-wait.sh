#!/usr/bin/env bash
# Any CI, without containers: the mock on this machine beside a command: bash serve-and-wait.sh make test
# Before it, once: pip install mockfoundry-VERSION-py3-none-any.whl, or pip install . in a clone.
set -euo pipefail
said=$(mktemp)
# Port 0 is any free one, so that jobs on one machine don't meet; MOCKFOUNDRY_PORT names another.
mockfoundry serve --port "${MOCKFOUNDRY_PORT:-0}" >"$said" &
mock=$!
trap 'kill "$mock" 2>/dev/null && wait "$mock" || true; rm -f "$said"' EXIT
# Its own words are waited for: where its port is taken, somebody else would answer there.
until grep -q 'Ctrl-C ends it' "$said"; do
  kill -0 "$mock" 2>/dev/null || { echo "the mock did not start" >&2; exit 1; }
  sleep 0.1
done
MOCKFOUNDRY_URL=$(sed -n 's/^  URL *//p' "$said")
export MOCKFOUNDRY_URL
"$@"
