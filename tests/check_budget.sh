#!/bin/bash
# What ./check --full --budget does with its time, in a tree of its own where a file is the clock, a test takes as long as it
# is told, and building none; and what runs a test.
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
work=$dir
. "$top/tests/interop/tap.inc.sh"
unset PONTO_DEADLINE PONTO_FULL TESTS T SOAK MAKEFLAGS MAKELEVEL MFLAGS

mkdir -p "$dir/scripts" "$dir/bin" "$dir/tests"
touch "$dir/tests/b.sh"
cp "$top/check" "$dir/check"
cp "$top/scripts/in-time" "$dir/scripts/in-time"
program() { # FILE: a program, from standard input
	{ echo '#!/bin/bash'; cat; } >"$dir/$1"
	chmod 755 "$dir/$1"
}
program scripts/install-packages <<<true
program scripts/build <<'P'
mkdir -p "$1" && cp Makefile "$1/Makefile"
P
program bin/date <<<'cat "$TREE/clock"'
program bin/advance <<'P'
echo $(($(cat "$TREE/clock") + $1)) >"$TREE/clock"
P
program bin/timeout <<'P'
limit=$2 begun=$(date)
shift 2
"$@" || exit
[ $(($(date) - begun)) -lt "$limit" ] || exit "$LATE"
P
program bin/run-tests <<'P'
failed=0 each=$EACH
[ "${PWD##*/}" != "$HANGS" ] || each=5000
for test; do
	base=${test%.sh} result=PASS
	mkdir -p "${base%/*}"
	/bin/sh "$TREE/scripts/in-time" bash -c 'advance "$1"; echo ok 1 - it runs' - "$each" >"$base.log"
	! grep -q SKIP "$base.log" || result=SKIP
	[ "${PWD##*/} $test" != "$FAILS" ] || { result=FAIL failed=1; echo 'not ok 1 - it runs' >"$base.log"; echo "FAIL: $base 1 - it runs" >>"$base.log"; }
	[ "${PWD##*/} $test" != "$DIES" ] || continue
	echo ":test-result: $result" >"$base.trs"
done
[ $failed = 0 ] || { echo '# FAIL: 1'; exit 1; }
P
cat >"$dir/Makefile" <<'P'
TESTS = tests/a tests/b.sh tests/c
TEST_LOGS = $(addsuffix .log,$(basename $(TESTS)))
check: ; @run-tests $(TESTS)
conformance: ; @:
fuzz: ; @advance $(T) && echo fuzz all: $(T) s
soak: ; @advance $(SOAK) && echo '# soak: $(SOAK) s'
P
# run EACH ARGUMENT...: each test takes so many seconds
run() {
	rm -rf "$dir/build"
	echo 1000000 >"$dir/clock"
	local each=$1
	shift
	(cd "$dir" && PATH=$dir/bin:$PATH TREE=$dir EACH=$each FAILS=${FAILS-} DIES=${DIES-} HANGS=${HANGS-} LATE=${LATE-124} ./check "$@") >"$dir/out" 2>&1
	status=$?
}
ends() { is "$1" "$(tail -n 1 "$dir/out"), $status" "$2"; }
says() { if grep -qxF -e "$2" "$dir/out"; then ok "$1"; else not_ok "$1" "$(cat "$dir/out")"; fi; }

run 240 --full
is "without a budget nothing is left out" "$(tail -n 1 "$dir/out" | sed 's/^[0-9]* //'), $status" "passed, 0 failed, 0 skipped, 0"
for tree in plain sanitized tsan static plain plain; do echo "$tree"; done >"$dir/trees"
is "and all tiers run" "$(sed -n 's/^== test \([a-z]*\) .*/\1/p' "$dir/out" | diff - "$dir/trees")" ""
says "the fuzzers, too" "fuzz all: 300 s"
says "and the soak" "# soak: 600 s"
run 240
ends "without --full only the default tier" "3 passed, 0 failed, 0 skipped, 0"

run 240 --full --budget 40
ends "what does not fit counts as skipped" "10 passed, 0 failed, 6 skipped, 0"
for tier in "fuzz (takes 5 min, 0 left)" "soak (takes 6 min, 0 left)" "longer (takes 15 min, 0 left)" "seeds (takes 2 min, 0 left)"; do
	says "a tier that is not run is named: ${tier%% *}" "== not run: $tier"
done
for test in daemon three_nodes; do
	says "and a test that is not: $test" "   no time left for build/static/tests/interop/$test"
done
says "a tree's results are its own" "   build/static: 1 passed, 0 failed, 2 skipped"

run 480 --full --budget 40
ends "a slow machine gets less done, and fails nothing" "5 passed, 0 failed, 7 skipped, 0"
says "its pace is reckoned with" "== not run: tsan (takes 26 min, 0 left)"
run 240 --full --budget 5
ends "the default tier runs whole" "3 passed, 0 failed, 7 skipped, 0"

run 240 --full --budget 54
says "the fuzzers have what is left" "fuzz all: 180 s"
says "a tier for which that is too little is not run" "== not run: soak (takes 6 min, 3 left)"
says "as many seeds as there is time for" "   build/plain: 1 passed, 0 failed, 1 skipped"
ends "all of which counts once" "14 passed, 0 failed, 3 skipped, 0"
run 240 --full --budget 61
says "of the soak, too" "# soak: 180 s"

for late in 124 137; do
	HANGS=tsan LATE=$late run 100 --full --budget 40
	says "what runs on for the budget again hangs ($late)" "   build/tsan: a test hangs"
	ends "and fails ($late)" "7 passed, 1 failed, 7 skipped, 1"
done
FAILS="tsan tests/b.sh" run 240 --full --budget 40
ends "a failure is one" "9 passed, 1 failed, 6 skipped, 1"
says "and told at the end" "failed: build/tsan/tests/b.sh: 1 - it runs"
DIES="sanitized tests/c" run 240 --full --budget 40
ends "so is a test that leaves no result" "9 passed, 1 failed, 6 skipped, 1"
# What runs a test in a tree with a sanitizer.
sanitized() { PONTO_SLOW_BUILD=1 /bin/sh "$top/scripts/in-time" bash -c "$1" >"$dir/out" 2>&1; }
for list in ASAN LSAN TSAN UBSAN; do
	sanitized "echo a fault >\"\${${list}_OPTIONS##*log_path=}.\$\$\""
	is "what a sanitizer says fails the test ($list)" "$?, $(cat "$dir/out")" "1, # a fault"
done
sanitized 'echo "ok 1"; exit 3'
is "one that says nothing changes nothing" "$?, $(cat "$dir/out")" "3, ok 1"
echo "1..$count"
[ $bad = 0 ]
