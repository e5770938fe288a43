/* Memory for one answer: taken piece by piece, given back at once. One thread. */
#ifndef PLUGINS_SERVICE_PNRP_SVC_ARENA_H
#define PLUGINS_SERVICE_PNRP_SVC_ARENA_H

#include "framework/base.h"

struct svc_arena_block;

/* failed is sticky: pieces taken afterwards are NULL, so a builder checks once, at the end. */
struct svc_arena {
	const struct ponto_alloc *alloc;
	struct svc_arena_block *blocks;
	bool failed;
};

/* Zeroed memory for count objects; NULL after a failure. */
void *svc_arena_take(struct svc_arena *arena, size_t count, size_t size);

/* A copy of text; NULL after a failure. */
char *svc_arena_text(struct svc_arena *arena, const char *text);

void svc_arena_clear(struct svc_arena *arena);

#endif
