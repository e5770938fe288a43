#!/usr/bin/env bash
# A hosted cache on store-rocksdb and one on store-mem under mixed load for SOAK seconds (10) after they are warm: nothing wrong
# is served, and memory and descriptors stay where they are. hosted_soak.py says what the load is, and how it is measured.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
export PONTO_PLUGIN_PATH=$build/.libs
. "$top/tests/interop/namespace.inc.sh"
needs curl openssl python3
daemons=()
cd "$work" || exit 1
logs="rocksdb mem"
mkdir -m 755 www
python3 - <<'PY'
import random
for i in range(4):
    open("www/file%d" % i, "wb").write(random.Random(i).randbytes((1 + i) * 1024 * 1024 + 777))
PY
{
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=a root" -keyout ca.key -out ca.pem
	openssl req -newkey rsa:2048 -nodes -subj "/CN=localhost" -keyout key.pem -out request.pem
	printf 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n' >extensions
	openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out cert.pem
} >openssl.log 2>&1 || bail "no certificate"
start() { # STORE CIPHER
	mkdir -m 700 "$1" "$1/state" "$1/run" "$1/out"
	cat >"$1.conf" <<CONF
node      = { name = "$1"; state = "$work/$1/state"; socket = "$work/$1/run/bus"; };
stores    = { main = { plugin = "store-$1"; }; };
http      = { web = { plugin = "http-mhd"; }; };
discovery = { };
services  = { dist = { plugin = "service-dist"; listen = ["127.0.0.1"]; publish = ["$work/www"]; retrieval = "127.0.0.1";
	hosted_cache = true; hosted_listen = "127.0.0.1"; hosted_certificate = "$work/cert.pem"; hosted_key = "$work/key.pem";
	hosted_share = 100; cipher = "$2"; cache_size = 8; cache_memory = 2; cache_scrub_rate = 1; }; };
CONF
	[ ${#plain_user[@]} = 0 ] || chown -R 65534:65534 "$1" key.pem
	"${plain_user[@]}" "$build/pontod" -c "$1.conf" >"$1.log" 2>&1 &
	daemons+=($!)
	until_true 200 ponto "$1" content publish || bail "the node does not start"
}
ponto() { local at=$1; shift; "${plain_user[@]}" env HOME="$work" "$build/ponto" --connect "$work/$at/run/bus" "$@"; }
port_of() { sed -n "s/.*$2 127.0.0.1:\([0-9]*\).*/\1/p" "$1.log" | tail -n 1; }
site_of() { ponto "$1" content publish | sed -n 's|^served at .*:||p'; }
described() {
	curl -s -o /dev/null -D "$work/head" -H 'Accept-Encoding: peerdist' -H 'X-P2P-PeerDist: Version=1.1' \
		-H 'X-P2P-PeerDistEx: MinContentInformation=1.0, MaxContentInformation=2.0' "http://127.0.0.1:$(site_of "$1")/$2" &&
		grep -qi '^content-encoding: *peerdist' "$work/head"
}
soak() {
	local at=$1 more
	until_true 200 described "$at" file3 || bail "files are not described"
	python3 "$top/tests/interop/hosted_soak.py" "$at" "$(port_of "$at" 'listening on')" "$(port_of "$at" 'are taken on')" \
		"$(site_of "$at")" "$2" "${SOAK:-10}" "$work/$at/out" \
		"${plain_user[@]}" env HOME="$work" "$build/ponto" --connect "$work/$at/run/bus" >"$at.tap" 2>"$at.err" &
}
start rocksdb aes-128
start mem aes-256
for i in 0 1; do
	at=$(echo rocksdb mem | cut -d' ' -f$((i + 1)))
	for file in file0 file1 file2 file3; do until_true 200 described $at $file || bail "files are not described"; done
	soak "$at" "${daemons[i]}"
	judges[i]=$!
done
wait "${judges[@]}"
for at in rocksdb mem; do
	sed "s/^\(not \)\?ok [0-9]*/\1ok/" "$at.tap" | while read -r line; do echo "$line"; done >"$at.out"
	while read -r line; do
		case $line in
		ok*) ok "${line#ok - }" ;;
		"not ok"*) not_ok "${line#not ok - }" ;;
		*) echo "$line" ;;
		esac
	done <"$at.out"
	[ -s "$at/out/tally" ] || not_ok "$at: the load came to an end" "$(tail -n 20 "$at.err")"
	check "$at: no error was logged" eval '! grep -E " error |Sanitizer" "$at.log"'
done
for d in "${daemons[@]}"; do
	kill "$d"
	wait "$d"
	is "a daemon ends well" $? 0
done
daemons=()
echo "1..$count"
[ "$bad" = 0 ]
