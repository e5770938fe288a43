/* Teredo: what a datagram holds, and the packets without ICMPv6.
 *
 * Pure; no allocation: what is decoded are views into the datagram. What is
 * written goes through the caller's writer, so that parts may stand in a row;
 * the writer's sticky error tells whether all fitted. RFC 4380 5.1.1, RFC 8200,
 * RFC 768. */
#ifndef ENGINES_TEREDO_TEREDO_CODEC_H
#define ENGINES_TEREDO_TEREDO_CODEC_H

#include "engines/teredo/teredo_address.h"
#include "framework/cursor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TEREDO_MTU 1280 /* RFC 4380 5.1.2 */
#define TEREDO_IP6_HEADER 40
#define TEREDO_UDP_HEADER 8
#define TEREDO_UDP_MAX (TEREDO_MTU - TEREDO_IP6_HEADER - TEREDO_UDP_HEADER) /* bytes of an application's datagram */
#define TEREDO_NONCE 8							    /* bytes of an authentication's nonce */
#define TEREDO_AUTH_MAX (13 + 255 + 255)
#define TEREDO_ORIGIN 8
#define TEREDO_HOP_LIMIT 64 /* of data */

enum teredo_next_header {
	TEREDO_NEXT_TCP = 6,
	TEREDO_NEXT_UDP = 17,
	TEREDO_NEXT_ROUTING = 43,
	TEREDO_NEXT_FRAGMENT = 44,
	TEREDO_NEXT_ICMP = 58,
	TEREDO_NEXT_NONE = 59,
};

struct teredo_auth {
	struct ponto_bytes id, value; /* at most 255 bytes each */
	uint8_t nonce[TEREDO_NONCE];
	uint8_t confirmation; /* not 0: the key is to be renewed */
};

/* A decoded datagram. */
struct teredo_packet {
	bool has_auth, has_origin;
	struct teredo_auth auth;
	struct ponto_bytes covered; /* has_auth: what its value is computed over, RFC 4380 5.2.2 */
	struct teredo_endpoint origin;
	struct ponto_bytes ip6; /* the IPv6 packet, its header included */
	struct teredo_ip6 src, dst;
	uint8_t next_header; /* enum teredo_next_header, or another */
	uint8_t hop_limit;
	uint8_t traffic_class;
	struct ponto_bytes payload;
	struct ponto_bytes trailers; /* what the datagram has behind the packet; see teredo_trailer.h */
};

/* PONTO_EPROTO: it does not follow the rules of encapsulation; out untouched. borrows as long as out is used */
PONTO_MUST_CHECK int teredo_decode(struct ponto_bytes datagram, struct teredo_packet *out);

/* The same of an IPv6 packet that stands alone, as one quoted in an error, which may be cut off behind its header. */
PONTO_MUST_CHECK int teredo_decode_quoted(struct ponto_bytes packet, struct teredo_packet *out);

/* No more than an IPv6 header: RFC 4380 2.8. */
static inline bool teredo_is_bubble(const struct teredo_packet *p)
{
	return p->next_header == TEREDO_NEXT_NONE && p->payload.len == 0;
}

/* The checksum of RFC 8200 8.1 over the pseudo-header and data; over data that holds a right one it is 0. */
uint16_t teredo_checksum(const struct teredo_ip6 *src, const struct teredo_ip6 *dst, uint8_t next_header,
			 struct ponto_bytes data);

void teredo_write_origin(struct ponto_writer *w, const struct teredo_endpoint *origin);

/* Traffic class and flow label are 0. */
void teredo_write_ip6(struct ponto_writer *w, const struct teredo_ip6 *src, const struct teredo_ip6 *dst,
		      uint8_t next_header, uint8_t hop_limit, uint16_t payload_len);

void teredo_write_bubble(struct ponto_writer *w, const struct teredo_ip6 *src, const struct teredo_ip6 *dst,
			 uint8_t hop_limit);

/* ---- UDP ------------------------------------------------------------------------------- */

struct teredo_udp {
	uint16_t from, to; /* ports */
	struct ponto_bytes data;
};

/* An application's datagram in a packet. PONTO_EPROTO: it is none, or its length or checksum is wrong. */
PONTO_MUST_CHECK int teredo_udp_parse(const struct teredo_packet *p, struct teredo_udp *out);

/* A whole packet. Data of more than 65527 bytes fails the writer. borrows */
void teredo_write_udp(struct ponto_writer *w, const struct teredo_ip6 *src, const struct teredo_ip6 *dst,
		      uint8_t hop_limit, const struct teredo_udp *udp);

#ifdef __cplusplus
}
#endif
#endif
