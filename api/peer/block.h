/* Results as Windows gives them: a structure and all that it points at in one block. A function that packs is called
 * twice: with data NULL it only measures, and every take gives NULL; then it fills.
 *
 *     struct peer_block b = {0};
 *     pack(&b, what);
 *     if (!peer_block_alloc(&b)) return E_OUTOFMEMORY;
 *     pack(&b, what);
 *
 * One thread at a time. */
#ifndef PONTO_API_PEER_BLOCK_H
#define PONTO_API_PEER_BLOCK_H

#include <stdbool.h>

#include <p2p.h>

#include "framework/base.h"

struct peer_block {
	uint8_t *data; /* NULL: measuring */
	size_t size;   /* measured, or the room at data */
	size_t used;
};

/* Makes room for what was measured, zeroed; PeerFreeData frees it. False without memory. */
bool peer_block_alloc(struct peer_block *b);

/* Fills a buffer of the caller's, aligned to 8, instead. False when it is smaller than what was measured. */
bool peer_block_into(struct peer_block *b, void *buffer, size_t room);

/* Aligned to 8. NULL when measuring. */
void *peer_block_take(struct peer_block *b, size_t size);

/* A text in UTF-8 as UTF-16; NULL for NULL. */
PWSTR peer_block_text(struct peer_block *b, const char *text);

/* Bytes; NULL when measuring, or for none. */
void *peer_block_bytes(struct peer_block *b, const void *data, size_t len);

#endif
