#!/bin/sh
# Viewers of HLS against the demo: starts it on free ports, runs hls.js with k6, ends it. Called by `make bench-k6`.
#   run.sh STREAMGATE K6 [k6's options, such as -e VIEWERS=200 -e SECONDS=60]
set -eu
streamgate=$1 k6=$2
shift 2
place=$(mktemp -d)
"$streamgate" demo --json --data "$place/data" --edge-port 0 --origin-port 0 >"$place/urls" 2>"$place/log" &
demo=$!
trap 'kill -INT $demo 2>/dev/null; wait $demo 2>/dev/null || true; rm -rf "$place"' EXIT
until [ -s "$place/urls" ]; do
	kill -0 $demo 2>/dev/null || { cat "$place/log"; exit 1; }
	sleep 1
done
master=$(python3 -c 'import json, sys; told = json.load(sys.stdin); print(told["edge"] + "/v/" + told["asset"] + "/master.m3u8")' <"$place/urls")
"$k6" run --quiet --no-usage-report -e "MASTER=$master" "$@" "$(dirname "$0")/hls.js"
