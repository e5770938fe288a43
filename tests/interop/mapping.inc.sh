# Gateways of the lab for mapping-gateway: miniupnpd on nat1, hostile ones, and a peer on client1. Sourced; $work, $top and
# $build are set. What is started here ends with the namespaces.
lab() { "$top/tests/lab/netlab" "$@"; }
LAB=${NETLAB_PREFIX:-lab-}
user=(setpriv --reuid 65534 --regid 65534 --clear-groups)

# ---- miniupnpd on nat1 -----------------------------------------------------------------------
gate_rules() { # the chains it fills, empty
	lab exec nat1 nft -f - <<'R'
table inet gate
delete table inet gate
table inet gate {
	chain forward { type filter hook forward priority 0; policy accept; jump gate_forward; }
	chain gate_forward { }
	chain prerouting { type nat hook prerouting priority -110; policy accept; jump gate_in; }
	chain postrouting { type nat hook postrouting priority 90; policy accept; jump gate_out; }
	chain gate_in { }
	chain gate_out { }
}
R
}
gate_start() { # [RULE [NATPMP]]: a rule before the others; "no": UPnP alone
	cat >"$work/gate.conf" <<C
ext_ifname=wan
listening_ip=lan
port=5000
enable_natpmp=${2:-yes}
enable_upnp=yes
min_lifetime=10
max_lifetime=86400
secure_mode=yes
system_uptime=no
upnp_table_name=gate
upnp_nat_table_name=gate
upnp_forward_chain=gate_forward
upnp_nat_chain=gate_in
upnp_nat_postrouting_chain=gate_out
uuid=6f0d3c1e-4f5e-4a55-9a53-0d5a3b7d1f01
${1-}
allow 1024-65535 10.0.1.0/24 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
C
	: >"$work/gate.log"
	ip netns exec "${LAB}nat1" miniupnpd -d -f "$work/gate.conf" -P "$work/gate.pid" >>"$work/gate.log" 2>&1 7>&- &
	gate_pid=$!
	until_true 100 gate_listens || bail "miniupnpd does not start"
}
gate_listens() { lab exec nat1 ss -Hltn | grep -q ':5000 '; }
gate_stop() {
	kill "$gate_pid" 2>/dev/null
	wait "$gate_pid" 2>/dev/null
}
gate_forwards() { lab exec nat1 nft list chain inet gate gate_in | grep -q "dport $1 dnat ip to $2"; } # PORT ADDRESS:PORT
gate_forwards_nothing() { ! lab exec nat1 nft list chain inet gate gate_in | grep -q dnat; }
gate_asked() { # N PROTOCOL: so often, by its log
	local pattern
	case $2 in
	pcp) pattern='PCP: Received packet\|PCP request\|PCP MAP' ;;
	natpmp) pattern='NAT-PMP port mapping request' ;;
	upnp) pattern='SOAPAction: .*#AddPortMapping' ;;
	esac
	asked_so() { [ "$(grep -c "$pattern" "$work/gate.log")" -ge "$1" ]; }
	until_true 600 asked_so "$1"
}

# ---- mapping_peer on client1 --------------------------------------------------------------------
peer_start() { # exact|any LIFETIME OPTION=VALUE...
	rm -f "$work/peer.in"
	mkfifo "$work/peer.in"
	: >"$work/peer.out"
	ip netns exec "${LAB}client1" "${user[@]}" env PONTO_LIBEXEC="$build" "$build/tests/interop/mapping_peer" \
		10.0.1.2 40000 udp "$@" <"$work/peer.in" >"$work/peer.out" 2>"$work/peer.log" &
	peer_pid=$!
	exec 7>"$work/peer.in"
}
peer_ended() { ! kill -0 "$peer_pid"; }
# Its status; 137: it did not end.
peer_stop() {
	exec 7>&-
	until_true 200 peer_ended || kill -KILL "$peer_pid"
	wait "$peer_pid"
}
peer_says() { until_true 300 grep -qxF "$1" "$work/peer.out" || { cat "$work/peer.out"; tail -n 5 "$work/peer.log"; return 1; }; }
peer_says_like() { until_true 300 grep -q "^$1" "$work/peer.out" || { cat "$work/peer.out"; tail -n 5 "$work/peer.log"; return 1; }; }
peer_says_now() { [ "$(tail -n 1 "$work/peer.out")" = "$1" ]; }

# ---- hostile gateways on nat1, and whom they point to ----------------------------------------------
hostile_start() { # WHAT
	: >"$work/hostile.out" # what the one before said counts no more
	ip netns exec "${LAB}nat1" python3 "$top/tests/interop/mapping_hostile.py" 10.0.1.1 10.0.1.3 "$1" >"$work/hostile.out" 2>&1 7>&- &
	hostile_pid=$!
	until_true 100 grep -q ready "$work/hostile.out" || bail "no hostile gateway: $(cat "$work/hostile.out")"
}
hostile_stop() {
	kill "$hostile_pid" 2>/dev/null
	wait "$hostile_pid" 2>/dev/null
}
elsewhere_start() {
	: >"$work/elsewhere.asked"
	: >"$work/elsewhere.out"
	ip netns exec "${LAB}client1b" python3 -c '
import socket, sys
l = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
l.bind(("10.0.1.3", 5001))
l.listen(8)
print("ready", flush=True)
while True:
    l.accept()
    open(sys.argv[1], "a").write("asked\n")' "$work/elsewhere.asked" >"$work/elsewhere.out" 7>&- &
	elsewhere_pid=$!
	until_true 100 grep -q ready "$work/elsewhere.out" || bail "nobody is elsewhere"
}
elsewhere_stop() {
	kill "$elsewhere_pid" 2>/dev/null
	wait "$elsewhere_pid" 2>/dev/null
}
