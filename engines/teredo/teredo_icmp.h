/* Teredo: the ICMPv6 messages it needs: router solicitation and advertisement,
 * echo, errors.
 *
 * Pure; views into the datagram. RFC 4380 5.2.1, 5.2.9, 5.3.2; RFC 4861 4.1,
 * 4.2, 6.1; RFC 4443. */
#ifndef ENGINES_TEREDO_TEREDO_ICMP_H
#define ENGINES_TEREDO_TEREDO_ICMP_H

#include "engines/teredo/teredo_codec.h"

#ifdef __cplusplus
extern "C" {
#endif

enum teredo_icmp_type {
	TEREDO_ICMP_UNREACHABLE = 1,
	TEREDO_ICMP_TOO_BIG = 2,
	TEREDO_ICMP_TIME_EXCEEDED = 3,
	TEREDO_ICMP_PARAMETER = 4,
	TEREDO_ICMP_ECHO_REQUEST = 128,
	TEREDO_ICMP_ECHO_REPLY = 129,
	TEREDO_ICMP_SOLICITATION = 133,
	TEREDO_ICMP_ADVERTISEMENT = 134,
};

enum teredo_unreachable_code {
	TEREDO_UNREACHABLE_ADDRESS = 3,
	TEREDO_UNREACHABLE_PORT = 4,
};

struct teredo_icmp {
	uint8_t type, code;
	uint32_t word; /* what follows the checksum: identifier and sequence number, MTU, pointer */
	struct ponto_bytes body;
};

/* PONTO_EPROTO: not ICMPv6, cut off, or a wrong checksum. */
PONTO_MUST_CHECK int teredo_icmp_parse(const struct teredo_packet *p, struct teredo_icmp *out);

/* A whole packet with that message in it; a body that does not fit fails the writer. borrows */
void teredo_write_icmp(struct ponto_writer *w, const struct teredo_ip6 *src, const struct teredo_ip6 *dst,
		       uint8_t hop_limit, const struct teredo_icmp *icmp);

/* An error about quoted, of which as much goes along as fits TEREDO_MTU. RFC 4443 2.4 (c) */
void teredo_write_error(struct ponto_writer *w, const struct teredo_ip6 *src, const struct teredo_ip6 *dst,
			uint8_t hop_limit, uint8_t type, uint8_t code, uint32_t word, struct ponto_bytes quoted);

static inline bool teredo_icmp_is_error(const struct teredo_icmp *icmp)
{
	return icmp->type < 128;
}

/* ---- router discovery --------------------------------------------------------------------- */

struct teredo_advertisement {
	uint16_t router_lifetime; /* seconds; servers send 0 too */
	uint32_t mtu;		  /* 0: not told */
	unsigned prefixes;	  /* how many prefix options there are */
	struct teredo_ip6 prefix; /* the first one's */
	uint8_t prefix_bits;
};

/* A valid solicitation or advertisement: type, code, hop limit, source, lengths of options. PONTO_EPROTO otherwise.
 * A solicitation's source is checked by the server. */
PONTO_MUST_CHECK int teredo_solicitation_parse(const struct teredo_packet *p);
PONTO_MUST_CHECK int teredo_advertisement_parse(const struct teredo_packet *p, struct teredo_advertisement *out);

/* Whole packets: from src to ff02::2; from the server (its primary address) to dst. RFC 4380 5.2.1, 5.3.2 */
void teredo_write_solicitation(struct ponto_writer *w, const struct teredo_ip6 *src);
void teredo_write_advertisement(struct ponto_writer *w, uint32_t server, const struct teredo_ip6 *dst);

#ifdef __cplusplus
}
#endif
#endif
