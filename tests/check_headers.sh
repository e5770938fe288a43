#!/bin/bash
# Every installed header compiles alone, in C and in C++17, without a warning.
src=${PONTO_SRCDIR:-.}
cases=0

report() { # NAME: the status of the command before
	local status=$?
	cases=$((cases + 1))
	if [ $status -eq 0 ]; then echo "ok $cases - $1"; else echo "not ok $cases - $1"; fi
}

compile() { # COMPILER…: the source from standard input
	"$@" -Wall -Wextra -Wpointer-arith -Werror -fsyntax-only -I"$src" - 2>&1 | sed 's/^/# /'
	return "${PIPESTATUS[0]}"
}

headers=$(awk '/^frameworkinclude_HEADERS/ { on = 1 } on { print } !/\\$/ { on = 0 }' "$src/framework/Makefile.inc" |
	grep -o 'framework/[a-z0-9_]*\.h')
[ "$(wc -w <<<"$headers")" -ge 20 ]
report "the list of installed headers is found"

for header in $headers; do
	printf '#include "%s"\n#include "%s"\n' "$header" "$header" | compile ${CC:-cc} -std=gnu11 -Wshadow -Wstrict-prototypes -x c
	report "$header in C"
	if ! command -v g++ >/dev/null; then
		cases=$((cases + 1))
		echo "ok $cases - $header in C++ # SKIP no g++"
		continue
	fi
	printf '#include "%s"\n#include "%s"\nint main() {}\n' "$header" "$header" | compile g++ -std=gnu++17 -x c++
	report "$header in C++"
done
echo "1..$cases"
