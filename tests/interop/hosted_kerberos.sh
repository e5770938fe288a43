#!/usr/bin/env bash
# Clients that authenticate before they offer: a realm of the test's own, its KDC on loopback, curl and a node of ours as
# clients, our hosted cache and one in Python. As an unprivileged user.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
export PONTO_PLUGIN_PATH=$build/.libs PATH=$PATH:/usr/sbin
. "$top/tests/interop/tap.inc.sh"
needs openssl python3 curl krb5kdc kadmin.local kdb5_util kinit
curl -V | grep -q SPNEGO || { echo "1..0 # SKIP curl has no SPNEGO"; exit 0; }
own_folder
mkdir -m 700 "$work/www" "$work/got" "$work/kdc"
for d in cache client open; do mkdir -m 700 "$work/$d" "$work/$d/state" "$work/$d/run"; done
cd "$work" || exit 1
logs=kdc
as() { "${plain_user[@]}" env HOME="$work" "$@"; }
ponto() { local at=$1; shift; as "$build/ponto" --connect "$work/$at/run/bus" "$@"; }

# ---- a realm ------------------------------------------------------------------------------------------
realm_at() { # PORT
	cat >krb5.conf <<CONF
[libdefaults]
	default_realm = BRANCH.TEST
	dns_lookup_kdc = false
	dns_lookup_realm = false
	dns_canonicalize_hostname = false
	rdns = false
	udp_preference_limit = 1
[realms]
	BRANCH.TEST = {
		kdc = 127.0.0.1:$1
	}
[domain_realm]
	localhost = BRANCH.TEST
CONF
	cat >kdc.conf <<CONF
[kdcdefaults]
	kdc_listen = 127.0.0.1:$1
	kdc_tcp_listen = 127.0.0.1:$1
[realms]
	BRANCH.TEST = {
		database_name = $work/kdc/principal
		key_stash_file = $work/kdc/stash
		acl_file = $work/kdc/acl
	}
CONF
}
realm_at 0
export KRB5_CONFIG=$work/krb5.conf KRB5_KDC_PROFILE=$work/kdc.conf
python3 - <<'PY'
import random
open("www/file", "wb").write(random.Random(5).randbytes(700 * 1024 + 7))
PY
{
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=a root" -keyout ca.key -out ca.pem &&
		openssl req -newkey rsa:2048 -nodes -subj "/CN=localhost" -keyout key.pem -out request.pem &&
		printf 'subjectAltName=DNS:localhost\n' >extensions &&
		openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out cert.pem
} >setup.log 2>&1 || { sed 's/^/# /' setup.log; echo "Bail out! no certificate"; exit 1; }
[ ${#plain_user[@]} = 0 ] || chown -R 65534:65534 .
{
	as kdb5_util create -s -r BRANCH.TEST -P master &&
		as kadmin.local -q "addprinc -randkey HTTP/localhost" && as kadmin.local -q "addprinc -randkey node" &&
		as kadmin.local -q "addprinc -randkey HTTP/other.example" &&
		as kadmin.local -q "ktadd -k $work/service.keytab HTTP/localhost" &&
		as kadmin.local -q "ktadd -k $work/node.keytab node" &&
		as kadmin.local -q "ktadd -k $work/other.keytab HTTP/other.example"
} >>setup.log 2>&1 || { sed 's/^/# /' setup.log; echo "Bail out! no realm"; exit 1; }
tickets() { as kinit -k -t node.keytab -c "$work/tickets" node; }
kdc_gone() { ! kill -0 "$kdc"; }
kdc_settled() { tickets || kdc_gone; }
kdc_starts() { # a port that is free now may be somebody's a moment later
	for _ in 1 2 3 4 5; do
		realm_at "$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
		"${plain_user[@]}" env HOME="$work" krb5kdc -n >>kdc.log 2>&1 &
		kdc=$!
		until_true 100 kdc_settled
		kdc_gone || break
	done
	tickets
}
check "the realm gives out tickets" kdc_starts
[ $bad = 0 ] || bail "no realm"

# ---- our cache ------------------------------------------------------------------------------------------
configure() { # NAME SERVICE
	cat >"$1.conf" <<CONF
node      = { name = "$1"; state = "$work/$1/state"; socket = "$work/$1/run/bus"; };
stores    = { main = { plugin = "store-rocksdb"; path = "main"; }; };
http      = { web = { plugin = "http-mhd"; }; };
discovery = { };
services  = { dist = { plugin = "service-dist"; retrieval = "127.0.0.1"; $2 }; };
CONF
	[ ${#plain_user[@]} = 0 ] || chown 65534:65534 "$1.conf"
}
start() { # NAME: a content server listens too, so that it can be waited for
	"${plain_user[@]}" env HOME="$work" KRB5CCNAME="$work/tickets" "$build/pontod" -c "$1.conf" >"$1.log" 2>&1 &
	until_true 100 ponto "$1" content cache stats || { cat "$1.log" >&2; echo "Bail out! $1 does not start"; exit 1; }
}
port() { sed -n "s/.*$2 127.0.0.1:\([0-9]*\).*/\1/p" "$1.log" | tail -n 1; }
tls="hosted_cache = true; hosted_listen = \"127.0.0.1\"; hosted_certificate = \"$work/cert.pem\"; hosted_key = \"$work/key.pem\";"
configure cache "$tls hosted_keytab = \"$work/service.keytab\";"
configure open "$tls"
start cache
start open
secure=$(port cache 'are taken on') retrieval=$(port cache 'listening on')
url=https://localhost:$secure/C574AC30-5794-4AEE-B1BB-6651C5315029
printf '\0\1\0\1\0\0\0\0\0\120\0\0\0\0\0\0%032d' 7 >offer
post() { as env KRB5CCNAME="$work/tickets" curl -s -o answer -D head -w '%{http_code}' --cacert ca.pem --data-binary @offer "$@"; }
is_interested() { [ "$(od -An -tx1 answer | tr -d ' ')" = 0000000101 ]; }
refused() { [ "$(post "$@")" = 401 ] && grep -qi '^www-authenticate: negotiate' head && [ ! -s answer ]; }
taken() { [ "$(post "$@")" = 200 ] && is_interested; }
proves DIST-415 DIST-405
check "who says nothing of himself is refused, and told how" refused "$url"
check "curl with its tickets is heard" taken --negotiate -u : "$url"
refused_by_nobody() { [ "$(as env KRB5CCNAME="$work/nothing" curl -s -o answer -D head -w '%{http_code}' --cacert ca.pem --data-binary @offer --negotiate -u : "$url")" = 401 ]; }
check "without tickets it is not" refused_by_nobody
for header in 'Negotiate' 'Negotiate ' 'Negotiate !!!!' 'Negotiate YII=' 'Basic bm9kZTpub2Rl' 'Negotiate TlRMTVNTUAABAAAAB4IIAA==' "Negotiate $(head -c 60000 /dev/zero | base64 -w0 | head -c 8000)"; do
	check "'${header:0:24}' is nobody" refused -H "Authorization: $header" "$url"
done
check "what is no offer is no more one for that" eval '[ "$(as env KRB5CCNAME="$work/tickets" curl -s -o /dev/null -w "%{http_code}" --cacert ca.pem --data-binary x --negotiate -u : "$url")" = 400 ]'
proves DIST-492
check "one without a keytab hears everybody" taken "https://localhost:$(port open 'are taken on')/C574AC30-5794-4AEE-B1BB-6651C5315029"

# ---- our client, our cache -----------------------------------------------------------------------------------
mkdir -m 700 origin origin/state origin/run
[ ${#plain_user[@]} = 0 ] || chown -R 65534:65534 origin
configure origin "listen = [\"127.0.0.1\"]; publish = [\"$work/www\"]; information = \"1.0\";"
start origin
site=$(ponto origin content publish | sed -n 's|^served at  ||p')
described() { as curl -s -D - -o /dev/null -H 'Accept-Encoding: peerdist' -H 'X-P2P-PeerDist: Version=1.0' "$site/file" | grep -qi '^content-encoding: *peerdist'; }
check "the file is described" until_true 100 described
configure client "hosted = [\"https://localhost:$secure\"]; hosted_port = $retrieval; hosted_ca = \"$work/ca.pem\";"
start client
fetch() { rm -f got/file; ponto client content fetch "$site/file" -o got/file && cmp got/file www/file; }
cached() { [ "$(ponto cache --json content cache stats | python3 -c 'import json,sys; print(json.load(sys.stdin)["bytes"])')" = "$(stat -c %s www/file)" ]; }
check "a node fetches" fetch
proves DIST-488 DIST-416
check "and offers with its tickets: the cache has all of it" until_true 200 cached

# ---- our client, another cache --------------------------------------------------------------------------------
cat >judge.py <<'PY'
"""Answers 401 first, and then looks at what the client says of itself."""
import base64, http.server, json, ssl, sys
log = []
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *arguments): pass
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        token = self.headers["Authorization"]
        log.append([body.hex(), token])
        json.dump(log, open("judged", "w"))
        good = token and token.startswith("Negotiate ") and b"\x06\x06\x2b\x06\x01\x05\x05\x02" in base64.b64decode(token[10:])[:20]
        data = b"\0\0\0\1\0" if good else b""
        self.send_response(200 if good else 401)
        if not good:
            self.send_header("WWW-Authenticate", "Negotiate")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.pem", "key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
open("judge.port", "w").write(str(server.server_address[1]))
server.serve_forever()
PY
"${plain_user[@]}" env HOME="$work" python3 judge.py >judge.log 2>&1 &
until_true 100 [ -s judge.port ]
mkdir -m 700 second second/state second/run
[ ${#plain_user[@]} = 0 ] || chown -R 65534:65534 second
configure second "hosted = [\"https://localhost:$(cat judge.port)\"]; hosted_port = $retrieval; hosted_ca = \"$work/ca.pem\";"
start second
cat >look.py <<'PY'
import base64, json, sys
log = json.load(open("judged"))
bodies = {}
for body, token in log:
    bodies.setdefault(body, []).append(token)
assert bodies
for body, tokens in bodies.items():
    assert body.startswith("00010001")
    assert tokens[0] is None, "it says who it is before it is asked"
    assert any(t and base64.b64decode(t[10:])[0] == 0x60 for t in tokens), tokens
    assert not any(t and b"NTLMSSP" in base64.b64decode(t[10:]) for t in tokens)
PY
fetch_second() { ponto cache content cache clear && ponto second content fetch "$site/file" -o got/second && cmp got/second www/file; }
check "another node fetches" fetch_second
proves DIST-523
check "after the 401 the same request comes again, with a ticket" until_true 200 python3 look.py

# ---- what it needs ----------------------------------------------------------------------------------------------
fails() { # SETTINGS TEXT
	configure bad "$1"
	mkdir -p -m 700 bad/state bad/run
	[ ${#plain_user[@]} = 0 ] || chown -R 65534:65534 bad
	! "${plain_user[@]}" timeout 300 "$build/pontod" -c bad.conf >bad.log 2>&1 && cat bad.log && grep -q "$2" bad.log
}
check "a keytab that is not there: refused" fails "$tls hosted_keytab = \"$work/gone.keytab\";" "no client can authenticate by $work/gone.keytab"
check "a keytab and no certificate: refused" fails "hosted_cache = true; hosted_keytab = \"$work/service.keytab\";" "need 'hosted_certificate'"
configure other "$tls hosted_keytab = \"$work/other.keytab\";"
mkdir -m 700 other other/state other/run
[ ${#plain_user[@]} = 0 ] || chown -R 65534:65534 other
start other
strange() { [ "$(post --negotiate -u : "https://localhost:$(port other 'are taken on')/C574AC30-5794-4AEE-B1BB-6651C5315029")" = 401 ]; }
check "tickets for another service are none" strange
echo "1..$count"
[ "$bad" = 0 ]
