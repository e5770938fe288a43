#!/usr/bin/env bash
# Teredo behind NAT boxes of every kind: many seeds of the whole story. 10 seeds of 1,000 clients; with PONTO_FULL 100, and
# one of 10,000. A failure prints the command that replays it.
set -uo pipefail
sim=$PONTO_BUILDDIR/ponto-sim
seeds=10 nodes=1000 last=1000
[ -n "${PONTO_FULL-}" ] && seeds=100 last=10000
[ -n "${PONTO_SLOW_BUILD-}" ] && seeds=3 nodes=200 last=200

one() { # SEED FILE
	local story=(teredo --nodes $nodes --seed "$1")
	local output
	[ "$1" = $seeds ] && story=(teredo --nodes $last --seed "$1")
	if output=$("$sim" "${story[@]}" --check --quiet 2>&1); then
		echo "ok $1 - seed $1, ${story[2]} clients" >"$2"
	else
		{
			echo "not ok $1 - seed $1, ${story[2]} clients"
			echo "# replay: ponto-sim ${story[*]} --check"
			sed 's/^/# /' <<<"$output"
		} >"$2"
	fi
}
if [ "${1-}" = one ]; then one "$2" "$3"; exit; fi

work=$(mktemp -d "${TMPDIR:-/tmp}/ponto-teredo-seeds-XXXXXX")
trap 'rm -rf "$work"' EXIT
seq "$seeds" | xargs -P "$(nproc)" -I{} bash "$0" one {} "$work/{}"
echo "1..$seeds"
for seed in $(seq "$seeds"); do cat "$work/$seed" 2>/dev/null || echo "not ok $seed - seed $seed was not run"; done
