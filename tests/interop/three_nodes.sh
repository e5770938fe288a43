#!/usr/bin/env bash
# Three nodes in three network namespaces on one bridge; A and C know only B.
# C resolves A's names; every captured packet decodes in the project's dissector.
# Everything happens inside private network, mount and process namespaces, which
# vanish with this script.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
. "$top/tests/interop/namespace.inc.sh"
. "$top/tests/interop/clouds.inc.sh"
plug A eth0 br0 2001:db8::a
plug B eth0 br0 2001:db8::b
plug C eth0 br0 2001:db8::c
for node in A B C; do
	configure $node 'transports = { wide = { plugin = "transport-udp6"; }; };
discovery  = { seeds = { plugin = "discovery-seed"; peers = [ '"$([ $node = B ] || echo '"[2001:db8::b]:3540"')"' ]; }; };
services   = { pnrp = { plugin = "service-pnrp"; scope = "global"; }; };'
done
tshark -q -i br0 -w "$work/all.pcap" 2>"$work/tshark.log" &
capture=$!
until_true 100 grep -q 'Capture started' "$work/tshark.log" || bail "tshark does not capture: $(cat "$work/tshark.log")"
for node in B A C; do start $node; done
ok "three nodes start without privilege"

# ---- names ----------------------------------------------------------------------------
active() { ponto "$1" cloud show | grep -q '^state *active'; }
check "B registers a name" ponto B name register 0.seed
until_true 300 active A || bail "A does not find the cloud"
until_true 300 active C || bail "C does not find the cloud"
ok "A and C find the cloud through B"
check "A registers an unsecured name" ponto A name register 0.printer --endpoint '[2001:db8::a]:631/tcp' --comment 'third floor'
authority=$(ponto A --json identity create anna | sed -n 's/.*"id": "\([0-9a-f]\{40\}\)".*/\1/p')
check "A registers a secured name" ponto A name register "$authority.desk" --endpoint '[2001:db8::a]:22'
head -c 3000 /dev/urandom > "$work/payload"
chmod 644 "$work/payload"
check "A registers a name with a payload that needs fragments" \
	ponto A name register 0.large --payload "$work/payload" --endpoint '[2001:db8::a]:9'

resolves() { ponto C --json name resolve "$1" --trace > "$work/answer.json" 2>"$work/answer.err" || { cat "$work/answer.err"; return 1; }; }
check "C resolves A's unsecured name" resolves 0.printer
check "with its endpoint and comment" grep -q '"port": 631' "$work/answer.json"
check "C resolves A's secured name" resolves "$authority.desk"
check "and knows that it is secured" grep -q '"secured": true' "$work/answer.json"
hops=$(grep -c '"rtt_us"' "$work/answer.json")
if [ "$hops" -ge 1 ] && [ "$hops" -le 4 ]; then ok "in $hops round trips"; else not_ok "in few round trips" "$hops"; fi
check "C resolves the name with the fragmented payload" resolves 0.large
hex=$(od -An -v -tx1 "$work/payload" | tr -d ' \n')
if grep -q "$hex" "$work/answer.json"; then ok "the payload arrives whole"; else not_ok "the payload arrives whole"; fi
missing() { ! ponto C name resolve 0.nobody --timeout 8; }
check "a name nobody registered is not found" missing
check "A unregisters" ponto A name unregister 0.printer
gone() { ! ponto C name resolve 0.printer --timeout 3; }
check "and C does not find it any more" until_true 20 gone

captured A "$work/all.pcap"
kill -INT $capture
wait $capture 2>/dev/null

# ---- what was on the wire -----------------------------------------------------------------
dissect() { tshark -r "$work/all.pcap" -X "lua_script:$top/docs/wireshark/pnrp.lua" --disable-protocol pnrp "$@" 2>"$work/tshark.err"; }
packets=$(dissect -Y ponto_pnrp -T fields -e frame.number | wc -l)
if [ "$packets" -gt 20 ]; then ok "$packets packets of PNRP captured"; else not_ok "packets captured" "$packets" "$(cat "$work/tshark.err")"; fi
strangers=$(dissect -Y 'udp && !ponto_pnrp && !icmpv6 && !mdns && udp.dstport != 9' | head -n 5)
others=$(dissect -Y 'ipv6 && !udp && !icmpv6' | head -n 5)
echo '# proves PNRP-001'
if [ -z "$others" ]; then ok "nothing but UDP carries it"; else not_ok "nothing but UDP carries it" "$others"; fi
if [ -z "$strangers" ]; then ok "every UDP datagram is PNRP"; else not_ok "every UDP datagram is PNRP" "$strangers"; fi
faults=$(dissect -Y 'ponto_pnrp.malformed || ponto_pnrp.invalid || _ws.malformed || _ws.lua.error' | head -n 10)
if [ -z "$faults" ]; then ok "every packet decodes"; else not_ok "every packet decodes" "$faults"; fi
types=$(dissect -Y ponto_pnrp -T fields -e ponto_pnrp.type | sort -u | tr '\n' ' ')
for type in 1 2 3 4 7 8 9 11; do
	if dissect -Y "ponto_pnrp.type == $type" -T fields -e frame.number | grep -q .; then
		ok "message type $type was among them"
	else
		not_ok "message type $type was among them" "seen: $types"
	fi
done

# ---- the end ----------------------------------------------------------------------------------
for node in A B C; do
	pid=$(ponto $node --json node status | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')
	kill -TERM "$pid"
	until_true 20 eval "! kill -0 $pid" && ok "node $node ends" || not_ok "node $node ends"
done
echo "1..$count"
[ $bad = 0 ]
