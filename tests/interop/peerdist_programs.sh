#!/usr/bin/env bash
# The worked programs of peerdist.h on three hosts, each a process without privilege beside a daemon of another user: A
# publishes, B takes all of it from A's program, C from B. What is described is judged, and blocks are retrieved, by a
# program written from the specifications.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
if grep -q '^SANITIZE = .' "$build/Makefile"; then
	echo "1..0 # SKIP the library of a build with sanitizers is not for others"
	exit 0
fi
. "$top/tests/interop/namespace.inc.sh"
needs python3
. "$top/tests/interop/clouds.inc.sh"
plug A eth0 br0 2001:db8::1
plug B eth0 br0 2001:db8::2
plug C eth0 br0 2001:db8::3
for i in 1 2 3; do ip -n "$(echo ABC | cut -c$i)" addr add 192.0.2.$i/24 dev eth0; done

# ---- programs, compiled as docs/porting.md says ------------------------------------------------------
mkdir "$work/bin" "$work/www" "$work/got"
for program in content_server content_client; do
	# shellcheck disable=SC2046
	check "$program compiles" ${CC:-cc} -Wall -Werror "$top/docs/examples/programs/$program.c" -o "$work/bin/$program" \
		$(PKG_CONFIG_PATH=$build/api pkg-config --cflags --libs ponto-win32)
done
python3 - "$work/www" <<'PY'
import random, sys
r = random.Random(5)
for name, size in ("large", (36 << 20) + 4321), ("small", 70000):
    open(sys.argv[1] + "/" + name, "wb").write(r.randbytes(size))
PY
programs=()
if [ "$PONTO_IN_NAMESPACE" = 0 ]; then
	programs=(setpriv --reuid 20111 --regid 65534 --clear-groups)
	chown 20111 "$work/got"
fi
node() { # NAME OPTIONS
	configure "$1" "transports = { udp4 = { plugin = \"transport-udp4\"; }; udp6 = { plugin = \"transport-udp6\"; }; };
http = { web = { plugin = \"http-mhd\"; }; };
discovery = { near = { plugin = \"discovery-wsd\"; }; };
services = { dist = { plugin = \"service-dist\"; $2 }; };"
	if [ "$PONTO_IN_NAMESPACE" = 0 ]; then
		sed -i 's|^node  *= {|& group = "nogroup";|' "$work/$1/ponto.conf"
		chmod 755 "$work/$1"
		chmod 750 "$work/$1/run"
	fi
	start "$1"
}
in_program() { # NODE PROGRAM ...: becomes it
	local at=$1 name=$2
	shift 2
	exec ip netns exec "$at" "${programs[@]}" env PONTO_ENDPOINT="ipc://$work/$at/run/bus" LC_ALL=C.UTF-8 \
		LD_LIBRARY_PATH="$build/.libs" "$work/bin/$name" "$@"
}
node A 'retrieval = "";'
node B 'retrieval = "[::]:8080";'
node C 'retrieval = "[::]:8080";'

# ---- the server publishes --------------------------------------------------------------------------------
in_program A content_server 7000 "$work/www/large" "$work/www/small" >"$work/server.out" 2>"$work/server.err" &
server=$!
listens() { grep -q '^listening at port 7000' "$work/server.out"; }
until_true 300 listens || bail "the server does not listen: $(cat "$work/server.err")"
echo "# covers PeerDistServerPublishStream"
echo "# covers PeerDistServerPublishAddToStream"
echo "# covers PeerDistServerPublishCompleteStream"
is "it published two files" "$(grep -c '^published' "$work/server.out")" 2
fetch() { # NODE NAME OUTPUT ...: what it says in $work/said
	local at=$1 name=$2 output=$3
	shift 3
	(in_program "$at" content_client 2001:db8::1 7000 "$name" "$work/got/$output" "$@") >"$work/said" 2>&1 || { cat "$work/said"; return 1; }
	cmp "$work/www/$name" "$work/got/$output"
}
size=$(stat -c %s "$work/www/large")

# ---- clients -------------------------------------------------------------------------------------------------
echo "# covers PeerDistServerOpenContentInformationEx"
echo "# covers PeerDistServerRetrieveContentInformation"
echo "# covers PeerDistClientAddContentInformation"
echo "# covers PeerDistClientCompleteContentInformation"
check "B fetches, and nobody has it" fetch B large B1 /version 1 /info "$work/got/info1"
is "all of it from the server" "$(cat "$work/said")" "0 bytes from nearby, $size from the server"
echo "# covers PeerDistClientAddData"
check "what B brought is here" fetch B large B1 /version 1 /local
is "all of it" "$(cat "$work/said")" "$size bytes from nearby, 0 from the server"
echo "# covers PeerDistClientStreamRead"
check "C fetches" fetch C large C1 /version 1
is "all of it from its neighbour" "$(cat "$work/said")" "$size bytes from nearby, 0 from the server"
check "C keeps it" fetch C large C1 /version 1 /local
is "all of it" "$(cat "$work/said")" "$size bytes from nearby, 0 from the server"
check "a version of its own: B fetches" fetch B large B2 /version 2 /info "$work/got/info2"
is "all of it from the server" "$(cat "$work/said")" "0 bytes from nearby, $size from the server"
check "C fetches" fetch C large C2 /version 2
is "all of it from its neighbour" "$(cat "$work/said")" "$size bytes from nearby, 0 from the server"
check "the highest version is taken when nothing else is said" fetch B small S /info "$work/got/small"

# ---- judged by somebody else ---------------------------------------------------------------------------------
# The program writes cases of its own: they are counted on.
judge() {
	ip netns exec C python3 - "$top/tests/interop" "$work" "$count" <<'PY'
import sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import peerdist as p
work, tap = sys.argv[2], p.Tap(int(sys.argv[3]))
data = open(work + "/www/large", "rb").read()
infos = {}

@tap.case("Content Information 1.0 of a stream is what the specification says")
def _():
    infos[1] = p.Info(open(work + "/got/info1", "rb").read())
    assert infos[1].version == 1 and (infos[1].start, infos[1].length) == (0, len(data))
    infos[1].judge(data)

@tap.case("Content Information 2.0 likewise")
def _():
    infos[2] = p.Info(open(work + "/got/info2", "rb").read())
    assert infos[2].version == 2 and (infos[2].start, infos[2].length) == (0, len(data))
    infos[2].judge(data)
    small = p.Info(open(work + "/got/small", "rb").read())
    assert small.version == 2
    small.judge(open(work + "/www/small", "rb").read())

@tap.case("what a program brought is served to neighbours")
def _():
    for version, number in (1, 0), (1, 1), (2, 0), (2, 7):
        s = infos[version].segments[number]
        a = p.ask(8080, p.getblks(s.id(), 0), host="2001:db8::2").block()
        assert p.opened(a, s) == data[s.offset:s.offset + s.block_size(0)]

sys.exit(tap.count - int(sys.argv[3]) if not tap.bad else 255)
PY
}
judge
judged=$?
if [ $judged -ge 200 ]; then bad=$((bad + 1)); judged=3; fi
count=$((count + judged))

# ---- ends -----------------------------------------------------------------------------------------------------
kill -INT $server
wait $server
is "Ctrl+C ends the server well" $? 0
stop A
check "without a daemon a client says so" eval "! fetch A small X"
echo "1..$count"
[ $bad = 0 ]
