#!/usr/bin/env bash
# Streams over Teredo against TCP without it, on the same way: from behind a NAT to a public host, in the lab of tests/lab.
# Bytes a second, and per second of both ends' processor time, by turns. docs/benchmarks.md. Needs namespaces.
# PONTO_BUILDDIR=DIR [MEGABYTES=64 ROUNDS=5] bench_streams.sh
set -uo pipefail
build=$(cd "${PONTO_BUILDDIR:?}" && pwd)
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
megabytes=${MEGABYTES:-64} rounds=${ROUNDS:-5}
bytes=$((megabytes << 20))
if [ "$(id -u)" != 0 ]; then echo "bench streams skipped: the lab needs root" >&2; exit 0; fi
. "$top/tests/interop/namespace.inc.sh"
logs="server client1 public"
. "$top/tests/interop/teredo.inc.sh"
lab_begin
linked tests/interop/stream_peer
ponto_server
lab nat nat1 full-cone

peer_start() { # HOST KIND ADDRESS OPTION...
	local host=$1 name=$1-$2
	shift
	mkfifo "$work/$name.in"
	ip netns exec "${NETLAB_PREFIX:-lab-}$host" "${node_user[@]}" env PONTO_PLUGIN_PATH="$build/.libs" "$build/tests/interop/stream_peer" \
		"$@" <>"$work/$name.in" >>"$work/$name.out" 2>"$work/$name.log" &
}
for host in client1 public; do
	peer_start $host teredo :: servers=192.0.2.10 send_timeout=60
	peer_start $host tcp 0.0.0.0
done
last_address() { sed -n 's/^local //p' "$work/$1-teredo.out" | tail -n 1; }
has_address() { [ -n "$(last_address "$1")" ]; }
until_true 300 has_address public && until_true 300 has_address client1 || bail "no Teredo address"
until_true 100 grep -q '^listening: success' "$work/public-tcp.out" || bail "the public host does not listen"

# Nanoseconds that the processes of a kind ran, exactly, with all their threads.
cpu() { # KIND
	local p
	for p in $(pgrep -f "stream_peer $1 "); do cat "/proc/$p/task/"*/schedstat; done 2>/dev/null | awk '{ n += $1 } END { printf "%.0f\n", n }'
}
push() { # KIND ADDRESS
	local before
	: >"$work/client1-$1.out"
	before=$(cpu "$1")
	echo "push $2 $bytes" >"$work/client1-$1.in"
	until_true 600 grep -q '^pushed\|^failed' "$work/client1-$1.out"
	awk -v cpu=$(($(cpu "$1") - before)) '/^pushed/ { print $2 / $4, $2 / (cpu / 1000) }' "$work/client1-$1.out"
}
push teredo "[$(last_address public)]:4001" >/dev/null # bubbles first
for _ in $(seq "$rounds"); do
	push teredo "[$(last_address public)]:4001" >>"$work/teredo"
	push tcp 192.0.2.40:4001 >>"$work/tcp"
done
[ "$(wc -l <"$work/teredo")" = "$rounds" ] && [ "$(wc -l <"$work/tcp")" = "$rounds" ] || bail "a stream failed: $(cat "$work"/*.out | grep failed)"
median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
column() { cut -d' ' -f"$2" "$work/$1" | median; }
ratio() { paste -d' ' <(cut -d' ' -f"$1" "$work/teredo") <(cut -d' ' -f"$1" "$work/tcp") | awk '{ print $1 / $2 }' | median; }
awk -v r="$(ratio 1)" -v o="$(column teredo 1)" -v p="$(column tcp 1)" -v l="${LIMIT:-0.08}" 'BEGIN {
	printf "bench streams-teredo ratio=%.3f limit=%.2f ours=%.0fMB/s peer=%.0fMB/s (TCP over IPv4 through the same NAT)%s\n", r, l, o, p, r < l ? " MISSED" : ""; exit r < l }'
status=$?
awk -v r="$(ratio 2)" -v o="$(column teredo 2)" -v p="$(column tcp 2)" 'BEGIN {
	printf "bench streams-teredo-cpu ratio=%.3f ours=%.0fMB/s-core peer=%.0fMB/s-core, of both ends'"'"' own processor time\n", r, o, p }'
exit $status
