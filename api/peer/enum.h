/* Enumerations: what PeerGetNextItem and its sisters walk through. Thread-safe. */
#ifndef PONTO_API_PEER_ENUM_H
#define PONTO_API_PEER_ENUM_H

#include <p2p.h>

#include "api/peer/block.h"

struct peer_enum_kind {
	size_t size; /* bytes of an item */
	/* Packs one as a program sees it (block.h): where it is; NULL when measuring. */
	void *(*pack)(struct peer_block *b, const void *item);
	void (*free)(void *items, size_t count);
};

/* An enumeration of count items, an array that is the enumeration's from now on. E_OUTOFMEMORY. takes items */
HRESULT peer_enum_open(const struct peer_enum_kind *kind, void *items, size_t count, HPEERENUM *out);

#endif
