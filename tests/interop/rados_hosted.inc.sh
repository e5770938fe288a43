# Hosted caches that share a store-rados, and clients of theirs. Sourced by store_rados.sh, which has the cluster.
. "$top/tests/interop/rados_sites.inc.sh"

mkdir -m 755 "$work/hosted"
size=$((3 << 20))
for file in first second third; do head -c $size /dev/urandom >"$work/hosted/$file"; done
shared="plugin = \"store-rados\"; conf = \"$CEPH_CONF\"; namespace = \"hosted\";"
cache='retrieval = "127.0.0.1"; upload_timeout = 120000; cache_memory = 0; hosted_cache = true;'
site origin 'plugin = "store-mem";' "listen = [\"127.0.0.1\"]; publish = [\"$work/hosted\"]; retrieval = \"\";"
site cache1 "$shared" "$cache"
site cache2 "$shared" "$cache"
check "an origin and two hosted caches on one store" eval 'run origin && run cache1 && run cache2'
for file in first second third; do check "the $file file is described" until_true 100 described $file; done
# Clients: patient ones, so that all that a cache can give comes from it, and one as they usually are.
for i in 1 2; do
	site client$i 'plugin = "store-mem";' "retrieval = \"127.0.0.1\"; request_timeout = 60000; session_timeout = 120000; hosted = [\"$(where cache$i)\"];"
done
site usual 'plugin = "store-mem";' "retrieval = \"127.0.0.1\"; hosted = [\"$(where cache1)\"];"
check "their clients" eval 'run client1 && run client2 && run usual'

check "a client of the first fetches from the origin" all_of client1 first 0 $size
check "and offers it" until_true 100 holds cache1 $size
check "the second, which runs as before, gives all of it to its client" all_of client2 first $size 0
check "the other way round: from the origin" all_of client2 second 0 $size
check "offered" until_true 100 holds cache2 $((2 * size))
check "and from the first one" all_of client1 second $size 0

under_load() { # what each of two clients says while an OSD is killed and comes back
	local i pids=()
	for i in 1 2; do
		{ for n in 1 2 3 4 5 6; do fetched client$i first; done >"$work/load$i" 2>&1; } &
		pids+=($!)
	done
	until_true 100 [ -s "$work/load1" ]
	bash "$PONTO_RADOS_LAB" kill "$work/c" osd.1
	wait "${pids[@]}"
	cat "$work/load1" "$work/load2"
	[ "$(cat "$work/load1" "$work/load2" | grep -c "^$size 0$")" = 12 ]
}
check "an OSD is killed while both serve: every byte still comes from them" under_load
check "what is offered meanwhile is kept" eval 'all_of client1 third 0 $size && until_true 300 holds cache1 $((3 * size))'
check "the OSD is back" bash "$PONTO_RADOS_LAB" start "$work/c" osd.1
check "nothing that was kept is lost" eval 'leave cache2 && run cache2 && until_true 300 holds cache2 $((3 * size)) && ask cache2 content cache verify'
gone() {
	local n
	for n in mon.a osd.0 osd.1 osd.2; do bash "$PONTO_RADOS_LAB" kill "$work/c" $n || return 1; done
}
check "the cluster goes" gone
without() { local got; got=$(fetched usual third) && echo "$got" && [ "${got% *}" -lt $size ]; }
check "a client has its file all the same" without
check "the caches still answer" eval 'ask cache1 content cache stats && ask cache2 content cache stats'
check "it comes back" bash "$PONTO_RADOS_LAB" up "$work/c"
again() { [ "$(fetched usual first)" = "$size 0" ]; }
check "and they give as before, without a new start" until_true 300 again
for name in client1 client2 usual cache1 cache2 origin; do check "$name ends well" leave $name; done
