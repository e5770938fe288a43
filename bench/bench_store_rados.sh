#!/usr/bin/env bash
# store-rados against librados, on a cluster on loopback that is made for it: bench_store_rados.c tells the rest.
# DISK=folder puts the OSDs' files there; else they lie in memory, where the store's own cost shows most.
set -uo pipefail
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
for program in ceph ceph-authtool ceph-mon ceph-osd monmaptool rados; do
	command -v $program >/dev/null || { echo "bench store-rados: not run, no $program here"; exit 0; }
done
base=${DISK:-/dev/shm}
[ -d "$base" ] && [ -w "$base" ] || base=${TMPDIR:-/tmp}
work=$(mktemp -d "$base/ponto-bench-XXXXXX")
trap 'bash "$top/tests/lab/ceph-cluster" down "$work/c" >/dev/null 2>&1; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
unset CEPH_ARGS CEPH_KEYRING
CEPH_CLUSTER_MGR=0 CEPH_CLUSTER_DISK=8 bash "$top/tests/lab/ceph-cluster" up "$work/c" >/dev/null || exit 1
CEPH_CONF=$work/c/ceph.conf "$build/bench/bench_store_rados"
