#include "apps/ponto-sim/pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SLAB_SIZE 65536u /* and alignment */
#define HUGE_SIZE (2u << 20)
#define ARENA_SIZE (64u << 20) /* slabs are cut from arenas, which huge pages fit */
#define SMALL_STEP 16u	       /* sizes up to SMALL_MAX are rounded to this */
#define SMALL_MAX PONTO_CACHE_LINE
#define MEDIUM_STEP PONTO_CACHE_LINE /* and sizes up to MEDIUM_MAX to this */
#define MEDIUM_MAX 8192u
#define SMALL_CLASSES (SMALL_MAX / SMALL_STEP)
#define CLASSES (SMALL_CLASSES + (MEDIUM_MAX - SMALL_MAX) / MEDIUM_STEP)
#define LARGE UINT32_MAX

struct slab {
	uint32_t size; /* of its blocks; LARGE: one block of room bytes */
	uint64_t room;
	struct slab *prev, *next;		     /* large ones only */
	_Alignas(PONTO_CACHE_LINE) uint8_t blocks[]; /* a small one lies in one line */
};

struct spare {
	struct spare *next;
};

struct arena {
	struct arena *next;
	void *memory;
};

struct psim_pool {
	struct ponto_alloc alloc;
	struct spare *spare[CLASSES];
	struct slab *large;
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

static struct slab *slab_of(const void *block)
{
	return (struct slab *)((uintptr_t)block & ~(uintptr_t)(SLAB_SIZE - 1));
}

static void count(struct psim_pool *pool, uint64_t size)
{
	pool->used += size;
	if (pool->used > pool->peak)
		pool->peak = pool->used;
}

static bool add_arena(struct psim_pool *pool)
{
	struct arena *arena = malloc(sizeof(*arena));
	uint8_t *memory;

	if (!arena)
		return false;
	memory = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED) {
		free(arena);
		return false;
	}
	(void)madvise(memory, ARENA_SIZE, MADV_HUGEPAGE);
	arena->memory = memory;
	arena->next = pool->arenas;
	pool->arenas = arena;
	pool->fresh = (uint8_t *)(((uintptr_t)memory + SLAB_SIZE - 1) & ~(uintptr_t)(SLAB_SIZE - 1));
	pool->fresh_end = memory + ARENA_SIZE;
	return true;
}

/* One more slab of that class, its blocks in order on the free list. */
static bool add_slab(struct psim_pool *pool, unsigned c)
{
	uint32_t size = size_of_class(c);
	struct slab *slab;
	struct spare **end = &pool->spare[c];

	if ((size_t)(pool->fresh_end - pool->fresh) < SLAB_SIZE && !add_arena(pool))
		return false;
	slab = (struct slab *)(void *)pool->fresh;
	pool->fresh += SLAB_SIZE;
	slab->size = size;
	for (uint8_t *block = slab->blocks; block + size <= (uint8_t *)slab + SLAB_SIZE; block += size) {
		*end = (struct spare *)(void *)block;
		end = &(*end)->next;
	}
	*end = NULL;
	return true;
}

static void *large_alloc(struct psim_pool *pool, size_t size)
{
	size_t whole = (sizeof(struct slab) + size + SLAB_SIZE - 1) & ~(size_t)(SLAB_SIZE - 1);
	bool huge = whole >= 2 * (size_t)HUGE_SIZE;
	struct slab *slab;

	if (huge)
		whole = (whole + HUGE_SIZE - 1) & ~((size_t)HUGE_SIZE - 1);
	slab = whole < size ? NULL : aligned_alloc(huge ? HUGE_SIZE : SLAB_SIZE, whole);
	if (!slab)
		return NULL;
	if (huge)
		(void)madvise(slab, whole, MADV_HUGEPAGE);
	slab->size = LARGE;
	slab->room = whole - sizeof(*slab);
	slab->prev = NULL;
	slab->next = pool->large;
	if (pool->large)
		pool->large->prev = slab;
	pool->large = slab;
	count(pool, whole);
	return slab->blocks;
}

static void large_free(struct psim_pool *pool, struct slab *slab)
{
	if (slab->next)
		slab->next->prev = slab->prev;
	if (slab->prev)
		slab->prev->next = slab->next;
	else
		pool->large = slab->next;
	pool->used -= slab->room + sizeof(*slab);
	free(slab);
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
	count(pool, size_of_class(c));
	return block;
}

static void pool_release(void *ctx, void *block)
{
	struct psim_pool *pool = ctx;
	struct spare *spare = block;
	struct slab *slab;

	if (!block)
		return;
	slab = slab_of(block);
	if (slab->size == LARGE) {
		large_free(pool, slab);
		return;
	}
	pool->used -= slab->size;
	spare->next = pool->spare[class_of(slab->size)];
	pool->spare[class_of(slab->size)] = spare;
}

static void *pool_resize(void *ctx, void *block, size_t size)
{
	uint64_t room;
	void *moved;

	if (!block)
		return pool_alloc(ctx, size);
	room = slab_of(block)->size == LARGE ? slab_of(block)->room : slab_of(block)->size;
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
	while (pool->large)
		large_free(pool, pool->large);
	while (pool->arenas) {
		struct arena *arena = pool->arenas;

		pool->arenas = arena->next;
		munmap(arena->memory, ARENA_SIZE);
		free(arena);
	}
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
