#!/usr/bin/env bash
# A hosted cache on each store: offers handled, and blocks of 64 KiB served, against nginx, which answers the same bytes
# from memory, or against the store called directly, without a cache, where that is slower; on a cluster one, two and three
# caches that share it. docs/benchmarks.md
# Needs nginx and wrk; for the cluster Ceph. PONTO_BUILDDIR=DIR [CONNECTIONS=64 SECONDS_EACH=1 ROUNDS=9 STORES="mem rocksdb rados"]
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "${PONTO_BUILDDIR:?}" && pwd)
connections=${CONNECTIONS:-64} each=${SECONDS_EACH:-1} rounds=${ROUNDS:-9} stores=${STORES:-mem rocksdb rados}
for program in nginx wrk python3; do
	command -v $program >/dev/null || { echo "bench hosted skipped: $program is not installed" >&2; exit 0; }
done
export PONTO_PLUGIN_PATH=$build/.libs
work=$(mktemp -d "${TMPDIR:-/tmp}/ponto-hosted-XXXXXX")
nginx= cluster=
declare -A daemon port site
stop() { kill "${daemon[$1]}"; wait "${daemon[$1]}" || true; unset "daemon[$1]"; rm -rf "${work:?}/$1"; }
end() {
	local n
	for n in "${!daemon[@]}"; do stop "$n"; done
	[ -z "$nginx" ] || { kill "$nginx"; wait "$nginx" || true; }
	[ -z "$cluster" ] || bash "$top/tests/lab/ceph-cluster" down "$cluster"
	rm -rf "$work"
}
trap end EXIT
mkdir -m 700 "$work/www"
python3 -c 'import random, sys; open(sys.argv[1], "wb").write(random.Random(1).randbytes(4 << 20))' "$work/www/content"
split -b 65536 -a 2 -d "$work/www/content" "$work/www/block"
ponto() { local n=$1; shift; "$build/ponto" --connect "$work/$n/run/bus" "$@"; }
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
store() {
	case $1 in
	mem) echo 'plugin = "store-mem";' ;;
	rocksdb) echo 'plugin = "store-rocksdb"; path = "main";' ;;
	rados) echo "plugin = \"store-rados\"; conf = \"$CEPH_CONF\"; namespace = \"bench\";" ;;
	esac
}
launch() { # NAME STORE VERSION
	mkdir -m 700 "$work/$1" "$work/$1/run" "$work/$1/state"
	cat >"$work/$1/ponto.conf" <<CONF
node      = { name = "$1"; state = "$work/$1/state"; socket = "$work/$1/run/bus"; };
stores    = { main = { $(store "$2") }; };
http      = { web = { plugin = "http-mhd"; connections_per_address = 1000; }; };
discovery = { };
services  = { dist = { plugin = "service-dist"; listen = ["127.0.0.1"]; publish = ["$work/www"]; information = "$3";
                       retrieval = "127.0.0.1"; cipher = "none"; clients = 1024; clients_per_address = 0;
                       hosted_cache = true; }; };
CONF
	"$build/pontod" -c "$work/$1/ponto.conf" >"$work/$1/log" 2>&1 &
	daemon[$1]=$!
	until site[$1]=$(ponto "$1" content publish 2>/dev/null | sed -n 's|^served at  ||p') && [ -n "${site[$1]}" ]; do
		kill -0 "${daemon[$1]}" || { cat "$work/$1/log" >&2; exit 1; }
		sleep 0.1
	done
	port[$1]=$(sed -n 's/.*listening on 127.0.0.1:\([0-9]*\).*/\1/p' "$work/$1/log" | tail -n 1)
}
fill() { # NAME: until it holds the whole content
	until ponto "$1" content fetch "${site[$1]}/content" -o "$work/got" >/dev/null 2>&1 && rm "$work/got" &&
		[ "$(ponto "$1" --json content cache stats | field bytes)" = $((4 << 20)) ]; do
		sleep 0.2
	done
}

# ---- requests ------------------------------------------------------------------------------------------
lua() { # blocks | offers; the cache's list on standard input
	python3 -c '
import json, struct, sys
def text(body): return "".join("\\%03d" % b for b in body)
segments = [s for s in json.load(sys.stdin)["segment"] if s["blocks"]]
bodies, path = [], "/116B50EB-ECE2-41ac-8429-9F9E963361B7/"
if sys.argv[1] == "blocks":
    for k in range(64):
        name = bytes.fromhex(segments[0]["id"])
        body = struct.pack(">I", len(name)) + name + struct.pack(">IIII", 1, k, 1, 0)
        bodies.append(struct.pack(">HHIII", 0, 1, 3, 16 + len(body), 0) + body)
else:
    path = "/0131501b-d67f-491b-9a40-c4bf27bcb4d4/"
    for first in range(0, 32, 8): # eight segments a message, all of them held
        body = struct.pack(">BBH", 0, 2, 3) + bytes(4) + struct.pack(">H", 9) + bytes(6)
        for s in segments[first:first + 8]:
            size = s["size"]
            body += struct.pack(">IIH", size, size, 16) + b"bench".ljust(16, b"\0") + b"\4" + bytes.fromhex(s["id"])
        bodies.append(body)
print("local requests = {}")
for k, body in enumerate(bodies):
    print("requests[%d] = function() return wrk.format(\"POST\", \"%s\", nil, \"%s\") end" % (k, path, text(body)))
print("local n = 0\nrequest = function() n = (n + 1) %% %d; return requests[n]() end" % len(bodies))' "$1"
}
cat >"$work/get.lua" <<'LUA'
local n = 0
request = function() n = (n + 1) % 64; return wrk.format("GET", string.format("/block%02d", n)) end
LUA
spent() { # PID...: nanoseconds of processor time, of all their threads, and those of their children
	local p all=()
	for p in "$@" $(pgrep -d' ' -P "$(IFS=,; echo "$*")"); do all+=("/proc/$p/task/"*/schedstat); done
	awk '{ s += $1 } END { printf "%.0f", s }' "${all[@]}"
}
load() { # SCRIPT PIDS PORT...: answers a second, of all ports together, and microseconds of processor time each took those processes
	local script=$1 servers=$2 p pids=() sum=0 before
	shift 2
	# shellcheck disable=SC2086
	before=$(spent $servers)
	for p; do
		wrk -t1 -c"$((connections / $#))" -d"${each}s" -s "$work/$script" "http://127.0.0.1:$p/" >"$work/wrk.$p" &
		pids+=($!)
	done
	for p in "${pids[@]}"; do wait "$p" || return 1; done
	# shellcheck disable=SC2086
	before=$(($(spent $servers) - before))
	for p; do
		if grep -E 'Socket errors|Non-2xx' "$work/wrk.$p" >&2; then return 1; fi
		sum=$(awk -v s="$sum" '/Requests\/sec/ { print s + $2; n++ } END { exit n != 1 }' "$work/wrk.$p") || return 1
	done
	awk -v s="$sum" -v t=$before '/requests in/ { n += $1 } END { print s, t / n / 1000 }' "${@/#/$work/wrk.}"
}
median() { sort -n | awk '{ v[NR] = $1 } END { if (NR) print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
raw() { # STORE offers|blocks: of the store called directly, a second; nothing for store-mem, which is memory
	case $1 in
	rocksdb) "$build/bench/bench_hosted_rocksdb" "$work/raw" "$2" "$each" ;;
	rados) "$build/bench/bench_hosted_rados" "$CEPH_CONF" "$2" "$each" ;;
	esac
}
missed=0
# NAME STORE offers|blocks PORT...: by turns with nginx and the store. At least 0.9 of nginx, or 0.8 of the store where that
# is the slower one.
compare() {
	local name=$1 store=$2 what=$3 theirs=get mine nginx_rate store_rate slow=nginx limit=0.9 other cpu
	shift 3
	[ "$what" = blocks ] || theirs=offers
	: >"$work/ours"; : >"$work/nginx"; : >"$work/store"
	for _ in $(seq "$rounds"); do
		load $theirs.lua "$nginx" "${NGINX_PORT:-18071}" >>"$work/nginx" || exit 1
		raw "$store" "$what" >>"$work/store" || exit 1
		mine=$(load "$what.lua" "${daemon[*]}" "$@") || exit 1
		echo "$mine" >>"$work/ours"
	done
	nginx_rate=$(median <"$work/nginx"); store_rate=$(median <"$work/store")
	other=${store_rate:+; $store called directly ${store_rate%.*}/s}
	cpu="$(awk '{ print $2 }' "$work/ours" | median) $(awk '{ print $2 }' "$work/nginx" | median)"
	if [ -n "$store_rate" ] && awk -v a="$store_rate" -v b="$nginx_rate" 'BEGIN { exit a >= b }'; then
		slow=store limit=0.8 other="; nginx ${nginx_rate%.*}/s"
	fi
	paste <(cut -d' ' -f1 "$work/ours") <(cut -d' ' -f1 "$work/$slow") | awk '{ print $1 / $2 }' >"$work/ratios"
	awk -v n="$name" -v r="$(median <"$work/ratios")" -v l=$limit -v o="$(median <"$work/ours")" -v p="$(median <"$work/$slow")" \
		-v w="$([ $slow = nginx ] && echo nginx || echo "$store called directly")$other" -v c="${cpu% *}" -v d="${cpu#* }" \
		'BEGIN { printf "bench %s ratio=%.2f limit=%.2f ours=%.0f/s peer=%.0f/s (%s; processor time ours %.1fus, nginx %.1fus)%s\n", n, r, l, o, p, w, c, d, r < l ? " MISSED" : ""; exit r < l }' || missed=1
}

# ---- nginx ----------------------------------------------------------------------------------------------
user=; [ "$(id -u)" != 0 ] || user="user root;" # its workers are to read the files
cat >"$work/nginx.conf" <<CONF
$user
worker_processes auto; daemon off; pid $work/nginx.pid; error_log $work/nginx.log;
events { worker_connections 2048; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;
  client_body_temp_path $work/n1; proxy_temp_path $work/n2; fastcgi_temp_path $work/n3; uwsgi_temp_path $work/n4; scgi_temp_path $work/n5;
  server { listen 127.0.0.1:${NGINX_PORT:-18071}; root $work/www;
    location = /0131501b-d67f-491b-9a40-c4bf27bcb4d4/ { return 200 "12345"; } } }
CONF
nginx -c "$work/nginx.conf" 2>/dev/null &
nginx=$!

# ---- each store -------------------------------------------------------------------------------------------
for s in $stores; do
	if [ "$s" = rados ]; then
		command -v ceph-osd >/dev/null || { echo "bench hosted-rados skipped: Ceph is not installed" >&2; continue; }
		cluster=$(CEPH_CLUSTER_MGR=0 bash "$top/tests/lab/ceph-cluster" up)
		eval "$(bash "$top/tests/lab/ceph-cluster" env "$cluster")"
	fi
	launch A "$s" 2.0
	fill A
	ponto A --json content cache list | lua offers >"$work/offers.lua"
	compare "hosted-offers-$s" "$s" offers "${port[A]}"
	[ "$s" != rados ] || ponto A content cache clear >/dev/null
	stop A
	launch A "$s" 1.0
	fill A
	ponto A --json content cache list | lua blocks >"$work/blocks.lua"
	compare "hosted-blocks-$s" "$s" blocks "${port[A]}"
	if [ "$s" = rados ]; then
		for n in B C; do
			launch $n rados 1.0 # it serves what A put there
			until [ "$(ponto $n --json content cache stats | field bytes)" = $((4 << 20)) ]; do sleep 0.2; done
			[ $n = C ] || compare hosted-blocks-rados-2 rados blocks "${port[A]}" "${port[B]}"
		done
		compare hosted-blocks-rados-3 rados blocks "${port[A]}" "${port[B]}" "${port[C]}"
		for n in B C; do stop $n; done
	fi
	stop A
done
exit $missed
