#!/usr/bin/env bash
# Ponto's nodes in one cloud, one of them behind a NAT without IPv6: by Ponto's Teredo server and relay with one that has
# native IPv6; then with one that is a relay for itself, and for nobody else, in the same daemon without privilege.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
. "$top/tests/interop/namespace.inc.sh"
logs="server relay native6 client1"
. "$top/tests/interop/teredo.inc.sh"
lab_begin python3
lab exec server ip tuntap add dev teredo-s mode tun user 65534
lab exec server ip link set teredo-s mtu 1280 up
lab exec server sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
lab nat nat1 port-restricted
ponto_server 'tun = "teredo-s";'
ponto_relay 'served = ["2001:db8:6::/64"]; address = "2001:db8:6::20";'

node() { # HOST TRANSPORTS TRANSPORT SEED [FURTHER-SERVICE]
	node_start "$1" "transports = { $2 };
stores = { main = { plugin = \"store-mem\"; }; };
security = { id = { plugin = \"security-pki\"; }; };
discovery = { seeds = { plugin = \"discovery-seed\"; peers = [$4]; }; };
services = { pnrp = { plugin = \"service-pnrp\"; transport = \"$3\"; scope = \"global\"; }; ${5-} };"
}
active() { ponto "$1" cloud show 2>/dev/null | grep -q '^state *active'; }
resolves() { ponto "$1" name resolve "$2" --timeout 20 | grep -q "$3"; } # HOST NAME TEXT
teredo='wire = { plugin = "transport-udp4"; }; wide = { plugin = "transport-teredo"; carrier = "wire"; servers = ["192.0.2.10"]; };'

# ---- through the relay ---------------------------------------------------------------------------
node native6 'wide = { plugin = "transport-udp6"; };' wide ''
check "a node with native IPv6 has a name" ponto native6 name register 0.native --comment by-relay
node client1 "$teredo" wide '"[2001:db8:6::30]:3540"'
check "a node behind a NAT finds the cloud" until_true 450 active client1
check "it resolves the other's name" resolves client1 0.native by-relay
check "it registers one" ponto client1 name register 0.behind --comment behind-nat
check "which the other resolves" resolves native6 0.behind behind-nat
check "all through the relay" [ "$(metric relay teredo_relay_from_clients_total)" -ge 3 -a "$(metric relay teredo_relay_to_clients_total)" -ge 3 ]

# ---- a host that is a relay for itself --------------------------------------------------------------
# Nobody forwards; the interface and its route are the administrator's.
node_stop native6
node_stop relay
lab exec relay sh -c 'echo 0 >/proc/sys/net/ipv6/conf/all/forwarding'
address=$(ponto client1 cloud show | grep -o '2001:0*:[0-9a-f:]*' | head -n 1)
is "the address of the node behind the NAT" "$(teredo_fields "$address" | cut -d' ' -f1,4)" "192.0.2.10 192.0.2.101"
rm -rf "$work/relay"
network() { lab exec relay ip -6 route show table all | sed 's/ linkdown//' | sort; lab exec relay ip -6 addr show dev eth0; }
before=$(network)
capture_start host
node relay 'six = { plugin = "transport-udp6"; addresses = ["2001:db8:6::20"]; }; four = { plugin = "transport-udp4"; addresses = ["192.0.2.20"]; };' \
	six "\"[$address]:3540\"" \
	'own = { plugin = "service-teredo-relay"; transport = "four"; tun = "teredo-r"; served = ["2001:db8:6::20"]; natted = true; };'
check "a host that is its own relay joins by the node behind the NAT" until_true 450 active relay
check "it resolves that one's name" resolves relay 0.behind behind-nat
check "it registers one" ponto relay name register 0.host --comment own-relay
check "which that one resolves" resolves client1 0.host own-relay
proves TEREDO-250
is "it made no route and no address" "$(network)" "$before"
capture_end host
own='ip.src == 192.0.2.20'
proves TEREDO-251 TEREDO-253
is "without capabilities" "$(awk '/^Cap(Eff|Prm)/ { print $2 }' /proc/$node_pid_relay/status | sort -u)" 0000000000000000
check "it spoke with that one by UDP over IPv4, from its native address" \
	[ "$(seen host "$own && ip.dst == 192.0.2.101 && ipv6.src == 2001:db8:6::20 && ipv6.nxt == 17" frame.number | wc -l)" -ge 3 ]
proves TEREDO-242
is "with bubbles through its server, and directly for NATs of its own" \
	"$(seen host "$own && ipv6.nxt == 59" ip.dst | sort -u | tr '\n' ' ')" "192.0.2.10 192.0.2.101 "
is "without DF" "$(seen host "$own && ip.flags.df == 1 && ip.proto == 17" frame.number)" ""
is "nothing malformed" "$(seen host "$own && _ws.malformed" _ws.col.Info)" ""
for host in relay client1 server; do node_stop $host || not_ok "$host does not end"; done
echo "1..$count"
[ $bad = 0 ]
