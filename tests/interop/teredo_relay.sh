#!/usr/bin/env bash
# Ponto's Teredo relay between native hosts and miredo clients, whose server is miredo-server; tshark judges what it says.
# The daemon runs without privilege, with a TUN interface of its own.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
. "$top/tests/interop/namespace.inc.sh"
logs="server relay client1 client2 client3 public"
. "$top/tests/interop/teredo.inc.sh"
lab_begin miredo miredo-server python3

ponto_relay 'served = ["2001:db8:6::/64"]; address = "2001:db8:6::20";'
miredo_server
capture_start relay
lab nat nat1 full-cone
lab nat nat2 port-restricted
lab nat nat3 symmetric
declare -A address
for host in client1 client2 client3 public; do miredo_client $host; done
for host in client1 client2 client3 public; do
	address[$host]=$(miredo_address $host) || bail "miredo on $host does not qualify"
done

# ---- both ways -----------------------------------------------------------------------------------
native=2001:db8:6::30
proves TEREDO-236 TEREDO-237
check "a native host reaches a client behind a full cone" pings native6 "${address[client1]}"
check "behind a port-restricted NAT" pings native6 "${address[client2]}"
check "without NAT" pings native6 "${address[public]}"
check "and they reach it" pings client1 $native
check "behind the restricted NAT" pings client2 $native
check "without NAT" pings public $native
check "the largest packets pass" lab exec native6 ping -6 -n -q -c 2 -i 0.2 -W 5 -M do -s 1232 "${address[client2]}"
lab exec native6 ping -6 -n -c 1 -W 2 -M do -s 1233 "${address[client2]}" >"$work/ping" 2>&1
check "a larger one is answered with the MTU" grep -q 'mtu=1280\|mtu = 1280\|too big' "$work/ping"
is "what passed is counted" "$(($(metric relay teredo_relay_to_clients_total) >= 12 && $(metric relay teredo_relay_from_clients_total) >= 12))" 1
is "each client was asked once" "$(metric relay teredo_relay_answers_total)" 3

# ---- who is not served -------------------------------------------------------------------------------
lab exec native6 ip -6 addr add 2001:db8:7::1/64 dev lo
lab exec relay ip -6 route add 2001:db8:7::/64 via $native
before=$(metric relay teredo_relay_dropped_source_total)
lab exec native6 ping -6 -n -q -c 1 -W 1 -I 2001:db8:7::1 "${address[client2]}" >/dev/null 2>&1
proves TEREDO-248
check "a host outside of what is served is not" [ "$(metric relay teredo_relay_dropped_source_total)" -gt "$before" ]
# Strangers: an answer that nobody waits for, a forged source, an echo service as a target.
lab exec public python3 - "${address[client2]}" <<'PY'
import ipaddress, socket, sys
v6 = lambda a: ipaddress.IPv6Address(a).packed
bubble = lambda src: b"\x60\0\0\0\0\0\x3b\xff" + v6(src) + v6("2001:db8:6::30")
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("192.0.2.40", 5000))
mine = bytes.fromhex("20010000c000020a0000") + (5000 ^ 0xffff).to_bytes(2, "big") + bytes(b ^ 0xff for b in (192, 0, 2, 40))
s.sendto(bubble(mine), ("192.0.2.20", 3545))             # stranger
s.sendto(bubble(sys.argv[1]), ("192.0.2.20", 3545))      # forged
s.sendto(bubble("2001:db8:6::30"), ("192.0.2.20", 3545)) # forged
s.sendto(b"hello", ("192.0.2.20", 3545))                 # malformed
PY
counted() { is "$1" "$(metric relay "teredo_relay_dropped_$2_total")" "$3"; }
until_true 50 eval '[ "$(metric relay teredo_relay_dropped_malformed_total)" = 1 ]'
counted "a client nobody has sent to is not heard" stranger 1
counted "nor one that says it is another" forged 2
counted "nor what is no packet" malformed 1
status() { ponto relay --json teredo status | python3 -c 'import json, sys; print(eval(sys.argv[1], json.load(sys.stdin)))' "$1"; }
is "the relay's status" "$(status '[(r["interface"], r["source"], r["local"], r["peers"], r["trusted"], r["queued"], r["answers"], {d["reason"]: d["count"] for d in r["dropped"]}["forged"]) for r in relay]')" \
	"[('teredo-r', '2001:db8:6::20', ['192.0.2.20:3545'], 3, 3, 0, 3, 2)]"
check "the same in words" eval "ponto relay teredo status | grep -qx 'dropped      2 forged'"
is "another instance has none" "$(ponto relay --service another teredo status 2>&1)" "ponto: no Teredo server or relay here"

# ---- in other eyes ---------------------------------------------------------------------------------------
capture_end relay
own='ip.src == 192.0.2.20'
sent=$(seen relay "$own" frame.number | wc -l)
check "the relay said something" [ "$sent" -ge 15 ]
is "all of it from its port, as Teredo" "$(seen relay "$own && udp.srcport == 3545 && ipv6" frame.number | wc -l)" "$sent"
is "nothing malformed, no wrong checksum" "$(seen relay "$own && (_ws.malformed || ip.checksum.status == 0 || icmpv6.checksum.status == 0)" _ws.col.Info)" ""
is "without DF, without ECN" "$(seen relay "$own && (ip.flags.df == 1 || ip.dsfield.ecn != 0)" frame.number)" ""
is "bubbles through the clients' server, from its own address" \
	"$(seen relay "$own && ipv6.nxt == 59" ip.dst udp.dstport ipv6.src | sort -u | sed 's/\t/ /g')" "192.0.2.10 3544 2001:db8:6::20"
proves TEREDO-231
is "only to Teredo clients, from native hosts" "$(seen relay "$own && (ipv6.dst != 2001::/32 || ipv6.src != 2001:db8:6::/64)" frame.number)" ""
node_stop relay
is "the relay ends" $? 0

# ---- server and relay in one node ----------------------------------------------------------------------------
miredo_stop server
lab exec server ip tuntap add dev teredo-s mode tun user 65534
lab exec server ip tuntap add dev teredo-r mode tun user 65534
lab exec server ip link set teredo-s mtu 1280 up
lab exec server ip link set teredo-r mtu 1280 up
lab exec server ip -6 route add 2001::/32 dev teredo-r
lab exec server sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
lab exec native6 ip -6 route replace 2001::/32 via 2001:db8:6::10
node_start server "transports = { udp = { plugin = \"transport-udp4\"; addresses = [\"192.0.2.10\", \"192.0.2.11\"]; }; };
services = { server = { plugin = \"service-teredo-server\"; tun = \"teredo-s\"; }; relay = { plugin = \"service-teredo-relay\"; tun = \"teredo-r\"; }; };"
miredo_stop client2
miredo_client client2
address[client2]=$(miredo_address client2) || bail "miredo does not qualify at the node that is both"
proves TEREDO-230
check "a client reaches a native host" pings client2 $native
check "and that the client" pings native6 "${address[client2]}"
check "through the relay of the same node" [ "$(metric server teredo_relay_from_clients_total)" -ge 3 ]
node_stop server
is "both end" $? 0
echo "1..$count"
[ $bad = 0 ]
