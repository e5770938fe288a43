#!/usr/bin/env bash
# A Teredo server and miredo-server by turns, each alone in a network namespace with the same load of 100,000 clients next
# to it on one core: solicitations answered and bubbles passed on per second, and per second of the server's processor
# time; its memory after the load. docs/benchmarks.md. Needs root, and miredo-server.
# PONTO_BUILDDIR=DIR [CLIENTS=100000 SECONDS_EACH=1 ROUNDS=7] bench_teredo.sh
set -euo pipefail
build=$(cd "${PONTO_BUILDDIR:?}" && pwd)
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
clients=${CLIENTS:-100000} each=${SECONDS_EACH:-1} rounds=${ROUNDS:-7}
command -v miredo-server >/dev/null || { echo "bench teredo skipped: miredo-server is not installed" >&2; exit 0; }
if [ "$(id -u)" != 0 ]; then echo "bench teredo skipped: miredo-server changes its user, which needs root" >&2; exit 0; fi
. "$top/tests/interop/namespace.inc.sh"
taskset -cp 0 $$ >/dev/null # one core for both, so that the server always finds a queue
base=198.18.0.0
ip netns add server
ip link add load type veth peer name eth0 netns server
ip addr add 192.0.2.1/24 dev load
ip link set load up
ip -n server link set lo up
ip -n server addr add 192.0.2.10/24 dev eth0
ip -n server addr add 192.0.2.11/24 dev eth0
ip -n server link set eth0 up
# The clients are addresses of this side.
ip route add local 198.18.0.0/15 dev lo
ip -n server route add 198.18.0.0/15 via 192.0.2.1

mkdir -m 700 "$work/state" "$work/run"
cat >"$work/ponto.conf" <<CONF
node = { name = "bench"; state = "$work/state"; socket = "$work/run/bus"; };
transports = { udp = { plugin = "transport-udp4"; addresses = ["192.0.2.10", "192.0.2.11"]; }; };
stores = {}; security = {}; discovery = {}; http = {};
services = { teredo = { plugin = "service-teredo-server"; }; };
CONF
echo "ServerBindAddress 192.0.2.10" >"$work/miredo.conf"
start() { # SIDE
	if [ "$1" = ours ]; then
		ip netns exec server env PONTO_PLUGIN_PATH="$build/.libs" "$build/pontod" -c "$work/ponto.conf" >"$work/log" 2>&1 &
	else
		ip netns exec server miredo-server -f -c "$work/miredo.conf" -p "$work/pid" >"$work/log" 2>&1 &
	fi
	server=$!
	for _ in $(seq 100); do
		if [ "$(ip netns exec server ss -Hlun | grep -c ':3544 ')" -ge 2 ]; then return; fi
		sleep 0.1
	done
	cat "$work/log" >&2
	exit 1
}
stop() { kill "$server"; wait "$server" || true; server=; }
# miredo-server serves in a child.
processes() { echo "$server"; cat "/proc/$server/task/"*/children; }
# Nanoseconds that their threads ran, exactly: ticks miss who runs often and shortly.
cpu() { local p; for p in $(processes); do cat "/proc/$p/task/"*/schedstat; done | awk '{ n += $1 } END { printf "%.0f\n", n }'; }
memory() { local p sum=0; for p in $(processes); do sum=$((sum + $(awk '/^VmRSS/ { print $2 }' "/proc/$p/status"))); done; echo $sum; }
median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
missed=0
report() { # NAME RATIO LIMIT TEXT
	awk -v n="$1" -v r="$2" -v l="$3" -v t="$4" 'BEGIN { printf "bench %s ratio=%.2f limit=%.2f %s%s\n", n, r, l, t, r < l ? " MISSED" : ""; exit r < l }' || missed=1
}
for _ in $(seq "$rounds"); do
	for side in ours peer; do
		start $side
		empty=$(memory)
		for kind in solicitations bubbles; do
			before=$(cpu)
			read -r answered lost < <("$build/bench/bench_teredo" load $kind 192.0.2.10 $base "$clients" "$each")
			awk -v n="$answered" -v c=$(($(cpu) - before)) 'BEGIN { print n / (c / 1e9) }' >>"$work/$side.$kind"
			echo "$answered" >>"$work/$side.$kind.all"
			echo "$lost" >>"$work/$side.lost"
		done
		echo $(($(memory) - empty)) >>"$work/$side.memory"
		memory >>"$work/$side.total"
		stop
	done
done
value() { median <"$work/$1"; }
ratio() { paste "$work/ours.$1" "$work/peer.$1" | awk '{ print $1 / $2 }' | median; }
whole() { printf %.0f "$1"; }
for kind in solicitations bubbles; do
	report teredo-$kind "$(ratio $kind.all)" 1.0 \
		"ours=$(whole "$(value ours.$kind.all | awk -v e="$each" '{ print $1 / e }')")/s peer=$(whole "$(value peer.$kind.all | awk -v e="$each" '{ print $1 / e }')")/s (miredo-server), load and server on one core"
	echo "bench teredo-$kind-cpu ratio=$(printf %.2f "$(ratio $kind)") ours=$(whole "$(value ours.$kind)")/s-core peer=$(whole "$(value peer.$kind)")/s-core, of the server's own processor time"
done
read -r solicitations bubbles < <("$build/bench/bench_teredo" engine)
echo "bench teredo-engine solicitations=$solicitations/s-core bubbles=$bubbles/s-core without sockets, limits on"
lost=$(awk '{ n += $1 } END { print n }' "$work/ours.lost") theirs=$(awk '{ n += $1 } END { print n }' "$work/peer.lost")
grown=$(value ours.memory)
# Stateless: what 100,000 clients leave is the limits' table, made at the start.
report teredo-memory "$(awk -v g="$grown" 'BEGIN { print 4096 / (g > 1 ? g : 1) }')" 1.0 \
	"ours=${grown}KiB peer=$(value peer.memory)KiB more after $clients clients (limit 4096 KiB), ours-resident=$(value ours.total)KiB peer-resident=$(value peer.total)KiB lost ours=$lost peer=$theirs"
exit $missed
