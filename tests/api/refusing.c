#include "tests/api/refusing.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

void *failing_malloc(size_t size);
void *failing_calloc(size_t count, size_t size);
void *failing_realloc(void *block, size_t size);
char *failing_strdup(const char *text);
extern const struct ponto_alloc failing_alloc_system;

/* ---- the allocator ------------------------------------------------------------------------------ */

static struct {
	atomic_size_t made, at; /* at 0: nothing is refused */
	atomic_bool refused;
	atomic_bool everywhere; /* the library's threads too */
	_Atomic pthread_t thread;
} failing;

static bool refuse(void)
{
	size_t at = failing.at;

	if (at == 0 || (!failing.everywhere && !pthread_equal(pthread_self(), failing.thread)))
		return false;
	if (atomic_fetch_add(&failing.made, 1) + 1 != at)
		return false;
	failing.refused = true;
	errno = ENOMEM;
	return true;
}

void *failing_malloc(size_t size)
{
	return refuse() ? NULL : malloc(size);
}

void *failing_calloc(size_t count, size_t size)
{
	return refuse() ? NULL : calloc(count, size);
}

void *failing_realloc(void *block, size_t size)
{
	return refuse() ? NULL : realloc(block, size);
}

char *failing_strdup(const char *text)
{
	return refuse() ? NULL : strdup(text);
}

static void *allocate(void *ctx, size_t size)
{
	(void)ctx;
	return failing_malloc(size);
}

static void *resize(void *ctx, void *block, size_t size)
{
	(void)ctx;
	return failing_realloc(block, size);
}

static void release(void *ctx, void *block)
{
	(void)ctx;
	free(block);
}

const struct ponto_alloc failing_alloc_system = {allocate, resize, release, NULL};

void begin_refusing(size_t at, bool everywhere)
{
	failing.thread = pthread_self();
	failing.everywhere = everywhere;
	failing.made = 0;
	failing.refused = false;
	failing.at = at;
}

size_t pause_refusing(void)
{
	return atomic_exchange(&failing.at, 0);
}

void resume_refusing(size_t at)
{
	failing.at = at;
}

bool end_refusing(void)
{
	failing.at = 0;
	return failing.refused;
}

void each_refused(run_fn *run, HRESULT expected)
{
	size_t n = 1;

	for (;; n++) {
		HRESULT result;

		begin_refusing(n, false);
		result = run();
		if (!end_refusing()) {
			assert_int_equal(result, S_OK);
			break;
		}
		if (result != expected)
			fail_msg("allocation %zu refused: %08x, not %08x", n, (unsigned)result, (unsigned)expected);
	}
	assert_true(n > 1);
}
