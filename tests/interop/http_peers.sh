#!/usr/bin/env bash
# http-mhd among independent peers on loopback: curl, Python and OpenSSL ask its server, its client asks nginx and
# Python's server.
set -u
build=${PONTO_BUILDDIR:-build/plain}
peer=$build/tests/interop/http_peer
work=$(mktemp -d "${TMPDIR:-/tmp}/ponto-http-XXXXXX")
started=()
trap 'for pid in "${started[@]}"; do kill "$pid" 2>/dev/null; done; exec 7>&- 8>&-; wait 2>/dev/null; rm -rf "$work"' EXIT
count=0 bad=0
is() { # NAME WANTED GOT
	count=$((count + 1))
	if [ "$2" = "$3" ]; then echo "ok $count - $1"; else
		bad=$((bad + 1))
		echo "not ok $count - $1"
		printf 'wanted %s\ngot %s\n' "${2:0:300}" "${3:0:300}" | sed 's/^/# /'
	fi
}
# serve FD FILES...: a server whose input is descriptor FD; its port in $port
serve() {
	local fd=$1 pid
	shift
	rm -f "$work/in$fd"
	mkfifo "$work/in$fd"
	"$peer" serve "$@" <"$work/in$fd" >"$work/port$fd" &
	pid=$!
	started+=("$pid")
	eval "exec $fd>\"$work/in$fd\""
	until [ -s "$work/port$fd" ]; do kill -0 "$pid" || { port=0; return; }; sleep 0.05; done
	port=$(cat "$work/port$fd")
}
curl() { command curl -s --max-time 60 --noproxy '*' "$@"; }

serve 7
url=http://127.0.0.1:$port
is "curl: a target passes undecoded" "GET /echo/%2e%2E?a=%20b " "$(curl --path-as-is "$url/echo/%2e%2E?a=%20b")"
head -c 3000000 /dev/zero | tr '\0' y >"$work/body"
is "curl: a large body, with Expect" "$(printf 'POST /echo '; cat "$work/body")" "$(curl -H 'Expect: 100-continue' --data-binary "@$work/body" "$url/echo")"
is "curl: a chunked body" "PUT /echo abc" "$(printf abc | curl -X PUT -H 'Transfer-Encoding: chunked' --data-binary @- "$url/echo")"
is "curl: HEAD" "200 12345" "$(curl -I -o "$work/head" -w '%{http_code} ' "$url/data/12345"; grep -i '^content-length' "$work/head" | tr -dc 0-9)"
is "curl: HTTP/1.0" "200 70000" "$(curl -0 -o /dev/null -w '%{http_code} %{size_download}' "$url/data/70000")"
is "curl: one connection for three" "1 0 0" "$(curl -w '%{num_connects} ' -o /dev/null -o /dev/null -o /dev/null "$url/data/1" "$url/data/2" "$url/data/3" | sed 's/ $//')"
is "curl: too large" 413 "$(head -c 17000000 /dev/zero | curl -o /dev/null -w '%{http_code}' --data-binary @- "$url/echo")"
is "Python: requests in a row" "200 POST /echo 0;200 POST /echo 1;200 POST /echo 2;" "$(python3 -c '
import http.client, sys
c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=60)
for i in range(3):
    c.request("POST", "/echo", body=str(i))
    r = c.getresponse()
    print(r.status, r.read().decode(), end=";")' "$port")"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
	-addext subjectAltName=IP:127.0.0.1 -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
serve 8 "$work/cert.pem" "$work/key.pem"
is "curl: by TLS" 100000 "$(curl --cacert "$work/cert.pem" "https://127.0.0.1:$port/data/100000" | wc -c)"
for version in tls1_2 tls1_3; do
	is "OpenSSL: $version" "HTTP/1.1 200 OK" "$(printf 'GET /data/5 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' |
		timeout 60 openssl s_client -quiet -$version -CAfile "$work/cert.pem" -verify_return_error -connect "127.0.0.1:$port" 2>/dev/null | head -n 1 | tr -d '\r')"
done
is "OpenSSL: nothing older" "" "$(printf 'GET /data/5 HTTP/1.1\r\nHost: x\r\n\r\n' | timeout 60 openssl s_client -quiet -tls1_1 -cipher 'ALL:@SECLEVEL=0' -connect "127.0.0.1:$port" 2>/dev/null)"
is "our client and our server by TLS" 100000 "$("$peer" get "https://127.0.0.1:$port/data/100000" "$work/cert.pem" 2>/dev/null | wc -c)"

mkdir "$work/www"
head -c 5000000 /dev/urandom >"$work/www/large"
python3 -u -m http.server 0 --bind 127.0.0.1 --directory "$work/www" >"$work/python" 2>&1 &
started+=($!)
until grep -q 'port [0-9]' "$work/python"; do kill -0 $! || break; sleep 0.05; done
port=$(sed -n 's/.*port \([0-9]*\).*/\1/p' "$work/python")
is "Python serves us" "$(sha256sum <"$work/www/large")" "$("$peer" get "http://127.0.0.1:$port/large" 2>/dev/null | sha256sum)"
is "Python's 404 is an answer" "404" "$("$peer" get "http://127.0.0.1:$port/none" 2>&1 >/dev/null)"

# nginx takes no port of the kernel's choice: one that was just free, and another when it is not any more.
for try in 1 2 3 4 5; do
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	cat >"$work/nginx.conf" <<CONF
worker_processes 1; daemon off; master_process off; pid $work/nginx.pid; error_log $work/nginx.err;
events { worker_connections 64; }
http { access_log off; client_body_temp_path $work/b; proxy_temp_path $work/p; fastcgi_temp_path $work/f;
	uwsgi_temp_path $work/u; scgi_temp_path $work/s; gzip on; gzip_types *; gzip_min_length 1;
	server { listen 127.0.0.1:$port; root $work/www; location /to { return 302 /large; } } }
CONF
	nginx -c "$work/nginx.conf" 2>"$work/nginx.out" &
	pid=$!
	started+=("$pid")
	until curl -o /dev/null "http://127.0.0.1:$port/" || ! kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
	if kill -0 "$pid" 2>/dev/null; then break; fi
done
is "nginx serves us, by a redirection" "$(sha256sum <"$work/www/large")" "$("$peer" get "http://127.0.0.1:$port/to" 2>/dev/null | sha256sum)"
exec 7>&- 8>&-
echo "1..$count"
[ $bad = 0 ]
