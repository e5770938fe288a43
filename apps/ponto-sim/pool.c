#include "apps/ponto-sim/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SLAB_SIZE 65536u /* and alignment */
#define HUGE_SIZE (2u << 20)
#define ARENA_SIZE (64u << 20) /* and alignment; huge pages fit */
#define SLABS (ARENA_SIZE / SLAB_SIZE)
#define SMALL_STEP 16u /* sizes up to SMALL_MAX are rounded to this */
#define SMALL_MAX PONTO_CACHE_LINE
#define MEDIUM_STEP PONTO_CACHE_LINE /* and sizes up to MEDIUM_MAX to this */
#define MEDIUM_MAX 8192u
#define SMALL_CLASSES (SMALL_MAX / SMALL_STEP)
#define CLASSES (SMALL_CLASSES + (MEDIUM_MAX - SMALL_MAX) / MEDIUM_STEP)

/* Cut into slabs, the first of which is lost to this, or one large block. What a block belongs to is told here, side by
 * side for all slabs: heads of their own would be out of the caches whenever a block is given back. */
struct arena {
	struct arena *prev, *next;
	size_t size;
	size_t room;		 /* of its one block; 0: it has slabs */
	uint8_t class_of[SLABS]; /* of the blocks of each slab */
	_Alignas(PONTO_CACHE_LINE) uint8_t block[];
};

_Static_assert(CLASSES <= UINT8_MAX, "a class fits its byte");

struct spare {
	struct spare *next;
};

struct psim_pool {
	struct ponto_alloc alloc;
	struct spare *spare[CLASSES];
	struct arena *arenas;
	uint8_t *fresh, *fresh_end; /* slabs never used */
	uint64_t used, peak;
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PASS_THROUGH true
#else
#define PASS_THROUGH false
#endif

static unsigned class_of(size_t size)
{
	if (size <= SMALL_MAX)
		return size ? (unsigned)((size - 1) / SMALL_STEP) : 0;
	return SMALL_CLASSES + (unsigned)((size - SMALL_MAX - 1) / MEDIUM_STEP);
}

static uint32_t size_of_class(unsigned c)
{
	return c < SMALL_CLASSES ? (c + 1) * SMALL_STEP : SMALL_MAX + (c - SMALL_CLASSES + 1) * MEDIUM_STEP;
}

static struct arena *arena_of(const void *block)
{
	return (struct arena *)((uintptr_t)block & ~(uintptr_t)(ARENA_SIZE - 1));
}

/* The class of a block in a slab. */
static uint8_t *class_at(const void *block)
{
	return &arena_of(block)->class_of[(uintptr_t)block % ARENA_SIZE / SLAB_SIZE];
}

static size_t room_of(const void *block)
{
	return arena_of(block)->room ? arena_of(block)->room : size_of_class(*class_at(block));
}

static void count(struct psim_pool *pool, uint64_t size)
{
	pool->used += size;
	if (pool->used > pool->peak)
		pool->peak = pool->used;
}

/* One more arena of size bytes, which are whole pages. */
static struct arena *add_arena(struct psim_pool *pool, size_t size)
{
	uint8_t *memory = mmap(NULL, size + ARENA_SIZE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct arena *arena;
	size_t before;

	if (memory == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)memory % ARENA_SIZE;
	if (before > 0)
		munmap(memory, before);
	if (before < ARENA_SIZE)
		munmap(memory + before + size, ARENA_SIZE - before);
	arena = (struct arena *)(void *)(memory + before);
	if (size >= 2 * (size_t)HUGE_SIZE)
		(void)madvise(arena, size, MADV_HUGEPAGE);
	arena->size = size;
	arena->next = pool->arenas;
	if (arena->next)
		arena->next->prev = arena;
	pool->arenas = arena;
	return arena;
}

static void remove_arena(struct psim_pool *pool, struct arena *arena)
{
	if (arena->next)
		arena->next->prev = arena->prev;
	if (arena->prev)
		arena->prev->next = arena->next;
	else
		pool->arenas = arena->next;
	munmap(arena, arena->size);
}

/* One more slab of that class, its blocks in order on the free list. */
static bool add_slab(struct psim_pool *pool, unsigned c)
{
	uint32_t size = size_of_class(c);
	struct spare **end = &pool->spare[c];

	if (pool->fresh == pool->fresh_end) {
		struct arena *arena = add_arena(pool, ARENA_SIZE);

		if (!arena)
			return false;
		pool->fresh = (uint8_t *)arena + SLAB_SIZE;
		pool->fresh_end = (uint8_t *)arena + ARENA_SIZE;
	}
	*class_at(pool->fresh) = (uint8_t)c;
	pool->fresh += SLAB_SIZE;
	for (uint8_t *block = pool->fresh - SLAB_SIZE; block + size <= pool->fresh; block += size) {
		*end = (struct spare *)(void *)block;
		end = &(*end)->next;
	}
	*end = NULL;
	return true;
}

static void *large_alloc(struct psim_pool *pool, size_t size)
{
	size_t whole = (sizeof(struct arena) + size + SLAB_SIZE - 1) & ~(size_t)(SLAB_SIZE - 1);
	struct arena *arena;

	if (whole >= 2 * (size_t)HUGE_SIZE)
		whole = (whole + HUGE_SIZE - 1) & ~((size_t)HUGE_SIZE - 1);
	arena = whole < size ? NULL : add_arena(pool, whole);
	if (!arena)
		return NULL;
	arena->room = whole - sizeof(*arena);
	count(pool, whole);
	return arena->block;
}

static void *pool_alloc(void *ctx, size_t size)
{
	struct psim_pool *pool = ctx;
	struct spare *block;
	unsigned c;

	if (size > MEDIUM_MAX)
		return large_alloc(pool, size);
	c = class_of(size);
	if (!pool->spare[c] && !add_slab(pool, c))
		return NULL;
	block = pool->spare[c];
	pool->spare[c] = block->next;
	ponto_prefetch(block->next, 1); /* whoever comes next shall not wait for it */
	count(pool, size_of_class(c));
	return block;
}

static void pool_release(void *ctx, void *block)
{
	struct psim_pool *pool = ctx;
	struct spare *spare = block;
	uint8_t c;

	if (!block)
		return;
	if (arena_of(block)->room) {
		pool->used -= arena_of(block)->size;
		remove_arena(pool, arena_of(block));
		return;
	}
	c = *class_at(block);
	pool->used -= size_of_class(c);
	spare->next = pool->spare[c];
	pool->spare[c] = spare;
}

static void *pool_resize(void *ctx, void *block, size_t size)
{
	size_t room;
	void *moved;

	if (!block)
		return pool_alloc(ctx, size);
	room = room_of(block);
	if (size <= room && (room <= SMALL_STEP || size > room / 2))
		return block;
	moved = pool_alloc(ctx, size);
	if (!moved)
		return NULL;
	memcpy(moved, block, size < room ? size : room);
	pool_release(ctx, block);
	return moved;
}

struct psim_pool *psim_pool_create(void)
{
	struct psim_pool *pool = calloc(1, sizeof(*pool));

	if (pool)
		pool->alloc = PASS_THROUGH ? ponto_alloc_system
					   : (struct ponto_alloc){pool_alloc, pool_resize, pool_release, pool};
	return pool;
}

void psim_pool_destroy(struct psim_pool *pool)
{
	if (!pool)
		return;
	while (pool->arenas)
		remove_arena(pool, pool->arenas);
	free(pool);
}

const struct ponto_alloc *psim_pool_alloc(const struct psim_pool *pool)
{
	return &pool->alloc;
}

uint64_t psim_pool_used(const struct psim_pool *pool)
{
	return pool->used;
}

uint64_t psim_pool_peak(const struct psim_pool *pool)
{
	return pool->peak;
}

void psim_require(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "ponto-sim: %s\n", what);
	exit(1);
}
