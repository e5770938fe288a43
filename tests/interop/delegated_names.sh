#!/usr/bin/env bash
# A delegated name between three nodes: A owns the authority and lets B's identity use a classifier, B publishes the
# name by the chain A made, C resolves it. The openssl program is the independent eye on what was issued. Everything
# happens inside private network, mount and process namespaces, which vanish with this script.
set -u
top=${PONTO_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${PONTO_BUILDDIR:-$top/build/plain}
. "$top/tests/interop/namespace.inc.sh"
needs openssl
unset OPENSSL_CONF
. "$top/tests/interop/clouds.inc.sh"
refused() { ! "$@"; }

plug A eth0 br0 2001:db8::a
plug B eth0 br0 2001:db8::b
plug C eth0 br0 2001:db8::c
for node in A B C; do
	configure $node 'transports = { wide = { plugin = "transport-udp6"; }; };
discovery  = { seeds = { plugin = "discovery-seed"; peers = [ '"$([ $node = A ] || echo '"[2001:db8::a]:3540"')"' ]; }; };
services   = { pnrp = { plugin = "service-pnrp"; scope = "global"; }; };'
	start $node
done
ok "three nodes start without privilege"

# ---- delegating --------------------------------------------------------------------------
create() { ponto "$1" --json identity create "$2" | sed -n 's/.*"id": "\([0-9a-f]\{40\}\)".*/\1/p'; }
root=$(create A owner)
leaf=$(create B "der Café-Wirt")
ponto B identity key "$leaf" > "$work/leaf.key"
check "A delegates a classifier to B's key" \
	eval "ponto A identity delegate $root --to - --role inviting --classifier desk --name 'der Café-Wirt' < '$work/leaf.key' > '$work/chain.p7'"
check "B imports the chain" eval "ponto B identity chain-import - < '$work/chain.p7'"
check "but not twice" eval "refused ponto B identity chain-import - < '$work/chain.p7'"
check "C cannot: it has not got the key" eval "refused ponto C identity chain-import - < '$work/chain.p7'"
chain=$(ponto B --json identity chains | sed -n 's/^ *"id": "\([0-9a-f]\{40\}\)".*/\1/p')
check "it is shown" eval "ponto B identity chain-show $chain | grep -q 'classifier   \"desk\"'"
is "its export is what came" "$(ponto B identity chain-export "$chain")" "$(cat "$work/chain.p7")"

# ---- in the eyes of openssl -----------------------------------------------------------------
cd "$work" || bail "no work folder"
check "openssl reads the PKCS#7" openssl pkcs7 -in chain.p7 -print_certs -out certs.pem
openssl pkcs7 -in chain.p7 -outform DER -out chain.der
echo "# proves PNRP-222"
is "a SignedData of version 1 without signers" \
	"$(openssl asn1parse -inform DER -in chain.der | grep -cE 'pkcs7-signedData|d=3.*INTEGER +:01')" 2
awk '/BEGIN CERT/ { n++ } n { print > ("cert" n ".pem") }' certs.pem
is "with two certificates" "$(grep -c BEGIN certs.pem)" 2
for n in 1 2; do openssl x509 -in cert$n.pem -noout -text -nameopt utf8,sep_comma_plus_space > text$n; done
echo "# proves PNRP-224 PNRP-225 PNRP-226 PNRP-228"
is "of version 3, sha1WithRSA, 1024 bits, serials of 16 bytes" \
	"$(cat text1 text2 | grep -cE 'Version: 3 \(0x2\)|Signature Algorithm: sha1WithRSAEncryption|Public-Key: \(1024 bit\)') \
$(for n in 1 2; do openssl x509 -in cert$n.pem -noout -serial; done | grep -cE '^serial=[0-9A-F]{32}$')" "8 2"
echo "# proves PNRP-232 PNRP-233"
is "with the critical extensions under Microsoft's arc" \
	"$(grep -ohE '1\.3\.6\.1\.4\.1\.311\.44\.[0-9.]+: critical' text1 text2 | sort | uniq -c | awk '{ print $1 ":" $2 }' | tr '\n' ' ')" \
	"2:1.3.6.1.4.1.311.44.0.1: 2:1.3.6.1.4.1.311.44.0.4: 2:1.3.6.1.4.1.311.44.3.1: 1:1.3.6.1.4.1.311.44.3.3: 1:1.3.6.1.4.1.311.44.3.5: "
check "the subject is B's name" grep -q 'Subject: CN *= *der Café-Wirt' text2
check "the issuer A's" grep -q 'Issuer: CN *= *owner' text2
openssl x509 -in cert1.pem -noout -pubkey | openssl rsa -pubin -RSAPublicKey_out -outform DER -out key1.der 2>/dev/null
is "the first key's hash is the authority" "$(openssl sha1 -r key1.der | cut -d' ' -f1)" "$root"
openssl x509 -in cert2.pem -noout -pubkey | openssl rsa -pubin -RSAPublicKey_out -outform DER -out key2.der 2>/dev/null
is "the last one's B's identity" "$(openssl sha1 -r key2.der | cut -d' ' -f1)" "$leaf"
verify() { openssl verify -ignore_critical -auth_level 0 -check_ss_sig "$@" >/dev/null 2>&1; }
check "openssl verifies the root's own signature" verify -CAfile cert1.pem cert1.pem
# For anything below a root openssl wants basicConstraints, which these have not: the signature alone is checked.
openssl asn1parse -in cert2.pem -strparse 4 -noout -out tbs2
openssl x509 -in cert2.pem -noout -text -certopt ca_default -certopt no_validity -certopt no_serial -certopt no_subject \
	-certopt no_issuer -certopt no_version -certopt no_extensions -certopt no_pubkey 2>/dev/null |
	sed -n '/Signature Value/,$p' | grep -oE '([0-9a-f]{2}:)+[0-9a-f]{2}|:[0-9a-f]{2}' | tr -d ':\n' | tail -c 256 | sed 's/../\\x&/g' > sig.hex
printf "$(cat sig.hex)" > sig2
openssl x509 -in cert1.pem -noout -pubkey > pub1.pem
check "and A's under B's certificate" openssl dgst -sha1 -verify pub1.pem -signature sig2 tbs2

# ---- registered and resolved ---------------------------------------------------------------------
active() { ponto "$1" cloud show | grep -q '^state *active'; }
ponto A name register 0.seed >/dev/null
until_true 300 active B || bail "B does not find the cloud"
until_true 300 active C || bail "C does not find the cloud"
check "B registers the delegated name" ponto B name register "$root.desk" --endpoint '[2001:db8::b]:22'
check "and one that begins with the classifier" ponto B name register "$root.desk lamp" --chain "$chain" --endpoint '[2001:db8::b]:23'
check "but no other" refused ponto B name register "$root.chair"
check "C, without a chain, not even that one" refused ponto C name register "$root.desk"
resolves() { ponto C --json name resolve "$1" > answer.json 2>answer.err || { cat answer.err; return 1; }; }
echo "# proves PNRP-104 PNRP-107"
check "C resolves it" resolves "$root.desk"
check "knows that it is secured" grep -q '"secured": true' answer.json
check "and by whose key" grep -q "\"signer\": \"$leaf\"" answer.json
check "with its endpoint" grep -q '"port": 22' answer.json
check "C resolves the longer one" resolves "$root.desk lamp"

# ---- a chain as long as they come ------------------------------------------------------------------
from=$root last=$root lastchain=
for n in $(seq 2 25); do
	next=$(create B "link $n of the chain")
	ponto B identity key "$next" > next.key
	if [ "$n" = 2 ]; then
		ponto A identity delegate "$root" --to - --role admin --classifier deep < next.key > long.p7
	else
		ponto B identity delegate "$last" --chain "$lastchain" --to - --role admin --classifier deep < next.key > long.p7
	fi || break
	lastchain=$(ponto B --json identity chain-import - < long.p7 | sed -n 's/^ *"id": "\([0-9a-f]\{40\}\)".*/\1/p')
	last=$next
done
echo "# proves PNRP-223"
is "a chain of 25" "$(openssl pkcs7 -in long.p7 -print_certs | grep -c BEGIN)" 25
ponto B identity key "$leaf" > next.key
check "which 26 are not" eval "refused ponto B identity delegate $last --chain $lastchain --to - --role admin --classifier deep < next.key"
check "B registers a name by it" ponto B name register "$root.deep" --chain "$lastchain" --endpoint '[2001:db8::b]:25'
check "C resolves it, from twenty-odd datagrams" resolves "$root.deep"
check "by the last key" grep -q "\"signer\": \"$last\"" answer.json

# ---- kept, and taken away -----------------------------------------------------------------------------
stop B
start B
until_true 300 active B || bail "B does not come back"
back() { ponto B name list | grep -qF "$root.desk lamp"; }
check "after a restart B has its names again" until_true 50 back
check "and C finds them" until_true 20 resolves "$root.desk lamp"
check "B forgets the chain" ponto B identity chain-delete "$chain"
check "and cannot register by it" refused ponto B name register "$root.desk too"

for node in A B C; do stop $node; done
echo "1..$count"
[ $bad = 0 ]
