#include "framework/arena.h"

#include <string.h>

struct ponto_arena_block {
	struct ponto_arena_block *next;
	_Alignas(max_align_t) uint8_t data[];
};

void *ponto_arena_take(struct ponto_arena *arena, size_t count, size_t size)
{
	struct ponto_arena_block *block;

	if (arena->failed)
		return NULL;
	block = size != 0 && count > (SIZE_MAX - sizeof(*block)) / size
			? NULL
			: ponto_new(arena->alloc, 1, sizeof(*block) + count * size);
	if (!block) {
		arena->failed = true;
		return NULL;
	}
	block->next = arena->blocks;
	arena->blocks = block;
	return block->data;
}

char *ponto_arena_text(struct ponto_arena *arena, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = ponto_arena_take(arena, 1, size);

	if (copy)
		memcpy(copy, text, size);
	return copy;
}

void ponto_arena_clear(struct ponto_arena *arena)
{
	while (arena->blocks) {
		struct ponto_arena_block *next = arena->blocks->next;

		ponto_free(arena->alloc, arena->blocks);
		arena->blocks = next;
	}
	arena->failed = false;
}
