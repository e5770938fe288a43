/* Hosted caches as a whole, in simulated nodes: node 0 is one, the others offer to it and fetch from it. */
#include <stdio.h>

#include "engines/content/content_offer.h"
#include "framework/metrics.h"
#include "tests/sim/sim_lan.h"

#define URL "http://origin.example/file"
#define SIZE (40 * 65536 + 1234)

struct scene {
	struct lan lan;
	void (*mangle)(struct scene *scene, struct lan_exchange *ex);
	unsigned offers, initials, infos, lists, count;
	uint8_t tags[8][CONTENT_TAG]; /* of offers, each once */
	unsigned tag_count;
};

static unsigned type_of(const struct lan_exchange *ex)
{
	return ex->body.len > 8 ? (unsigned)(ex->body.data[2] << 8 | ex->body.data[3]) : 0;
}

static void note_tag(struct scene *s, const uint8_t *tag)
{
	for (unsigned i = 0; i < s->tag_count; i++) {
		if (memcmp(s->tags[i], tag, CONTENT_TAG) == 0)
			return;
	}
	assert_true(s->tag_count < 8);
	memcpy(s->tags[s->tag_count++], tag, CONTENT_TAG);
}

static void on_mangle(void *arg, struct lan_exchange *ex)
{
	struct scene *s = arg;

	if (strstr(ex->url, "0131501b"))
		note_tag(s, ex->body.data + CONTENT_OFFER_HEAD + 10);

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

static struct scene *scene_with(enum content_algo algo, size_t size, const char *const *cache,
				const char *const *client, unsigned clients)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	lan_init(&s->lan, 1);
	lan_content_init(&s->lan, algo, size);
	s->lan.mangle = on_mangle;
	s->lan.arg = s;
	assert_int_equal(lan_add(&s->lan, cache), 0);
	for (unsigned i = 1; i <= clients; i++)
		assert_int_equal(lan_add(&s->lan, client), i);
	return s;
}

static struct scene *scene(enum content_algo algo, size_t size, bool secure, unsigned clients)
{
	return scene_with(algo, size, secure ? secure_settings : cache_settings,
			  secure ? secure_client : client_settings, clients);
}

static void end_scene(struct scene *s)
{
	lan_clear(&s->lan);
	free(s);
}

static struct lan_download fetch(struct scene *s, unsigned node)
{
	struct lan_download d = lan_fetch_all(&s->lan, node, URL);

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
	PONTO_PROVES("DIST-469", "DIST-471", "DIST-481", "DIST-496");
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

/* Blocks in memory: read for the first who asks, looked at for the second, sent at once to the third. */
static void blocks_at_once(void **state)
{
	const char *settings[] = {"hosted_cache=true", "hosted_certificate=cert.pem", "hosted_key=key.pem", *state, NULL};
	struct scene *s = scene_with(CONTENT_SHA256, SIZE, settings, secure_client, 4);
	struct lan_download d;
	uint64_t blocks;

	for (unsigned i = 1; i <= 3; i++)
		(void)fetch(s, i);
	assert_int_equal(s->lan.at_once, 0);
	blocks = metric(s, 0, "dist_peer_blocks_total");
	d = fetch(s, 4);
	assert_int_equal(d.peers, SIZE);
	assert_int_equal(s->lan.at_once, 41);
	assert_int_equal(metric(s, 0, "dist_peer_blocks_total"), blocks + 41);
	assert_int_equal(metric(s, 0, "dist_cache_hot_total"), 2 * 41);
	end_scene(s);
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

/* ---- who offers what ---------------------------------------------------------------------------- */

/* A program and the proxy fetch different contents: each has its tag. */
static void tags(void **state)
{
	static const char *const settings[] = {"hosted=10.0.0.0", "proxy=127.0.0.1:8118", NULL};
	struct scene *s = scene(CONTENT_TRUNCATED, SIZE, false, 0);
	struct lan_browser browser;

	(void)state;
	PONTO_PROVES("DIST-474");
	assert_int_equal(lan_add(&s->lan, settings), 1);
	(void)fetch(s, 1);
	assert_int_equal(s->tag_count, 1);
	assert_memory_equal(s->tags[0], "Ponto\0\0\0\0\0\0\0\0\0\0", CONTENT_TAG);
	lan_content_init(&s->lan, CONTENT_TRUNCATED, SIZE / 2 + 99);
	s->lan.content.etag = "\"two\"";
	s->lan.content.data.data[5] ^= 1;
	content_made_free(&s->lan.content.made);
	s->lan.content.made = content_make(CONTENT_TRUNCATED, bytes_of(&s->lan.content.data), NULL);
	lan_browse(&s->lan, 1, "GET", "http://origin.example/other", 8118, NULL, &browser);
	lan_run(&s->lan, 60 * PONTO_SECOND);
	assert_true(browser.done);
	assert_int_equal(browser.body.len, s->lan.content.data.len);
	assert_memory_equal(browser.body.data, s->lan.content.data.data, browser.body.len);
	lan_browser_clear(&browser);
	assert_int_equal(s->tag_count, 2);
	assert_memory_equal(s->tags[1], "Ponto proxy\0\0\0\0", CONTENT_TAG);
	end_scene(s);
}

/* Of a cache that its disk bounds one client brings a share, too: 10 % of a MiB. */
static void a_share_of_a_share(void **state)
{
	static const char *const sizes[] = {"cache_size=1000", "cache_size=0"};
	struct scene *s;

	(void)state;
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(sizes); i++) {
		const char *settings[] = {"hosted_cache=true", sizes[i], "cache_share=10", "hosted_share=10", NULL};

		s = scene(CONTENT_TRUNCATED, SIZE, false, 0);
		s->lan.disk = 10 << 20;
		(void)lan_add(&s->lan, settings);
		assert_int_equal(lan_add(&s->lan, (const char *const[]){"hosted=10.0.0.1", NULL}), 2);
		(void)fetch(s, 2);
		assert_in_range(metric(s, 1, "dist_hosted_bytes_total"), 1, (1 << 20) / 10 + 131072);
		assert_true(metric(s, 1, "dist_hosted_rationed_total") > 0);
		assert_int_equal(metric(s, 1, "dist_hosted_refused_total"), 0);
		assert_int_equal(metric(s, 1, "dist_hosted_unsound_total"), 0);
		end_scene(s);
	}
}

/* ---- what goes wrong -------------------------------------------------------------------------------- */

static void cache_lies(struct scene *s, struct lan_exchange *ex)
{
	if (ex->to != 0 || ex->data.len < 3000)
		return;
	s->count++;
	ex->data.data[2000] ^= 1;
}

static void cache_stalls(struct scene *s, struct lan_exchange *ex)
{
	if (ex->to != 0 || ex->from != 2)
		return;
	s->count++;
	ex->stall = true;
}

static void cache_says_nothing_of_sense(struct scene *s, struct lan_exchange *ex)
{
	if (ex->to != 0 || ex->from != 2)
		return;
	s->count++;
	for (size_t i = 0; i < ex->data.len; i++)
		ex->data.data[i] = (uint8_t)(i * 7);
}

static void cache_gives_nothing(struct scene *s, struct lan_exchange *ex)
{
	if (ex->to != 1 || !strstr(ex->url, "116B50EB"))
		return;
	s->count++;
	ex->status = 500;
}

static void cache_refuses(struct scene *s, struct lan_exchange *ex)
{
	if (ex->to != 0 || ex->from != 2)
		return;
	s->count++;
	ex->status = 500;
}

/* Whatever a cache does, the origin sends what is missing. */
static void caches_that_are_no_good(void **state)
{
	static void (*const ways[])(struct scene *, struct lan_exchange *) = {
		cache_lies,
		cache_stalls,
		cache_says_nothing_of_sense,
		cache_refuses,
	};

	(void)state;
	for (unsigned i = 0; i < 2 * PONTO_ARRAY_SIZE(ways); i++) {
		struct scene *s = scene(i % 2 ? CONTENT_SHA256 : CONTENT_TRUNCATED, SIZE, i % 2, 2);
		struct lan_download d;

		(void)fetch(s, 1);
		s->mangle = ways[i / 2];
		d = fetch(s, 2);
		assert_true(d.origin >= SIZE - 2000); /* the last block is too short to be lied about */
		assert_true(s->count > 0);
		end_scene(s);
	}
}

/* Who offers sends something else than he offered: with keys nothing of it is kept; without, clients see it. */
static void client_lies(struct scene *s, struct lan_exchange *ex)
{
	if (ex->to != 1 || ex->data.len < 3000)
		return;
	s->count++;
	ex->data.data[2000] ^= 1;
}

static void clients_that_lie(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct scene *s = scene(i ? CONTENT_SHA256 : CONTENT_TRUNCATED, SIZE, i, 3);
		struct lan_download d;

		s->mangle = client_lies;
		(void)fetch(s, 1);
		assert_true(s->count > 0);
		assert_int_equal(metric(s, 0, "dist_hosted_wrong_total") > 0, i);
		d = fetch(s, 2);
		assert_true(d.origin >= SIZE - 2000);
		assert_int_equal(metric(s, 2, "dist_wrong_blocks_total") > 0, i == 0);
		assert_int_equal(metric(s, 0, "dist_hosted_replaced_total") > 0, i == 0);
		/* What the second one brought takes its place. */
		d = fetch(s, 3);
		assert_true(d.peers > SIZE / 2);
		end_scene(s);
	}
}

/* One that goes in the middle of being asked, and a cache that goes in the middle of asking. */
static void gone_in_the_middle(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct scene *s = scene(i % 2 ? CONTENT_SHA256 : CONTENT_TRUNCATED, SIZE, i % 2, 2);
		struct lan_download d = {.any_order = true};

		lan_download(&s->lan, 1, URL, &d);
		for (unsigned k = 0; k < 10000 && s->offers + s->initials == 0; k++)
			lan_run(&s->lan, PONTO_MS);
		assert_true(s->offers + s->initials > 0);
		lan_run(&s->lan, 2 * PONTO_MS);
		lan_remove(&s->lan, i < 2 ? 1 : 0);
		lan_run(&s->lan, 60 * PONTO_SECOND);
		lan_download_clear(&d);
		d = fetch(s, 2);
		end_scene(s);
	}
}

/* What lies in the store is not fetched of who offers it, though it was not read yet. */
static void offered_while_it_opens(void **state)
{
	static const char *const settings[] = {"hosted=10.0.0.1", NULL};
	struct scene *s = scene(CONTENT_TRUNCATED, SIZE, false, 0);

	(void)state;
	ponto_sim_set_work_time(s->lan.sim, 300 * PONTO_SECOND); /* of what the cache begins with */
	assert_int_equal(lan_add(&s->lan, cache_settings), 1);
	lan_leave(&s->lan, 1, &s->lan.content.made, bytes_of(&s->lan.content.data));
	ponto_sim_set_work_time(s->lan.sim, PONTO_MS);
	for (unsigned i = 2; i < 4; i++)
		assert_int_equal(lan_add(&s->lan, settings), i);
	s->mangle = cache_gives_nothing;
	assert_int_equal(fetch(s, 2).origin, SIZE);
	assert_true(s->count > 0);
	assert_true(s->offers > 0);
	assert_int_equal(metric(s, 1, "dist_hosted_segments_total"), s->lan.content.made.count);
	assert_int_equal(metric(s, 1, "dist_hosted_held_total"), s->lan.content.made.count);
	assert_int_equal(metric(s, 1, "dist_hosted_blocks_total"), 0);
	s->mangle = NULL;
	assert_int_equal(fetch(s, 3).peers, SIZE);
	end_scene(s);
}

/* The second of two is asked and offered to as long as the first is silent. */
static void two_caches(void **state)
{
	static const char *const settings[] = {"hosted=10.0.0.0,10.0.0.1", NULL};
	struct scene *s = scene(CONTENT_TRUNCATED, SIZE, false, 0);

	(void)state;
	assert_int_equal(lan_add(&s->lan, cache_settings), 1);
	for (unsigned i = 2; i < 5; i++)
		assert_int_equal(lan_add(&s->lan, settings), i);
	s->lan.nodes[0].gone = true;
	assert_int_equal(fetch(s, 2).origin, SIZE);
	assert_int_equal(metric(s, 1, "dist_hosted_bytes_total") >= SIZE, 1);
	assert_true(fetch(s, 3).peers > SIZE / 2);
	s->lan.nodes[0].gone = false;
	assert_int_equal(fetch(s, 4).peers, 0); /* the first is asked again, and has nothing yet */
	assert_true(metric(s, 0, "dist_hosted_bytes_total") >= SIZE);
	end_scene(s);
}

/* ---- what is configured -------------------------------------------------------------------------------- */

static void starts(const char *const *settings, bool expected)
{
	struct lan lan;

	lan_init(&lan, 1);
	assert_int_equal(lan_starts(&lan, settings), expected);
	lan_clear(&lan);
}

static void settings(void **state)
{
	(void)state;
	PONTO_PROVES("DIST-455");
	starts((const char *const[]){"hosted_cache=true", NULL}, true);
	starts((const char *const[]){"hosted_cache=true", "retrieval=", NULL}, false);
	starts((const char *const[]){"hosted_cache=true", "hosted_certificate=c.pem", NULL}, false);
	starts((const char *const[]){"hosted_cache=true", "hosted_key=c.pem", NULL}, false);
	starts((const char *const[]){"hosted_cache=true", "hosted_certificate=c", "hosted_key=k",
				     "hosted_listen=", NULL},
	       false);
	starts((const char *const[]){"hosted=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p", NULL}, true);
	starts((const char *const[]){"hosted=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", NULL}, false);
	starts((const char *const[]){"hosted=[2001:db8::1]:8080,https://x.example:8443,10.1.2.3:99",
				     "hosted_cache=true", NULL},
	       true);
}

/* Without a retrieval server there is nothing to offer from. */
static void nothing_is_offered_without_serving(void **state)
{
	static const char *const silent[] = {"hosted=10.0.0.0", "retrieval=", NULL};
	struct scene *s = scene(CONTENT_TRUNCATED, SIZE, false, 0);

	(void)state;
	PONTO_PROVES("DIST-402");
	assert_int_equal(lan_add(&s->lan, silent), 1);
	assert_int_equal(fetch(s, 1).origin, SIZE);
	assert_int_equal(s->offers, 0);
	end_scene(s);
}

static char plain[] = "cipher=none", sealed[] = "cipher=aes-128";

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(version_2),
	cmocka_unit_test(version_1),
	cmocka_unit_test_prestate(blocks_at_once, plain),
	cmocka_unit_test_prestate(blocks_at_once, sealed),
	cmocka_unit_test(tags),
	cmocka_unit_test(a_share_of_a_share),
	cmocka_unit_test(caches_that_are_no_good),
	cmocka_unit_test(clients_that_lie),
	cmocka_unit_test(gone_in_the_middle),
	cmocka_unit_test(offered_while_it_opens),
	cmocka_unit_test(two_caches),
	cmocka_unit_test(settings),
	cmocka_unit_test(nothing_is_offered_without_serving),
};

PONTO_TEST_MAIN(tests)
