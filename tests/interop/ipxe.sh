#!/usr/bin/env bash
# Contents fetched by a stranger: iPXE, whose PeerDist client was written against Windows. A is the origin, B a neighbour
# that fetched before; iPXE sits at a TAP device on their link and is typed at. What the two send is counted by the kernel.
#
#     A eth0 --+-- br0 --+-- eth0 B
#                        +-- tap0 iPXE
#
# PONTO_IPXE names an iPXE for Linux with TAP and PeerDist (HTTP_ENC_PEERDIST); Debian's has no PeerDist.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
[ -n "${PONTO_IPXE-}" ] || { echo "1..0 # SKIP PONTO_IPXE names no iPXE with PeerDist, and Debian has none"; exit 0; }
PONTO_IPXE=$(realpath "$PONTO_IPXE")
grep -qa 'X-P2P-PeerDist' "$PONTO_IPXE" || { echo "Bail out! $PONTO_IPXE is no iPXE with PeerDist"; exit 1; }
[ -c /dev/net/tun ] || { echo "1..0 # SKIP no TAP devices here"; exit 0; }
. "$top/tests/interop/namespace.inc.sh"
needs curl python3 tshark
. "$top/tests/interop/clouds.inc.sh"
plug A eth0 br0 fe80::1 2001:db8::1
plug B eth0 br0 fe80::2 2001:db8::2
ip -n A addr add 192.0.2.1/24 dev eth0
ip -n B addr add 192.0.2.2/24 dev eth0
install -m 755 "$PONTO_IPXE" "$work/ipxe"
owner=()
[ ${#plain_user[@]} = 0 ] || owner=(user 65534)
ip tuntap add dev tap0 mode tap "${owner[@]}" || bail "no TAP device"
ip link set tap0 master br0 up

# ---- the origin, in both versions (3 and 4: 1.0 by other hashes), and the neighbour ------------------
size=$((5 << 20)) half=$((5 << 19))
mkdir "$work/www" "$work/got"
python3 - "$work/www" $size <<'PY'
import random, sys
for i, name in enumerate(("held", "part", "alone", "new")):
    open(sys.argv[1] + "/" + name, "wb").write(random.Random(i).randbytes(int(sys.argv[2])))
PY
[ ${#plain_user[@]} = 0 ] || chown -R 65534:65534 "$work/got"
node() { # NAME SERVICES
	configure "$1" "transports = { udp4 = { plugin = \"transport-udp4\"; }; udp6 = { plugin = \"transport-udp6\"; }; };
http = { web = { plugin = \"http-mhd\"; }; };
discovery = { near = { plugin = \"discovery-wsd\"; }; };
services = { $2 };"
	start "$1"
}
origin() { echo "plugin = \"service-dist\"; listen = [\"192.0.2.1:$1\"]; publish = [\"$work/www\"]; retrieval = \"\"; discovery = [];"; }
neighbour() { node B "dist = { plugin = \"service-dist\"; retrieval = \"[::]:8080\"; proxy = \"127.0.0.1:8118\"; cipher = \"$1\"; };"; }
node A "v1 = { $(origin 8001) information = \"1.0\"; }; dist = { $(origin 8002) };
v3 = { $(origin 8003) information = \"1.0\"; algorithm = \"sha384\"; }; v4 = { $(origin 8004) information = \"1.0\"; algorithm = \"sha512\"; };"
neighbour aes-128
site() { echo "http://192.0.2.1:800$1"; }
curl_at() { local at=$1; shift; ip netns exec "$at" curl -s --max-time 60 "$@"; }
described() { # VERSION FILE
	curl_at B -o "$work/info" -D "$work/head" -H 'Accept-Encoding: peerdist' -H 'X-P2P-PeerDist: Version=1.1' \
		-H 'X-P2P-PeerDistEx: MinContentInformation=1.0, MaxContentInformation=2.0' "$(site "$1")/$2" &&
		grep -qi '^content-encoding: *peerdist' "$work/head" && [ "$(od -An -tu1 -j1 -N1 "$work/info")" -eq $(($1 == 2 ? 2 : 1)) ]
}
fetched() { ponto B content fetch "$(site "$1")/$2" -o "$work/got/$1.$2"; } # VERSION FILE: by the neighbour
halved() { curl_at B -x http://127.0.0.1:8118 -r 0-$((half - 1)) "$(site "$1")/$2" | cmp - <(head -c $half "$work/www/$2"); }

# ---- iPXE --------------------------------------------------------------------------------------------
sent() { ip netns exec "$1" cat /sys/class/net/eth0/statistics/tx_bytes; }
# ipxe VERSION FILE [COMMAND...]: with its console in $work/console; what A and B sent meanwhile in from_a and from_b
ipxe() {
	local version=$1 file=$2 a b result
	shift 2
	a=$(sent A) b=$(sent B)
	printf '%s\n' "set net0/ip 192.0.2.3" "set net0/netmask 255.255.255.0" "ifopen net0" "$@" \
		"imgfetch --name it $(site "$version")/$file" "sha1sum it" |
		python3 "$top/tests/interop/ipxe_console.py" "${plain_user[@]}" "$work/ipxe" --net tap,if=tap0 >"$work/console" 2>&1
	result=$?
	from_a=$(($(sent A) - a)) from_b=$(($(sent B) - b))
	[ $result = 0 ] || from_a=nothing from_b=nothing
	[ $result = 0 ] && grep -qF "$(sha1sum <"$work/www/$file" | cut -d' ' -f1)" "$work/console" || { cat "$work/console"; false; }
}
# told NAME VERSION FILE [COMMAND...]: a fetch is right, and what it cost is said
told() {
	local name=$1
	shift
	if ipxe "$@" >"$work/why"; then ok "$name: the right bytes"; else not_ok "$name: the right bytes" "$(tail -n 40 "$work/why")"; fi
	echo "# $name: $from_a bytes sent by the origin, $from_b by the neighbour"
}
capture() { # FILE
	: >"$work/tshark"
	tshark -q -i br0 -w "$work/$1" -f udp 2>"$work/tshark" &
	captured=$!
	until_true 100 grep -q 'Capture started' "$work/tshark" || bail "tshark does not capture: $(cat "$work/tshark")"
}
captured() { kill -INT $captured; wait $captured; captured=; }
said() { tshark -r "$work/$1" -Y "udp.payload contains \"$2\"" 2>/dev/null | wc -l; } # FILE TEXT

told "no hashes yet" 2 new
check "as to any client, all at once by the origin" [ "$from_a" -gt $size ]
for version in 1 2; do
	for file in held part alone; do until_true 200 described $version $file || not_ok "the origin describes $file in version $version"; done
done
for version in 1 2; do
	check "version $version: the neighbour fetches" fetched $version held
	check "version $version: it fetches half of another" halved $version part
	capture $version.pcap
	told "version $version, all of it at the neighbour" $version held
	captured
	proves DIST-020 DIST-225 DIST-226 DIST-526
	check "the origin sent a description only" [ "$from_a" -gt 1000 -a "$from_a" -lt $((size / 20)) ]
	check "the neighbour sent it" [ "$from_b" -gt $size ]
	probes=$(said $version.pcap PeerDistData\<) answers=$(said $version.pcap ProbeMatches)
	[ $version = 1 ] || proves DIST-525
	check "it was asked by Probes of version 1.0, and answered ($probes, $answers)" [ "$probes" -gt 0 -a "$answers" -gt 0 ]
	told "version $version, half of it at the neighbour" $version part
	check "the neighbour sent its half" [ "$from_b" -gt $half ]
	proves DIST-364
	check "the origin sent the other, and little more" [ "$from_a" -gt $((size * 4 / 10)) -a "$from_a" -lt $((size * 6 / 10)) ]
	told "version $version, nobody has it" $version alone
	check "the origin sent it" [ "$from_a" -gt $size ]
	check "the neighbour next to nothing" [ "$from_b" -lt $((size / 20)) ]
done

# ---- longer hashes, a neighbour that is named, longer keys -------------------------------------------
for version in 3 4; do
	until_true 200 described $version held || not_ok "the origin describes it by a longer hash"
	check "the neighbour fetches what has longer hashes" fetched $version held
	told "SHA-$((version * 128))" $version held
	check "the neighbour sent it" [ "$from_b" -gt $size ]
	proves DIST-231
	check "the origin a description only" [ "$from_a" -gt 1000 -a "$from_a" -lt $((size / 20)) ]
done
capture named.pcap
told "version 2, a neighbour named as its hosted cache" 2 held "set peerhost 192.0.2.2:8080"
captured
check "the neighbour sent it" [ "$from_b" -gt $size ]
check "the origin a description only" [ "$from_a" -gt 1000 -a "$from_a" -lt $((size / 20)) ]
is "without a Probe" "$(said named.pcap PeerDistData)" 0
for cipher in aes-192 aes-256; do
	stop B
	neighbour $cipher
	told "version 1, $cipher" 1 held
	check "the neighbour sent it" [ "$from_b" -gt $size ]
	proves DIST-222 DIST-224 DIST-225
	check "the origin a description only" [ "$from_a" -gt 1000 -a "$from_a" -lt $((size / 20)) ]
done

for n in A B; do stop $n; done
for n in A B; do ! grep -E ' (error|fault) |Sanitizer|leak' "$work/$n.log" || bad=$((bad + 1)); done
echo "1..$count"
[ "$bad" = 0 ]
