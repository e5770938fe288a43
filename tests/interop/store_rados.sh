#!/usr/bin/env bash
# store-rados on a small Ceph cluster on loopback, which is started once, in a folder of its own and without privileges:
# the contract, what is beyond it, what happens when parts of the cluster or writers die; two nodes that share a store.
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

count=0 bad=0
ok() { count=$((count + 1)); echo "ok $count - $1"; }
not_ok() { count=$((count + 1)) bad=$((bad + 1)); echo "not ok $count - $1"; shift; [ $# = 0 ] || printf '%s\n' "$@" | sed 's/^/# /'; }

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
cases "$build/tests/interop/rados_fault"
echo "1..$count"
[ $bad = 0 ]
