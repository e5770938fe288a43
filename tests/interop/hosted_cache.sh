#!/usr/bin/env bash
# A hosted cache among clients that are not ours: hosted_cache.py writes offers from [MS-PCHC], serves what it offered, and
# opens with the openssl program what the cache gives on. As an unprivileged user, on loopback.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
export PONTO_PLUGIN_PATH=$build/.libs
. "$top/tests/interop/tap.inc.sh"
. "$top/tests/interop/certificate.inc.sh"
needs openssl python3
own_folder
mkdir -m 700 "$work/state" "$work/run" "$work/www"
ponto() { "${plain_user[@]}" env HOME="$work" "$build/ponto" --connect "$work/run/bus" "$@"; }
cd "$work" || exit 1

python3 - <<'PY'
import random
open("www/file", "wb").write(random.Random(3).randbytes(3 * 1024 * 1024 + 777))
PY
{
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=a root" -keyout ca.key -out ca.pem
	openssl req -newkey rsa:2048 -nodes -subj "/CN=localhost" -keyout key.pem -out request.pem
	printf 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n' >extensions
	openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out cert.pem
} >openssl.log 2>&1 || { sed 's/^/# /' openssl.log; echo "Bail out! no certificate"; exit 1; }
conf() { # NAME MORE
	cat >"$1.conf" <<CONF
node      = { name = "$1"; state = "$work/state"; socket = "$work/run/bus"; };
stores    = { main = { plugin = "store-rocksdb"; path = "main"; }; };
http      = { web = { plugin = "http-mhd"; }; };
discovery = { };
services  = { dist = { plugin = "service-dist"; listen = ["127.0.0.1"]; publish = ["$work/www"]; retrieval = "127.0.0.1"; hosted_cache = true; $2 }; };
CONF
}
[ ${#plain_user[@]} = 0 ] || chown -R 65534:65534 .
port_of() { sed -n "s/.*$1 127.0.0.1:\([0-9]*\).*/\1/p" log | tail -n 1; }
start() { # NAME
	"${plain_user[@]}" "$build/pontod" -c "$1.conf" >log 2>&1 &
	daemon=$!
	until_true 100 ponto content publish || return 1
	site=$(ponto content publish | sed -n 's|^served at  ||p')
	port=$(port_of 'listening on')
	secure=$(port_of 'are taken on')
}
stop() { local pid=$daemon; daemon=; kill "$pid" && wait "$pid"; }
described() { # VERSION
	python3 -c 'import sys
sys.path.insert(0, "'"$top"'/tests/interop")
import peerdist
body = peerdist.get(int(sys.argv[1]), "/file", (peerdist.V1, peerdist.V2)[int(sys.argv[2]) - 1])[2]
sys.exit(body[:2] != bytes((0, int(sys.argv[2]))))' "${site##*:}" "$1"
}
judge() {
	python3 "$top/tests/interop/hosted_cache.py" "$port" "$secure" "${site##*:}" "$count" \
		"${plain_user[@]}" env HOME="$work" "$build/ponto" --connect "$work/run/bus" node metrics
	[ -s tally ] || { echo "Bail out! the judge did not end"; exit 1; }
	local more
	read -r count more <tally
	bad=$((bad + more))
	rm -f tally
}
refused() { # NAME TEXT: it does not start, and says so in one line
	local got
	"${plain_user[@]}" timeout 300 "$build/pontod" -c "$1.conf" >log2 2>&1
	got=$?
	cat log2
	[ $got = 1 ] && [ "$(grep -c 'error' log2)" -ge 1 ] && grep -q "$2" log2 && ! grep -q 'the store cannot be read' log2
}

conf cache 'hosted_listen = "127.0.0.1"; hosted_certificate = "'"$work"'/cert.pem"; hosted_key = "'"$work"'/key.pem";'
start cache || bail "the cache does not start"
check "the file is described, version 1.0" until_true 100 described 1
check "the file is described, version 2.0" until_true 100 described 2
judge
check "no error was logged" eval '! grep -E " error " log'
stop
if start cache; then ok "it starts again"; else not_ok "it starts again" "$(cat log)"; fi
relayed() { python3 - "$port" <<PY
import random, sys
sys.path.insert(0, "$top/tests/interop")
from peerdist import ask, getblks
identifier = random.Random(2).randbytes(32)
a = ask(int(sys.argv[1]), getblks(identifier, 0)).block()
r = random.Random(identifier)
data = r.randbytes(50002 // 16 * 16 + 16)
assert (a.crypto, a.data, a.iv) == (2, data, r.randbytes(16))
PY
}
check "relayed blocks outlive it as they came" until_true 50 relayed
tls() { openssl s_client -connect "127.0.0.1:$secure" -CAfile ca.pem -verify_return_error -verify_hostname localhost "$@" </dev/null; }
check "openssl agrees with its certificate" tls
old() { ! tls -tls1_1 -cipher 'ALL:@SECLEVEL=0'; }
check "nothing older than TLS 1.2 is spoken" old
stop

# ---- what it needs -------------------------------------------------------------------------------------
echo "# proves DIST-455"
conf half 'hosted_certificate = "'"$work"'/cert.pem";'
check "a certificate without its key: refused" refused half "need 'hosted_certificate', 'hosted_key'"
conf gone 'hosted_listen = "127.0.0.1"; hosted_certificate = "'"$work"'/cert.pem"; hosted_key = "'"$work"'/gone.pem";'
check "a key that is not there: refused" refused gone "no offers over HTTPS on 127.0.0.1"
openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days -1 -out old.pem >openssl.log 2>&1
[ ${#plain_user[@]} = 0 ] || chown 65534:65534 old.pem
conf old 'hosted_listen = "127.0.0.1"; hosted_certificate = "'"$work"'/old.pem"; hosted_key = "'"$work"'/key.pem";'
check "one that is over: it starts" start old
check "and says so" grep "warning .*old.pem is not valid now" log
stop
# A few seconds in which it may start; a machine too slow for that is told at the start.
over=$(date -u -d '8 seconds' +%s)
certificate brief localhost ca 20200101000000Z "$(date -u -d "@$over" +%Y%m%d%H%M%SZ)" >openssl.log 2>&1
[ ${#plain_user[@]} = 0 ] || chown 65534:65534 brief.pem brief.key
conf brief 'hosted_listen = "127.0.0.1"; hosted_certificate = "'"$work"'/brief.pem"; hosted_key = "'"$work"'/brief.key";'
check "one that ends soon: it starts" start brief
check "its end is among the metrics" eval "ponto node metrics | grep -q '^ponto_dist_hosted_certificate_end_seconds{.*} $over\$'"
check "when it ends, that is said" until_true 300 grep "warning .*brief.pem is not valid now" log
stop
conf nowhere 'retrieval2 = "";'
sed -i 's/retrieval = "127.0.0.1"/retrieval = ""/; s/retrieval2 = "";//' nowhere.conf
check "nowhere to retrieve from: refused" refused nowhere "a hosted cache needs option 'retrieval'"
check "ports are 443 and 80 unless told otherwise" eval "ponto config docs | grep -q '^| .hosted_listen. .*\[::\]:443' && ponto config docs | grep -q '^| .retrieval. .*\[::\]:80'"
echo "1..$count"
[ "$bad" = 0 ]
