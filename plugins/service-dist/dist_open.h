/* service-dist: a block that came from others, opened: deciphered, cut to its length, hashed. */
#ifndef PLUGINS_SERVICE_DIST_DIST_OPEN_H
#define PLUGINS_SERVICE_DIST_DIST_OPEN_H

#include "engines/content/content_client.h"

struct dist_opened {
	struct content_open open;
	uint8_t *plain; /* open.size bytes count; none of one that is relayed */
	uint8_t hash[CONTENT_HASH_MAX];
	int result;
	bool innocent; /* it has another hash, and who sent it may be right: the description, a local user's, proves nothing */
};

/* On any thread. Fills in the rest; a relayed block is left as it is. gives plain */
void dist_open(const struct ponto_alloc *alloc, struct dist_opened *block);

#endif
