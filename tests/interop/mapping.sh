#!/usr/bin/env bash
# mapping-gateway, as an ordinary user, asks gateways for a port: Debian's miniupnpd by PCP, NAT-PMP and UPnP, and some
# that mean harm. In the lab of tests/lab, whose public addresses are ones that miniupnpd takes for real here.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-.}
build=$(cd "$build" && pwd)
. "$top/tests/interop/namespace.inc.sh"
[ "$PONTO_IN_NAMESPACE" = 0 ] || { echo "1..0 # SKIP needs root for the lab"; exit 0; }
needs ip nft conntrack miniupnpd python3 setpriv
logs="gate peer"
export NETLAB_NET4=11.0.0
. "$top/tests/interop/mapping.inc.sh"
lab up >"$work/lab" || bail "the lab does not come up"
lab exec nat1 sh -c 'echo 1 >/proc/sys/net/ipv4/conf/all/promote_secondaries'
gate_rules

# ---- what each protocol does -------------------------------------------------------------------
heard() { # MESSAGE: something from outside comes in through the mapping
	: >"$work/heard"
	lab exec client1 timeout 30 python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.0.1.2", 40000))
print("ready", flush=True)
print(s.recvfrom(100)[0].decode(), flush=True)' >"$work/heard" 7>&- &
	until_true 100 grep -q ready "$work/heard" || return 1
	until_true 100 sent_and_heard "$1"
}
# Once may be lost: a gateway that renews by taking away and adding again forwards nothing in between.
sent_and_heard() {
	lab exec public python3 -c 'import socket, sys
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(sys.argv[1].encode(), ("11.0.0.101", 40000))' "$1"
	grep -q "$1" "$work/heard"
}

# The peer ends, and its process with success: NAME
ends() {
	peer_stop
	is "$1" $? 0
}

declare -A by=([pcp]=PCP [natpmp]=NAT-PMP [upnp]=UPnP)
for protocol in ${PROTOCOLS-pcp natpmp upnp}; do
	name=${by[$protocol]}
	gate_start
	peer_start any 0 "protocols=$protocol" lifetime=10 check=2 retry=2
	check "$name gets the port" peer_says "held 11.0.0.101:40000 by $name"
	check "$name: the gateway forwards it" gate_forwards 40000 10.0.1.2:40000
	check "$name: it is open from outside" heard "hello-$protocol"
	check "$name: it is renewed" gate_asked 2 "$protocol"
	check "$name: and still there" gate_forwards 40000 10.0.1.2:40000
	gate_stop
	gate_rules
	gate_start
	check "$name: a gateway that was started anew is asked again" until_true 400 gate_forwards 40000 10.0.1.2:40000
	lab exec nat1 ip addr add 11.0.0.111/24 dev wan
	lab exec nat1 ip addr del 11.0.0.101/24 dev wan
	check "$name: another address outside is learned" until_true 400 peer_says_now "held 11.0.0.111:40000 by $name"
	lab exec nat1 ip addr add 11.0.0.101/24 dev wan
	lab exec nat1 ip addr del 11.0.0.111/24 dev wan
	ends "$name: at the end"
	check "$name: the port is given back" until_true 50 gate_forwards_nothing
	gate_stop
	gate_rules

	gate_start "deny 40000 10.0.1.0/24 1024-65535"
	peer_start exact 0 "protocols=$protocol"
	check "$name: a refusal is told" peer_says_like "none: $name: refused"
	check "$name: and nothing is forwarded" gate_forwards_nothing
	ends "$name: it ends all the same"
	gate_stop
	gate_rules
done

# ---- one after the other ---------------------------------------------------------------------------
peer_start any 0 patience=1 retry=2
check "no gateway answers: why is told for each" peer_says_like "none: PCP: no answer; NAT-PMP: .*; UPnP: no answer"
gate_start "" no
check "one that only knows UPnP is found later" peer_says_like "held 11.0.0.101:40000 by UPnP"
ends "it ends"
gate_stop
gate_rules
gate_start
peer_start any 0
check "of all three, PCP" peer_says "held 11.0.0.101:40000 by PCP"
ends "it ends"
gate_stop
gate_rules
lab exec client1 ip route del default
peer_start any 0
check "without a default route" peer_says "none: there is no default route"
ends "it ends"
lab exec client1 ip route add default via 10.0.1.1

# ---- hostile gateways ----------------------------------------------------------------------------------
hostile_start pcp
peer_start any 3600 protocols=pcp patience=60
check "PCP: of many answers only the right one counts" peer_says "held 11.0.0.101:7777 by PCP"
is "and nothing was believed before" "$(wc -l <"$work/peer.out")" 1
ends "it ends"
hostile_stop
for what in redirect elsewhere control endless trickle; do
	elsewhere_start
	hostile_start $what
	peer_start any 0 protocols=upnp
	check "UPnP, $what: nothing is believed" peer_says_like "none: UPnP: "
	is "UPnP, $what: nobody else is asked" "$(cat "$work/elsewhere.asked")" ""
	ends "UPnP, $what: it ends"
	hostile_stop
	elsewhere_stop
done
# Without an address outside a port is worth nothing: it is not left behind.
hostile_start lost
peer_start any 0 protocols=upnp check=2 retry=60
check "UPnP: a gateway that tells its address keeps the port" peer_says "held 11.0.0.101:40000 by UPnP"
check "UPnP: when it tells none any more the port is given back" until_true 200 grep -qx DeletePortMapping "$work/hostile.out"
check "UPnP: and that is told" peer_says_like "none: UPnP: refused, refused, error 501"
ends "UPnP: it ends"
hostile_stop
hostile_start trickle
peer_start any 0 protocols=upnp
being_read() { until_true 200 grep -q asked "$work/hostile.out" || { cat "$work/hostile.out" "$work/peer.out"; tail -n 5 "$work/peer.log"; return 1; }; }
check "UPnP: a device is being read" being_read
ends "and the node ends meanwhile"
hostile_stop
lab down >/dev/null
echo "1..$count"
[ $bad = 0 ]
