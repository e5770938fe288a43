#!/usr/bin/env bash
# Identities of several users at one daemon, which is a user without privilege itself: nobody sees another's, no private
# key leaves the daemon's user, and what the daemon may not read it says so.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
export PONTO_PLUGIN_PATH=$build/.libs

if [ "$(id -u)" != 0 ]; then
	echo "1..0 # SKIP only root can be several users"
	exit 0
fi
daemon_uid=20110 alice=20111 bob=20112 gid=65534 group=nogroup
work=$(mktemp -d "${TMPDIR:-/tmp}/ponto-users-XXXXXX")
trap 'kill $(jobs -p) 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir -m 700 "$work/state"
mkdir -m 750 "$work/run"
chown $daemon_uid:$gid "$work/state" "$work/run"

. "$top/tests/interop/tap.inc.sh"
as() { local uid=$1; shift; setpriv --reuid "$uid" --regid $gid --clear-groups "$@"; }
user() { local uid=$1; shift; as "$uid" env PONTO_ENDPOINT="ipc://$work/run/bus" "$build/tests/interop/identity_user" "$@" 2>&1; }
ponto() { local uid=$1; shift; as "$uid" "$build/ponto" --connect "$work/run/bus" "$@" 2>&1; }

cat > "$work/ponto.conf" <<CONF
node       = { name = "shared"; state = "$work/state"; socket = "ipc://$work/run/bus"; resolve_socket = "off"; group = "$group"; };
transports = { wide = { plugin = "transport-udp6"; port = $((20000 + $$ % 12000)); }; };
stores     = { main = { plugin = "store-mem"; }; };
security   = { id = { plugin = "security-pki"; iterations = 1000; }; };
discovery  = { };
services   = { pnrp = { plugin = "service-pnrp"; scope = "loopback"; }; };
CONF
setpriv --reuid $daemon_uid --regid $gid --clear-groups "$build/pontod" -c "$work/ponto.conf" 2>"$work/log" &
if ! until_true 150 as $daemon_uid "$build/ponto" --connect "$work/run/bus" node status; then
	echo "Bail out! the node does not start: $(cat "$work/log")"
	exit 1
fi

# ---- whose an identity is ---------------------------------------------------------------------
mine=$(user $alice create | cut -d' ' -f3)
id=${mine%%.*}
is "alice makes one" "${#id}" 40
not_found="name 80070490 
rename 80070490 
card 80070490 
export 80070490 
key 80070490 
groups 80070490 
delete 80070490 "
echo "# covers PeerIdentityGetFriendlyName"
echo "# covers PeerIdentityExport"
is "for bob it is not there, whatever he calls" "$(user $bob all "$mine")" "$not_found"
echo "# covers PeerIdentityGetDefault"
is "nor is it his default" "$(user $bob default)" "default 80070490 "
is "his command line does not list it" "$(ponto $bob identity list)" ""
for verb in "show $id" "card $id" "delete $id" "rename $id --name x" "default $id" "key $id"; do
	# shellcheck disable=SC2086
	is "nor does: ponto identity $verb" "$(ponto $bob identity $verb)" "ponto: no such identity"
done
is "the administrator finds none of his own either" "$(ponto $daemon_uid identity list)" ""
his=$(user $bob create | cut -d' ' -f3)
is "bob has one of his own" "$(user $bob default)" "default 00000000 $his"
is "alice keeps hers" "$(user $alice default)" "default 00000000 $mine"
is "and her command line sees the program's" "$(ponto $alice identity list | cut -d' ' -f1)" "$id"
ponto $alice identity rename "$id" --name Renamed >/dev/null
is "and what it changes the program sees" "$(user $alice all "$mine" | head -n 1)" "name 00000000 Renamed"

# ---- where keys are ---------------------------------------------------------------------------
mine=$(user $alice create | cut -d' ' -f3)
id=${mine%%.*}
is "files are the daemon's alone" "$(find "$work/state/id" -printf '%y %m %u\n' | sort -u)" "d 700 $daemon_uid
f 600 $daemon_uid"
pem=$work/state/id/$alice/$id.pem
if as $alice cat "$pem" >/dev/null 2>&1; then not_ok "alice cannot read her key's file"; else ok "alice cannot read her key's file"; fi
# a prime of her key, masked
prime=$(sed -n '/BEGIN/,$p' "$pem" | openssl rsa -text -noout 2>/dev/null | sed -n '/^prime1:/,/^prime2:/p' | grep '^ ' | tr -d ' :\n' |
	sed 's/^00//' | perl -ne 'print unpack("H*", pack("H*", $_) ^ ("\x5a" x (length($_) / 2)))')
is "a prime has 64 bytes" "${#prime}" 128
echo "# covers PeerIdentityGetCryptKey"
is "signing and exporting bring none of it into her program; a planted one is found" "$(user $alice search "$mine" "$prime")" "found 0
planted 1"
user $alice export "$mine" >"$work/export.xml"
chmod 644 "$work/export.xml"
echo "# covers PeerIdentityImport"
is "with the password bob may have a copy" "$(user $bob import "$work/export.xml")" "import 00000000 $mine"
is "which is his own affair" "$(ponto $bob identity delete "$id")" ""
is "and not hers" "$(user $alice default)" "default 00000000 $mine"

# ---- what the daemon may not read or write ------------------------------------------------------
chmod 500 "$work/state/id/$alice"
echo "# covers PeerIdentityCreate"
is "a folder that is closed for writing" "$(user $alice create)" "create 80630203 "
is "has its reason in the log" "$(grep -c 'cannot write .*Permission denied' "$work/log")" 1
is "and what is in it stays" "$(user $alice default)" "default 00000000 $mine"
chmod 000 "$pem"
echo "# covers PeerIdentitySetFriendlyName"
is "a key that is closed for reading" "$(user $alice all "$mine" | cut -d' ' -f2 | sort -u)" 80630203
chmod 600 "$pem"
chmod 700 "$work/state/id/$alice"
is "works again when it is opened" "$(user $alice default)" "default 00000000 $mine"

echo "1..$count"
[ $bad = 0 ]
