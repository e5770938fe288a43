#include "plugins/service-pnrp/svc_arena.h"

#include <string.h>

struct svc_arena_block {
	struct svc_arena_block *next;
	_Alignas(max_align_t) uint8_t data[];
};

void *svc_arena_take(struct svc_arena *arena, size_t count, size_t size)
{
	struct svc_arena_block *block;

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

char *svc_arena_text(struct svc_arena *arena, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = svc_arena_take(arena, 1, size);

	if (copy)
		memcpy(copy, text, size);
	return copy;
}

void svc_arena_clear(struct svc_arena *arena)
{
	while (arena->blocks) {
		struct svc_arena_block *next = arena->blocks->next;

		ponto_free(arena->alloc, arena->blocks);
		arena->blocks = next;
	}
	arena->failed = false;
}
