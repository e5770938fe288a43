/* Ponto ring: the publisher's synchronisation conversations: who has sent a SOLICIT and may send a REQUEST.
 *
 * Pure. Keyed by source address, port and hashed nonce; each lives 15 seconds from its last SOLICIT. Bounded
 * in all and per source host. [MS-PNRP] 3.2.1, 3.2.2, 3.2.5.3, 3.2.5.4. */
#ifndef ENGINES_RING_RING_CONVERSATION_H
#define ENGINES_RING_RING_CONVERSATION_H

#include "engines/ring/ring_id.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RING_CONVERSATION_TIME (15 * PONTO_SECOND)
#define RING_CONVERSATIONS_HOST_SHARE 4 /* one host may hold a quarter of the table */
#define RING_HASH_SIZE 20

struct ring_conversation {
	struct ring_conversation *next; /* older first */
	uint64_t deadline;
	struct ponto_addr peer;
	struct ring_id peer_id; /* an ID of the peer, or zero */
	uint8_t hash[RING_HASH_SIZE];
};

struct ring_conversations {
	const struct ponto_alloc *alloc;
	struct ring_conversation *list;
	uint32_t count, limit;
};

/* borrows alloc for the object's life */
void ring_conversations_init(struct ring_conversations *c, const struct ponto_alloc *alloc, uint32_t limit);
void ring_conversations_clear(struct ring_conversations *c);

/* Starts a conversation or restarts its timer. PONTO_EBUSY: full, in all or for this host; PONTO_ENOMEM. */
PONTO_MUST_CHECK int ring_conversation_open(struct ring_conversations *c, uint64_t now, const struct ponto_addr *peer,
					    const uint8_t hash[RING_HASH_SIZE], const struct ring_id *peer_id);

/* Whether the peer has a conversation with this hash, or any. */
bool ring_conversation_has(const struct ring_conversations *c, const struct ponto_addr *peer,
			   const uint8_t hash[RING_HASH_SIZE]);
bool ring_conversation_any(const struct ring_conversations *c, const struct ponto_addr *peer);

/* Ends the peer's conversation with this hash; *peer_id is what it told. PONTO_ENOENT. */
PONTO_MUST_CHECK int ring_conversation_take(struct ring_conversations *c, const struct ponto_addr *peer,
					    const uint8_t hash[RING_HASH_SIZE], struct ring_id *peer_id);

/* Deletes those whose timer has expired. */
void ring_conversations_expire(struct ring_conversations *c, uint64_t now);

static inline uint64_t ring_conversations_deadline(const struct ring_conversations *c)
{
	return c->list ? c->list->deadline : PONTO_NEVER;
}

#ifdef __cplusplus
}
#endif
#endif
