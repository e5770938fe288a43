#!/usr/bin/env bash
# The lab of tests/lab: its NATs are what they say, and miredo, miredo-server and miredo as a relay work in it. What the
# other Teredo tests conclude from them rests on this one.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}

. "$top/tests/interop/namespace.inc.sh"
logs="server relay client1 client2 client3 public"
. "$top/tests/interop/teredo.inc.sh"
lab_need miredo miredo-server python3
check "the lab comes up" lab up

# ---- the kinds of NAT -----------------------------------------------------------------------
(exec ip netns exec lab-server python3 "$top/tests/lab/nat_probe.py" serve 192.0.2.10 192.0.2.11) >"$work/probe" &
until_true 100 grep -q ready "$work/probe" || bail "nobody answers probes"
for kind in full-cone address-restricted port-restricted symmetric blocked; do
	lab nat nat1 "$kind"
	is "a NAT of the kind $kind is one" "$(lab exec client1 python3 "$top/tests/lab/nat_probe.py" ask 192.0.2.10 192.0.2.11)" "$kind"
done

# ---- miredo -----------------------------------------------------------------------------------
lab nat nat1 port-restricted
lab nat nat2 full-cone
lab nat nat3 symmetric
miredo_server
miredo_relay
for host in client1 client2 client3 public; do miredo_client $host; done
declare -A address
for host in client1 client2 client3 public; do
	address[$host]=$(miredo_address $host) || bail "miredo does not qualify on $host"
done
is "miredo knows its mapping" "$(teredo_fields "${address[client2]}" | cut -d' ' -f1,4)" "192.0.2.10 192.0.2.102"
check "from a restricted NAT to a cone" pings client1 "${address[client2]}"
check "from a cone to a symmetric NAT" pings client2 "${address[client3]}"
check "through the relay" pings client1 2001:db8:6::30
check "and back" pings native6 "${address[public]}"
is "nothing of it is left" "$(lab down)" "netlab: down"
echo "1..$count"
[ $bad = 0 ]
