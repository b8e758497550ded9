#!/bin/sh
# SPDX-License-Identifier: MIT
# Get programs that read what filtrace writes and that Debian does not have; what cannot be had is
# told and left out.
# usage: readers.sh DIRECTORY
set -eu

directory=$1
if [ -e "$directory/node_modules/speedscope" ]; then
	exit 0
fi
if ! command -v npm >/dev/null; then
	echo "readers.sh: no npm: going on without speedscope"
	exit 0
fi
mkdir -p "$directory"
npm install --no-audit --no-fund --ignore-scripts --prefix "$directory" speedscope ||
	echo "readers.sh: going on without speedscope"
