/* The client of service-dist as a whole, in simulated nodes: fetches, neighbours and origins of every kind. */
#include "tests/unit/dist_client_test.h"

/* ---- as it should be ------------------------------------------------------------------------- */

static void shapes(void **state)
{
	static const enum content_algo algos[] = {CONTENT_SHA256, CONTENT_SHA384, CONTENT_SHA512, CONTENT_TRUNCATED};

	(void)state;
	PONTO_PROVES("DIST-370");
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(algos); i++) {
		struct scene *s = scene(algos[i], SIZE, 2);

		/* From the origin, in its order; then by a neighbour, in none; then from what is kept. */
		fetched(s, 0, false, 0, SIZE, 0);
		assert_int_equal(s->lan.content.described, 1);
		assert_int_equal(s->lan.content.plain, 0);
		assert_true(s->lan.content.missing > 0);
		s->lan.content.missing = 0;
		fetched(s, 1, true, SIZE, 0, 0);
		fetched(s, 1, false, 0, 0, SIZE);
		assert_int_equal(s->lan.content.missing, 0);
		end_scene(s);
	}
}

/* What is asked, header by header. */
static void look_at(struct scene *s, struct lan_exchange *ex)
{
	const char *accept = lan_header(ex, "Accept-Encoding"), *params = lan_header(ex, "X-P2P-PeerDist"),
		   *params_ex = lan_header(ex, "X-P2P-PeerDistEx");

	assert_non_null(accept);
	assert_non_null(params);
	assert_non_null(params_ex);
	assert_non_null(strstr(params, "Version=1.1"));
	assert_non_null(strstr(params_ex, "MinContentInformation=1.0"));
	assert_non_null(strstr(params_ex, "MaxContentInformation=2.0"));
	if (s->count++ == 0) {
		assert_string_equal(accept, "identity, peerdist");
		assert_null(strstr(params, "MissingData"));
		assert_null(lan_header(ex, "Range"));
	} else {
		assert_null(strstr(accept, "peerdist"));
		assert_non_null(strstr(params, "MissingDataRequest=true"));
		assert_non_null(lan_header(ex, "Range"));
		assert_string_equal(lan_header(ex, "If-Match"), "\"one\"");
	}
	lan_content_answer(ex);
}

static void what_is_asked(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, SIZE, 1);

	(void)state;
	PONTO_PROVES("DIST-353", "DIST-359", "DIST-362", "DIST-363");
	s->origin = look_at;
	fetched(s, 0, true, 0, SIZE, 0);
	assert_true(s->count > 1);
	end_scene(s);
}

static void look_at_post(struct scene *s, struct lan_exchange *ex)
{
	s->count++;
	assert_string_equal(ex->method, "POST");
	assert_string_equal(ex->url, "http://10.0.0.0:80/116B50EB-ECE2-41ac-8429-9F9E963361B7/");
	assert_true(ex->body.len >= 16 && ex->body.len <= 98304);
}

static void how_neighbours_are_asked(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, SIZE, 2);

	(void)state;
	PONTO_PROVES("DIST-184");
	fetched(s, 0, false, 0, SIZE, 0);
	s->mangle = look_at_post;
	fetched(s, 1, false, SIZE, 0, 0);
	assert_true(s->count > 40);
	end_scene(s);
}

/* ---- plain answers --------------------------------------------------------------------------- */

static void plain(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, SIZE, 1);
	struct lan_download d = {.from = 1000};

	(void)state;
	s->lan.content.encodes = false;
	fetched(s, 0, false, 0, SIZE, 0);
	assert_int_equal(s->lan.content.plain, 1);
	/* The rest of what was begun; and all again when it is another entity. */
	lan_download(&s->lan, 0, URL, &d);
	lan_run(&s->lan, 10 * PONTO_SECOND);
	assert_true(lan_downloaded(&d));
	assert_int_equal(d.from, 1000);
	assert_int_equal(d.received, SIZE - 1000);
	lan_download_clear(&d);
	s->lan.content.etag = "\"two\"";
	d = (struct lan_download){.from = 1000};
	lan_download(&s->lan, 0, URL, &d);
	lan_run(&s->lan, 10 * PONTO_SECOND);
	assert_true(lan_downloaded(&d));
	assert_int_equal(d.from, 0);
	lan_download_clear(&d);
	end_scene(s);
}

/* The rest of a content that is described: only blocks of it are fetched, and only its bytes are given. */
static void the_rest(void **state)
{
	(void)state;
	for (unsigned v2 = 0; v2 < 2; v2++) {
		struct scene *s = scene(v2 ? CONTENT_TRUNCATED : CONTENT_SHA256, SIZE, 1);
		struct lan_download d = {.from = SIZE - 100000, .any_order = true};

		lan_download(&s->lan, 0, URL, &d);
		lan_run(&s->lan, 10 * PONTO_SECOND);
		assert_true(lan_downloaded(&d));
		assert_int_equal(d.from, SIZE - 100000);
		assert_int_equal(d.origin, 100000);
		lan_download_clear(&d);
		end_scene(s);
	}
}

static void empty(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, 0, 1);

	(void)state;
	fetched(s, 0, true, 0, 0, 0);
	end_scene(s);
}

static void makes_hashes(struct scene *s, struct lan_exchange *ex)
{
	const char *params_ex = lan_header(ex, "X-P2P-PeerDistEx");

	if (s->count++ > 0) {
		assert_non_null(strstr(params_ex, "HashRequest=true"));
		assert_non_null(strstr(lan_header(ex, "Accept-Encoding"), "peerdist"));
		s->lan.content.encodes = true;
		lan_content_answer(ex);
		return;
	}
	lan_answer(ex, 200,
		   (const char *const[]){"ETag: \"one\"", "X-P2P-PeerDist: Version=1.1",
					 "X-P2P-PeerDistEx: MakeHashRequest=true", NULL},
		   bytes_of(&s->lan.content.data));
}

static void hash_request(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, SIZE, 1);

	(void)state;
	PONTO_PROVES("DIST-369", "DIST-375");
	s->lan.content.encodes = false;
	s->origin = makes_hashes;
	fetched(s, 0, false, 0, SIZE, 0);
	assert_int_equal(s->count, 2);
	s->origin = NULL;
	fetched(s, 0, false, 0, SIZE, 0);
	assert_int_equal(s->lan.content.described, 2);
	end_scene(s);
}

/* ---- neighbours that lie, hang or are gone ------------------------------------------------------- */

/* A liar among the honest: only he is not asked any more. */
static void liar_is_node_0(struct scene *s, struct lan_exchange *ex)
{
	if (ex->to == 0 && with_block(ex)) {
		s->count++;
		ex->data.data[1000] ^= 1;
	}
}

static void a_liar(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, SIZE, 3);
	struct ponto_counter *wrong;

	(void)state;
	fetched(s, 0, false, 0, SIZE, 0);
	fetched(s, 1, false, SIZE, 0, 0);
	s->mangle = liar_is_node_0;
	fetched(s, 2, true, SIZE, 0, 0);
	assert_true(s->count >= 1 && s->count <= 2);
	wrong = ponto_counter(s->lan.nodes[2].metrics, "dist_wrong_blocks_total", "dist", "");
	assert_int_equal(ponto_counter_value(wrong), s->count);
	end_scene(s);
}

static void gone(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, SIZE, 2);
	struct lan_download d = {.any_order = true};

	(void)state;
	PONTO_PROVES("DIST-493");
	fetched(s, 0, false, 0, SIZE, 0);
	lan_download(&s->lan, 1, URL, &d);
	s->lan.peer_rate = 1000 * 1000;
	lan_run(&s->lan, PONTO_SECOND); /* in the middle */
	assert_true(d.received < SIZE);
	s->lan.nodes[0].gone = true;
	lan_run(&s->lan, 60 * PONTO_SECOND);
	assert_true(lan_downloaded(&d));
	lan_download_clear(&d);
	end_scene(s);
}

/* ---- several at once ----------------------------------------------------------------------------- */

/* Ten that begin at once fetch little more than one copy through their common line. */
static void ten_at_once(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, 256 * 65536, 10);
	struct lan_download d[10];
	uint64_t began;

	(void)state;
	s->lan.line_rate = 2500 * 1000; /* 20 Mbit/s */
	memset(d, 0, sizeof(d));
	began = ponto_sim_now(s->lan.sim);
	for (unsigned i = 0; i < 10; i++) {
		d[i].any_order = true;
		lan_download(&s->lan, i, URL, &d[i]);
	}
	lan_run(&s->lan, 200 * PONTO_SECOND);
	printf("# %.3f of one copy, %u requests to the origin, %u to neighbours, %u searches\n",
	       (double)s->lan.origin_bytes / (256 * 65536), s->lan.origin_requests, s->lan.peer_requests,
	       s->lan.searches);
	for (unsigned i = 0; i < 10; i++) {
		assert_true(lan_downloaded(&d[i]));
		if (i % 5 == 0)
			printf("# node %u: %.1f s, %.2f from neighbours\n", i,
			       (double)(d[i].ended - began) / PONTO_SECOND, (double)d[i].peers / (256 * 65536));
		lan_download_clear(&d[i]);
	}
	assert_true(s->lan.origin_bytes < (uint64_t)256 * 65536 * 130 / 100);
	end_scene(s);
}

/* Two programs of one node, the same content. */
static void the_same_twice(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, SIZE, 1);
	struct lan_download a = {.client = 1}, b = {.client = 2, .any_order = true};

	(void)state;
	lan_download(&s->lan, 0, URL, &a);
	lan_download(&s->lan, 0, URL, &b);
	lan_run(&s->lan, 60 * PONTO_SECOND);
	assert_true(lan_downloaded(&a));
	assert_true(lan_downloaded(&b));
	lan_download_clear(&a);
	lan_download_clear(&b);
	end_scene(s);
}

/* ---- readers ---------------------------------------------------------------------------------------- */

/* Who reads nothing stops the fetch at the memory it may take, whatever its kind. */
static void a_reader_asleep(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 3; kind++) {
		struct scene *s = scene(CONTENT_SHA256, 100 * 65536, 0);
		struct lan_download d = {.any_order = kind == 1, .pause = 3600 * PONTO_SECOND};

		lan_add(&s->lan, (const char *const[]){"fetch_memory=1", "cache_size=1", NULL});
		s->lan.content.encodes = kind < 2;
		lan_download(&s->lan, 0, URL, &d);
		lan_run(&s->lan, 300 * PONTO_SECOND);
		assert_true(d.begun && !d.done);
		if (kind != 1) /* in any order, the cache takes more of it than memory does */
			assert_true(s->lan.origin_bytes < 3 * 1024 * 1024 + 300000);
		d.pause = 10 * PONTO_MS;
		lan_run(&s->lan, 7200 * PONTO_SECOND);
		assert_true(lan_downloaded(&d));
		lan_download_clear(&d);
		end_scene(s);
	}
}

static void on_result(void *arg, int result, struct ponto_bytes payload, const char *error)
{
	(void)payload;
	(void)error;
	*(int *)arg = result;
}

/* fetch = 1 */
static int call(struct scene *s, const char *method, uint64_t client)
{
	static const uint8_t first[] = {8, 1};
	int result = 1;

	lan_call(&s->lan, 0, method, ponto_bytes(first, sizeof(first)), client, on_result, &result);
	lan_run(&s->lan, 2 * PONTO_SECOND);
	return result;
}

static void whose(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, SIZE, 1);
	struct lan_download d = {.client = 7, .stop = true};
	int first = 1, second = 1;
	static const uint8_t one[] = {8, 1};

	(void)state;
	s->origin = is_silent;
	lan_download(&s->lan, 0, URL, &d);
	lan_run(&s->lan, 100 * PONTO_MS);
	assert_int_equal(call(s, "Read", 8), PONTO_ENOENT);
	assert_int_equal(call(s, "Cancel", 8), PONTO_ENOENT);
	assert_int_equal(call(s, "Read", 7), PONTO_EBUSY); /* it has not begun */
	assert_int_equal(call(s, "Cancel", 7), PONTO_OK);
	assert_true(d.done);
	assert_int_equal(d.result, PONTO_ECLOSED);
	assert_int_equal(call(s, "Read", 7), PONTO_ENOENT);
	lan_download_clear(&d);
	/* One read at a time; the end of its program ends it. */
	s->origin = NULL;
	s->lan.line_rate = 1000;
	d = (struct lan_download){.client = 9, .stop = true};
	lan_download(&s->lan, 0, URL, &d);
	lan_run(&s->lan, 3 * PONTO_SECOND);
	assert_true(d.begun);
	(void)one;
	{
		uint8_t packed[] = {8, (uint8_t)d.fetch};

		lan_call(&s->lan, 0, "Read", ponto_bytes(packed, 2), 9, on_result, &first);
		lan_call(&s->lan, 0, "Read", ponto_bytes(packed, 2), 9, on_result, &second);
		assert_int_equal(second, PONTO_EBUSY);
		assert_ok(ponto_node_client_gone(s->lan.nodes[0].node, "dist", 9));
		lan_run(&s->lan, PONTO_SECOND);
		assert_int_equal(first, PONTO_ECLOSED);
		lan_call(&s->lan, 0, "Read", ponto_bytes(packed, 2), 9, on_result, &second);
		assert_int_equal(second, PONTO_ENOENT);
	}
	lan_run(&s->lan, PONTO_SECOND);
	assert_null(s->lan.exchanges);
	lan_download_clear(&d);
	end_scene(s);
}

static void limits(void **state)
{
	struct scene *s = scene(CONTENT_SHA256, SIZE, 0);
	struct lan_download d[9];
	unsigned open = 0;

	(void)state;
	lan_add(&s->lan, (const char *const[]){"fetches=8", NULL});
	s->origin = is_silent;
	memset(d, 0, sizeof(d));
	for (unsigned i = 0; i < 9; i++)
		lan_download(&s->lan, 0, URL, &d[i]);
	lan_run(&s->lan, PONTO_SECOND);
	for (unsigned i = 0; i < 9; i++) {
		open += !d[i].done;
		assert_true(!d[i].done || d[i].result == PONTO_EBUSY);
	}
	assert_int_equal(open, 4); /* half is for other users */
	lan_remove(&s->lan, 0);	   /* in the middle of all that */
	for (unsigned i = 0; i < 9; i++) {
		assert_true(d[i].done);
		lan_download_clear(&d[i]);
	}
	end_scene(s);
}

static void bad_urls(void **state)
{
	static const char *const urls[] = {"", "file", "ftp://x/y", "http://", "http://a b/", "http://u:p@h/"};
	struct scene *s = scene(CONTENT_SHA256, SIZE, 1);

	(void)state;
	for (unsigned i = 0; i < PONTO_ARRAY_SIZE(urls); i++) {
		struct lan_download d = {0};

		lan_download(&s->lan, 0, urls[i], &d);
		assert_true(d.done);
		assert_true(d.result == PONTO_EINVAL || d.result == PONTO_ENOTSUP);
		assert_true(*d.error != '\0');
		lan_download_clear(&d);
	}
	end_scene(s);
}

/* ---- without memory ------------------------------------------------------------------------------------ */

/* The nth allocation of a node is refused, and no other: whatever it was for, the fetch ends, right or with an error,
 * and nothing is left behind. */
/* The store is so slow that the cache is not read yet when somebody asks: it is asked for the segments themselves. */
static void what_was_not_read_yet(void **state)
{
	struct scene *s = scene(CONTENT_TRUNCATED, 2 * CONTENT_BLOCK + 1000, 0);

	(void)state;
	ponto_sim_set_work_time(s->lan.sim, 300 * PONTO_MS);
	assert_int_equal(lan_add(&s->lan, NULL), 0);
	lan_leave(&s->lan, 0, &s->lan.content.made, bytes_of(&s->lan.content.data));
	fetched(s, 0, true, 0, 0, 2 * CONTENT_BLOCK + 1000);
	end_scene(s);
}

static void no_memory(void **state)
{
	unsigned right = 0, wrong = 0;
	bool more = true;

	(void)state;
	for (size_t n = 1; more; n += 1 + n / 40) {
		struct scene *s = scene(n % 2 ? CONTENT_SHA256 : CONTENT_TRUNCATED, 5 * 65536, 1);
		struct ponto_test_alloc alloc;
		struct lan_download d = {.any_order = n % 4 < 2};
		unsigned node;

		fetched(s, 0, true, 0, 5 * 65536, 0);
		ponto_test_alloc_init(&alloc);
		s->lan.alloc = &alloc.alloc;
		node = lan_add(&s->lan, (const char *const[]){"session_timeout=500", NULL});
		alloc.fail_at = alloc.made + n;
		lan_download(&s->lan, node, URL, &d);
		lan_run(&s->lan, 600 * PONTO_SECOND);
		if (!d.done)
			fail_msg("refused allocation %zu: begun %d, %llu bytes", n, d.begun,
				 (unsigned long long)d.received);
		more = alloc.refused;
		if (d.result == PONTO_OK)
			assert_true(lan_downloaded(&d));
		*(d.result == PONTO_OK ? &right : &wrong) += 1;
		lan_remove(&s->lan, node);
		assert_int_equal(alloc.live, 0);
		lan_download_clear(&d);
		end_scene(s);
	}
	printf("# %u fetches came through, %u ended with an error\n", right, wrong);
	assert_true(right > wrong);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(shapes),
	cmocka_unit_test(what_is_asked),
	cmocka_unit_test(how_neighbours_are_asked),
	cmocka_unit_test(plain),
	cmocka_unit_test(the_rest),
	cmocka_unit_test(empty),
	cmocka_unit_test(hash_request),
	cmocka_unit_test(a_liar),
	cmocka_unit_test(gone),
	cmocka_unit_test(ten_at_once),
	cmocka_unit_test(the_same_twice),
	cmocka_unit_test(a_reader_asleep),
	cmocka_unit_test(whose),
	cmocka_unit_test(limits),
	cmocka_unit_test(bad_urls),
	cmocka_unit_test(what_was_not_read_yet),
	cmocka_unit_test(no_memory),
};

PONTO_TEST_MAIN(tests)
