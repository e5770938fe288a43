#!/usr/bin/env bash
# Many seeds, 1,000 nodes each, one short story of everything that goes wrong: loss, churn, overtaking, a partition.
# 50 seeds, 1,000 with PONTO_FULL. A failure prints the command that replays it.
set -uo pipefail
sim=$PONTO_BUILDDIR/ponto-sim
seeds=50 nodes=1000
[ -n "${PONTO_FULL-}" ] && seeds=1000
[ -n "${PONTO_SLOW_BUILD-}" ] && seeds=3 nodes=100
echo "1..$seeds"
for seed in $(seq "$seeds"); do
	story=(pnrp --nodes $nodes --seed "$seed" --settle 60 --idle 0 --resolves 1000 --faults 120 --partition 180)
	if output=$("$sim" "${story[@]}" --check --quiet 2>&1); then
		echo "ok $seed - seed $seed"
	else
		echo "not ok $seed - seed $seed"
		echo "# replay: ponto-sim ${story[*]} --check"
		sed 's/^/# /' <<<"$output"
	fi
done
