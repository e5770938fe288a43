#!/usr/bin/env bash
# Resolves of Ponto against gets of OpenDHT, the same workload on this machine, by turns. docs/benchmarks.md
# PONTO_BUILDDIR=DIR [NODES=100 THREADS=0 GETS=4000 ROUNDS=3] bench_pnrp_dht.sh
set -euo pipefail
here=${PONTO_BUILDDIR:?}/bench
nodes=${NODES:-100} threads=${THREADS:-0} gets=${GETS:-4000} rounds=${ROUNDS:-3}

for _ in $(seq "$rounds"); do
	"$here/bench_dht_opendht" "$nodes" "$threads" "$gets"
	"$here/bench_dht_ponto" "$nodes" "$threads" "$gets"
done | awk -v nodes="$nodes" '
	# Medians over the rounds; a ratio is ours by the peer'"'"'s of the same round.
	function median(list, n,    i, j, v, x) {
		split(list, v, " ")
		for (i = 1; i <= n; i++)
			for (j = i + 1; j <= n; j++)
				if (v[j] + 0 < v[i] + 0) { x = v[i]; v[i] = v[j]; v[j] = x }
		return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
	}
	function note(key, value) {
		if (field["side"] == "opendht") {
			peer[key] = value
			peers[key] = peers[key] " " value
		} else {
			ours[key] = ours[key] " " value
			ratios[key] = ratios[key] " " value / peer[key]
			count[key]++
			if (!(key in seen)) { seen[key] = 1; order[++keys] = key }
		}
	}
	function text(value) { return sprintf(value < 100 ? "%.1f" : "%.0f", value) }
	function show(key, better, unit) {
		printf "bench pnrp-vs-opendht-%s ratio=%.2f ours=%s%s peer=%s%s better=%s\n", key,
			median(ratios[key], count[key]), text(median(ours[key], count[key])), unit,
			text(median(peers[key], count[key])), unit, better
	}
	{
		for (i = 2; i <= NF; i++) { split($i, pair, "="); field[pair[1]] = pair[2] }
	}
	$1 == "memory" { note("memory", field["kib"]) }
	$1 == "phase" {
		at = "-at-" field["in-flight"]
		note("rate" at, field["rate"])
		note("rate-per-core" at, 1e6 / field["cpu"])
		note("p50" at, field["p50"])
		note("p90" at, field["p90"])
		note("p99" at, field["p99"])
		note("bytes" at, field["bytes"])
		note("packets" at, field["packets"])
		failed[field["side"]] += field["failed"]
		asked[field["side"]] += field["failed"] + field["found"]
	}
	END {
		for (i = 1; i <= keys; i++) {
			key = order[i]
			if (key ~ /^rate/) show(key, "more", "/s")
			else if (key ~ /^p[0-9]/) show(key, "less", "us")
			else if (key ~ /^bytes/) show(key, "less", "B")
			else if (key ~ /^memory/) show(key, "less", "KiB/node")
			else show(key, "less", "")
		}
		printf "bench pnrp-vs-opendht-found ours=%.3f%% peer=%.3f%% nodes=%d\n",
			100 - 100 * failed["ponto"] / asked["ponto"], 100 - 100 * failed["opendht"] / asked["opendht"], nodes
	}'
