#!/usr/bin/env bash
# A content to many at once behind one thin line: Ponto against aria2 (BitTorrent), and what a changed file costs who
# has the old one. Needs aria2, python3, curl, iproute2 and root or user namespaces. docs/benchmarks.md
# PONTO_BUILDDIR=DIR [MIB=1024 MBIT=100 NODES=10 SIDES="2.0 1.0 aria2"] bench_dist_swarm.sh
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
mib=${MIB:-1024} mbit=${MBIT:-100} nodes=${NODES:-10} sides=${SIDES:-2.0 1.0 aria2}
limit=1.1 # of what the origin sends, by the content
for program in aria2c python3 curl ip tc; do
	command -v $program >/dev/null || { echo "bench dist-swarm skipped: $program is not installed"; exit 0; }
done
. "$top/tests/interop/namespace.inc.sh"
. "$top/tests/interop/clouds.inc.sh"
fail() { echo "bench dist-swarm: $*" >&2; tail -n 5 "$work"/*.log >&2; exit 1; }

# ---- the origin A, and N1, N2 and so on; B and C of links.inc.sh stay unplugged ------------------------------
names=$(seq -f N%.0f "$nodes")
address() { echo "192.0.2.$((${1#N} + 10))"; }
plug A eth0 br0 2001:db8::1
ip -n A addr add 192.0.2.1/24 dev eth0
ip addr add 192.0.2.2/24 dev br0 # the tracker's, on nobody's line
for n in $names; do
	ip netns add "$n" && ip -n "$n" link set lo up || fail "no namespace"
	plug "$n" eth0 br0 "2001:db8::$((${n#N} + 10))"
	ip -n "$n" addr add "$(address "$n")/24" dev eth0
done
# Packets as on a wire: what is counted has all its headers.
ip -n A link set eth0 gso_max_segs 1
ip netns exec A tc qdisc add dev eth0 root tbf rate "${mbit}mbit" burst 64kb latency 50ms || fail "no tc tbf here"

# ---- the contents: one, the same with a hundredth of it overwritten in twenty places, and with a line before it --
mkdir "$work/www" "$work/got" "$work/done"
python3 - "$work/www" "$mib" <<'PY' || fail "no content"
import random, sys
r, folder, size = random.Random(11), sys.argv[1], int(sys.argv[2]) << 20
with open(folder + "/content", "wb") as plain, open(folder + "/inserted", "wb") as inserted, \
        open(folder + "/edited", "wb") as edited:
    inserted.write(r.randbytes(777))
    for _ in range(size >> 20):
        data = r.randbytes(1 << 20)
        for file in plain, inserted, edited:
            file.write(data)
    for i in range(20):
        edited.seek(size // 20 * i + r.randrange(size // 25))
        edited.write(r.randbytes(size // 2000))
PY
[ ${#plain_user[@]} = 0 ] || chown 65534:65534 "$work/got" "$work/done"
sum=$(sha256sum <"$work/www/content")
size=$((mib << 20))
url=http://192.0.2.1:8000

# ---- what is measured ------------------------------------------------------------------------------------------
sent() { ip netns exec A cat /sys/class/net/eth0/statistics/tx_bytes; }
# Seconds of the processor: of daemons, and of children that were waited for.
cpu_of() { cat $(printf '/proc/%s/stat ' "$@") | awk -v hz="$(getconf CLK_TCK)" '{ t += $14 + $15 } END { print t / hz }'; }
cpu_children() {
	times >"$work/times"
	tail -n 1 "$work/times" | tr ms '  ' | awk '{ print $1 * 60 + $2 + $3 * 60 + $4 }'
}
calc() { awk "BEGIN { printf \"$1\", $2 }"; }
all_done() { [ "$(ls "$work/done" | wc -l)" = "$nodes" ]; }
last_done() { stat -c %.9Y "$work/done/"* | sort -n | tail -n 1; }
verify() {
	for n in $names; do [ "$(sha256sum <"$work/got/$n")" = "$sum" ] || fail "$n has other bytes"; done
	rm -rf "$work/got/"* "$work/done/"*
}
# line SIDE SECONDS BYTES CPU
line() {
	printf 'bench dist-swarm side=%s seconds=%.1f line-would-take=%.1f origin=%.3f cpu=%.1f nodes=%d mib=%d mbit=%d\n' \
		"$1" "$2" "$(calc %.1f "$size * 8 / 1e6 / $mbit")" "$(calc %.4f "$3 / $size")" "$4" "$nodes" "$mib" "$mbit"
}

# ---- Ponto -------------------------------------------------------------------------------------------------------
node() { # NAME SERVICE
	configure "$1" "transports = { udp4 = { plugin = \"transport-udp4\"; }; udp6 = { plugin = \"transport-udp6\"; }; };
http = { web = { plugin = \"http-mhd\"; }; };
discovery = { near = { plugin = \"discovery-wsd\"; }; };
services = { dist = { plugin = \"service-dist\"; $2 }; };"
	start "$1"
}
pids_of() { for n; do ponto "$n" --json node status | sed -n 's/.*"pid": \([0-9]*\).*/\1/p'; done; }
described() {
	ip netns exec A curl -s -o /dev/null -D "$work/head" -H 'Accept-Encoding: peerdist' -H 'X-P2P-PeerDist: Version=1.1' \
		-H 'X-P2P-PeerDistEx: MinContentInformation=1.0, MaxContentInformation=2.0' "$url/$1" &&
		grep -qi '^content-encoding: *peerdist' "$work/head"
}
fetch() { # NODE FILE OUTPUT
	ponto "$1" --json content fetch "$url/$2" -o "$work/got/$3" >"$work/$1.report" 2>>"$work/$1.log" && : >"$work/done/$1"
}
reported() { cat "$work"/N*.report | sed -n "s/.*\"$1\": \([0-9]*\).*/\1/p" | awk '{ s += $1 } END { print s + 0 }'; }

# A second fetch of something that has changed: N1 has the old one, and nobody else is there.
changed() { # FILE
	local before after
	before=$(sent)
	fetch N1 "$1" changed || fail "$1 is not fetched"
	after=$(sent)
	cmp -s "$work/www/$1" "$work/got/changed" || fail "$1 has other bytes"
	printf 'bench dist-swarm-%s moved=%.4f of the file, of which %.4f as blocks\n' "$1" \
		"$(calc %.5f "($after - $before) / $size")" \
		"$(calc %.5f "$(sed -n 's/.*"origin": \([0-9]*\).*/\1/p' "$work/N1.report") / $size")"
	rm -rf "$work/got/"* "$work/done/"*
}

swarm_ponto() { # VERSION
	local before begin cpu pids fetches=() pid
	node A "listen = [\"192.0.2.1:8000\"]; publish = [\"$work/www\"]; retrieval = \"\"; discovery = []; information = \"$1\";"
	for n in $names; do node "$n" 'retrieval = "[::]:8080";'; done
	for file in content edited inserted; do until_true 6000 described $file || fail "$file is not described"; done
	pids=$(pids_of A $names)
	cpu=$(cpu_of $pids)
	cpu=$(calc %.3f "$(cpu_children) * -1 - $cpu")
	before=$(sent)
	begin=$(date +%s.%N)
	for n in $names; do
		fetch "$n" content "$n" &
		fetches+=($!)
	done
	for pid in "${fetches[@]}"; do wait "$pid" || fail "a fetch fails"; done
	bytes[$1]=$(($(sent) - before))
	seconds[$1]=$(calc %.3f "$(last_done) - $begin")
	cpus[$1]=$(calc %.3f "$cpu + $(cpu_of $pids)")
	cpus[$1]=$(calc %.3f "${cpus[$1]} + $(cpu_children)")
	line "ponto-$1" "${seconds[$1]}" "${bytes[$1]}" "${cpus[$1]}"
	echo "# blocks of the origin $(calc %.3f "$(reported origin) / $size"), of neighbours $(calc %.3f "$(reported peers) / $size")"
	verify
	for n in ${names#N1}; do stop "$n"; done
	if [ "$1" = 2.0 ]; then for file in edited inserted; do changed $file; done; fi
	stop N1
	stop A
	for n in A $names; do rm -rf "${work:?}/$n"; done
}

# ---- aria2 ---------------------------------------------------------------------------------------------------------
exec_in() { local at=$1; shift; exec ip netns exec "$at" "${plain_user[@]}" "$@"; } # $! is the program itself
aria() { # NODE FOLDER OPTION...
	local at=$1 folder=$2
	shift 2
	mkdir -p "$folder" && chmod 777 "$folder"
	exec_in "$at" aria2c --no-conf --quiet --disable-ipv6 --enable-dht=false --enable-dht6=false --bt-enable-lpd=false --listen-port=6881 \
		--file-allocation=none --seed-ratio=0.0 --dir "$folder" "$@" "$work/content.torrent" >>"$work/$at.log" 2>&1 &
}
swarm_aria2() {
	local before begin cpu pids=() pid
	python3 "$top/bench/swarm_torrent.py" make "$work/www/content" http://192.0.2.2:6969/announce "$work/content.torrent" ||
		fail "no torrent"
	python3 "$top/bench/swarm_torrent.py" track 192.0.2.2 6969 "$work/peers" 2>"$work/tracker.log" &
	local tracker=$!
	until_true 100 curl -s "http://192.0.2.2:6969/announce?port=9" || fail "no tracker"
	aria A "$work/www" --bt-seed-unverified=true
	pids+=($!)
	until_true 600 grep -qx 192.0.2.1 "$work/peers" || fail "nobody seeds"
	cpu=$(cpu_of "${pids[@]}")
	before=$(sent)
	begin=$(date +%s.%N)
	for n in $names; do
		printf '#!/bin/sh\n: >%q\n' "$work/done/$n" >"$work/$n.hook"
		chmod 755 "$work/$n.hook"
		aria "$n" "$work/got/of-$n" --on-bt-download-complete="$work/$n.hook"
		pids+=($!)
	done
	until_true 36000 all_done || fail "not all are done"
	bytes[aria2]=$(($(sent) - before))
	seconds[aria2]=$(calc %.3f "$(last_done) - $begin")
	cpus[aria2]=$(calc %.3f "$(cpu_of "${pids[@]}") - $cpu")
	for pid in "${pids[@]}" $tracker; do kill -KILL "$pid"; wait "$pid" 2>/dev/null; done
	line aria2 "${seconds[aria2]}" "${bytes[aria2]}" "${cpus[aria2]}"
	for n in $names; do mv "$work/got/of-$n/content" "$work/got/$n"; done
	verify
}

declare -A bytes seconds cpus
for side in $sides; do
	if [ "$side" = aria2 ]; then swarm_aria2; else swarm_ponto "$side"; fi
done
missed=0
for side in $sides; do
	[ "$side" != aria2 ] || continue
	if [ -n "${seconds[aria2]-}" ]; then
		for what in seconds bytes cpus; do
			declare -n of=$what
			printf 'bench dist-swarm-vs-aria2-%s-%s ratio=%.2f better=less\n' "$side" $what "$(calc %.4f "${of[$side]} / ${of[aria2]}")"
		done
	fi
	printf 'bench dist-swarm-origin-%s ratio=%.3f limit=%s better=less\n' "$side" "$(calc %.4f "${bytes[$side]} / $size")" $limit
	awk "BEGIN { exit !(${bytes[$side]} <= $limit * $size) }" || missed=1
done
exit $missed
