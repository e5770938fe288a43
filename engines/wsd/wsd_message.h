/* WS-Discovery as content distribution uses it: Probe and ProbeMatches, of
 * version 1 (for Content Information 1.0) and 2.
 *
 * Pure; no allocation but libxml2's. Read by namespace, with the hardened XML of
 * the framework; written as text, since deployed peers search it for tags as
 * they stand, with these prefixes and without attributes.
 * [MS-PCCRD] 2.2; WS-Discovery of April 2005. */
#ifndef ENGINES_WSD_WSD_MESSAGE_H
#define ENGINES_WSD_WSD_MESSAGE_H

#include "engines/content/content_codec.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WSD_PORT 3702
#define WSD_IDS_MAX 255	      /* in one message: a count of version 2 is one byte */
#define WSD_ADDRS_MAX 4	      /* of a peer that are kept */
#define WSD_URI_MAX 96	      /* bytes of a message's or an endpoint's name, NUL included */
#define WSD_MESSAGE_MAX 32768 /* bytes of the longest message made; what is read may be as long as a datagram */

enum wsd_state {
	WSD_ABSENT = 0,
	WSD_PARTIAL = 2,
	WSD_COMPLETE = 3,
};

struct wsd_probe {
	uint8_t version;		    /* 1 or 2 */
	char message_id[WSD_URI_MAX];	    /* printable, without characters that XML treats specially */
	uint16_t count;			    /* 1..WSD_IDS_MAX */
	struct content_id ids[WSD_IDS_MAX]; /* of version 2 all 32 bytes long */
};

/* What a peer says of one segment. */
struct wsd_segment {
	uint8_t state;	 /* enum wsd_state; of version 1 PARTIAL: how much is told by blocks */
	uint32_t blocks; /* version 1; 0 otherwise */
	bool has_age;	 /* version 2 */
	uint64_t age;	 /* microseconds */
};

struct wsd_match {
	uint8_t version;
	char message_id[WSD_URI_MAX];
	char relates_to[WSD_URI_MAX]; /* the Probe's */
	char address[WSD_URI_MAX];    /* urn:uuid:… of the peer */
	uint64_t instance, number;
	uint8_t addr_count;
	struct ponto_addr addrs[WSD_ADDRS_MAX];
	uint16_t count;			    /* segments told of */
	struct content_id ids[WSD_IDS_MAX]; /* version 1: which; version 2: the Probe's, in its order */
	struct wsd_segment segments[WSD_IDS_MAX];
};

/* PONTO_ENOENT: well-formed XML, but no Probe for us: someone else's. PONTO_EPROTO: to be dropped. PONTO_ENOMEM.
 * borrows */
PONTO_MUST_CHECK int wsd_probe_parse(struct ponto_bytes datagram, struct wsd_probe *out);

/* The same of ProbeMatches; one ProbeMatch is read, as no peer sends more. In version 2, ids are left empty and count
 * is what the bits hold, which may be up to three more than were asked for. */
PONTO_MUST_CHECK int wsd_match_parse(struct ponto_bytes datagram, struct wsd_match *out);

/* PONTO_EINVAL: no IDs, too many, of a length other than 32 in version 2, names that XML cannot hold as they are.
 * PONTO_ELIMIT: cap does not suffice. borrows */
PONTO_MUST_CHECK int wsd_probe_make(const struct wsd_probe *probe, char *buf, size_t cap, size_t *len);

/* In version 1 segments with no block are left out, and without any other PONTO_EINVAL. */
PONTO_MUST_CHECK int wsd_match_make(const struct wsd_match *match, char *buf, size_t cap, size_t *len);

#ifdef __cplusplus
}
#endif
#endif
