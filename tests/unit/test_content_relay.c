/* Segments fetched without keys: blocks are taken as they come, whatever they are, and nothing is sought. */
#include "tests/unit/content_rig.h"

static struct content_id some_id(void)
{
	struct content_id id = {.len = 32};

	memset(id.b, 0x77, 32);
	return id;
}

static int relay(struct rig *rig, enum content_algo algo, uint32_t size, uint32_t index, uint32_t count)
{
	struct content_blocks wanted = blocks_of(index, count);
	struct content_id id = some_id();

	return content_client_relay(rig->client, rig->now, &id, algo, size, &wanted, 5);
}

static void expect(struct rig *rig, unsigned i)
{
	struct content_id id = some_id();
	struct ponto_addr addr = peer(i);

	content_client_expect(rig->client, rig->now, &id, &addr);
}

/* A block of that many bytes, as it stands on the wire. */
static struct blob sent(uint32_t index, enum content_crypto crypto, size_t len)
{
	struct blob data = pattern(len), out;
	struct content_message m = {.type = CONTENT_BLK, .crypto = crypto};

	m.blk.id = some_id();
	m.blk.index = index;
	m.blk.data = bytes_of(&data);
	memset(m.blk.iv, 0x3c, sizeof(m.blk.iv));
	out = encoded(&m);
	free(data.data);
	return out;
}

/* Takes body: whether a block came, which is open then. */
static int responds(struct rig *rig, struct blob body, struct content_open *open)
{
	int result = content_client_response(rig->client, rig->now, rig->e.request, PONTO_OK, bytes_of(&body), open);

	free(body.data);
	return result;
}

static void every_cipher_is_taken_as_it_comes(void **state)
{
	(void)state;
	for (unsigned crypto = CONTENT_PLAIN; crypto <= CONTENT_AES_256; crypto++) {
		struct content_open open;
		struct rig rig;

		rig_start(&rig, CONTENT_TRUNCATED, 1000);
		expect(&rig, 0);
		assert_ok(relay(&rig, CONTENT_TRUNCATED, 60000, 0, 1));
		next_effect(&rig, CONTENT_CLIENT_REQUEST);
		assert_int_equal(request(&rig).type, CONTENT_GETBLKS);
		assert_int_equal(responds(&rig, sent(0, (enum content_crypto)crypto, crypto ? 60016 : 60000), &open),
				 1);
		assert_true(open.relayed);
		assert_int_equal(open.crypto, crypto);
		assert_int_equal(open.size, 60000);
		assert_int_equal(open.tag, 5);
		if (crypto)
			assert_int_equal(open.iv[15], 0x3c);
		assert_int_equal(content_client_opened(rig.client, rig.now, rig.e.request, PONTO_OK, NULL), 1);
		ended(&rig, 0);
		no_effect(&rig);
		rig_end(&rig);
	}
}

static void wrong_lengths(void **state)
{
	static const struct {
		enum content_crypto crypto;
		size_t len;
	} bad[] = {{CONTENT_PLAIN, 59999},
		   {CONTENT_PLAIN, 60001},
		   {CONTENT_AES_128, 59984},
		   {CONTENT_AES_128, 60032},
		   {CONTENT_AES_256, 131072}};

	(void)state;
	for (size_t i = 0; i < PONTO_ARRAY_SIZE(bad); i++) {
		struct content_open open;
		struct rig rig;

		rig_start(&rig, CONTENT_TRUNCATED, 1000);
		expect(&rig, 0);
		assert_ok(relay(&rig, CONTENT_TRUNCATED, 60000, 0, 1));
		next_effect(&rig, CONTENT_CLIENT_REQUEST);
		assert_int_equal(responds(&rig, sent(0, bad[i].crypto, bad[i].len), &open), 0);
		assert_int_equal(stats_of(&rig).malformed, 1);
		ended(&rig, 1);
		rig_end(&rig);
	}
}

/* Nobody is asked but who was named. */
static void nothing_is_sought(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_TRUNCATED, 1000);
	assert_ok(relay(&rig, CONTENT_TRUNCATED, 60000, 0, 1));
	ended(&rig, 1);
	no_effect(&rig);
	assert_int_equal(stats_of(&rig).probes, 0);
	rig_end(&rig);
}

static void several_sources(void **state)
{
	struct content_id id = some_id();
	struct ponto_addr other = peer(1);
	struct content_open open;
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_SHA256, 1000);
	expect(&rig, 0);
	assert_ok(relay(&rig, CONTENT_SHA256, 3 * 65536 + 5, 1, 3));
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_int_equal(request(&rig).wanted.lowest, 1);
	fails(&rig, PONTO_EUNREACH);
	ended(&rig, 3);
	expect(&rig, 0);
	assert_ok(relay(&rig, CONTENT_SHA256, 3 * 65536 + 5, 2, 2));
	assert_int_equal(relay(&rig, CONTENT_SHA256, 3 * 65536 + 5, 2, 2), PONTO_EEXIST);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	content_client_found(rig.client, rig.now, &id, &other);
	assert_int_equal(responds(&rig, sent(2, CONTENT_AES_128, 65552), &open), 1);
	assert_int_equal(content_client_opened(rig.client, rig.now, rig.e.request, PONTO_OK, NULL), 1);
	next_effect(&rig, CONTENT_CLIENT_REQUEST);
	assert_true(ponto_addr_equal(&rig.e.addr, &other));
	assert_int_equal(request(&rig).wanted.lowest, 3);
	assert_int_equal(responds(&rig, sent(3, CONTENT_PLAIN, 5), &open), 1);
	assert_int_equal(content_client_opened(rig.client, rig.now, rig.e.request, PONTO_OK, NULL), 1);
	ended(&rig, 0);
	rig_end(&rig);
}

/* Who had it is asked again, unless he is to be forgotten. */
static void sources_are_forgotten(void **state)
{
	struct content_id id = some_id();
	struct ponto_addr first = peer(0), second = peer(1);
	struct content_open open;
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_TRUNCATED, 1000);
	expect(&rig, 0);
	for (unsigned i = 0; i < 3; i++) {
		if (i == 2) {
			content_client_forget(rig.client, &id);
			expect(&rig, 1);
		}
		assert_ok(relay(&rig, CONTENT_TRUNCATED, 60000, 0, 1));
		content_client_forget(rig.client, &id); /* not while it is fetched */
		next_effect(&rig, CONTENT_CLIENT_REQUEST);
		assert_true(ponto_addr_equal(&rig.e.addr, i < 2 ? &first : &second));
		assert_int_equal(responds(&rig, sent(0, CONTENT_PLAIN, 60000), &open), 1);
		assert_int_equal(content_client_opened(rig.client, rig.now, rig.e.request, PONTO_OK, NULL), 1);
		ended(&rig, 0);
	}
	rig_end(&rig);
}

static void segments_that_cannot_be(void **state)
{
	struct rig rig;

	(void)state;
	rig_start(&rig, CONTENT_TRUNCATED, 1000);
	assert_int_equal(relay(&rig, CONTENT_TRUNCATED, 0, 0, 1), PONTO_EINVAL);
	assert_int_equal(relay(&rig, CONTENT_TRUNCATED, CONTENT_SEGMENT_V2_MAX + 1, 0, 1), PONTO_EINVAL);
	assert_int_equal(relay(&rig, CONTENT_TRUNCATED, 100000, 1, 1), PONTO_EINVAL);
	assert_int_equal(relay(&rig, CONTENT_TRUNCATED, 100000, 0, 0), PONTO_EINVAL);
	assert_int_equal(relay(&rig, CONTENT_SHA256, CONTENT_SEGMENT_V1 + 1, 0, 1), PONTO_EINVAL);
	assert_int_equal(relay(&rig, CONTENT_SHA256, 65537, 2, 1), PONTO_EINVAL);
	assert_ok(relay(&rig, CONTENT_SHA256, 65537, 0, 2));
	ended(&rig, 2);
	rig_end(&rig);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_cipher_is_taken_as_it_comes),
	cmocka_unit_test(wrong_lengths),
	cmocka_unit_test(nothing_is_sought),
	cmocka_unit_test(several_sources),
	cmocka_unit_test(sources_are_forgotten),
	cmocka_unit_test(segments_that_cannot_be),
};

PONTO_TEST_MAIN(tests)
