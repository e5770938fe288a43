# Nodes on the hosts of links.inc.sh: what the tests of several clouds share. $top and $build are set.
. "$top/tests/interop/links.inc.sh"

# ---- nodes, without privilege --------------------------------------------------------
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
