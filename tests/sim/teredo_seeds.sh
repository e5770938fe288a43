#!/usr/bin/env bash
# Teredo behind NAT boxes of every kind: many seeds of the whole story. 10 seeds of 1,000 clients; with PONTO_FULL 100, the
# first of 10,000.
set -uo pipefail
seeds=10 nodes=1000 first=1000
[ -n "${PONTO_FULL-}" ] && seeds=100 first=10000
[ -n "${PONTO_SLOW_BUILD-}" ] && seeds=3 nodes=200 first=200
story() {
	story=(teredo --nodes $nodes --seed "$1")
	[ "$1" != 1 ] || story=(teredo --nodes $first --seed 1)
}
. "$(dirname "$0")/seeds.inc.sh"
