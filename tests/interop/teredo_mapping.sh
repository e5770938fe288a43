#!/usr/bin/env bash
# A Teredo node whose gateway, Debian's miniupnpd, keeps a port for it; and what `ponto node nat-test` and `ponto node
# status` say of that and of other NATs. In the lab of tests/lab, whose public addresses are ones that miniupnpd takes for
# real here.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
build=$(cd "$build" && pwd)

. "$top/tests/interop/namespace.inc.sh"
logs="server client1 client2 client3 gate"
export NETLAB_NET4=11.0.0
. "$top/tests/interop/teredo.inc.sh"
. "$top/tests/interop/mapping.inc.sh"
lab_begin python3 miniupnpd
gate_rules
gate_start

server_start() {
	node_start server 'transports = { udp = { plugin = "transport-udp4"; addresses = ["11.0.0.10", "11.0.0.11"]; }; };
services = { teredo = { plugin = "service-teredo-server"; }; };'
	until_true 100 listens server 11.0.0.11:3544 || bail "the server does not listen"
}
client_start() { # HOST [PROTOCOLS [OPTION [SEED]]]: PROTOCOLS: the gateway is asked by these
	local mapping='' of=''
	[ -z "${2-}" ] || mapping='mappings = { gate = { plugin = "mapping-gateway"; transport = "wire"; protocols = "'$2'"; retry = 2; }; };' of='mapping = "gate";'
	rm -rf "${work:?}/$1"
	: >"$work/$1.log"
	node_start "$1" "transports = { wire = { plugin = \"transport-udp4\"; };
	wide = { plugin = \"transport-teredo\"; carrier = \"wire\"; servers = [\"11.0.0.10\"]; $of ${3-} }; };
$mapping
stores = { main = { plugin = \"store-mem\"; }; };
security = { id = { plugin = \"security-pki\"; }; };
${4+discovery = { seeds = { plugin = \"discovery-seed\"; peers = [\"$4\"]; \}; \};}
services = { pnrp = { plugin = \"service-pnrp\"; transport = \"wide\"; scope = \"global\"; }; };"
}
# nat_test HOST: what it says, in $said; its status in $code
nat_test() {
	said=$(ponto "$1" node nat-test --timeout 60 2>&1)
	code=$?
}
says() { grep -q "$1" <<<"$said" || { echo "$said"; return 1; }; } # TEXT
detail() { ponto "$1" node status | awk -v key="$2" '/^   / && $1 == key { $1 = ""; print substr($0, 2) }'; } # HOST KEY

no_port_left() { # at the hostile gateway
	[ "$(grep -cx AddPortMapping "$work/hostile.out")" -le "$(grep -cx DeletePortMapping "$work/hostile.out")" ]
}

server_start
ip netns exec "${LAB}nat1" tshark -q -i lan -w "$work/soap.pcap" -f 'tcp port 5000' 2>"$work/soap.tshark" &
soap_pid=$!
until_true 100 grep -q 'Capture started' "$work/soap.tshark" || bail "tshark does not capture"
# ---- the gateway keeps a port -----------------------------------------------------------------------
for protocol in upnp natpmp pcp; do
	client_start client1 $protocol
	nat_test client1
	is "$protocol: there is an address" $code 0
	check "$protocol: nat-test says that the port is open" says '^  NAT  *opened: '
	check "$protocol: and by what" says "port mapping   11.0.0.101:[0-9]*, got by "
	check "$protocol: that peers behind symmetric NATs are reached" says '^  yes  *peers behind a symmetric NAT'
	port=$(detail client1 local | cut -d: -f2)
	[ $protocol != upnp ] || proves TEREDO-279
	is "$protocol: the servers see that port" "$(detail client1 mapped)" "11.0.0.101:$port"
	is "$protocol: so this is the only NAT" "$(detail client1 mapping-only-nat)" yes
	check "$protocol: the gateway forwards it" gate_forwards "$port" "10.0.1.2:$port"
	if [ $protocol = upnp ]; then
		proves TEREDO-276
		body="<NewRemoteHost></NewRemoteHost><NewExternalPort>$port</NewExternalPort><NewProtocol>UDP</NewProtocol><NewInternalPort>$port</NewInternalPort><NewInternalClient>10.0.1.2</NewInternalClient><NewEnabled>1</NewEnabled><NewPortMappingDescription>TEREDO</NewPortMappingDescription><NewLeaseDuration>0</NewLeaseDuration>"
		check "asked for as RFC 6081 wants it" until_true 50 grep -aq "$body" "$work/soap.pcap"
		kill -TERM "$soap_pid"
	fi
	node_stop client1
	[ $protocol != upnp ] || proves TEREDO-282
	check "$protocol: given back at the end" until_true 50 gate_forwards_nothing
done
gate_stop
gate_rules

# ---- what that is good for ---------------------------------------------------------------------------------
# What this gateway keeps is for what comes in; what goes out takes the symmetric NAT's other ports.
lab nat nat1 symmetric
gate_start
client_start client1 pcp
nat_test client1
check "a symmetric NAT may keep a port and stay symmetric" says '^  NAT  *symmetric: '
check "and that is said" says 'got by PCP; but what is sent from here leaves by another port'
node_stop client1
gate_stop
gate_rules
# A restricted and a symmetric NAT do not meet, unless the restricted one keeps a port.
lab nat nat1 port-restricted
lab nat nat3 symmetric
gate_start
client_start client1 pcp
nat_test client1
check "a restricted NAT that keeps a port is open" says '^  NAT  *opened: '
check "a node behind it has a name" until_true 100 ponto client1 name register 0.open --comment kept-port
client_start client3 '' '' "[$(detail client1 address)]:3540"
active() { ponto "$1" cloud show 2>/dev/null | grep -q '^state *active'; }
check "one behind a symmetric NAT finds it" until_true 450 active client3
resolves() { ponto "$1" name resolve "$2" --timeout 20 | grep -q "$3"; } # HOST NAME TEXT
check "and resolves its name" resolves client3 0.open kept-port
is "status: the peer is reached" "$(detail client1 peers-reached)" 1
node_stop client3
node_stop client1
gate_stop
gate_rules

# ---- the gateway refuses -----------------------------------------------------------------------------
gate_start 'deny 0-65535 10.0.1.0/24 0-65535'
client_start client1 upnp
nat_test client1
proves TEREDO-277
is "the gateway refuses: there is an address all the same" $code 0
check "and why it has no port" says 'port mapping   none: UPnP: refused'
check "the NAT's kind is told" says '^  NAT  *restricted: '
is "status tells it too" "$(detail client1 nat)" restricted
check "peers behind symmetric NATs are uncertain" says '^  perhaps  *peers behind a symmetric NAT'
is "JSON has the same" "$(ponto client1 --json node nat-test | python3 -c 'import json, sys; t = json.load(sys.stdin)[0]; print(t["nat"], t["details"]["mapped"].split(":")[0], t["works"][0]["answer"])')" "restricted 11.0.0.101 yes"
node_stop client1
gate_stop

# ---- it does not tell its address outside -------------------------------------------------------------
hostile_start never
client_start client1 upnp
nat_test client1
proves TEREDO-278
is "without an address outside: there is a Teredo address all the same" $code 0
check "and why it has no port" says 'port mapping   none: UPnP: refused'
check "the gateway was asked for it" grep -qx GetExternalIPAddress "$work/hostile.out"
check "and keeps no port" no_port_left
node_stop client1
hostile_stop

# ---- other NATs -----------------------------------------------------------------------------------------
lab nat nat3 symmetric
client_start client3
nat_test client3
is "a symmetric NAT: there is an address" $code 0
check "it is told" says '^  NAT  *symmetric: '
check "native hosts are not reached" says '^  no  *hosts with IPv6 of their own'
node_stop client3
client_start client3 '' 'extensions = [];'
nat_test client3
is "without the extension for it there is none" $code 1
check "and why" says 'the NAT is symmetric, and the extension'
node_stop client3
lab nat nat2 blocked
client_start client2
nat_test client2
is "UDP is blocked: no address" $code 1
check "and why" says 'nothing comes back from UDP port 3544'
is "status: the state" "$(detail client2 state)" off-line
node_stop client2
nat_test server
is "a node without Teredo: the answer is no" $code 1
check "and what to do" says 'no transport-teredo is configured'
ponto server node nat-test extra >/dev/null 2>&1
is "an argument too many" $? 2
lab down >/dev/null
echo "1..$count"
[ $bad = 0 ]
