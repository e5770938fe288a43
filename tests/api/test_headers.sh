#!/bin/bash
# The Windows headers: each compiles alone and twice, in every mode and spelling; what they declare agrees with api.tsv.
src=${PONTO_SRCDIR:-.}
build=${PONTO_BUILDDIR:-.}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cases=0
CC=${CC:-cc}
warnings="-Wall -Wextra -Werror -I$src/api/include"
export PKG_CONFIG_PATH=$build/api

report() { # NAME: the status of the command before
	local status=$?
	cases=$((cases + 1))
	if [ $status -eq 0 ]; then echo "ok $cases - $1"; else echo "not ok $cases - $1"; fi
}

compile() { # COMPILER…: the source from standard input
	"$@" $warnings -fsyntax-only - 2>&1 | sed 's/^/# /'
	return "${PIPESTATUS[0]}"
}

headers=$(cd "$src/api/include" && ls *.h | grep -v hide)
installed=$(grep -o 'api/include/[A-Za-z0-9]*\.h' "$src/api/include/headers.inc" | sort)
[ "$installed" = "$(cd "$src" && ls api/include/*.h | sort)" ]
report "every header is installed"

# A spelling is a file of one line, so that one source with all of them is enough.
for header in $headers; do
	case $header in [A-Z]*) continue ;; esac
	{
		printf '#include <%s>\n#include <%s>\n' "$header" "$header" | compile $CC -std=gnu11 -fshort-wchar -x c &&
			printf '#include <%s>\n#include <%s>\n' "$header" "$header" | compile $CC -std=gnu11 -DPONTO_CHAR16 -x c
	}
	report "$header alone in C, both modes"
done
spellings=$(for header in $headers; do case $header in [A-Z]*) echo "#include <$header>" ;; esac done)
[ "$(wc -l <<<"$spellings")" -ge 40 ] && compile $CC -std=gnu11 -fshort-wchar -DUNICODE -D_UNICODE -x c <<<"$spellings"
report "the spellings of the SDK in C"

if command -v g++ >/dev/null; then
	for header in $headers; do
		case $header in [A-Z]*) continue ;; esac
		printf '#include <%s>\n#include <%s>\n' "$header" "$header" | compile g++ -std=gnu++17 -DPONTO_NO_OLD_SAL -x c++
		report "$header alone in C++17"
	done
	for mode in "" -fshort-wchar; do
		{ echo "$spellings"; printf '#include <%s>\n' string vector iostream cwchar cstdio cstdlib map functional; } |
			compile g++ -std=gnu++17 $mode -DUNICODE -x c++
		report "the spellings and the library of C++ together${mode:+, $mode}"
	done
else
	cases=$((cases + 1))
	echo "ok $cases - C++ # SKIP no g++"
fi

echo '#include <windows.h>' | $CC -std=gnu11 -I"$src/api/include" -fsyntax-only -x c - 2>&1 | grep -q -- -fshort-wchar
report "C without either mode is told what to do"

printf '#include <wchar.h>\nint main(void) { return fwide(0, 0); }\n' |
	$CC -fshort-wchar -I"$src/api/include" -x c -c -o "$dir/absent.o" - 2>&1 | grep -q 'not offered'
report "what the host alone offers is an error of compilation"

# ---- what the library exports ----

library=$build/.libs/libponto.so
if [ -e "$library" ]; then
	exported=$(nm -D --defined-only "$library" | awk '$2 ~ /[TV]/ { print $3 }')
	# A C library's name is declared as itself and exported behind ponto_.
	known() { grep -ohE '\b[A-Za-z_][A-Za-z0-9_]*\b' "$@" | sort -u; }
	missing() { awk 'FNR == NR { known[$0]; next } { name = $0; sub(/^ponto_/, "", name) } !($0 in known) && !(name in known)' \
		<(known "$@") - <<<"$exported"; }
	out=$(missing "$src"/api/include/*.h) && [ "$(wc -l <<<"$exported")" -ge 250 ] && [ -z "$out" ]
	report "the library exports what the headers declare${out:+, and also: $out}"
	exported=$(nm -D --defined-only "$library" | awk '$2 == "T" { print $3 }')
	out=$(missing "$src"/tests/unit/test_win32*.c "$src"/tests/api/*.c) && [ -z "$out" ]
	report "every function is named in a test${out:+, but: $out}"
else
	cases=$((cases + 1))
	echo "ok $cases - what is exported # SKIP no shared library"
fi

# ---- api.tsv ----

awk -f "$src/tests/api/check_values.awk" "$src/tests/api/api.tsv" >"$dir/values.c"
[ "$(sed -n 's|/\* rows: \([0-9]*\) \*/|\1|p' "$dir/values.c")" -ge 200 ]
report "the rows of api.tsv are read"
flags=$(pkg-config --cflags --libs ponto-win32)
$CC -std=gnu11 -Wall -Wextra "$dir/values.c" -o "$dir/values" $flags 2>&1 | sed 's/^/# /' && "$dir/values"
report "prototypes, types, sizes, offsets, values, texts and identifiers are those of api.tsv"
compile $CC -std=gnu11 -DPONTO_CHAR16 -x c <"$dir/values.c"
report "and in char16_t mode"
sed 's/^SAME(PEER_E_NO_MORE, .*/SAME(PEER_E_NO_MORE, 1);/' "$dir/values.c" >"$dir/wrong.c"
! $CC -std=gnu11 $warnings -fshort-wchar -fsyntax-only "$dir/wrong.c" 2>/dev/null
report "a wrong value is found"
sed 's/^struct ref_PEER_DATA { *ULONG/struct ref_PEER_DATA { int x, y, z; ULONG/' "$dir/values.c" >"$dir/wrong.c"
! $CC -std=gnu11 $warnings -fshort-wchar -fsyntax-only "$dir/wrong.c" 2>/dev/null
report "a wrong offset is found"
echo "1..$cases"
