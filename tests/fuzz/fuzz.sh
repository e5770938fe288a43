#!/bin/bash
# make fuzz: builds the fuzz targets with libFuzzer and the sanitizers, apart from the tree it was called in, and
# runs them for a while. tests/fuzz/README.md says what it leaves where.
set -euo pipefail

configure() { # SRCDIR BUILD
	if [ -e "$1/config.status" ]; then
		echo "make fuzz: $1 is configured in place; run 'make distclean' there and build in a folder of its own" >&2
		exit 1
	fi
	if [ ! -e "$2/config.status" ] || [ "$1/configure" -nt "$2/config.status" ]; then
		mkdir -p "$2"
		(cd "$2" && "$1/configure" CC="${FUZZ_CC:-clang}" CFLAGS='-g -O1' --enable-fuzzers --enable-sanitizers \
			--enable-static --disable-shared --disable-maintainer-mode >configure.out 2>&1) || {
			tail -n 20 "$2/configure.out" >&2
			exit 1
		}
	fi
}

# Runs one target for a number of seconds; what it found new stays in BUILD/corpus, its crashes in BUILD/crashes.
run_one() { # SRCDIR BUILD SECONDS TARGET
	local name=${4##*/fuzz_} log status=0 dict=()
	log=$2/$name.log
	mkdir -p "$2/corpus/$name" "$2/crashes"
	[ -d "$1/tests/fuzz/corpus/$name" ] && cp -rT "$1/tests/fuzz/corpus/$name" "$2/corpus/$name"
	[ -e "$1/tests/fuzz/$name.dict" ] && dict=("-dict=$1/tests/fuzz/$name.dict")
	(cd "$2" && exec "./$4" -max_total_time="$3" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		"-artifact_prefix=$2/crashes/$name-" "${dict[@]}" "corpus/$name") >"$log" 2>&1 || status=$?
	if [ $status -ne 0 ]; then
		echo "fuzz $name: FOUND $(grep -o "$2/crashes/[^ ]*" "$log" | tail -n 1) (status $status), see $log"
		return 1
	fi
	awk -v name="$name" -v seconds="$3" '
		/ cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") cov = $(i + 1) }
		/^stat::number_of_executed_units/ { runs = $2 }
		/^stat::new_units_added/ { added = $2 }
		END { printf "fuzz %s: %d s, %d runs, coverage %d, %d new inputs, nothing found\n", name, seconds, runs, cov, added }
	' "$log"
}

run_all() { # SRCDIR BUILDDIR T J TARGET…
	local src=$1 build=$2/fuzz seconds=$3 jobs=${4:-$(nproc)}
	shift 4
	configure "$src" "$build"
	make -C "$build" -s -j"$(nproc)" fuzz-build ONLY="$*"
	[ "$jobs" -gt $# ] && jobs=$#
	seconds=$((seconds * jobs / $#))
	[ $seconds -gt 0 ] || seconds=1
	echo "fuzzing $# targets, $jobs at a time, $seconds s each"
	printf '%s\n' "$@" | xargs -P "$jobs" -I{} bash "$0" one "$src" "$build" "$seconds" {}
}

mode=$1
shift
case $mode in
all) run_all "$@" ;;
one) run_one "$@" ;;
esac
