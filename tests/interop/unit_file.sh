#!/usr/bin/env bash
# The systemd unit: well-formed, and hardened as systemd itself judges it.
set -uo pipefail
build=${PONTO_BUILDDIR:-.}
unit=$build/apps/pontod/ponto.service
command -v systemd-analyze >/dev/null || { echo "1..0 # SKIP no systemd-analyze"; exit 0; }
work=$(mktemp -d)
daemon=
trap '[ -z "$daemon" ] || kill "$daemon" 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT
# The program need not be installed for the unit to be right.
sed "s|^ExecStart=[^ ]*|ExecStart=/bin/true|" "$unit" > "$work/ponto.service"
echo 1..18
out=$(SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no "$work/ponto.service" 2>&1 | grep 'ponto\.service')
if [ -z "$out" ]; then echo "ok 1 - verify finds nothing"; else echo "not ok 1 - verify finds nothing"; sed 's/^/# /' <<<"$out"; fi
out=$(systemd-analyze security --offline=yes --threshold=30 "$work/ponto.service" 2>&1)
status=$?
if grep -qi 'unrecognized\|unknown option' <<<"$out"; then
	echo "ok 2 - exposure # SKIP this systemd-analyze cannot judge offline"
elif [ $status = 0 ]; then
	echo "ok 2 - exposure below 3.0"
else
	echo "not ok 2 - exposure below 3.0"; tail -n 2 <<<"$out" | sed 's/^/# /'
fi

# ---- the daemon under exactly the unit's system calls and capabilities -----------------------------
helper=$build/tests/interop/under_filter
if [ ! -x "$helper" ]; then
	for n in $(seq 3 18); do echo "ok $n # SKIP built without libseccomp"; done
	exit 0
fi
export PONTO_PLUGIN_PATH=$build/.libs LD_LIBRARY_PATH=$build/.libs
export ASAN_OPTIONS=detect_leaks=0 # LeakSanitizer stops threads by ptrace(2), which is not on the list
unset PONTO_ENDPOINT XDG_RUNTIME_DIR XDG_STATE_HOME
# A group's names, groups within it included.
expand() {
	case $1 in
	@*) systemd-analyze syscall-filter "$1" | sed -n 's/^    \([@a-z_][a-z0-9_-]*\)$/\1/p' | while read -r name; do expand "$name"; done ;;
	*) echo "$1" ;;
	esac
}
expand @default > "$work/calls" # always permitted: systemd.exec(5)
while read -r list; do
	for name in ${list#\~}; do expand "$name"; done | sort -u > "$work/these"
	if [ "${list#\~}" != "$list" ]; then expand @default | sort -u | comm -13 - "$work/these" | grep -vxFf - "$work/calls" > "$work/rest"; mv "$work/rest" "$work/calls"
	else cat "$work/these" >> "$work/calls"; fi
done < <(sed -n 's/^SystemCallFilter=//p' "$unit")
chmod 755 "$work"
limits=(setpriv --no-new-privs --bounding-set=-all)
if [ "$(id -u)" = 0 ]; then limits+=(--reuid 65534 --regid 65534 --clear-groups --inh-caps=-all); else limits=(setpriv --no-new-privs); fi
tell() { if [ "$2" = 0 ]; then echo "ok $1 - $3"; else echo "not ok $1 - $3"; sed 's/^/# /' "$work/log"; fi; }
grep -q '^CapabilityBoundingSet=$' "$unit"
tell 3 $? "the unit leaves no capability"
"${limits[@]}" nice -n 5 true 2>"$work/log" && [ ! -s "$work/log" ] && "${limits[@]}" "$helper" "$work/calls" "$(command -v nice)" -n 5 true 2>"$work/log" && grep -q "not permitted" "$work/log"
tell 4 $? "a call that is not on the list fails"
mkdir -m 700 "$work/state" "$work/run"
[ "$(id -u)" != 0 ] || chown 65534:65534 "$work/state" "$work/run"
cat > "$work/ponto.conf" <<CONF
node       = { state = "$work/state"; socket = "$work/run/bus"; };
transports = { wide = { plugin = "transport-udp6"; port = $((20000 + $$ % 12000)); }; };
discovery  = { };
services   = { pnrp = { plugin = "service-pnrp"; scope = "loopback"; }; };
CONF
"${limits[@]}" "$helper" "$work/calls" "$build/$([ -x "$build/.libs/pontod" ] && echo .libs/)pontod" -c "$work/ponto.conf" 2>"$work/log" &
daemon=$!
for n in $(seq 4000); do grep -q 'runs: state' "$work/log" && break; kill -0 $daemon 2>/dev/null || break; sleep 0.05; done
grep -q 'runs: state' "$work/log"; tell 5 $? "the daemon starts"
ponto() { "${limits[@]}" "$build/ponto" --connect "$work/run/bus" "$@" >>"$work/log" 2>&1; }
ponto identity create somebody; tell 6 $? "makes an identity"
ponto name register 0.unit --endpoint '[2001:db8::1]:80' && ponto name resolve 0.unit; tell 7 $? "registers a name and finds it"
kill -TERM $daemon; wait $daemon; status=$?; daemon=
tell 8 $status "and stops"
# Nobody answers on loopback; it has to get as far as that.
answer=$("${limits[@]}" "$helper" "$work/calls" "$build/ponto-map" natpmp map 127.0.0.1 127.0.0.1 udp 40000 40000 60 any TEST - - 2>"$work/log")
[ "${answer%% *}" = silent ]; tell 9 $? "what asks gateways runs under them too"

# ---- what its drop-ins in docs/examples/systemd add -------------------------------------------------
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
mkdir "$work/ponto.service.d"
n=9
for name in streams machine native; do
	rm -f "$work"/ponto.service.d/*
	cp "$top/docs/examples/systemd/$name.conf" "$work/ponto.service.d/"
	SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no "$work/ponto.service" >"$work/log" 2>&1
	! grep -q 'ponto\.service' "$work/log"; tell $((++n)) $? "verify finds nothing in $name.conf"
	systemd-analyze security --offline=yes --threshold=30 "$work/ponto.service" >"$work/log" 2>&1
	tell $((++n)) $? "with it the exposure is below 3.0"
done
if [ "$(id -u)" != 0 ] || [ ! -e /dev/net/tun ] || ! unshare --net true 2>/dev/null; then
	for n in 16 17 18; do echo "ok $n # SKIP needs root, network namespaces and /dev/net/tun"; done
	exit 0
fi
# granted NAME CAPABILITY CONFIGURATION: the daemon under the unit's system calls, with the capability of that drop-in alone
granted() {
	grep -qx "AmbientCapabilities=CAP_${2^^}" "$top/docs/examples/systemd/$1.conf" || { echo "no such capability" >"$work/log"; return 1; }
	sed -e "s|^node *= {|& state = \"$work/state\"; socket = \"$work/run/bus\";|; s|user = \"nobody\";||" \
		"$top/docs/examples/configurations/$3" >"$work/$1.conf"
	chmod 644 "$work/$1.conf"
	: >"$work/log"
	unshare --net setpriv --no-new-privs --bounding-set="-all,+$2" --reuid 65534 --regid 65534 --clear-groups --inh-caps="-all,+$2" \
		--ambient-caps="-all,+$2" "$helper" "$work/calls" "$build/$([ -x "$build/.libs/pontod" ] && echo .libs/)pontod" \
		-c "$work/$1.conf" 2>"$work/log" &
	daemon=$!
	for _ in $(seq 4000); do grep -q 'runs: state' "$work/log" && break; kill -0 $daemon 2>/dev/null || break; sleep 0.05; done
	grep -q 'runs: state' "$work/log" && kill -TERM $daemon && wait $daemon
}
granted machine net_admin teredo-host.conf; tell 16 $? "with machine.conf the daemon makes an interface, starts and stops"
granted native net_raw teredo-native.conf; tell 17 $? "with native.conf it opens its socket, starts and stops"
daemon=
# The machine's own /dev/net/tun may be root's; the device that udev makes is everybody's.
mknod -m 666 "$work/tun" c 10 200 && unshare --mount sh -c 'mount --bind "$1" /dev/net/tun && shift && exec "$@"' sh "$work/tun" \
	"${limits[@]}" "$helper" "$work/calls" "$build/tests/interop/$([ -x "$build/tests/interop/.libs/stream_peer" ] && echo .libs/)stream_peer" \
	teredo :: servers=192.0.2.10 </dev/null >"$work/out" 2>"$work/log" &
daemon=$!
for _ in $(seq 600); do grep -qs '^listening' "$work/out" && break; kill -0 $daemon 2>/dev/null || break; sleep 0.05; done
grep -qx 'listening: success' "$work/out"; tell 18 $? "streams get their namespace by the system calls that the unit permits"
