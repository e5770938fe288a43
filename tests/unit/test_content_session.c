/* The fetching side: versions, time, and which servers are known. [MS-PCCRR] 3.1.5.1, 3.1.6; [MS-CCROD] 2.8.2. */
#include "tests/unit/content_rig.h"

/* ---- versions ----------------------------------------------------------------------------------- */

static void versions(void **state)
{
	struct content_message nego = {.type = CONTENT_NEGO_RESP, .nego = {{2, 0}, {3, 1}}};
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-300");
	rig_start(&rig, CONTENT_SHA256, 128000);
	started(&rig, 0, 1);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_int_equal(request(&rig).version.major, 1);
	assert_int_equal(answer(&rig, encoded(&nego)), 0);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_int_equal(request(&rig).version.major, 2);
	assert_int_equal(request(&rig).wanted.lowest, 0);
	assert_int_equal(answer(&rig, block(&rig, 0, CONTENT_AES_128)), 1);
	ended(&rig, 0);
	rig_end(&rig);
}

static void no_common_version(void **state)
{
	struct content_message nego = {.type = CONTENT_NEGO_RESP, .nego = {{3, 0}, {4, 0}}};
	struct content_request *other;
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-302");
	rig_start(&rig, CONTENT_TRUNCATED, 300000);
	for (size_t i = 0; i < 2; i++) {
		assert_ok(add(&rig, i, 0, 1));
		next_effect(&rig, CONTENT_CLIENT_PROBE);
	}
	for (size_t i = 0; i < 2; i++)
		found(&rig, i, 0);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	other = rig.e.request;
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_int_equal(answer(&rig, encoded(&nego)), 0);
	/* The other exchange with it is broken off. */
	next_effect(&rig, CONTENT_CLIENT_CANCEL);
	assert_ptr_equal(rig.e.request, other);
	fails(&rig, PONTO_ECLOSED);
	no_effect(&rig);
	for (size_t i = 0; i < 2; i++) {
		searched(&rig, i);
		ended(&rig, 1);
	}
	rig_end(&rig);
}

static void versions_over_and_over(void **state)
{
	struct content_message nego = {.type = CONTENT_NEGO_RESP, .nego = {{1, 0}, {2, 0}}};
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 128000);
	started(&rig, 0, 1);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_int_equal(answer(&rig, encoded(&nego)), 0);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_int_equal(answer(&rig, encoded(&nego)), 0);
	ended(&rig, 1);
	rig_end(&rig);
}

/* ---- time ------------------------------------------------------------------------------------------ */

static void silent_servers(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-290", "DIST-292", "DIST-318", "DIST-514");
	rig_start(&rig, CONTENT_SHA256, 128000);
	started(&rig, 0, 1);
	for (unsigned i = 0; i < CONTENT_STRIKES; i++) {
		struct content_request *r;

		/* A new session each time: the old one would be over by then. */
		if (i == 2) {
			content_client_stop(rig.client, 0);
			while (effect(&rig)) {
				if (rig.e.kind == CONTENT_CLIENT_REQUEST || rig.e.kind == CONTENT_CLIENT_CANCEL)
					fails(&rig, PONTO_ECLOSED);
			}
			assert_ok(add(&rig, 0, 0, 1));
		}
		next_effect(&rig, CONTENT_CLIENT_REQUEST);
		r = rig.e.request;
		assert_int_equal(content_client_deadline(rig.client), rig.now + 2 * PONTO_SECOND);
		rig.now += 2 * PONTO_SECOND - 1;
		content_client_advance(rig.client, rig.now);
		no_effect(&rig);
		content_client_advance(rig.client, ++rig.now);
		if (i == CONTENT_STRIKES - 1)
			ended(&rig, 1);
		next_effect(&rig, CONTENT_CLIENT_CANCEL);
		assert_ptr_equal(rig.e.request, r);
		fails(&rig, PONTO_ETIME);
	}
	assert_int_equal(stats_of(&rig).timeouts, 3);
	assert_int_equal(stats_of(&rig).dropped, 1);
	no_effect(&rig);
	rig_end(&rig);
}

static void sessions_end(void **state)
{
	struct rig rig;
	struct content_request *r;

	(void)state;
	PONTO_PROVES("DIST-500", "DIST-289");
	rig_start(&rig, CONTENT_SHA256, 1000000);
	started(&rig, 0, 3);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	rig.now += PONTO_SECOND;
	assert_int_equal(answer(&rig, block(&rig, 0, CONTENT_AES_128)), 1);
	/* Counted from the last block. */
	rig.now += 4 * PONTO_SECOND + 500 * PONTO_MS;
	content_client_advance(rig.client, rig.now);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	r = rig.e.request;
	assert_int_equal(content_client_deadline(rig.client), START + 6 * PONTO_SECOND);
	rig.now = START + 6 * PONTO_SECOND;
	content_client_advance(rig.client, rig.now);
	ended(&rig, 2);
	next_effect(&rig, CONTENT_CLIENT_CANCEL);
	assert_ptr_equal(rig.e.request, r);
	assert_int_equal(content_client_deadline(rig.client), PONTO_NEVER);
	/* Its answer comes all the same: nobody wants it. */
	assert_int_equal(answer(&rig, block(&rig, 1, CONTENT_AES_128)), 0);
	no_effect(&rig);
	rig_end(&rig);
}

static void sessions_end_while_a_block_is_opened(void **state)
{
	struct rig rig;
	struct content_request *r;
	struct content_open open;
	struct blob b;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 128000);
	started(&rig, 0, 2);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	r = rig.e.request;
	b = block(&rig, 0, CONTENT_AES_128);
	assert_int_equal(content_client_response(rig.client, rig.now, r, PONTO_OK, bytes_of(&b), &open), 1);
	content_client_stop(rig.client, 0);
	ended(&rig, 2);
	no_effect(&rig);
	assert_int_equal(opened(&rig, r, &open), 0);
	free(b.data);
	rig_end(&rig);
}

/* ---- servers ---------------------------------------------------------------------------------------- */

static void nobody_has_it(void **state)
{
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-501", "DIST-512");
	rig_start(&rig, CONTENT_SHA256, 128000);
	assert_ok(add(&rig, 0, 0, 2));
	next_effect(&rig, CONTENT_CLIENT_PROBE);
	no_effect(&rig);
	searched(&rig, 0);
	ended(&rig, 2);
	/* For 15 seconds nobody is asked again. */
	rig.now += 15 * PONTO_SECOND - 1;
	assert_ok(add(&rig, 0, 0, 2));
	ended(&rig, 2);
	rig.now++;
	assert_ok(add(&rig, 0, 0, 2));
	next_effect(&rig, CONTENT_CLIENT_PROBE);
	searched(&rig, 0);
	ended(&rig, 2);
	rig_end(&rig);
}

static void servers_are_remembered(void **state)
{
	struct content_client_config config;
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-505", "DIST-502");
	rig_start(&rig, CONTENT_SHA256, 128000);
	config = content_client_defaults(&rig.alloc.alloc);
	config.server_lifetime = 15 * PONTO_SECOND;
	rig_with(&rig, &config);
	started(&rig, 0, 1);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_int_equal(answer(&rig, block(&rig, 0, CONTENT_AES_128)), 1);
	ended(&rig, 0);
	rig.now += 15 * PONTO_SECOND - 1;
	assert_ok(add(&rig, 0, 1, 1));
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_int_equal(answer(&rig, block(&rig, 1, CONTENT_AES_128)), 1);
	ended(&rig, 0);
	rig.now += 15 * PONTO_SECOND;
	assert_ok(add(&rig, 0, 1, 1));
	next_effect(&rig, CONTENT_CLIENT_PROBE);
	searched(&rig, 0);
	ended(&rig, 1);
	rig_end(&rig);
}

/* Who is told last is asked first, whatever was known of the others. */
static void the_likely_one_is_asked_first(void **state)
{
	struct content_id id;
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 128000);
	id = id_of(&rig, 0);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 4; i++) {
			struct ponto_addr addr = peer((i + 3 * round) % 4);

			content_client_expect(rig.client, rig.now, &id, &addr);
		}
		assert_ok(add(&rig, 0, round, 1));
		next_effect(&rig, CONTENT_CLIENT_REQUEST);
		assert_true(ponto_addr_equal(&rig.e.addr, &(struct ponto_addr[]){peer(round ? 2 : 3)}[0]));
		assert_int_equal(answer(&rig, block(&rig, round, CONTENT_AES_128)), 1);
		ended(&rig, 0);
	}
	rig_end(&rig);
}

static void the_longest_unused_list_goes(void **state)
{
	struct content_client_config config;
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-506");
	rig_start(&rig, CONTENT_TRUNCATED, 400000);
	assert_true(rig.made.count >= 3);
	config = content_client_defaults(&rig.alloc.alloc);
	config.segments = config.sessions = 2;
	rig_with(&rig, &config);
	for (size_t i = 0; i < 3; i++) {
		assert_ok(add(&rig, i, 0, 1));
		next_effect(&rig, CONTENT_CLIENT_PROBE);
		searched(&rig, i);
		ended(&rig, 1);
		rig.now++;
	}
	/* The third is known, the first forgotten. */
	assert_ok(add(&rig, 2, 0, 1));
	ended(&rig, 1);
	assert_ok(add(&rig, 0, 0, 1));
	next_effect(&rig, CONTENT_CLIENT_PROBE);
	searched(&rig, 0);
	ended(&rig, 1);
	rig_end(&rig);
}

static void as_many_servers_as_there_may_be(void **state)
{
	struct rig rig;
	unsigned requests = 0;

	(void)state;
	PONTO_PROVES("DIST-511");
	rig_start(&rig, CONTENT_SHA256, 30 * 65536);
	started(&rig, 0, 1);
	for (unsigned i = 1; i < 20; i++) {
		rig.now++;
		found(&rig, 0, i);
	}
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	no_effect(&rig);
	assert_int_equal(answer(&rig, block(&rig, 0, CONTENT_AES_128)), 1);
	ended(&rig, 0);
	assert_ok(add(&rig, 0, 0, 30));
	while (effect(&rig)) {
		assert_int_equal(rig.e.kind, CONTENT_CLIENT_REQUEST);
		/* 1 was at work and 17 to 20 came for the others longest not heard of. */
		assert_true(rig.e.addr.ip[3] == 1 || rig.e.addr.ip[3] > 5);
		requests++;
		fails(&rig, PONTO_EIO);
		if (requests == 16)
			break;
	}
	ended(&rig, 30);
	rig_end(&rig);
}

static void too_many_searches(void **state)
{
	struct content_client_config config;
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-507");
	rig_start(&rig, CONTENT_TRUNCATED, 400000);
	config = content_client_defaults(&rig.alloc.alloc);
	config.probes = 1;
	rig_with(&rig, &config);
	assert_ok(add(&rig, 0, 0, 1));
	assert_ok(add(&rig, 1, 0, 1));
	next_effect(&rig, CONTENT_CLIENT_ENDED);
	assert_int_equal(rig.e.tag, 1);
	next_effect(&rig, CONTENT_CLIENT_PROBE);
	assert_int_equal(rig.e.tag, 0);
	no_effect(&rig);
	rig.now += PONTO_SECOND;
	assert_ok(add(&rig, 1, 0, 1));
	next_effect(&rig, CONTENT_CLIENT_PROBE);
	rig_end(&rig);
}

static void settings(void **state)
{
	struct content_client_config c = content_client_defaults(&ponto_alloc_system);
	struct content_client *client = NULL;

	(void)state;
	PONTO_PROVES("DIST-291");
	assert_int_equal(c.request_timeout, 2 * PONTO_SECOND);
	assert_int_equal(c.servers, 16);
	assert_int_equal(c.strikes, 3);
	c.request_timeout = 0;
	assert_int_equal(content_client_create(&c, &client), PONTO_EINVAL);
	c.request_timeout = 61 * PONTO_SECOND;
	assert_int_equal(content_client_create(&c, &client), PONTO_EINVAL);
	c.request_timeout = PONTO_MS;
	assert_ok(content_client_create(&c, &client));
	content_client_destroy(client);
	c.request_timeout = 60 * PONTO_SECOND;
	c.strikes = 0;
	assert_int_equal(content_client_create(&c, &client), PONTO_EINVAL);
	c.strikes = 101;
	assert_int_equal(content_client_create(&c, &client), PONTO_EINVAL);
	c.strikes = 100;
	c.servers = 17;
	assert_int_equal(content_client_create(&c, &client), PONTO_EINVAL);
}

static void what_cannot_be_wanted(void **state)
{
	struct content_client_config config;
	struct content_blocks none = {{0}}, beyond = blocks_of(0, 3);
	struct rig rig;

	(void)state;
	PONTO_PROVES("DIST-025");
	rig_start(&rig, CONTENT_SHA256, 128000);
	assert_int_equal(content_client_add(rig.client, rig.now, CONTENT_SHA256, &rig.made.segments[0], &none, 1),
			 PONTO_EINVAL);
	assert_int_equal(content_client_add(rig.client, rig.now, CONTENT_SHA256, &rig.made.segments[0], &beyond, 1),
			 PONTO_EINVAL);
	/* A hash that is not listed: nothing could be believed. */
	rig.made.segments[0].block_hashes.len = 32;
	assert_int_equal(add(&rig, 0, 1, 1), PONTO_EINVAL);
	assert_ok(add(&rig, 0, 0, 1));
	assert_int_equal(add(&rig, 0, 0, 1), PONTO_EEXIST);
	config = content_client_defaults(&rig.alloc.alloc);
	config.sessions = 1;
	rig_with(&rig, &config);
	assert_ok(add(&rig, 0, 0, 1));
	rig.made.segments[0].hod[0] ^= 1;
	assert_int_equal(add(&rig, 0, 0, 1), PONTO_EBUSY);
	rig_end(&rig);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(versions),
	cmocka_unit_test(no_common_version),
	cmocka_unit_test(versions_over_and_over),
	cmocka_unit_test(silent_servers),
	cmocka_unit_test(sessions_end),
	cmocka_unit_test(sessions_end_while_a_block_is_opened),
	cmocka_unit_test(nobody_has_it),
	cmocka_unit_test(servers_are_remembered),
	cmocka_unit_test(the_likely_one_is_asked_first),
	cmocka_unit_test(the_longest_unused_list_goes),
	cmocka_unit_test(as_many_servers_as_there_may_be),
	cmocka_unit_test(too_many_searches),
	cmocka_unit_test(settings),
	cmocka_unit_test(what_cannot_be_wanted),
};

PONTO_TEST_MAIN(tests)
