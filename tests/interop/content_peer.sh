#!/usr/bin/env bash
# The serving peer asked by a client that is not ours: peerdist.py writes retrieval requests from [MS-PCCRR], the openssl
# program opens the blocks. And a peer that cannot start.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
export PONTO_PLUGIN_PATH=$build/.libs
. "$top/tests/interop/tap.inc.sh"
needs openssl python3
own_folder
mkdir -m 700 "$work/state" "$work/other" "$work/run" "$work/www"
ponto() { "${plain_user[@]}" env HOME="$work" "$build/ponto" --connect "$work/run/bus" "$@"; }
cd "$work" || exit 1

python3 - <<'PY'
import random
open("www/file", "wb").write(random.Random(3).randbytes(3 * 1024 * 1024 + 777))
PY
conf() { # NAME STATE RETRIEVAL [MORE]
	cat >"$1.conf" <<CONF
node      = { name = "$1"; state = "$work/$2"; socket = "$work/run/bus"; };
stores    = { main = { plugin = "store-rocksdb"; path = "main"; }; };
http      = { web = { plugin = "http-mhd"; }; };
discovery = { };
services  = { dist = { plugin = "service-dist"; listen = ["127.0.0.1"]; publish = ["$work/www"]; retrieval = "$3"; ${4-} }; };
CONF
}
[ ${#plain_user[@]} = 0 ] || chown -R 65534:65534 .
start() { # NAME
	"${plain_user[@]}" "$build/pontod" -c "$1.conf" >log 2>&1 &
	daemon=$!
	until_true 100 ponto content publish || return 1
	site=$(ponto content publish | sed -n 's|^served at  ||p')
	port=$(sed -n 's/.*listening on 127.0.0.1:\([0-9]*\).*/\1/p' log | tail -n 1)
}
stop() { local pid=$daemon; daemon=; kill "$pid" && wait "$pid"; }
described() { # VERSION: as bytes
	python3 -c 'import sys
sys.path.insert(0, "'"$top"'/tests/interop")
import peerdist
body = peerdist.get(int(sys.argv[1]), "/file", peerdist.V2)[2]
sys.exit(body[:2] != bytes((0, int(sys.argv[2]))))' "${site##*:}" "$1"
}
fetch() {
	rm -f got
	ponto content fetch "$site/file" -o got && cmp got www/file && [ "$(ponto --json content cache stats | python3 -c 'import json,sys; print(json.load(sys.stdin)["bytes"])')" = "$(stat -c %s www/file)" ]
}
judge() { # CASES...
	python3 "$top/tests/interop/content_peer.py" "$port" "${site##*:}" "$count" "$@"
	[ -s tally ] || { echo "Bail out! the judge did not end"; exit 1; }
	local more
	read -r count more <tally
	bad=$((bad + more))
	rm -f tally
}
figure() { # SINCE NAME: a counter
	ponto --json content cache stats | python3 -c 'import json,sys
print({c["name"]: c["value"] for c in json.load(sys.stdin)[sys.argv[1]]}[sys.argv[2]])' "$1" "$2"
}
counted() { # what the judge asked for, found and not found; and what most was read of
	[ "$(figure counter given)" -gt 0 ] && [ "$(figure counter absent)" -gt 0 ] && [ "$(figure counter hits)" -ge "$(figure counter given)" ] &&
		ponto content cache stats | grep -q '^hit ratio  *[0-9.]* %' && ponto content cache top | grep -q ' bytes .* blocks'
}
given=
for information in 1.0 2.0; do
	conf node state 127.0.0.1 "information = \"$information\";"
	start node || bail "the node does not start"
	[ -z "$given" ] || check "what was counted is kept over the restart" [ "$(figure kept given) $(figure counter given)" = "$given 0" ]
	[ $information = 1.0 ] || check "the cache is cleared" ponto content cache clear
	check "the file is described, version $information" until_true 100 described "${information%.0}"
	check "the cache is filled" until_true 100 fetch
	judge $information sealed
	check "what it asked for is counted" counted
	given=$(figure kept given)
	check "no fault was logged" eval '! grep -E " error " log'
	check "the node stops" stop
done
for cipher in none aes-192 aes-256; do
	conf node state 127.0.0.1 "information = \"2.0\"; cipher = \"$cipher\";"
	start node || bail "the node does not start"
	judge 2.0 $cipher
	[ $cipher = aes-256 ] || stop
done

# ---- the ports of the protocols -----------------------------------------------------------------------
check "retrieval is on port 80 unless told otherwise" eval "ponto config docs | grep -q '^| .retrieval. .*\[::\]:80'"

# ---- a second one -------------------------------------------------------------------------------------
conf second other "127.0.0.1:$port"
sed -i "s|/run/bus|/run/bus2|" second.conf
taken() { # the port of another: one clear error, and an end that leaves nothing behind
	local got
	"${plain_user[@]}" timeout 300 "$build/pontod" -c second.conf >log2 2>&1
	got=$?
	cat log2
	[ $got = 1 ] && grep -q "no retrieval by neighbours on 127.0.0.1:$port: already exists; another port" log2
}
check "a port that is taken: refused, and which option helps" taken
conf third state 127.0.0.1
sed -i "s|/run/bus|/run/bus3|" third.conf
locked() { ! "${plain_user[@]}" timeout 300 "$build/pontod" -c third.conf >log3 2>&1 && cat log3 && [ "$(wc -l <log3)" = 1 ] && grep -q "another daemon uses" log3; }
check "the cache of another node: refused" locked
check "which goes on" ponto content cache stats
check "and ends" stop
echo "1..$count"
[ "$bad" = 0 ]
