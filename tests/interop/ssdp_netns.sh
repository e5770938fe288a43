#!/usr/bin/env bash
# Neighbours find each other by multicast alone: A and B on one link, C on another one that A has an interface on
# too. What is said on the links is captured and read by tshark's SSDP dissector.
#
#     A eth0 --+-- br0 --+-- eth0 B           A eth1 --+-- br1 --+-- eth0 C
#
# Everything happens inside private network, mount and process namespaces, which vanish with this script.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
. "$top/tests/interop/namespace.inc.sh"
. "$top/tests/interop/links.inc.sh"
plug A eth0 br0 fe80::a 2001:db8::a
plug B eth0 br0 fe80::b 2001:db8::b
plug A eth1 br1 fe80::aa 2001:db8:1::aa
plug C eth0 br1 fe80::c 2001:db8:1::c

# ---- nodes, without privilege --------------------------------------------------------
in_ns() { local node=$1; shift; ip netns exec "$node" "${plain_user[@]}" env PONTO_PLUGIN_PATH="$build/.libs" "$@"; }
ponto() { local node=$1; shift; in_ns "$node" "$build/ponto" --connect "$work/$node/run/bus" "$@"; }
active() { ponto "$1" cloud show | grep -q '^state *active'; }
# node NAME SCOPE: one that knows nobody and listens on eth0
node() {
	mkdir -p "$work/$1/state" "$work/$1/run"
	cat > "$work/$1/ponto.conf" <<CONF
node       = { name = "$1"; state = "$work/$1/state"; socket = "ipc://$work/$1/run/bus"; };
transports = { wide = { plugin = "transport-udp6"; interfaces = [ "eth0" ]; }; };
stores     = { main = { plugin = "store-mem"; }; };
security   = { id = { plugin = "security-pki"; }; };
discovery  = { near = { plugin = "discovery-ssdp"; }; };
services   = { pnrp = { plugin = "service-pnrp"; scope = "$2"; }; };
CONF
	chmod 700 "$work/$1/state" "$work/$1/run"
	[ ${#plain_user[@]} = 0 ] || chown -R 65534:65534 "$work/$1"
	in_ns "$1" "$build/pontod" -c "$work/$1/ponto.conf" 2>"$work/$1.log" &
	until_true 150 ponto "$1" node status || bail "node $1 does not start"
}
stop() {
	local n pid
	for n in "$@"; do
		pid=$(ponto "$n" --json node status | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')
		kill -TERM "$pid"
		until_true 50 eval "! kill -0 $pid" || bail "node $n does not end"
	done
}

capture() { # BRIDGE FILE
	: >"$work/tshark.log"
	tshark -q -i "$1" -w "$2" 2>"$work/tshark.log" &
	captures+=($!)
	until_true 100 grep -q 'Capture started' "$work/tshark.log" || bail "tshark does not capture: $(cat "$work/tshark.log")"
}
captures=()

# round SCOPE TEXT ADDRESS-OF-A: the same with a cloud of each scope
round() {
	local scope=$1 text=$2 location=$3 all=$work/$1.pcap other=$work/$1-other.pcap stranger=$work/$1.answer
	captures=()
	capture br0 "$all"
	capture br1 "$other"
	node A "$scope"
	check "$scope: a name is registered" ponto A name register 0.here --endpoint '[2001:db8::a]:80'
	node B "$scope"
	node C "$scope"
	if until_true 300 active B; then ok "$scope: B finds its neighbour"; else not_ok "$scope: B finds its neighbour" "$(cat "$work/B.log")"; fi
	check "$scope: and what it registered" ponto B name resolve 0.here
	if [ "$scope" = link ]; then
		check "$scope: C, on another link, does not find it" eval "! ponto C name resolve 0.here --timeout 2"
	fi
	# A stranger with Windows' own words, 146 bytes for the link-local cloud.
	ask() { # for how many seconds
		printf 'M-SEARCH * HTTP/1.1\r\nHost:[FF02::C]:1900\r\nST:urn:Microsoft Windows Peer Name Resolution Protocol: V4:IPV6:%s\r\nMan:"ssdp:discover"\r\nMX:3\r\n\r\n' "$text" |
			ip netns exec B "$build/tests/interop/ssdp_stranger" eth0 "$1" > "$stranger"
	}
	ask 60
	proves PNRP-473 PNRP-474
	check "$scope: a stranger is answered" grep -q "^AL:\[$location\]:3540"$'\r''$' "$stranger"
	check "$scope: with the right target" grep -q "^ST:urn:Microsoft Windows Peer Name Resolution Protocol: V4:IPV6:$text"$'\r''$' "$stranger"
	check "$scope: A unregisters its last name" ponto A name unregister 0.here
	sleep 1
	ask 4
	proves PNRP-478
	if [ -s "$stranger" ]; then not_ok "$scope: and nobody answers" "$(cat "$stranger")"; else ok "$scope: and nobody answers"; fi
	stop A B C
	captured B "$all"
	captured C "$other"
	kill -INT "${captures[@]}"
	wait "${captures[@]}" 2>/dev/null
	examine "$scope" "$text" "$location" "$all" "$other"
}

# ---- what was on the wire, in other eyes ----------------------------------------------
examine() {
	local scope=$1 text=$2 location=$3 all=$4 other=$5 target ports decode=() n
	target="urn:Microsoft Windows Peer Name Resolution Protocol: V4:IPV6:$text"
	read_all() { tshark -r "$all" "${decode[@]}" "$@" 2>"$work/tshark.err"; }
	# Answers go from port to port of the nodes' own: tell tshark which those are.
	ports=$(read_all -Y 'ssdp && http.request.method == "M-SEARCH"' -T fields -e udp.srcport | sort -u)
	for port in $ports; do decode+=(-d "udp.port==$port,ssdp"); done
	n=$(read_all -Y "ssdp && http.request.method == \"M-SEARCH\" && ipv6.dst == ff02::c && udp.dstport == 1900 && ipv6.hlim == 1 && frame contains \"ST:$target\"" -T fields -e frame.number | wc -l)
	proves PNRP-305 PNRP-306 PNRP-307
	if [ "$n" -ge 2 ]; then ok "$scope: the searches are SSDP"; else not_ok "$scope: the searches are SSDP" "$n" "$(read_all | head -n 30)"; fi
	n=$(read_all -Y "ssdp && http.response.code == 200 && frame contains \"ST:$target\" && frame contains \"AL:[$location]:3540\"" -T fields -e frame.number | wc -l)
	if [ "$n" -ge 1 ]; then ok "$scope: the answers are SSDP"; else not_ok "$scope: the answers are SSDP" "$n" "$(read_all | head -n 30)"; fi
	for word in alive byebye; do
		n=$(read_all -Y "ssdp && http.request.method == NOTIFY && frame contains \"NT:$target\" && frame contains \"NTS:ssdp:$word\"" -T fields -e frame.number | wc -l)
		if [ "$n" -ge 1 ]; then ok "$scope: ssdp:$word is announced"; else not_ok "$scope: ssdp:$word is announced" "$(read_all | head -n 30)"; fi
	done
	n=$(read_all -Y 'ssdp && _ws.malformed' | head -n 5)
	if [ -z "$n" ]; then ok "$scope: nothing is malformed"; else not_ok "$scope: nothing is malformed" "$n"; fi
	n=$(tshark -r "$other" -Y 'udp.port == 1900 && (ipv6.src == fe80::aa || ipv6.src == 2001:db8:1::aa)' 2>/dev/null | head -n 5)
	if [ -z "$n" ]; then ok "$scope: A says nothing on the link it does not use"; else not_ok "$scope: A says nothing on the link it does not use" "$n"; fi
}

round link LinkLocal fe80::a
round global Global 2001:db8::a
length=$(tshark -r "$work/link.pcap" -Y 'udp.dstport == 1900 && ipv6.src == fe80::b && frame contains "M-SEARCH"' -T fields -e udp.length 2>/dev/null | sort -u)
if [ "$length" = 154 ]; then ok "a search has the 146 bytes of Windows'"; else not_ok "a search has the 146 bytes of Windows'" "$length"; fi
echo "1..$count"
[ $bad = 0 ]
