# Tests in TAP; two links and three hosts A, B and C with nothing plugged in. Sourced inside the namespaces; $work is set.
count=0 bad=0
ok() { count=$((count + 1)); echo "ok $count - $1"; }
not_ok() {
	count=$((count + 1)) bad=$((bad + 1))
	echo "not ok $count - $1"
	shift
	[ $# = 0 ] || printf '%s\n' "$@" | sed 's/^/# /'
}
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got '$2', not '$3'"; fi; }
proves() { printf '# proves %s\n' "$@"; }
# check NAME COMMAND...: one test
check() { local name=$1 out; shift; if out=$("$@" 2>&1); then ok "$name"; else not_ok "$name" "$out"; fi; }
bail() { echo "Bail out! $*"; for n in A B C D; do sed "s/^/# $n: /" "$work/$n.log" 2>/dev/null | tail -n 20; done; exit 1; }
until_true() { local n=$1; shift; until "$@" >/dev/null 2>&1; do n=$((n - 1)); [ "$n" -gt 0 ] || return 1; sleep 0.1; done; }

# ---- two links, three hosts ---------------------------------------------------------
ip link set lo up
for link in 0 1; do
	ip link add br$link type bridge mcast_snooping 0
	ip link set br$link up
done
for node in A B C; do
	ip netns add "$node" || bail "no namespace"
	ip -n "$node" link set lo up
done
# plug NODE INTERFACE BRIDGE ADDRESS...
plug() {
	local node=$1 interface=$2 bridge=$3 address
	shift 3
	ip link add "$node$interface" type veth peer name "$interface" netns "$node"
	ip link set "$node$interface" master "$bridge" up
	ip netns exec "$node" sh -c "echo 1 > /proc/sys/net/ipv6/conf/$interface/addr_gen_mode"
	ip -n "$node" link set "$interface" up
	for address; do ip -n "$node" addr add "$address/64" dev "$interface" nodad; done
}
