#!/usr/bin/env bash
# Two hosted caches on one cluster, one of which is cut off from it for a while: packets of its user to the cluster's ports go
# nowhere. Its clients have their files all the same, the other cache goes on, and afterwards it gives what the other kept
# meanwhile. For this the cluster runs in a network of its own; it is one of the longer tests (PONTO_FULL).
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
skip() { echo "1..0 # SKIP $*"; exit 0; }
[ -n "${PONTO_FULL-}" ] || skip "one of the longer tests"
[ -x "$build/tests/interop/rados_store" ] || skip "librados-dev was not there when this was built"
for program in ceph ceph-mon ceph-osd curl nft python3 ss; do command -v $program >/dev/null || skip "no $program here"; done
if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ] && [ "$(df -k --output=avail /dev/shm | tail -n 1)" -gt 4194304 ]; then export TMPDIR=/dev/shm; fi
. "$top/tests/interop/namespace.inc.sh"
[ "$PONTO_IN_NAMESPACE" = 0 ] || skip "two users are needed"
chown 65534:65534 "$work"
chmod 711 "$work"
cp "$top/tests/lab/ceph-cluster" "$work/ceph-cluster"
as=(setpriv --reuid 65534 --regid 65534 --clear-groups env HOME="$work" TMPDIR="$work")
lab() { (cd "$work" && exec env -u CEPH_CONF CEPH_CLUSTER_MGR=0 CEPH_CLUSTER_DISK=8 "${as[@]}" bash "$work/ceph-cluster" "$@"); }
daemons=()
clean_up() {
	[ ${#daemons[@]} = 0 ] || { kill "${daemons[@]}" && wait "${daemons[@]}"; } 2>/dev/null
	[ ! -e "$work/c/.ceph-cluster" ] || lab down "$work/c" >/dev/null 2>&1
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP
. "$top/tests/interop/rados_sites.inc.sh"
unset CEPH_ARGS CEPH_KEYRING PONTO_ENDPOINT
export CEPH_CONF=$work/c/ceph.conf
lab up "$work/c" >"$work/log" 2>&1 || bail "no cluster"

# ---- nodes: the second cache is another user's ---------------------------------------------------------
users[cache2]=65533
chmod g+x "$work/c" "$work/c/keys"
chmod g+r "$CEPH_CONF" "$work"/c/keys/*
mkdir -m 755 "$work/hosted"
size=$((3 << 20))
for file in first second third; do head -c $size /dev/urandom >"$work/hosted/$file"; done
shared="plugin = \"store-rados\"; conf = \"$CEPH_CONF\"; namespace = \"hosted\";"
site origin 'plugin = "store-mem";' "listen = [\"127.0.0.1\"]; publish = [\"$work/hosted\"]; retrieval = \"\";"
for i in 1 2; do site cache$i "$shared" 'retrieval = "127.0.0.1"; cache_memory = 0; hosted_cache = true;'; done
check "an origin and two hosted caches on one store" eval 'run origin && run cache1 && run cache2'
for file in first second third; do check "the $file file is described" until_true 100 described $file; done
for i in 1 2; do site client$i 'plugin = "store-mem";' "retrieval = \"127.0.0.1\"; hosted = [\"$(where cache$i)\"];"; done
check "a client of each" eval 'run client1 && run client2'
check "what the first keeps" eval 'all_of client1 first 0 $size && until_true 100 holds cache1 $size'
given() { [ "$(fetched "$1" "$2")" = "$size 0" ]; }
check "the second gives" until_true 100 given client2 first

# ---- cut off ----------------------------------------------------------------------------------------------
ports=$(ss -Hltnp | awk '/"ceph-(mon|osd)"/ { sub(/.*:/, "", $4); print $4 }' | sort -nu | paste -sd, -)
cut() { nft "add table inet cut; add chain inet cut out { type filter hook output priority 0; }; add rule inet cut out meta skuid 65533 tcp dport { $ports } drop"; }
check "the second is cut off from the cluster (ports $ports)" cut
without() { local got; got=$(fetched client2 first) && echo "$got" && [ "${got#* }" -gt 0 ]; }
check "its client has the file all the same, of the origin" without
check "it still answers" ask cache2 content cache stats
check "the first goes on: it keeps" eval 'all_of client1 second 0 $size && until_true 100 holds cache1 $((2 * size))'
check "and gives" until_true 100 given client1 second
check "the second is back" nft delete table inet cut
check "and reads what is in the store" until_true 300 ask cache2 content cache verify
check "and gives what the first kept meanwhile, without a new start" until_true 300 given client2 second
# Who forgot what he had offered before it could be fetched is left alone for a while.
kept_again() { fetched client2 third && tries 100 holds cache2 $((3 * size)); }
check "what its own clients offer is kept again" until_true 10 kept_again
check "and given by the first" until_true 100 given client1 third
check "nothing that was kept is damaged" eval 'ask cache1 content cache verify && ask cache2 content cache verify'
for name in client1 client2 cache1 cache2 origin; do check "$name ends well" leave $name; done
echo "1..$count"
[ "$bad" = 0 ]
