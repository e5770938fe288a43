#!/usr/bin/env bash
# A host with native IPv6 that relays for itself alone, without an interface: with miredo clients at miredo-server, with
# Ponto's clients, as a daemon with PNRP. Nobody else relays. What it runs as has no privilege; a socket was opened before.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
. "$top/tests/interop/namespace.inc.sh"
logs="server relay native6 client1 client2"
. "$top/tests/interop/teredo.inc.sh"
. "$top/tests/interop/teredo_peers.inc.sh"
lab_begin miredo miredo-server python3
linked tests/interop/teredo_peer tests/interop/stream_peer
lab exec relay sh -c 'echo 0 >/proc/sys/net/ipv6/conf/all/forwarding'
lab exec native6 ip -6 route del 2001::/32
own=2001:db8:6::20

# granted PROGRAM...: runs it as nobody, without capabilities, with the socket that node.grants calls "echo" as descriptor 9
granted=(python3 -c '
import os, socket, struct, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_ICMPV6, 1, struct.pack("=8I", *[0xffffffff if i != 4 else 0xfffffffe for i in range(8)]))
os.dup2(s.fileno(), 9)
os.execvp("setpriv", ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs"] + sys.argv[1:])')
# peer_start PEER HOST [PROGRAM...] -- OPTION...
peer_start() {
	local peer=$1 host=$2 by=()
	shift 2
	while [ "$1" != -- ]; do by+=("$1"); shift; done
	peer_run "$host" "${by[@]}" "$build/tests/interop/$peer" "${@:2}"
}
# It has to be asked.
has_address() { tell "$1" local; [ -n "$(last_address "$1")" ]; }
reaches() { # HOST PEER-ADDRESS TEXT
	local i
	tell "$1" quiet
	for i in $(seq 30); do
		tell "$1" send "[$2]:3540" "$3"
		until_true 10 heard "$1" "$3" && { tell "$1" echo; return 0; }
	done
	cat "$work/$1.out" "$work/$1.log"
	return 1
}
# A datagram by the kernel's IPv6: HOST ADDRESS TEXT, its answer on standard output.
udp6() {
	lab exec "$1" python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.settimeout(1)
for _ in range(20):
    s.sendto(sys.argv[2].encode(), (sys.argv[1], 3540))
    try:
        print(s.recv(1500).decode())
        break
    except socket.timeout:
        pass
' "$2" "$3"
}
udp6_echo() { # HOST: what comes to port 3540 goes back
	ip netns exec "${NETLAB_PREFIX:-lab-}$1" python3 -c '
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", 3540))
while True:
    data, peer = s.recvfrom(1500)
    s.sendto(data, peer)
' &
	until_true 100 listens "$1" '*:3540' || until_true 10 listens "$1" '[::]:3540' || bail "no echo on $1"
}
network() { lab exec relay ip -6 route show table all; lab exec relay ip -6 addr; lab exec relay ip -br link | sed 's/@.*//'; }

# ---- with miredo clients ------------------------------------------------------------------------------
miredo_server
lab nat nat1 full-cone
lab nat nat2 port-restricted
declare -A address
for host in client1 client2; do miredo_client $host; done
for host in client1 client2; do
	address[$host]=$(miredo_address $host) || bail "miredo on $host does not qualify"
done
capture_start miredo
before=$(network)
peer_start teredo_peer relay "${granted[@]}" -- echo=9 native=six
is "it has its native address" "$(peer_address relay)" $own
proves TEREDO-251
is "without capabilities" "$(awk '/^Cap(Eff|Prm)/ { print $2 }' /proc/$peer_pid_relay/status | sort -u)" 0000000000000000
is "as nobody" "$(awk '/^Uid/ { print $2, $3 }' /proc/$peer_pid_relay/status)" "65534 65534"
tell relay echo
is "a miredo client behind a full cone reaches it" "$(udp6 client1 $own from-cone)" from-cone
is "one behind a port-restricted NAT" "$(udp6 client2 $own from-restricted)" from-restricted
check "they ping it" pings client2 $own
check "with the largest packets" lab exec client2 ping -6 -n -q -c 2 -i 0.2 -W 5 -M do -s 1232 $own
for host in client1 client2; do udp6_echo $host; done
check "it reaches a miredo client that it heard" reaches relay "${address[client2]}" to-restricted
peer_stop relay
peer_start teredo_peer relay "${granted[@]}" -- echo=9 native=six
peer_address relay >/dev/null || bail "it does not start again"
check "and one that it never heard, behind the full cone" reaches relay "${address[client1]}" first-to-cone
check "and behind the port-restricted NAT" reaches relay "${address[client2]}" first-to-restricted
udp6_echo native6
check "native hosts it reaches by IPv6" reaches relay 2001:db8:6::30 to-native
is "as they do it" "$(udp6 native6 $own from-native)" from-native
proves TEREDO-250
is "it made no interface, route or address" "$(network)" "$before"
capture_end miredo
from='ip.src == 192.0.2.20'
is "it speaks by UDP over IPv4 from its native address alone" "$(seen miredo "$from && teredo" ipv6.src | sort -u)" $own
check "with data" [ "$(seen miredo "$from && ip.dst == 192.0.2.102 && ipv6.nxt == 17" frame.number | wc -l)" -ge 3 ]
proves TEREDO-242
is "with bubbles through the server, and directly" \
	"$(seen miredo "$from && ipv6.nxt == 59 && ip.dst != 192.0.2.101" ip.dst | sort -u | tr '\n' ' ')" "192.0.2.10 192.0.2.102 "
is "without DF" "$(seen miredo "$from && ip.flags.df == 1 && ip.proto == 17" frame.number)" ""
is "nothing malformed, no wrong checksum" "$(seen miredo "$from && (_ws.malformed || icmpv6.checksum.status == 0)" _ws.col.Info)" ""
peer_stop relay
for host in client1 client2; do miredo_stop $host; done
miredo_stop server

# ---- with Ponto's own, at its server -------------------------------------------------------------------
lab exec server ip tuntap add dev teredo-s mode tun user 65534
lab exec server ip link set teredo-s mtu 1280 up
lab exec server sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
ponto_server 'tun = "teredo-s";'
peer_start teredo_peer relay "${granted[@]}" -- echo=9 native=six
peer_start teredo_peer client1 "${node_user[@]}" -- servers=192.0.2.10
peer_start teredo_peer client2 "${node_user[@]}" -- servers=192.0.2.10
for host in client1 client2; do address[$host]=$(peer_address $host) || bail "$host does not qualify"; done
for host in relay client1 client2; do tell $host echo; done
check "Ponto's client behind a full cone reaches it" reaches client1 $own from-our-cone
check "and behind a port-restricted NAT" reaches client2 $own from-our-restricted
check "which it reaches" reaches relay "${address[client2]}" to-our-restricted
for host in relay client1 client2; do peer_stop $host; done

# ---- streams --------------------------------------------------------------------------------------------
stream_address() { until_true 200 grep -q '^local [^n]' "$work/$1.out" && sed -n 's/^local //p' "$work/$1.out" | tail -n 1; } # HOST
echoes() { # HOST ADDRESS BYTES
	local i
	for i in 1 2 3; do
		: >"$work/$1.out"
		tell "$1" echo "[$2]:4000" "$3"
		until_true 400 grep -q '^echoed\|^failed\|^garbled' "$work/$1.out"
		grep -qx "echoed $3 of $3" "$work/$1.out" && return 0
	done
	cat "$work/$1.out" "$work/$1.log"
	return 1
}
if "${node_user[@]}" unshare --user --net true 2>/dev/null; then
	peer_start stream_peer relay "${granted[@]}" -- teredo :: echo=9 native=six
	peer_start stream_peer client2 "${node_user[@]}" -- teredo :: servers=192.0.2.10
	peer_start stream_peer native6 "${node_user[@]}" -- tcp ::
	address[client2]=$(stream_address client2) || bail "client2 does not qualify"
	stream_address relay >/dev/null || bail "relay has no address"
	check "a stream from Ponto's client behind a NAT, 300 kB there and back" echoes client2 $own 300000
	check "and to it" echoes relay "${address[client2]}" 300000
	check "one to a native host is the machine's" echoes relay 2001:db8:6::30 300000
	check "and from it" echoes native6 $own 300000
	for host in relay client2 native6; do peer_stop $host; done
else
	for n in 1 2 3 4; do ok "streams # SKIP no unprivileged namespaces here"; done
fi

# ---- a daemon with PNRP ----------------------------------------------------------------------------------
# As root, which becomes nobody; one client registers a name, the host resolves it, and the other way.
node() { # HOST TRANSPORTS SEED
	node_start "$1" "transports = { $2 };
stores = { main = { plugin = \"store-mem\"; }; };
security = { id = { plugin = \"security-pki\"; }; };
discovery = { seeds = { plugin = \"discovery-seed\"; peers = [$3]; }; };
services = { pnrp = { plugin = \"service-pnrp\"; transport = \"wide\"; scope = \"global\"; }; };"
}
active() { ponto "$1" cloud show 2>/dev/null | grep -q '^state *active'; }
resolves() { ponto "$1" name resolve "$2" --timeout 20 | grep -q "$3"; } # HOST NAME TEXT
mkdir -p -m 700 "$work/relay/state" "$work/relay/run"
sed -e "s|^node *= {|& state = \"$work/relay/state\"; socket = \"ipc://$work/relay/run/bus\";|" \
	"$top/docs/examples/configurations/teredo-native.conf" >"$work/relay/ponto.conf"
chown -R 65534:65534 "$work/relay"
ip netns exec "${NETLAB_PREFIX:-lab-}relay" env PONTO_PLUGIN_PATH="$build/.libs" "$build/pontod" -c "$work/relay/ponto.conf" 2>"$work/relay.log" &
node_pid_relay=$!
until_true 150 ponto relay node status || bail "the node on relay does not start"
check "a daemon with native IPv6 registers a name" ponto relay name register 0.native --comment native-host
node client2 'wire = { plugin = "transport-udp4"; }; wide = { plugin = "transport-teredo"; carrier = "wire"; servers = ["192.0.2.10"]; };' '"[2001:db8:6::20]:3540"'
is "the daemon has no capability" "$(awk '/^Cap(Eff|Prm|Inh|Amb)/ { print $2 }' /proc/$node_pid_relay/status | sort -u)" 0000000000000000
check "a node behind a NAT joins by it" until_true 450 active client2
check "and registers a name" ponto client2 name register 0.behind --comment behind-nat
check "which it resolves" resolves relay 0.behind behind-nat
check "which that node resolves" resolves client2 0.native native-host
check "it says what it is" grep -q relaying <(ponto relay node status)
check "and what that means" grep -q 'relays for itself' <(ponto relay node nat-test)
for host in relay client2 server; do node_stop $host || not_ok "$host does not end"; done
: >"$work/relay.log"
in_node relay "$build/pontod" -c "$work/relay/ponto.conf" 2>"$work/relay.log"
is "without the privilege it does not start" $? 1
check "and says what it takes" grep -q 'node.grants: echo: .*: it takes CAP_NET_RAW' "$work/relay.log"
echo "1..$count"
[ $bad = 0 ]
