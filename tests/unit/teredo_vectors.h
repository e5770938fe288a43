/* Teredo: worked vectors, computed from the formats of RFC 4380, 5991 and 6081 and checked with tshark 4.0.17, the
 * values of authentications with OpenSSL. A: addresses; P: packets; N: what must not be taken as it stands. Packets are
 * UDP payloads. S1 203.0.113.120 and S2 198.51.100.118 are servers, A is 192.0.2.1:4096 at S1, B 192.0.2.10:8192 at S2.
 */
#ifndef PONTO_TESTS_UNIT_TEREDO_VECTORS_H
#define PONTO_TESTS_UNIT_TEREDO_VECTORS_H

#include <stdint.h>

struct teredo_vector_address {
	const char *id;
	uint32_t server;
	uint16_t flags, port;
	uint32_t ip;
	const char *hex;
};

static const struct teredo_vector_address teredo_vector_addresses[] __attribute__((unused)) = {
	{"A01", 0xcb007178, 0x0000, 4096, 0xc0000201, "20010000cb0071780000efff3ffffdfe"},
	{"A02", 0xc6336476, 0x0000, 8192, 0xc000020a, "20010000c63364760000dfff3ffffdf5"},
	{"A03", 0xcb007178, 0x0000, 4095, 0xc6336476, "20010000cb0071780000f00039cc9b89"},
	{"A04", 0xcb007178, 0x0000, 4096, 0xc6336476, "20010000cb0071780000efff39cc9b89"},
	{"A05", 0x4136e378, 0x8000, 40000, 0xc000022d, "200100004136e378800063bf3ffffdd2"},
	{"A06", 0xcb007178, 0x3cff, 4096, 0xc0000201, "20010000cb0071783cffefff3ffffdfe"},
	{"A07", 0xcb007178, 0x2481, 4096, 0xc0000201, "20010000cb0071782481efff3ffffdfe"},
	{"A08", 0xcb007178, 0x048e, 36011, 0xc0000265, "20010000cb007178048e73543ffffd9a"},
	{"A09", 0xcb007178, 0x0000, 1, 0xc0000201, "20010000cb0071780000fffe3ffffdfe"},
	{"A10", 0xcb007178, 0x0000, 65535, 0xc0000201, "20010000cb007178000000003ffffdfe"},
	{"A11", 0xcb007178, 0x0000, 3544, 0xc0000201, "20010000cb0071780000f2273ffffdfe"},
	{"A12", 0x00000000, 0x0000, 4096, 0xc0000201, "20010000000000000000efff3ffffdfe"},
	{"A13", 0xcb007178, 0x0000, 4096, 0x0a000001, "20010000cb0071780000effff5fffffe"},
	{"A14", 0xcb007178, 0x0000, 4096, 0xe00000fd, "20010000cb0071780000efff1fffff02"},
	{"A15", 0xcb007178, 0x0000, 4096, 0xffffffff, "20010000cb0071780000efff00000000"},
	{"A16", 0xcb007178, 0x0000, 0, 0xc0000201, "20010000cb0071780000ffff3ffffdfe"},
	{"A17", 0xcb007178, 0x0300, 4096, 0xc0000201, "20010000cb0071780300efff3ffffdfe"},
	{"A18", 0xcb007178, 0x4000, 4096, 0xc0000201, "20010000cb0071784000efff3ffffdfe"},
};

/* RS, cone bit 1, no authentication */
#define P01                                                                                                            \
	"6000000000083aff"                                                                                             \
	"fe800000000000008000ffffffffffff"                                                                             \
	"ff020000000000000000000000000002"                                                                             \
	"8500fd3600000000"

/* RS, cone bit 0, nonce-only authentication */
#define P02                                                                                                            \
	"00010000"                                                                                                     \
	"010203040506070800"                                                                                           \
	"6000000000083aff"                                                                                             \
	"fe800000000000000000ffffffffffff"                                                                             \
	"ff020000000000000000000000000002"                                                                             \
	"85007d3700000000"

/* RS, cone bit 0, HMAC-SHA1 */
#define P03                                                                                                            \
	"00010814"                                                                                                     \
	"636c69656e742d37"                                                                                             \
	"a1f9df199216831cc0178bbad48c23827ac37910"                                                                     \
	"010203040506070800"                                                                                           \
	"6000000000083aff"                                                                                             \
	"fe800000000000000000ffffffffffff"                                                                             \
	"ff020000000000000000000000000002"                                                                             \
	"85007d3700000000"

/* RA answering P02 (same server address) */
#define P04                                                                                                            \
	"00010000"                                                                                                     \
	"010203040506070800"                                                                                           \
	"0000efff3ffffdfe"                                                                                             \
	"6000000000383aff"                                                                                             \
	"fe800000000000008000f22734ff8e87"                                                                             \
	"fe800000000000000000ffffffffffff"                                                                             \
	"8600954c0000000000000000000007d0"                                                                             \
	"03044040ffffffffffffffff0000000020010000cb0071780000000000000000"                                             \
	"0501000000000500"

/* RA answering P03, HMAC-SHA1 over nonce+conf+origin+IPv6 */
#define P05                                                                                                            \
	"00010814"                                                                                                     \
	"636c69656e742d37"                                                                                             \
	"110e11a22f0925b8f1803051f09237c11d2bfb3f"                                                                     \
	"010203040506070800"                                                                                           \
	"0000efff3ffffdfe"                                                                                             \
	"6000000000383aff"                                                                                             \
	"fe800000000000008000f22734ff8e87"                                                                             \
	"fe800000000000000000ffffffffffff"                                                                             \
	"8600954c0000000000000000000007d0"                                                                             \
	"03044040ffffffffffffffff0000000020010000cb0071780000000000000000"                                             \
	"0501000000000500"

/* RA answering P03, confirmation byte 1 (key to be renewed) */
#define P06                                                                                                            \
	"00010814"                                                                                                     \
	"636c69656e742d37"                                                                                             \
	"8687e4ac52e57e579ea4926a830252641c32b808"                                                                     \
	"010203040506070801"                                                                                           \
	"0000efff3ffffdfe"                                                                                             \
	"6000000000383aff"                                                                                             \
	"fe800000000000008000f22734ff8e87"                                                                             \
	"fe800000000000000000ffffffffffff"                                                                             \
	"8600954c0000000000000000000007d0"                                                                             \
	"03044040ffffffffffffffff0000000020010000cb0071780000000000000000"                                             \
	"0501000000000500"

/* RA answering P01 (cone probe: sent from the secondary address) */
#define P07                                                                                                            \
	"0000efff3ffffdfe"                                                                                             \
	"6000000000383aff"                                                                                             \
	"fe800000000000008000f22734ff8e87"                                                                             \
	"fe800000000000008000ffffffffffff"                                                                             \
	"8600154c0000000000000000000007d0"                                                                             \
	"03044040ffffffffffffffff0000000020010000cb0071780000000000000000"                                             \
	"0501000000000500"

/* RA from the secondary server showing a symmetric NAT (port 4098) */
#define P08                                                                                                            \
	"00010000"                                                                                                     \
	"010203040506070800"                                                                                           \
	"0000effd3ffffdfe"                                                                                             \
	"6000000000383aff"                                                                                             \
	"fe800000000000008000f22734ff8e87"                                                                             \
	"fe800000000000000000ffffffffffff"                                                                             \
	"8600954c0000000000000000000007d0"                                                                             \
	"03044040ffffffffffffffff0000000020010000cb0071780000000000000000"                                             \
	"0501000000000500"

/* Direct bubble A to B */
#define P09                                                                                                            \
	"6000000000003bff"                                                                                             \
	"20010000cb0071780000efff3ffffdfe"                                                                             \
	"20010000c63364760000dfff3ffffdf5"

/* Indirect bubble A to B as sent to B's server */
#define P10                                                                                                            \
	"6000000000003bff"                                                                                             \
	"20010000cb0071780000efff3ffffdfe"                                                                             \
	"20010000c63364760000dfff3ffffdf5"

/* P10 as relayed by the server, with origin indication */
#define P11                                                                                                            \
	"0000efff3ffffdfe"                                                                                             \
	"6000000000003bff"                                                                                             \
	"20010000cb0071780000efff3ffffdfe"                                                                             \
	"20010000c63364760000dfff3ffffdf5"

/* Indirect bubble with nonce trailer */
#define P12                                                                                                            \
	"6000000000003bff"                                                                                             \
	"20010000cb0071780000efff3ffffdfe"                                                                             \
	"20010000c63364760000dfff3ffffdf5"                                                                             \
	"0104a1b2c3d4"

/* P12 as relayed (trailer kept behind the IPv6 packet) */
#define P13                                                                                                            \
	"0000efff3ffffdfe"                                                                                             \
	"6000000000003bff"                                                                                             \
	"20010000cb0071780000efff3ffffdfe"                                                                             \
	"20010000c63364760000dfff3ffffdf5"                                                                             \
	"0104a1b2c3d4"

/* Direct bubble B to A echoing the nonce of P12 */
#define P14                                                                                                            \
	"6000000000003bff"                                                                                             \
	"20010000c63364760000dfff3ffffdf5"                                                                             \
	"20010000cb0071780000efff3ffffdfe"                                                                             \
	"0104a1b2c3d4"

/* Hairpin: indirect bubble with nonce and two alternate addresses */
#define P15                                                                                                            \
	"6000000000003bff"                                                                                             \
	"20010000cb0071780000efff3ffffdfe"                                                                             \
	"20010000c63364760000dfff3ffffdf5"                                                                             \
	"0104a1b2c3d4"                                                                                                 \
	"030e00000a0000021000c0a801011000"

/* Direct bubble, neighbor discovery option: solicitation */
#define P16                                                                                                            \
	"6000000000003bff"                                                                                             \
	"20010000cb0071780000efff3ffffdfe"                                                                             \
	"20010000c63364760000dfff3ffffdf5"                                                                             \
	"040400000000"

/* Direct bubble, neighbor discovery option: advertisement */
#define P17                                                                                                            \
	"6000000000003bff"                                                                                             \
	"20010000c63364760000dfff3ffffdf5"                                                                             \
	"20010000cb0071780000efff3ffffdfe"                                                                             \
	"040401000000"

/* Indirect bubble with nonce and random port 50000 (type 0x05) */
#define P18                                                                                                            \
	"6000000000003bff"                                                                                             \
	"20010000cb0071780000efff3ffffdfe"                                                                             \
	"20010000c63364760000dfff3ffffdf5"                                                                             \
	"0104a1b2c3d4"                                                                                                 \
	"0502c350"

/* Direct bubble from random port 50001 to 50000 */
#define P19                                                                                                            \
	"6000000000003bff"                                                                                             \
	"20010000c63364760000dfff3ffffdf5"                                                                             \
	"20010000cb0071780000efff3ffffdfe"                                                                             \
	"0104a1b2c3d4"                                                                                                 \
	"0502c351"

/* Local discovery bubble (outer TTL 1) */
#define P20                                                                                                            \
	"6000000000003b01"                                                                                             \
	"20010000cb0071780000efff3ffffdfe"                                                                             \
	"ff020000000000000000000000000001"

/* Relay discovery echo request, 8-byte nonce */
#define P21                                                                                                            \
	"6000000000103a80"                                                                                             \
	"20010000cb0071780000efff3ffffdfe"                                                                             \
	"20010db8000600000000000000000030"                                                                             \
	"8000a504123400010102030405060708"

/* Echo reply to P21 through the relay */
#define P22                                                                                                            \
	"6000000000103a3f"                                                                                             \
	"20010db8000600000000000000000030"                                                                             \
	"20010000cb0071780000efff3ffffdfe"                                                                             \
	"8100a404123400010102030405060708"

/* Relay's indirect bubble, native source */
#define P23                                                                                                            \
	"6000000000003bff"                                                                                             \
	"20010db8000600000000000000000020"                                                                             \
	"20010000cb0071780000efff3ffffdfe"

/* P23 as relayed */
#define P24                                                                                                            \
	"0000f22639cc9b37"                                                                                             \
	"6000000000003bff"                                                                                             \
	"20010db8000600000000000000000020"                                                                             \
	"20010000cb0071780000efff3ffffdfe"

/* Bubble with link-local source and hop limit 0 (miredo style) */
#define P25                                                                                                            \
	"6000000000003b00"                                                                                             \
	"fe80000000000000b83052f806f1546f"                                                                             \
	"20010000c63364760000dfff3ffffdf5"

/* Answer to P25: addresses swapped */
#define P26                                                                                                            \
	"6000000000003bff"                                                                                             \
	"20010000c63364760000dfff3ffffdf5"                                                                             \
	"fe80000000000000b83052f806f1546f"

/* UDP/IPv6 data, port 3540 to 3540 */
#define P27                                                                                                            \
	"60000000000d1140"                                                                                             \
	"20010000cb0071780000efff3ffffdfe"                                                                             \
	"20010000c63364760000dfff3ffffdf5"                                                                             \
	"0dd40dd4000d0f75"                                                                                             \
	"504e52503f"

/* UDP/IPv6 data whose checksum computes to 0 (sent as ffff) */
#define P28                                                                                                            \
	"60000000000a1140"                                                                                             \
	"20010000cb0071780000efff3ffffdfe"                                                                             \
	"20010000c63364760000dfff3ffffdf5"                                                                             \
	"0dd40dd4000affff"                                                                                             \
	"f119"

/* Empty payload */
#define N01 ""

/* One byte 00 */
#define N02 "00"

/* Origin indication cut to 7 bytes */
#define N03 "0000efff3ffffd"

/* Origin indication without IPv6 packet */
#define N04 "0000efff3ffffdfe"

/* Origin before authentication */
#define N05                                                                                                            \
	"0000efff3ffffdfe000100000102030405060708006000000000003bff20010000cb0071780000ef"                             \
	"ff3ffffdfe20010000c63364760000dfff3ffffdf5"

/* Two origin indications */
#define N06                                                                                                            \
	"0000efff3ffffdfe0000efff3ffffdfe6000000000003bff20010000cb0071780000efff3ffffdfe"                             \
	"20010000c63364760000dfff3ffffdf5"

/* Authentication lengths run past the end */
#define N07 "0001c8140000000000000000000000000000000000000000"

/* Unknown indicator 00 02 */
#define N08                                                                                                            \
	"00020000000000006000000000003bff20010000cb0071780000efff3ffffdfe20010000c6336476"                             \
	"0000dfff3ffffdf5"

/* IPv6 version 4 */
#define N09 "4500000000003bff20010000cb0071780000efff3ffffdfe20010000c63364760000dfff3ffffdf5"

/* IPv6 header cut to 39 bytes */
#define N10 "6000000000003bff20010000cb0071780000efff3ffffdfe20010000c63364760000dfff3ffffd"

/* Payload length 1 but no payload */
#define N11 "6000000000013bff20010000cb0071780000efff3ffffdfe20010000c63364760000dfff3ffffdf5"

/* One trailing byte */
#define N12                                                                                                            \
	"6000000000003bff20010000cb0071780000efff3ffffdfe20010000c63364760000dfff3ffffdf5"                             \
	"01"

/* Trailer length past the end */
#define N13                                                                                                            \
	"6000000000003bff20010000cb0071780000efff3ffffdfe20010000c63364760000dfff3ffffdf5"                             \
	"01040102"

/* Unknown trailer 0x06 (00: skip) before a nonce */
#define N14                                                                                                            \
	"6000000000003bff20010000cb0071780000efff3ffffdfe20010000c63364760000dfff3ffffdf5"                             \
	"060278780104a1b2c3d4"

/* Unknown trailer 0x41 (01: discard) */
#define N15                                                                                                            \
	"6000000000003bff20010000cb0071780000efff3ffffdfe20010000c63364760000dfff3ffffdf5"                             \
	"4101780104a1b2c3d4"

/* Unknown trailer 0x81 (10: skip) before a nonce */
#define N16                                                                                                            \
	"6000000000003bff20010000cb0071780000efff3ffffdfe20010000c63364760000dfff3ffffdf5"                             \
	"8101780104a1b2c3d4"

/* Unknown trailer 0xc1 (11: skip) before a nonce */
#define N17                                                                                                            \
	"6000000000003bff20010000cb0071780000efff3ffffdfe20010000c63364760000dfff3ffffdf5"                             \
	"c1000104a1b2c3d4"

/* Nonce trailer of length 8 */
#define N18                                                                                                            \
	"6000000000003bff20010000cb0071780000efff3ffffdfe20010000c63364760000dfff3ffffdf5"                             \
	"01083132333435363738"

/* Alternate address trailer of length 9 */
#define N19                                                                                                            \
	"6000000000003bff20010000cb0071780000efff3ffffdfe20010000c63364760000dfff3ffffdf5"                             \
	"0309000000000000000000"

/* Alternate address trailer with 5 entries (32) */
#define N20                                                                                                            \
	"6000000000003bff20010000cb0071780000efff3ffffdfe20010000c63364760000dfff3ffffdf5"                             \
	"03200000c00002090001c00002090001c00002090001c00002090001c00002090001"

/* Alternate address with port 0 */
#define N21                                                                                                            \
	"6000000000003bff20010000cb0071780000efff3ffffdfe20010000c63364760000dfff3ffffdf5"                             \
	"03080000c00002090000"

/* Alternate address 224.0.0.1 */
#define N22                                                                                                            \
	"6000000000003bff20010000cb0071780000efff3ffffdfe20010000c63364760000dfff3ffffdf5"                             \
	"03080000e00000010009"

/* Discard-type trailer after a malformed one */
#define N23                                                                                                            \
	"6000000000003bff20010000cb0071780000efff3ffffdfe20010000c63364760000dfff3ffffdf5"                             \
	"010900410178"

/* Data packet with trailer bytes */
#define N24                                                                                                            \
	"600000000009114020010000cb0071780000efff3ffffdfe20010000c63364760000dfff3ffffdf5"                             \
	"0dd40dd40009791b780104a1b2c3d4"

/* Next header 59 with payload of 4 */
#define N25                                                                                                            \
	"6000000000043b4020010000cb0071780000efff3ffffdfe20010000c63364760000dfff3ffffdf5"                             \
	"61626364"

/* Random port 50000 under type 0x02 (trap 1) */
#define N26                                                                                                            \
	"6000000000003bff20010000cb0071780000efff3ffffdfe20010000c63364760000dfff3ffffdf5"                             \
	"0104a1b2c3d40202c350"

#endif
