#!/usr/bin/env bash
# A hosted cache (B) and its clients on hosts of their own, at the ports of the protocols: over IPv4 (A, the origin as well), and
# over IPv6 alone (C).
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
. "$top/tests/interop/namespace.inc.sh"
needs curl openssl python3 ss
. "$top/tests/interop/clouds.inc.sh"
for i in 1 2 3; do plug "$(echo ABC | cut -c$i)" eth0 br0 2001:db8::$i; done
ip -n A addr add 192.0.2.1/24 dev eth0
ip -n B addr add 192.0.2.2/24 dev eth0
# The nodes run without privilege.
for n in A B C; do ip netns exec $n sh -c 'echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start'; done

mkdir "$work/www" "$work/got"
head -c 3000000 /dev/urandom >"$work/www/file"
{
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=cache" -keyout "$work/key.pem" -out "$work/cert.pem"
} >"$work/openssl.log" 2>&1 || bail "no certificate"
[ ${#plain_user[@]} = 0 ] || chown 65534:65534 "$work/got" "$work/key.pem"
node() { # NAME SERVICE
	configure "$1" "transports = { udp4 = { plugin = \"transport-udp4\"; }; udp6 = { plugin = \"transport-udp6\"; }; };
http = { web = { plugin = \"http-mhd\"; }; };
discovery = { near = { plugin = \"discovery-wsd\"; }; };
services = { dist = { plugin = \"service-dist\"; $2 }; };"
	start "$1"
}
node A "listen = [\"192.0.2.1:8000\", \"[2001:db8::1]:8000\"]; publish = [\"$work/www\"]; hosted = [\"192.0.2.2\"];"
node B "hosted_cache = true; hosted_certificate = \"$work/cert.pem\"; hosted_key = \"$work/key.pem\";"
node C 'hosted = ["2001:db8::2"];'

listens() { ip netns exec B ss -Hln "$1" | awk '{ print $4 }' | grep -q ":$2\$"; }
proves DIST-494 DIST-411
check "retrieval and offers of version 2.0 are at TCP port 80" listens -t 80
proves DIST-494 DIST-409
check "offers of version 1.0 at TCP port 443" listens -t 443
proves DIST-494
check "discovery at UDP port 3702" listens -u 3702

described() {
	ip netns exec A curl -s -o /dev/null -D "$work/head" -H 'Accept-Encoding: peerdist' -H 'X-P2P-PeerDist: Version=1.1' \
		-H 'X-P2P-PeerDistEx: MinContentInformation=1.0, MaxContentInformation=2.0' http://192.0.2.1:8000/file &&
		grep -qi '^content-encoding: *peerdist' "$work/head"
}
check "the file is described" until_true 100 described
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
# NODE ORIGIN FIELD: all of it comes from there
all_from() {
	ponto "$1" content cache clear && rm -f "$work/got/file" &&
		ponto "$1" --json content fetch "http://$2:8000/file" -o "$work/got/file" >"$work/report" && cat "$work/report" &&
		cmp "$work/got/file" "$work/www/file" && [ "$(field "$3" <"$work/report")" = 3000000 ]
}
holds() { [ "$(ponto B --json content cache stats | field bytes)" = 3000000 ]; }
proves DIST-495
check "over IPv4: a client fetches from the origin" all_from A 192.0.2.1 origin
proves DIST-495
check "offers, and is asked for it" until_true 100 holds
proves DIST-495
check "and has it from the cache" all_from A 192.0.2.1 peers
check "the cache forgets" ponto B content cache clear
proves DIST-495
check "over IPv6: a client fetches from the origin" all_from C '[2001:db8::1]' origin
proves DIST-495
check "offers, and is asked for it" until_true 100 holds
proves DIST-495
check "and has it from the cache" all_from C '[2001:db8::1]' peers
for n in A B C; do stop $n; done
echo "1..$count"
[ "$bad" = 0 ]
