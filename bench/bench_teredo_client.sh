#!/usr/bin/env bash
# Teredo's client against miredo, by turns, in the lab of tests/lab, at miredo-server: datagrams and bytes of streams per
# second of processor time between two behind NATs, by services of a node and by the whole machine, round trips beside plain
# IPv4's, and how long it takes to qualify and to reach a new peer. docs/benchmarks.md. Needs root, miredo and miredo-server.
# PONTO_BUILDDIR=DIR [SECONDS_EACH=1 ROUNDS=7 PINGS=300 MEGABYTES=32] bench_teredo_client.sh
set -uo pipefail
build=$(cd "${PONTO_BUILDDIR:?}" && pwd)
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
each=$((${SECONDS_EACH:-1} * 1000)) rounds=${ROUNDS:-7} pings=${PINGS:-300} bytes=$((${MEGABYTES:-32} << 20))
for program in miredo miredo-server; do
	command -v $program >/dev/null || { echo "bench teredo-client skipped: $program is not installed" >&2; exit 0; }
done
if [ "$(id -u)" != 0 ]; then echo "bench teredo-client skipped: the lab needs root" >&2; exit 0; fi
. "$top/tests/interop/namespace.inc.sh"
trap 'exit 1' TERM # of a part that fails
logs="server client1 client2 client1-end client2-end"
. "$top/tests/interop/teredo.inc.sh"
lab_begin
linked bench/bench_teredo_client
linked tests/interop/stream_peer
miredo_server

# ---- programs on the clients ------------------------------------------------------------------------
declare -A pid address
start() { # NAME HOST PROGRAM ARGUMENT...: its lines in $work/NAME.out
	local name=$1 host=$2
	shift 2
	rm -f "$work/$name.in"
	mkfifo "$work/$name.in"
	: >"$work/$name.out"
	# Not by a function, so that the process is the program's own.
	ip netns exec "${NETLAB_PREFIX:-lab-}$host" "${node_user[@]}" env PONTO_PLUGIN_PATH="$build/.libs" "$@" \
		<>"$work/$name.in" >>"$work/$name.out" 2>"$work/$name.log" &
	pid[$name]=$!
}
stop() { local n; for n; do kill "${pid[$n]}" 2>/dev/null; wait "${pid[$n]}" 2>/dev/null; unset "pid[$n]"; done; }
# tell NAME LINE WORD: the rest of the line that begins with WORD, once it is there
tell() {
	: >"$work/$1.out"
	echo "$2" >"$work/$1.in"
	until_true 200 grep -q "^$3 " "$work/$1.out" || { cat "$work/$1.out" >&2; echo "bench teredo-client: $1 has no answer to: $2" >&2; kill -TERM $$; }
	sed -n "s/^$3 //p" "$work/$1.out" | head -n 1
}
has_local() { grep -q '^local \[\?[0-9]' "$work/$1.out"; }
# local_of NAME: its address with port, and after how many milliseconds it had it
local_of() { until_true 300 has_local "$1" || bail "$1 has no address"; sed -n 's/^local //p' "$work/$1.out" | tail -n 1; }
with_children() { local p; for p; do echo "$p"; with_children $(cat "/proc/$p/task/"*/children 2>/dev/null); done; }
# Nanoseconds that the threads of processes ran, exactly: ticks miss who runs often and shortly.
cpu() { local p; for p in $(with_children "$@"); do cat "/proc/$p/task/"*/schedstat; done 2>/dev/null | awk '{ n += $1 } END { printf "%.0f\n", n }'; }
median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
value() { median <"$work/$1"; }
ratio() { paste "$work/${2:-ours}.$1" "$work/peer.$1" | awk '{ print $1 / $2 }' | median; }
missed=0
report() { # NAME RATIO LIMIT TEXT
	awk -v n="$1" -v r="$2" -v l="$3" -v t="$4" 'BEGIN { printf "bench %s ratio=%.2f limit=%.2f %s%s\n", n, r, l, t, r < l ? " MISSED" : ""; exit r < l }' || missed=1
}

# ---- both sides: two clients, qualified ---------------------------------------------------------------------
miredo_has_address() { [ -n "$(miredo_address "$1")" ]; } # which comes after the line in its log
# miredo tells by its log alone, which is looked at each 10 ms.
miredo_pair() {
	local host begun
	for host in client1 client2; do
		begun=$(date +%s%N)
		miredo_client $host
		for _ in $(seq 3000); do miredo_qualified $host && break; sleep 0.01; done
		qualify[$host]=$((($(date +%s%N) - begun) / 1000000))
		until_true 50 miredo_has_address $host || bail "miredo does not qualify on $host"
		address[$host]=$(miredo_address $host)
		start $host-end $host "$build/bench/bench_teredo_client" udp6 addresses="${address[$host]}"
		local_of $host-end >/dev/null
	done
}
ours_pair() {
	local host took
	for host in client1 client2; do
		start $host-end $host "$build/bench/bench_teredo_client" teredo servers=192.0.2.10
		read -r address[$host] took < <(local_of $host-end)
		address[$host]=${address[$host]#[} address[$host]=${address[$host]%]*}
		qualify[$host]=${took%.*}
	done
}
# Our daemon with an interface for the whole machine, as miredo's.
machine_address() { lab exec "$1" ip -6 -br addr show dev teredo0 scope global 2>/dev/null | awk '{ sub("/.*", "", $3); print $3 }'; }
machine_has_address() { [ -n "$(machine_address "$1")" ]; }
machine_start() { # HOST
	mkdir -p -m 700 "$work/$1/state" "$work/$1/run"
	sed -e "s|^node *= {|& state = \"$work/$1/state\"; socket = \"ipc://$work/$1/run/bus\";|" \
		"$top/docs/examples/configurations/teredo-host.conf" >"$work/$1/ponto.conf"
	chown -R 65534:65534 "$work/$1"
	ip netns exec "${NETLAB_PREFIX:-lab-}$1" env PONTO_PLUGIN_PATH="$build/.libs" "$build/pontod" -c "$work/$1/ponto.conf" 2>"$work/$1.log" &
	pid[$1]=$!
	until_true 200 machine_has_address "$1" || bail "our daemon has no address on $1"
	address[$1]=$(machine_address "$1")
}
machine_pair() {
	local host
	for host in client1 client2; do
		machine_start $host
		start $host-end $host "$build/bench/bench_teredo_client" udp6 addresses="${address[$host]}"
		local_of $host-end >/dev/null
	done
}
pair() { case $1 in ours) ours_pair ;; machine) machine_pair ;; *) miredo_pair ;; esac; } # SIDE
unpair() { # SIDE
	stop client1-end client2-end
	case $1 in peer) miredo_stop client1; miredo_stop client2 ;; machine) stop client1 client2 ;; esac
}
clients() { # SIDE
	case $1 in
	ours) echo "${pid[client1-end]} ${pid[client2-end]}" ;;
	machine) echo "${pid[client1]} ${pid[client2]}" ;;
	*) echo "$miredo_pid_client1 $miredo_pid_client2" ;;
	esac
}
declare -A qualify

# ---- how long until there is an address, and until a new peer answers --------------------------------------------
for nats in "full-cone full-cone" "full-cone port-restricted" "port-restricted port-restricted"; do
	read -r nat1 nat2 <<<"$nats"
	for side in ours peer; do
		lab nat nat1 "$nat1"
		lab nat nat2 "$nat2"
		pair $side
		read -r first _ < <(tell client1-end "ping [${address[client2]}]:3540 1" pinged)
		declare "line_$side=qualify=${qualify[client1]}ms,${qualify[client2]}ms first-answer=$(awk -v f="$first" 'BEGIN { printf "%.1f", f / 1000 }')ms"
		unpair $side
	done
	echo "bench teredo-client-first nats=$nat1,$nat2 ours: $line_ours peer: $line_peer (miredo)"
done

# ---- round trips and datagrams ------------------------------------------------------------------------------------
lab nat nat1 full-cone
lab nat nat2 full-cone
start plain1 client1 "$build/bench/bench_teredo_client" udp4
start plain2 client2 "$build/bench/bench_teredo_client" udp4
local_of plain1 >/dev/null
local_of plain2 >/dev/null
tell plain2 "open 192.0.2.10:9" opened >/dev/null
for _ in $(seq "$rounds"); do
	tell plain1 "ping 192.0.2.102:3540 $pings" pinged | cut -d' ' -f1 >>"$work/plain.trip"
	for side in ours peer machine; do
		pair $side
		to="[${address[client2]}]:3540"
		tell client1-end "ping $to $pings" pinged | cut -d' ' -f1 >>"$work/$side.trip"
		tell client1-end "flood $to 200" flooded >/dev/null # what is made at first
		before=$(cpu $(clients $side))
		whole=$(cpu $(clients $side) $([ $side = ours ] || echo "${pid[client1-end]} ${pid[client2-end]}"))
		read -r moved took stalled < <(tell client1-end "flood $to $each" flooded)
		after=$(cpu $(clients $side))
		with_ends=$(cpu $(clients $side) $([ $side = ours ] || echo "${pid[client1-end]} ${pid[client2-end]}"))
		awk -v b="$moved" -v c=$((after - before)) 'BEGIN { print b / c * 1000 }' >>"$work/$side.cpu"
		awk -v b="$moved" -v c=$((with_ends - whole)) 'BEGIN { print b / c * 1000 }' >>"$work/$side.all"
		awk -v b="$moved" -v t="$took" 'BEGIN { print b / t / 1e6 }' >>"$work/$side.wall"
		echo "$stalled" >>"$work/$side.stalled"
		if [ $side != peer ]; then # what a link does that cannot cut: the NATs see each datagram
			for host in client1 client2; do lab exec $host ip link set eth0 gso_max_segs 1; done
			before=$(cpu $(clients $side))
			read -r moved _ < <(tell client1-end "flood $to $each" flooded)
			awk -v b="$moved" -v c=$(($(cpu $(clients $side)) - before)) 'BEGIN { print b / c * 1000 }' >>"$work/$side.cut"
			for host in client1 client2; do lab exec $host ip link set eth0 gso_max_segs 65535; done
		else
			tail -n 1 "$work/peer.cpu" >>"$work/peer.cut"
		fi
		unpair $side
	done
done
stop plain1 plain2
sum() { awk '{ n += $1 } END { print n }' "$work/$1"; }
one() { printf %.1f "$1"; }
report teredo-client-datagrams "$(ratio cpu)" 3.0 \
	"ours=$(one "$(value ours.cpu)")MB/s-core peer=$(one "$(value peer.cpu)")MB/s-core (miredo), of 1,200 bytes, of both clients' own processor time, stalls ours=$(sum ours.stalled) peer=$(sum peer.stalled)"
echo "bench teredo-client-datagrams-cut ratio=$(printf %.2f "$(ratio cut)") ours=$(one "$(value ours.cut)")MB/s-core, cut at the clients' own interfaces, not behind the NATs"
echo "bench teredo-client-datagrams-all ratio=$(printf %.2f "$(ratio all)") ours=$(one "$(value ours.all)")MB/s-core peer=$(one "$(value peer.all)")MB/s-core, with the programs that send and receive"
echo "bench teredo-client-datagrams-wall ratio=$(printf %.2f "$(ratio wall)") ours=$(one "$(value ours.wall)")MB/s peer=$(one "$(value peer.wall)")MB/s, of the wall clock"
echo "bench teredo-machine-datagrams ratio=$(printf %.2f "$(ratio cpu machine)") ours=$(one "$(value machine.cpu)")MB/s-core peer=$(one "$(value peer.cpu)")MB/s-core (miredo), by an interface of ours, of both daemons' own processor time, stalls ours=$(sum machine.stalled)"
echo "bench teredo-machine-datagrams-cut ratio=$(printf %.2f "$(ratio cut machine)") ours=$(one "$(value machine.cut)")MB/s-core"
echo "bench teredo-machine-datagrams-wall ratio=$(printf %.2f "$(ratio wall machine)") ours=$(one "$(value machine.wall)")MB/s peer=$(one "$(value peer.wall)")MB/s, of the wall clock"
# By rounds: what other work does to one it does to the three.
more() { paste "$work/$1.trip" "$work/plain.trip" | awk '{ print $1 - $2 }' | median; } # SIDE
printf "bench teredo-client-trip ratio=%.2f ours=%.0fus (%+.0fus) peer=%.0fus (%+.0fus, miredo), in brackets more than plain IPv4's %.0fus through the same NATs\n" \
	"$(paste "$work/peer.trip" "$work/ours.trip" | awk '{ print $1 / $2 }' | median)" "$(value ours.trip)" "$(more ours)" "$(value peer.trip)" "$(more peer)" "$(value plain.trip)"

printf "bench teredo-machine-trip ratio=%.2f ours=%.0fus (%+.0fus)\n" \
	"$(paste "$work/peer.trip" "$work/machine.trip" | awk '{ print $1 / $2 }' | median)" "$(value machine.trip)" "$(more machine)"

# ---- streams ----------------------------------------------------------------------------------------------------------
streams_pair() { # SIDE
	local host
	if [ "$1" != ours ]; then
		for host in client1 client2; do
			if [ "$1" = machine ]; then
				machine_start $host
			else
				miredo_client $host
				until_true 200 miredo_has_address $host || bail "miredo does not qualify on $host"
				address[$host]=$(miredo_address $host)
			fi
			start $host-end $host "$build/tests/interop/stream_peer" tcp ::
		done
	else
		for host in client1 client2; do
			start $host-end $host "$build/tests/interop/stream_peer" teredo :: servers=192.0.2.10 send_timeout=60
		done
		for host in client1 client2; do address[$host]=$(local_of $host-end); done
	fi
	until_true 100 grep -q '^listening: success' "$work/client2-end.out" || bail "client2 does not listen"
}
for _ in $(seq "$rounds"); do
	for side in ours peer machine; do
		streams_pair $side
		to="[${address[client2]}]:4001"
		tell client1-end "push $to 100000" pushed >/dev/null # bubbles first
		all="$([ $side = ours ] || clients $side) ${pid[client1-end]} ${pid[client2-end]}"
		before=$(cpu $all)
		line=$(tell client1-end "push $to $bytes" pushed)
		awk -v l="$line" -v c=$(($(cpu $all) - before)) 'BEGIN { split(l, f); print f[1] / f[3], f[1] / (c / 1000) }' >"$work/one"
		cut -d' ' -f1 "$work/one" >>"$work/$side.stream"
		cut -d' ' -f2 "$work/one" >>"$work/$side.streamcpu"
		unpair $side
	done
done
report teredo-client-streams "$(ratio stream)" 2.0 "ours=$(one "$(value ours.stream)")MB/s peer=$(one "$(value peer.stream)")MB/s (TCP over miredo's interface), of the wall clock"
echo "bench teredo-client-streams-cpu ratio=$(printf %.2f "$(ratio streamcpu)") ours=$(one "$(value ours.streamcpu)")MB/s-core peer=$(one "$(value peer.streamcpu)")MB/s-core, all programs of both ends"
echo "bench teredo-machine-streams ratio=$(printf %.2f "$(ratio stream machine)") ours=$(one "$(value machine.stream)")MB/s peer=$(one "$(value peer.stream)")MB/s (TCP over both interfaces), of the wall clock"
echo "bench teredo-machine-streams-cpu ratio=$(printf %.2f "$(ratio streamcpu machine)") ours=$(one "$(value machine.streamcpu)")MB/s-core peer=$(one "$(value peer.streamcpu)")MB/s-core, all programs of both ends"
exit $missed
