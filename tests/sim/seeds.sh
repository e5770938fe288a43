#!/usr/bin/env bash
# Many seeds, 1,000 nodes each, one short story of everything that goes wrong: loss, churn, overtaking, a partition.
# 50 seeds, 1,000 with PONTO_FULL, one on each core; none begins after PONTO_DEADLINE. A failure prints the command that
# replays it.
set -uo pipefail
sim=$PONTO_BUILDDIR/ponto-sim
seeds=50 nodes=1000
[ -n "${PONTO_FULL-}" ] && seeds=1000
[ -n "${PONTO_SLOW_BUILD-}" ] && seeds=3 nodes=100

in_time() { [ -z "${PONTO_DEADLINE-}" ] || [ "$(date +%s)" -lt "$PONTO_DEADLINE" ]; }
one() { # SEED FILE
	in_time || return 0
	local story=(pnrp --nodes $nodes --seed "$1" --settle 60 --idle 0 --resolves 1000 --faults 120 --partition 180)
	local output
	if output=$("$sim" "${story[@]}" --check --quiet 2>&1); then
		echo "ok $1 - seed $1" >"$2"
	else
		{
			echo "not ok $1 - seed $1"
			echo "# replay: ponto-sim ${story[*]} --check"
			sed 's/^/# /' <<<"$output"
		} >"$2"
	fi
}
if [ "${1-}" = one ]; then one "$2" "$3"; exit; fi

work=$(mktemp -d "${TMPDIR:-/tmp}/ponto-seeds-XXXXXX")
trap 'rm -rf "$work"' EXIT
seq "$seeds" | xargs -P "$(nproc)" -I{} bash "$0" one {} "$work/{}"
for seed in $(seq "$seeds"); do
	cat "$work/$seed" 2>/dev/null && continue
	if in_time; then echo "not ok $seed - seed $seed was not run"; continue; fi
	echo "ok $seed - seeds from here on # SKIP no time left"
	break
done
echo "1..$seed"
