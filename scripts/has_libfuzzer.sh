#!/bin/sh
# SPDX-License-Identifier: MIT
# Tell by the exit status whether this clang can build fuzzers: its runtime is a package of its own.
# usage: has_libfuzzer.sh CLANG
set -eu

program=$(mktemp)
trap 'rm -f "$program"' EXIT
echo 'int LLVMFuzzerTestOneInput(const char *d, long n) { return d[0] * n * 0; }' |
	"$1" -x c -fsanitize=fuzzer,address,undefined -o "$program" - >/dev/null 2>&1
