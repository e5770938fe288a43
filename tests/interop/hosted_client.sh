#!/usr/bin/env bash
# The client of hosted caches, with caches that are not ours: hosted_client.py takes offers as [MS-PCHC] has them, pulls,
# and gives on. As an unprivileged user, on loopback.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
export PONTO_PLUGIN_PATH=$build/.libs
. "$top/tests/interop/tap.inc.sh"
needs openssl python3
own_folder
trap 'kill $(jobs -p) $(cat "$work/client.pid" 2>/dev/null) 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT
mkdir -m 700 "$work/www" "$work/got"
for d in one two client; do mkdir -m 700 "$work/$d" "$work/$d/state" "$work/$d/run"; done
cd "$work" || exit 1
ponto() { local at=$1; shift; "${plain_user[@]}" env HOME="$work" "$build/ponto" --connect "$work/$at/run/bus" "$@"; }

python3 - <<'PY'
import random
open("www/file", "wb").write(random.Random(4).randbytes(3 * 1024 * 1024 + 777))
PY
. "$top/tests/interop/certificate.inc.sh"
{
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=a root" -keyout ca.key -out ca.pem &&
		openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=another root" -keyout stranger.key -out stranger.pem &&
		certificate good localhost ca 20200101000000Z 20491231000000Z &&
		certificate other other.example ca 20200101000000Z 20491231000000Z &&
		certificate expired localhost ca 20200101000000Z 20210101000000Z &&
		certificate unknown localhost stranger 20200101000000Z 20491231000000Z
} >openssl.log 2>&1 || { sed 's/^/# /' openssl.log; echo "Bail out! no certificates"; exit 1; }

configure() { # NAME SERVICE
	cat >"$1.conf" <<CONF
node      = { name = "$1"; state = "$work/$1/state"; socket = "$work/$1/run/bus"; };
stores    = { main = { plugin = "store-rocksdb"; path = "main"; }; };
http      = { web = { plugin = "http-mhd"; }; };
discovery = { };
services  = { dist = { plugin = "service-dist"; $2 }; };
CONF
}
cat >restart <<SH
#!/bin/sh
# Run by the judge: the client anew, with what it wrote into hosted.
cd "$work" || exit 1
if [ -s client.pid ]; then
	kill "\$(cat client.pid)" 2>/dev/null
	n=1200
	while kill -0 "\$(cat client.pid)" 2>/dev/null; do n=\$((n - 1)); [ \$n -gt 0 ] || exit 1; sleep 0.1; done
fi
sed "s|HOSTED|\$(cat hosted)|" client.in >client.conf
${plain_user[*]} "$build/pontod" -c client.conf >client.log 2>&1 &
echo \$! >client.pid
n=1200
until ${plain_user[*]} env HOME="$work" "$build/ponto" --connect "$work/client/run/bus" content cache stats >/dev/null 2>&1; do
	n=\$((n - 1)); [ \$n -gt 0 ] || exit 1; sleep 0.1
done
SH
chmod 755 restart
configure one "listen = [\"127.0.0.1\"]; publish = [\"$work/www\"]; retrieval = \"\"; information = \"1.0\";"
configure two "listen = [\"127.0.0.1\"]; publish = [\"$work/www\"]; retrieval = \"\";"
configure client 'retrieval = "127.0.0.1"; HOSTED'
mv client.conf client.in
[ ${#plain_user[@]} = 0 ] || chown -R 65534:65534 .
for name in one two; do
	"${plain_user[@]}" "$build/pontod" -c $name.conf >$name.log 2>&1 &
	until_true 100 ponto $name content publish || { cat $name.log >&2; echo "Bail out! $name does not start"; exit 1; }
done
port() { ponto "$1" content publish | sed -n 's|^served at  .*:||p'; }
described() { # PORT VERSION
	python3 -c 'import sys
sys.path.insert(0, "'"$top"'/tests/interop")
import peerdist
body = peerdist.get(int(sys.argv[1]), "/file", peerdist.V2)[2]
sys.exit(body[:2] != bytes((0, int(sys.argv[2]))))' "$1" "$2"
}
one=$(port one) two=$(port two)
check "the file is described, version 1.0" until_true 100 described "$one" 1
check "the file is described, version 2.0" until_true 100 described "$two" 2
export PONTO_CLIENT="${plain_user[*]} env HOME=$work $build/ponto --connect $work/client/run/bus"
python3 "$top/tests/interop/hosted_client.py" "$one" "$two" "$count"
[ -s tally ] || { echo "Bail out! the judge did not end"; exit 1; }
read -r count more <tally
bad=$((bad + more))

# ---- what it is told ---------------------------------------------------------------------------------------
refused() { # SETTINGS TEXT
	configure bad "$1"
	! "${plain_user[@]}" timeout 300 "$build/ponto" config check bad.conf >out 2>&1 && cat out && grep -q "$2" out
}
for name in 'http://' 'ftp://cache' 'cache:0' 'cache:65536' 'cache/path' 'two words' '[::1' 'user@cache' ':80'; do
	check "'$name' is no hosted cache" refused "hosted = [\"$name\"];" "is no hosted cache"
done
echo "1..$count"
[ "$bad" = 0 ]
