#!/usr/bin/env bash
# Several clouds in one node: A is in the Global_ cloud and in two LinkLocal_ clouds, all on one port. B and C have the
# same link-local address, each on its own link of A's; names of one cloud are not found in another. Then A is
# restarted and back in each cloud after one round trip, by what it kept of its caches.
#
#     A eth0 --+-- br0 --+-- eth0 B           A eth1 --+-- br1 --+-- eth0 C
#
# Everything happens inside private network, mount and process namespaces, which vanish with this script.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
. "$top/tests/interop/namespace.inc.sh"
. "$top/tests/interop/clouds.inc.sh"
plug A eth0 br0 fe80::a 2001:db8::a
plug A eth1 br1 fe80::a
plug B eth0 br0 fe80::b 2001:db8::b
plug C eth0 br1 fe80::b

near='discovery  = { near = { plugin = "discovery-ssdp"; transport = "wide"; }; };'
configure A 'transports = { wide = { plugin = "transport-udp6"; };
               one  = { plugin = "transport-udp6"; interfaces = [ "eth0" ]; };
               two  = { plugin = "transport-udp6"; interfaces = [ "eth1" ]; }; };
'"$near"'
services   = { pnrp  = { plugin = "service-pnrp"; transport = "wide"; scope = "global"; };
               link0 = { plugin = "service-pnrp"; transport = "one"; scope = "link"; };
               link1 = { plugin = "service-pnrp"; transport = "two"; scope = "link"; }; };'
configure B 'transports = { wide = { plugin = "transport-udp6"; }; };
'"$near"'
services   = { pnrp  = { plugin = "service-pnrp"; scope = "global"; };
               link  = { plugin = "service-pnrp"; scope = "link"; }; };'
configure C 'transports = { wide = { plugin = "transport-udp6"; }; };
'"$near"'
services   = { pnrp  = { plugin = "service-pnrp"; scope = "link"; }; };'
for node in A B C; do start $node; done

# ---- three clouds at once ----------------------------------------------------------------
zone0=LinkLocal_%$(index A eth0) zone1=LinkLocal_%$(index A eth1)
zoneB=LinkLocal_%$(index B eth0) zoneC=LinkLocal_%$(index C eth0)
clouds=$(ponto A cloud list | awk '{ print $1 }' | sort | tr '\n' ' ')
expected=$(printf '%s\n' Global_ "$zone0" "$zone1" | sort | tr '\n' ' ')
if [ "$clouds" = "$expected" ]; then ok "one node, three clouds"; else not_ok "one node, three clouds" "$clouds" "$(ponto A cloud list)"; fi
check "a cloud is shown by its name" eval "ponto A cloud show $zone1 | grep -q '^address *\[fe80::a%$(index A eth1)\]:3540'"
check "A registers a name in the one" ponto A name register 0.here --cloud "$zone0" --endpoint '[2001:db8::]:1'
check "the same in the other" ponto A name register 0.here --cloud "$zone1" --endpoint '[2001:db8::]:2'
check "and in the Global_ cloud" ponto A name register 0.here --cloud Global_ --endpoint '[2001:db8::]:3'
check "B registers a name" ponto B name register 0.there --cloud "$zoneB" --endpoint '[2001:db8::]:4'
check "C registers a name" ponto C name register 0.yonder --cloud "$zoneC" --endpoint '[2001:db8::]:5'
for cloud in "$zone0" "$zone1"; do
	if until_true 300 active A "$cloud"; then ok "A knows somebody in $cloud"; else not_ok "A knows somebody in $cloud" "$(ponto A cloud list)"; fi
done
until_true 300 active B "$zoneB" && until_true 300 active B Global_ && until_true 300 active C "$zoneC" ||
	bail "B and C do not find their clouds: $(ponto B cloud list; ponto C cloud list)"
# finds NODE CLOUD NAME PORT
finds() { ponto "$1" name resolve "$3" --cloud "$2" | grep -q "\[2001:db8::\]:$4"; }
proves PNRP-356
check "B finds what is of its link" finds B "$zoneB" 0.here 1
check "C what is of its own" finds C "$zoneC" 0.here 2
check "and B in the Global_ cloud what is of that" finds B Global_ 0.here 3
proves PNRP-280
check "A finds B at fe80::b" finds A "$zone0" 0.there 4
check "A finds C at the same address on the other link" finds A "$zone1" 0.yonder 5
check "what is of one link is not found on the other" eval "! ponto A name resolve 0.there --cloud '$zone1' --timeout 2"
check "nor the other way round" eval "! ponto A name resolve 0.yonder --cloud '$zone0' --timeout 2"
check "nor in the Global_ cloud" eval "! ponto A name resolve 0.there --cloud Global_ --timeout 2"
check "a cloud that is not there is named" eval "ponto A name resolve 0.here --cloud Mars_ 2>&1 | grep -q \"no cloud 'Mars_'\""

# ---- restart ---------------------------------------------------------------------------------
for cloud in Global_ "$zone0" "$zone1"; do ponto A name unregister 0.here --cloud "$cloud" >/dev/null; done
stop A
# A name ends with the node that has it, but for these: others remain, and are still there.
tshark -q -i br1 -w "$work/restart.pcap" 2>"$work/tshark.log" &
capture=$!
until_true 100 grep -q 'Capture started' "$work/tshark.log" || bail "tshark does not capture: $(cat "$work/tshark.log")"
start A
for cloud in "$zone0" "$zone1"; do
	if until_true 30 active A "$cloud"; then ok "after a restart A is back in $cloud"; else not_ok "after a restart A is back in $cloud" "$(ponto A cloud list)" "$(cat "$work/A.log")"; fi
done
captured C "$work/restart.pcap"
kill -INT $capture
wait $capture 2>/dev/null
types=$(tshark -r "$work/restart.pcap" -X "lua_script:$top/docs/wireshark/pnrp.lua" --disable-protocol pnrp -Y ponto_pnrp \
	-T fields -e ipv6.src -e ponto_pnrp.type 2>/dev/null | uniq | tr '\t\n' ': ')
if [ "${types% }" = "fe80::a:0x07 fe80::b:0x08" ]; then ok "one round trip is all it takes: INQUIRE, AUTHORITY"; else not_ok "one round trip is all it takes: INQUIRE, AUTHORITY" "$types"; fi
searches=$(tshark -r "$work/restart.pcap" -Y 'udp.port == 1900' 2>/dev/null | wc -l)
if [ "$searches" = 0 ]; then ok "and nobody is searched"; else not_ok "and nobody is searched" "$searches"; fi
check "C's name is found again" finds A "$zone1" 0.yonder 5
for node in A B C; do stop $node; done
echo "1..$count"
[ $bad = 0 ]
