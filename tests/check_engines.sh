#!/bin/bash
# Engines are pure: no object under engines/ names a symbol outside the list below, none has writable data. Looks at
# the objects of a plain build; a sanitizer or profiler adds symbols of its own, then the objects are skipped.
build=${PONTO_BUILDDIR:-.}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cases=0

# Beside these, engines may use each other.
allowed='
	ponto_(read|write|patch|peek)_[a-z0-9]+
	ponto_(reader|writer)(_[a-z]+)?
	ponto_sha(1|256|384|512)
	ponto_siphash
	ponto_bytes_[a-z_]+
	ponto_addr_[a-z_]+
	ponto_scope_name
	ponto_(new|resize|free|strdup|strndup)
	ponto_random_(u64|below)
	ponto_(hex|unhex|wipe|strerror)
	ponto_xml_[a-z_]+
	(__)?(mem(cpy|set|move|cmp|chr)|str(len|nlen|cmp|ncmp|chr|rchr|spn|cspn))(_chk)?
	__stack_chk_fail
	__assert_fail
	_GLOBAL_OFFSET_TABLE_
'
pattern="^($(echo "$allowed" | grep . | tr -d '\t' | paste -sd '|'))\$"

report() { # NAME: the status of the command before
	local status=$?
	cases=$((cases + 1))
	if [ $status -eq 0 ]; then echo "ok $cases - $1"; else echo "not ok $cases - $1"; fi
}

# Prints every foreign symbol of the objects, "FILE: SYMBOL".
foreign() {
	local object symbol
	nm -g --defined-only "$@" | awk 'NF == 3 { print $3 }' | sort -u >"$dir/own"
	for object; do
		nm -u "$object" | awk '{ print $2 }' | grep -vxFf "$dir/own" | grep -vE "$pattern" | sed "s|^|$object: |"
	done
}

# Prints every object in a section that can be written to after loading.
writable() {
	local object
	for object; do
		nm --format=sysv --defined-only "$object" | awk -F'|' -v object="$object" '
			{ gsub(/ /, "", $1); gsub(/ /, "", $4); gsub(/ /, "", $7) }
			$4 == "SECTION" { next }
			$7 ~ /^\.data\.rel\.ro/ { next }
			$7 ~ /^\.(data|bss|tdata|tbss|ldata|lbss|sdata|sbss)/ || $7 ~ /COM/ { print object ": " $1 " in " $7 }'
	done
}

instrumented() {
	nm "$@" 2>/dev/null | grep -qE '__(asan|ubsan|tsan|msan|sanitizer|gcov|llvm_profile)'
}

# ---- the check finds what it is there to find ------------------------------------------------
compile() { # NAME: C from standard input, to an object
	${CC:-cc} -O2 -fPIC -x c -c -o "$dir/$1.o" - 2>"$dir/$1.err"
}

compile clean <<'C'
#include <string.h>
extern void *ponto_new(const void *alloc, unsigned long count, unsigned long size);
static const char *const names[] = {"a", "b"};
const char *clean_name(int i);
const char *clean_name(int i) { return strchr(ponto_new(names[i], 1, 1), 'x') ? names[i] : 0; }
C
compile uses_clean <<'C'
extern const char *clean_name(int i);
const char *uses(void);
const char *uses(void) { return clean_name(1); }
C
compile clock <<'C'
#include <time.h>
long now(void);
long now(void) { return time(0); }
C
compile memory <<'C'
#include <stdlib.h>
extern const int ponto_alloc_system;
void *get(void);
void *get(void) { return malloc(ponto_alloc_system); }
C
compile state <<'C'
int counted(void);
int counted(void) { static int n; static __thread int m = 3; return ++n + ++m; }
C

[ -z "$(foreign "$dir/clean.o" "$dir/uses_clean.o")$(writable "$dir/clean.o" "$dir/uses_clean.o")" ]
report "a clean object is left alone"
foreign "$dir/clock.o" | grep -q ': time$'
report "a clock is found"
[ "$(foreign "$dir/memory.o" | grep -cE ': (malloc|ponto_alloc_system)$')" -eq 2 ]
report "an allocator is found"
[ "$(writable "$dir/state.o" | wc -l)" -eq 2 ]
report "writable data is found"

# ---- what has no effect is there all the same --------------------------------------------------
# Compilers have left prefetching out, function by function: then a small one is left that does nothing.
object=$(find "$build/engines/pnrp" -name '*pnrp_engine.o' | head -n 1)
size=$(nm -S "$object" 2>/dev/null | awk '$4 == "pnrp_engine_ahead" { print $2 }')
[ $((16#${size:-0})) -gt 100 ]
report "an engine's memory is fetched ahead"

# ---- the engines --------------------------------------------------------------------------------
mapfile -t objects < <(find "$build/engines" -name '*.o' | sort)
if [ ${#objects[@]} -eq 0 ]; then
	false
	report "there are objects of engines in $build"
elif instrumented "${objects[@]}"; then
	for name in "engines use nothing but what they are given" "engines have no writable data"; do
		cases=$((cases + 1))
		echo "ok $cases - $name # SKIP instrumented build"
	done
else
	found=$(foreign "${objects[@]}")
	[ -z "$found" ] || sed 's/^/# /' <<<"$found"
	[ -z "$found" ]
	report "engines use nothing but what they are given"
	found=$(writable "${objects[@]}")
	[ -z "$found" ] || sed 's/^/# /' <<<"$found"
	[ -z "$found" ]
	report "engines have no writable data"
fi
echo "1..$cases"
