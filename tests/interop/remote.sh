#!/usr/bin/env bash
# Remote administration over tcp on loopback: the right key, a wrong one, an unlisted one, none.
set -uo pipefail
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
export PONTO_PLUGIN_PATH=$build/.libs
work=$(mktemp -d "${TMPDIR:-/tmp}/ponto-remote-XXXXXX")
daemon=
trap '[ -z "$daemon" ] || kill "$daemon" 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT
unset PONTO_ENDPOINT XDG_CONFIG_HOME
as=()
if [ "$(id -u)" = 0 ]; then as=(setpriv --reuid 65534 --regid 65534 --clear-groups); chown 65534:65534 "$work"; fi
ponto() { "${as[@]}" env HOME="$work" "$build/ponto" "$@"; }
port=$((20000 + $$ % 12000))
remote=tcp://127.0.0.1:$port

. "$top/tests/interop/tap.inc.sh"
expect() { # STATUS TEXT COMMAND...
	local status=$1 text=$2 out got
	shift 2
	out=$("$@" 2>&1 </dev/null)
	got=$?
	if [ $got = "$status" ] && grep -qF -e "$text" <<<"$out" && [ "$(wc -l <<<"$out")" -le 20 ]; then ok "$* -> $status"
	else not_ok "$* -> $status, '$text'" "got $got: $out"; fi
}

expect 2 "ponto node key --make" ponto --connect $remote node status
expect 1 "No such file" ponto node key
expect 0 "" ponto node key --make
expect 0 "$(ponto node key)" ponto node key --make
expect 0 "" ponto node key --make "$work/stranger.key"
"${as[@]}" mkdir -m 700 "$work/state" "$work/state/remote"
printf '# administrators\n%s of a test\n' "$(ponto node key)" | "${as[@]}" tee "$work/state/remote/clients" >/dev/null
cat > "$work/ponto.conf" <<CONF
node       = { name = "far"; state = "$work/state"; socket = "$work/run/bus"; remote = "$remote"; };
stores     = { main = { plugin = "store-mem"; }; };
transports = { }; security = { }; discovery = { }; services = { };
CONF
"${as[@]}" env HOME="$work" "$build/pontod" -c "$work/ponto.conf" 2>"$work/log" &
daemon=$!
until_true 200 grep -q 'runs: state' "$work/log" || bail "the daemon does not start"
expect 2 "is not known" ponto --connect $remote node status
ponto node key "$work/state/remote/server.key" | "${as[@]}" tee "$work/server.pub" >/dev/null
expect 0 "node      far" ponto --connect $remote --server-key "$work/server.pub" node status
echo "$remote $(cat "$work/server.pub")" | "${as[@]}" tee "$work/.config/ponto/known_servers" >/dev/null
expect 0 "node      far" ponto --connect $remote node status
expect 0 "" ponto --connect $remote node reload
expect 3 "does not admit this key" ponto --connect $remote --key "$work/stranger.key" node status
ponto node key "$work/stranger.key" | "${as[@]}" tee "$work/wrong.pub" >/dev/null
expect 3 "another key" ponto --connect $remote --server-key "$work/wrong.pub" node status
expect 2 "holds no key" ponto --connect $remote --server-key "$work/ponto.conf" node status
"${as[@]}" chmod 644 "$work/stranger.key"
expect 2 "must be 0600" ponto --connect $remote --key "$work/stranger.key" node status
expect 3 "no daemon at" ponto --connect tcp://127.0.0.1:1 --server-key "$work/server.pub" node status
expect 0 "node      far" ponto --connect "$work/run/bus" node status
kill -TERM "$daemon"; wait "$daemon"; status=$?; daemon=
expect 0 "0" echo $status
[ $status = 0 ] || sed 's/^/# /' "$work/log"
echo "1..$count"
[ $bad = 0 ]
