#!/usr/bin/env bash
# A package from the cache of A, to which A and E are origins, to C, a hosted cache of a branch that does not reach it, where B
# fetches all of it. A program of python reads it from its description alone, and writes what no import may believe.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
. "$top/tests/interop/namespace.inc.sh"
needs curl python3 openssl
trap 'kill $(jobs -p) 2>/dev/null; wait 2>/dev/null; umount "$work/small" "$work/D/state" 2>/dev/null; rm -rf "$work"' EXIT
. "$top/tests/interop/clouds.inc.sh"
plug A eth0 br0 2001:db8::1
plug B eth0 br1 2001:db8:1::2
plug C eth0 br1 2001:db8:1::3
ip -n A addr add 192.0.2.1/24 dev eth0
ip -n B addr add 198.51.100.2/24 dev eth0
ip -n C addr add 198.51.100.3/24 dev eth0
ip netns add D && ip -n D link set lo up
ip netns add E && ip -n E link set lo up
plug E eth0 br0 2001:db8::5
ip -n E addr add 192.0.2.5/24 dev eth0

node() { # NAME SERVICE
	configure "$1" "transports = { };
http = { web = { plugin = \"http-mhd\"; }; };
discovery = { };
services = { dist = { plugin = \"service-dist\"; $2 }; };"
	[ "$1" != D ] || { mount -t tmpfs -o size=120m,mode=700 none "$work/D/state" && { [ ${#plain_user[@]} = 0 ] || chown 65534:65534 "$work/D/state"; }; }
	start "$1"
}
mkdir "$work/www" "$work/got" "$work/small"
python3 - "$work/www" <<'PY'
import random, sys
r = random.Random(12)
for name, size in ("large", (34 << 20) + 777), ("small", 300000), ("big", 160 << 20):
    open(sys.argv[1] + "/" + name, "wb").write(r.randbytes(size))
PY
mount -t tmpfs -o size=1m,mode=1777 none "$work/small"
[ ${#plain_user[@]} = 0 ] || chown -R 65534:65534 "$work/got" "$work/www"
node A "listen = [\"192.0.2.1:8000\"]; publish = [\"$work/www\"]; retrieval = \"\";"
node E "listen = [\"192.0.2.5:8000\"]; publish = [\"$work/www\"]; retrieval = \"\"; information = \"1.0\";"
node B 'retrieval = "[::]:8080"; hosted = ["198.51.100.3:8080"];'
node C 'retrieval = "[::]:8080"; hosted_cache = true;'
node D 'retrieval = "[::]:8080"; hosted_cache = true;'
site=http://192.0.2.1:8000 old=http://192.0.2.5:8000
curl_at() { local at=$1; shift; ip netns exec "$at" curl -s --max-time 60 "$@"; }
described() { # FILE VERSION: into got/FILE.VERSION
	local at=$site
	[ "$2" = 2 ] || at=$old
	curl_at A -o "$work/got/$1.$2" -D "$work/head" -H 'Accept-Encoding: peerdist' -H "X-P2P-PeerDist: Version=1.1" \
		-H 'X-P2P-PeerDistEx: MinContentInformation=1.0, MaxContentInformation=2.0' "$at/$1" &&
		grep -qi '^content-encoding: *peerdist' "$work/head"
}
cache() { # NODE VERB ...: the report in $work/report
	local at=$1; shift
	ponto "$at" --json content cache "$@" >"$work/report" 2>"$work/err" || { cat "$work/err"; return 1; }
}
field() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/report" "$1"; }
reader() { python3 "$top/tests/interop/content_package.py" "$@"; }
fetched() { # FILE VERSION: by B, of its description alone
	ponto B --json content fetch "$work/got/$1.$2" -o "$work/got/out" >"$work/report" 2>"$work/err" || { cat "$work/err"; return 1; }
	cmp "$work/www/$1" "$work/got/out"
}
for version in 1 2; do for file in large small big; do
	check "the origin describes $file, version $version.0" until_true 300 described $file $version
done; done

# ---- out of one cache -------------------------------------------------------------------------------
check "by URL: fetched, and exported" cache A export "$work/got/large.package" "$site/large"
is "of its length" "$(field bytes)" $(((34 << 20) + 777))
is "for its owner alone" "$(stat -c %a "$work/got/large.package")" 600
check "python reads it, and its hashes again" reader judge "$work/got/large.package" "$work/www/large"
check "version 1.0" cache A export "$work/got/large1.package" "$old/large"
check "python reads it, and its hashes again" reader judge "$work/got/large1.package" "$work/www/large"
check "A preloads another" cache A preload "$old/small"
check "by Content Information; without keys" cache A export "$work/got/sealed.package" --sealed "$work/got/small.1"
check "python opens it with the keys of its description alone" reader sealed "$work/got/sealed.package" "$work/www/small" "$work/got/small.1"
check "all that is held" cache A export "$work/got/all.package"
is "more than one content" "$(field bytes)" $((2 * ((34 << 20) + 777) + 300000))
ponto A --json content cache list >"$work/list"
id=$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["segment"][0]["id"])' "$work/list")
check "a segment by its ID" cache A export "$work/got/one.package" "$id"
is "alone" "$(field segments)" 1
check "to standard output" eval 'ponto A content cache export - "$site/large" | cmp - "$work/got/large.package"'

# ---- into another, whose branch has no line at all -------------------------------------------------------
proves DIST-515
check "imported" cache C import "$work/got/large.package"
is "all of it is kept" "$(field held) $(field wrong)" "0 0"
check "a neighbour fetches it from there" fetched large 2
is "all of it" "$(field peers) $(field origin)" "$(((34 << 20) + 777)) 0"
check "version 1.0 too" cache C import "$work/got/large1.package"
check "it is fetched" eval 'ponto B content cache clear >/dev/null && fetched large 1'
is "all of it" "$(field peers) $(field origin)" "$(((34 << 20) + 777)) 0"
check "without keys: relayed" cache C import "$work/got/sealed.package"
check "it is fetched" fetched small 1
is "all of it" "$(field peers) $(field origin)" "300000 0"
check "again: nothing is sent" cache C import "$work/got/large1.package"
is "all of it was held" "$(field kept) $(field held)" "0 545"
check "no key is at the branch's client only" eval '! ponto B content cache import "$work/got/sealed.package" 2>"$work/err"'
check "in one line" grep -q "only a hosted cache" "$work/err"

# ---- goes on ------------------------------------------------------------------------------------------------
check "C forgets" ponto C content cache clear
half() { head -c 20000000 "$work/got/large1.package" | ponto C content cache import - 2>"$work/err"; }
check "broken off" eval '! half'
check "one line says where" eval '[ "$(wc -l <"$work/err")" = 1 ] && grep -q "cut off, after byte 19" "$work/err"'
check "the same again" cache C import "$work/got/large1.package"
is "what had come is not sent again" "$(($(field held) > 290 && $(field held) + $(field kept) == 545))" 1
check "and B fetches it" eval 'ponto B content cache clear >/dev/null && fetched large 1'

# ---- lies ---------------------------------------------------------------------------------------------------------
refused() { # HOW TEXT
	check "C forgets" ponto C content cache clear
	reader spoil "$work/got/large1.package" "$work/got/spoilt" "$1" || not_ok "$1"
	chmod 644 "$work/got/spoilt"
	ponto C content cache import "$work/got/spoilt" >"$work/out" 2>"$work/err"
	if [ $? = 1 ] && [ "$(wc -l <"$work/err")" = 1 ] && grep -q -e "$2" "$work/err"; then ok "$1: $2"
	else not_ok "$1: $2" "$(cat "$work/out" "$work/err")"; fi
}
refused version "of another version"
refused count "counts other"
refused length "impossible length"
refused size "block hashes do not make its HoD"
refused key "keys do not make its ID"
refused index "its segment cannot have"
refused behind "behind its end"
refused cut "cut off"
check "what was right before it is kept" [ "$(ponto C --json content cache stats | sed -n 's/^ *"bytes": \([0-9]*\).*/\1/p' | head -n 1)" -gt 20000000 ]
refused byte "1 blocks are damaged"
check "all but that block is kept" cache C import "$work/got/large1.package"
is "and it is the one that is brought" "$(field kept) $(field held)" "1 544"
check "B gets nothing wrong" eval 'ponto B content cache clear >/dev/null && fetched large 1'
printf x >"$work/got/spoilt"
check "no package" eval '! ponto C content cache import "$work/got/spoilt" 2>"$work/err" && grep -q "this is no package" "$work/err"'

# ---- no space -----------------------------------------------------------------------------------------------------------
check "a full disk: the export says so" eval '! ponto A content cache export "$work/small/package" "$site/large" 2>"$work/err" && grep -q "No space left" "$work/err"'
check "and leaves nothing" [ -z "$(ls "$work/small")" ]
check "a full store: the import says so" eval '! ponto D content cache import "$work/got/all.package" 2>"$work/err" && grep -q "no space" "$work/err"'
check "in one line" [ "$(wc -l <"$work/err")" = 1 ]
ponto D --json content cache stats >"$work/report"; held=$(field bytes)
check "what was kept before is held ($held bytes)" [ "$held" -gt 1000000 ]
mount -o remount,size=400m "$work/D/state"
check "with space it goes on" until_true 600 cache D import "$work/got/all.package"
is "all is there" "$(($(field held) > 0 && $(field wrong) == 0))" 1
is "as it was at A" "$(ponto D --json content cache stats | sed -n 's/^ *"bytes": \([0-9]*\).*/\1/p' | head -n 1)" $((2 * ((34 << 20) + 777) + 300000))
check "D verifies all of it" ponto D content cache verify

# ---- memory ---------------------------------------------------------------------------------------------------------------
peak() { python3 -c 'import resource,subprocess,sys; r=subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss if r == 0 else -1)' "$@"; }
# A sanitizer would keep what was freed, and puts something around each block.
most=8192
! grep -qs '__[at]san_init' "$build/ponto" "$build/.libs/ponto" || most=16384
at() { echo ip netns exec "$1" "${plain_user[@]}" env ASAN_OPTIONS=quarantine_size_mb=1 PONTO_PLUGIN_PATH="$build/.libs" "$build/ponto" --connect "$work/$1/run/bus" content cache; }
few=$(peak $(at A) export "$work/got/few.package" "$work/got/small.1") many=$(peak $(at A) export "$work/got/big.package" "$site/big")
check "exporting 160 MiB takes little more memory than 300 KB ($few, $many KiB)" [ "$few" -gt 0 -a "$many" -gt 0 -a $((many - few)) -lt $most ]
few=$(peak $(at C) import "$work/got/few.package") many=$(peak $(at C) import "$work/got/big.package")
check "importing too ($few, $many KiB)" [ "$few" -gt 0 -a "$many" -gt 0 -a $((many - few)) -lt $most ]

# ---- refusals ---------------------------------------------------------------------------------------------------------------
usage() { ponto A content cache "$@" >/dev/null 2>"$work/err"; is "$*: usage" "$?" 2; }
usage export
usage import
usage import a b
usage export --json
check "not over a folder" eval '! ponto A content cache export "$work/got" "$site/small" 2>"$work/err" && grep -q "not a regular file" "$work/err"'
check "an ID that is not held" eval '! ponto A content cache export "$work/got/x" '"$(printf '0%.0s' $(seq 64))"' 2>"$work/err" && grep -q "nothing of this is held" "$work/err"'
check "nothing is left behind" [ ! -e "$work/got/x" -a ! -e "$work/got/x.part" ]

for n in A B C D E; do stop $n; done
for n in A B C D E; do ! grep -E 'ERROR|Sanitizer|leak' "$work/$n.log" || bad=$((bad + 1)); done
echo "1..$count"
[ "$bad" = 0 ]
