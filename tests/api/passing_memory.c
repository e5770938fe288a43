/* The allocator of libfailing.la (failing_memory.h) for those who refuse nothing. */
#include <stdlib.h>
#include <string.h>

#include "framework/base.h"

void *failing_malloc(size_t size);
void *failing_calloc(size_t count, size_t size);
void *failing_realloc(void *block, size_t size);
char *failing_strdup(const char *text);
extern const struct ponto_alloc failing_alloc_system;

void *failing_malloc(size_t size)
{
	return malloc(size);
}

void *failing_calloc(size_t count, size_t size)
{
	return calloc(count, size);
}

void *failing_realloc(void *block, size_t size)
{
	return realloc(block, size);
}

char *failing_strdup(const char *text)
{
	return strdup(text);
}

static void *allocate(void *ctx, size_t size)
{
	(void)ctx;
	return malloc(size);
}

static void *resize(void *ctx, void *block, size_t size)
{
	(void)ctx;
	return realloc(block, size);
}

static void release(void *ctx, void *block)
{
	(void)ctx;
	free(block);
}

const struct ponto_alloc failing_alloc_system = {allocate, resize, release, NULL};
