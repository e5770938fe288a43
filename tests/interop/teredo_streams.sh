#!/usr/bin/env bash
# Streams over Teredo: between Ponto's nodes behind NATs, with the TCP of a miredo client, and of a native host behind a
# relay. Without privilege; the own part of a node is a private network namespace that it makes itself.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
. "$top/tests/interop/namespace.inc.sh"
logs="server relay client1 client2 client3 public"
. "$top/tests/interop/teredo.inc.sh"
. "$top/tests/interop/teredo_peers.inc.sh"
lab_begin miredo miredo-server python3
linked tests/interop/stream_peer
"${node_user[@]}" unshare --user --net true 2>/dev/null || { echo "1..0 # SKIP no unprivileged namespaces here"; exit 0; }

# Where /dev/net/tun is not, as in many containers.
without_tun=(unshare --mount sh -c 'mount -t tmpfs none /dev/net && exec "$@"' sh)
hidden=()
peer_start() { # HOST [OPTION=VALUE]...
	peer_run "$1" "${hidden[@]}" "${node_user[@]}" "$build/tests/interop/stream_peer" teredo :: servers=192.0.2.10 "${@:2}"
}
said() { grep -qx "$2" "$work/$1.out"; } # HOST LINE
# Connecting begins anew when the first try was lost on the way. echoes HOST ADDRESS BYTES
echoes() {
	local i
	: >"$work/$1.out"
	for i in 1 2 3; do
		tell "$1" echo "[$2]:${4-4000}" "$3"
		until_true 400 grep -q '^echoed\|^failed\|^garbled' "$work/$1.out"
		said "$1" "echoed $3 of $3" && return 0
		grep -q '^garbled' "$work/$1.out" && break
		: >"$work/$1.out"
	done
	cat "$work/$1.out" "$work/$1.log"
	return 1
}

# ---- two nodes, NATs of every kind ----------------------------------------------------------------
ponto_server
declare -A address
both() { # KIND1 KIND2
	lab nat nat1 "$1"
	lab nat nat2 "$2"
	for host in client1 client2; do
		peer_start $host
		address[$host]=$(peer_address $host) || bail "the node on $host does not qualify"
	done
	check "a node behind a $1 NAT streams to one behind a $2 NAT, 3 MB there and back" echoes client1 "${address[client2]}" 3000000
	check "and the other way" echoes client2 "${address[client1]}" 3000000
	peer_stop client1
	peer_stop client2
}
both full-cone full-cone
both address-restricted port-restricted
both port-restricted port-restricted
both full-cone symmetric

# ---- streams at once, and ends ----------------------------------------------------------------------
lab nat nat1 port-restricted
lab nat nat2 port-restricted
for host in client1 client2; do
	peer_start $host
	address[$host]=$(peer_address $host) || bail "the node on $host does not qualify"
done
check "one works" echoes client1 "${address[client2]}" 1000
: >"$work/client1.out"
for i in $(seq 20); do tell client1 echo "[${address[client2]}]:4000" 100000; done
twenty() { [ "$(grep -cx 'echoed 100000 of 100000' "$work/client1.out")" = 20 ]; }
check "twenty streams at once" until_true 600 twenty
: >"$work/client1.out"
tell client1 echo "[${address[client2]}]:4444" 10
check "a port where nobody listens refuses" until_true 300 said client1 "failed: unreachable"
: >"$work/client1.out"
tell client1 echo "[2001:0:c000:20a:0:f000:3fff:fd01]:4000" 10
check "a peer that does not answer is told as out of reach, not after half a minute of silence alone" \
	until_true 600 grep -q '^failed: ' "$work/client1.out"
is "with the reason" "$(grep '^failed' "$work/client1.out")" "failed: unreachable"
# The TCP in the namespace is nobody else's.
is "nothing of it is seen on the host" "$(lab exec client1 ss -Htln | grep -c ':400[01]')" 0
is "no interface either" "$(lab exec client1 ip -br link | grep -c ponto0)" 0
peer_stop client1
peer_stop client2

# ---- where the kernel's TCP cannot be had -----------------------------------------------------------------
hidden=("${without_tun[@]}")
peer_start client2
check "without namespaces there are no streams" until_true 200 said client2 "listening: not supported"
is "and the log says why" "$(grep -c 'warning transport.stack .*: /dev/net/tun cannot be opened: No such file' "$work/client2.log")" 1
peer_stop client2
peer_start client2 weak_streams=true
hidden=()
address[client2]=$(peer_address client2) || bail "the node on client2 does not qualify"
check "unless weak ones are allowed" said client2 "listening: success"
check "which want TLS" said client2 "wants TLS: yes"
check "which the log warns of" grep -q 'warning transport.teredo .*without TLS' "$work/client2.log"
peer_start client1
address[client1]=$(peer_address client1) || bail "the node on client1 does not qualify"
check "the kernel's want none" said client1 "wants TLS: no"
check "they work with the kernel's, 3 MB there and back" echoes client1 "${address[client2]}" 3000000
check "and the other way" echoes client2 "${address[client1]}" 3000000
peer_stop client1
peer_stop client2

# ---- with others' TCP -----------------------------------------------------------------------------------
node_stop server
miredo_server
peer_start client1
address[client1]=$(peer_address client1) || bail "the node does not qualify at miredo-server"
miredo_client client2
address[miredo]=$(miredo_address client2) || bail "miredo does not qualify"
cat >"$work/echo.py" <<'PY'
import socket, sys, threading
def serve(c):
    while True:
        d = c.recv(65536)
        if not d: break
        c.sendall(d)
    c.shutdown(socket.SHUT_WR)
s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
s.bind(("::", 4000)); s.listen()
while True: threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
PY
cat >"$work/call.py" <<'PY'
import os, socket, sys, threading
data = os.urandom(2000000)
s = socket.create_connection((sys.argv[1], 4000), 30)
def send():
    s.sendall(data); s.shutdown(socket.SHUT_WR)
threading.Thread(target=send).start()
got = b""
while True:
    d = s.recv(65536)
    if not d: break
    got += d
sys.exit(0 if got == data else 1)
PY
serves() { [ -n "$(lab exec "$1" ss -Htln 'sport = 4000')" ]; } # HOST
ip netns exec "${NETLAB_PREFIX:-lab-}client2" python3 "$work/echo.py" &
until_true 100 serves client2 || bail "no echo on client2"
check "a stream to a program behind a miredo client" echoes client1 "${address[miredo]}" 2000000
calls() { local i; for i in 1 2 3; do lab exec "$1" timeout 60 python3 "$work/call.py" "$2" && return 0; done; return 1; }
check "and from one" calls client2 "${address[client1]}"
ponto_relay
ip netns exec "${NETLAB_PREFIX:-lab-}native6" python3 "$work/echo.py" &
until_true 100 serves native6 || bail "no echo on native6"
check "a stream to a native host, through a relay" echoes client1 2001:db8:6::30 2000000
check "and from it" calls native6 "${address[client1]}"
peer_stop client1
is "no sanitizer or assertion spoke" "$(cat "$work"/client*.log | grep -c -i 'sanitizer\|assert')" 0
echo "1..$count"
[ $bad = 0 ]
