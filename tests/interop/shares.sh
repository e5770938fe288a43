#!/usr/bin/env bash
# What users may have of a node that they share: of 1024 names, and of 64 resolves under way, one user alone gets half,
# the next one half of what is left, and nobody finds nothing. Three users without privilege, told apart by the kernel.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
export PONTO_PLUGIN_PATH=$build/.libs

if [ "$(id -u)" != 0 ]; then
	echo "1..0 # SKIP only root can be several users"
	exit 0
fi
daemon_uid=20100 gid=65534 group=nogroup
work=$(mktemp -d "${TMPDIR:-/tmp}/ponto-shares-XXXXXX")
trap 'kill $(jobs -p) 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir -m 700 "$work/state"
mkdir -m 750 "$work/run"
chown $daemon_uid:$gid "$work/state" "$work/run"

. "$top/tests/interop/tap.inc.sh"
as() { local uid=$1; shift; setpriv --reuid "$uid" --regid $gid --clear-groups "$@"; }
tool() { local uid=$1; shift; as "$uid" "$build/tests/interop/shares_tool" "$work/run/bus" "$@" 2>&1; }

# A seed that takes datagrams and says nothing: resolves wait for it.
perl -MSocket=:DEFAULT,inet_pton -e 'socket(S, AF_INET6, SOCK_DGRAM, 0); bind(S, pack_sockaddr_in6(0, inet_pton(AF_INET6, "::1"))) or die;
	$| = 1; print((unpack_sockaddr_in6(getsockname S))[0], "\n"); sleep 600' > "$work/silent" &
until_true 50 test -s "$work/silent"
cat > "$work/ponto.conf" <<CONF
node       = { name = "shared"; state = "$work/state"; socket = "ipc://$work/run/bus"; group = "$group"; };
transports = { wide = { plugin = "transport-udp6"; port = $((20000 + $$ % 12000)); }; };
stores     = { main = { plugin = "store-mem"; }; };
security   = { id = { plugin = "security-pki"; }; };
discovery  = { seeds = { plugin = "discovery-seed"; peers = [ "[::1]:$(cat "$work/silent")" ]; }; };
services   = { pnrp = { plugin = "service-pnrp"; scope = "loopback"; }; };
CONF
setpriv --reuid $daemon_uid --regid $gid --clear-groups "$build/pontod" -c "$work/ponto.conf" 2>"$work/log" &
if ! until_true 150 as $daemon_uid "$build/ponto" --connect "$work/run/bus" node status; then
	echo "Bail out! the node does not start: $(cat "$work/log")"
	exit 1
fi

# ---- resolves under way ------------------------------------------------------------------
# A resolve ends within two seconds here: what counts is a time when none had.
mkfifo "$work/hold"
all_at_once() {
	local first second
	: >"$work/20101"
	: >"$work/20102"
	tool 20101 resolve 40 <"$work/hold" >"$work/20101" &
	first=$!
	exec 7>"$work/hold"
	until_true 100 test -s "$work/20101"
	tool 20102 resolve 40 <"$work/hold" >"$work/20102" 7>&- &
	second=$!
	until_true 100 test -s "$work/20102"
	last=$(tool 20103 resolve 1 </dev/null)
	exec 7>&-
	wait $first $second
	grep -qx '32 wait' "$work/20101" && [ "$(sed -n 's/ wait//p' "$work/20102")" = "$(sed -n '1s/ .*//p' "$work/20102")" ]
}
until_true 20 all_at_once || not_ok "several users resolve at once" "$(cat "$work/20101" "$work/20102")"
busy="0.nowhere: too many names are being resolved by you"
is "one user alone has half of the resolves" "$(head -n 1 "$work/20101")" "32 $busy"
is "another one half of the rest" "$(head -n 1 "$work/20102")" "16 $busy"
is "and a third one finds room" "$(head -n 1 <<<"$last")" "1 "
room_again() { tool 20102 resolve 32 </dev/null | grep -qx "32 "; }
check "those that ended count no more" until_true 100 room_again

# ---- names ---------------------------------------------------------------------------------
is "one user alone has half of the names" "$(tool 20101 register a)" "512 0.a512: too many names are registered here by you"
is "another one half of the rest" "$(tool 20102 register b)" "256 0.b256: too many names are registered here by you"
is "the first one gets no more" "$(tool 20101 register c)" "0 0.c0: too many names are registered here by you"
is "and a third one finds room" "$(tool 20103 register d)" "128 0.d128: too many names are registered here by you"
as 20101 "$build/ponto" --connect "$work/run/bus" name unregister 0.a0 > "$work/out" 2>&1 ||
	not_ok "a name can be given back" "$(cat "$work/out")"
is "each sees the own names only" "$(as 20103 "$build/ponto" --connect "$work/run/bus" name list | grep -c '0\.d')" 128
echo "1..$count"
[ $bad = 0 ]
