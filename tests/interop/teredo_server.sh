#!/usr/bin/env bash
# Ponto's Teredo server between miredo clients behind NATs of every kind, in the lab of tests/lab; tshark judges what it
# says. The daemon runs without privilege, with a TUN interface of its own.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
. "$top/tests/interop/namespace.inc.sh"
logs="server relay client1 client2 client3 public"
. "$top/tests/interop/teredo.inc.sh"
lab_begin miredo python3

# Native hosts are reached through an interface that belongs to the daemon's user.
lab exec server ip tuntap add dev teredo-s mode tun user 65534
lab exec server ip link set teredo-s mtu 1280 up
lab exec server sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
ponto_server 'tun = "teredo-s";'
miredo_relay
capture_start server

# ---- clients qualify behind every kind of NAT ------------------------------------------------------
declare -A address
client() { # HOST NAT KIND: a client behind a fresh NAT of that kind
	if [ "$2" != "" ]; then lab nat "$2" "$3"; fi
	miredo_client "$1"
}
qualified() { # HOST WAN-ADDRESS
	address[$1]=$(miredo_address "$1") && is "$3 qualifies with its mapping" \
		"$(teredo_fields "${address[$1]}" | cut -d' ' -f1,4)" "192.0.2.10 $2" || bail "miredo on $1 does not qualify"
}
client client1 nat1 full-cone
client client2 nat2 address-restricted
client client3 nat3 port-restricted
client public ""
proves TEREDO-191
qualified client1 192.0.2.101 "a client behind a full cone"
qualified client2 192.0.2.102 "a client behind an address-restricted NAT"
qualified client3 192.0.2.103 "a client behind a port-restricted NAT"
qualified public 192.0.2.40 "a client without NAT"

# ---- and meet ----------------------------------------------------------------------------------------
check "cone to address-restricted" pings client1 "${address[client2]}"
check "address-restricted to port-restricted" pings client2 "${address[client3]}"
check "port-restricted to cone" pings client3 "${address[client1]}"
check "without NAT to port-restricted" pings public "${address[client3]}"
proves TEREDO-205
check "a native host, found through the server's TUN interface and the relay" pings client3 2001:db8:6::30
check "and back, the relay's bubbles passing through the server" pings native6 "${address[client1]}"
miredo_stop client1
miredo_stop client2
client client1 nat1 symmetric
client client2 nat2 full-cone
qualified client1 192.0.2.101 "a client behind a symmetric NAT"
qualified client2 192.0.2.102 "a client behind a full cone, again"
check "cone to symmetric" pings client2 "${address[client1]}"

# ---- what the kind of a NAT is told by -----------------------------------------------------------------
ask() { local host=$1; shift; lab exec "$host" python3 "$top/tests/interop/teredo_rs.py" 192.0.2.10 192.0.2.11 "$@" | sed 's/ mapped .*//'; }
told() { # KIND LINE...
	lab nat nat3 "$1"
	is "behind $1: the answers that come" "$(ask client3 | sort | tr '\n' ';')" "$2"
}
p="prefix 2001:0:c000:20a::/64 confirmed"
primary="to 192.0.2.10 plain from 192.0.2.10:3544 $p;" secondary="to 192.0.2.11 plain from 192.0.2.11:3544 $p;"
crossed="to 192.0.2.10 cone from 192.0.2.11:3544 $p;"
miredo_stop client3
proves TEREDO-192 TEREDO-223
told full-cone "$crossed$primary""to 192.0.2.11 cone from 192.0.2.10:3544 $p;$secondary"
# What comes from an address that was not asked yet does not pass; when both were, the NAT knows both.
proves TEREDO-222
told port-restricted "$primary""to 192.0.2.11 cone from 192.0.2.10:3544 $p;$secondary"
lab nat nat3 blocked
is "behind a NAT without UDP none comes" "$(ask client3)" ""

# ---- in other eyes ---------------------------------------------------------------------------------------
capture_end server
own='(ip.src == 192.0.2.10 || ip.src == 192.0.2.11)'
sent=$(seen server "$own" frame.number | wc -l)
check "the server said something" [ "$sent" -ge 20 ]
is "all of it from its port, as Teredo" "$(seen server "$own && udp.srcport == 3544 && teredo && ipv6" frame.number | wc -l)" "$sent"
is "nothing malformed, no wrong checksum" "$(seen server "$own && (_ws.malformed || ip.checksum.status == 0 || icmpv6.checksum.status == 0)" _ws.expert.message _ws.col.Info)" ""
proves TEREDO-024 TEREDO-027
is "without DF, without ECN" "$(seen server "$own && (ip.flags.df == 1 || ip.dsfield.ecn != 0)" frame.number)" ""
proves TEREDO-015 TEREDO-016
is "each with an origin indication" "$(seen server "$own && !teredo.orig" frame.number)" ""
is "nothing but advertisements, bubbles and echoes" \
	"$(seen server "$own" icmpv6.type ipv6.nxt | sort -u | sed 's/\t/ /' | tr '\n' ';' | sed 's/^ 59;//; s/^134 58;//; s/128 58;//; s/129 58;//')" ""
is "to nobody but clients" "$(seen server "$own" ip.dst | sort -u | tr '\n' ' ')" "192.0.2.101 192.0.2.102 192.0.2.103 192.0.2.40 "
proves TEREDO-219
is "advertisements as RFC 4380 has them" \
	"$(seen server "$own && icmpv6.type == 134" ipv6.src ipv6.hlim icmpv6.opt.prefix icmpv6.opt.prefix.length icmpv6.opt.mtu | sort -u | sed 's/\t/ /g')" \
	"fe80::8000:f227:3fff:fdf5 255 2001:0:c000:20a:: 64 1280"
status() { ponto server --json teredo status | python3 -c 'import json, sys; print(eval(sys.argv[1], json.load(sys.stdin)))' "$1"; }
is "the server's status" "$(status '[(s["instance"], s["serving"], s["primary"], s["secondary"], s["native"], s["secure"], s["keys"], s["advertised"] >= 10, s["relayed"] >= 4, s["forwarded"] >= 1, sum(r["count"] for r in s["refused"])) for s in server]')" \
	"[('teredo', True, '192.0.2.10', '192.0.2.11', True, False, 0, True, True, True, 0)]"
is "the same in words" "$(ponto server teredo status | head -n 4 | tr '\n' ';')" \
	"server       teredo;serves at    192.0.2.10 and 192.0.2.11;clients      any;native hosts through a TUN interface;"
check "what was served is counted" [ "$(metric server teredo_server_advertised_total)" -ge 10 ]
is "nothing was refused" "$(ponto server node metrics | awk '/^ponto_teredo_server_refused/ && $2 > 0')" ""

# ---- secure qualification -----------------------------------------------------------------------------------
node_stop server
is "the server ends" $? 0
mkdir -p "$work/server/state"
printf '# clients\nclient-7 vector-secret\nhex:636c69656e742d38 hex:6f6c64 expired\n' >"$work/server/state/keys"
chmod 600 "$work/server/state/keys"
ponto_server 'secure = true; keys = "keys";'
lab nat nat3 full-cone
proves TEREDO-198 TEREDO-226
sure="client-7 vector-secret"
is "who has no key is not served" "$(ask client3 "" "" $sure)" ""
is "nor who has a wrong one" "$(ask client3 client-7 another $sure)" ""
is "who has one is" "$(ask client3 client-7 vector-secret | wc -l)" 4
proves TEREDO-228
is "who has an old one is told" "$(ask client3 client-8 old | grep -c renew)" 4
node_stop server
is "it ends again" $? 0
echo "1..$count"
[ $bad = 0 ]
