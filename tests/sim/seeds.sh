#!/usr/bin/env bash
# Many seeds, 1,000 nodes each, one short story of everything that goes wrong: loss, churn, overtaking, datagrams that
# come twice, a partition.
# 50 seeds, 1,000 with PONTO_FULL.
set -uo pipefail
seeds=50 nodes=1000
[ -n "${PONTO_FULL-}" ] && seeds=1000
[ -n "${PONTO_SLOW_BUILD-}" ] && seeds=3 nodes=100
story() {
	story=(pnrp --nodes $nodes --seed "$1" --settle 60 --idle 0 --resolves 1000 --faults 120 --duplicate 2 --partition 180)
}
. "$(dirname "$0")/seeds.inc.sh"
