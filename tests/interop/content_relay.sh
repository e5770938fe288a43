#!/usr/bin/env bash
# The content server as a reverse proxy: before nginx, whose clients must notice nothing, and before a server that does what
# others should not; behind nginx, too. A PeerDist client written from the specifications (peerdist.py) is the judge.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
export PONTO_PLUGIN_PATH=$build/.libs
. "$top/tests/interop/tap.inc.sh"
needs curl openssl python3 nginx
own_folder
mkdir -m 700 "$work/state" "$work/run" "$work/own"
mkdir -p "$work/www/locked" "$work/www/sub" "$work/local"
ponto() { "${plain_user[@]}" env HOME="$work/own" "$build/ponto" --connect "$work/run/bus" "$@"; }
cd "$work" || exit 1

python3 - <<'PY'
import random
r = random.Random(7)
open("www/small", "wb").write(r.randbytes(128000))
open("www/large.bin", "wb").write(r.randbytes(70 * 1024 * 1024 + 12345))
open("www/one", "wb").write(b"x")
open("www/empty", "wb")
open("www/locked/file", "wb").write(r.randbytes(100000))
open("www/index.html", "w").write("<!doctype html><title>t</title>\n")
open("local/page.html", "w").write("ours\n")
PY
# Old enough for a date of change to tell this state from the next.
find www -exec touch -d '2020-01-01 00:00:00 UTC' {} +
echo "user:$(openssl passwd -apr1 pass)" >passwords
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
	-addext subjectAltName=DNS:localhost,IP:127.0.0.1 >/dev/null 2>&1

# ---- servers ----------------------------------------------------------------------------------------
web() { # NAME LISTEN-OPTIONS LINES
	cat >"$1.conf" <<CONF
worker_processes 1; daemon off; pid $work/$1.pid; error_log $work/$1.log;
events {}
http { access_log off; client_body_temp_path $work/$1-1; proxy_temp_path $work/$1-2; fastcgi_temp_path $work/$1-3;
  uwsgi_temp_path $work/$1-4; scgi_temp_path $work/$1-5; etag on;
  $2 }
CONF
}
files="root $work/www; location /locked/ { auth_basic closed; auth_basic_user_file $work/passwords; }
  location = /moved { return 301 /small; }"
web site "server { listen 127.0.0.1:@PORT@; $files }"
web tls "server { listen 127.0.0.1:@PORT@ ssl; ssl_certificate $work/cert.pem; ssl_certificate_key $work/key.pem; $files }"
[ ${#plain_user[@]} = 0 ] || chown -R 65534:65534 .
judge=$top/tests/interop/content_relay.py
for name in site tls; do
	python3 "$judge" listen $name nginx -c "$work/$name.conf" 2>$name.err &
	[ $name = tls ] || site_pid=$!
done
python3 "$judge" origin 2>odd.err &
for name in site tls odd; do until_true 100 [ -s $name ] || bail "the origin $name does not start"; done
until_true 100 curl -sf -o /dev/null "http://127.0.0.1:$(cat site)/one" || bail "nginx does not answer: $(cat site.err site.log)"

cat >ponto.conf <<CONF
node     = { name = "relay"; state = "$work/state"; socket = "$work/run/bus"; };
stores   = { main = { plugin = "store-rocksdb"; path = "main"; }; };
http     = { web = { plugin = "http-mhd"; fetch_connections_per_host = 64; }; };
services = {
  site = { plugin = "service-dist"; listen = ["127.0.0.1"]; retrieval = ""; origin = "http://127.0.0.1:$(cat site)";
           publish = ["/ours=$work/local"]; };
  odd  = { plugin = "service-dist"; listen = ["127.0.0.1"]; retrieval = ""; origin = "http://127.0.0.1:$(cat odd)";
           relay_timeout = 1500; body_limit = 2; };
  tls  = { plugin = "service-dist"; listen = ["127.0.0.1"]; retrieval = ""; origin = "https://127.0.0.1:$(cat tls)";
           origin_ca = "$work/cert.pem"; certificate = "$work/cert.pem"; key = "$work/key.pem"; };
  wary = { plugin = "service-dist"; listen = ["127.0.0.1"]; retrieval = ""; origin = "https://127.0.0.1:$(cat tls)"; };
};
CONF
served() { ponto --service "$1" content publish | sed -n 's|^served at  https\{0,1\}://127.0.0.1:||p'; }
start() {
	"${plain_user[@]}" "$build/pontod" -c ponto.conf >>log 2>&1 &
	daemon=$!
	until_true 100 ponto --service site content publish || return 1
	port=$(served site) odd=$(served odd) tls=$(served tls) wary=$(served wary)
	site=http://127.0.0.1:$port
}
stop() { local pid=$daemon; daemon=; kill "$pid" && wait "$pid"; }
start || bail "the node does not start"
direct=http://127.0.0.1:$(cat site)

# ---- plain clients: what nginx says, and what is said in its place -------------------------------------------
told() { # FILE-PREFIX URL OPTIONS: status, headers but those of the connection in any order, body
	local to=$1 url=$2
	shift 2
	curl -s --path-as-is -D "$to.head" -o "$to.body" -H 'Host: www.example' "$@" "$url" || return 1
	touch "$to.body"
	sed '1s/\(HTTP[^ ]* [0-9]*\).*/\1/; s/boundary=[0-9]*/boundary=/; s/\r$//' "$to.head" |
		grep -v '^Date:\|^Connection:\|^Keep-Alive:\|^Transfer-Encoding:' | sort >"$to.head.same"
	sed -i 's/^--[0-9]\{20\}/--/' "$to.body"
}
alike() { # PATH OPTIONS
	local path=$1
	shift
	rm -f d.* r.*
	told d "$direct$path" "$@" && told r "$site$path" "$@" || return 1
	diff d.head.same r.head.same && { [[ " $* " = *" -I "* ]] || cmp d.body r.body; }
}
etag=$(curl -sI "$direct/small" | sed -n 's/^ETag: //p' | tr -d '\r')
check "a file" alike /small
check "one of 70 MiB" alike /large.bin
check "an empty one" alike /empty
check "HEAD" alike /small -I
check "the index" alike /
check "a folder without its slash" alike /sub
check "nothing there" alike /nothing
check "a path that is none to us" alike /%2e%2e/x
check "an escaped slash" alike /a%2fb?c=%2F
check "above the root" alike /../x
check "a range" alike /small -r 100-199
check "from the end" alike /large.bin -r -1000
check "several ranges" alike /small -r 0-1,5-6
check "a range beyond" alike /small -r 128000-
check "304" alike /small -H "If-None-Match: $etag"
check "If-Modified-Since" alike /small -H 'If-Modified-Since: Wed, 01 Jan 2020 00:00:00 GMT'
check "412" alike /small -H 'If-Match: "x"'
check "a redirection" alike /moved
check "POST" alike /small -d x
check "DELETE" alike /small -X DELETE
echo "# proves DIST-400"
check "401" alike /locked/file
check "with a password" alike /locked/file -u user:pass
check "HTTP/1.0" alike /small -0
check "several requests on a connection" eval '[ "$(curl -s -o a -o b -o c -w "%{num_connects} " "$site/small" "$site/one" "$site/small")" = "1 0 0 " ]'
check "a published folder comes first" eval '[ "$(curl -sf "$site/ours/page.html")" = ours ]'
check "what is not in it is not asked for" eval '[ "$(curl -s -o /dev/null -w "%{http_code}" "$site/ours/small")" = 404 ]'
big() { curl -sf -o got "$site/large.bin" && cmp got www/large.bin; }
all_at_once() { local p=() i; for i in 1 2 3 4 5 6 7 8; do { curl -sf "$site/large.bin" | cmp - www/large.bin; } & p+=($!); done; for i in "${p[@]}"; do wait "$i" || return 1; done; }
check "eight at once" all_at_once
check "an https origin, whose certificate is known" eval 'curl -sf --cacert cert.pem -o got "https://127.0.0.1:$tls/large.bin" && cmp got www/large.bin'
check "one that is not: 502" eval '[ "$(curl -s -o got -w "%{http_code}" "http://127.0.0.1:$wary/small")" = 502 ]'

# ---- PeerDist, and origins that do what they should not ---------------------------------------------------------
key() { ponto --service site content secret export --password-file own/password -o own/exported && python3 - <<'PY'
import hashlib, subprocess
password = open("own/password").read()
key = hashlib.sha256(password.encode("utf-16-le")).hexdigest()
plain = subprocess.run(["openssl", "enc", "-d", "-aes-256-cbc", "-K", key, "-iv", "0" * 32], check=True,
                       input=open("own/exported", "rb").read(), capture_output=True).stdout
open("own/key", "wb").write(plain[32:])
PY
}
printf 'open sesame' >own/password
key || bail "no secret key"
python3 "$judge" judge "$port" "$odd" "$count" && code=0 || code=$?
[ -s tally ] || bail "the judge did not end"
read -r count more <tally
bad=$((bad + more))

# ---- nginx in front ------------------------------------------------------------------------------------------------
web front "server { listen unix:$work/front.sock; location / { proxy_pass $site; proxy_http_version 1.1; } }"
nginx -c "$work/front.conf" 2>front.err &
until_true 50 [ -S front.sock ]
through() { curl -sf --unix-socket front.sock -o got "$@" http://localhost/large.bin; }
check "nginx before and behind: the same bytes" eval "through && cmp got www/large.bin"
check "a range" eval "through -r 1000-2999 && tail -c +1001 www/large.bin | head -c 2000 | cmp - got"
encoded() { through -D headers -H 'Accept-Encoding: peerdist' -H 'X-P2P-PeerDist: Version=1.0' && grep -qi '^Content-Encoding: peerdist' headers && [ "$(head -c 2 got | od -An -tx1)" = " 00 01" ]; }
check "Content Information passes" until_true 100 encoded # by this name it is another content

# ---- restarts, and an origin that goes ---------------------------------------------------------------------------------
check "the node stops" stop
start || bail "the node does not start again"
told_again() { curl -sf -o got -D headers -H 'Host: www.example' "$site/large.bin" -H 'Accept-Encoding: peerdist' -H 'X-P2P-PeerDist: Version=1.1' \
	-H 'X-P2P-PeerDistEx: MinContentInformation=1.0, MaxContentInformation=1.0, HashRequest=true' && grep -qi '^Content-Encoding: peerdist' headers; }
check "hashes are made" until_true 200 told_again
check "the node stops" stop
start || bail "the node does not start again"
hashed() { ponto node metrics | sed -n 's/^ponto_dist_relay_hashed_total{.*"site".*} //p'; }
check "and are found again after a restart" until_true 20 told_again
is "not made again" "$(hashed)" 0
kill "$site_pid"
wait "$site_pid" 2>/dev/null
status() { [ "$(curl -s -o got -w '%{http_code}' "${@:2}")" = "$1" ]; }
check "the origin is down: 502" status 502 "$site/small"
check "for who speaks PeerDist, too" status 502 -H 'Accept-Encoding: peerdist' -H 'X-P2P-PeerDist: Version=1.1' \
	-H 'X-P2P-PeerDistEx: MinContentInformation=1.0, MaxContentInformation=1.0, HashRequest=true' "$site/large.bin"
check "the published folder is there" eval '[ "$(curl -sf "$site/ours/page.html")" = ours ]'
check "the node stops while clients wait" eval 'curl -sv -o got "http://127.0.0.1:$odd/silent" 2>asked & client=$!; until_true 100 grep -q "^> GET" asked; stop; status=$?; wait $client; [ $status = 0 ]'
check "no fault was logged" eval '! grep -E " (error|fault) " log'
for wrong in 127.0.0.1:80 http:// http://a/ http://a/b http://u@h ftp://a http://a:0 'http://a b' 'http://[::1'; do
	sed "s|origin = \"http://127.0.0.1:$(cat odd)\"|origin = \"$wrong\"|" ponto.conf >wrong.conf
	check "origin = \"$wrong\" is refused" eval '! "$build/ponto" config check wrong.conf 2>err && grep -q "is not a server" err'
done
echo "1..$count"
[ "$bad" = 0 ] && [ "$code" = 0 ]
