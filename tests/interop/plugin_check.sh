#!/usr/bin/env bash
# ponto plugin check: what is shipped keeps the contract of its kind, and what is broken is told so.
set -uo pipefail
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ] && [ "$(df -k --output=avail /dev/shm | tail -n 1)" -gt 524288 ] &&
	! grep -q ' /dev/shm [^ ]* [^ ]*noexec' /proc/mounts; then
	export TMPDIR=/dev/shm
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/ponto-check-XXXXXX")
trap 'rm -rf "$work"' EXIT
unset PONTO_LIBEXEC
export PONTO_PLUGIN_PATH=$build/.libs
ponto=$build/ponto
. "$top/tests/interop/tap.inc.sh"

# passes NAME WHAT: every sentence holds, and the contract of its kind was tried
passes() {
	local kind=${1%%-*}
	[ "$kind" != transport ] || kind='\(transport\|stream\)'
	if ! "$ponto" plugin check "$2" >"$work/out" 2>&1; then
		not_ok "$1 keeps its contract" "$(grep -v '^holds' "$work/out")"
	elif ! grep -q "^holds *$kind contract: " "$work/out"; then
		not_ok "$1 keeps its contract" "nothing was tried" "$(cat "$work/out")"
	else
		ok "$1 keeps its contract"
	fi
}

# is_broken NAME EXAMPLE SENTENCE SED: an example with that fault is found out by that sentence, in both forms
is_broken() {
	local module=${2//-/_} library=$work/broken/$2.so
	mkdir -p "$work/broken"
	sed -e "$4" "$top/docs/examples/$2/$module.c" >"$work/broken/$module.c"
	if cmp -s "$top/docs/examples/$2/$module.c" "$work/broken/$module.c"; then not_ok "$1" "no fault was made"; return; fi
	# shellcheck disable=SC2086
	if ! ${CC:-gcc} -std=gnu11 -D_GNU_SOURCE -I"$top" -fPIC -shared -o "$library" "$work/broken/$module.c" -lcrypto >"$work/out" 2>&1; then
		not_ok "$1" "$(cat "$work/out")"
		return
	fi
	"$ponto" plugin check "$library" >"$work/out" 2>&1
	local status=$?
	if [ $status = 1 ] && grep -q "^BROKEN *${2%%-*} contract: $3: ." "$work/out"; then
		ok "$1"
	else
		not_ok "$1" "status $status" "$(cat "$work/out")"
	fi
	"$ponto" --json plugin check "$library" >"$work/out" 2>&1
	status=$?
	if [ $status = 1 ] && grep -q '"holds": *false' "$work/out"; then ok "$1, as JSON"; else not_ok "$1, as JSON" "status $status" "$(cat "$work/out")"; fi
}

for plugin in transport-udp6 transport-udp4 transport-tcp transport-sim store-mem store-rocksdb security-pki security-sim \
	discovery-seed discovery-ssdp discovery-wsd http-mhd http-sim service-pnrp; do
	passes "$plugin" "$plugin"
done
# Its kind has no suite.
if out=$("$ponto" plugin check mapping-gateway 2>&1) && grep -q '^holds *descriptor, options and vtable' <<<"$out"; then
	ok "mapping-gateway has a right descriptor"
else
	not_ok "mapping-gateway has a right descriptor" "$out"
fi
is_broken "a transport that sends to port 0 is found out" transport-loop refusals 's/ || d->peer.port == 0//'
is_broken "a store that forgets to expire is found out" store-file expiry 's/record->expires == 0 || record->expires > now/true/'
is_broken "a service that does not answer is found out" service-echo "unknown method" '/PONTO_ENOTSUP/d'
PONTO_LIBEXEC=$work "$ponto" plugin check security-sim >"$work/out" 2>&1
status=$?
if [ $status = 1 ] && grep -q '^BROKEN .*is not installed' "$work/out"; then
	ok "a suite that is not installed is no success"
else
	not_ok "a suite that is not installed is no success" "status $status" "$(cat "$work/out")"
fi
echo "1..$count"
[ $bad = 0 ]
