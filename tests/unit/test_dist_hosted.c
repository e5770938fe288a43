/* Hosted caches as a whole, in simulated nodes: node 0 is one, the others offer to it and fetch from it. */
#include <stdio.h>

#include "engines/content/content_offer.h"
#include "framework/metrics.h"
#include "tests/sim/sim_lan.h"

#define URL "http://origin.example/file"
#define SIZE (40 * 65536 + 1234)

struct scene {
	struct lan lan;
	struct lan_content content;
	void (*mangle)(struct scene *scene, struct lan_exchange *ex);
	unsigned offers, initials, infos, lists, count;
	unsigned silent; /* of the requests that arrive, what this node sends is lost; 0: none */
	bool no_version_2;
};

static void on_origin(void *arg, struct lan_exchange *ex)
{
	lan_content_answer(&((struct scene *)arg)->content, ex);
}

static unsigned type_of(const struct lan_exchange *ex)
{
	return ex->body.len > 8 ? (unsigned)(ex->body.data[2] << 8 | ex->body.data[3]) : 0;
}

static void on_mangle(void *arg, struct lan_exchange *ex)
{
	struct scene *s = arg;

	s->offers += strstr(ex->url, "0131501b") != NULL;
	s->initials += strstr(ex->url, "C574AC30") && type_of(ex) == 1;
	s->infos += strstr(ex->url, "C574AC30") && type_of(ex) == 2;
	s->lists += strstr(ex->url, "116B50EB") && ex->body.data[7] == CONTENT_GETSEGLIST;
	if (s->mangle)
		s->mangle(s, ex);
}

static const char *const cache_settings[] = {"hosted_cache=true", NULL};
static const char *const secure_settings[] = {"hosted_cache=true", "hosted_certificate=cert.pem", "hosted_key=key.pem",
					      NULL};
static const char *const client_settings[] = {"hosted=10.0.0.0", NULL};
static const char *const secure_client[] = {"hosted=https://10.0.0.0", NULL};

static struct scene *scene(enum content_algo algo, size_t size, bool secure, unsigned clients)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	lan_init(&s->lan, 1);
	lan_content_init(&s->content, algo, size);
	s->lan.origin = on_origin;
	s->lan.mangle = on_mangle;
	s->lan.arg = s;
	assert_int_equal(lan_add(&s->lan, secure ? secure_settings : cache_settings), 0);
	for (unsigned i = 1; i <= clients; i++)
		assert_int_equal(lan_add(&s->lan, secure ? secure_client : client_settings), i);
	return s;
}

static void end_scene(struct scene *s)
{
	lan_clear(&s->lan);
	lan_content_clear(&s->content);
	free(s);
}

static struct lan_download fetch(struct scene *s, unsigned node)
{
	struct lan_download d = {.any_order = true};

	lan_download(&s->lan, node, &s->content, URL, &d);
	for (unsigned i = 0; i < 3600 && !d.done; i++)
		lan_run(&s->lan, PONTO_SECOND);
	assert_true(d.done);
	if (d.result != PONTO_OK)
		fail_msg("%s", d.error);
	assert_true(lan_downloaded(&d));
	lan_download_clear(&d);
	lan_run(&s->lan, 30 * PONTO_SECOND); /* what is offered is pulled */
	return d;
}

static uint64_t metric(struct scene *s, unsigned node, const char *name)
{
	return ponto_counter_value(ponto_counter(s->lan.nodes[node].metrics, name, "dist", ""));
}

/* ---- as it should be ------------------------------------------------------------------------- */

static void version_2(void **state)
{
	static const enum content_algo algos[] = {CONTENT_TRUNCATED, CONTENT_SHA256};

	(void)state;
	PONTO_PROVES("DIST-469", "DIST-471", "DIST-481");
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(algos); i++) {
		struct scene *s = scene(algos[i], SIZE, false, 2);
		struct lan_download d = fetch(s, 1);

		assert_int_equal(d.origin, SIZE);
		assert_true(s->offers > 0);
		assert_int_equal(metric(s, 0, "dist_hosted_bytes_total") >= SIZE, 1);
		d = fetch(s, 2);
		assert_int_equal(d.peers, SIZE);
		assert_int_equal(d.origin, 0);
		assert_int_equal(s->lan.searches, 0); /* no neighbour was asked */
		assert_int_equal(s->initials, 0);
		assert_int_equal(s->lists > 0, algos[i] == CONTENT_TRUNCATED);
		end_scene(s);
	}
}

static void version_1(void **state)
{
	static const enum content_algo algos[] = {CONTENT_SHA256, CONTENT_SHA384, CONTENT_SHA512};

	(void)state;
	PONTO_PROVES("DIST-453", "DIST-461", "DIST-462");
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(algos); i++) {
		struct scene *s = scene(algos[i], SIZE, true, 2);
		struct lan_download d = fetch(s, 1);

		assert_int_equal(d.origin, SIZE);
		assert_true(s->initials > 0);
		assert_true(s->infos > 0);
		assert_int_equal(s->offers, 0);
		assert_int_equal(metric(s, 0, "dist_hosted_bytes_total"), SIZE);
		d = fetch(s, 2);
		assert_int_equal(d.peers, SIZE);
		assert_int_equal(d.origin, 0);
		end_scene(s);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(version_2),
	cmocka_unit_test(version_1),
};

PONTO_TEST_MAIN(tests)
