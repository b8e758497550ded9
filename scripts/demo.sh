#!/bin/sh
# SPDX-License-Identifier: MIT
# Start a leaking Flask server with traffic on loopback and attach to it: the live view on a
# terminal, otherwise a recording of 20 seconds and its report. Stops all that it started.
# usage: demo.sh [FILTRACE]
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
filtrace=${1:-$root/build/filtrace}
python=/usr/bin/python3 # the one that python3-flask belongs to
seconds=${DEMO_SECONDS:-20}
directory=$(mktemp -d)
server=
traffic=

stop_all() {
	trap - EXIT INT TERM HUP
	for pid in $traffic $server; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	rm -rf "$directory"
}
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# Start a fixture and wait until it is ready; its pid is in $started, its output in FILE.
start() {
	file=$1
	shift
	"$python" -B "$@" >"$file" 2>&1 </dev/null &
	started=$!
	tries=100
	until grep -q '^ready ' "$file"; do
		tries=$((tries - 1))
		if [ $tries = 0 ] || ! kill -0 "$started" 2>/dev/null; then
			echo "demo.sh: $1 did not start:" >&2
			cat "$file" >&2
			exit 1
		fi
		sleep 0.1
	done
}

# Only a machine that lets nobody but root attach needs sudo.
as_needed() {
	scope=$(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null || echo 0)
	if [ "$(id -u)" != 0 ] && [ "$scope" != 0 ]; then
		sudo "$@"
	else
		"$@"
	fi
}

start "$directory/server" "$root/fixtures/flask_leak.py" --seconds 3600
server=$started
url=$(sed -n 's/^ready .*url=//p' "$directory/server")
start "$directory/traffic" "$root/fixtures/traffic.py" --url "$url" --seconds 3600
traffic=$started
echo "a leaking Flask server runs as process $server on $url"

if [ -t 0 ] && [ -t 1 ]; then
	as_needed "$filtrace" -p "$server"
else
	echo "recording it for $seconds seconds"
	as_needed "$filtrace" record -p "$server" -d "$seconds" -o "$directory/leak.filtrace"
	as_needed "$filtrace" report "$directory/leak.filtrace" -f text
fi
