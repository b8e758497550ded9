#!/bin/sh
# SPDX-License-Identifier: MIT
# Install the Debian or Ubuntu packages that are missing, and say which.
# usage: packages.sh SET..    with the sets build, demo, test
set -eu

packages_of() {
	case $1 in
	build) echo libelf-dev libncurses-dev libzydis-dev libsqlite3-dev libjansson-dev uthash-dev ;;
	demo) echo python3 python3-flask ;;
	test) echo libcmocka-dev python3-pytest python3-pexpect python3-pyte python3-jsonschema \
		sqlite3 procps util-linux python3-seccomp ;;
	*) echo "packages.sh: unknown set '$1'; there are build, demo and test" >&2; exit 2 ;;
	esac
}

is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "packages.sh: root or sudo is needed for: $*" >&2
		exit 1
	fi
}

missing=
for set in "$@"; do
	names=$(packages_of "$set")
	for name in $names; do
		is_installed "$name" || missing="$missing $name"
	done
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "packages.sh: no apt-get here; install what these Debian packages hold:$missing" >&2
	exit 1
fi
echo "installing missing packages:$missing"
as_root apt-get update -qq
# shellcheck disable=SC2086  # a list of words
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
