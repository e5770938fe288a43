#!/usr/bin/env bash
# A plugin author's day: only what `make install` gives, one gcc line outside
# the tree, and a daemon that loads the plugin by configuration alone. The shell
# examples of docs/plugins.md run here as well.
set -uo pipefail
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
# Memory serves: what is built here is small, and the stores that are tried sync often.
if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ] && [ "$(df -k --output=avail /dev/shm | tail -n 1)" -gt 524288 ] &&
	! grep -q ' /dev/shm [^ ]* [^ ]*noexec' /proc/mounts; then
	export TMPDIR=/dev/shm
fi
. "$top/tests/interop/tap.inc.sh"
own_folder
unset PONTO_PLUGIN_PATH
# try NAME COMMAND...: it succeeds; what it printed is kept in $work/out
try() {
	local name=$1
	shift
	if "$@" >"$work/out" 2>&1 </dev/null; then ok "$name"; else not_ok "$name" "$(tail -n 20 "$work/out")"; return 1; fi
}
skip_all() { echo "1..0 # SKIP $1"; exit 0; }
if grep -q '^SANITIZE = .' "$build/Makefile"; then skip_all "the library of a build with sanitizers is not for others"; fi
finish() { echo "1..$count"; [ $bad = 0 ]; exit; }

# ---- what is installed ----------------------------------------------------------------
# shellcheck disable=SC2086
try "make install into a folder" make -C "$build" ${PONTO_INSTALL_TARGETS:-install} DESTDIR="$work/root" || finish
prefix=$(sed -n 's/^prefix=//p' "$build/framework/ponto-plugin.pc")
sdk=$work/root$prefix
libdir=$(find "$work/root" -name 'libponto-framework.so' -printf '%h\n' | head -n 1)
includedir=$(find "$work/root" -path '*/ponto/framework/base.h' -printf '%h\n' | head -n 1)
export PKG_CONFIG_PATH=$libdir/pkgconfig PKG_CONFIG_SYSROOT_DIR=$work/root LD_LIBRARY_PATH=$libdir
[ -n "$includedir" ] && [ -n "$libdir" ] && ok "headers and library are there" || not_ok "headers and library are there" "$sdk"
cd "$work" || exit 1
for header in "$includedir"/*.h; do
	name=$(basename "$header")
	echo "#include \"framework/$name\"" >"$work/one.c"
	# shellcheck disable=SC2046
	try "$name stands alone" gcc -std=gnu11 -Wall -Wextra -Werror -fsyntax-only $(pkg-config --cflags ponto-plugin) "$work/one.c"
done
echo '#include "framework/plugin.h"' >"$work/one.cc"
if command -v g++ >/dev/null; then
	# shellcheck disable=SC2046
	try "the headers are C++ too" g++ -fsyntax-only $(pkg-config --cflags ponto-plugin) "$work/one.cc"
fi
if grep -rlF -e "$top" -e "$build" "$includedir" "$PKG_CONFIG_PATH" >"$work/out"; then
	not_ok "nothing installed names the source tree" "$(cat "$work/out")"
else
	ok "nothing installed names the source tree"
fi

# ---- a store, by one line ----------------------------------------------------------------
mkdir "$work/mine"
cp "$top/docs/examples/store-file/store_file.c" "$work/mine/"
cd "$work/mine" || exit 1
# shellcheck disable=SC2046
try "one gcc line" gcc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -fPIC -shared -o store-file.so store_file.c $(pkg-config --cflags --libs ponto-plugin)
ponto=$build/ponto
try "ponto plugin inspect" "$ponto" plugin inspect ./store-file.so
try "ponto plugin check: the store contract holds" "$ponto" plugin check ./store-file.so
if grep -q "^holds *store contract: " "$work/out"; then ok "the contract was tried"; else not_ok "the contract was tried" "$(cat "$work/out")"; fi

# ---- every template ------------------------------------------------------------------------
cd "$work" || exit 1
export PATH=$build:$PATH
for kind in transport store security discovery service; do
	try "plugin new $kind" "$ponto" plugin new "$kind" "fresh" "$work" || continue
	try "$kind-fresh builds without a warning" make -C "$work/$kind-fresh" CFLAGS="-O2 -Wall -Wextra -Werror"
	[ $kind = store ] || try "$kind-fresh passes" make -C "$work/$kind-fresh" check
done

# ---- what docs/plugins.md shows ----------------------------------------------------------------
# Blocks of the guide marked "<!-- run -->" are run, in order, in one shell.
mkdir "$work/guide"
awk '/^<!-- run -->$/ { run = 1; next } run && /^```/ { inside = !inside; if (!inside) run = 0; next } run && inside' \
	"$top/docs/plugins.md" >"$work/guide.sh"
if [ -s "$work/guide.sh" ]; then
	try "the guide's examples" bash -euc "cd '$work/guide'; . '$work/guide.sh'"
else
	not_ok "the guide's examples" "docs/plugins.md shows none"
fi

# Pieces of C are marked with the file they are part of.
try "the guide's pieces of C are in the examples" perl -0777 -e '
	my $top = shift; my $guide = <>; my $pieces = 0;
	while ($guide =~ /<!-- from (\S+) -->\n```c\n(.*?)```/gs) {
		my ($name, $piece) = ($1, $2);
		open(my $file, "<", "$top/$name") or die "$name: $!\n";
		index(<$file>, $piece) >= 0 or die "not in $name:\n$piece";
		$pieces++;
	}
	$pieces > 0 or die "no piece\n";' "$top" "$top/docs/plugins.md"

# ---- a daemon that loads it by configuration -------------------------------------------------------
mkdir -m 700 "$work/state" "$work/run"
[ ${#plain_user[@]} = 0 ] || chown 65534:65534 "$work/state" "$work/run"
cat >"$work/ponto.conf" <<CONF
node       = { name = "kit"; state = "$work/state"; socket = "ipc://$work/run/bus"; };
transports = { wide = { plugin = "transport-udp6"; port = $((20000 + $$ % 12000)); }; };
stores     = { main = { plugin = "store-file"; path = "records"; }; };
discovery  = { };
services   = { pnrp = { plugin = "service-pnrp"; scope = "loopback"; }; };
CONF
export PONTO_PLUGIN_PATH=$work/mine:$build/.libs
"${plain_user[@]}" env HOME="$work" "$build/pontod" -c "$work/ponto.conf" 2>"$work/log" &
daemon=$!
client() { "${plain_user[@]}" env HOME="$work" "$ponto" --connect "$work/run/bus" "$@"; }
answers_or_ended() { client node status || ! kill -0 "$daemon"; }
until_true 150 answers_or_ended
try "the daemon runs on the store" client node status || sed 's/^/# /' "$work/log"
try "a name is registered" client name register 0.kit --endpoint '[2001:db8::1]:80'
if [ -n "$(find "$work/state/records" -type f 2>/dev/null)" ]; then ok "its records are files"; else not_ok "its records are files" "$(ls -R "$work/state")"; fi
kill -TERM "$daemon" 2>/dev/null
wait "$daemon"
finish
