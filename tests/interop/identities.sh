#!/bin/bash
# Identities of security-pki in the eyes of the openssl program: keys open, authorities
# recompute, signatures verify both ways. TAP output. And a disk that fills up.
set -uo pipefail

tool=${PONTO_BUILDDIR:-.}/tests/interop/identity_tool
if ! command -v openssl >/dev/null; then
	echo "1..0 # SKIP openssl is not installed"
	exit 0
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
unset OPENSSL_CONF
mkdir -m 0700 state other
printf 'what is signed' >data
tests=0
failures=0

# ok NAME COMMAND...: one TAP line, by the command's status
ok() {
	local name=$1
	shift
	tests=$((tests + 1))
	if "$@"; then
		echo "ok $tests - $name"
	else
		echo "not ok $tests - $name"
		failures=$((failures + 1))
	fi
}

is() {
	ok "$1" test "$2" = "$3"
}

not() {
	! "$@" 2>/dev/null
}

quiet() {
	"$@" >/dev/null 2>&1
}

# ---- windows: RSA-1024, SHA-1
id=$("$tool" state create windows alice)
file=state/id/1000/$id.pem
ok "openssl reads the key at rest" quiet openssl pkey -in "$file" -check -noout
is "it has 1024 bits and exponent 65537" \
	"$(openssl pkey -in "$file" -text -noout | grep -cE '^(Private-Key: \(1024 bit|publicExponent: 65537)')" 2
openssl rsa -in "$file" -RSAPublicKey_out -outform DER -out key.der 2>/dev/null
echo "# proves PNRP-195"
is "its public key is a DER RSAPublicKey of 140 bytes" "$(stat -c %s key.der)" 140
ok "that openssl's DER reader takes apart" quiet openssl asn1parse -inform DER -in key.der
echo "# proves PNRP-171"
is "whose SHA-1 is the authority" "$(openssl sha1 -r key.der | cut -d' ' -f1)" "$id"
"$tool" state sign "$id" <data >sig
openssl pkey -in "$file" -pubout -out pub.pem
echo "# proves PNRP-199"
ok "openssl verifies our signature" quiet openssl dgst -sha1 -verify pub.pem -signature sig data
is "which has 128 bytes" "$(stat -c %s sig)" 128
openssl dgst -sha1 -sign "$file" -out theirs data
ok "and makes the same one" cmp -s sig theirs
echo "# proves PNRP-427"
ok "we verify openssl's signature" "$tool" state verify "$id" theirs <data
openssl dgst -sha256 -sign "$file" -out wrong data
ok "but none with SHA-256" not "$tool" state verify "$id" wrong <data
openssl pkeyutl -sign -inkey "$file" -in <(openssl dgst -sha1 -binary data) -out wrong
ok "nor one without DigestInfo" not "$tool" state verify "$id" wrong <data

# ---- modern: Ed25519
ed=$("$tool" state create modern "bob é")
file=state/id/1000/$ed.pem
openssl pkey -in "$file" -pubout -outform DER -out key.der
is "the modern authority is SHA-256 of the raw key, cut to 20 bytes" \
	"$(tail -c 32 key.der | openssl sha256 -r | cut -c1-40)" "$ed"
"$tool" state sign "$ed" <data >sig
openssl pkey -in "$file" -pubout -out pub.pem
ok "openssl verifies our Ed25519 signature" \
	quiet openssl pkeyutl -verify -pubin -inkey pub.pem -rawin -in data -sigfile sig
openssl pkeyutl -sign -inkey "$file" -rawin -in data -out theirs
ok "we verify openssl's" "$tool" state verify "$ed" theirs <data

# ---- exports
for id in "$id" "$ed"; do
	"$tool" state export "$id" 'pass word' >export.pem
	ok "openssl opens an export with its password" \
		quiet openssl pkey -in export.pem -passin 'pass:pass word' -check -noout
	ok "and not with another" not quiet openssl pkey -in export.pem -passin pass:password -noout
	is "it is PBES2 with PBKDF2, HMAC-SHA-256, AES-256" \
		"$(sed -n '/BEGIN/,$p' export.pem | openssl asn1parse | grep -cE ':(PBES2|PBKDF2|hmacWithSHA256|aes-256-cbc)$')" 4
	is "import gives the identity back" "$("$tool" other import 'pass word' <export.pem)" "$id"
	"$tool" other sign "$id" <data >sig
	ok "which signs as before" "$tool" state verify "$id" sig <data
done

# ---- PKCS #12, both ways: as OpenSSL writes it by itself, and as older Windows does
id=$("$tool" state create windows dora)
"$tool" state export-pfx "$id" 'pass word' >ours.pfx
ok "openssl opens our PKCS #12" quiet openssl pkcs12 -in ours.pfx -passin 'pass:pass word' -nodes -out ours.pem
ok "and not with another password" not quiet openssl pkcs12 -in ours.pfx -passin pass:password -nodes
sed -n '/BEGIN PRIVATE/,/END PRIVATE/p' ours.pem >dora.key
is "it is the identity's key" "$(openssl rsa -in dora.key -RSAPublicKey_out -outform DER 2>/dev/null | openssl sha1 -r | cut -d' ' -f1)" "$id"
openssl req -x509 -key dora.key -subj /CN=dora -out dora.crt 2>/dev/null
n=0
for scheme in "" "-keypbe AES-128-CBC -certpbe AES-128-CBC -macalg sha1" "-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES"; do
	n=$((n + 1))
	mkdir -m 0700 "third$n"
	# shellcheck disable=SC2086
	openssl pkcs12 -export -inkey dora.key -in dora.crt -name 'Dora D' -passout 'pass:pass word' $scheme -out theirs.pfx
	is "import of openssl's ${scheme:-own scheme}" "$("$tool" "third$n" import-pfx "$id.home" 'pass word' <theirs.pfx)" "Dora D"
	"$tool" "third$n" sign "$id" <data >sig
	ok "which signs as before" "$tool" state verify "$id" sig <data
done
head -c 900 theirs.pfx >cut.pfx
ok "one that was cut is refused" not "$tool" other import-pfx "$id.home" 'pass word' <cut.pfx
ok "and so is another password" not "$tool" other import-pfx "$id.home" 'password' <theirs.pfx
ok "and nothing of it is there" not "$tool" other sign "$id" <data

# ---- at rest, encrypted
printf 'a secret\n' >secret
chmod 0600 secret
id=$(PONTO_KEY_FILE=$dir/secret "$tool" state create windows carol)
file=state/id/1000/$id.pem
ok "with key_file openssl needs the secret" not quiet openssl pkey -in "$file" -passin pass:wrong -noout
ok "and opens the key with it" quiet openssl pkey -in "$file" -passin file:secret -noout

# ---- a disk that fills up, in a mount namespace of this test's own
full() {
	unshare --user --map-root-user --mount bash -c '
		mount -t tmpfs -o size=64k,mode=0700 none state || exit 77
		n=0
		while "$0" state create modern x >>made 2>error; do n=$((n + 1)); [ $n -lt 200 ] || exit 1; done
		cat error
		# nothing half-written stays, all that was acknowledged is there and signs
		[ "$(find state -name ".new-*" | wc -l)" = 0 ] && [ "$("$0" state list | wc -l)" = "$n" ] || exit 1
		[ $n -ge 2 ] && "$0" state sign "$(head -n 1 made)" <data >sig && "$0" state verify "$(head -n 1 made)" sig <data
	' "$tool"
}
message=$(full)
status=$?
if [ $status = 77 ] || ! unshare --user --map-root-user --mount true 2>/dev/null; then
	tests=$((tests + 1))
	echo "ok $tests - a full disk # SKIP no mount namespaces here"
else
	is "a full disk loses nothing" $status 0
	is "and is called by its name" "${message% }" "no space left"
fi

echo "1..$tests"
[ $failures = 0 ]
