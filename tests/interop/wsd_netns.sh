#!/usr/bin/env bash
# Who holds a segment, over real multicast of both families: A and B on one link, C on another one that A has an
# interface on too. B and C are strangers written from [MS-PCCRD] alone. What is said is captured by tshark.
#
#     A eth0 --+-- br0 --+-- eth0 B           A eth1 --+-- br1 --+-- eth0 C
#
# Everything happens inside private network, mount and process namespaces, which vanish with this script.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
. "$top/tests/interop/namespace.inc.sh"
. "$top/tests/interop/links.inc.sh"
# same NAME EXPECTED ACTUAL
same() { is "$1" "$3" "$2"; }
plug A eth0 br0 fe80::1 2001:db8:0::1
plug B eth0 br0 fe80::2 2001:db8:0::2
plug A eth1 br1 fe80::1 2001:db8:1::1
plug C eth0 br1 fe80::3 2001:db8:1::3
ip -n A addr add 192.0.2.1/25 dev eth0
ip -n B addr add 192.0.2.2/25 dev eth0
ip -n A addr add 192.0.2.129/25 dev eth1
ip -n C addr add 192.0.2.131/25 dev eth0

# ---- who takes part -------------------------------------------------------------------
stranger() { local node=$1; shift; ip netns exec "$node" python3 "$top/tests/interop/wsd_stranger.py" "$@"; }
mkfifo "$work/A.in"
ip netns exec A "${plain_user[@]}" "$build/tests/interop/wsd_peer" suppress=0 wait=2000 <"$work/A.in" >"$work/A.out" 2>"$work/A.log" &
exec 9>"$work/A.in"
tell() { printf '%s\n' "$*" >&9; }
until_true 100 grep -q '^ready' "$work/A.out" || bail "A does not start: $(cat "$work/A.out" "$work/A.log")"

captures=()
capture() { # BRIDGE FILE
	tshark -q -i "$1" -w "$2" -f 'udp' 2>"$work/tshark.$1" &
	captures+=($!)
	until_true 100 grep -q 'Capture started' "$work/tshark.$1" || bail "tshark does not capture: $(cat "$work/tshark.$1")"
}
capture br0 "$work/0.pcap"
capture br1 "$work/1.pcap"

id() { printf '%064X' "$1"; }
low=$(id 1) half=$(id 2) none=$(id 999)

# ---- A is asked -------------------------------------------------------------------------
tell hold all "$low"
tell hold 42 "$half"
same "before publication nobody answers" "" "$(stranger B hush eth0 both 1 "$low")"
tell publish "[::]:8080"
until_true 50 grep -q '^publish: success' "$work/A.out" || bail "not published"
v1="types=PeerDist:PeerDistData version=1 scopes=$low,$half"
v1_end="blocks=000000010000002A ages="
proves DIST-097 DIST-099 DIST-140
same "a Probe of version 1 over IPv6 is answered" \
	"answer good=1 bare=1 number=1 $v1 xaddrs=[2001:db8::1]:8080,[fe80::1]:8080 $v1_end from=fe80::1" \
	"$(stranger B ask eth0 6 1 "$low" "$none" "$half")"
same "and over IPv4" \
	"answer good=1 bare=1 number=2 $v1 xaddrs=[2001:db8::1]:8080,[fe80::1]:8080 $v1_end from=192.0.2.1" \
	"$(stranger B ask eth0 4 1 "$low" "$none" "$half")"
same "a Probe by one name over both is answered once" 1 "$(stranger B ask eth0 both 1 "$low" | grep -c '^answer good=1')"
# 11 00 10 00: three IDs; two ages of 6000 hundredths of a second.
same "a Probe of version 2 is answered" "1 yA==" \
	"$(stranger B ask eth0 6 2 "$low" "$none" "$half" | sed -n 's/^answer good=\(1\) .* types=PeerDist:PeerDistDataV2 version=2 scopes=\([^ ]*\) .*/\1 \2/p')"
same "what is not held is not answered" "" "$(stranger B hush eth0 both 1 "$none")"
tell publish "0.0.0.0:80"
published_again() { [ "$(grep -c '^publish: success' "$work/A.out")" = 2 ]; }
until_true 50 published_again || bail "not published again"
same "each link learns its own address" "xaddrs=192.0.2.1:80 xaddrs=192.0.2.129:80" \
	"$(for node in B C; do stranger $node ask eth0 4 1 "$low" | grep -o 'xaddrs=[^ ]*'; done | xargs)"
tell hold 0 "$half"
held() { [ "$(grep -c '^hold: success' "$work/A.out")" = "$1" ]; }
until_true 50 held 3 || bail "A does not let go"
proves DIST-177
same "what is gone is not answered any more" "" "$(stranger B hush eth0 both 1 "$half")"

for ((i = 0; i < 400; i++)); do tell hold 7 "$(id $((4096 + i)))"; done
until_true 50 held 403 || bail "A does not hold them"
for family in 6 4; do
	same "a burst of 400 questions over IPv$family is answered" "unanswered 0" "$(stranger B burst eth0 $family 400 1000)"
done

# ---- beside others on the same host and port ---------------------------------------------------
stranger A listen eth0 5 >"$work/listener" &
listener=$!
until_true 50 grep -q ready "$work/listener" || bail "no second program on the port"
same "printers' business is not answered" "answers 0 answers 0" "$(stranger B foreign eth0 | xargs)"
same "with another program on the port A answers" 1 "$(stranger B ask eth0 6 1 "$low" | grep -c '^answer good=1')"
wait "$listener"
proves DIST-160
same "and that program hears its own" "Hello 2 Probe 3" \
	"Hello $(grep -c Hello "$work/listener") Probe $(grep -c Probe "$work/listener")"

# ---- A asks -------------------------------------------------------------------------------------
# found FAMILY VERSION TAG FORM...: what A finds of a neighbour that writes its addresses so
found() {
	local family=$1 version=$2 tag=$3 other
	shift 3
	(exec ip netns exec B python3 "$top/tests/interop/wsd_stranger.py" peer eth0 "$family" "$@") >"$work/peer.$tag" &
	other=$!
	until_true 50 grep -q ready "$work/peer.$tag" || bail "no neighbour"
	tell seek "$version" "$tag" "$low" "$none"
	until_true 50 grep -q "^ended $tag " "$work/A.out" || echo "no end"
	kill "$other"
	wait "$other" 2>/dev/null
	grep "^found $tag \|^ended $tag " "$work/A.out" | xargs
}
zone=$(ip netns exec A cat /sys/class/net/eth0/ifindex)
proves DIST-098
same "a neighbour is found over IPv6, version 1" \
	"found 1 at [2001:db8::2]:80 held 1:42 1:43 ended 1 replies 1 full 0" "$(found 6 1 1 '[2001:db8::2]:80')"
same "over IPv4, version 2" \
	"found 2 at 192.0.2.2:54321 held 2:0 1:0 ended 2 replies 1 full 0" "$(found 4 2 2 192.0.2.2:54321)"
same "addresses of all forms are understood, those of elsewhere left out" \
	"found 3 at 192.0.2.2:80 [fe80::2%$zone]:8080 held 2:0 1:0 ended 3 replies 1 full 0" \
	"$(found 6 2 3 http://192.0.2.2:80/x 198.51.100.1:80 '[fe80::2]:8080')"
same "who serves only elsewhere is not found" "ended 4 replies 0 full 0" "$(found 6 2 4 198.51.100.1:80)"
same "the questions were of the right form" "probed 1 2 over 6 from fe80::1 probed 2 2 over 4 from 192.0.2.1" \
	"$(grep -h probed "$work/peer.1" "$work/peer.2" | xargs)"

# ---- a flood --------------------------------------------------------------------------------------
floods=()
for family in 6 4; do
	stranger C flood eth0 $family 20000 &
	floods+=($!)
done
answered_meanwhile() { [ "$(stranger B hush eth0 6 1 "$low" | grep -c '^answer good=1')" = 1 ]; }
check "during a flood on another link A answers" until_true 50 answered_meanwhile
wait "${floods[@]}"
answered_again() { [ "$(stranger C hush eth0 4 1 "$low" | grep -c '^answer good=1')" = 1 ]; }
check "and after it on the same" until_true 50 answered_again
tell metrics
until_true 50 grep -q '^end of metrics' "$work/A.out"
dropped=$(sed -n 's/^ponto_discovery_dropped_total{[^}]*} //p; s/^discovery_dropped_total{[^}]*} //p' "$work/A.out")
if [ "${dropped:-0}" -ge 1000 ]; then ok "what was dropped is counted"; else not_ok "what was dropped is counted" "$dropped"; fi

# ---- what was on the wire, in other eyes -----------------------------------------------------------
captured B "$work/0.pcap"
kill -INT "${captures[@]}"
wait "${captures[@]}" 2>/dev/null
own='(ipv6.src == fe80::1 || ip.src == 192.0.2.1)'
seen() { tshark -r "$work/0.pcap" -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE "$@" 2>"$work/tshark.err"; }
seen -Y "$own && udp.srcport" -T fields -e udp.payload >"$work/payloads"
xml=$(python3 -c '
import sys, xml.etree.ElementTree as ET
print(sum(ET.fromstring(bytes.fromhex(line.replace(":", ""))).tag.endswith("}Envelope") for line in sys.stdin))' <"$work/payloads" 2>&1)
if [ "$(wc -l <"$work/payloads")" -gt 800 ]; then ok "what A says is captured"; else not_ok "what A says is captured" "$(cat "$work/tshark.err")"; fi
same "all of it is XML" "$(wc -l <"$work/payloads")" "$xml"
same "from a port of its own, and nothing may leave the link" "$(wc -l <"$work/payloads")" \
	"$(seen -Y "$own && udp.srcport >= 49152 && (ip.ttl == 1 || ipv6.hlim == 1)" -T fields -e frame.number | wc -l)"
for group in ipv6.dst==ff02::c ip.dst==239.255.255.250; do
	same "each question went to ${group#*==} once" 4 \
		"$(seen -Y "$own && $group && udp.dstport == 3702" -T fields -e frame.number | wc -l)"
done
tell quit
exec 9>&-
echo "1..$count"
[ $bad = 0 ]
