#!/usr/bin/env bash
# A node with scope "all" is in the Global_ cloud and in one of each link, and follows its interfaces: B is on a link
# that is there from the start, C on one that comes later, goes and comes back. All clouds belong to one instance, so
# one configured line and the commands are enough.
#
#     A eth0 --+-- br0 --+-- eth0 B           A eth1 --+-- br1 --+-- eth0 C
#
# Everything happens inside private network, mount and process namespaces, which vanish with this script.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
. "$top/tests/interop/namespace.inc.sh"
. "$top/tests/interop/clouds.inc.sh"

near='discovery  = { near = { plugin = "discovery-ssdp"; transport = "wide"; }; };
transports = { wide = { plugin = "transport-udp6"; }; };'
plug A eth0 br0 fe80::a 2001:db8::a
plug B eth0 br0 fe80::b 2001:db8::b
configure A "$near"'
services   = { pnrp = { plugin = "service-pnrp"; scope = "all"; }; };'
configure B "$near"'
services   = { pnrp = { plugin = "service-pnrp"; scope = "all"; }; };'
configure C "$near"'
services   = { pnrp = { plugin = "service-pnrp"; scope = "link"; }; };'
for node in A B; do start $node; done

# ---- the clouds of what is there -----------------------------------------------------------
zone0=LinkLocal_%$(index A eth0) zoneB=LinkLocal_%$(index B eth0)
clouds() { ponto A cloud list | awk '{ print $1 }' | tr '\n' ' '; }
is "the wide cloud and one for the link" "$(clouds)" "Global_ $zone0 "
check "as JSON too" eval "ponto A --json cloud list | grep -q '\"$zone0\"'"
check "a link's cloud is shown" eval "ponto A cloud show '$zone0' | grep -q '^address *\[fe80::a%$(index A eth0)\]:3540'"
check "the wide one is the default" eval "ponto A cloud show | grep -q '^cloud *Global_'"
proves PNRP-356
check "a name is registered in the default cloud" ponto A name register 0.wide --endpoint '[2001:db8::]:1'
check "another in the link's" ponto A name register 0.near --cloud "$zone0" --endpoint '[2001:db8::]:2'
check "both are listed" eval "ponto A name list | grep -c '0\.wide in Global_\|0\.near in LinkLocal_' | grep -qx 2"
check "one cloud's alone" eval "ponto A name list --cloud Global_ | grep -c '^0\.' | grep -qx 1"
check "B is in both" eval "until_true 300 active B Global_ && until_true 300 active B '$zoneB'"
finds() { ponto "$1" name resolve "$3" --cloud "$2" | grep -q "\[2001:db8::\]:$4"; }
check "and finds each where it is" eval "finds B Global_ 0.wide 1 && finds B '$zoneB' 0.near 2"
check "but not elsewhere" eval "! ponto B name resolve 0.near --cloud Global_ --timeout 2"
check "a cloud that is not there is refused by name" eval "ponto A cloud show Mars_ 2>&1 | grep -q \"no cloud 'Mars_'\""

# ---- a link comes, goes, and comes back -------------------------------------------------------
plug A eth1 br1 fe80::a
plug C eth0 br1 fe80::c
start C
zone1=LinkLocal_%$(index A eth1) zoneC=LinkLocal_%$(index C eth0)
is_open() { ponto A cloud show "$1"; }
is_closed() { ! ponto A cloud show "$1"; }
check "an interface that comes has its cloud" until_true 150 is_open "$zone1"
check "C registers there" ponto C name register 0.there --cloud "$zoneC" --endpoint '[2001:db8::]:3'
check "A finds it" eval "until_true 300 active A '$zone1' && finds A '$zone1' 0.there 3"
check "each cloud has metrics" eval "ponto A node metrics | grep '^ponto_pnrp_cached_routes{' | wc -l | grep -qx 3"
ip -n A link set eth1 down
check "an interface that goes takes it along" until_true 150 is_closed "$zone1"
is "the others stay" "$(clouds)" "Global_ $zone0 "
ip -n A link set eth1 up
ip -n A addr add fe80::a/64 dev eth1 nodad 2>/dev/null
check "and brings it back" until_true 150 is_open "$zone1"
check "A registers a name in it" ponto A name register 0.again --cloud "$zone1" --endpoint '[2001:db8::]:4'
check "C finds it" eval "until_true 300 active C '$zoneC' && finds C '$zoneC' 0.again 4"
ip -n A link set eth1 down
sleep 7
check "a cloud with names waits for its link" is_open "$zone1"
check "and says that it has no net" until_true 150 eval "state A '$zone1' | grep -q no"
stop A
start A
check "the names of a missing link are kept" eval "! ponto A name list | grep -q 0.again"
ip -n A link set eth1 up
ip -n A addr add fe80::a/64 dev eth1 nodad 2>/dev/null
check "until it is there" until_true 150 eval "ponto A name list --cloud '$zone1' | grep -q '0.again in $zone1, registered'"
for node in A B C; do stop $node; done

# ---- a machine without any network ----------------------------------------------------------------
ip netns add D
ip -n D link set lo up
configure D "$near"'
services   = { pnrp = { plugin = "service-pnrp"; scope = "all"; }; };'
start D
is "alone there is the loopback cloud" "$(ponto D cloud list | awk '{ print $1 }')" "Loopback_"
stop D
echo "1..$count"
[ $bad = 0 ]
