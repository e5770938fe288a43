#!/usr/bin/env bash
# The content server in the eyes of others: curl, wget and a browser, who must notice nothing; a PeerDist client written
# from the specifications (peerdist.py), who gets Content Information of every range; nginx in front.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
export PONTO_PLUGIN_PATH=$build/.libs
. "$top/tests/interop/tap.inc.sh"
needs curl wget openssl python3 nginx
own_folder
mkdir -m 700 "$work/state" "$work/run" "$work/www" "$work/more" "$work/own"
ponto() { "${plain_user[@]}" env HOME="$work/own" "$build/ponto" --connect "$work/run/bus" "$@"; }
cd "$work" || exit 1
refused() { # STATUS TEXT COMMAND...
	local status=$1 text=$2 got
	shift 2
	"$@" >out 2>err </dev/null
	got=$?
	if [ $got = "$status" ] && [ "$(wc -l <err)" = 1 ] && grep -qF -e "$text" err; then ok "$* -> $text"
	else not_ok "$* -> $status, $text" "got $got" "$(head -c 2000 out err)"; fi
}

python3 - <<'PY'
import random
r = random.Random(7)
open("www/small", "wb").write(r.randbytes(128000))
open("www/large.bin", "wb").write(r.randbytes(70 * 1024 * 1024 + 12345))
open("www/one", "wb").write(b"x")
open("www/empty", "wb")
open("www/index.html", "w").write("<!doctype html><title>t</title><p id=p>no</p><script src=app.js></script>\n")
open("www/app.js", "w").write("document.getElementById('p').textContent = 'drawn ' + 6 * 7;\n")
open("more/page.html", "w").write("more\n")
open("www/closed", "w").write("secret\n")
PY
mkdir www/sub && echo sub >www/sub/index.html && ln -s /etc/passwd www/out && ln -s small www/within
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
	-addext subjectAltName=DNS:localhost,IP:127.0.0.1 >/dev/null 2>&1
cat >ponto.conf <<CONF
node     = { name = "origin"; log = "debug"; state = "$work/state"; socket = "$work/run/bus"; };
stores   = { main = { plugin = "store-rocksdb"; path = "main"; }; };
http     = { web = { plugin = "http-mhd"; }; };
services = {
  dist = { plugin = "service-dist"; listen = ["127.0.0.1", "::1"]; publish = ["$work/www"]; retrieval = ""; };
  tls  = { plugin = "service-dist"; listen = ["127.0.0.1"]; publish = ["$work/www"]; retrieval = "";
           certificate = "$work/cert.pem"; key = "$work/key.pem"; };
};
CONF
[ ${#plain_user[@]} = 0 ] || chown -R 65534:65534 .
[ ${#plain_user[@]} = 0 ] || chown root:root www/closed
chmod 000 www/closed
start() {
	"${plain_user[@]}" "$build/pontod" -c ponto.conf >>log 2>&1 &
	daemon=$!
	until_true 100 ponto content publish || return 1
	port=$(ponto content publish | sed -n 's|^served at  http://127.0.0.1:||p')
	port6=$(ponto content publish | sed -n 's|^served at  http://\[::1\]:||p')
	tls=$(ponto --service tls content publish | sed -n 's|^served at  https://127.0.0.1:||p')
}
stop() { local pid=$daemon; daemon=; kill "$pid" && wait "$pid"; }
start || bail "the node does not start"
site=http://127.0.0.1:$port

# ---- plain clients --------------------------------------------------------------------------------
same() { curl -sf -o got "$1" && cmp got "$2"; }
for file in small large.bin one empty index.html within; do
	check "curl: $file, byte for byte" same "$site/$file" www/$file
done
check "over IPv6" same "http://[::1]:$port6/small" www/small
check "the root's index" same "$site/" www/index.html
check "a folder's index" same "$site/sub/" www/sub/index.html
follows() { [ "$(curl -s -o got -L -w '%{url_effective}' "$site/sub")" = "$site/sub/" ] && cmp got www/sub/index.html; }
check "a folder without its slash is redirected" follows
status() { local want=$1 got; shift; got=$(curl -s --path-as-is -o got -w '%{http_code}' "$@"); [ "$got" = "$want" ] || { echo "$got"; false; }; }
check "nothing there: 404" status 404 "$site/nothing"
check "a link out of the folder: 404" status 404 "$site/out"
for path in /../etc/passwd /%2e%2e/%2e%2e/etc/passwd /a%00b /%zz /sub%2findex.html; do
	check "$path: 400" status 400 "$site$path"
done
check "POST: 405" status 405 -d x "$site/small"
echo "# proves DIST-400"
echo "# proves DIST-516"
check "what the node may not read: 403" status 403 "$site/closed"
check "also to who speaks PeerDist" status 403 -H 'Accept-Encoding: peerdist' -H 'X-P2P-PeerDist: Version=1.0' "$site/closed"
part() { # RANGE FIRST COUNT
	[ "$(curl -s -o got -r "$1" -w '%{http_code}' "$site/small")" = 206 ] &&
		tail -c +$(($2 + 1)) www/small | head -c "$3" | cmp - got
}
check "range: the first byte" part 0-0 0 1
check "range: the last byte" part 127999-127999 127999 1
check "range: up to the end" part 65536- 65536 62464
check "range: from the end" part -100 127900 100
check "range: more than there is" part 100-999999 100 127900
check "range: a suffix larger than the file" part -999999 0 128000
check "range: beyond: 416" status 416 -r 128000- "$site/small"
check "range: of nothing: 416" status 416 -r 0-0 "$site/empty"
check "several ranges are all of it" status 200 -r 0-1,5-6 "$site/small"
head_of() { curl -sI "$site/$1" | grep -v '^Date' >h1; curl -s -o /dev/null -D - "$site/$1" | grep -v '^Date' >h2; cmp h1 h2; }
check "HEAD says what GET says" head_of small
etag=$(curl -sI "$site/small" | sed -n 's/^ETag: //p' | tr -d '\r')
modified=$(curl -sI "$site/small" | sed -n 's/^Last-Modified: //p' | tr -d '\r')
check "If-None-Match: 304" status 304 -H "If-None-Match: $etag" "$site/small"
check "a weak one too" status 304 -H "If-None-Match: \"x\", W/$etag" "$site/small"
check "another: 200" status 200 -H 'If-None-Match: "x"' "$site/small"
check "If-Modified-Since: 304" status 304 -H "If-Modified-Since: $modified" "$site/small"
check "If-Match: 200" status 200 -H "If-Match: $etag" "$site/small"
check "another: 412" status 412 -H 'If-Match: "x"' "$site/small"
check "If-Unmodified-Since: 412" status 412 -H 'If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT' "$site/small"
check "If-Range of this state: 206" status 206 -H "If-Range: $etag" -r 0-9 "$site/small"
check "of another: 200" status 200 -H 'If-Range: "x"' -r 0-9 "$site/small"
check "HTTP/1.0" status 200 -0 "$site/small"
fetched() { rm -rf w && mkdir w && (cd w && wget -q "$site/large.bin") && cmp w/large.bin www/large.bin; }
resumed() { head -c 5000000 www/large.bin >w/large.bin && (cd w && wget -q -c "$site/large.bin") && cmp w/large.bin www/large.bin; }
checked() { (cd w && wget -N "$site/large.bin" 2>&1) | grep -q '304 Not Modified\|not retrieving\|not modified'; }
check "wget" fetched
check "wget resumes" resumed
check "wget asks whether it is newer" checked
drawn() { # a page with a script, which the browser ran
	mkdir -p chrome && { [ ${#plain_user[@]} = 0 ] || chown 65534:65534 chrome; }
	"${plain_user[@]}" env HOME="$work/chrome" timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
		--user-data-dir="$work/chrome/p" --dump-dom "$site/" 2>chrome.err | grep -q 'drawn 42' || { tail -n 5 chrome.err; false; }
}
if command -v chromium >/dev/null; then check "chromium draws a page" drawn; else not_ok "chromium is not installed"; fi
echo "# proves DIST-518"
check "HTTPS: curl" curl -sf --cacert cert.pem -o got "https://127.0.0.1:$tls/small"
check "the same bytes" cmp got www/small

# ---- PeerDist ---------------------------------------------------------------------------------------
key() { rm -f own/exported; ponto content secret export --password-file own/password -o own/exported && python3 - <<'PY'
import hashlib, subprocess
password = open("own/password").read()
key = hashlib.sha256(password.encode("utf-16-le")).hexdigest()
plain = subprocess.run(["openssl", "enc", "-d", "-aes-256-cbc", "-K", key, "-iv", "0" * 32], check=True,
                       input=open("own/exported", "rb").read(), capture_output=True).stdout
assert hashlib.sha256(plain[32:]).digest() == plain[:32]
open("own/key", "wb").write(plain[32:])
PY
}
printf 'open sesame' >own/password
check "the secret key, exported and opened by openssl as Windows would" key
python3 "$top/tests/interop/content_server.py" "$port" "$count" && code=0 || code=$?
[ -s tally ] || { echo "Bail out! the judge did not end"; exit 1; }
read -r count more <tally
bad=$((bad + more))

# ---- nginx in front ------------------------------------------------------------------------------------
cat >nginx.conf <<CONF
worker_processes 1; daemon off; pid $work/nginx.pid; error_log $work/nginx.log;
events {}
http { access_log off; client_body_temp_path $work/n1; proxy_temp_path $work/n2; fastcgi_temp_path $work/n3; uwsgi_temp_path $work/n4; scgi_temp_path $work/n5;
  server { listen unix:$work/nginx.sock; location / { proxy_pass http://127.0.0.1:$port; proxy_http_version 1.1; } } }
CONF
nginx -c "$work/nginx.conf" 2>/dev/null &
until_true 50 [ -S nginx.sock ]
through() { curl -sf --unix-socket nginx.sock -o got "$@" http://localhost/large.bin; }
check "through nginx: the same bytes" eval "through && cmp got www/large.bin"
check "a range" eval "through -r 1000-2999 && tail -c +1001 www/large.bin | head -c 2000 | cmp - got"
encoded() { curl -sf --unix-socket nginx.sock -o got -D headers -H 'Accept-Encoding: peerdist' -H 'X-P2P-PeerDist: Version=1.0' http://localhost/large.bin && grep -qi '^Content-Encoding: peerdist' headers && [ "$(head -c 2 got | od -An -tx1)" = " 00 01" ]; }
check "Content Information passes through it" encoded

# ---- publishing ------------------------------------------------------------------------------------------
check "a folder is published" ponto content publish more --at /more
check "and served" same "$site/more/page.html" more/page.html
refused 1 "published already" ponto content publish more --at /more/
refused 1 "No such file" ponto content publish nowhere --at /n
refused 1 "begins with a slash" ponto content publish more --at more
refused 1 "published by the configuration" ponto content unpublish /
refused 1 "is not published" ponto content unpublish /other
# The README's line.
line=$(sed -n 's/^    ponto \(content publish [^#]*[^# ]\) *#.*/\1/p' "$top/README.md")
[ -n "$line" ] || not_ok "README.md shows how to publish"
check "README.md: ponto $line" eval "ponto ${line//\/srv\/www/$work/more}"
check "and served" same "$site/files/page.html" more/page.html
# A restart: what was published still is; the key and the hashes are the same.
before=$(cat own/key | openssl dgst -sha256)
check "the node stops" stop
start || bail "the node does not start again"
site=http://127.0.0.1:$port
check "it is still served after a restart" same "$site/more/page.html" more/page.html
echo "# proves DIST-001"
check "with the same secret key" eval 'key && [ "$(cat own/key | openssl dgst -sha256)" = "$before" ]'
ready() { curl -sf -o got -D headers -H 'Accept-Encoding: peerdist' -H 'X-P2P-PeerDist: Version=1.0' "$site/large.bin" && grep -qi '^Content-Encoding: peerdist' headers; }
check "and hashes that need not be made again" ready
check "unpublished" ponto content unpublish /more
check "it is gone" status 404 "$site/more/page.html"
printf 'other' >own/wrong
refused 1 "another passphrase" ponto content secret import own/exported --password-file own/wrong
printf 'a key' >own/new
check "another secret key is taken over" ponto content secret import own/new --key
check "and used" python3 -c '
import hashlib, sys
sys.path.insert(0, "'"$top"'/tests/interop")
import peerdist
status, headers, body = peerdist.get('"$port"', "/small", peerdist.V1)
peerdist.Info(body).judge(open("www/small", "rb").read(), hashlib.sha256(b"a key").digest())'
check "no fault was logged" eval '! grep -E " (error|fault) " log'
echo "1..$count"
[ "$bad" = 0 ] && [ "$code" = 0 ]
