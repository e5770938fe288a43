#!/usr/bin/env bash
# Ponto's Teredo client behind NATs of every kind: at miredo-server and at Ponto's own, with miredo clients, native hosts
# behind miredo as relay, and its like. It runs without privilege; tshark judges what it says.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
. "$top/tests/interop/namespace.inc.sh"
logs="server relay client1 client2 client3 public"
. "$top/tests/interop/teredo.inc.sh"
. "$top/tests/interop/teredo_peers.inc.sh"
lab_begin miredo miredo-server python3
linked tests/interop/teredo_peer

# ---- Ponto's peers ----------------------------------------------------------------------------------
peer_start() { # HOST [OPTION=VALUE]...
	peer_run "$1" "${node_user[@]}" "$build/tests/interop/teredo_peer" servers=192.0.2.10 "${@:2}"
}
# Two that echo would never end. reaches HOST PEER-ADDRESS TEXT: sends every second until the echo is there
reaches() {
	local i
	tell "$1" quiet
	for i in $(seq 30); do
		tell "$1" send "[$2]:${4-3540}" "$3"
		tries 10 heard "$1" "$3" && return 0
	done
	cat "$work/$1.out"
	return 1
}

declare -A address
qualified() { # HOST WAN-ADDRESS NAME
	address[$1]=$(peer_address "$1") && is "$3 qualifies with its mapping" \
		"$(teredo_fields "${address[$1]}" | cut -d' ' -f1,4)" "192.0.2.10 $2" || bail "the client on $1 does not qualify"
}

# ---- at miredo-server ---------------------------------------------------------------------------------
miredo_server
miredo_relay
capture_start miredo
lab nat nat1 port-restricted
lab nat nat2 port-restricted
lab nat nat3 full-cone
peer_start client1
qualified client1 192.0.2.101 "a client behind a port-restricted NAT, at miredo-server,"
is "and finds out what its NAT is" "$(grep -o 'NAT: [a-z]*' "$work/client1.log" | head -n 1)" "NAT: restricted"
tell client1 echo
miredo_client client2
address[client2]=$(miredo_address client2) || bail "miredo does not qualify"

# A datagram from miredo's interface: HOST ADDRESS TEXT, its answer on standard output.
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
# The other way round: an echo of UDP on a host.
udp6_listens() { listens "$1" '*:3540' || listens "$1" '[::]:3540'; }
udp6_echo() {
	ip netns exec "${NETLAB_PREFIX:-lab-}$1" python3 -c '
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", 3540))
while True:
    data, peer = s.recvfrom(1500)
    s.sendto(data, peer)
' &
	until_true 100 udp6_listens "$1" || bail "no echo on $1"
}
is "a miredo client reaches it" "$(udp6 client2 "${address[client1]}" from-miredo)" from-miredo
check "a miredo client pings it" pings client2 "${address[client1]}"
udp6_echo client2
check "it reaches a miredo client" reaches client1 "${address[client2]}" to-miredo
udp6_echo native6
check "it reaches a native host, through miredo as relay" reaches client1 2001:db8:6::30 to-native
tell client1 echo
is "a native host reaches it, through miredo as relay" "$(udp6 native6 "${address[client1]}" from-native)" from-native
check "a native host pings it" pings native6 "${address[client1]}" 3
# The same from the beginning, the native host being the first to speak.
peer_stop client1
lab nat nat1 address-restricted
peer_start client1
qualified client1 192.0.2.101 "a client behind an address-restricted NAT"
tell client1 echo
is "a native host is the first to speak" "$(udp6 native6 "${address[client1]}" first)" first
is "a miredo client is the first to speak" "$(udp6 client2 "${address[client1]}" second)" second
# Behind a symmetric NAT: miredo answers whom it hears.
peer_stop client1
lab nat nat1 symmetric
peer_start client1
qualified client1 192.0.2.101 "a client behind a symmetric NAT"
is "and finds that out" "$(grep -o 'NAT: [a-z]*' "$work/client1.log" | head -n 1)" "NAT: symmetric"
peer_start public
qualified public 192.0.2.40 "a client without NAT"
tell public echo
check "from a symmetric NAT to a client without one" reaches client1 "${address[public]}" symmetric-public
tell public quiet
tell client1 echo
check "and the other way" reaches public "${address[client1]}" public-symmetric
tell client1 quiet
tell public ecn "[${address[client1]}]:3540" marked
until_true 50 heard client1 marked

# ---- in other eyes ------------------------------------------------------------------------------------------
capture_end miredo
ours='ip.src in {192.0.2.101, 192.0.2.40} && udp && !icmp && !(udp.dstport == 9)'
proves TEREDO-024 TEREDO-027
is "no packet has DF or ECN bits outside" \
	"$(seen miredo "$ours" ip.flags.df ip.dsfield.ecn | sort -u | tr '\t' ' ')" "0 0"
is "one has ECN bits inside" "$(seen miredo "$ours && ipv6.tclass.ecn == 2" ipv6.tclass.ecn | sort -u | tail -n 1)" 2
# The outer UDP checksum is made by the network card, which there is none of; RFC 6081's trailers tshark does not know.
is "checksums inside are right" "$(seen miredo "$ours && (icmpv6.checksum.status == 0 || ip.checksum.status == 0)" _ws.col.Info)" ""
is "solicitations have a nonce, cone bit 0 and hop limit 255" \
	"$(seen miredo "$ours && icmpv6.type == 133" ipv6.src ipv6.hlim teredo.auth.conf | sort -u | head -n 3 | tr '\t' ' ')" \
	"fe80::ffff:ffff:ffff 255 00"
is "tshark finds nothing malformed" "$(seen miredo "$ours && _ws.malformed" _ws.col.Info _ws.expert.message udp.length data.data)" ""

# ---- at Ponto's own server -------------------------------------------------------------------------------------
peer_stop client1
peer_stop public
miredo_stop client2
miredo_stop server
lab exec server ip tuntap add dev teredo-s mode tun user 65534
lab exec server ip link set teredo-s mtu 1280 up
ponto_server 'tun = "teredo-s";'
pair() { # KIND1 KIND2 MEETS
	lab nat nat1 "$1"
	lab nat nat2 "$2"
	peer_start client1
	peer_start client2
	address[client1]=$(peer_address client1) && address[client2]=$(peer_address client2) || bail "$1 or $2 does not qualify"
	tell client2 echo
	check "$1 to $2" reaches client1 "${address[client2]}" "$1-to-$2"
	peer_stop client1
	peer_stop client2
}
pair full-cone port-restricted
pair port-restricted port-restricted
pair address-restricted symmetric
pair symmetric address-restricted
pair symmetric full-cone

# Two behind one NAT that does not hairpin: by the alternate addresses that they tell each other.
lab nat nat1 port-restricted
peer_start client1
peer_start client1b
address[client1]=$(peer_address client1) && address[client1b]=$(peer_address client1b) || bail "one NAT: does not qualify"
tell client1b echo
check "behind one NAT, by alternate addresses" reaches client1 "${address[client1b]}" hairpin
peer_stop client1b
# The same by local discovery alone.
peer_stop client1
peer_start client1 local_discovery=true extensions=symmetric
peer_start client1b local_discovery=true extensions=symmetric
address[client1]=$(peer_address client1) && address[client1b]=$(peer_address client1b) || bail "one link: does not qualify"
in_group() { lab exec "$1" ip -4 maddr show | grep -q 224.0.0.253; }
proves TEREDO-173
check "with local discovery it is in 224.0.0.253" in_group client1

# ---- the server goes -----------------------------------------------------------------------------
peer_stop client1b
peer_stop client1
peer_start client1 refresh=1
qualified client1 192.0.2.101 "a client that asks every second"
lost() { tail -n 1 "$work/client1.out" | grep -q '^local none'; }
node_stop server
until_true 300 lost
check "without server and peers it has no address" lost
ponto_server 'tun = "teredo-s";'
found() { tail -n 1 "$work/client1.out" | grep -q '^local \['; }
until_true 600 found
check "with the server back it has one" found
# ---- a service on it -------------------------------------------------------------------------------------------------
# Names between two networks behind NATs: no node has IPv6 but by Teredo.
peer_stop client1
lab nat nat1 port-restricted
lab nat nat2 port-restricted
names_start() { # HOST PEER-ADDRESS
	mkdir -p "$work/$1/state" "$work/$1/run"
	cat >"$work/$1/ponto.conf" <<CONF
node = { name = "$1"; state = "$work/$1/state"; socket = "ipc://$work/$1/run/bus"; };
transports = { wire = { plugin = "transport-udp4"; };
               wide = { plugin = "transport-teredo"; carrier = "wire"; servers = ["192.0.2.10"]; }; };
stores = { main = { plugin = "store-mem"; }; };
security = { id = { plugin = "security-pki"; }; };
discovery = { seeds = { plugin = "discovery-seed"; peers = [$2]; }; };
services = { pnrp = { plugin = "service-pnrp"; transport = "wide"; }; };
CONF
	chmod 700 "$work/$1/state" "$work/$1/run"
	chown -R 65534:65534 "$work/$1"
	: >"$work/$1.log"
	ip netns exec "${NETLAB_PREFIX:-lab-}$1" "${node_user[@]}" env PONTO_PLUGIN_PATH="$build/.libs" \
		"$build/pontod" -c "$work/$1/ponto.conf" 2>>"$work/$1.log" &
	declare -g "node_pid_$1=$!"
	until_true 150 ponto "$1" node status || bail "the node on $1 does not start"
}
teredo_address() { sed -n 's/.*Teredo address \(2001:[0-9a-f:]*\), .*/\1/p' "$work/$1.log" | tail -n 1; } # HOST
has_teredo() { [ -n "$(teredo_address "$1")" ]; }
names_start client1 ""
until_true 200 has_teredo client1 || bail "client1 does not qualify"
names_start client2 "\"[$(teredo_address client1)]:3540\""
until_true 200 has_teredo client2 || bail "client2 does not qualify"
registers() { ponto client1 name register 0.behind-nat --endpoint "[$(teredo_address client1)]:80"; }
until_true 300 registers || bail "no cloud on client1"
resolves() { ponto client2 name resolve 0.behind-nat; }
until_true 300 resolves
check "a name behind one NAT is resolved behind another" resolves
to_teredo() { resolves | grep -q -F "[$(teredo_address client1)]:80"; }
check "to its Teredo address" to_teredo
node_stop client2
is "a node on Teredo ends" $? 0
echo "1..$count"
[ $bad = 0 ]
