#!/usr/bin/env bash
# store-rados on a small Ceph cluster on loopback, which is started once, in a folder of its own and without privileges:
# the contract, what is beyond it, what happens when parts of the cluster or writers die; two nodes that share a store, two
# hosted caches that do.
set -uo pipefail
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
skip() { echo "1..0 # SKIP $*"; exit 0; }
[ -x "$build/tests/interop/rados_store" ] || skip "librados-dev was not there when this was built"
for program in ceph ceph-authtool ceph-mon ceph-osd monmaptool rados; do
	command -v $program >/dev/null || skip "no $program here"
done

# Nothing here is about disks: the OSDs' files lie in memory where there is enough of it.
base=${TMPDIR:-/tmp}
if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ] && [ "$(df -k --output=avail /dev/shm | tail -n 1)" -gt 4194304 ]; then base=/dev/shm; fi
work=$(mktemp -d "$base/ponto-rados-XXXXXX")
cp "$top/tests/lab/ceph-cluster" "$work/ceph-cluster"
as=()
if [ "$(id -u)" = 0 ]; then
	chown 65534:65534 "$work"
	chmod 711 "$work"
	as=(setpriv --reuid 65534 --regid 65534 --clear-groups env HOME="$work" TMPDIR="$work")
fi
export PONTO_RADOS_LAB=$work/lab PONTO_RADOS_FOLDER=$work/c CEPH_CONF=$work/c/ceph.conf
unset CEPH_ARGS CEPH_KEYRING
cat >"$PONTO_RADOS_LAB" <<LAB
cd "$work" && exec env -u CEPH_CONF CEPH_CLUSTER_MGR=0 CEPH_CLUSTER_DISK=8 ${as[*]} bash "$work/ceph-cluster" "\$@"
LAB
daemons=()
clean_up() {
	[ ${#daemons[@]} = 0 ] || { kill "${daemons[@]}" && wait "${daemons[@]}"; } 2>/dev/null
	[ ! -e "$work/c/.ceph-cluster" ] || bash "$PONTO_RADOS_LAB" down "$work/c" >/dev/null 2>&1
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

. "$top/tests/interop/tap.inc.sh"

# cases PROGRAM: its results as ours
cases() {
	local name=${1##*/} planned=0 seen=0 line
	while IFS= read -r line; do
		case $line in
		1..*) planned=${line#1..} ;;
		ok\ *) seen=$((seen + 1)); ok "$name: ${line#ok * - }" ;;
		not\ ok\ *) seen=$((seen + 1)); not_ok "$name: ${line#not ok * - }" ;;
		'# ok'*|'# not ok'*) ;;
		'#'*) printf '%s\n' "$line" ;;
		*) printf '# %s\n' "$line" ;;
		esac
	done < <("$@" 2>&1)
	if [ "$planned" = 0 ] || [ "$seen" != "$planned" ]; then not_ok "$name comes to its end" "$seen of $planned cases"; fi
}

if ! bash "$PONTO_RADOS_LAB" up "$work/c" >"$work/up" 2>&1; then
	echo "1..1"
	not_ok "a cluster on loopback" "$(cat "$work/up")" "$(tail -n 20 "$work"/c/log/create "$work"/c/log/*.out 2>/dev/null)"
	exit 1
fi
ok "a cluster on loopback"

# The contract, as anybody would try it: the plugin from its file, on default options.
if PONTO_PLUGIN_PATH=$build/.libs "$build/ponto" plugin check store-rados >"$work/out" 2>&1 &&
	[ "$(grep -c '^holds *store contract: ' "$work/out")" -ge 20 ]; then
	ok "ponto plugin check: store-rados keeps its contract"
else
	not_ok "ponto plugin check: store-rados keeps its contract" "$(grep -v '^holds' "$work/out")"
fi
left=$(rados --id ponto -p ponto --all ls 2>/dev/null | awk '$2 != "meta" && $NF != "meta"')
if [ -z "$left" ]; then ok "ponto plugin check leaves no record behind"; else not_ok "ponto plugin check leaves no record behind" "$left"; fi
if [ -n "${PONTO_FULL-}" ]; then cases "$build/tests/interop/rados_contract"; fi
cases "$build/tests/interop/rados_store"
cases "$build/tests/interop/rados_cache"

# Two nodes with one store: what is published by the one, the other publishes too once it starts.
node() { # NAME POOL
	mkdir -m 700 "$work/$1"
	cat >"$work/$1/conf" <<CONF
node      = { name = "$1"; state = "$work/$1"; socket = "$work/$1/bus"; };
stores    = { shared = { plugin = "store-rados"; conf = "$CEPH_CONF"; user = "ponto"; pool = "$2"; namespace = "nodes"; }; };
http      = { web = { plugin = "http-mhd"; }; };
discovery = { };
services  = { dist = { plugin = "service-dist"; listen = ["127.0.0.1"]; retrieval = "127.0.0.1"; store = "shared"; }; };
CONF
	[ ${#as[@]} = 0 ] || chown -R 65534:65534 "$work/$1"
}
ask() { local name=$1; shift; env -u PONTO_ENDPOINT "${as[@]}" "$build/ponto" --connect "$work/$name/bus" "$@"; }
start() { # NAME
	local tries
	PONTO_PLUGIN_PATH=$build/.libs "${as[@]}" "$build/pontod" -c "$work/$1/conf" >"$work/$1/log" 2>&1 &
	daemons+=($!)
	for ((tries = 0; tries < 300; tries++)); do
		ask "$1" content publish >/dev/null 2>&1 && return
		kill -0 $! 2>/dev/null || break
		sleep 0.1
	done
	return 1
}
mkdir "$work/www"
chmod 755 "$work/www"
node one ponto
node two ponto
node lost nowhere
if start one && ask one content publish "$work/www" --at /shared >"$work/out" 2>&1 && start two &&
	ask two content publish 2>&1 | tee -a "$work/out" | grep -q /shared; then
	ok "two nodes share a store"
else
	not_ok "two nodes share a store" "$(cat "$work/out" "$work/one/log" "$work/two/log")"
fi
kill "${daemons[@]}" 2>/dev/null
left=0
for daemon in "${daemons[@]}"; do wait "$daemon" || left=1; done
daemons=()
if [ $left = 0 ]; then ok "both nodes end well"; else not_ok "both nodes end well" "$(cat "$work/one/log" "$work/two/log")"; fi
if ! start lost && [ "$(grep -c 'no pool nowhere' "$work/lost/log")" = 1 ]; then
	ok "a node whose pool is missing says so and ends"
else
	not_ok "a node whose pool is missing says so and ends" "$(cat "$work/lost/log")"
fi
daemons=()
if command -v python3 >/dev/null && command -v curl >/dev/null; then . "$top/tests/interop/rados_hosted.inc.sh"; fi
cases "$build/tests/interop/rados_fault"
echo "1..$count"
[ $bad = 0 ]
