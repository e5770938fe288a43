#!/usr/bin/env bash
# The programs of docs/examples/programs, compiled with what pkg-config says and nothing but an installed tree, each as two
# processes against a daemon that goes and comes back.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
if grep -q '^SANITIZE = .' "$build/Makefile"; then
	echo "1..0 # SKIP the library of a build with sanitizers is not for others"
	exit 0
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/ponto-samples-XXXXXX")
daemon=
trap 'kill $(jobs -p) 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT
unset PONTO_PLUGIN_PATH PONTO_PASSWORD
export PONTO_ENDPOINT=$work/run/bus LC_ALL=C.UTF-8
. "$top/tests/interop/tap.inc.sh"
covers() { printf '# covers %s\n' "$@"; }
try() { local name=$1 out; shift; if out=$("$@" 2>&1 </dev/null); then ok "$name"; else not_ok "$name" "$(tail -n 20 <<<"$out")"; return 1; fi; }
finish() { echo "1..$count"; [ $bad = 0 ]; exit; }
says() { until_true 600 grep -qF -- "$2" "$work/$1"; } # FILE TEXT
told() { if says "$2" "$3"; then ok "$1"; else not_ok "$1" "no '$3' in:" "$(cat "$work/$2" 2>&1)"; fi; }

# ---- compiling ------------------------------------------------------------------------------------
try "the headers and libraries are installed" make -s -C "$build" DESTDIR="$work/root" \
	install-libLTLIBRARIES install-libLIBRARIES install-pontowin32HEADERS install-pkgconfigDATA || finish
libdir=$(find "$work/root" -name libponto.so -printf '%h\n' | head -n 1)
export PKG_CONFIG_PATH=$libdir/pkgconfig PKG_CONFIG_SYSROOT_DIR=$work/root LD_LIBRARY_PATH=$libdir
mkdir "$work/src"
cp "$top"/docs/examples/programs/*.[ch] "$work/src/"
cd "$work" || exit 1
for source in src/*.c; do
	program=$(basename "$source" .c)
	# shellcheck disable=SC2046
	try "$program compiles" ${CC:-cc} -Wall -Werror "$source" -o "$program" $(pkg-config --cflags --libs ponto-win32) || finish
done

# ---- a daemon ---------------------------------------------------------------------------------------
mkdir -m 700 state run
cat >ponto.conf <<CONF
node       = { name = "samples"; state = "$work/state"; socket = "ipc://$work/run/bus"; resolve_socket = "off"; };
transports = { wide = { plugin = "transport-udp6"; port = $((20000 + $$ % 12000)); }; };
stores     = { main = { plugin = "store-mem"; }; };
security   = { id = { plugin = "security-pki"; }; };
discovery  = { };
services   = { pnrp = { plugin = "service-pnrp"; scope = "loopback"; }; };
CONF
start_daemon() {
	: >log
	PONTO_PLUGIN_PATH=$build/.libs "$build/pontod" -c ponto.conf 2>log &
	daemon=$!
	says log 'runs: state' || { not_ok "a daemon" "$(cat log)"; finish; }
}
stop_daemon() { kill -TERM "$daemon"; wait "$daemon"; }
start_daemon
fails() { "$@" >/dev/null 2>&1 </dev/null; [ $? = 2 ]; }
for program in chat_roster batch_registrar namespace_browser; do try "$program says how it is used" fails ./$program; done

# ---- the roster: two people in a room, and a third who dies -----------------------------------------
declare -A pid keyboard
enter() { # NICKNAME: types what is written to its keyboard
	local fd
	mkfifo "$1.in"
	./chat_roster hall "$1" <"$1.in" >"$1.out" 2>"$1.err" &
	pid[$1]=$!
	exec {fd}>"$1.in"
	keyboard[$1]=$fd
	says "$1.out" "You are in 0.chat.hall as $1" || { not_ok "$1 enters" "$(cat "$1.err")"; finish; }
}
enter Alice
enter Böb
told "who comes is seen by who was there" Alice.out '+ Böb [::1]:'
told "who was there is seen by who comes" Böb.out '+ Alice [::1]:'
echo 'hello, Böb' >&"${keyboard[Alice]}"
told "what is said arrives" Böb.out '<Alice> hello, Böb'
echo '/who' >&"${keyboard[Böb]}"
told "the list of the room" Böb.out '= Alice [::1]:'
enter Carl
told "a third one is seen" Alice.out '+ Carl'
stop_daemon
start_daemon
kill -KILL "${pid[Carl]}"
wait "${pid[Carl]}" 2>/dev/null
covers PeerPnrpRegister
told "who dies leaves the room, also when the daemon was another before" Alice.out '- Carl'
is "who lives is still there" "$(grep -c '^- Böb' Alice.out)" 0
echo '/quit' >&"${keyboard[Böb]}"
wait "${pid[Böb]}"
covers PeerPnrpUnregister PeerPnrpShutdown
is "who leaves ends well" $? 0
told "and is seen leaving" Alice.out '- Böb'
kill -INT "${pid[Alice]}"
wait "${pid[Alice]}"
covers PeerPnrpStartResolve PeerPnrpGetEndpoint PeerPnrpEndResolve
is "Ctrl+C ends well" $? 0

# ---- the registrar ----------------------------------------------------------------------------------
printf '# names\n\n0.printer 631 second floor\n0.café 80\nno-name 1\n0.none\n' >names
printf '0.printer 632\n' >others
sleep 1000 &
master=$!
./batch_registrar names /pid $master >first.out 2>first.err &
first=$!
told "a batch of names" first.out '2 names in'
told "a bad name is told with its line" first.err 'line 5: no-name: 0x8'
told "and a line without port" first.err 'line 6: 0.none has no port'
./batch_registrar others /run './namespace_browser find 0.printer' >second.out 2>second.err
covers PeerPnrpRegister WSALookupServiceBeginW WSALookupServiceNextW WSALookupServiceEnd
is "a second one runs a program, whose exit code is its own" $? 0
is "which finds both" "$(grep -cE '^0.printer in Loopback_ \(|tcp \[::1\]:63[12]$|^2 found' second.out)" 5
is "with the comment, and the payload that tells the batch" \
	"$(grep -o '(second floor), 36 bytes of payload' second.out)" '(second floor), 36 bytes of payload'
./batch_registrar others /run 'sh -c "exit 7"' >third.out 2>&1
is "an exit code that is no success" $? 7
kill $master
wait $first
is "a batch ends with the process that it was for" $? 0
./namespace_browser find 0.printer >gone.out 2>&1
is "and its names with it" "$? $(cat gone.out)" "1 0 found"

# ---- the browser ------------------------------------------------------------------------------------
told_clouds() { ./namespace_browser clouds | sed 's/  */ /g'; }
covers WSALookupServiceBeginW WSALookupServiceNextW WSALookupServiceEnd
is "the list of clouds" "$(told_clouds | sed 's/ [0-9]* / N /')" " Loopback_ link N alone"
./namespace_browser publish 0.site '[::1]:8080' 'a site' >publish.out 2>&1 &
publisher=$!
told "a name is published" publish.out '0.site is published'
./namespace_browser find 0.site Loopback_ >find.out 2>&1
covers WSASetServiceW
is "another process finds it" "$(tr -s ' \n' ' ' <find.out)" "0.site in Loopback_ (a site) tcp [::1]:8080 1 found "
./namespace_browser watch 2 >watch.out 2>&1 &
watcher=$!
told "who watches sees what there is" watch.out '  Loopback_'
stop_daemon
start_daemon
wait $watcher
covers WSANSPIoctl
is "and how a daemon goes and comes" "$(grep -c '^[-+] Loopback_' watch.out)" 2
found() { ./namespace_browser find 0.site | grep -q '^1 found'; }
until_true 300 found
covers WSASetServiceW
try "a published name is back after the daemon was another" found
kill -INT $publisher
wait $publisher
is "Ctrl+C deletes it" "$? $(tail -n 1 publish.out)" "0 0.site is deleted"
try "it is not found any more" eval '! found'
./namespace_browser publish 0.site 'nonsense' >bad.out 2>&1
is "a bad address" "$? $(grep -o '^nonsense: 0x........' bad.out)" "1 nonsense: 0x00002726"
stop_daemon
./namespace_browser clouds >none.out 2>&1
is "without a daemon" "$? $(grep -o '^WSALookupServiceBegin: 0x........' none.out)" "1 WSALookupServiceBegin: 0x0000276b"
finish
