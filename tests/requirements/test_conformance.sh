#!/bin/bash
# What `make conformance` counts, on small tables and logs made here.
tool=${PONTO_SRCDIR:-.}/tests/requirements/conformance.awk
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cases=0

result() { # NAME: the status of the command before
	local status=$?
	cases=$((cases + 1))
	if [ $status -eq 0 ]; then echo "ok $cases - $1"; else echo "not ok $cases - $1"; fi
}

fresh() {
	rm -f "$dir"/*
	printf 'id\tsection\trole\trequirement\tobservable\ttest hint\n' >"$dir/x.tsv"
	for id in 001 002 003 004 005 006; do printf 'X-%s\t2.1\tany\tdemand %s\twire\thint\n' $id $id >>"$dir/x.tsv"; done
	printf '# Decisions\n\nX-006: not in the section\n\n## Requirements decided against\n\nX-005: a reason\n\n## More\n' >"$dir/d.md"
}

count() { # ARGS…: standard output and error to files, the exit status as is
	awk "$@" -f "$tool" "$dir"/*.tsv "$dir/d.md" "$dir"/*.log >"$dir/out" 2>"$dir/err"
}

fresh
printf '1..3\n# proves X-001\n# proves X-002\nok 1 - a\nnot ok 2 - b\n# proves X-003\nok 3 - c\n' >"$dir/a.log"
count && [ "$(cat "$dir/out")" = "X 3/6, argued 1" ]
result "rows of passed cases count"

printf '# proves X-001\nnot ok 1 - elsewhere\n' >"$dir/b.log"
count && [ "$(cat "$dir/out")" = "X 2/6, argued 1" ]
result "a row that also failed does not"

printf '# proves X-004\nok 1 # SKIP not here\n# proves X-004\nok 2 - b # skip\n# proves X-004\n' >"$dir/b.log"
count && [ "$(cat "$dir/out")" = "X 3/6, argued 1" ]
result "neither does a skipped case, nor one that never ended"

printf '# proves X-004\nBail out!\n' >"$dir/b.log"
printf 'ok 1 - first of another log\n' >"$dir/c.log"
count && [ "$(cat "$dir/out")" = "X 3/6, argued 1" ]
result "a mark does not reach into the next log"

count -v verbose=1 && [ "$(sed -n 2,3p "$dir/out")" = "  X-004 [2.1] demand 004
  X-006 [2.1] demand 006" ] && [ "$(wc -l <"$dir/out")" -eq 3 ]
result "verbose lists what is left"

printf '# proves X-001, X-004\nok 1 - one line\n' >"$dir/b.log"
count && [ "$(cat "$dir/out")" = "X 4/6, argued 1" ]
result "several rows on one line"

printf '# proves X-005\nok 1 - proven after all\n' >"$dir/b.log"
count && [ "$(cat "$dir/out")" = "X 4/6" ]
result "a proven row is not argued"

printf '# proves X-007\nok 1 - unknown\n' >"$dir/b.log"
! count && grep -q 'b.log: no such requirement: X-007' "$dir/err"
result "an unknown row is an error"

printf '# proves X-001\n# proves X-002\n# proves X-003\n# proves X-004\n# proves X-005\nok 1 - five\n' >"$dir/b.log"
! count && grep -q 'more than four' "$dir/err"
result "five rows on a case are an error"

rm "$dir/b.log"
printf '## Requirements decided against\nX-009: no such\nX-001:\n' >"$dir/d.md"
! count && grep -q 'no such requirement: X-009' "$dir/err" && grep -q 'X-001 is given up without a reason' "$dir/err"
result "decisions are checked"

fresh
printf 'X-001\t2.1\tany\tagain\twire\thint\nX-010 no tabs\n' >>"$dir/x.tsv"
printf 'ok 1\n' >"$dir/a.log"
! count && grep -q 'X-001 is there twice' "$dir/err" && grep -q 'x.tsv:9: not a row' "$dir/err"
result "tables are checked"

rm -f "$dir"/*
printf 'ok 1\n' >"$dir/a.log"
touch "$dir/d.md"
awk -f "$tool" "${PONTO_SRCDIR:-.}"/tests/requirements/*.tsv "$dir/d.md" "$dir/a.log" >"$dir/out" 2>"$dir/err" &&
	[ "$(grep -c '^[A-Z]* 0/[0-9]*$' "$dir/out")" -eq "$(ls "${PONTO_SRCDIR:-.}"/tests/requirements/*.tsv | wc -l)" ]
result "the project's own tables are sound"

echo "1..$cases"
