#!/usr/bin/env bash
# Programs that were not written here resolve peer names through libnss_pnrp.so.2 and a real nsswitch.conf: getent,
# python, curl, ping, ssh; as nobody, setuid, after fork; with a daemon that is stopped, and with none.
#
# Two nodes on the loopback interface, B's names asked for at A; then one in a link-local cloud, for the zone.
# Everything happens inside private network, mount and process namespaces, which vanish with this script.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}

if [ "$(id -u)" != 0 ]; then # setuid programs and other users need more than a user namespace
	echo "1..0 # SKIP needs root"
	exit 0
fi
if [ -z "${PONTO_IN_NAMESPACE-}" ]; then
	if ! unshare --net --mount --pid --fork --mount-proc true 2>/dev/null; then
		echo "1..0 # SKIP no namespaces here"
		exit 0
	fi
	PONTO_IN_NAMESPACE=1 exec unshare --net --mount --pid --fork --kill-child --mount-proc "$0" "$@"
fi

mount -t tmpfs -o mode=755 none /run
work=/run/test
mkdir -p $work/lib /run/ponto
trap 'kill $(jobs -p) 2>/dev/null; kill -CONT $(jobs -p) 2>/dev/null; wait 2>/dev/null' EXIT

. "$top/tests/interop/tap.inc.sh"
needs() { command -v "$1" >/dev/null || bail "$1 is missing: see the file packages"; }
for program in getent python3 curl ping ssh setpriv; do needs $program; done

# ---- the system's files ---------------------------------------------------------------
# The loader's own cache knows one folder more, so that setuid programs find the module too.
cp "$build/.libs/libnss_pnrp.so.2" $work/lib/
(echo $work/lib; cat /etc/ld.so.conf) >$work/ld.so.conf
ldconfig -f $work/ld.so.conf -C $work/ld.so.cache -X 2>/dev/null
mount --bind $work/ld.so.cache /etc/ld.so.cache
sed 's/^hosts:.*/hosts: files pnrp dns/' /etc/nsswitch.conf >$work/nsswitch.conf
grep -q '^hosts: files pnrp dns' $work/nsswitch.conf || echo 'hosts: files pnrp dns' >>$work/nsswitch.conf
mount --bind $work/nsswitch.conf /etc/nsswitch.conf
: >$work/resolv.conf
mount --bind $work/resolv.conf /etc/resolv.conf
ip link set lo up
ip link add dummy0 type veth peer name other0 || bail "no interface"
for each in dummy0 other0; do echo 1 >"/proc/sys/net/ipv6/conf/$each/addr_gen_mode"; done # no addresses but ours
ip link set other0 up
ip link set dummy0 up
ip addr add 2001:db8::1/64 dev dummy0 nodad
ip addr add 2001:db8::2/64 dev dummy0 nodad
ip addr add fe80::5/64 dev dummy0 nodad

# ---- nodes, without privilege ------------------------------------------------------------
plain() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
ponto() { local node=$1; shift; plain "$build/ponto" --connect "$work/$node/bus" "$@"; }
start() { # NODE RESOLVE-SOCKET SERVICE PEERS
	mkdir -p "$work/$1/state"
	cat >"$work/$1/ponto.conf" <<CONF
node       = { name = "$1"; state = "$work/$1/state"; socket = "ipc://$work/$1/bus"; resolve_socket = "$2"; };
transports = { wide = { plugin = "transport-udp6"; }; };
stores     = { main = { plugin = "store-mem"; }; };
security   = { id = { plugin = "security-pki"; }; };
discovery  = { seeds = { plugin = "discovery-seed"; peers = [ $4 ]; }; };
services   = { pnrp = { plugin = "service-pnrp"; $3 }; };
CONF
	chmod 700 "$work/$1" "$work/$1/state"
	chown -R 65534:65534 "$work/$1"
	PONTO_PLUGIN_PATH="$build/.libs" setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$build/pontod" -c "$work/$1/ponto.conf" 2>"$work/$1.log" &
	eval "pid_$1=$!"
	until_true 150 ponto "$1" node status || bail "node $1 does not start"
}
chown 65534:65534 /run/ponto
start B off 'scope = "loopback"; port = 3601;' ''
start A /run/ponto/resolve 'scope = "loopback"; port = 3602;' '"[::1]:3601"'

register() { ponto B name register "$@" --endpoint '[2001:db8::1]:8080' >/dev/null || bail "$1 is not registered"; }
id=$(ponto B --json identity create me | sed -n 's/.*"\([0-9a-f]\{40\}\)".*/\1/p' | head -n 1)
[ -n "$id" ] || bail "no identity"
case $id in [0-9]*) label=p$id ;; *) label=$id ;; esac
register 0.alice --endpoint '[2001:db8::2]:8080' --endpoint '[2001:db8::2]:8081'
register 0.Alice
register 0.café
register 0.games.john
register "$id.me"
register "$id.Größe 1"
resolved() { ponto A name resolve 0.alice --timeout 2; }
until_true 100 resolved || bail "A does not find B's names"

# ---- getent -----------------------------------------------------------------------------------
# gives NAME EXPECTED COMMAND...: what it prints. Where the daemon is silent for too long, since the machine is busy, or asked
# too often by one user, a program is told to try again later.
prints() { printed=$("${@:2}") && [ "$printed" = "$1" ]; }
gives() { if until_true 50 prints "$2" "${@:3}"; then ok "$1"; else not_ok "$1" "got '$printed', not '$2'"; fi; }
ahosts() { getent ahosts "$1" | awk '{ print $1 }' | sort -u | tr '\n' ' '; }
streams() { plain "$@" | awk '$2 == "STREAM" { n++ } END { print n }'; }
one='2001:db8::1 '
gives "an unsecured name, with all its addresses" "2001:db8::1 2001:db8::2 " ahosts alice.pnrp.net
gives "letters of any case" "2001:db8::1 2001:db8::2 " ahosts ALICE.Pnrp.NET
gives "a name with capitals is another" "$one" ahosts pn--lice-fja.pnrp.net
gives "a classifier in another alphabet, as its punycode" "$one" ahosts xn--caf-dma.pnrp.net
gives "and as it is typed" "$one" ahosts café.pnrp.net
gives "a classifier with a dot" "$one" ahosts games.john.pnrp.net
gives "a secured name" "$one" ahosts "me.$label.pnrp.net"
is "a name that nobody has" "$(ahosts bob.pnrp.net)" ""
is "what is no name at all" "$(ahosts a_b.pnrp.net)" ""
host_of() { getent hosts "$1" | awk '{ print $1 }'; }
gives "getent hosts" 2001:db8::1 host_of "me.$label.pnrp.net"
is "no IPv4" "$(getent ahostsv4 alice.pnrp.net)" ""
is "other names are others' matter" "$(getent hosts localhost | awk '{ print $2 }')" "localhost"
gives "as nobody" 2 streams getent ahosts alice.pnrp.net
cp "$(command -v getent)" $work/getent-setuid
chmod 4755 $work/getent-setuid
out=$(plain env LD_PRELOAD=/nowhere.so $work/getent-setuid ahosts alice.pnrp.net 2>&1 | grep -v 2001:db8)
is "a setuid program, which ignores its environment" "$out" ""
gives "and it finds the name" 2 streams $work/getent-setuid ahosts alice.pnrp.net

# ---- programs that connect ---------------------------------------------------------------------
mkdir $work/www
echo hello >$work/www/index.html
python3 -m http.server 8080 --bind 2001:db8::1 --directory $work/www >/dev/null 2>&1 &
until_true 100 curl -sgf 'http://[2001:db8::1]:8080/' || bail "no web server"
gives "curl" hello curl -sf --max-time 60 http://xn--caf-dma.pnrp.net:8080/
gives "curl to a secured name" hello curl -sf --max-time 60 "http://me.$label.pnrp.net:8080/"
check "ping" until_true 50 ping -6 -c 1 -w 20 games.john.pnrp.net
check "ssh" until_true 50 eval "ssh -v -o ConnectTimeout=5 -o BatchMode=yes -p 8081 games.john.pnrp.net 2>&1 | grep -q 'Connecting to games.john.pnrp.net \[2001:db8::1\] port 8081'"

# ---- a host program stays as it was --------------------------------------------------------------
cat >$work/guest.py <<'PY'
import os, socket, sys, threading, time

def ask(name="alice.pnrp.net", family=socket.AF_INET6):
    try:
        return sorted({a[4][0] for a in socket.getaddrinfo(name, 80, family)})
    except socket.gaierror as e:
        return e.errno

def trace():
    status = open("/proc/self/status").read()
    fields = [l for l in status.splitlines() if l.split(":")[0] in ("Threads", "SigQ", "SigBlk", "SigIgn", "SigCgt")]
    return [f for f in fields if not f.startswith("SigQ")] + sorted(os.listdir("/proc/self/fd"))

both = ["2001:db8::1", "2001:db8::2"]
ask("localhost")
before = trace()
what = sys.argv[1]
def ask_again():  # a busy machine may let the daemon be silent for too long, a fast one ask more than a user may
    for _ in range(600):
        answer = ask()
        if answer != socket.EAI_AGAIN: break
        time.sleep(0.1)
    return answer
if what == "once":
    assert ask_again() == both
    assert trace() == before, (before, trace())
elif what == "fork":
    assert ask_again() == both
    child = os.fork()
    if child == 0:
        os._exit(0 if ask_again() == both else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert trace() == before
elif what == "threads":
    found = []
    threads = [threading.Thread(target=lambda: found.append(ask_again())) for _ in range(8)]
    for t in threads: t.start()
    for t in threads: t.join()
    assert found == [both] * 8, found
elif what == "dead":
    for family in socket.AF_INET6, socket.AF_UNSPEC, socket.AF_INET:
        begun = time.monotonic()
        answer = ask(family=family)
        took = time.monotonic() - begun
        assert isinstance(answer, int), answer
        assert took < 10, took  # a daemon at work is given ten seconds
        assert trace() == before, (before, trace())
        print("# %s took %.0f ms" % (family.name, took * 1000))
PY
guest() { python3 $work/guest.py "$@"; }
check "no descriptor, thread or signal is left in the host" guest once
check "after fork" guest fork
check "from eight threads" guest threads
kill -STOP "$pid_A"
if out=$(guest dead 2>&1); then ok "a stopped daemon costs little"; echo "$out"; else not_ok "a stopped daemon costs little" "$out"; fi
kill -CONT "$pid_A"
check "and answers again" until_true 50 guest once
kill -TERM "$pid_A"
wait "$pid_A"
check "no daemon costs less" guest dead

# ---- a link-local address has its zone ---------------------------------------------------------------
# Whoever asks for AF_INET6 alone gets none: glibc then calls gethostbyname3_r, whose answer has no room for it.
start C /run/ponto/resolve 'scope = "link"; port = 3603;' ''
registers() { ponto C name register 0.near; }
until_true 100 registers || bail "0.near is not registered"
check "link-local" until_true 50 python3 -c "
import socket
found = socket.getaddrinfo('near.pnrp.net', 80, socket.AF_UNSPEC, socket.SOCK_STREAM)
assert [a[4][0].split('%')[0][:6] for a in found] == ['fe80::'] * len(found), found
assert [a[4][3] for a in found] == [socket.if_nametoindex('dummy0')] * len(found), found"
check "ping through the zone" until_true 50 ping -6 -c 1 -w 20 near.pnrp.net
echo "1..$count"
[ $bad = 0 ]
