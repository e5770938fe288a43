#!/usr/bin/env bash
# Blocks of 64 KiB to many connections: the serving peer against nginx, which serves the same bytes as static files, by
# turns; and sealed with AES-128 against what the cipher makes of the same cores. docs/benchmarks.md
# Needs nginx and wrk. PONTO_BUILDDIR=DIR [CONNECTIONS=64 SECONDS_EACH=4 ROUNDS=5] bench_dist_serve.sh
set -euo pipefail
build=$(cd "${PONTO_BUILDDIR:?}" && pwd)
connections=${CONNECTIONS:-64} each=${SECONDS_EACH:-4} rounds=${ROUNDS:-5}
for program in nginx wrk openssl python3; do
	command -v $program >/dev/null || { echo "bench dist-serve skipped: $program is not installed" >&2; exit 0; }
done
export PONTO_PLUGIN_PATH=$build/.libs
work=$(mktemp -d "${TMPDIR:-/tmp}/ponto-serve-XXXXXX")
daemon= nginx=
trap '[ -z "$daemon" ] || kill "$daemon"; [ -z "$nginx" ] || kill "$nginx"; wait; rm -rf "$work"' EXIT
mkdir -m 700 "$work/run" "$work/state" "$work/www"
python3 -c 'import random, sys; open(sys.argv[1], "wb").write(random.Random(1).randbytes(4 << 20))' "$work/www/content"
split -b 65536 -a 2 -d "$work/www/content" "$work/www/block"
ponto() { "$build/ponto" --connect "$work/run/bus" "$@"; }

start() { # CIPHER: a node that holds the content; $port: where it is retrieved
	cat >"$work/ponto.conf" <<CONF
node      = { name = "serve"; state = "$work/state"; socket = "$work/run/bus"; };
stores    = { main = { plugin = "store-rocksdb"; path = "main"; }; };
http      = { web = { plugin = "http-mhd"; connections_per_address = 1000; }; };
discovery = { };
services  = { dist = { plugin = "service-dist"; listen = ["127.0.0.1"]; publish = ["$work/www"]; information = "1.0";
                       retrieval = "127.0.0.1"; cipher = "$1"; clients = 1024; clients_per_address = 0; }; };
CONF
	"$build/pontod" -c "$work/ponto.conf" >"$work/log" 2>&1 &
	daemon=$!
	until site=$(ponto content publish 2>/dev/null | sed -n 's|^served at  ||p') && [ -n "$site" ]; do sleep 0.1; done
	until ponto content fetch "$site/content" -o "$work/got" 2>/dev/null && rm "$work/got" &&
		[ "$(ponto --json content cache stats | python3 -c 'import json,sys; print(json.load(sys.stdin)["blocks"])')" = 64 ]; do
		sleep 0.2
	done
	port=$(sed -n 's/.*listening on 127.0.0.1:\([0-9]*\).*/\1/p' "$work/log" | tail -n 1)
}
stop() { kill "$daemon"; wait "$daemon" || true; daemon=; }

user=; [ "$(id -u)" != 0 ] || user="user root;" # its workers are to read the files
cat >"$work/nginx.conf" <<CONF
$user
worker_processes auto; daemon off; pid $work/nginx.pid; error_log $work/nginx.log;
events { worker_connections 2048; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;
  client_body_temp_path $work/n1; proxy_temp_path $work/n2; fastcgi_temp_path $work/n3; uwsgi_temp_path $work/n4; scgi_temp_path $work/n5;
  server { listen unix:$work/unused; listen 127.0.0.1:${NGINX_PORT:-18070}; root $work/www; } }
CONF
cat >"$work/get.lua" <<'LUA'
local n = 0
request = function() n = (n + 1) % 64; return wrk.format("GET", string.format("/block%02d", n)) end
LUA
lua() { # retrieval requests of every block, one after the other
	ponto --json content cache list | python3 -c '
import json, struct, sys
segment = next(s for s in json.load(sys.stdin)["segment"] if s["blocks"] == 64)
name = bytes.fromhex(segment["id"])
print("local requests = {}\nfunction init(args)")
for k in range(64):
    body = struct.pack(">I", len(name)) + name + struct.pack(">IIII", 1, k, 1, 0)
    body = struct.pack(">HHIII", 0, 1, 3, 16 + len(body), 0) + body
    text = "".join("\\%03d" % b for b in body)
    print("requests[%d] = wrk.format(\"POST\", \"/116B50EB-ECE2-41ac-8429-9F9E963361B7/\", nil, \"%s\")" % (k, text))
print("end\nlocal n = 0\nrequest = function() n = (n + 1) % 64; return requests[n] end")' >"$work/post.lua"
}
load() { # PORT SCRIPT: answers a second, all of them whole blocks
	wrk -t1 -c"$connections" -d"${each}s" -s "$work/$2" "http://127.0.0.1:$1/" >"$work/wrk" || return 1
	if grep -E 'Socket errors|Non-2xx' "$work/wrk" >&2; then return 1; fi
	awk '/Requests\/sec/ { print $2; n++ } END { exit n != 1 }' "$work/wrk"
}
cpu() { # seconds that the processes used so far
	local p sum=0
	for p in "$@"; do sum=$((sum + $(awk '{ print $14 + $15 }' "/proc/$p/stat"))); done
	echo $sum
}
median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
missed=0
report() { # NAME RATIO LIMIT TEXT
	awk -v n="$1" -v r="$2" -v l="$3" -v t="$4" 'BEGIN { printf "bench %s ratio=%.2f limit=%.2f %s%s\n", n, r, l, t, r < l ? " MISSED" : ""; exit r < l }' || missed=1
}

# ---- plain, against nginx --------------------------------------------------------------------------
nginx -c "$work/nginx.conf" 2>/dev/null &
nginx=$!
start none
lua
workers=$(cat "/proc/$nginx/task/$nginx/children")
: >"$work/ratios"; : >"$work/ours"; : >"$work/theirs"; ours=0 theirs=0 answers=0 files=0
for _ in $(seq "$rounds"); do
	before=$(cpu $workers); peer=$(load "${NGINX_PORT:-18070}" get.lua); theirs=$((theirs + $(cpu $workers) - before))
	before=$(cpu "$daemon"); mine=$(load "$port" post.lua); ours=$((ours + $(cpu "$daemon") - before))
	echo "$mine" >>"$work/ours"; echo "$peer" >>"$work/theirs"
	awk -v a="$mine" -v b="$peer" 'BEGIN { print a / b }' >>"$work/ratios"
	answers=$(awk -v a="$answers" -v m="$mine" -v e="$each" 'BEGIN { print a + m * e }')
	files=$(awk -v a="$files" -v m="$peer" -v e="$each" 'BEGIN { print a + m * e }')
done
per_gb() { awk -v c="$1" -v n="$2" 'BEGIN { printf "%.2f", c / 100 / (n * 65536 / 1e9) }'; }
report dist-serve-plain "$(median <"$work/ratios")" 0.9 \
	"ours=$(median <"$work/ours")/s peer=$(median <"$work/theirs")/s (nginx) ours-cpu=$(per_gb "$ours" "$answers")s/GB peer-cpu=$(per_gb "$theirs" "$files")s/GB"
stop

# ---- sealed, against the cipher and nginx together ------------------------------------------------------
# Every block is sealed anew for every answer. Who does nothing but run the cipher and send as nginx does needs for a block
# the time of both; the load runs on the same cores.
start aes-128
lua
: >"$work/ratios"; : >"$work/ours"; : >"$work/theirs"; : >"$work/bound"; ours=0 answers=0
for _ in $(seq "$rounds"); do
	cipher=$(openssl speed -seconds 2 -bytes 65536 -multi "$(nproc)" -evp aes-128-cbc 2>/dev/null | awk '/^evp|^aes-128-cbc|^AES-128-CBC/ { gsub("k", "", $NF); v = $NF } END { print v * 1000 / 65536 }')
	peer=$(load "${NGINX_PORT:-18070}" get.lua)
	before=$(cpu "$daemon"); mine=$(load "$port" post.lua); ours=$((ours + $(cpu "$daemon") - before))
	echo "$mine" >>"$work/ours"; echo "$cipher" >>"$work/theirs"
	awk -v c="$cipher" -v p="$peer" 'BEGIN { print 1 / (1 / c + 1 / p) }' >>"$work/bound"
	awk -v a="$mine" -v b="$(tail -n 1 "$work/bound")" 'BEGIN { print a / b }' >>"$work/ratios"
	answers=$(awk -v a="$answers" -v m="$mine" -v e="$each" 'BEGIN { print a + m * e }')
done
report dist-serve-aes128 "$(median <"$work/ratios")" 0.9 \
	"ours=$(median <"$work/ours")/s limit=$(median <"$work/bound")/s (cipher alone $(median <"$work/theirs")/s on $(nproc) cores, sending as nginx) ours-cpu=$(per_gb "$ours" "$answers")s/GB"
stop
kill "$nginx"; wait "$nginx" || true; nginx=
exit $missed
