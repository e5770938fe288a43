# Teredo in the lab of tests/lab, with miredo and miredo-server as independent peers. Sourced after namespace.inc.sh.
lab() { "$top/tests/lab/netlab" "$@"; }

# lab_need PROGRAM...: skips the whole script where one is missing
lab_need() {
	needs ip nft conntrack tshark ping "$@"
	[ -e /dev/net/tun ] || { echo "1..0 # SKIP no /dev/net/tun here"; exit 0; }
	[ "$PONTO_IN_NAMESPACE" = 0 ] || { echo "1..0 # SKIP miredo changes its user: needs root"; exit 0; }
}
# lab_begin PROGRAM...: the same, and the lab is up
lab_begin() {
	lab_need "$@"
	lab up >/dev/null || bail "no lab"
}

# ---- miredo ------------------------------------------------------------------------------
# Each: HOST; log in $work/HOST.log, process in $miredo_pid_HOST. Times are generous limits, in tenths of a second.
miredo_start() { # HOST PROGRAM CONFIGURATION
	local host=$1 program=$2
	printf '%s\n' "$3" >"$work/$host.miredo"
	: >"$work/$host.log"
	# Directly, so that the process is miredo's own.
	ip netns exec "${NETLAB_PREFIX:-lab-}$host" "$program" -f -c "$work/$host.miredo" -p "$work/$host.pid" 2>"$work/$host.log" &
	declare -g "miredo_pid_$host=$!"
}
miredo_stop() { # HOST
	local pid="miredo_pid_$1"
	kill "${!pid}" 2>/dev/null
	wait "${!pid}" 2>/dev/null
}
listens() { lab exec "$1" ss -Hlun | awk '{print $4}' | grep -qx "$2"; } # HOST ADDRESS:PORT
miredo_server() {
	miredo_start server miredo-server "ServerBindAddress 192.0.2.10"
	until_true 100 listens server 192.0.2.10:3544 || bail "miredo-server does not start"
}
miredo_relay() {
	miredo_start relay miredo $'RelayType relay\nInterfaceName teredo\nBindAddress 192.0.2.20\nBindPort 3545'
	until_true 100 lab exec relay ip -6 route get 2001:0:c000:20a:: || bail "miredo does not start as relay"
	until_true 100 listens relay 192.0.2.20:3545 || bail "miredo does not start as relay"
}
# A client, not waited for: HOST, further lines of its configuration.
miredo_client() { miredo_start "$1" miredo $'InterfaceName teredo\nServerAddress 192.0.2.10\n'"${2-}"; }
miredo_qualified() { grep -q 'pseudo-tunnel started' "$work/$1.log"; }
miredo_global() { lab exec "$1" ip -6 -br addr show dev teredo scope global | awk '{ sub("/.*", "", $3); print $3 }'; }
# Its address, once it has one: it says so before the interface has it.
miredo_address() { # HOST
	until_true 150 miredo_qualified "$1" || return 1
	until_true 150 eval '[ -n "$(miredo_global "'"$1"'")" ]' || return 1
	miredo_global "$1"
}
pings() { # HOST ADDRESS [COUNT]
	lab exec "$1" ping -6 -n -q -c "${3:-2}" -i 0.2 -W 5 "$2"
}

# ---- what a Teredo address says ------------------------------------------------------------
# teredo_fields ADDRESS: server, flags, mapped port, mapped IPv4
teredo_fields() {
	python3 - "$1" <<'PY'
import ipaddress, sys
a = ipaddress.IPv6Address(sys.argv[1]).packed
assert a[:4] == bytes([0x20, 1, 0, 0]), "no Teredo address"
v4 = lambda b: str(ipaddress.IPv4Address(b))
print(v4(a[4:8]), a[8:10].hex(), int.from_bytes(a[10:12], "big") ^ 0xffff, v4(bytes(x ^ 0xff for x in a[12:16])))
PY
}

# ---- the judge -------------------------------------------------------------------------------
# Everything on the public segment, into $work/NAME.pcap.
capture_start() { # NAME
	ip netns exec "${NETLAB_PREFIX:-lab-}inet" tshark -q -i br0 -w "$work/$1.pcap" -f 'udp or icmp6' 2>"$work/$1.tshark" &
	capture_pid=$!
	until_true 100 grep -q 'Capture started' "$work/$1.tshark" || bail "tshark does not capture: $(cat "$work/$1.tshark")"
}
# Ends when what was sent before is in the file, as a datagram that nobody takes shows.
capture_end() { # NAME
	local name=$1
	marked() {
		lab exec public python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"end", ("192.0.2.10", 9))'
		tshark -r "$work/$name.pcap" -Y 'udp.dstport == 9' -T fields -e frame.number 2>/dev/null | grep -q .
	}
	until_true 50 marked || bail "the capture does not go on"
	kill -TERM "$capture_pid"
	wait "$capture_pid" 2>/dev/null
}
# seen NAME FILTER FIELD...: the fields of the packets that fit. tshark's PNRP is another than the published one.
seen() {
	local name=$1 filter=$2 field fields=()
	shift 2
	for field; do fields+=(-e "$field"); done
	tshark -r "$work/$name.pcap" --enable-heuristic teredo_udp --disable-protocol pnrp -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -o tcp.check_checksum:TRUE \
		-Y "$filter" -T fields "${fields[@]}" 2>>"$work/tshark.err"
}

# ---- Ponto's own nodes, without privilege ------------------------------------------------------
# Only root may open /dev/net/tun on some machines; elsewhere, and where udev runs, everybody may.
mknod "$work/tun" c 10 200 2>/dev/null && chmod 666 "$work/tun" && mount --bind "$work/tun" /dev/net/tun 2>/dev/null
node_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
# linked PROGRAM...: what libtool still has to link would be linked by the one without privilege.
linked() { local program; for program; do "$build/$program" servers=none >/dev/null 2>&1; done; }
in_node() { local host=$1; shift; ip netns exec "${NETLAB_PREFIX:-lab-}$host" "${node_user[@]}" env PONTO_PLUGIN_PATH="$build/.libs" "$@"; }
ponto() { local host=$1; shift; in_node "$host" "$build/ponto" --connect "$work/$host/run/bus" "$@"; }
# node_start HOST CONFIGURATION: a daemon with that, log in $work/HOST.log
node_start() {
	local host=$1 group
	mkdir -p "$work/$host/state" "$work/$host/run"
	{
		echo "node = { name = \"$host\"; state = \"$work/$host/state\"; socket = \"ipc://$work/$host/run/bus\"; };"
		for group in stores security discovery http; do
			case $2 in *"$group = "*) ;; *) echo "$group = {};" ;; esac
		done
		echo "$2"
	} >"$work/$host/ponto.conf"
	chmod 700 "$work/$host/state" "$work/$host/run"
	chown -R 65534:65534 "$work/$host"
	# Not by a function, so that the process is the daemon's own.
	ip netns exec "${NETLAB_PREFIX:-lab-}$host" "${node_user[@]}" env PONTO_PLUGIN_PATH="$build/.libs" \
		"$build/pontod" -c "$work/$host/ponto.conf" 2>>"$work/$host.log" &
	declare -g "node_pid_$host=$!"
	until_true 150 ponto "$host" node status || bail "the node on $host does not start"
}
node_stop() { # HOST
	local pid="node_pid_$1"
	kill "${!pid}"
	wait "${!pid}"
}
metric() { ponto "$1" node metrics | awk -v name="ponto_$2" '{ split($1, n, "{"); if (n[1] == name) print $2 }'; } # HOST NAME
ponto_server() { # further options of the service
	node_start server "transports = { udp = { plugin = \"transport-udp4\"; addresses = [\"192.0.2.10\", \"192.0.2.11\"]; }; };
services = { teredo = { plugin = \"service-teredo-server\"; ${1-} }; };"
	until_true 100 listens server 192.0.2.11:3544 || bail "the server does not listen"
}
ponto_relay() { # further options of the service
	lab exec relay ip tuntap add dev teredo-r mode tun user 65534
	lab exec relay ip link set teredo-r mtu 1280 up
	lab exec relay ip -6 route add 2001::/32 dev teredo-r
	node_start relay "transports = { udp = { plugin = \"transport-udp4\"; addresses = [\"192.0.2.20\"]; }; };
services = { teredo = { plugin = \"service-teredo-relay\"; tun = \"teredo-r\"; ${1-} }; };"
	until_true 100 listens relay 192.0.2.20:3545 || bail "the relay does not listen"
}
