#!/usr/bin/env bash
# A content from neighbours, by daemons as they are: A is the origin, B and C fetch, on one link of real interfaces.
# What the origin sends is counted by the kernel. Then the proxy, with curl behind it, and a plain origin.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
. "$top/tests/interop/namespace.inc.sh"
needs curl python3 openssl
. "$top/tests/interop/clouds.inc.sh"
plug A eth0 br0 2001:db8::1
plug B eth0 br0 2001:db8::2
plug C eth0 br0 2001:db8::3
for i in 1 2 3; do ip -n "$(echo ABC | cut -c$i)" addr add 192.0.2.$i/24 dev eth0; done

node() { # NAME SERVICE DISCOVERY
	configure "$1" "transports = { udp4 = { plugin = \"transport-udp4\"; }; udp6 = { plugin = \"transport-udp6\"; }; };
http = { web = { plugin = \"http-mhd\"; }; };
discovery = { near = { plugin = \"discovery-wsd\"; }; };
services = { dist = { plugin = \"service-dist\"; $2 }; };"
	start "$1"
}
mkdir "$work/www" "$work/got"
python3 - "$work/www" <<'PY'
import random, sys
r = random.Random(11)
for name, size in ("large", 40 << 20), ("other", (30 << 20) + 777), ("small", 100000):
    open(sys.argv[1] + "/" + name, "wb").write(r.randbytes(size))
open(sys.argv[1] + "/empty", "wb")
PY
[ ${#plain_user[@]} = 0 ] || chown -R 65534:65534 "$work/got"
node A "listen = [\"192.0.2.1:8000\"]; publish = [\"$work/www\"]; retrieval = \"\"; discovery = [];"
node B 'retrieval = "[::]:8080"; proxy = "127.0.0.1:8118";'
node C 'retrieval = "[::]:8080"; proxy = "127.0.0.1:8118";'
site=http://192.0.2.1:8000
sent() { ip netns exec A cat /sys/class/net/eth0/statistics/tx_bytes; }
curl_at() { local at=$1; shift; ip netns exec "$at" curl -s --max-time 60 "$@"; }
fetch() { # NODE SOURCE OUTPUT ...: the report in $work/report
	local at=$1; shift
	ponto "$at" --json content fetch "$@" >"$work/report" 2>"$work/err" || { cat "$work/err"; return 1; }
}
field() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/report" "$1"; }
got() { cmp "$work/www/$1" "$work/got/$2" && [ ! -e "$work/got/$2.part" ]; }

# ---- hashes are made first ------------------------------------------------------------------------
described() {
	curl_at B -o "$work/got/$1.info" -D "$work/head" -H 'Accept-Encoding: peerdist' -H 'X-P2P-PeerDist: Version=1.1' \
		-H 'X-P2P-PeerDistEx: MinContentInformation=1.0, MaxContentInformation=2.0' "$site/$1" &&
		grep -qi '^content-encoding: *peerdist' "$work/head"
}
for file in large other small; do check "the origin describes $file" until_true 200 described $file; done

# ---- from the origin, from neighbours, from here ----------------------------------------------------
before=$(sent)
check "B fetches" fetch B "$site/large" -o "$work/got/B"
check "byte for byte" got large B
is "all of it from the origin" "$(field origin)" $((40 << 20))
before=$(sent)
proves DIST-187
check "C fetches" fetch C "$site/large" -o "$work/got/C"
check "byte for byte" got large C
is "all of it from its neighbour" "$(field peers)" $((40 << 20))
after=$(sent)
check "the origin sent its description only ($((after - before)) bytes)" [ $((after - before)) -lt 500000 ]
check "C fetches again" fetch C "$site/large" -o "$work/got/C"
is "all of it was here already" "$(field cache)" $((40 << 20))
out() { ponto B content fetch "$site/large" -o - | cmp - "$work/www/large"; }
check "to standard output, in order" out
check "an empty file" fetch B "$site/empty" -o "$work/got/empty"
check "is empty" got empty empty
check "C forgets" ponto C content cache clear
check "C fetches by Content Information alone" fetch C "$work/got/large.info" -o "$work/got/C2"
check "byte for byte" got large C2
is "all of it from its neighbour" "$(field peers)" $((40 << 20))

# ---- before others ask --------------------------------------------------------------------------------
for n in B C; do ponto $n content cache clear >/dev/null; done
preload() { ponto "$1" --json content cache preload "$2" >"$work/report" 2>"$work/err" || { cat "$work/err"; return 1; }; }
check "B preloads" preload B "$site/large"
is "all of it from the origin" "$(field origin)" $((40 << 20))
proves DIST-515
is "and holds it" "$(ponto B --json content cache stats | python3 -c 'import json,sys; print(json.load(sys.stdin)["bytes"])')" $((40 << 20))
check "C fetches" fetch C "$site/large" -o "$work/got/C"
is "all of it from what B preloaded" "$(field peers)" $((40 << 20))
check "by Content Information too: nothing is left to fetch" preload B "$work/got/large.info"
is "it was here" "$(field cache)" $((40 << 20))
check "what has no hashes is refused" eval "! preload B '$site/empty' >/dev/null"
check "in one line" [ "$(wc -l <"$work/err")" = 1 ]
is "without a source: usage" "$(ponto B content cache preload >/dev/null 2>&1; echo $?)" 2

# ---- both at once ------------------------------------------------------------------------------------
rate() { ip netns exec A tc qdisc replace dev eth0 root tbf rate "$1" burst 64kb latency 50ms 2>/dev/null; }
rate 80mbit
before=$(sent)
fetch_b() { ponto B content fetch "$site/other" -o "$work/got/B3" >"$work/b3" 2>&1; }
fetch_b & fetching=$!
check "C fetches what B fetches" fetch C "$site/other" -o "$work/got/C3"
wait $fetching
check "B was served too" got other B3
check "byte for byte" got other C3
after=$(sent)
check "the origin sent little more than one copy ($(((after - before) * 100 / ((30 << 20) + 777))) %)" \
	[ $((after - before)) -lt $(((30 << 20) * 13 / 10)) ]
echo "# $(cat "$work/b3")"

# ---- interrupted -----------------------------------------------------------------------------------------
for n in B C; do ponto $n content cache clear >/dev/null; done
rate 8mbit
ponto B content fetch "$site/large" -o "$work/got/D" >"$work/d" 2>&1 &
until_true 100 eval '[ "$(stat -c %s "$work/got/D.part" 2>/dev/null || echo 0)" -gt 1000000 ]'
pid=$(pgrep -P $! -f "content fetch" || echo $!)
kill -INT "$pid" 2>/dev/null
wait $!
is "interrupted: exit status" $? 1
check "one line says so" grep -q interrupted "$work/d"
check "no wrong file is left" [ ! -e "$work/got/D" ]
rate 80mbit
check "it goes on" fetch B "$site/large" -o "$work/got/D"
check "byte for byte" got large D
check "with what was kept ($(field cache) bytes)" [ "$(field cache)" -gt 0 ]
ip netns exec A tc qdisc del dev eth0 root 2>/dev/null

# ---- refusals ----------------------------------------------------------------------------------------------
refused() { # STATUS TEXT ARGUMENT...
	local status=$1 text=$2
	shift 2
	ponto B content fetch "$@" >"$work/out" 2>"$work/err"
	if [ $? = "$status" ] && [ "$(wc -l <"$work/err")" = 1 ] && grep -qF -e "$text" "$work/err"; then ok "$* -> $text"
	else not_ok "$* -> $status, $text" "$(cat "$work/out" "$work/err")"; fi
}
refused 2 "needs a URL"
refused 2 "needs --output" "$site/large"
refused 2 "takes one" "$site/large" "$site/other" -o x
refused 1 "404" "$site/nothing" -o "$work/got/x"
refused 1 "cannot be reached" "http://192.0.2.1:9/x" -o "$work/got/x"
refused 1 "only http and https" "ftp://192.0.2.1/x" -o "$work/got/x"
refused 1 "No such file" "$work/nothing" -o "$work/got/x"
refused 1 "not understood" "$work/www/small" -o "$work/got/x"
refused 1 "not a regular file" "$site/small" -o "$work/got"
refused 1 "No such file" "$site/small" -o "$work/nowhere/x"
check "nothing is left behind" [ -z "$(ls "$work/got" | grep -E '^x')" ]

# The README's line.
line=$(sed -n 's/^    ponto \(content fetch [^#]*[^# ]\) *#.*/\1/p' "$top/README.md")
[ -n "$line" ] || not_ok "README.md shows how to fetch"
line=${line//http:\/\/files.example.net\/setup.iso/$site\/small}
check "README.md: ponto $line" eval "ponto B ${line//setup.iso/$work\/got\/setup.iso}"

# ---- the proxy -----------------------------------------------------------------------------------------------
proxied() { curl_at C -x http://127.0.0.1:8118 "$@"; }
same() { local file=$1; shift; proxied "$@" | cmp - "$file"; }
for n in C; do ponto $n content cache clear >/dev/null; done
before=$(sent)
check "through the proxy" same "$work/www/large" "$site/large"
after=$(sent)
check "from the neighbour ($((after - before)) bytes of the origin)" [ $((after - before)) -lt 500000 ]
proxied -D "$work/head" -o /dev/null "$site/large"
is "its length" "$(tr -d '\r' <"$work/head" | sed -n 's/^content-length: //Ip')" $((40 << 20))
check "no word of PeerDist" sh -c "! grep -qi -e ^x-p2p -e ^content-encoding '$work/head'"
check "Via" grep -qi '^via: 1.1 ponto-' "$work/head"
tail -c +1000001 "$work/www/large" | head -c 300000 >"$work/part"
check "a range" same "$work/part" -r 1000000-1299999 "$site/large"
is "it is one" "$(proxied -o /dev/null -w '%{http_code}' -r 0-9 "$site/large")" 206
is "HEAD" "$(proxied -I "$site/small" | tr -d '\r' | sed -n 's/^content-length: //Ip')" 100000
is "POST goes to the origin" "$(proxied -o /dev/null -w '%{http_code}' -d x "$site/small")" 405
is "404" "$(proxied -o /dev/null -w '%{http_code}' "$site/nothing")" 404
check "an empty file" same "$work/www/empty" "$site/empty"
etag=$(proxied -I "$site/small" | tr -d '\r' | sed -n 's/^etag: //Ip')
is "304" "$(proxied -o /dev/null -w '%{http_code}' -H "If-None-Match: $etag" "$site/small")" 304
is "no tunnels" "$(curl_at C -o /dev/null -w '%{http_connect}' -p -x http://127.0.0.1:8118 "$site/small")" 501
is "not itself: a path" "$(curl_at C -o /dev/null -w '%{http_code}' http://127.0.0.1:8118/x)" 400
is "not itself: its own address" "$(proxied -o /dev/null -w '%{http_code}' http://127.0.0.1:8118/x)" 508
is "nobody there" "$(proxied -o /dev/null -w '%{http_code}' http://192.0.2.1:9/x)" 502
many() { local p=() i; for i in 1 2 3 4 5 6 7 8; do same "$work/www/small" "$site/small" & p+=($!); done; for i in "${p[@]}"; do wait "$i" || return 1; done; }
check "eight at once" many

# ---- a plain origin ---------------------------------------------------------------------------------------------
cat >"$work/plain.py" <<'PY'
import http.server, re, socket, sys, time
data = open(sys.argv[1], "rb").read()
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        first, etag = 0, '"v1"'
        m = re.match(r"bytes=(\d+)-$", self.headers.get("Range", ""))
        if m and self.headers.get("If-Range") == etag:
            first = int(m[1])
        self.send_response(206 if first else 200)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(data) - first))
        if self.path == "/close":
            self.send_header("Connection", "close")
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        for i in range(first, len(data), 1 << 20):
            self.wfile.write(data[i:i + (1 << 20)])
            if self.path == "/slow":
                time.sleep(0.1)
        if self.path == "/close":
            self.connection.shutdown(socket.SHUT_WR)
            try: end = "FIN" if self.connection.recv(1) == b"" else "bytes"
            except ConnectionResetError: end = "RST"
            open(sys.argv[2], "w").write(end)
            self.close_connection = True
    def handle(self):
        try: super().handle()
        except OSError: pass
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer(("192.0.2.1", 8001), H).serve_forever()
PY
ip netns exec A python3 "$work/plain.py" "$work/www/other" "$work/end" &
until_true 50 curl_at B -o /dev/null http://192.0.2.1:8001/
check "plain" fetch B http://192.0.2.1:8001/ -o "$work/got/P"
check "byte for byte" got other P
proves DIST-374
check "an origin that closes" fetch B http://192.0.2.1:8001/close -o "$work/got/P"
until_true 50 [ -s "$work/end" ]
is "its client ends with FIN" "$(cat "$work/end")" FIN
ponto B content fetch http://192.0.2.1:8001/slow -o "$work/got/Q" >"$work/q" 2>&1 &
until_true 100 eval '[ "$(stat -c %s "$work/got/Q.part" 2>/dev/null || echo 0)" -gt 4000000 ]'
pid=$(pgrep -P $! -f "content fetch" || echo $!)
kill -INT "$pid" 2>/dev/null
wait $!
check "the part stays" [ -s "$work/got/Q.part" ]
check "it goes on" fetch B http://192.0.2.1:8001/slow -o "$work/got/Q"
check "from where it was ($(field resumed_at))" [ "$(field resumed_at)" -gt 4000000 ]
check "byte for byte" got other Q
check "nothing else is left" [ ! -e "$work/got/Q.part.of" ]

# ---- over TLS ---------------------------------------------------------------------------------------------------
certificate() { # NAME ADDRESS FIRST LAST: a year each
	printf '[ca]\ndefault_ca=c\n[c]\ndatabase=db\nserial=serial\ndefault_md=sha256\npolicy=p\nnew_certs_dir=.\ncopy_extensions=copy\nunique_subject=no\n[p]\ncommonName=supplied\n' >ca.cnf
	: >db; echo 01 >serial
	openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out request -subj /CN=origin -addext "subjectAltName=IP:$2" 2>/dev/null &&
		openssl ca -config ca.cnf -batch -notext -selfsign -keyfile "$1.key" -in request -out "$1.pem" \
			-startdate "${3}0101000000Z" -enddate "${4}0101000000Z" 2>/dev/null
}
mkdir "$work/tls"
cd "$work/tls" || exit 1
certificate right 192.0.2.1 2020 2090; certificate foreign 192.0.2.77 2020 2090; certificate expired 192.0.2.1 2020 2021
cat *.pem >trusted; chmod 644 ./*
cd /
for n in A B C; do stop $n; done
secure() { # CERTIFICATE
	node A "listen = [\"192.0.2.1:8443\"]; publish = [\"$work/www\"]; retrieval = \"\"; discovery = [];
		certificate = \"$work/tls/$1.pem\"; key = \"$work/tls/$1.key\";"
}
for n in B C; do node $n "retrieval = \"[::]:8080\"; ca_file = \"$work/tls/trusted\";"; ponto $n content cache clear >/dev/null; done
secure right
check "from an origin by TLS" fetch B https://192.0.2.1:8443/large -o "$work/got/T"
check "byte for byte" got large T
check "C too" fetch C https://192.0.2.1:8443/large -o "$work/got/T"
is "all of it from its neighbour" "$(field peers)" $((40 << 20))
for other in foreign expired; do
	stop A
	secure $other
	check "a certificate that is $other is refused" eval "! fetch B https://192.0.2.1:8443/small -o '$work/got/U' >/dev/null"
	is "in one line" "$(wc -l <"$work/err")" 1
	check "that says so: $(cat "$work/err")" grep -q certificate "$work/err"
	check "nothing is left" [ ! -e "$work/got/U" ]
done

for n in A B C; do stop $n; done
for n in A B C; do ! grep -E 'ERROR|Sanitizer|leak' "$work/$n.log" | grep -v 'is not what' || bad=$((bad + 1)); done
echo "1..$count"
[ "$bad" = 0 ]
