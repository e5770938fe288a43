#include "engines/ring/ring_conversation.h"

#include <string.h>

void ring_conversations_init(struct ring_conversations *c, const struct ponto_alloc *alloc, uint32_t limit)
{
	memset(c, 0, sizeof(*c));
	c->alloc = alloc;
	c->limit = limit;
}

static struct ring_conversation *unlink_entry(struct ring_conversations *c, struct ring_conversation **at)
{
	struct ring_conversation *entry = *at;

	*at = entry->next;
	c->count--;
	return entry;
}

void ring_conversations_clear(struct ring_conversations *c)
{
	while (c->list)
		ponto_free(c->alloc, unlink_entry(c, &c->list));
}

static bool is_of(const struct ring_conversation *entry, const struct ponto_addr *peer,
		  const uint8_t hash[RING_HASH_SIZE])
{
	return ponto_addr_equal(&entry->peer, peer) && memcmp(entry->hash, hash, RING_HASH_SIZE) == 0;
}

static struct ring_conversation **find(struct ring_conversations *c, const struct ponto_addr *peer,
				       const uint8_t hash[RING_HASH_SIZE])
{
	struct ring_conversation **at = &c->list;

	while (*at && !is_of(*at, peer, hash))
		at = &(*at)->next;
	return at;
}

/* The newest is last, as all have the same time to live. takes entry */
static void append(struct ring_conversations *c, struct ring_conversation *entry)
{
	struct ring_conversation **end = &c->list;

	while (*end)
		end = &(*end)->next;
	entry->next = NULL;
	*end = entry;
	c->count++;
}

int ring_conversation_open(struct ring_conversations *c, uint64_t now, const struct ponto_addr *peer,
			   const uint8_t hash[RING_HASH_SIZE], const struct ring_id *peer_id)
{
	struct ring_conversation **at, *entry;
	unsigned of_host = 0;

	ring_conversations_expire(c, now);
	at = find(c, peer, hash);
	if (*at) {
		entry = unlink_entry(c, at);
		entry->deadline = now + RING_CONVERSATION_TIME;
		append(c, entry);
		return PONTO_OK;
	}
	for (entry = c->list; entry; entry = entry->next)
		of_host += ponto_addr_same_host(&entry->peer, peer);
	if (c->count >= c->limit || of_host * RING_CONVERSATIONS_HOST_SHARE >= c->limit)
		return PONTO_EBUSY;
	entry = ponto_new(c->alloc, 1, sizeof(*entry));
	if (!entry)
		return PONTO_ENOMEM;
	entry->deadline = now + RING_CONVERSATION_TIME;
	entry->peer = *peer;
	entry->peer_id = *peer_id;
	memcpy(entry->hash, hash, RING_HASH_SIZE);
	append(c, entry);
	return PONTO_OK;
}

bool ring_conversation_has(const struct ring_conversations *c, const struct ponto_addr *peer,
			   const uint8_t hash[RING_HASH_SIZE])
{
	const struct ring_conversation *entry = c->list;

	while (entry && !is_of(entry, peer, hash))
		entry = entry->next;
	return entry;
}

bool ring_conversation_any(const struct ring_conversations *c, const struct ponto_addr *peer)
{
	const struct ring_conversation *entry = c->list;

	while (entry && !ponto_addr_equal(&entry->peer, peer))
		entry = entry->next;
	return entry;
}

int ring_conversation_take(struct ring_conversations *c, const struct ponto_addr *peer,
			   const uint8_t hash[RING_HASH_SIZE], struct ring_id *peer_id)
{
	struct ring_conversation **at = find(c, peer, hash);

	if (!*at)
		return PONTO_ENOENT;
	*peer_id = (*at)->peer_id;
	ponto_free(c->alloc, unlink_entry(c, at));
	return PONTO_OK;
}

void ring_conversations_expire(struct ring_conversations *c, uint64_t now)
{
	while (c->list && c->list->deadline <= now)
		ponto_free(c->alloc, unlink_entry(c, &c->list));
}
