# An origin, hosted caches and their clients, each a node on loopback. Sourced; $work and $build are set, $as is who runs nodes, or
# for those in users, a number; daemons are all that run.
declare -A users=() sites=()
site() { # NAME STORE SERVICE
	mkdir -m 700 "$work/$1"
	cat >"$work/$1/conf" <<CONF
node      = { name = "$1"; state = "$work/$1"; socket = "$work/$1/bus"; };
stores    = { main = { $2 }; };
http      = { web = { plugin = "http-mhd"; }; };
discovery = { };
services  = { dist = { plugin = "service-dist"; $3 }; };
CONF
	[ ${#as[@]} = 0 ] || chown -R "${users[$1]:-65534}:65534" "$work/$1"
}
# NAME COMMAND...: becomes it, as who runs that node
as_user() {
	local name=$1
	shift
	if [ -n "${users[$name]-}" ]; then exec setpriv --reuid "${users[$name]}" --regid 65534 --clear-groups env HOME="$work" "$@"; fi
	exec "${as[@]}" "$@"
}
ask() { local name=$1; shift; (unset PONTO_ENDPOINT; as_user "$name" "$build/ponto" --connect "$work/$name/bus" "$@"); }
run() { # NAME
	PONTO_PLUGIN_PATH=$build/.libs as_user "$1" "$build/pontod" -c "$work/$1/conf" >"$work/$1/log" 2>&1 &
	sites[$1]=$!
	daemons+=($!)
	until_true 300 ask "$1" content cache stats
}
leave() { # NAME: it ends well
	local pid=${sites[$1]} d rest=()
	unset "sites[$1]"
	for d in "${daemons[@]}"; do [ "$d" = "$pid" ] || rest+=("$d"); done
	daemons=("${rest[@]}")
	kill "$pid" && wait "$pid"
}
where() { sed -n 's/.*listening on \(127.0.0.1:[0-9]*\).*/\1/p' "$work/$1/log" | tail -n 1; }
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
# NODE FILE: where its bytes came from, "PEERS ORIGIN"; it is right
fetched() {
	ask "$1" content cache clear >/dev/null && rm -f "$work/$1/got" &&
		ask "$1" --json content fetch "http://$(where origin)/$2" -o "$work/$1/got" >"$work/$1/report" &&
		cmp "$work/$1/got" "$work/hosted/$2" && echo "$(field peers <"$work/$1/report") $(field origin <"$work/$1/report")"
}
all_of() { [ "$(fetched "$1" "$2")" = "$3 $4" ] || { cat "$work/$1/report"; false; }; }
holds() { [ "$(ask "$1" --json content cache stats | field bytes)" -ge "$2" ]; }
described() {
	curl -s -o /dev/null -D "$work/head" -H 'Accept-Encoding: peerdist' -H 'X-P2P-PeerDist: Version=1.1' \
		-H 'X-P2P-PeerDistEx: MinContentInformation=1.0, MaxContentInformation=2.0' "http://$(where origin)/$1" &&
		grep -qi '^content-encoding: *peerdist' "$work/head"
}
