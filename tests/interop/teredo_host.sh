#!/usr/bin/env bash
# The whole machine behind Ponto's client: an interface with its Teredo address, by which any program speaks with miredo
# clients, their server being miredo-server, and by a relay with native hosts. The daemon has no privilege when it runs.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
. "$top/tests/interop/namespace.inc.sh"
logs="server relay client1 client2 public"
. "$top/tests/interop/teredo.inc.sh"
lab_begin miredo miredo-server python3 curl
lab nat nat1 port-restricted
lab nat nat2 port-restricted
miredo_server
ponto_relay 'served = ["2001:db8:6::/64"]; address = "2001:db8:6::20";'
capture_start host

# host_start [PROGRAM...]: pontod on client1, started by that, which brings the privilege; root unless it is somebody else.
host_start() {
	rm -rf "$work/client1"
	mkdir -p -m 700 "$work/client1/state" "$work/client1/run"
	sed -e "s|^node *= {|& state = \"$work/client1/state\"; socket = \"ipc://$work/client1/run/bus\";|; s|user = \"nobody\"|user = \"${user-}\"|" \
		-e 's|tun = "teredo0";|& refresh = 1;|' "$top/docs/examples/configurations/teredo-host.conf" >"$work/client1/ponto.conf"
	chown -R 65534:65534 "$work/client1"
	: >"$work/client1.log"
	ip netns exec "${NETLAB_PREFIX:-lab-}client1" "$@" env PONTO_PLUGIN_PATH="$build/.libs" \
		"$build/pontod" -c "$work/client1/ponto.conf" 2>>"$work/client1.log" &
	node_pid_client1=$!
}
own_addresses() { lab exec client1 ip -6 -br addr show dev teredo0 scope global 2>/dev/null | awk '{ for (i = 3; i <= NF; i++) print $i }'; }
has_address() { [ -n "$(own_addresses)" ]; }
other_address() { has_address && [ "$(own_addresses)" != "$1" ]; } # THE-ONE-BEFORE
helper() { awk '{ print $1 }' "/proc/$node_pid_client1/task/$node_pid_client1/children"; }
capabilities() { awk '/^Cap(Eff|Prm|Inh|Amb)/ { printf "%s ", $2 }' "/proc/$1/status"; }
gone() { ! lab exec client1 ip link show dev teredo0 2>/dev/null; }
ended() { ! kill -0 "$1" 2>/dev/null; }
untouched() { lab exec client1 ip -6 route show table all; lab exec client1 ip -br link; }

# ---- as root, which becomes somebody else -----------------------------------------------------------
before=$(untouched)
user=nobody host_start
check "the machine gets an address" until_true 150 has_address
address=$(own_addresses)
is "with Teredo's prefix" "${address#*/}" 32
address=${address%/*}
is "which says where it is" "$(teredo_fields "$address" | cut -d' ' -f1,4)" "192.0.2.10 192.0.2.101"
is "one default route, behind all others" "$(lab exec client1 ip -6 route show default)" "default dev teredo0 proto static metric 1029 pref medium"
is "the daemon has no capability" "$(capabilities $node_pid_client1)" "0000000000000000 0000000000000000 0000000000000000 0000000000000000 "
is "and is nobody" "$(awk '/^Uid/ { print $2, $3 }' /proc/$node_pid_client1/status)" "65534 65534"
helper=$(helper)
is "its helper has one, CAP_NET_ADMIN" "$(capabilities $helper)" "0000000000000000 0000000000001000 0000000000001000 0000000000000000 "
is "and is nobody too" "$(awk '/^Uid/ { print $2, $3 }' /proc/$helper/status)" "65534 65534"
is "with a channel in place of its input, a socket to the kernel, and nothing else opened" "$(ls /proc/$helper/fd | tr "\n" " ")" "0 1 2 3 "

# ---- with miredo clients --------------------------------------------------------------------------------
for host in client2 public; do miredo_client $host; done
miredo2=$(miredo_address client2) || bail "miredo on client2 does not qualify"
public=$(miredo_address public) || bail "miredo on public does not qualify"
check "ping reaches a miredo client behind a NAT" pings client1 "$miredo2"
check "which reaches the machine" pings client2 "$address"
check "and one without" pings client1 "$public"
check "the largest packets pass" lab exec client1 ping -6 -n -q -c 2 -i 0.2 -W 5 -M do -s 1232 "$miredo2"
head -c 3000000 /dev/urandom >"$work/file"
serve() { ip netns exec "${NETLAB_PREFIX:-lab-}$1" python3 -m http.server -b :: -d "$work" 8000 >>"$work/http.log" 2>&1 & } # HOST
fetch() { # HOST ADDRESS
	rm -f "$work/fetched"
	lab exec "$1" curl -sS -g -6 --retry 5 --retry-connrefused -m 60 -o "$work/fetched" "http://[$2]:8000/file" && cmp "$work/file" "$work/fetched"
}
for host in client1 client2 native6; do serve $host; done
check "curl fetches 3 MB from a server behind miredo" fetch client1 "$miredo2"
check "and miredo's from one of the machine" fetch client2 "$address"

# ---- with native hosts, by a relay ------------------------------------------------------------------------
check "ping reaches a native host" pings client1 2001:db8:6::30
check "which reaches the machine" pings native6 "$address"
check "curl fetches 3 MB from a native host" fetch client1 2001:db8:6::30
check "which fetches them from the machine" fetch native6 "$address"
lab exec native6 python3 -c 'import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.bind(("::", 7000))
while True: s.sendto(*s.recvfrom(2000))' &
echoes() { lab exec native6 ss -Hlun | grep -q ':7000 '; }
until_true 100 echoes || bail "native6 does not echo"
udp() { # ADDRESS PORT: a datagram there and back, or the error
	lab exec client1 python3 - "$1" "$2" <<'PY'
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.settimeout(5)
s.connect((sys.argv[1], int(sys.argv[2])))
try:
    s.send(b"x" * 1200)
    print(len(s.recv(2000)))
except OSError as e:
    print(e.strerror or "timed out")
PY
}
is "UDP of any program passes" "$(udp 2001:db8:6::30 7000)" 1200
is "and that nobody listens is told" "$(udp 2001:db8:6::30 7001)" "Connection refused"
is "whoever cannot be reached is told as that" "$(lab exec client1 ping -6 -n -c 1 -W 9 2001:0:a00:1::1 | grep -o 'Address unreachable' | head -n 1)" "Address unreachable"
# What is no business of another host is not let in: advertisements of routers and neighbours, and groups' news.
before_routes=$(lab exec client1 ip -6 route)
lab exec public python3 - "$public" "$address" <<'PY'
import ipaddress, socket, struct, sys
src, dst = (ipaddress.IPv6Address(a).packed for a in sys.argv[1:])
def packet(kind, body):
    data = struct.pack("!BBH", kind, 0, 0) + body
    pseudo = src + dst + struct.pack("!II", len(data), 58) + data
    n = sum(struct.unpack("!%dH" % (len(pseudo) // 2), pseudo))
    while n >> 16:
        n = (n & 0xffff) + (n >> 16)
    data = data[:2] + struct.pack("!H", n ^ 0xffff) + data[4:]
    return b"\x60\0\0\0" + struct.pack("!HBB", len(data), 58, 255) + src + dst + data
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xc0, 1800, 1800, 0) + bytes.fromhex("20010db8bad00000") + bytes(8)
to = (".".join(str(b ^ 255) for b in dst[12:16]), int.from_bytes(dst[10:12], "big") ^ 0xffff)
# From the port that the other client's address names, as that client could.
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
def send(data):
    raw.sendto(struct.pack("!HHHH", int.from_bytes(src[10:12], "big") ^ 0xffff, to[1], 8 + len(data), 0) + data, (to[0], 0))
send(packet(134, struct.pack("!BBHII", 64, 0, 1800, 0, 0) + prefix))
send(packet(128, b"\0\1\0\1after!"))
PY
check "ping still works" pings client1 "$public"
is "an advertisement of a router changes nothing" "$(lab exec client1 ip -6 route)" "$before_routes"

# ---- a new mapping -------------------------------------------------------------------------------------
old=$(own_addresses)
lab nat nat1 symmetric
check "behind another NAT it gets another address" until_true 300 other_address "$old"
is "and no longer has the one before" "$(own_addresses | wc -l)" 1
is "the route stays" "$(lab exec client1 ip -6 route show default | wc -l)" 1
old=$(own_addresses)
lab nat nat1 port-restricted
check "and another" until_true 300 other_address "$old"
check "and it works" pings client1 "$public" 5

# ---- ends ------------------------------------------------------------------------------------------------
helper=$(helper)
kill "$node_pid_client1"
wait "$node_pid_client1"
is "it ends well" $? 0
check "its helper is gone" ended "$helper"
is "and nothing is left" "$(untouched)" "$before"
user=nobody host_start
until_true 150 has_address || bail "no address the second time"
helper=$(helper)
kill -9 "$node_pid_client1"
wait "$node_pid_client1" 2>/dev/null
check "killed, its helper goes too" until_true 50 ended "$helper"
check "and the interface" until_true 50 gone
is "and nothing is left" "$(untouched)" "$before"

# ---- with one capability, as under systemd -------------------------------------------------------------
host_start setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all,+net_admin --ambient-caps=+net_admin --bounding-set=-all,+net_admin --no-new-privs
check "with nothing but CAP_NET_ADMIN the machine gets an address" until_true 150 has_address
is "the daemon has given it up" "$(capabilities $node_pid_client1)" "0000000000000000 0000000000000000 0000000000000000 0000000000000000 "
check "and it works" pings client1 "$public" 5
kill "$node_pid_client1"
wait "$node_pid_client1"
host_start "${node_user[@]}"
wait "$node_pid_client1"
is "without, it does not start" $? 1
check "and says what it takes" grep -q 'node.grants: tun/teredo0: .*: it takes CAP_NET_ADMIN' "$work/client1.log"

capture_end host
is "nothing malformed was on the wire" "$(seen host 'ip.src == 192.0.2.101 && _ws.malformed' _ws.col.Info)" ""
is "nor with a wrong checksum" "$(seen host 'ip.src == 192.0.2.101 && (tcp.checksum.status == 0 || icmpv6.checksum.status == 0)' _ws.col.Info | head -n 5)" ""
is "nor with DF" "$(seen host 'ip.src == 192.0.2.101 && ip.flags.df == 1 && ip.proto == 17' frame.number)" ""
for host in relay; do node_stop $host || not_ok "$host does not end"; done
echo "1..$count"
[ $bad = 0 ]
