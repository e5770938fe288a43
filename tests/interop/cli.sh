#!/usr/bin/env bash
# The command line as a user meets it: exit statuses, one clear line for each
# mistake, JSON that parses, and a node that keeps what it was told.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
export PONTO_PLUGIN_PATH=$build/.libs
. "$top/tests/interop/tap.inc.sh"
own_folder
mkdir -m 700 "$work/state" "$work/run"
[ ${#plain_user[@]} = 0 ] || chown 65534:65534 "$work/state" "$work/run"
ponto() { "${plain_user[@]}" env HOME="$work" "$build/ponto" --connect "$work/run/bus" "$@"; }

# expect STATUS TEXT COMMAND...: the exit status, and a text in what is printed
expect() {
	local status=$1 text=$2 out got
	shift 2
	out=$("$@" 2>&1 </dev/null)
	got=$?
	if [ $got = "$status" ] && grep -qF -e "$text" <<<"$out"; then ok "$* -> $status"; else not_ok "$* -> $status, '$text'" "got $got: $out"; fi
}
# one_line COMMAND...: an error is one line on standard error, nothing on standard output
one_line() {
	local lines
	"$@" >"$work/out" 2>"$work/err" </dev/null
	lines=$(wc -l <"$work/err")
	if [ "$lines" = 1 ] && [ ! -s "$work/out" ]; then ok "$*: one line"; else not_ok "$*: one line" "$(cat "$work/out" "$work/err")"; fi
}
json() {
	if "$@" >"$work/out" 2>"$work/err" </dev/null && json_ok; then ok "$*: JSON"; else not_ok "$*: JSON" "$(head -n 20 "$work/out" "$work/err")"; fi
}
# perl is part of every Debian system; JSON::PP of every perl.
json_ok() { perl -MJSON::PP -0777 -ne 'decode_json($_)' "$work/out" 2>>"$work/err"; }

# ---- without a daemon ---------------------------------------------------------------
expect 2 "usage:" ponto
expect 0 "usage:" ponto --help
expect 0 "ponto " ponto --version
expect 2 "unknown noun 'nome'" ponto nome list
expect 2 "has no verb 'lst'" ponto name lst
expect 2 "unknown option '--tmeout'" ponto name resolve 0.x --tmeout 3
expect 2 "--timeout must be a number" ponto name resolve 0.x --timeout soon
expect 2 "needs a NAME" ponto name resolve
expect 2 "is not an endpoint" ponto name register 0.x --endpoint 1.2.3.4:80
expect 2 "is not the name of a service" ponto --service "" name list
expect 2 "is not the name of a service" ponto --service "a b" name list
expect 2 "a profile is windows or modern" ponto identity create x --profile zz
full() { ponto "$@" >/dev/full; }
expect 1 "cannot write to standard output" full --help
expect 1 "cannot write to standard output" full --version
expect 1 "cannot write to standard output" full config docs
expect 3 "no daemon at" ponto node status
one_line ponto node status
expect 0 "store-mem" ponto plugin list
json ponto --json plugin list
expect 0 "option    " ponto plugin inspect store-mem
expect 1 "refused" ponto plugin inspect store-nowhere
expect 0 "good" ponto config check
expect 0 "service-pnrp" ponto config show
expect 0 "transport-udp6" ponto config docs
cat > "$work/bad.conf" <<'CONF'
node = { nmae = "x"; };
transports = { wide = { plugin = "transport-udp6"; port = 80; }; };
CONF
expect 1 "bad.conf:1: " ponto config check "$work/bad.conf"
expect 1 "bad.conf:2: " ponto config check "$work/bad.conf"
expect 1 '"name"' ponto config check "$work/bad.conf"

# ---- what the documents say -----------------------------------------------------------
if ponto config docs 2>/dev/null | cmp -s - "$top/docs/options.md"; then ok "docs/options.md is what config docs prints"
else not_ok "docs/options.md is what config docs prints" "write it anew: ponto config docs > docs/options.md"; fi
sed 's/\\f[BRI]//g; s/\\-/-/g; s/[", ]\+/ /g' "$top/docs/man/ponto.1" > "$work/ponto.1"
sed 's/\\-/-/g' "$top/docs/man/pontod.8" > "$work/pontod.8"
while read -r noun verb; do
	if grep -q "$noun $verb" "$work/ponto.1"; then ok "ponto(1) has $noun $verb"
	else not_ok "ponto(1) has $noun $verb"; fi
done < <(ponto --help | sed -n 's/^  \([a-z][a-z]* [a-z][a-z]*\)\( .*\)\{0,1\}$/\1/p')
for option in $("$build/pontod" --help | grep -o -e '--[a-z]*' | sort -u); do
	case $option in --config) continue ;; esac # -c in the manual
	if grep -q -e "$option" "$work/pontod.8"; then ok "pontod(8) has $option"; else not_ok "pontod(8) has $option"; fi
done
# The examples: indented code of the README, what stands between .nf and .fi in the manual pages.
sed -n 's/^    //p' "$top/README.md" | sed -n '/^node  *= /,/^services/p' > "$work/readme.conf"
sed -n '/^\.nf/,/^\.fi/p' "$top/docs/man/ponto.conf.5" | grep -v '^\.' | sed 's/\\-/-/g' > "$work/man.conf"
expect 0 "good" ponto config check "$work/readme.conf"
expect 0 "good" ponto config check "$work/man.conf"
{ sed -n 's/^    \(ponto .*\)/\1/p' "$top/README.md"
  sed -n '/^\.nf/,/^\.fi/p' "$top/docs/man/ponto.1" | grep '^ponto ' | sed 's/\\-/-/g'; } |
	grep -v '^ponto content ' > "$work/examples" # docs_examples.sh has the files for those

# ---- with one ---------------------------------------------------------------------------
port=$((20000 + $$ % 12000))
cat > "$work/ponto.conf" <<CONF
node       = { name = "solo"; log_sink = "json"; state = "$work/state"; socket = "ipc://$work/run/bus"; resolve_socket = "$work/run/resolve"; };
transports = { wide = { plugin = "transport-udp6"; port = $port; }; };
stores     = { main = { plugin = "store-rocksdb"; }; };
discovery  = { };
services   = { pnrp = { plugin = "service-pnrp"; scope = "loopback"; }; };
CONF
start() {
	"${plain_user[@]}" env HOME="$work" "$build/pontod" -c "$work/ponto.conf" 2>>"$work/log" &
	daemon=$!
	until_true 150 ponto node status
}
start && ok "the daemon starts" || not_ok "the daemon starts" "$(cat "$work/log")"
expect 0 "solo" ponto node status
expect 0 '"instance":"pnrp"' sed 's/: */:/g' "$work/log"
json ponto --json node status
json ponto node status --json
expect 0 "# TYPE ponto_" ponto node metrics
expect 0 "Loopback_" ponto cloud list
json ponto --json cloud list
expect 0 "[::1]:$port" ponto cloud show
json ponto --json cloud show
expect 0 "received lookup" ponto cloud stats
expect 0 "dropped syntax" ponto cloud stats
expect 0 "estimate " ponto cloud stats
expect 0 "ponto_pnrp_cached_routes_level_0" ponto node metrics
expect 0 "ponto_pnrp_dropped_rate_total" ponto node metrics
expect 1 "no cloud 'Mars_'" ponto cloud show Mars_
expect 0 "" ponto node peers
expect 0 "0.alpha in Loopback_" ponto name register 0.alpha --endpoint '[2001:db8::1]:80' --comment 'a comment'
expect 1 "already registered" ponto name register 0.alpha
expect 1 "not a peer name" ponto name register alpha
expect 1 "no identity of yours has this authority" ponto name register 0123456789012345678901234567890123456789.x
expect 1 "in lower case" ponto name register 0123456789ABCDEF0123456789ABCDEF01234567.x
expect 1 "in lower case" ponto name resolve 0123456789ABCDEF0123456789ABCDEF01234567.x
expect 1 "longer than 39" ponto name register 0.long --comment "$(printf 'x%.0s' $(seq 40))"
expect 0 "[2001:db8::1]:80/tcp" ponto name list
json ponto --json name list
expect 0 "registered here" ponto name resolve 0.alpha
json ponto --json name resolve 0.alpha
hostile=$'\e[31mred\nline'
if ponto name register 0.gamma --comment "$hostile" >/dev/null 2>&1; then ok "a comment may hold anything"; else not_ok "a comment may hold anything"; fi
if ponto name list | grep -q $'\e'; then not_ok "no control character reaches the terminal"; else ok "no control character reaches the terminal"; fi
expect 0 '[31mred?line' ponto name resolve 0.gamma
json ponto --json name resolve 0.gamma
expect 0 "" ponto name unregister 0.gamma
expect 1 "not registered here" ponto name unregister 0.gamma
expect 1 "not found" ponto name resolve 0.beta --timeout 2
one_line ponto name resolve 0.beta --timeout 2
expect 1 "not registered here" ponto name unregister 0.beta
expect 0 "windows" ponto identity create 'Ann Example'
id=$(ponto identity list | cut -d' ' -f1)
json ponto --json identity show "$id"
expect 0 "modern" ponto identity create new-style --profile modern
expect 2 "no terminal to ask on" setsid "${plain_user[@]}" "$build/ponto" --connect "$work/run/bus" identity export "$id"
printf 'correct horse\n' > "$work/password"
printf 'wrong horse\n' > "$work/wrong"
chmod 644 "$work/password" "$work/wrong"
mkdir -m 777 "$work/export"
expect 0 "" ponto identity export "$id" --password-file "$work/password" --output "$work/export/id.pem"
expect 1 "$id is here already" ponto identity import "$work/export/id.pem" --password-file "$work/password"
expect 0 "" ponto identity delete "$id"
expect 1 "" ponto identity import "$work/export/id.pem" --password-file "$work/wrong"
expect 1 "no such identity" ponto identity show "$id"
expect 0 "$id" ponto identity import "$work/export/id.pem" --password-file "$work/password"

# ---- names of identities, the default one, cards, the forms of Windows -----------------------------
new=$(ponto identity list | awk '$2 == "modern" {print $1; exit}')
expect 2 "'rename' needs --name or --classifier" ponto identity rename "$id"
expect 0 "Ann Other" ponto identity rename "$id" --name 'Ann Other'
expect 0 "Ann Other  .work" ponto identity rename "$id" --classifier work
expect 1 "a classifier at most 149" ponto identity rename "$id" --classifier $'two\nlines'
expect 0 "Ann Other  .work" ponto identity show "$id"
expect 1 "no such identity" ponto identity rename "${id//[0-9]/0}" --name x
json ponto --json identity rename "$id" --name 'Ann Example'
expect 0 "(default)" ponto identity default
expect 0 "$new" ponto identity default "$new"
expect 0 "$new" ponto identity default
expect 0 "(default)" ponto identity default "$id"
if [ "$(ponto identity list | grep -c '(default)')" = 1 ]; then ok "one is the default"; else not_ok "one is the default" "$(ponto identity list)"; fi
expect 0 '<PEERIDENTITYINFO VERSION="1.0"><IDC ' ponto identity card "$id"
expect 0 "" ponto identity card "$id" --output "$work/export/card.xml"
expect 1 "only identities of the windows profile have a card" ponto identity card "$new"
sed -n 's/.*base64">\([^<]*\)<.*/\1/p' "$work/export/card.xml" | base64 -d |
	openssl pkcs7 -inform DER -print_certs -noout >"$work/card" 2>&1
if grep -q 'CN *= *Ann Example' "$work/card"; then ok "openssl reads the card"; else not_ok "openssl reads the card" "$(cat "$work/card")"; fi
expect 0 "" ponto identity export "$id" --xml --password-file "$work/password" --output "$work/export/id.xml"
expect 1 "only identities of the windows profile" ponto identity export "$new" --xml --password-file "$work/password"
sed -n 's/.*base64">\([^<]*\)<.*/\1/p' "$work/export/id.xml" | base64 -d >"$work/id.pfx"
openssl pkcs12 -in "$work/id.pfx" -passin "file:$work/password" -nodes -legacy 2>&1 | openssl pkey -out "$work/export/key.pem" 2>"$work/err"
if [ -s "$work/export/key.pem" ]; then ok "openssl opens the export"; else not_ok "openssl opens the export" "$(cat "$work/err")"; fi
chmod 644 "$work/export/key.pem"
expect 1 "$id is here already" ponto identity import "$work/export/id.xml" --password-file "$work/password"
expect 1 "$id is here already" ponto identity create again --key "$work/export/key.pem"
expect 0 "" ponto identity delete "$id"
expect 1 "the password does not fit, or it is damaged" ponto identity import "$work/export/id.xml" --password-file "$work/wrong"
sed 's/\.work</.walk</' "$work/export/id.xml" >"$work/export/damaged.xml"
expect 1 "it is damaged" ponto identity import "$work/export/damaged.xml" --password-file "$work/password"
expect 1 "no private key of that profile in PEM" ponto identity create again --key "$work/export/card.xml"
expect 1 "no such identity" ponto identity show "$id"
expect 0 "again  .home" ponto identity create again --key "$work/export/key.pem" --classifier home
expect 0 "" ponto identity delete "$id"
expect 0 "Ann Example  .work" ponto identity import "$work/export/id.xml" --password-file "$work/password"
expect 0 "" ponto identity export "$id" --password-file "$work/password" --output "$work/export/again.pem"
expect 0 "" ponto identity delete "$id"
expect 0 "Ann Example  .work" ponto identity import "$work/export/again.pem" --password-file "$work/password"

while read -r example; do
	out=$(eval "${example//AUTHORITY/$id}" 2>&1 </dev/null) && ok "example: $example" || not_ok "example: $example" "$out"
	case $example in *' register 0.hello '*) out=$(ponto name resolve 0.hello 2>&1) || not_ok "0.hello resolves" "$out" ;; esac
	case $example in *' resolve 0.hello '*) ponto name unregister 0.hello >/dev/null 2>&1 ;; esac
	case $example in *'.home '*) ponto name unregister "$id.home" >/dev/null 2>&1 ;; esac
done < "$work/examples"
expect 0 "$id.home" ponto name register "$id.home" --endpoint '[2001:db8::1]:443'

# ---- an identity that signs names ------------------------------------------------------------------
expect 1 "$id.home needs this identity" ponto identity delete "$id"
one_line ponto identity delete "$id"
expect 0 "$id.home" ponto name list
other=$(ponto identity create other | cut -d' ' -f1)
expect 0 "$other.away" ponto name register "$other.away" --endpoint '[2001:db8::1]:443'
expect 0 "" ponto identity delete "$other" --force
expect 1 "no such identity" ponto identity show "$other"
if ponto name list | grep -q "$other"; then not_ok "forced: its names are gone"; else ok "forced: its names are gone"; fi
lost=$(ponto identity create lost | cut -d' ' -f1)
expect 0 "$lost.kept" ponto name register "$lost.kept" --endpoint '[2001:db8::1]:443'
rm "$work"/state/id/*/"$lost.pem"
# a traced failure shows its way, then says that it failed
expect 1 "0.nobody: not found" ponto name resolve 0.nobody --trace --timeout 2

# ---- over a restart, and over a crash ---------------------------------------------------------
# with passwords on their way: a sanitized build tells of anything left behind
for i in 1 2 3 4; do ponto identity export "$id" --password-file "$work/password" >/dev/null 2>&1 & done
kill -TERM "$daemon"
wait "$daemon"
[ $? = 0 ] && ok "the daemon ends with status 0" || not_ok "the daemon ends with status 0"
expect 3 "no daemon at" ponto name list
start && ok "it starts again" || not_ok "it starts again" "$(cat "$work/log")"
until_true 100 ponto name resolve 0.alpha
expect 0 "0.alpha" ponto name list
expect 0 "$id.home" ponto name list
expect 0 "$lost.kept in Loopback_, failed: no identity of yours has this authority" ponto name list
expect 0 "" ponto name unregister "$lost.kept"
if ponto name list | grep -q "$lost"; then not_ok "a failed name can be forgotten"; else ok "a failed name can be forgotten"; fi
expect 0 "" ponto name unregister 0.alpha
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
start && ok "it starts after a crash" || not_ok "it starts after a crash" "$(cat "$work/log")"
until_true 100 ponto name resolve "$id.home"
expect 0 "$id.home" ponto name list
if ponto name list | grep -q "$lost"; then not_ok "and stays forgotten"; else ok "and stays forgotten"; fi
if [ "$(grep -c 'Loopback_: synchronizing' "$work/log")" = 0 ] && [ "$(grep -c 'Loopback_: alone' "$work/log")" -le 3 ]; then ok "the log has news only"
else not_ok "the log has news only" "$(grep 'Loopback_: ' "$work/log")"; fi
if ponto name list | grep -q 0.alpha; then not_ok "an unregistered name stays away"; else ok "an unregistered name stays away"; fi

# ---- other users --------------------------------------------------------------------------------
if [ "$(id -u)" = 0 ]; then
	chmod 755 "$work/run"
	expect 3 "" setpriv --reuid 12345 --regid 12345 --clear-groups "$build/ponto" --connect "$work/run/bus" node status
	# but they may resolve: one packet there, one back, behind those that say that the daemon is at work
	resolve() { # NAME or, with a length that lies, half of a request
		setpriv --reuid 12345 --regid 12345 --clear-groups perl -MSocket -e '
			my ($path, $name, $length) = @ARGV;
			my $s; socket($s, AF_UNIX, SOCK_SEQPACKET, 0) && connect($s, pack_sockaddr_un($path)) or die "connect: $!";
			send($s, "\x0a" . chr($length // length $name) . $name, 0) or die "send: $!";
			alarm 120; my $answer;
			do {
				defined recv($s, $answer, 65536, 0) or die "recv: $!";
				length $answer or die "the connection ends";
			} while ($answer eq "\x08\x00\x20\x01");
			print $answer' "$work/run/resolve" "$@" | tr -cd '[:print:]'
	}
	expect 0 "$id.home" resolve "$id.home"
	expect 0 "not found" resolve "0.no$(printf 'b%.0s' $(seq 20))dy"
	expect 0 "the request cannot be read" resolve 0.x 100
	expect 0 "not a peer name" resolve nonsense
	chmod 700 "$work/run"
else
	count=$((count + 1))
	echo "ok $count # SKIP another user's client: needs root to become one"
fi
kill -TERM "$daemon"
wait "$daemon"
is "the daemon ends well" $? 0
echo "1..$count"
[ $bad = 0 ]
