#!/bin/sh
# SPDX-License-Identifier: MIT
# What no compiler sees: SPDX lines, the one direction of includes, long lines, Python syntax.
set -eu
cd "$(dirname "$0")/.."

failed=0
complain() {
	echo "lint: $*" >&2
	failed=1
}

# FOLDER may include from the folders named after it.
check_includes() {
	folder=$1
	allowed="$*"
	for file in "$folder"/*.[chS]; do
		[ -e "$file" ] || continue
		included=$(sed -n 's/^#include "\([a-z]*\)\/.*/\1/p' "$file" | sort -u)
		for other in $included; do
			case " $allowed " in
			*" $other "*) ;;
			*) complain "$file includes from $other/" ;;
			esac
		done
	done
}

check_includes base
check_includes tracer base
check_includes pyframes base
check_includes profile base
check_includes report profile base
check_includes tui profile base
check_includes cli tui report profile pyframes tracer base

# Lines of C are clang-format's business.
for file in $(find base tracer pyframes profile report tui cli fixtures scripts tests \
	-name '*.[chS]' -o -name '*.py' -o -name '*.sh'); do
	head -n 2 "$file" | grep -q 'SPDX-License-Identifier: MIT' || complain "$file: no SPDX line"
done
for file in $(find fixtures scripts tests -name '*.py'); do
	/usr/bin/python3 -B -c '
import ast, sys
text = open(sys.argv[1], encoding="utf-8").read()
ast.parse(text)
sys.exit(any(len(line) > 100 for line in text.splitlines()))' "$file" ||
		complain "$file: no Python, or lines of more than 100 columns"
done
exit $failed
