#!/bin/sh
# SPDX-License-Identifier: MIT
# Install the Debian or Ubuntu packages that are missing, and say which. Names that end in ? are
# optional: they differ from one release to the next, and what this one does not know is left out.
# usage: packages.sh SET..    with the sets build, demo, test, fuzz, matrix, soak, bench, readers, pictures
set -eu

packages_of() {
	case $1 in
	build) echo libelf-dev libncurses-dev libzydis-dev libsqlite3-dev libjansson-dev uthash-dev \
		libprotobuf-c-dev protobuf-c-compiler zlib1g-dev ;;
	demo) echo python3 python3-flask ;;
	test) echo libcmocka-dev python3-pytest python3-pexpect python3-pyte python3-jsonschema \
		python3-greenlet python3-gevent sqlite3 procps util-linux python3-seccomp \
		libjemalloc2? libtcmalloc-minimal4? libtcmalloc-minimal4t64? \
		libmimalloc2.0? libmimalloc3? libjemalloc-dev? musl-tools? g++? ;;
	fuzz) "$(dirname "$0")/has_libfuzzer.sh" "${CLANG:-clang}" || fuzz_packages ;;
	matrix) echo debootstrap debian-archive-keyring libpython3-dev libexpat1-dev zlib1g-dev \
		python3-gunicorn uwsgi-core uwsgi-plugin-python3 ;;
	soak) echo python3-gunicorn wrk? gdb? ;;
	bench) echo python3-pytest python3-numpy? python3-django? python3-venv? wrk? heaptrack? gdb? lldb? ;;
	readers) echo golang-go? chromium? chromium-driver? python3-selenium? libdevel-nytprof-perl? ;;
	pictures) echo fonts-dejavu-core fonts-noto-color-emoji? ;;
	*) echo "packages.sh: unknown set '$1'; there are build, demo, test, fuzz, matrix, soak, bench, readers and pictures" >&2; exit 2 ;;
	esac
}

# The version that the package clang depends on.
clang_version() {
	apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p'
}

# libFuzzer and the sanitizers come in a package of that version; up to Debian 11 it is the common one.
fuzz_packages() {
	version=$(clang_version)
	if [ -z "$version" ]; then
		as_root apt-get update -qq >&2
		version=$(clang_version)
	fi
	runtime=libclang-rt-$version-dev
	apt-cache show "$runtime" >/dev/null 2>&1 || runtime=libclang-common-$version-dev
	echo clang "$runtime"
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

# Does the release have a package of this very name? (Not one that merely provides it.)
is_known() {
	apt-cache show --no-all-versions "$1" 2>/dev/null | grep -q "^Package: $1\$"
}

install() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
}

set -f # the ? of optional names is no pattern
missing=
optional=
for set in "$@"; do
	names=$(packages_of "$set")
	for name in $names; do
		is_installed "${name%\?}" && continue
		case $name in
		*\?) optional="$optional ${name%\?}" ;;
		*) missing="$missing $name" ;;
		esac
	done
done

# shellcheck disable=SC2086  # lists of words
if [ -n "$missing" ]; then
	if ! command -v apt-get >/dev/null; then
		echo "packages.sh: no apt-get here; install what these Debian packages hold:$missing" >&2
		exit 1
	fi
	echo "installing missing packages:$missing"
	as_root apt-get update -qq
	install $missing
fi

for name in $optional; do
	is_known "$name" || continue
	echo "installing optional package: $name"
	(install "$name") || echo "packages.sh: going on without $name"
done
