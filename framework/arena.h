/* Memory for one answer: taken piece by piece, given back at once. One thread. */
#ifndef PONTO_ARENA_H
#define PONTO_ARENA_H

#include "framework/base.h"

struct ponto_arena_block;

/* failed is sticky: pieces taken afterwards are NULL, so a builder checks once, at the end. */
struct ponto_arena {
	const struct ponto_alloc *alloc;
	struct ponto_arena_block *blocks;
	bool failed;
};

/* Zeroed memory for count objects; NULL after a failure. */
void *ponto_arena_take(struct ponto_arena *arena, size_t count, size_t size);

/* A copy of text; NULL after a failure. */
char *ponto_arena_text(struct ponto_arena *arena, const char *text);

void ponto_arena_clear(struct ponto_arena *arena);

#endif
