# For teredo_*.sh, after teredo.inc.sh: programs on the lab's hosts that are told lines in $work/HOST.in and say what they have in
# $work/HOST.out; their logs are $work/HOST.log.

# peer_run HOST PROGRAM...: its process, not a function's, is peer_pid_HOST.
peer_run() {
	local host=$1
	shift
	rm -f "$work/$host.in"
	mkfifo "$work/$host.in"
	: >"$work/$host.out"
	ip netns exec "${NETLAB_PREFIX:-lab-}$host" env PONTO_PLUGIN_PATH="$build/.libs" "$@" \
		<>"$work/$host.in" >>"$work/$host.out" 2>"$work/$host.log" &
	declare -g "peer_pid_$host=$!"
}
peer_stop() { # HOST
	local pid="peer_pid_$1"
	kill "${!pid}" 2>/dev/null
	wait "${!pid}" 2>/dev/null
}
tell() { local host=$1; shift; echo "$*" >"$work/$host.in"; } # HOST LINE
last_address() { sed -n 's/^local \[\{0,1\}\([0-9a-f:]*:[0-9a-f:]*\).*$/\1/p' "$work/$1.out" | tail -n 1; } # HOST
has_address() { [ -n "$(last_address "$1")" ]; }
peer_address() { until_true 200 has_address "$1" && last_address "$1"; }
heard() { grep -q "^received $2 from " "$work/$1.out"; } # HOST TEXT
