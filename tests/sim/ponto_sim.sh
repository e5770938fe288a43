#!/usr/bin/env bash
# ponto-sim as its users call it: the story of a small cloud, its figures, its replay.
set -uo pipefail
sim=$PONTO_BUILDDIR/ponto-sim
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
number=0
ok() { number=$((number + 1)); if [ "$1" = 0 ]; then echo "ok $number - $2"; else echo "not ok $number - $2"; fi; }
echo 1..19

story=(pnrp --nodes 150 --seed 3 --faults 120 --partition 120 --resolves 300)
"$sim" "${story[@]}" --check --svg "$dir/svg" >"$dir/first" 2>"$dir/error"
ok $? "a small cloud reaches every mark" || cat "$dir/error"
grep -v 'wall s\|^[a-z ]* *[0-9]* *[0-9.]* *[0-9.]* *[0-9]* ' "$dir/first" | sed 's/^/# /'
[ "$(ls "$dir/svg")" = "$(printf '%s\n' cache.svg hops.svg latency.svg messages.svg repair.svg)" ]
ok $? "five figures are drawn"
"$sim" "${story[@]}" --json >"$dir/second"
ok $? "the same as JSON"
[ "$(sed -n 's/^trace //p' "$dir/first")" = "$(sed -n 's/.*"trace": "\(.*\)".*/\1/p' "$dir/second")" ]
ok $? "the same seed gives the same trace"
"$sim" "${story[@]}" --duplicate 30 --check >"$dir/third" 2>"$dir/error" &&
	[ "$(sed -n 's/^trace //p' "$dir/first")" != "$(sed -n 's/^trace //p' "$dir/third")" ]
ok $? "datagrams that come twice do no harm" || cat "$dir/error"
"$sim" pnrp --nodes 150 --seed 4 --idle 0 --faults 0 --partition 0 >"$dir/third"
[ "$(sed -n 's/^trace //p' "$dir/first")" != "$(sed -n 's/^trace //p' "$dir/third")" ]
ok $? "another seed gives another one"
"$sim" pnrp --nodes 0 2>"$dir/error"
[ $? = 2 ] && grep -q nodes "$dir/error"
ok $? "a number out of range is refused with its option's name"
"$sim" pnrp --nonsense 2>"$dir/error"
[ $? = 2 ]
ok $? "an unknown option is refused"

for kind in amplify eclipse flood poison; do
	"$sim" pnrp --nodes 60 --seed 6 --settle 20 --resolves 30 --attackers 10 --attack $kind >"$dir/third" 2>&1
	told=$?
	sed 's/^/# /' "$dir/third"
	[ $told = 0 ] && [ "$(wc -l <"$dir/third")" -gt 3 ] && ! grep -q ' [1-9][0-9]* false$' "$dir/third"
	ok $? "attackers of the kind $kind have nobody told something false"
done
refused=0
for option in --check --json "--svg $dir/none"; do
	# shellcheck disable=SC2086
	"$sim" pnrp --nodes 20 --attack flood $option >"$dir/third" 2>"$dir/error"
	[ $? = 2 ] && grep -q attack "$dir/error" && [ ! -s "$dir/third" ] || { echo "# $option"; refused=1; }
done
ok $refused "what an attack cannot do is refused, not left out"
# Nine tenths lost: few are found in two seconds.
"$sim" pnrp --nodes 50 --seed 5 --settle 10 --idle 0 --faults 20 --loss 90 --timeout 2 --partition 0 --check >/dev/null 2>"$dir/error"
[ $? = 1 ] && grep -q 'loss and churn: found ' "$dir/error" &&
	grep -q 'replay: ponto-sim pnrp --nodes 50 --seed 5 .*--loss 90 .*--check' "$dir/error"
ok $? "a miss is told with the command that replays it" || cat "$dir/error"

story=(teredo --nodes 300 --seed 3)
"$sim" "${story[@]}" --check --svg "$dir/teredo" >"$dir/first" 2>"$dir/error"
ok $? "a small Teredo reaches every mark" || cat "$dir/error"
[ "$(ls "$dir/teredo")" = "$(printf '%s\n' first.svg requalified.svg traffic.svg)" ]
ok $? "its three figures are drawn"
"$sim" "${story[@]}" --json >"$dir/second"
ok $? "the same as JSON"
[ "$(sed -n 's/^trace //p' "$dir/first")" = "$(sed -n 's/.*"trace": "\(.*\)".*/\1/p' "$dir/second")" ]
ok $? "the same seed gives the same trace"
# Most of nine tenths lost is not reached in a minute.
"$sim" teredo --nodes 50 --seed 5 --faults 60 --loss 90 --churn 0 --outage 0 --hostile 0 --check >/dev/null 2>"$dir/error"
[ $? = 1 ] && grep -q 'replay: ponto-sim teredo --nodes 50 --seed 5 --faults 60 --loss 90 --churn 0 --outage 0 --hostile 0' "$dir/error"
ok $? "a miss is told with the command that replays it"
