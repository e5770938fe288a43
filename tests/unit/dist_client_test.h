/* Tests: fetching nodes of a branch, and an origin and neighbours that do as a test says. */
#ifndef PONTO_TESTS_DIST_CLIENT_TEST_H
#define PONTO_TESTS_DIST_CLIENT_TEST_H

#include <stdio.h>

#include "framework/metrics.h"
#include "tests/sim/sim_lan.h"

#define URL "http://origin.example/file"
#define SIZE (40 * 65536 + 1234)

struct scene {
	struct lan lan;
	void (*origin)(struct scene *scene, struct lan_exchange *ex); /* NULL: as it should be */
	void (*mangle)(struct scene *scene, struct lan_exchange *ex);
	unsigned count; /* the case's own */
};

static inline void on_origin(void *arg, struct lan_exchange *ex)
{
	struct scene *s = arg;

	if (s->origin)
		s->origin(s, ex);
	else
		lan_content_answer(ex);
}

static inline void on_mangle(void *arg, struct lan_exchange *ex)
{
	struct scene *s = arg;

	if (s->mangle)
		s->mangle(s, ex);
}

static inline struct scene *scene(enum content_algo algo, size_t size, unsigned nodes)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	lan_init(&s->lan, 1);
	lan_content_init(&s->lan, algo, size);
	s->lan.origin = on_origin;
	s->lan.mangle = on_mangle;
	s->lan.arg = s;
	for (unsigned i = 0; i < nodes; i++)
		assert_int_equal(lan_add(&s->lan, NULL), i);
	return s;
}

static inline void end_scene(struct scene *s)
{
	lan_clear(&s->lan);
	free(s);
}

/* Fetches with a node until it is done; at most an hour. */
static inline struct lan_download fetch(struct scene *s, unsigned node, bool any_order)
{
	struct lan_download d = {.any_order = any_order};

	lan_download(&s->lan, node, URL, &d);
	lan_download_wait(&d);
	return d;
}

static inline void fetched(struct scene *s, unsigned node, bool any_order, uint64_t peers, uint64_t origin,
			   uint64_t cache)
{
	struct lan_download d = fetch(s, node, any_order);

	if (d.result != PONTO_OK)
		fail_msg("%s", d.error);
	assert_true(lan_downloaded(&d));
	assert_int_equal(d.peers, peers);
	assert_int_equal(d.origin, origin);
	assert_int_equal(d.cache, cache);
	lan_download_clear(&d);
}

static inline void refused(struct scene *s, int result, const char *text)
{
	struct lan_download d = fetch(s, 0, false);

	assert_int_equal(d.result, result);
	if (!strstr(d.error, text))
		fail_msg("\"%s\" does not say \"%s\"", d.error, text);
	assert_null(strchr(d.error, '\n'));
	lan_download_clear(&d);
}

static inline void is_silent(struct scene *s, struct lan_exchange *ex)
{
	(void)s;
	ex->stall = true;
}

static inline void answers_404(struct scene *s, struct lan_exchange *ex)
{
	(void)s;
	lan_answer(ex, 404, NULL, ponto_bytes("no", 2));
}

/* Answers with blocks are long. */
static inline bool with_block(const struct lan_exchange *ex)
{
	return ex->data.len > 1000;
}

#endif
