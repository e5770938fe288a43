# Two links, three hosts A, B and C with nothing plugged in, and nodes on them: what the tests of several clouds share.
# Sourced inside their namespaces; $work, $top and $build are set.
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

# ---- nodes, without privilege --------------------------------------------------------
plain_user=()
if [ "$PONTO_IN_NAMESPACE" = 0 ]; then plain_user=(setpriv --reuid 65534 --regid 65534 --clear-groups); fi
in_ns() { local node=$1; shift; ip netns exec "$node" "${plain_user[@]}" env PONTO_PLUGIN_PATH="$build/.libs" "$@"; }
ponto() { local node=$1; shift; in_ns "$node" "$build/ponto" --connect "$work/$node/run/bus" "$@"; }
state() { ponto "$1" cloud list | awk -v cloud="$2" '$1 == cloud { print $3 }'; }
active() { [ "$(state "$1" "$2")" = active ]; }
configure() {
	mkdir -p "$work/$1/state" "$work/$1/run"
	cat > "$work/$1/ponto.conf" <<CONF
node       = { name = "$1"; state = "$work/$1/state"; socket = "ipc://$work/$1/run/bus"; };
stores     = { main = { plugin = "store-rocksdb"; }; };
security   = { id = { plugin = "security-pki"; }; };
$2
CONF
	chmod 700 "$work/$1/state" "$work/$1/run"
	[ ${#plain_user[@]} = 0 ] || chown -R 65534:65534 "$work/$1"
}
start() {
	in_ns "$1" "$build/pontod" -c "$work/$1/ponto.conf" 2>>"$work/$1.log" &
	until_true 150 ponto "$1" node status || bail "node $1 does not start"
}
stop() {
	local pid
	pid=$(ponto "$1" --json node status | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')
	kill -TERM "$pid"
	until_true 50 eval "! kill -0 $pid" || bail "node $1 does not end"
}
# The number of a node's interface.
index() { ip -n "$1" -o link show "$2" | cut -d: -f1; }
