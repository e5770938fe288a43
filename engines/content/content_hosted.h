/* Content: the hosted cache: what is answered to offers, what is pulled from whom
 * and in which order, and how far anybody is believed.
 *
 * Pure. Offers come in as bodies of POSTs; what is to be fetched of whom comes
 * out as effects. What arrives is told, block by block. With the keys that
 * version 1.0 sends along a segment is verified before it is anyone's; offers of
 * version 2.0 carry none, so their blocks are relayed as they came, and this is
 * where it is bounded what a liar can do with that:
 *
 *   - verified data never gives way to relayed data;
 *   - relayed data is replaced when somebody who was served of it offers it
 *     nevertheless, since who got it right has no reason to: by each host once,
 *     and ever more rarely; whom many hosts contradict is left alone;
 *   - who offers and does not serve is left alone for a while, then for longer;
 *   - everybody's offers that wait, pulls under way and bytes an hour are bounded.
 *
 * Nothing is delivered wrong either way: clients check every block. What a liar
 * costs is one block to whoever asks, and the gain of the segments he lies about.
 * [MS-PCHC] 3.1. */
#ifndef ENGINES_CONTENT_CONTENT_HOSTED_H
#define ENGINES_CONTENT_CONTENT_HOSTED_H

#include "engines/content/content_offer.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CONTENT_HOSTED_SOURCES 4u /* that a pull has at once */

struct content_hosted;

/* What is cached of a segment. */
struct content_hosted_known {
	bool keyed; /* verified, with keys; else relayed */
	enum content_algo algo;
	uint32_t size;
	uint32_t hashes; /* known of its blocks, version 1.0 */
	struct content_blocks blocks;
};

struct content_hosted_config {
	const struct ponto_alloc *alloc;
	uint64_t seed; /* secret */
	/* Whether anything is cached of a segment. Called from inside content_hosted_offer. */
	bool (*look)(void *arg, const struct content_id *id, struct content_hosted_known *out);
	void *arg;
	uint32_t pulls, pulls_per_client;     /* at once */
	uint32_t waiting, waiting_per_client; /* segments */
	uint32_t clients;		      /* hosts that are remembered */
	uint32_t segments;		      /* whose suppliers are remembered */
	uint64_t bytes_per_client;	      /* an hour; 0: any */
	uint64_t lists;			      /* bytes of block hashes that wait */
};

/* The defaults. borrows alloc */
struct content_hosted_config content_hosted_defaults(const struct ponto_alloc *alloc, uint64_t seed);

enum content_hosted_kind {
	CONTENT_HOSTED_PULL = 1, /* fetch blocks of a segment from sources, then content_hosted_ended */
	CONTENT_HOSTED_JOIN,	 /* one more source of a pull under way */
};

/* How a segment is known to a pull. */
enum content_hosted_mode {
	CONTENT_HOSTED_DESCRIBED = 1, /* segment is as it was offered, its list whole and of its HoD */
	CONTENT_HOSTED_STORED,	      /* as the cache has it: keys and all hashes */
	CONTENT_HOSTED_RELAYED,	      /* by its ID alone: blocks are kept as they come */
};

struct content_hosted_effect {
	uint8_t kind; /* enum content_hosted_kind */
	uint8_t mode; /* enum content_hosted_mode: PULL */
	bool replace; /* what is kept of it goes as new blocks come: PULL, RELAYED */
	uint64_t tag;
	struct content_id id;
	enum content_algo algo;
	uint32_t size;
	uint8_t content_tag[CONTENT_TAG];
	struct content_segment segment; /* DESCRIBED: until ended */
	struct content_blocks blocks;
	struct ponto_addr sources[CONTENT_HOSTED_SOURCES]; /* JOIN: one */
	uint32_t source_count;
};

enum content_hosted_tag { /* 3.2.1, note 8 */
			  CONTENT_TAG_WININET,
			  CONTENT_TAG_WEBIO,
			  CONTENT_TAG_BITS,
			  CONTENT_TAG_SMB,
			  CONTENT_TAG_OTHER,
			  CONTENT_TAGS
};

struct content_hosted_stats {
	uint64_t messages, malformed; /* the latter were dropped */
	uint64_t segments;	      /* offered, */
	uint64_t held;		      /* of these: there already, */
	uint64_t unsound;	      /* of a size, function or description that cannot be, */
	uint64_t refused;	      /* more than is let wait, */
	uint64_t rationed;	      /* more bytes an hour than one host may send, */
	uint64_t ignored;	      /* by who did not serve before */
	uint64_t interested;	      /* INITIAL_OFFERs answered so */
	uint64_t pulls, failed;	      /* begun; without one block */
	uint64_t blocks, bytes;	      /* that came */
	uint64_t wrong;		      /* blocks that were not what was described */
	uint64_t replaced;	      /* pulls that doubt what is kept */
	uint64_t distrusted;	      /* hosts that were left alone because many doubted them */
	uint64_t tags[CONTENT_TAGS];  /* segments offered under them */
	uint32_t waiting, active;     /* now */
};

/* PONTO_EINVAL: a bound of 0. gives */
PONTO_MUST_CHECK int content_hosted_create(const struct content_hosted_config *config, struct content_hosted **out);

/* Accepts NULL. */
void content_hosted_destroy(struct content_hosted *hosted);

/* Another number of bytes an hour, when what may be kept turns out to be another; 0: any. */
void content_hosted_ration(struct content_hosted *hosted, uint64_t bytes_per_client);

/* The body of a POST to the URL of that version, 1 or 2, from this address. PONTO_OK: code is to be answered.
 * PONTO_EPROTO: nothing is, and the exchange ends. */
PONTO_MUST_CHECK int content_hosted_offer(struct content_hosted *hosted, uint64_t now, const struct ponto_addr *client,
					  unsigned version, struct ponto_bytes body, enum content_offer_code *code);

/* 1 and the next wish, or 0. Views in it last until the pull has ended. */
int content_hosted_effect(struct content_hosted *hosted, uint64_t now, struct content_hosted_effect *out);

/* More may be cached of a pull's segment than when it was told: *pull, which nobody has begun with, becomes what is still
 * to be fetched. False: nothing is, and the pull is to be ended with PONTO_EEXIST. */
bool content_hosted_again(struct content_hosted *hosted, uint64_t now, struct content_hosted_effect *pull);

/* A block of a pull came from this address and is kept: so many bytes. */
void content_hosted_block(struct content_hosted *hosted, uint64_t now, uint64_t tag, const struct ponto_addr *from,
			  uint32_t bytes);

/* A block came that is not the one described: who sent it is left alone for a while. */
void content_hosted_wrong(struct content_hosted *hosted, uint64_t now, const struct ponto_addr *from);

/* The pull is over, also when it could not begin. cause: PONTO_OK, or why it was not tried, which is nobody's fault;
 * PONTO_EEXIST: all of it is cached. */
void content_hosted_ended(struct content_hosted *hosted, uint64_t now, uint64_t tag, int cause);

/* A block of a segment that is relayed was given to this address; whole: all of the segment is there. */
void content_hosted_served(struct content_hosted *hosted, const struct content_id *id, const struct ponto_addr *to,
			   bool whole);

void content_hosted_stats(const struct content_hosted *hosted, struct content_hosted_stats *out);

#ifdef __cplusplus
}
#endif
#endif
