# Two links and three hosts A, B and C with nothing plugged in. Sourced after namespace.inc.sh.
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
	ip -n "$node" link set "$interface" gso_max_segs 1 up # each datagram is seen as it is on a wire
	for address; do ip -n "$node" addr add "$address/64" dev "$interface" nodad; done
}
# captured NODE FILE: what was sent on the link of NODE's eth0 before is in tshark's FILE, as a datagram that nobody takes shows
captured() {
	marked() {
		ip netns exec "$1" python3 -c 'import socket
socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b"end", ("ff02::1", 9, 0, socket.if_nametoindex("eth0")))'
		tshark -r "$2" -Y 'udp.dstport == 9' 2>/dev/null | grep -q .
	}
	until_true 50 marked "$1" "$2" || bail "the capture does not go on"
}
