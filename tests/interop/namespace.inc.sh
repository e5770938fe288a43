# Runs the script that sources this again inside private network, mount and process namespaces, which vanish with it, with a
# loopback, an empty /run and a folder of its own. PONTO_IN_NAMESPACE is the uid outside; $top is set.
if [ -z "${PONTO_IN_NAMESPACE-}" ]; then
	user=()
	[ "$(id -u)" = 0 ] || user=(--user --map-root-user)
	if ! unshare "${user[@]}" --net --mount --pid --fork --mount-proc true 2>/dev/null; then
		echo "1..0 # SKIP no namespaces here"
		exit 0
	fi
	PONTO_IN_NAMESPACE=$(id -u) exec unshare "${user[@]}" --net --mount --pid --fork --kill-child --mount-proc "$0" "$@"
fi
. "$top/tests/interop/tap.inc.sh"
own_folder
mount -t tmpfs none /run
ip link set lo up
