#!/bin/bash
# Checks docs/wireshark/pnrp.lua with tshark: every vector of tests/vectors/pnrp.hex
# decodes to the values it was made from, and damaged ones are flagged. TAP output.
#
# Needs tshark, text2pcap, awk. Runs in a private directory with a private
# home, so the user's own Wireshark settings and plugins have no effect.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lua=$here/../../docs/wireshark/pnrp.lua
vectors=$here/../vectors/pnrp.hex

for tool in tshark text2pcap awk; do
	if ! command -v "$tool" >/dev/null; then
		echo "1..0 # SKIP $tool is not installed"
		exit 0
	fi
done

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export HOME=$dir XDG_CONFIG_HOME=$dir/config WIRESHARK_CONFIG_DIR=$dir/config LC_ALL=C

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

# is NAME GOT EXPECTED
is() {
	ok "$1" test "$2" = "$3"
	[ "$2" = "$3" ] || printf '#      got: %s\n# expected: %s\n' "$2" "$3"
}

# pcap FILE PORT_A PORT_B: reads lines "I HEX" (from A to B) and "O HEX" (back), one datagram each
pcap() {
	awk '{
		print $1
		for (i = 0; i < length($2) / 2; i++) {
			if (i % 16 == 0) printf "%s%06x", (i ? "\n" : ""), i
			printf " %s", substr($2, 2 * i + 1, 2)
		}
		print ""
	}' | text2pcap -q -D -6 2001:db8:4::40,2001:db8:1::10 -u "$2,$3" - "$dir/$1" 2>>"$dir/log"
}

# dissect FILE ARGUMENT...
dissect() {
	local file=$1
	shift
	tshark -r "$dir/$file" -X "lua_script:$lua" "$@" 2>>"$dir/log"
}

# frames FILE FILTER: the numbers of the matching frames, one a line
frames() { dissect "$1" -Y "$2" -T fields -e frame.number; }

# A fault of the dissector itself. _ws.malformed alone also holds where ponto_pnrp.malformed does.
broken='_ws.lua.error || _ws.malformed.expert || _ws.malformed.dissector_bug'

# vector NAME: its bytes. edit HEX OFFSET BYTES: HEX with BYTES written at OFFSET.
vector() { awk -v name="$1" '$1 == name { print $2 }' "$vectors"; }
edit() { printf '%s' "${1:0:$(($2 * 2))}$3${1:$(($2 * 2 + ${#3}))}"; }
cut_to() { printf '%s' "${1:0:$(($2 * 2))}"; }

declare -A M
names=()
while read -r name bytes; do
	case $name in '' | '#'*) continue ;; esac
	M[$name]=$bytes
	names+=("$name")
done <"$vectors"
is "there are 20 vectors" "${#names[@]}" 20

# --- The vectors as they are -------------------------------------------------

direction() {
	case $1 in M01 | M02 | M05 | M10 | M11 | M12 | M13 | M14) echo I ;; *) echo O ;; esac
}
for name in "${names[@]}"; do
	echo "$(direction "$name") ${M[$name]}"
done >"$dir/vectors.txt"
pcap vectors.pcap 3540 3540 <"$dir/vectors.txt"

P=ponto_pnrp
# shellcheck disable=SC2206
columns=(frame.number $P.type $P.message_id $P.acked_id $P.request_in $P.pnrp_id $P.validate_id $P.target_id
	$P.nonce $P.hashed_nonce $P.solicit_type $P.criteria $P.reason $P.precision $P.path $P.flooded
	$P.flags.a $P.flags.x $P.flags.c $P.flags.d $P.flags.l $P.flags.b $P.flags.n $P.flags.not_closer
	$P.split.size $P.split.offset $P.reassembled.length $P.reassembled.fragments $P.classifier
	$P.route_entry.pnrp_id $P.route_entry.port $P.route_entry.count $P.route_entry.address
	$P.cpa.length $P.cpa.flags $P.cpa.authority $P.cpa.classifier_hash $P.cpa.service_location $P.cpa.nonce
	$P.cpa.not_after $P.cpa.friendly_name $P.cpa.service_address $P.cpa.app.address $P.cpa.app.port
	$P.cpa.app.protocol $P.cpa.pnrp_id $P.cpa.authority_is_key $P.key.oid $P.key.exponent $P.signature.alg_id
	$P.ext.pnrp_id $P.ext.nonce $P.ext.payload.length $P.ext.data $P.profile _ws.col.Info)
table() {
	local args=() column
	for column in "${columns[@]}"; do args+=(-e "$column"); done
	dissect "$1" -T fields -E header=y -E separator=/t -E aggregator=, "${args[@]}"
}
table vectors.pcap >"$dir/vectors.tsv"

# value TABLE FRAME FIELD
value() {
	awk -F '\t' -v frame="$2" -v field="$3" '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == field) column = i; next }
		$1 == frame { v = $column; if (v == "True") v = 1; if (v == "False") v = 0; print v }' "$dir/$1.tsv"
}
# field NAME FIELD EXPECTED: one field of a vector
field() { is "$1 $2" "$(value vectors "$((10#${1#M}))" "${2/#./$P.}")" "$3"; }

frames vectors.pcap "$P.malformed || $P.invalid || _ws.malformed || $broken" >"$dir/flagged"
frames vectors.pcap "$P.type" >"$dir/typed"
for name in "${names[@]}"; do
	n=$((10#${name#M}))
	ok "$name is decoded" grep -qx "$n" "$dir/typed"
	ok "$name has no fault" test -z "$(grep -x "$n" "$dir/flagged" || true)"
done

id_secure=e14b87a8da7126389f784d17d909d87020010db8000100001122334455667788
id_next=e14b87a8da7126389f784d17d909d87020010db8000100001122334455667789
id_target=e14b87a8da7126389f784d17d909d87020010db8000400008000000000000000
id_plain=4cf68ef1a30357cf94e6f5130021952020010db8000200008877665544332211
nonce=a0a1a2a3a4a5a6a7a8a9aaabacadaeaf
hashed=1ce1c58c3e813e9250abc20b5445245a54b425db
authority=febe3705565228fca059cb0caec74e06404aa229

field M01 .type 0x01
field M01 .message_id 0x01020304
field M01 .hashed_nonce $hashed
field M02 .solicit_type 0
field M02 .route_entry.pnrp_id $id_secure
field M02 .route_entry.port 3540
field M02 .route_entry.address 2001:db8:1::10
field M03 .acked_id 0x01020304
field M03 .request_in 1
field M03 .pnrp_id $id_secure,$id_plain
field M03 .hashed_nonce $hashed
field M04 .pnrp_id ""
field M05 .nonce $nonce
field M05 .pnrp_id $id_plain
field M06 .acked_id 0x22222222
field M06 .request_in 5
field M06 .flags.n ""
field M07 .flags.d 1
field M07 .validate_id "$(printf '%064d' 0)"
field M07 .route_entry.address 2001:db8:2::20,2001:db8:3::30
field M07 .flooded ""
field M08 .flags.d 0
field M08 .validate_id $id_plain
field M08 .flooded "[2001:db8:1::10]:3540,[2001:db8:2::20]:3540,[2001:db8:3::30]:3540"
field M09 .cpa.length 401
field M09 .cpa.flags 0x0d
field M09 .cpa.nonce "$(printf '%032d' 0)"
field M09 .cpa.authority $authority
field M09 .cpa.pnrp_id $id_secure
field M09 .flooded ""
field M10 .acked_id 0x33333334
field M10 .flags.n 1
field M11 .validate_id $id_secure
field M11 .flags.a 0
field M11 .nonce ""
field M12 .flags.a 1
field M12 .flags.x 1
field M12 .flags.c 1
field M12 .nonce $nonce
field M13 .criteria 2
field M13 .reason 0
field M13 .precision 0
field M13 .flags.not_closer 1
field M13 .target_id $id_target
field M13 .validate_id $id_plain
field M13 .path "[2001:db8:4::40]:3540"
field M13 _ws.col.Info "LOOKUP id=66666666 target=e14b87a8… path=1 criteria=NEAREST_PEERNAME reason=APP_REQUEST"
field M14 .criteria 0
field M14 .reason 1
field M14 .target_id $id_next
field M14 .route_entry.pnrp_id $id_secure
field M14 .path "[2001:db8:1::10]:3540,[2001:db8:3::30]:3540"
field M15 .flags.n 1
field M15 .split.size 8
field M15 .request_in 11
field M16 .flags.n 1
field M16 .split.size 6
field M17 .acked_id 0x66666666
field M17 .route_entry.count 2
field M17 .route_entry.address 2001:db8:2::20,2001:db8:3::30
field M18 .request_in 12
field M18 .classifier test
field M18 .route_entry.pnrp_id $id_secure
field M18 .cpa.length 445
field M18 .cpa.authority $authority
field M18 .cpa.authority_is_key 1
field M18 .cpa.classifier_hash 87f8ed9157125ffc4da9e06a7b8011ad80a53fe1
field M18 .cpa.service_location 20010db8000100001122334455667788
field M18 .cpa.nonce $nonce
field M18 .cpa.pnrp_id $id_secure
field M18 .cpa.service_address "[2001:db8:1::10]:3540"
field M18 .cpa.app.address 2001:db8:1::10
field M18 .cpa.app.port 80
field M18 .cpa.app.protocol 6
field M18 .key.oid 1.2.840.113549.1.1.1
field M18 .key.exponent 010001
field M18 .signature.alg_id 0x00008004
field M18 .profile windows
ok "M18 .cpa.not_after is the start of 2030" \
	test -n "$(frames vectors.pcap 'frame.number == 18 && ponto_pnrp.cpa.not_after == "2030-01-01 00:00:00Z"')"
field M19 .split.offset 0
field M19 .reassembled.length ""
field M20 .split.offset 1188
field M20 .reassembled.length 1579
field M20 .reassembled.fragments 2
field M20 .classifier test
field M20 .cpa.friendly_name demo
field M20 .cpa.app.port 80,53
field M20 .cpa.app.protocol 6,17
field M20 .cpa.pnrp_id $id_secure
field M20 .ext.pnrp_id $id_secure
field M20 .ext.nonce $nonce
field M20 .ext.payload.length 802
data=
for ((i = 0; i < 802; i++)); do
	printf -v byte %02x $(((7 * i + 3) % 256))
	data+=$byte
done
field M20 .ext.data "$data"

# --- Other ports, the other profile ------------------------------------------

pcap ports.pcap 4540 5540 <"$dir/vectors.txt"
is "all vectors are recognised on other ports" "$(frames ports.pcap "$P.type && !$P.malformed && !_ws.malformed" | wc -l | tr -d ' ')" 20

printf 'I 0010000c%s\n' 5204000101020304 0104000101020304 | pcap other.pcap 4540 5540
is "other datagrams on other ports are left alone" "$(frames other.pcap $P)" ""

# M18 with header major 5, a 32-byte key and a 64-byte signature (the bytes themselves are arbitrary)
modern=${M[M18]:0:520}
modern=$(edit "$modern" 5 05)
modern=$(edit "$modern" 24 0164)
modern=$(edit "$modern" 118 010c)
modern=$(edit "$modern" 120 0801)
key=34000b00000020000$(printf '0%s' 312e332e3130312e313132)$(printf '%064d' 7)
echo "O $modern${key}4800400004800000$(printf '%0128d' 9)" | pcap modern.pcap 3540 3540
is "modern profile: decoded without a fault" \
	"$(frames modern.pcap "$P.profile == \"modern\" && $P.key.oid == \"1.3.101.112\" && !$P.malformed && !$P.invalid")" 1

# --- Elements no vector has: certificate chain, string payload ----------------

# authority_of BUFFER: an AUTHORITY message with it
authority_of() { printf '%s%04x0000%s' "${M[M18]:0:48}" $((${#1} / 2)) "$1"; }
route=${M[M18]:112:120} # with padding
chain=00800013300d06092a864886f70d010702a00000 # a SignedData with nothing in it
reversed=887766554433221100000100b80d012070d809d9174d789f382671daa8874be1
string=da0000020000520000c005a0c0f6e001$reversed$nonce
string+=0100120002000080080000006800690000008800800004800000$(printf '%0256d' 0)
{
	echo "O $(authority_of "0040000600000000${chain}005a00de${string}0000$route")"
	echo "O $(authority_of "0040000600000000$(edit "$chain" 5 0c)$route")"
	echo "O $(authority_of "0040000600000000005a00de$(edit "$string" 80 41)0000$route")"
	echo "O $(authority_of "0040000600000000005a00de$(edit "$string" 74 02)0000$route")"
	echo "O $(authority_of "0040000600000000005a00de$(edit "$string" 6 51)0000$route")"
	echo "O $(authority_of "0040000600000000005a00de$(edit "$string" 16 ff)0000$route")"
} | pcap elements.pcap 3540 3540
is "string payload and chain are decoded" "$(dissect elements.pcap -Y "!$P.malformed && !$P.invalid" -T fields \
	-e frame.number -e $P.ext.string -e $P.ext.pnrp_id -e $P.cert_chain | tr '\t' ' ')" \
	"1 hi $id_secure ${chain:8:30}"
is "wrong chain length, string without NUL, string type 2, Signature Offset are malformed" \
	"$(frames elements.pcap $P.malformed | tr '\n' ' ')" "2 3 4 5 "
is "a payload for another PNRP ID is invalid" "$(frames elements.pcap $P.invalid)" 6

# --- Damaged vectors ---------------------------------------------------------

damaged=()
expect=()
# damage KIND NAME HEX [DIRECTION]: KIND is the field that must mark the frame, or "none"
: >"$dir/damaged.txt"
damage() {
	expect+=("$1")
	damaged+=("$2")
	echo "${4:-I} $3" >>"$dir/damaged.txt"
}
# at KIND VECTOR OFFSET BYTES WHAT
at() { damage "$1" "$2 $5" "$(edit "${M[$2]}" "$3" "$4")"; }

at malformed M01 0 0011 "FieldID of the header"
at malformed M01 2 000d "length of the header"
at malformed M01 4 50 "identifier 0x50"
at malformed M01 5 03 "major version 3"
at malformed M01 6 01 "minor version 1"
at malformed M01 7 05 "message type 5"
at malformed M01 14 0017 "hashed nonce with length 23"
at malformed M01 12 0093 "nonce instead of hashed nonce"
damage malformed "M01 one byte more" "${M[M01]}00"
damage malformed "M01 a second element" "${M[M01]}${M[M01]:24}"
at malformed M02 17 02 "SolicitType 2"
at malformed M02 14 0008 "controls with length 8"
at malformed M02 61 00 "route entry without address"
at malformed M02 61 15 "route entry with 21 addresses"
at malformed M02 61 02 "route entry with an address too few"
at malformed M02 58 0400 "route entry with port 1024"
at malformed M02 56 05 "route entry of version 5.0"
at malformed M03 24 0003 "NumEntries 3 with two IDs"
at malformed M03 30 001f "EntryLength 31"
at malformed M03 26 0047 "ArrayLength"
at malformed M03 28 009d "ElementFieldType"
at malformed M05 14 0013 "nonce with length 19"
damage malformed "M05 ID list cut" "$(cut_to "${M[M05]}" 75)"
damage malformed "M06 ends with padding" "${M[M06]}00000000"
at malformed M07 14 0008 "controls with length 8"
at malformed M08 120 0017 "NumEntries 23"
at malformed M08 124 009c "ElementFieldType 0x009c"
damage malformed "M08 list cut" "$(cut_to "${M[M08]}" 181)"
at malformed M08 128 0400 "endpoint with port 1024"
at malformed M09 66 0c "R cleared"
at malformed M09 92 01 "revoke with a nonce"
at malformed M09 58 0194 "revoke element one byte short"
at malformed M12 58 0013 "nonce with length 19"
damage malformed "M12 ID cut" "$(cut_to "${M[M12]}" 50)"
at malformed M12 14 0008 "flags with length 8"
at malformed M13 100 0000 "NumEntries 0"
at malformed M13 100 0017 "NumEntries 23"
damage malformed "M13 empty path" "$(cut_to "$(edit "$(edit "${M[M13]}" 98 000c)" 100 00000008)" 108)"
at malformed M13 20 03 "ResolveCriteria 3"
at malformed M13 21 04 "ResolveReasonCode 4"
damage malformed "M13 elements swapped" "${M[M13]:0:48}${M[M13]:120:72}${M[M13]:48:72}${M[M13]:192}"
at malformed M18 208 0000 "no service address"
at malformed M18 208 0500 "five service addresses"
at malformed M18 210 1000 "ServiceAddressLength 16"
at malformed M18 238 1e00 "DataLength 30"
at malformed M18 230 0200 "NumPayloads 2"
at malformed M18 232 1d00 "Total Bytes"
at malformed M18 234 02 "payload type 2"
at malformed M18 433 03 "ALG_ID 0x00008003"
at malformed M18 431 7f "signature length"
at malformed M18 266 8d "cbData 0x8d"
at malformed M18 269 32 "public key OID"
at malformed M18 120 bc "CPA Length"
at malformed M18 123 01 "CPA version 1.0"
at malformed M18 126 0e "U without F"
at malformed M18 126 00 "neither A nor C"
at malformed M18 36 0086 "unknown element in the buffer"
damage malformed "M18 elements swapped" "${M[M18]:0:72}${M[M18]:112:120}${M[M18]:72:40}${M[M18]:232}"
at malformed M19 26 04a3 "Offset 1187"
at malformed M19 24 91e5 "Size 0x91e5"
damage malformed "M19 short slice" "$(cut_to "${M[M19]}" 1215)"

# Reassembly: 3.1.5.6. The first fragment survives the rejected one; order does not matter.
damage none "M19 for reassembly" "${M[M19]}"
at malformed M19 26 04a3 "Offset 1187 after M19"
damage none "M20 completes M19" "${M[M20]}"
complete_1=${#damaged[@]}
damage none "M19 again" "${M[M19]}"
at malformed M20 24 062c "Size differs from M19"
damage none "M20 after the reassembly was forgotten" "${M[M20]}"
forgotten_1=${#damaged[@]}
damage none "M19 completes M20" "${M[M19]}"
complete_2=${#damaged[@]}
damage none "M19 once more" "${M[M19]}"
damage malformed "M20 longer than Size" "${M[M20]}00"
damage none "M20 after the overrun" "${M[M20]}"
forgotten_2=${#damaged[@]}

# Right syntax, wrong contents; reserved bits and padding are only noted
damage none "M12 asks" "${M[M12]}"
damage none "M18 answers" "${M[M18]}" O
damage invalid "M18 nonce replaced" "$(edit "${M[M18]}" 152 ff)" O
damage invalid "M18 route entry ID changed" "$(edit "${M[M18]}" 60 e2)" O
damage invalid "M18 authority changed" "$(edit "${M[M18]}" 168 ff)" O
damage invalid "M18 key changed" "$(edit "${M[M18]}" 300 ff)" O
damage invalid "M18 classifier changed" "$(edit "${M[M18]}" 49 75)" O
damage none "M01 asks" "${M[M01]}"
damage invalid "M03 hashed nonce changed" "$(edit "${M[M03]}" 100 ff)" O
at nonzero M12 16 80 "reserved flag"
at nonzero M12 18 0001 "padding"
at nonzero M18 127 01 "CPA reserved byte"
at suspicious M16 28 0040 "no padding at the end"

pcap damaged.pcap 3540 3540 <"$dir/damaged.txt"
for kind in malformed invalid nonzero suspicious; do
	frames damaged.pcap "$P.$kind" >"$dir/is_$kind"
done
for i in "${!damaged[@]}"; do
	n=$((i + 1))
	got=
	for kind in malformed invalid nonzero suspicious; do
		if grep -qx "$n" "$dir/is_$kind"; then
			got=$kind
			break
		fi
	done
	is "damaged: ${damaged[$i]}" "${got:-none}" "${expect[$i]}"
done
is "damaged: no decoder fault" "$(frames damaged.pcap "$broken")" ""
is "reassembled exactly where both fragments were known" \
	"$(frames damaged.pcap "$P.reassembled.length == 1579" | tr '\n' ' ')" "$complete_1 $complete_2 "
ok "a forgotten reassembly is not completed" \
	test -z "$(frames damaged.pcap "$P.reassembled.length && frame.number in {$forgotten_1, $forgotten_2}")"

echo "I ${M[M01]}" | pcap source.pcap 1024 3540
is "source port 1024 is flagged" "$(frames source.pcap "$P.malformed")" 1

# Every proper prefix of a message is flagged, except where the rest is optional.
: >"$dir/cut.txt"
: >"$dir/cut_good"
total=0
prefixes() { # VECTOR FIRST OPTIONAL-END...
	local bytes=${M[$1]} n good=" ${*:3} " cut
	for ((n = $2; n < ${#bytes} / 2; n++)); do
		cut=${bytes:0:$((n * 2))}
		if [ "$1" = M18 ]; then # otherwise it would be a fragment
			printf -v cut '%s%04x%s' "${cut:0:48}" $((n - 28)) "${cut:52}"
		fi
		echo "I $cut" >>"$dir/cut.txt"
		total=$((total + 1))
		case $good in *" $n "*) echo $total >>"$dir/cut_good" ;; esac
	done
}
prefixes M02 1
prefixes M03 12
prefixes M05 12
prefixes M09 12
prefixes M10 12 20
prefixes M12 12 56
prefixes M14 12
prefixes M18 29 34 36 56 114 116
pcap cut.pcap 3540 3540 <"$dir/cut.txt"
is "damaged messages are malformed for Wireshark's own filter, too" \
	"$(frames damaged.pcap _ws.malformed)" "$(cat "$dir/is_malformed")"
is "prefixes: only complete ones pass" "$(frames cut.pcap "!$P.malformed")" "$(cat "$dir/cut_good")"
is "prefixes: no decoder fault" "$(frames cut.pcap "$broken")" ""

# --- The dissector that comes with tshark ------------------------------------

# M06 is right: a built-in dissector that calls it malformed cannot serve as a second opinion.
echo "I ${M[M06]}" | pcap probe.pcap 3540 3540
sound=no
if [ "$(tshark -r "$dir/probe.pcap" -Y 'pnrp && !_ws.malformed' -T fields -e frame.number 2>>"$dir/log")" = 1 ]; then
	sound=yes
fi
echo "# tshark built-in PNRP dissector sound: $sound"

if [ "$failures" -gt 0 ]; then sed 's/^/# /' "$dir/log"; fi
echo "1..$tests"
[ "$failures" -eq 0 ]
